package text

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// scanned returns what a change brings in, as "path:line rule message".
func scanned(t *testing.T, before, after map[string]string) []string {
	t.Helper()
	tree := func(files map[string]string) fstest.MapFS {
		m := fstest.MapFS{}
		for p, content := range files {
			m[p] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
		}
		return m
	}
	c, err := change.Between(context.Background(), tree(before), tree(after))
	require.NoError(t, err)
	r := scan.Run(context.Background(), []scan.Scanner{New()}, c, scan.Options{})
	require.NoError(t, r.Statuses[0].Err)
	var out []string
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%v %s %s", f.At, f.Rule.ID, f.Message))
	}
	return out
}

func TestFinds(t *testing.T) {
	for name, x := range map[string]struct{ path, line, want string }{
		"override in code":              {"a.go", "if admin { // \u202e }", "text/bidirectional A character on line 2, column 15: U+202E (right-to-left override)"},
		"isolates in code":              {"a.go", "x := \"\u2067\u2066user\u2069\"", "text/bidirectional 3 characters on line 2, the first in column 7: U+2067 (right-to-left isolate), U+2066 (left-to-right isolate), U+2069 (end of an isolate)"},
		"balanced, but in code":         {"a.go", "// \u2067שלום\u2069", "text/bidirectional 2 characters on line 2, the first in column 4: U+2067 (right-to-left isolate), U+2069 (end of an isolate)"},
		"override in prose":             {"a.md", "שלום \u202eabc\u202c", "text/bidirectional 2 characters on line 2, the first in column 6: U+202E (right-to-left override), U+202C (end of an embedding)"},
		"open in prose":                 {"a.md", "שלום \u2067abc", "text/bidirectional A character on line 2, column 6: U+2067 (right-to-left isolate)"},
		"balanced in prose of latin":    {"a.md", "see \u2067this\u2069", "text/bidirectional 2 characters on line 2, the first in column 5: U+2067 (right-to-left isolate), U+2069 (end of an isolate)"},
		"zero width space":              {"a.go", "us\u200ber := 1", "text/invisible A character on line 2, column 3: U+200B (zero width space)"},
		"joiner in a name":              {"a.go", "us\u200der := 1", "text/invisible A character on line 2, column 3: U+200D (zero width joiner)"},
		"non-joiner at the end":         {"a.go", "user := 1\u200c", "text/invisible A character on line 2, column 10: U+200C (zero width non-joiner)"},
		"mark of direction in code":     {"a.go", "us\u200eer := 1", "text/invisible A character on line 2, column 3: U+200E (left-to-right mark)"},
		"byte order mark inside":        {"a.go", "a\ufeffb", "text/invisible A character on line 2, column 2: U+FEFF (byte order mark)"},
		"Hangul filler as a name":       {"a.js", "const \u3164 = 1", "text/invisible A character on line 2, column 7: U+3164 (Hangul filler)"},
		"tags that spell words":         {"a.md", "hello\U000e0069\U000e0067", "text/invisible 2 characters on line 2, the first in column 6: U+E0069 (tag), U+E0067 (tag)"},
		"many tags after a flag":        {"a.md", "\U0001f3f4" + strings.Repeat("\U000e0061", 8), "text/invisible 8 characters on line 2, the first in column 2: U+E0061 (tag)"},
		"selectors that carry bytes":    {"a.md", "a\ufe00\ufe01\ufe02", "text/invisible 3 characters on line 2, the first in column 2: U+FE00 (variation selector), U+FE01 (variation selector), U+FE02 (variation selector)"},
		"soft hyphen in code":           {"a.go", "us\u00ader", "text/invisible A character on line 2, column 3: U+00AD (soft hyphen)"},
		"control character of C1":       {"a.go", "a\u009bb", "text/invisible A character on line 2, column 2: U+009B"},
		"joiner behind an emoji, alone": {"a.md", "\U0001f469\u200d x", "text/invisible A character on line 2, column 2: U+200D (zero width joiner)"},
	} {
		t.Run(name, func(t *testing.T) {
			got := scanned(t, map[string]string{x.path: "one\n"}, map[string]string{x.path: "one\n" + x.line + "\n"})
			assert.Equal(t, []string{x.path + ":2 " + x.want}, got)
		})
	}
}

