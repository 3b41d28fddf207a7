package policy

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Setting is one effective value of a policy and where it comes from.
type Setting struct {
	Key   string // "scanners.secrets.enabled"
	Value string
	From  string // "default", "line 12", "organisation, line 3" or "floor of the organisation, line 9"
}

// Explain returns every effective value of the policy that l makes, in the
// order of the documentation. Errors are those of Compose.
func Explain(l Layers) ([]Setting, error) {
	p, err := Compose(l)
	if err != nil {
		return nil, err
	}
	upper, lower := map[string]int{}, map[string]int{}
	for _, layer := range []struct {
		text  []byte
		lines map[string]int
	}{{l.Organisation, upper}, {l.Repository, lower}} {
		if len(layer.text) > 0 {
			root, err := decode(layer.text)
			if err != nil {
				return nil, err
			}
			keyLines(root, "", layer.lines)
		}
	}
	raised := map[string]bool{}
	for _, r := range p.Raised {
		raised[r.Key] = true
	}
	var out []Setting
	add := func(key string, value any) {
		from := "default"
		switch {
		case raised[key] && key == "security.reviewers":
			from = where(Organisation, upper[key])
		case raised[key]:
			from = "floor of the organisation, line " + strconv.Itoa(upper["floors"])
		case lower[key] > 0:
			from = where(Repository, lower[key])
		case upper[key] > 0:
			from = where(Organisation, upper[key])
		}
		out = append(out, Setting{key, fmt.Sprint(value), from})
	}
	add("mode", cmp.Or(p.Mode, Enforce))
	add("block", p.Block)
	add("comment", p.Comment)
	add("unknown_severity", p.UnknownSeverity)
	add("uncovered", p.Uncovered)
	add("on_scanner_error", p.OnScannerError)
	add("checks", p.Checks)
	add("inline", p.Inline)
	add("paths.ignore", list(p.IgnorePaths))
	add("paths.tests", list(p.TestPaths))
	for _, s := range sections() {
		said := p.scanner(s.key)
		add("scanners."+s.key+".enabled", said.Enabled)
		add("scanners."+s.key+".skip", list(said.Skip))
		if s.key == infrastructure {
			add("scanners."+s.key+".profile", said.Profile)
		}
	}
	for i, e := range p.Ignore {
		out = append(out, Setting{fmt.Sprintf("ignore[%d]", i), e.summary(), where(e.Layer, e.Line)})
	}
	for i, s := range p.Sections {
		out = append(out, Setting{fmt.Sprintf("sections[%d]", i), fmt.Sprintf("%s: block %s, comment %s", s.Path, s.Block, s.Comment), where(s.Layer, s.Line)})
	}
	add("security.reviewers", list(p.Security.Reviewers))
	add("security.request", p.Security.Request)
	add("upgrades.enabled", p.Upgrades.Enabled)
	add("upgrades.open", p.Upgrades.Open)
	add("upgrades.major", p.Upgrades.Major)
	add("upgrades.labels", list(p.Upgrades.Labels))
	return out, nil
}

// keyLines notes the line of each key below n, by its dotted name.
func keyLines(n *yaml.Node, prefix string, lines map[string]int) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := prefix + n.Content[i].Value
		lines[key] = n.Content[i].Line
		keyLines(n.Content[i+1], key+".", lines)
	}
}

// Differences returns the settings of after that are not so in before, and in
// From what they were: what a changed file comes to.
func Differences(before, after []Setting) []Setting {
	was := map[string]string{}
	for _, s := range before {
		was[s.Key] = s.Value
	}
	var out []Setting
	for _, s := range after {
		if old, known := was[s.Key]; !known || old != s.Value {
			out = append(out, Setting{s.Key, s.Value, old})
		}
		delete(was, s.Key)
	}
	for _, s := range before {
		if old, gone := was[s.Key]; gone {
			out = append(out, Setting{s.Key, "", old})
		}
	}
	return out
}

func list(s []string) string { return "[" + strings.Join(s, ", ") + "]" }
