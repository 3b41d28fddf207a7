package npm

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestObject(t *testing.T) {
	const text = "{\n\t\"a\" : 1 ,\n\n\t\"b\":[1,  2],\"c\": {}\n}"
	for name, c := range map[string]struct {
		edit func(*object)
		want string
	}{
		"nothing":      {func(*object) {}, text},
		"same value":   {func(o *object) { o.set("b", []int{1, 2}) }, text},
		"a value":      {func(o *object) { o.set("a", "<x>") }, strings.Replace(text, "1", `"<x>"`, 1)},
		"remove first": {func(o *object) { o.remove("a") }, "{\n\n\t\"b\":[1,  2],\"c\": {}\n}"},
		"remove last":  {func(o *object) { o.remove("c") }, "{\n\t\"a\" : 1 ,\n\n\t\"b\":[1,  2]\n}"},
		"in npm's order": {func(o *object) { o.set("version", "1") },
			"{\n\t\"version\": \"1\",\n\t\"a\" : 1 ,\n\n\t\"b\":[1,  2],\"c\": {}\n}"},
		"an object, indented": {func(o *object) { o.set("d", map[string]int{"x": 1}) },
			strings.TrimSuffix(text, "\n}") + ",\n\t\"d\": {\n\t\t\"x\": 1\n\t}\n}"},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := readObject(text)
			require.NoError(t, err)
			c.edit(o)
			assert.True(t, json.Valid([]byte(o.text())))
			assert.Equal(t, c.want, o.text())
		})
	}
	for _, bad := range []string{"", "[]", "{", `{"a":1,"a":2}`, `{"a":1,}`} {
		_, err := readObject(bad)
		assert.Error(t, err, bad)
	}
}

// Whatever is read is written back byte by byte.
func FuzzObject(f *testing.F) {
	for _, s := range []string{`{}`, `{ }`, "{\n  \"a\": {\"b\": [1]},\n\"c\":null }", `{"a":"\"}{,"  ,"\u0000":","}`, `{"":""}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := readObject(text)
		if err != nil {
			return
		}
		if strings.HasPrefix(text, "{") && len(o.members) > 0 {
			assert.Equal(t, strings.TrimRight(text, " \t\r\n"), o.text())
		}
		o.set("added", map[string]string{"x": "y"})
		assert.True(t, json.Valid([]byte(o.text())))
		o.remove("added")
		assert.True(t, json.Valid([]byte(o.text())))
	})
}