func TestBothRulesOnOneLine(t *testing.T) {
	got := scanned(t, nil, map[string]string{"a.go": "a\u202eb\u200b\n"})
	require.Len(t, got, 2)
	assert.Contains(t, got[0], "text/bidirectional")
	assert.Contains(t, got[1], "text/invisible")
}

func TestSilent(t *testing.T) {
	for name, x := range map[string]struct{ path, before, after string }{
		"plain":                        {"a.go", "", "package a\n"},
		"umlauts and other letters":    {"a.go", "", "// Zürich, 東京, Ελλάδα, Київ\n"},
		"right to left in a string":    {"a.go", "", "x := \"שלום עולם\"\n"},
		"prose from right to left":     {"README.he.md", "", "שלום \u200e(abc)\u200f עולם\n"},
		"isolates in such prose":       {"docs/ar.md", "", "مرحبا \u2066GitHub\u2069 بكم\n"},
		"translations":                 {"locales/ar.json", "", "{\"a\": \"مرحبا \u2067x\u2069\"}\n"},
		"mark beside such letters":     {"a.kt", "", "val a = \"שלום\u200f!\"\n"},
		"Persian non-joiner":           {"fa.md", "", "می\u200cخواهم\n"},
		"Hindi joiner":                 {"hi.go", "", "// क्\u200dष\n"},
		"family":                       {"a.md", "", "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466\n"},
		"heart on fire":                {"a.go", "", "// \u2764\ufe0f\u200d\U0001f525\n"},
		"person with a tone of skin":   {"a.md", "", "\U0001f9d1\U0001f3fd\u200d\U0001f4bb\n"},
		"keycap":                       {"a.md", "", "1\ufe0f\u20e3 first\n"},
		"flag of Scotland":             {"a.md", "", "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f\n"},
		"selector after a sign":        {"a.md", "", "\u26a0\ufe0f careful \u00a9\ufe0f\n"},
		"byte order mark at the start": {"a.cs", "", "\ufeffusing System;\n"},
		"soft hyphen in prose":         {"a.md", "", "Donau\u00addampf\n"},
		"no-break space":               {"a.go", "", "// 10\u00a0km\n"},
		"what was there before":        {"a.go", "x\u202e\n", "x\u202e\nmore\n"},
		"what was there before, moved": {"a.go", "x\u202e\none\n", "one\nx\u202e\n"},
		"indented anew":                {"a.go", "x\u202e\n", "\tx\u202e\n"},
		"taken away":                   {"a.go", "x\u202e\n", "x\n"},
		"binary":                       {"a.bin", "", "\x00\u202e"},
		"not UTF-8":                    {"a.txt", "", "caf\xe9\n"},
		"written as an escape":         {"a.go", "", "x := \"\\u202e\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			before := map[string]string{}
			if x.before != "" {
				before[x.path] = x.before
			}
			assert.Empty(t, scanned(t, before, map[string]string{x.path: x.after}))
		})
	}
}

func TestMany(t *testing.T) {
	hidden := strings.Repeat("x\u200b\n", 1000)
	got := scanned(t, nil, map[string]string{"a.go": hidden})
	assert.Len(t, got, mostLines)
	got = scanned(t, nil, map[string]string{"a.go": hidden + "x\u202e\n"})
	assert.Len(t, got, mostLines+1, "they do not crowd out what is worse")
	assert.Empty(t, scanned(t, map[string]string{"a.go": hidden}, map[string]string{"a.go": strings.ReplaceAll(hidden, "x", " x")}))
}

func TestRules(t *testing.T) {
	for _, r := range New().Rules() {
		assert.NotEmpty(t, r.Title, r.ID)
		assert.NotEmpty(t, r.Why, r.ID)
		assert.NotEmpty(t, r.How, r.ID)
		assert.True(t, strings.HasPrefix(r.ID, "text/"))
	}
	assert.Empty(t, New().Wants(nil))
	assert.False(t, New().EveryCommit())
}
