package iac

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/aquasecurity/trivy/pkg/iac/scanners/terraform/parser"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/pullwarden/pullwarden/internal/change"
)

// A refusal is a value that Terraform knows and this package does not evaluate.
type refusal struct {
	line int
	why  string
}

func refused(line int, function string) refusal {
	return refusal{line, fmt.Sprintf("%s() is not evaluated here, what depends on its value was not inspected", function)}
}

// evaluated are the functions that the engine knows and is allowed to call, and
// what only looks like a function: the types of variables.
var evaluated = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for name := range parser.Functions(nil, "") {
		out[name] = true
	}
	for _, name := range []string{"file", "filebase64", "fileexists", "fileset"} {
		delete(out, name) // the engine sees no files but Terraform's
	}
	for _, name := range []string{"object", "optional", "set", "tuple"} {
		out[name] = true
	}
	return out
})

// call notes what becomes of a function call: the engine makes it, it is made
// here, or its value stays unknown.
func (g *guard) call(n *hclsyntax.FunctionCallExpr) {
	r := n.NameRange
	length := r.End.Byte - r.Start.Byte
	f := *n
	if name, ok := strings.CutPrefix(n.Name, "core::"); ok { // the same function by its full name
		f.Name = name
		g.edits = append(g.edits, edit{r.Start.Byte, r.End.Byte, strings.Repeat(" ", max(0, length-len(name))) + name})
	}
	switch {
	case costly(&f):
		g.edits = append(g.edits, edit{r.Start.Byte, r.End.Byte, strings.Repeat("_", length)})
		g.refused = append(g.refused, refused(r.Start.Line, n.Name))
	case f.Name == "file" || f.Name == "filebase64" || f.Name == "templatefile":
		g.files = append(g.files, &f)
	case !evaluated()[f.Name] && !strings.HasPrefix(f.Name, "provider::"): // which only the provider knows
		g.refused = append(g.refused, refused(r.Start.Line, n.Name))
	}
}

const (
	maxIncluded = 64 << 10  // bytes of one file that stands in for the call that reads it
	maxIncludes = 256 << 10 // of all of them in one Terraform file
)

// includes returns edits that put the content of files in place of the calls
// that read them, and the calls for which that cannot be done. A file that the
// repository does not have is neither: it is made elsewhere.
func (s *source) includes(calls []*hclsyntax.FunctionCallExpr, read func(string) ([]byte, error)) (edits []edit) {
	room := maxIncludes
	for _, c := range calls {
		p, inside := s.named(c)
		if p != "" && !inside {
			continue
		}
		text, why := s.content(c, p, read)
		if errors.Is(why, fs.ErrNotExist) {
			continue
		}
		if room -= len(text); why != nil || room < 0 {
			s.refused = append(s.refused, refused(c.NameRange.Start.Line, c.Name))
			continue
		}
		r := c.Range()
		edits = append(edits, edit{r.Start.Byte, r.End.Byte, string(hclwrite.TokensForValue(cty.StringVal(text)).Bytes())})
	}
	return edits
}

// named returns the path that a call reads, "" if only an evaluation tells, and
// whether it is one inside of the repository.
func (s *source) named(c *hclsyntax.FunctionCallExpr) (p string, inside bool) {
	if len(c.Args) == 0 {
		return "", false
	}
	here := cty.ObjectVal(map[string]cty.Value{"module": cty.StringVal("."), "root": cty.StringVal("."), "cwd": cty.StringVal(".")})
	v, diags := c.Args[0].Value(&hcl.EvalContext{Variables: map[string]cty.Value{"path": here}})
	if diags.HasErrors() || !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
		return "", false
	}
	p = v.AsString()
	if path.IsAbs(p) || strings.HasPrefix(p, "~") {
		return p, false
	}
	p = path.Join(path.Dir(s.path), p)
	return p, fs.ValidPath(p)
}

var errUnread = errors.New("cannot stand in for the call")

// content returns what the call c of the file at p comes to.
func (s *source) content(c *hclsyntax.FunctionCallExpr, p string, read func(string) ([]byte, error)) (string, error) {
	if p == "" || read == nil {
		return "", errUnread
	}
	s.files = append(s.files, p)
	text, err := read(p)
	switch missing := (*change.MissingError)(nil); {
	case errors.As(err, &missing):
		return "", errUnread
	case err != nil:
		return "", fs.ErrNotExist
	case len(text) > maxIncluded:
		return "", errUnread
	case c.Name == "filebase64":
		return base64.StdEncoding.EncodeToString(text), nil
	case !utf8.Valid(text):
		return "", errUnread
	case c.Name == "templatefile" && (strings.Contains(string(text), "${") || strings.Contains(string(text), "%{")):
		return "", errUnread
	}
	return string(text), nil
}

var functionCall = regexp.MustCompile(`([A-Za-z_][\w:-]*)[ \t]*\(`)

// refusedJSON returns the calls in the strings of JSON whose values stay unknown.
// It goes by lines, and takes more for a call than is one.
func refusedJSON(before, after []byte) []refusal {
	var out []refusal
	was, is := strings.Split(string(before), "\n"), strings.Split(string(after), "\n")
	for i, line := range was {
		if !strings.Contains(line, "${") && !strings.Contains(line, "%{") {
			continue
		}
		for _, m := range functionCall.FindAllStringSubmatch(line, -1) {
			if name := m[1]; !strings.HasPrefix(name, "provider::") && !evaluated()[name] || i < len(is) && !strings.Contains(is[i], name) {
				out = append(out, refused(i+1, name))
			}
		}
	}
	return out
}
