package policy

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A Setting is one effective value of a policy and where it comes from.
type Setting struct {
	Key   string // "scanners.secrets.enabled"
	Value string
	From  string // "default" or "line 12"
}

// Explain returns every effective value of the policy in data, in the order
// of the documentation. Empty data is a repository without a file. Errors are
// those of Parse.
func Explain(data []byte) ([]Setting, error) {
	p, lines := Default(), map[string]int{}
	if len(data) > 0 {
		var err error
		if p, err = Parse(data); err != nil {
			return nil, err
		}
		root, err := decode(data)
		if err != nil {
			return nil, err
		}
		keyLines(root, "", lines)
	}
	var out []Setting
	add := func(key string, value any) {
		from := "default"
		if n := lines[key]; n > 0 {
			from = "line " + strconv.Itoa(n)
		}
		out = append(out, Setting{key, fmt.Sprint(value), from})
	}
	add("mode", cmp.Or(p.Mode, Enforce))
	add("block", p.Block)
	add("comment", p.Comment)
	add("on_scanner_error", p.OnScannerError)
	add("paths.ignore", list(p.IgnorePaths))
	for _, s := range sections() {
		said := p.scanner(s.key)
		add("scanners."+s.key+".enabled", said.Enabled)
		add("scanners."+s.key+".skip", list(said.Skip))
	}
	add("scanners.dependencies.licenses.deny", list(p.scanner("dependencies").Licenses.Deny))
	add("scanners.dependencies.licenses.unknown", p.scanner("dependencies").Licenses.Unknown)
	add("scanners.dependencies.min_release_age", days(p.scanner("dependencies").MinReleaseAge))
	for i, e := range p.Ignore {
		what := strings.TrimSpace(e.Rule + " " + e.Path + " " + string(e.Fingerprint))
		out = append(out, Setting{
			fmt.Sprintf("ignore[%d]", i), fmt.Sprintf("%s until %s (%s)", what, e.Until.Format(time.DateOnly), e.Owner),
			"line " + strconv.Itoa(e.Line),
		})
	}
	add("upgrades.enabled", p.Upgrades.Enabled)
	add("upgrades.schedule", p.Upgrades.Schedule)
	add("upgrades.open", p.Upgrades.Open)
	add("upgrades.major", p.Upgrades.Major)
	add("upgrades.group", list(p.Upgrades.Group))
	add("upgrades.labels", list(p.Upgrades.Labels))
	add("upgrades.min_release_age", days(p.Upgrades.MinReleaseAge))
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

func list(s []string) string { return "[" + strings.Join(s, ", ") + "]" }

func days(d time.Duration) string {
	if d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	return d.String()
}
