package npm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

const (
	maxPath  = 2048 // bytes in the place of a package; operating systems take less
	maxNests = 32   // node_modules in it
	modules  = "node_modules/"
)

// A node is one entry of a lockfile's "packages".
type node struct {
	path          string // "" is the project; "node_modules/a/node_modules/b"
	name, version string
	resolved      string // where npm takes it from; of a link: the path that it leads to
	origin        origin
	integrity     string
	link, dev     bool
	line          int      // of the version; of the entry if there is none
	needs         []string // names it asks for, in the order of the file
}

// own reports whether n is the project or a workspace of it.
func (n *node) own() bool { return !strings.Contains("/"+n.path, "/"+modules) }

// lines finds the line of an offset.
type lines []int // offsets of the newlines

func newLines(data string) lines {
	out := make(lines, 0, strings.Count(data, "\n"))
	for i := 0; ; i++ {
		n := strings.IndexByte(data[i:], '\n')
		if n < 0 {
			return out
		}
		i += n
		out = append(out, i)
	}
}

func (l lines) at(offset int) int {
	i, _ := slices.BinarySearch(l, offset)
	return i + 1
}

// A reader reads one lockfile in one pass: asking for each package by its path
// would take time in the square of the file's size.
type reader struct {
	path  string
	lines lines
	nodes []node
	asks  int // offset of what asks for packages from outside; -1: nothing does
}

// readNodes returns the entries of a lockfile in their order. Any error is a *ecosystem.SyntaxError.
func readNodes(path string, data []byte) ([]node, error) {
	if len(data) > maxBytes {
		return nil, &ecosystem.SyntaxError{Path: path, Text: "larger than 16 MiB"}
	}
	text := string(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	r := &reader{path: path, lines: newLines(text), asks: -1}
	if err := r.valid(text); err != nil {
		return nil, err
	}
	root := gjson.Parse(text)
	if !root.IsObject() {
		return nil, r.bad(0, "not a JSON object")
	}
	top, err := r.members(root)
	if err != nil {
		return nil, err
	}
	version, packages := top["lockfileVersion"], top["packages"]
	switch v := version.Value().(type) {
	case nil:
		return nil, r.bad(0, "no lockfileVersion: run npm 7 or newer")
	case float64:
		if v == 1 {
			return nil, r.bad(version.Index, "lockfileVersion 1 is not supported: run npm 7 or newer")
		}
		if v != 2 && v != 3 {
			return nil, r.bad(version.Index, fmt.Sprintf("lockfileVersion %v is not known", v))
		}
	default:
		return nil, r.bad(version.Index, "lockfileVersion is not a number")
	}
	if !packages.IsObject() {
		return nil, r.bad(packages.Index, `"packages" is missing or not an object`)
	}
	if old := top["dependencies"]; old.IsObject() && strings.Trim(old.Raw, "{} \t\r\n") != "" {
		r.asks = old.Index
	}
	if err := r.each(packages, r.entry); err != nil {
		return nil, err
	}
	if r.asks >= 0 && !slices.ContainsFunc(r.nodes, func(n node) bool { return !n.own() }) {
		return nil, r.bad(r.asks, `it asks for packages, and "packages" lists none of them: run npm install`)
	}
	return r.nodes, nil
}

// valid checks the syntax without recursion, so that no nesting can exhaust the stack.
func (r *reader) valid(text string) error {
	if json.Valid([]byte(text)) {
		return nil
	}
	if i := strings.Index("\n"+text, "\n<<<<<<< "); i >= 0 {
		return r.bad(i, "merge conflict marker")
	}
	var wrong *json.SyntaxError
	if err := json.Unmarshal([]byte(text), new(json.RawMessage)); errors.As(err, &wrong) {
		return r.bad(max(0, int(wrong.Offset)-1), "not JSON: "+wrong.Error())
	}
	return r.bad(0, "not JSON")
}

func (r *reader) bad(offset int, text string) error {
	return &ecosystem.SyntaxError{Path: r.path, Line: r.lines.at(offset), Text: text}
}

// each visits the members of an object. A key that stands twice is an error:
// readers differ in which one they take.
func (r *reader) each(object gjson.Result, visit func(key, value gjson.Result) error) (err error) {
	seen := map[string]bool{}
	object.ForEach(func(key, value gjson.Result) bool {
		if seen[key.Str] {
			err = r.bad(key.Index, fmt.Sprintf("the key %.1000q stands twice", key.Str))
			return false
		}
		seen[key.Str] = true
		err = visit(key, value)
		return err == nil
	})
	return err
}

func (r *reader) members(object gjson.Result) (map[string]gjson.Result, error) {
	out := map[string]gjson.Result{}
	err := r.each(object, func(key, value gjson.Result) error {
		out[key.Str] = value
		return nil
	})
	return out, err
}

// entry reads one member of "packages".
func (r *reader) entry(key, value gjson.Result) error {
	n := node{path: key.Str, line: r.lines.at(key.Index)}
	if len(n.path) > maxPath || strings.Count(n.path, modules) > maxNests {
		return r.bad(key.Index, "a package nested too deep")
	}
	if !value.IsObject() {
		return r.bad(value.Index, fmt.Sprintf("%.1000q is not an object", n.path))
	}
	var name string
	needs := map[string][]string{}
	err := r.each(value, func(k, v gjson.Result) error {
		switch k.Str {
		case "version":
			if v.Type != gjson.String {
				return r.bad(v.Index, "a version that is not a string")
			}
			n.version, n.line = v.Str, r.lines.at(v.Index)
		case "name":
			name = v.Str
		case "resolved":
			if v.Type != gjson.String {
				return r.bad(v.Index, "resolved is not a string")
			}
			n.resolved = v.Str
		case "integrity":
			n.integrity = v.String()
		case "link", "dev":
			if !v.IsBool() {
				return r.bad(v.Index, k.Str+" is neither true nor false")
			}
			if k.Str == "link" {
				n.link = v.Bool()
			} else {
				n.dev = v.Bool()
			}
		case "dependencies", "optionalDependencies", "devDependencies", "peerDependencies":
			if !v.IsObject() {
				return r.bad(v.Index, k.Str+" is not an object")
			}
			return r.each(v, func(dep, _ gjson.Result) error {
				needs[k.Str] = append(needs[k.Str], dep.Str)
				return nil
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if n.name = name; n.name == "" && !n.own() {
		n.name = n.path[strings.LastIndex("/"+n.path, "/"+modules)+len(modules):]
	}
	n.origin = n.comesFrom()
	n.needs = append(needs["dependencies"], needs["optionalDependencies"]...)
	if n.own() {
		if len(needs["dependencies"])+len(needs["devDependencies"]) > 0 && r.asks < 0 {
			r.asks = key.Index
		}
		n.needs = append(n.needs, needs["devDependencies"]...)
	}
	n.needs = append(n.needs, needs["peerDependencies"]...)
	r.nodes = append(r.nodes, n)
	return nil
}
