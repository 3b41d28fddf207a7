package policy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	// MaxBytes is how large a policy may be.
	MaxBytes = 64 << 10
	// mostProblems are told at once; the rest show when these are settled.
	mostProblems = 20
)

// A SyntaxError says where a policy cannot be read, and why. Its Text is for
// the people who write the file. It repeats keys of the file, never values.
type SyntaxError struct {
	Line, Column int // from 1
	Text         string
	More         []SyntaxError // the next problems, in the order of the file
	Layer        string        // Organisation or Repository
}

func (e *SyntaxError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "line %d, column %d: %s", e.Line, e.Column, e.Text)
	for _, m := range e.More {
		fmt.Fprintf(&b, "\nline %d, column %d: %s", m.Line, m.Column, m.Text)
	}
	return b.String()
}

// Parse reads a repository's policy. What the file does not say is as in
// Default. Every error is a *SyntaxError; with one the Policy is of no use: an
// invalid policy is never read in part.
func Parse(data []byte) (Policy, error) {
	if len(data) == 0 {
		return Policy{}, empty()
	}
	return Compose(Layers{Repository: data})
}

// read puts what data says over p. Floors are an organisation's: without
// floors, data must not name any. A key that is not supported yet is a problem
// if refuse says so; else it is appended to p.Unsupported.
func read(data []byte, p *Policy, floors *Floors, refuse refusal) *SyntaxError {
	root, err := decode(data)
	if err != nil {
		return err
	}
	r := &reader{refuse: refuse}
	r.policy(root, p, floors)
	p.Unsupported = append(p.Unsupported, r.unsupported...)
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b SyntaxError) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		first := r.problems[0]
		first.More = r.problems[1:]
		return &first
	}
	return nil
}

func empty() *SyntaxError {
	return &SyntaxError{Line: 1, Column: 1, Text: "the file is empty; at least say `version: 1`"}
}

// decode turns the text into one tree without aliases: with them, a small
// file can stand for a huge one.
func decode(data []byte) (*yaml.Node, *SyntaxError) {
	if len(data) > MaxBytes {
		return nil, &SyntaxError{Line: 1, Column: 1, Text: fmt.Sprintf("the file is larger than %d KiB", MaxBytes>>10)}
	}
	if !utf8.Valid(data) {
		valid := bytes.ToValidUTF8(data, nil)
		same := 0
		for same < len(valid) && valid[same] == data[same] {
			same++
		}
		line := 1 + bytes.Count(data[:same], []byte("\n"))
		return nil, &SyntaxError{Line: line, Column: same - bytes.LastIndexByte(data[:same], '\n'), Text: "the file is not UTF-8"}
	}
	var doc, next yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, empty()
	} else if err != nil {
		return nil, yamlError(err)
	}
	if err := d.Decode(&next); err == nil {
		return nil, &SyntaxError{Line: max(1, next.Line), Column: max(1, next.Column), Text: "a second document begins here; there must be only one"}
	} else if !errors.Is(err, io.EOF) {
		return nil, yamlError(err)
	}
	if n := aliased(&doc); n != nil {
		return nil, problem(n, "anchors, aliases and merge keys are not supported")
	}
	return doc.Content[0], nil
}

var (
	yamlLine  = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	yamlQuote = regexp.MustCompile(`\s*'[^']*'|\s*"[^"]*"`) // what the library repeats of the file
)

// yamlError is an error of the YAML library with its line, if it tells one.
func yamlError(err error) *SyntaxError {
	text := err.Error()
	e := &SyntaxError{Line: 1, Column: 1}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		text = text[len(m[0]):]
		if n, err := strconv.Atoi(m[1]); err == nil && n > 0 {
			e.Line = n
		}
	}
	e.Text = "not valid YAML: " + strings.Join(strings.Fields(yamlQuote.ReplaceAllString(text, "")), " ")
	return e
}

func aliased(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode || n.Anchor != "" || n.ShortTag() == "!!merge" {
		return n
	}
	for _, c := range n.Content {
		if found := aliased(c); found != nil {
			return found
		}
	}
	return nil
}

