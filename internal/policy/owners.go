package policy

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hmarr/codeowners"
)

// OwnersPaths are where a repository may keep its owners; the first that is
// there counts, as on GitHub.
func OwnersPaths() []string {
	return []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}
}

// Owners tell who answers for a path. The zero Owners know nobody.
type Owners struct{ rules codeowners.Ruleset }

// ParseOwners reads a CODEOWNERS file. A line that cannot be read is left out,
// as GitHub does, and named.
func ParseOwners(text []byte) (Owners, []string) {
	var o Owners
	var wrong []string
	for i, line := range bytes.Split(text, []byte("\n")) {
		rules, err := codeowners.ParseFile(bytes.NewReader(line), codeowners.WithOwnerMatchers([]codeowners.OwnerMatcher{codeowners.OwnerMatchFunc(owner)}))
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("line %d cannot be read", i+1))
			continue
		}
		for _, r := range rules {
			if r.RawPattern() != "/" { // matches nothing, and the library stumbles over it
				o.rules = append(o.rules, r)
			}
		}
	}
	return o, wrong
}

// owner takes every account, team and address; the library's own matcher of
// addresses knows short top-level domains only.
func owner(s string) (codeowners.Owner, error) {
	switch name, isName := strings.CutPrefix(s, "@"); {
	case isName && name != "" && strings.Contains(name, "/"):
		return codeowners.Owner{Value: name, Type: codeowners.TeamOwner}, nil
	case isName && name != "":
		return codeowners.Owner{Value: name, Type: codeowners.UsernameOwner}, nil
	case strings.Contains(s, "@"):
		return codeowners.Owner{Value: s, Type: codeowners.EmailOwner}, nil
	}
	return codeowners.Owner{}, codeowners.ErrNoMatch
}

// Approvers are who may approve an exception of what blocks at a path: its
// owners, and the security reviewers.
func (p Policy) Approvers(path string) []string {
	all := p.Owners.Of(path)
	for _, name := range p.Security.Reviewers {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// Of returns who answers for a path, such as "@acme/platform".
func (o Owners) Of(path string) []string {
	rule, err := o.rules.Match(path)
	if rule == nil || err != nil {
		return nil
	}
	var out []string
	for _, owner := range rule.Owners {
		out = append(out, owner.String())
	}
	return out
}
