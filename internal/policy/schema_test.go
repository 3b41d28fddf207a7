package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// A schema is what config/repository.schema.json uses of JSON Schema.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Properties map[string]*schema `json:"properties"`
	Closed     *bool              `json:"additionalProperties"`
	Required   []string           `json:"required"`
	AnyOf      []*schema          `json:"anyOf"`
	Items      *schema            `json:"items"`
	MaxItems   *int               `json:"maxItems"`
	MaxLength  *int               `json:"maxLength"`
	Pattern    string             `json:"pattern"`
	Enum       []string           `json:"enum"`
	Const      any                `json:"const"`
	Minimum    *float64           `json:"minimum"`
	Maximum    *float64           `json:"maximum"`
	Defs       map[string]*schema `json:"$defs"`

	Schema, Title, Description, Format string
	Dollar                             string `json:"$schema"`
	Default                            any    `json:"default"`
}

func loadSchema(t testing.TB) *schema {
	t.Helper()
	return loadSchemaOf(t, "repository")
}

func loadSchemaOf(t testing.TB, name string) *schema {
	t.Helper()
	f, err := os.Open("../../config/" + name + ".schema.json")
	require.NoError(t, err)
	defer f.Close()
	d := json.NewDecoder(f)
	d.DisallowUnknownFields() // a keyword that check does not know would not be checked
	var s schema
	require.NoError(t, d.Decode(&s))
	return &s
}

func (s *schema) resolve(root *schema) *schema {
	if s.Ref == "" {
		return s
	}
	return root.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")]
}

// check returns what is wrong with v, "" if nothing is.
func (s *schema) check(root *schema, v any) string {
	s = s.resolve(root)
	for _, key := range s.Required {
		if m, ok := v.(map[string]any); !ok || m[key] == nil {
			return "lacks " + key
		}
	}
	if len(s.AnyOf) > 0 && !slices.ContainsFunc(s.AnyOf, func(a *schema) bool { return a.check(root, v) == "" }) {
		return "none of the alternatives"
	}
	if s.Const != nil && fmt.Sprint(s.Const) != fmt.Sprint(v) {
		return "not the constant"
	}
	if len(s.Enum) > 0 {
		if text, ok := v.(string); !ok || !slices.Contains(s.Enum, text) {
			return "not one of the words"
		}
	}
	switch s.Type {
	case "object":
		m, ok := v.(map[string]any)
		if !ok {
			return "no object"
		}
		for key, value := range m {
			p := s.Properties[key]
			if p == nil {
				return "unknown " + key
			}
			if wrong := p.check(root, value); wrong != "" {
				return key + ": " + wrong
			}
		}
	case "array":
		list, ok := v.([]any)
		if !ok || s.MaxItems != nil && len(list) > *s.MaxItems {
			return "no list, or too long"
		}
		for _, entry := range list {
			if wrong := s.Items.check(root, entry); wrong != "" {
				return wrong
			}
		}
	case "string":
		text, ok := v.(string)
		if !ok || s.MaxLength != nil && len(text) > *s.MaxLength || s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(text) {
			return "no such text"
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			return "no truth value"
		}
	case "integer":
		n, ok := v.(int)
		if !ok || float64(n) < *s.Minimum || float64(n) > *s.Maximum {
			return "no such number"
		}
	}
	return ""
}

// value decodes YAML for the schema: dates stay texts.
func value(t testing.TB, text string) any {
	t.Helper()
	var n yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(text), &n))
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if n.ShortTag() == "!!timestamp" {
			n.Tag = "!!str"
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(&n)
	var v any
	require.NoError(t, n.Decode(&v))
	return v
}

