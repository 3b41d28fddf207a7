package iac

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pullwarden/pullwarden/internal/change"
)

const (
	maxAliases = 1_000   // in one document
	maxNodes   = 100_000 // of one document, aliases followed
	maxLevels  = 100     // of one document
	metadata   = "__defsec_metadata"
)

// A document is one YAML document as the engine takes it: plain values, each
// map with the lines it stands on.
type document struct {
	path  string
	value any
	paths map[*yaml.Node]string // of maps, with names instead of indexes: "spec.containers[app]"
	spans map[*yaml.Node]change.Span
	order []*yaml.Node // maps, outer ones first
	skip  int
	nodes int
	seen  map[*yaml.Node]bool // aliases that are being followed
}

// errComplexKey says that a document has a key that is a list or a map, which no
// manifest has; but "{{ .Name }}" reads as one.
var errComplexKey = errors.New("a key that is no word")

// aliasLike counts what may be an alias, cheaply and too many rather than too few.
func aliasLike(text []byte) int {
	n := 0
	for i, b := range text[:max(0, len(text)-1)] {
		if b == '*' && (i == 0 || strings.IndexByte(" \t\n[,{:-", text[i-1]) >= 0) && strings.IndexByte(" \t\r\n*", text[i+1]) < 0 {
			n++
		}
	}
	return n
}

// read makes a document of root, which stands skip lines into its file.
func read(path string, skip int, root *yaml.Node) (*document, error) {
	d := &document{path: path, skip: skip, paths: map[*yaml.Node]string{}, spans: map[*yaml.Node]change.Span{}, seen: map[*yaml.Node]bool{}}
	if aliases := countAliases(root); aliases > maxAliases {
		return nil, &SyntaxError{Path: path, Line: skip + 1, Why: fmt.Sprintf("YAML with more than %d aliases, not inspected", maxAliases)}
	}
	if root.Kind == yaml.DocumentNode && len(root.Content) > 0 {
		root = root.Content[0]
	}
	var err error
	d.value, _, err = d.convert(root, root.Line, "", 0)
	return d, err
}

func countAliases(n *yaml.Node) int {
	count := 0
	if n.Kind == yaml.AliasNode {
		count++
	}
	for _, c := range n.Content {
		count += countAliases(c)
	}
	return count
}

// convert returns the value of n, which starts on line start of its text, and
// its last line.
func (d *document) convert(n *yaml.Node, start int, path string, level int) (any, int, error) {
	if d.nodes++; d.nodes > maxNodes || level > maxLevels {
		return nil, 0, &SyntaxError{Path: d.path, Line: d.skip + n.Line, Why: "YAML that is too large or nested too deeply, not inspected"}
	}
	switch n.Kind {
	case yaml.AliasNode:
		if d.seen[n.Alias] {
			return nil, n.Line, nil // of itself
		}
		d.seen[n.Alias] = true
		defer delete(d.seen, n.Alias)
		v, _, err := d.convert(n.Alias, n.Alias.Line, path, level+1)
		return v, n.Line, err
	case yaml.SequenceNode:
		return d.sequence(n, path, level)
	case yaml.MappingNode:
		return d.mapping(n, start, path, level)
	}
	last := n.Line
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		last += strings.Count(n.Value, "\n")
	}
	return scalar(n), last, nil
}

func (d *document) sequence(n *yaml.Node, path string, level int) (any, int, error) {
	out, last := make([]any, 0, len(n.Content)), n.Line
	for i, c := range n.Content {
		name := fmt.Sprint(i)
		if v := field(c, "name"); v != nil {
			name = v.Value
		}
		v, end, err := d.convert(c, c.Line, path+"["+name+"]", level+1)
		if err != nil {
			return nil, 0, err
		}
		out, last = append(out, v), max(last, end)
	}
	return out, last, nil
}