func problem(n *yaml.Node, format string, args ...any) *SyntaxError {
	return &SyntaxError{Line: max(1, n.Line), Column: max(1, n.Column), Text: fmt.Sprintf(format, args...)}
}

// A reader reads nodes and keeps what is wrong with them.
type reader struct {
	problems    []SyntaxError
	unsupported []Unsupported
	refuse      refusal
}

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	if len(r.problems) < mostProblems {
		r.problems = append(r.problems, *problem(n, format, args...))
	}
}

// A field is a key that a mapping may have, and how to read its value. A nil
// read means that nothing implements the key yet.
type field struct {
	key      string
	required bool
	read     func(*yaml.Node)
}

func unsupported(key string) field { return field{key: key} }

// mapping reads the fields of n. Another key, the same one twice, or a
// required one that is missing is a problem.
func (r *reader) mapping(n *yaml.Node, what string, fields ...field) {
	if n.Kind != yaml.MappingNode || n.ShortTag() != "!!map" {
		r.fail(n, "%s must be a mapping of keys to values", what)
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := slices.IndexFunc(fields, func(f field) bool { return key.Kind == yaml.ScalarNode && f.key == key.Value })
		switch {
		case at < 0:
			r.fail(key, "unknown key %sin %s; known are %s", quoted(key), what, names(fields))
		case seen[key.Value] > 0:
			r.fail(key, "the key `%s` is here twice; the first is on line %d", key.Value, seen[key.Value])
		default:
			seen[key.Value] = max(1, key.Line)
			if fields[at].read == nil {
				r.notSupported(key, strings.Trim(what, "`")+"."+key.Value, value)
				continue
			}
			fields[at].read(value)
		}
	}
	for _, f := range fields {
		if f.required && seen[f.key] == 0 {
			r.fail(n, "%s lacks `%s`", what, f.key)
		}
	}
}

// quoted is a key to show: short, on one line, in plain characters.
func quoted(n *yaml.Node) string {
	const most = 40
	if n.Kind != yaml.ScalarNode || len(n.Value) > most || strings.ContainsAny(n.Value, "`\n") {
		return ""
	}
	return "`" + strings.Trim(strconv.Quote(n.Value), `"`) + "` "
}

func names(fields []field) string {
	var all []string
	for _, f := range fields {
		if f.read != nil {
			all = append(all, "`"+f.key+"`")
		}
	}
	return strings.Join(all, ", ")
}

func (r *reader) text(n *yaml.Node, what string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" || strings.TrimSpace(n.Value) == "" {
		r.fail(n, "%s must be a text that is not empty", what)
		return "", false
	}
	return strings.TrimSpace(n.Value), true
}

func (r *reader) boolean(n *yaml.Node, what string, into *bool) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
		r.fail(n, "%s must be `true` or `false`", what)
		return
	}
	*into = strings.EqualFold(n.Value, "true")
}

func (r *reader) number(n *yaml.Node, what string, least, most int, into *int) {
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || err != nil || v < least || v > most {
		r.fail(n, "%s must be a number from %d to %d", what, least, most)
		return
	}
	*into = v
}

// choice reads one of a few words.
func choice[T any](r *reader, n *yaml.Node, what string, into *T, words []string, values []T) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		if i := slices.Index(words, n.Value); i >= 0 {
			*into = values[i]
			return
		}
	}
	last := len(words) - 1
	r.fail(n, "%s must be %s or %s", what, strings.Join(words[:last], ", "), words[last])
}

// list reads a list of at most most entries.
func (r *reader) list(n *yaml.Node, what string, most int, read func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode || n.ShortTag() != "!!seq" {
		r.fail(n, "%s must be a list", what)
		return
	}
	if len(n.Content) > most {
		r.fail(n, "%s has more than %d entries", what, most)
		return
	}
	for _, entry := range n.Content {
		read(entry)
	}
}
