package npm

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// A member is one key of a JSON object with the text of its value.
type member struct {
	lead  string // what stands before the key, a comma included
	key   string // as it stands in the text, quotes included
	colon string // what stands between key and value
	raw   string // the value
	name  string // the key, read
}

// An object is a JSON object that keeps its order and its white space.
type object struct {
	members []member
	tail    string // after the last value
}

// readObject takes a JSON object apart. A key that stands twice is an error.
func readObject(text string) (*object, error) {
	v := gjson.Parse(text)
	if !v.IsObject() || !json.Valid([]byte(text)) {
		return nil, errors.New("not a JSON object")
	}
	o := &object{}
	raw := v.Raw
	end, twice := 1, false
	seen := map[string]bool{}
	gjson.Parse(raw).ForEach(func(k, v gjson.Result) bool {
		twice = twice || seen[k.Str]
		seen[k.Str] = true
		o.members = append(o.members, member{
			lead: raw[end:k.Index], key: k.Raw, colon: raw[k.Index+len(k.Raw) : v.Index], raw: v.Raw, name: k.Str,
		})
		end = v.Index + len(v.Raw)
		return true
	})
	if twice {
		return nil, errors.New("a key stands twice")
	}
	if len(o.members) > 0 {
		o.tail = strings.TrimSuffix(raw[end:], "}")
	}
	return o, nil
}

func (o *object) text() string {
	if len(o.members) == 0 {
		return "{}"
	}
	var b strings.Builder
	b.WriteString("{")
	for i, m := range o.members {
		_, space, comma := strings.Cut(m.lead, ",")
		switch {
		case i == 0 && comma:
			m.lead = space
		case i > 0 && !comma:
			m.lead = "," + m.lead
		}
		b.WriteString(m.lead + m.key + m.colon + m.raw)
	}
	b.WriteString(o.tail + "}")
	return b.String()
}

func (o *object) index(name string) int {
	return slices.IndexFunc(o.members, func(m member) bool { return m.name == name })
}

// get returns the text of a value, or "".
func (o *object) get(name string) string {
	if i := o.index(name); i >= 0 {
		return o.members[i].raw
	}
	return ""
}

func (o *object) remove(name string) {
	if i := o.index(name); i >= 0 {
		o.members = slices.Delete(o.members, i, i+1)
	}
}

// put sets a value. A new key goes where npm would write it.
func (o *object) put(name, raw string) {
	if i := o.index(name); i >= 0 {
		o.members[i].raw = raw
		return
	}
	m := member{lead: o.lead(), key: string(marshal(name)), colon: ": ", raw: raw, name: name}
	at := slices.IndexFunc(o.members, func(other member) bool { return follows(other, m) })
	if at < 0 {
		at = len(o.members)
	}
	o.members = slices.Insert(o.members, at, m)
}

// set puts a value in the style of o, or removes the key if value is nil or
// an empty object. A value that says the same already keeps its text.
func (o *object) set(name string, value any) {
	b := marshal(value)
	if s := string(b); s == "null" || s == "{}" || s == "[]" {
		o.remove(name)
		return
	}
	if same(o.get(name), b) {
		return
	}
	var out bytes.Buffer
	line, indent, ok := strings.Cut(o.lead(), "\n")
	if !ok {
		o.put(name, string(b))
		return
	}
	_, outer, _ := strings.Cut(o.tail, "\n")
	if json.Indent(&out, b, indent, strings.TrimPrefix(indent, outer)) != nil {
		return
	}
	o.put(name, strings.ReplaceAll(out.String(), "\n", line+"\n"))
}

// lead returns what stands before the first key.
func (o *object) lead() string {
	if len(o.members) == 0 {
		return ""
	}
	if _, space, comma := strings.Cut(o.members[0].lead, ","); comma {
		return space
	}
	return o.members[0].lead
}

func same(raw string, b []byte) bool {
	var x any
	if raw == "" || json.Unmarshal([]byte(raw), &x) != nil {
		return false
	}
	return bytes.Equal(marshal(x), b)
}

// marshal encodes v with sorted keys and without escapes for HTML.
func marshal(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return []byte("null")
	}
	return bytes.TrimSpace(b.Bytes())
}

// follows reports whether npm writes a after b: objects last, some keys
// first, the others by name.
func follows(a, b member) bool {
	first := []string{"name", "version", "lockfileVersion", "resolved", "integrity", "requires", "packages", "dependencies"}
	rank := func(m member) int {
		n := slices.Index(first, m.name)
		if n < 0 {
			n = len(first)
		}
		if strings.HasPrefix(m.raw, "{") {
			n += 100
		}
		return n
	}
	if x, y := rank(a), rank(b); x != y {
		return x > y
	}
	return a.name > b.name
}