func (d *document) mapping(n *yaml.Node, start int, path string, level int) (any, int, error) {
	if _, known := d.paths[n]; !known { // an alias keeps the place of its anchor
		d.paths[n] = path
		d.order = append(d.order, n)
	}
	out, last := map[string]any{}, n.Line
	merged := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, c := n.Content[i], n.Content[i+1]
		if k.Kind == yaml.MappingNode || k.Kind == yaml.SequenceNode {
			return nil, 0, errComplexKey
		}
		if k.Tag == "!!merge" {
			v, end, err := d.convert(c, c.Line, path, level+1)
			if err != nil {
				return nil, 0, err
			}
			last = max(last, end)
			merge(merged, v)
			continue
		}
		v, end, err := d.convert(c, k.Line, strings.TrimPrefix(path+"."+k.Value, "."), level+1)
		if err != nil {
			return nil, 0, err
		}
		out[k.Value], last = v, max(last, end)
	}
	for k, v := range merged {
		if _, own := out[k]; !own {
			out[k] = v
		}
	}
	at := change.Span{Path: d.path, Start: d.skip + start, End: d.skip + last}
	if _, known := d.spans[n]; !known {
		d.spans[n] = at
	}
	at = d.spans[n]
	out[metadata] = map[string]any{"startline": at.Start, "endline": at.End, "filepath": d.path, "offset": 0}
	return out, last, nil
}

// merge adds what a merge key names; what comes first wins.
func merge(into map[string]any, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if _, has := into[k]; !has && k != metadata {
				into[k] = x
			}
		}
	case []any:
		for _, x := range v {
			if m, ok := x.(map[string]any); ok {
				merge(into, m)
			}
		}
	}
}

// scalar returns the value of n in types that JSON has, as Kubernetes reads it:
// by YAML 1.1, in which more words than two are booleans.
func scalar(n *yaml.Node) any {
	const written = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle | yaml.TaggedStyle
	if n.Style&written == 0 || n.ShortTag() == "!!bool" {
		switch n.Value {
		case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE":
			return true
		case "n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE":
			return false
		}
	}
	var v any
	if n.Decode(&v) != nil {
		return n.Value
	}
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return n.Value
		}
	case time.Time, []byte:
		return n.Value
	}
	return v
}

// field returns the value of key in the map n, nil if there is none.
func field(n *yaml.Node, key string) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// at returns where a value of d stands.
func (d *document) at(m map[string]any) change.Span {
	lines, _ := m[metadata].(map[string]any)
	start, _ := lines["startline"].(int)
	end, _ := lines["endline"].(int)
	return change.Span{Path: d.path, Start: start, End: end}
}

// deepest returns the map that stands at s, nil if none does.
func (d *document) deepest(s change.Span) *yaml.Node {
	var found *yaml.Node
	for _, n := range d.order {
		if at := d.spans[n]; at.Start == s.Start && at.End == s.End {
			found = n
		}
	}
	return found
}

var quoted = regexp.MustCompile(`'([A-Za-z][\w.]*)'`)

// setting returns the line of the setting in n that a message is about, if it
// is there; 0 if not.
func (d *document) setting(n *yaml.Node, rule, message string) int {
	if n == nil {
		return 0
	}
	var names []string
	for _, m := range quoted.FindAllStringSubmatch(message, -1) {
		names = append(names, m[1])
	}
	switch rule {
	case "KSV-0013", "KSV-0125":
		names = append(names, "image")
	case "KSV-0008":
		names = append(names, "hostIPC")
	case "KSV-0009":
		names = append(names, "hostNetwork")
	case "KSV-0010":
		names = append(names, "hostPID")
	case "KSV-0005", "KSV-0022", "KSV-0119", "KSV-0120":
		names = append(names, "securityContext.capabilities.add")
	case "KSV-0023":
		if mounts := hostPaths(n); len(mounts) > 0 {
			return d.skip + mounts[0].Line
		}
	}
	for _, name := range names {
		line := 0
		for at, keys := n, strings.Split(name, "."); at != nil && len(keys) > 0; keys = keys[1:] {
			if at = field(at, keys[0]); at != nil && len(keys) == 1 && at.Kind != yaml.MappingNode {
				line = at.Line
			}
		}
		if line > 0 {
			return d.skip + line
		}
	}
	return 0
}
