package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A Warning names a part of a valid policy that has no effect.
type Warning struct {
	Line  int
	Text  string
	Layer string // Organisation or Repository
}

// Warnings returns what has no effect in the policy that l makes: exceptions
// that have ended at now or end later than the organisation allows, and rules
// that are not among known, which returns full ids and is called if a rule is
// named. Errors are those of Compose.
func Warnings(l Layers, now time.Time, known func() []string) ([]Warning, error) {
	p, err := Compose(l)
	if err != nil {
		return nil, err
	}
	var out []Warning
	for _, e := range p.Ignore {
		warn := func(format string, args ...any) {
			out = append(out, Warning{e.Line, fmt.Sprintf(format, args...), cmp.Or(e.Layer, Repository)})
		}
		if e.Rule != "" && !isKnown(e.Rule, known) {
			warn("no rule matches `%s`", e.Rule)
		}
		switch until := e.Until.Format(time.DateOnly); {
		case e.expired(now):
			warn("the exception ended on %s: remove it, or set a new date", until)
		case p.tooLong(e, now):
			warn("the exception ends on %s and is ignored: the organisation allows none that ends after %s", until, now.Add(p.Floors.Exception).UTC().Format(time.DateOnly))
		}
	}
	for layer, text := range map[string][]byte{Organisation: l.Organisation, Repository: l.Repository} {
		if len(text) == 0 {
			continue
		}
		root, err := decode(text)
		if err != nil {
			return nil, err
		}
		for _, s := range sections() {
			skip := child(child(child(root, "scanners"), s.key), "skip")
			if skip == nil {
				continue
			}
			for _, n := range skip.Content {
				id := s.scanner + "/" + strings.TrimPrefix(strings.TrimSpace(n.Value), s.scanner+"/")
				if !openEnded(id) && !slices.Contains(known(), id) {
					out = append(out, Warning{n.Line, fmt.Sprintf("there is no rule `%s`", id), layer})
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Warning) int {
		return cmp.Or(cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Line, b.Line))
	})
	return out, nil
}

// isKnown reports whether a pattern of rules matches one that is known, or may
// match one of those that nobody can list.
func isKnown(glob string, known func() []string) bool {
	first, _, _ := strings.Cut(glob, "/")
	return openEnded(glob) || matches(first, "dependency") ||
		slices.ContainsFunc(known(), func(id string) bool { return matches(glob, id) })
}

// openEnded reports whether the rule of an id is named elsewhere: by an
// advisory, or in an organisation's or operator's own rules.
func openEnded(id string) bool {
	return strings.HasPrefix(id, "dependency/") || strings.HasPrefix(id, "secret/custom/")
}

// child returns the value of a key of a mapping; nil if there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
