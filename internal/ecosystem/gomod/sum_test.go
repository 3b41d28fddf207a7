package gomod

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/module"
)

func TestSums(t *testing.T) {
	const text = "example.com/a v1.9.0 h1:x=\nexample.com/a v1.9.0/go.mod h1:y=\nexample.com/a v1.10.0/go.mod h1:z=\n"
	s, err := parseSums([]byte(text + "\n" + text))
	require.NoError(t, err)
	assert.Equal(t, text, string(s.format()))

	m := module.Version{Path: "example.com/a", Version: "v1.9.0"}
	assert.NoError(t, s.check(m, "h1:x="))
	assert.ErrorContains(t, s.check(m, "h1:other="), "checksum mismatch of example.com/a v1.9.0")
	assert.ErrorContains(t, s.check(goMod(m), "h1:x="), "checksum mismatch")
	assert.NoError(t, s.check(module.Version{Path: "example.com/b", Version: "v1.0.0"}, "h1:any="))
}

// What is written reads as the same.
func FuzzSums(f *testing.F) {
	f.Add([]byte("example.com/a v1.0.0 h1:x=\nexample.com/a v1.0.0/go.mod h1:y=\n"))
	f.Add([]byte("<<<<<<< HEAD x\n\x00 \xff y\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSums(b)
		if err != nil {
			return
		}
		again, err := parseSums(s.format())
		require.NoError(t, err)
		assert.Equal(t, s.format(), again.format())
	})
}

func TestImports(t *testing.T) {
	for src, want := range map[string][]string{
		"package a\nimport \"example.com/b\"\nimport \"fmt\"\n":            {"example.com/b"},
		"//go:build ignore\n\npackage a\nimport \"example.com/b\"\n":       nil,
		"//go:build !ignore && x\n\npackage a\nimport \"example.com/b\"\n": {"example.com/b"},
		"//go:build linux\n\npackage a\nimport \"example.com/b\"\n":        {"example.com/b"},
		"//go:build ignore || !linux\n\npackage a\nimport \"x.y/b\"\n":     {"x.y/b"},
		"not go":      nil,
		"package a\n": nil,
	} {
		assert.Equal(t, want, imports([]byte(src)), src)
	}
}