func TestSchemaAndParserAgreeOnPolicies(t *testing.T) {
	root := loadSchema(t)
	for _, text := range []string{whole, "version: 1\n", "version: 1\n" + exception("rule: secret/*")} {
		_, err := Parse([]byte(text))
		require.NoError(t, err)
		assert.Empty(t, root.check(root, value(t, text)))
	}
	for _, text := range []string{
		"mode: enforce", "version: 2", "version: 1\nblok: high", "version: 1\nblock: info", "version: 1\nmode: strict", "version: 1\npaths: {ignore: x}",
		"version: 1\npaths: {ignore: [/x]}", "version: 1\npaths: {ignore: ['{a,b}']}", "version: 1\nscanners: {iac: {licenses: {}}}", "version: 1\nupgrades: {open: 51}",
		"version: 1\nupgrades: {labels: x}", "version: 1\nignore: [{rule: iac/x, reason: r, owner: o}]", "version: 1\nignore: [{reason: r, owner: o, until: 2027-01-01}]",
		"version: 1\nignore: [{rule: x, reason: r, owner: o, until: 2027-01-01}]", "version: 1\nscanners: {secrets: {enabled: 1}}",
	} {
		_, err := Parse([]byte(text))
		require.Error(t, err, text)
		assert.NotEmpty(t, root.check(root, value(t, text)), text)
	}
}

// An organisation's file has all that a repository's has, and floors.
func TestSchemaOfAnOrganisation(t *testing.T) {
	repository, own := loadSchema(t), loadSchemaOf(t, "organisation")
	known := regexp.MustCompile("known are (.*)")
	keys := func(text string) []string {
		_, err := Compose(Layers{Organisation: []byte(text)})
		m := known.FindStringSubmatch(fmt.Sprint(err))
		require.NotNil(t, m)
		return strings.Split(strings.ReplaceAll(m[1], "`", ""), ", ")
	}
	assert.ElementsMatch(t, keys("{zzz: 1}"), slices.Collect(maps.Keys(own.Properties)))
	assert.ElementsMatch(t, keys("{floors: {zzz: 1}}"), slices.Collect(maps.Keys(own.Properties["floors"].Properties)))
	for name := range repository.Properties {
		require.NotNil(t, own.Properties[name], name)
		assert.Equal(t, "repository.schema.json#/properties/"+name, own.Properties[name].Ref)
	}
	for name, p := range own.Properties["floors"].Properties {
		words := p.Enum
		if p.Items != nil {
			words = p.Items.Enum
		}
		for _, word := range words {
			if p.Items != nil {
				word = "[" + word + "]"
			}
			_, err := Compose(Layers{Organisation: fmt.Appendf(nil, "{version: 1, floors: {%s: %s}}", name, word)})
			assert.NoError(t, err)
		}
	}
}

// TestSchemaAndParserKnowTheSameKeys asks the parser for its keys by giving it one that it cannot know.
func TestSchemaAndParserKnowTheSameKeys(t *testing.T) {
	root := loadSchema(t)
	known := regexp.MustCompile("known are (.*)")
	objects := 0
	var visit func(s *schema, frame string)
	visit = func(s *schema, frame string) {
		s = s.resolve(root)
		switch s.Type {
		case "array":
			visit(s.Items, fmt.Sprintf(frame, "[%s]"))
		case "object":
			objects++
			require.NotNil(t, s.Closed)
			assert.False(t, *s.Closed)
			_, err := Parse(fmt.Appendf(nil, frame, "{zzz: 1}"))
			m := known.FindStringSubmatch(fmt.Sprint(err))
			require.NotNil(t, m, frame)
			var keys []string
			for _, k := range strings.Split(m[1], ", ") {
				keys = append(keys, strings.Trim(k, "`"))
			}
			var properties []string
			for name, p := range s.Properties {
				properties = append(properties, name)
				visit(p, fmt.Sprintf(frame, "{"+name+": %s}"))
			}
			assert.ElementsMatch(t, properties, keys, frame)
		}
		for _, word := range s.Enum {
			if _, err := Parse(fmt.Appendf(nil, frame, word)); err != nil {
				assert.NotContains(t, err.Error(), " must be ", frame, word)
			}
		}
	}
	visit(root, "%s")
	assert.Equal(t, 11, objects)
}
