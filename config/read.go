package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// sources tell where values were set: by key, such as "review.workers", the
// place in words. What is not in it has its default.
type sources map[string]string

// Parse reads a settings file over the defaults. Its errors name line and key
// of each value that is not of the right kind, and no value: that may be secret.
func Parse(b []byte) (Config, error) { return parse(b, "") }

// parse is Parse of the file called name.
func parse(b []byte, name string) (Config, error) {
	c := Default()
	c.set = sources{}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return c, nil
	} else if err != nil {
		return c, notYAML(err)
	}
	r := reader{name: name, set: c.set}
	r.read(doc.Content[0], reflect.TypeFor[Config](), "")
	if len(r.errs) > 0 {
		slices.SortStableFunc(r.errs, func(a, b lineError) int { return cmp.Compare(a.line, b.line) })
		var all []error
		for _, e := range r.errs {
			all = append(all, e)
		}
		return c, errors.Join(all...)
	}
	if err := doc.Decode(&c); err != nil {
		return c, notYAML(err)
	}
	return c, nil
}

var yamlValue = regexp.MustCompile(`\s*'[^']*'|\s*"[^"]*"`) // what the library repeats of the file

// notYAML is an error of the library without what it repeats of the file.
func notYAML(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	return fmt.Errorf("not valid YAML: %s", yamlValue.ReplaceAllString(text, ""))
}

// A lineError is what is wrong at a line of a settings file.
type lineError struct {
	line int
	text string
}

func (e lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.text) }

// A reader compares a settings file with the settings that there are.
type reader struct {
	name string
	set  sources
	errs []lineError
}

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	r.errs = append(r.errs, lineError{n.Line, fmt.Sprintf(format, args...)})
}

// read checks that n can be a value of type t, the setting key.
func (r *reader) read(n *yaml.Node, t reflect.Type, key string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if key != "" {
		r.set[key] = strings.TrimSpace(fmt.Sprintf("%s line %d", r.name, n.Line))
	}
	if t.Kind() == reflect.Struct {
		r.group(n, t, key)
		return
	}
	cut := n.ShortTag() == "!!float" && t.Kind() != reflect.String // the library would round it
	if cut || n.Decode(reflect.New(t).Interface()) != nil {
		r.fail(n, "%s must be %s", key, kind(t))
	}
}

// group checks the settings of a struct.
func (r *reader) group(n *yaml.Node, t reflect.Type, key string) {
	if n.ShortTag() == "!!null" {
		return // nothing is set
	}
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s must be a mapping of settings to values", cmp.Or(key, "the file"))
		return
	}
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "" {
			fields[name] = f.Type
		}
	}
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		path := strings.TrimPrefix(key+"."+shown(name), ".")
		of, known := fields[name.Value]
		switch {
		case name.ShortTag() == "!!merge":
			r.merged(value, t, key)
		case !known:
			r.fail(name, "%s: there is no such setting; there are %s", path, list(fields))
		case first[name.Value] > 0:
			r.fail(name, "%s is set twice; the first time on line %d", path, first[name.Value])
		default:
			first[name.Value] = name.Line
			r.read(value, of, path)
		}
	}
}

// shown is a key in an error; what is no word may be a secret in a wrong place.
func shown(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && keyWord.MatchString(n.Value) {
		return n.Value
	}
	return "(another key)"
}

var keyWord = regexp.MustCompile(`^[a-z_]{1,40}$`)

// merged checks the settings that another mapping, or several, bring to a group.
func (r *reader) merged(n *yaml.Node, t reflect.Type, key string) {
	if n.Kind != yaml.SequenceNode {
		r.read(n, t, key)
		return
	}
	for _, each := range n.Content {
		r.read(each, t, key)
	}
}

func list(fields map[string]reflect.Type) string {
	var names []string
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// kind describes the values of a type in words.
func kind(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration such as 30s, 5m or 72h"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.String:
		return "a text"
	case t.Kind() == reflect.Slice:
		return "a list, each entry of which is " + kind(t.Elem())
	case t.Kind() == reflect.Map:
		return "a mapping of names to values, each of which is " + kind(t.Elem())
	}
	return "a whole number"
}
