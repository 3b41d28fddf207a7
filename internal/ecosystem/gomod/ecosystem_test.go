package gomod

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

func packages(t testing.TB, text string) ([]ecosystem.Package, error) {
	t.Helper()
	tree := fstest.MapFS{"sub/go.mod": {Data: []byte(text)}}
	return Ecosystem{}.Packages(t.Context(), tree, "sub/go.mod")
}

// brief writes a package in a line, for comparison.
func brief(p ecosystem.Package) string {
	s := strings.TrimPrefix(p.At.String(), "sub/go.mod:") + " " + p.Name + " " + p.Version
	if p.Direct {
		s += " direct"
	}
	return s
}

func TestPackages(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"single lines", "module example.com/m\ngo 1.21\nrequire example.com/a v1.2.3\nrequire example.com/b v0.1.0 // indirect\n",
			[]string{"2 stdlib 1.21 direct", "3 example.com/a v1.2.3 direct", "4 example.com/b v0.1.0"}},
		{"blocks and comments", "module example.com/m\n\nrequire (\n\t// why\n\texample.com/a v1.2.3 // keep\n\texample.com/b v0.1.0 // indirect; x\n)\n",
			[]string{"5 example.com/a v1.2.3 direct", "6 example.com/b v0.1.0"}},
		{"toolchain above the go line", "module example.com/m\ngo 1.21\ntoolchain go1.22.3\n",
			[]string{"3 stdlib 1.22.3 direct"}},
		{"toolchain of another builder", "module example.com/m\ngo 1.21.0\ntoolchain go1.22rc1-own\n",
			[]string{"3 stdlib 1.22rc1 direct"}},
		{"toolchain below the go line", "module example.com/m\ngo 1.22.5\ntoolchain go1.22.3\n",
			[]string{"2 stdlib 1.22.5 direct"}},
		{"default toolchain", "module example.com/m\ngo 1.22.5\ntoolchain default\n",
			[]string{"2 stdlib 1.22.5 direct"}},
		{"replaced by a module", "module example.com/m\nrequire example.com/a v1.2.3 // indirect\nreplace example.com/a => example.com/fork v1.9.0\n",
			[]string{"3 example.com/fork v1.9.0"}},
		{"replaced by a directory", "module example.com/m\nrequire example.com/a v1.2.3\nreplace example.com/a => ./a\n", nil},
		{"replacement of another version", "module example.com/m\nrequire example.com/a v1.2.3\nreplace example.com/a v1.0.0 => example.com/a v1.0.1\n",
			[]string{"2 example.com/a v1.2.3 direct"}},
		{"the exact replacement wins", "module example.com/m\nrequire example.com/a v1.2.3\nreplace example.com/a => ./a\nreplace example.com/a v1.2.3 => example.com/a v1.2.4\n",
			[]string{"4 example.com/a v1.2.4 direct"}},
		{"replacement of what is not required", "module example.com/m\nreplace example.com/a => example.com/b v1.0.0\n", nil},
		{"exclude and retract", "module example.com/m\nexclude example.com/a v1.0.0\nretract v0.0.1\n", nil},
		{"required twice", "module example.com/m\nrequire example.com/a v1.10.0\nrequire example.com/a v1.9.0\n",
			[]string{"2 example.com/a v1.10.0 direct"}},
		{"empty", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := packages(t, c.text)
			require.NoError(t, err)
			var got []string
			for _, p := range found {
				got = append(got, brief(p))
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestStdlibLineCanBeEditedAlone(t *testing.T) {
	found, err := packages(t, "module example.com/m\r\ngo 1.21 // least\r\nrequire example.com/a v1.2.3\r\n")
	require.NoError(t, err)
	require.Len(t, found, 2)
	assert.Equal(t, "go 1.21 // least", found[0].Line)
	assert.Empty(t, found[1].Line, "go.sum has to follow")
}

func TestUnreadable(t *testing.T) {
	for _, c := range []struct {
		name, text string
		line       int
		says       string
	}{
		{"unknown directive", "module example.com/m\nrequires x\n", 2, "unknown directive"},
		{"bad version", "module example.com/m\n\nrequire example.com/a latest\n", 3, ""},
		{"open block", "module example.com/m\nrequire (\n\texample.com/a v1.0.0\n", 4, ""},
		{"merge conflict", "module example.com/m\n<<<<<<< HEAD\ngo 1.21\n=======\ngo 1.22\n>>>>>>> x\n", 2, "merge conflict marker"},
		{"control characters", "module example.com/m\n\x1b[31mred\n", 2, ""},
		{"binary", "\x00\x01\x02", 1, ""},
		{"too large", strings.Repeat("// x\n", maxBytes/5+1), 0, "larger than 4 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := packages(t, c.text)
			var bad *ecosystem.SyntaxError
			require.ErrorAs(t, err, &bad)
			assert.Equal(t, "sub/go.mod", bad.Path)
			assert.Equal(t, c.line, bad.Line, bad.Text)
			assert.Contains(t, bad.Text, c.says)
			assert.NotContains(t, bad.Text, "\x1b")
		})
	}
	_, err := Ecosystem{}.Packages(t.Context(), fstest.MapFS{}, "go.mod")
	require.Error(t, err)
	var bad *ecosystem.SyntaxError
	assert.False(t, errors.As(err, &bad), "a file that is not there is not a syntax error")
}

func TestPartial(t *testing.T) {
	for text, want := range map[string]bool{
		"module m\ngo 1.16\nrequire example.com/a v1.0.0\n":    true,
		"module m\nrequire example.com/a v1.0.0\n":             true, // without a go line it is of Go 1.16
		"module m\ngo 1.17\nrequire example.com/a v1.0.0\n":    false,
		"module m\ngo 1.999.3\nrequire example.com/a v1.0.0\n": false,
		"module m\ngo 1.16\n":                                  false, // it needs nothing
		"module m\ngo 1.16\nrequires\n":                        false, // it cannot be read, which is another matter
	} {
		assert.Equal(t, want, Ecosystem{}.Partial(fstest.MapFS{"go.mod": {Data: []byte(text)}}, "go.mod"), text)
	}
	assert.False(t, Ecosystem{}.Partial(fstest.MapFS{"go.work": {Data: []byte("go 1.16\nuse .\n")}}, "go.work"))
}

func TestNewerGo(t *testing.T) {
	found, err := packages(t, "module m\ngo 1.999.3\nrequire example.com/a v1.0.0\n")
	require.NoError(t, err, "a newer version of Go is not another format")
	assert.Len(t, found, 2)
}

func TestCompare(t *testing.T) {
	ascending := []string{"not a version", "v0.0.0-20200101000000-abcdefabcdef", "0.1.0", "v0.9.0", "v0.10.0", "1.21.0-0",
		"1.21rc1", "1.21rc2", "1.21", "go1.21.1", "v2.0.0+incompatible"}
	for i := range ascending {
		for j := range ascending {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			assert.Equal(t, want, Ecosystem{}.Compare(ascending[i], ascending[j]), "%s against %s", ascending[i], ascending[j])
		}
	}
	assert.Zero(t, Ecosystem{}.Compare("v1.2.3", "1.2.3"))
	assert.Zero(t, Ecosystem{}.Compare("1.21", "1.21.0"))
}

func TestMatch(t *testing.T) {
	e := Ecosystem{}
	assert.True(t, e.Match("go.mod"))
	assert.True(t, e.Match("a/b/go.mod"))
	assert.False(t, e.Match("go.sum"))
	assert.False(t, e.Match("xgo.mod"))
	assert.Equal(t, []string{"a/b/go.sum"}, e.Companions("a/b/go.mod"))
	assert.Equal(t, []string{"go.sum"}, e.Companions("go.mod"))
}

// FuzzPackages holds that any file gives packages with lines that exist, or a
// syntax error.
func FuzzPackages(f *testing.F) {
	for _, seed := range []string{
		"module example.com/m\ngo 1.21\nrequire (\n\texample.com/a v1.2.3 // indirect\n)\nreplace example.com/a => ../a\n",
		"require (((((", "require \"\\x00\" v1", "go 1\ntoolchain go1.", "replace a => b", "require a v1.0.0-\xff",
		"<<<<<<< HEAD\n", "\xef\xbb\xbfmodule x", "require `a\nb` v1.0.0", "module x // \x1b]0;\x07\n\r\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := packages(t, string(data))
		if err != nil {
			var bad *ecosystem.SyntaxError
			require.ErrorAs(t, err, &bad)
			return
		}
		for _, p := range found {
			assert.NotEmpty(t, p.Name)
			assert.Positive(t, p.At.Start)
			assert.LessOrEqual(t, p.At.End, strings.Count(string(data), "\n")+1)
		}
	})
}
