package pypi

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

func packages(t testing.TB, text string) ([]ecosystem.Package, error) {
	t.Helper()
	tree := fstest.MapFS{"requirements.txt": {Data: []byte(text)}}
	return Ecosystem{}.Packages(t.Context(), tree, "requirements.txt")
}

// brief writes a package in a line, for comparison.
func brief(p ecosystem.Package) string {
	s := strings.TrimPrefix(p.At.String(), "requirements.txt:") + " " + p.Name + " " + p.Version
	if !p.Direct {
		s += " transitive"
	}
	if p.Via != nil {
		s += " via " + strings.Join(p.Via, " > ")
	}
	if p.Source != "" {
		s += " from " + p.Source
	}
	if p.Line != "" {
		s += " [" + p.Line + "]"
	}
	return s
}

func TestPackages(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"pinned", "Flask==2.0.1\nzope.interface === 5.0  # why\r\n",
			[]string{"1 flask 2.0.1 [Flask==2.0.1]", "2 zope-interface 5.0 [zope.interface === 5.0  # why]"}},
		{"not pinned", "a\nb>=1,<2\nc==1.*\nd~=1.4\n", []string{"1 a ", "2 b ", "3 c ", "4 d "}},
		{"extras and markers", `My_Pkg[one, two]==1.0 ; python_version < "3"` + "\nb (==2.0)\nc==3.8; python_version=='3.8'\n",
			[]string{`1 my-pkg 1.0 [My_Pkg[one, two]==1.0 ; python_version < "3"]`, "2 b 2.0 [b (==2.0)]", "3 c 3.8"}},
		{"several clauses", "a==1.0,!=1.1\n", []string{"1 a 1.0 [a==1.0,!=1.1]"}},
		{"hashes", "a==1.0 --hash=sha256:00\nb==2.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\nc==1\n",
			[]string{"1 a 1.0", "2-4 b 2.0", "5 c 1 [c==1]"}},
		{"continuation", "a==\\\n1.0\nb==1 \\\n# comment\nc==2\n", []string{"1-2 a 1.0", "3-4 b 1", "5 c 2 [c==2]"}},
		{"continuation at the end", "a==1.0 \\", []string{"1 a 1.0 [a==1.0 \\]"}},
		{"own code and settings", "--index-url https://registry.example/simple\n-i https://registry.example/simple --pre\n-e .\n./local\n../e[x]\n" +
			"-e ./lib[x]\n-e lib\nlib/sub\n--require-hashes\n--trusted-host=registry.example\n-f \"some dir\"\n", nil},
		{"not from an index", "git+https://registry.example/a.git@main\na @ https://registry.example/a-1.0.whl ; python_version<'4'\nb@file:///x\n" +
			"c-1.0-py3-none-any.whl\nfile:d\n-e git+https://registry.example/x#egg=My_E\nhttps://registry.example/F_g-2.0.tar.gz\n./wheels/h-1.0-py3-none-any.whl\n" +
			"i @ https://registry.example/i;x=1\n",
			[]string{"1 a  from git", "2 a  from an address", "3 b  from a file", "4 c  from a file", "5 d  from a file", "6 my-e  from git",
				"7 f-g  from an address", "8 h  from a file", "9 i  from an address"}},
		{"an address in a marker hides nothing", "a==1.0 ; platform_version != '://'\nb ==2.0; python_version>='3' and 'file:' != '://'\nc.zip==1\n",
			[]string{"1 a 1.0 [a==1.0 ; platform_version != '://']", "2 b 2.0 [b ==2.0; python_version>='3' and 'file:' != '://']", "3 c-zip 1 [c.zip==1]"}},
		{"an encoding that changes nothing", "#!x\n# -*- coding: UTF_8 -*-\n# coding: utf-16\na==1.0\n", []string{"4 a 1.0 [a==1.0]"}},
		{"a path in a marker hides nothing", "a==1.0;sys_platform!='x/y'\n", []string{"1 a 1.0 [a==1.0;sys_platform!='x/y']"}},
		{"line ends of Python", "# x\x0ca==1.0\u2028b==2.0\nc==3.0\n", []string{"1 a 1.0", "1 b 2.0", "2 c 3.0 [c==3.0]"}},
		{"byte order mark", "\xef\xbb\xbfa==1.0\n", []string{"1 a 1.0"}},
		{"comments that look like more", "a==1.0#x\n", nil},
		{"compiled, beside", "flask==2.0  # via -r requirements.in\nwerkzeug==2.1  # via flask\nmarkupsafe==2.0  # via jinja2, werkzeug\njinja2==3.0  # via flask\n",
			[]string{"1 flask 2.0 [flask==2.0  # via -r requirements.in]", "2 werkzeug 2.1 transitive via flask==2.0 [werkzeug==2.1  # via flask]",
				"3 markupsafe 2.0 transitive via flask==2.0 > werkzeug==2.1 [markupsafe==2.0  # via jinja2, werkzeug]",
				"4 jinja2 3.0 transitive via flask==2.0 [jinja2==3.0  # via flask]"}},
		{"compiled, below", "a==1\n    # via\n    #   -r requirements.in\n    #   b\nb==2 \\\n    --hash=sha256:00\n    # via a\n\n# via nobody\n",
			[]string{"1 a 1 [a==1]", "5-6 b 2 transitive via a==1"}},
		{"in a circle", "a==1 # via b\nb==1 # via a\n", []string{"1 a 1 transitive [a==1 # via b]", "2 b 1 transitive [b==1 # via a]"}},
		{"empty", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := packages(t, c.text)
			if c.name == "comments that look like more" {
				var bad *ecosystem.SyntaxError
				require.ErrorAs(t, err, &bad)
				return
			}
			require.NoError(t, err)
			var got []string
			for _, p := range found {
				got = append(got, brief(p))
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestUTF16(t *testing.T) {
	text := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune("a==1.0\r\nb==2.0\r\n")) {
		text = append(text, byte(u), byte(u>>8))
	}
	found, err := packages(t, string(text))
	require.NoError(t, err)
	require.Len(t, found, 2)
	assert.Equal(t, "2 b 2.0", brief(found[1]))
}

func TestUnreadable(t *testing.T) {
	for _, c := range []struct {
		name, text string
		line       int
		says       string
	}{
		{"merge conflict", "a==1.0\n<<<<<<< HEAD\nb==1\n", 2, "merge conflict marker"},
		{"prose", "a==1.0\n\nsee the other file!\n", 3, "not a requirement"},
		{"a template", "{{ package }}==1.0\n", 1, "not a requirement"},
		{"binary", "\x00\x01", 1, "not a requirement"},
		{"control characters", "a==1.0 \x1b[31m\n", 1, `\x1b`},
		{"a long line", "a==1\nb" + strings.Repeat(" ", maxLine) + "==1\n", 2, "longer than 64 KiB"},
		{"a long line in pieces", "a==1\nb" + strings.Repeat(" \\\n", maxLine) + "==1\n", 2, "longer than 64 KiB"},
		{"a backslash in the name", "a==1.0\n\\u0074iny==2.0\n", 2, "not a requirement"},
		{"an encoding of escapes", "a==1.0\n# coding: raw_unicode_escape\n", 2, `the encoding "raw_unicode_escape" is not read`},
		{"an encoding on the first line", "#vim: set fileencoding=utf-7 :\na==1.0\n", 1, "utf-7"},
		{"an option nobody knows", "--requ other.txt\n", 1, "not an option of a requirements file"},
		{"a package behind an option", "a==1\n--pre tiny==2.0\n", 2, "not an option of a requirements file"},
		{"an editable version", "-e tiny==2.0\n", 1, "neither a path nor an address"},
		{"a package behind an editable one", "-e . tiny==2.0\n", 1, "more than one package"},
		{"a variable", "-r ${OTHER}.txt\n", 1, "options that can be read"},
		{"a version from a variable", "a==${V}\n", 1, "not a requirement"},
		{"a path and more", "./x.whl tiny\n", 1, "not a requirement"},
		{"an address without a name", "https://registry.example/?id=1\n", 1, "names no package"},
		{"a name for nothing", "a @ \n", 1, "not a requirement"},
		{"a file at an address", "\n-r https://registry.example/r.txt\n", 2, "which is not in the repository"},
		{"a file outside", "-r../../r.txt\n", 1, "which is not in the repository"},
		{"a file of the machine", "--requirement=/etc/r.txt\n", 1, "which is not in the repository"},
		{"a file that is not there", "-c constraints.txt\n", 1, `"constraints.txt", which does not exist`},
		{"a manifest that is not there", "-r requirements-dev.txt\n", 1, "which does not exist"},
		{"a file of any name", "-r data.bin\n", 1, "no name of a requirements file"},
		{"too large", strings.Repeat("a==1\n", maxBytes/5+1), 0, "larger than 4 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := packages(t, c.text)
			var bad *ecosystem.SyntaxError
			require.ErrorAs(t, err, &bad)
			assert.Equal(t, c.line, bad.Line)
			assert.Contains(t, bad.Text, c.says)
			assert.NotContains(t, bad.Text, "\x1b")
		})
	}
	_, err := Ecosystem{}.Packages(t.Context(), fstest.MapFS{}, "requirements.txt")
	require.Error(t, err)
	var bad *ecosystem.SyntaxError
	assert.False(t, errors.As(err, &bad), "a file that is not there is not a syntax error")
}

// TestHostileShapes holds that no shape of a file takes more time than its size allows.
func TestHostileShapes(t *testing.T) {
	var chain strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&chain, "p%d==1 # via p%d\n", i+1, i)
	}
	for name, text := range map[string]string{
		"continuations": "a" + strings.Repeat("\\\n", maxBytes/2-1),
		"words":         strings.Repeat("a\\\n", maxBytes/3),
		"chain":         "p0==1\n" + chain.String(),
		"spaces":        "a" + strings.Repeat(" ", maxBytes-2) + "b",
		"clauses":       "a" + strings.Repeat("<1,", maxBytes/3-1),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, _ = packages(t, text)
			assert.Less(t, time.Since(start), 20*time.Second)
		})
	}
}

func TestDev(t *testing.T) {
	for p, want := range map[string]bool{
		"requirements.txt": false, "requirements-dev.txt": true, "requirements/tests.txt": true,
		"test/requirements.txt": false, "requirements-device.txt": false,
	} {
		found, err := Ecosystem{}.Packages(t.Context(), fstest.MapFS{p: {Data: []byte("a==1.0")}}, p)
		require.NoError(t, err)
		assert.Equal(t, want, found[0].Dev, p)
	}
}

func TestMatch(t *testing.T) {
	e := Ecosystem{}
	for _, p := range []string{"requirements.txt", "a/requirements-dev.txt", "dev-requirements.txt", "requirements/base.txt", "Requirements.TXT",
		"requirements.in", "dev-requirements.in", "requirements/dev.in", "requirements.pip", "requirements_all.txt"} {
		assert.True(t, e.Match(p), p)
	}
	for _, p := range []string{"readme.txt", "requirements.md", "docs/base.txt", "MANIFEST.in", "docs/base.pip", "requirements"} {
		assert.False(t, e.Match(p), p)
	}
	assert.Empty(t, e.Companions("requirements.txt"))
}

func TestCompiledRequirements(t *testing.T) {
	tree := fstest.MapFS{"requirements.in": {Data: []byte("a==1.0\n")}, "dev/requirements.txt": {Data: []byte("a==1.0\n")}}
	found, err := Ecosystem{}.Packages(t.Context(), tree, "requirements.in")
	require.NoError(t, err)
	assert.Len(t, found, 1, "pip installs from it")
	tree["requirements.txt"] = &fstest.MapFile{Data: []byte("a==1.0\n")}
	found, err = Ecosystem{}.Packages(t.Context(), tree, "requirements.in")
	require.NoError(t, err)
	assert.Empty(t, found, "the file that it is compiled to has it")
	tree["requirements.txt"].Data = []byte("-r requirements.in\n")
	found, err = Ecosystem{}.Packages(t.Context(), tree, "requirements.txt")
	require.NoError(t, err)
	assert.Len(t, found, 1, "taken in, it counts")
}

func TestCompare(t *testing.T) {
	ascending := []string{"not a version!", "1.0.dev1", "1.0a1", "1.0rc1", "1.0", "1.0.post1", "1.0.1", "1.10", "1!0.1"}
	for i, a := range ascending[1:] {
		assert.Negative(t, Ecosystem{}.Compare(ascending[i], a), "%s < %s", ascending[i], a)
	}
	assert.Zero(t, Ecosystem{}.Compare("1.0", "v1.0.0"))
}

func TestReadOnly(t *testing.T) {
	_, err := Ecosystem{}.Versions(t.Context(), "a")
	require.ErrorIs(t, err, ecosystem.ErrNoRegistry)
	_, err = Ecosystem{}.Upgrade(t.Context(), nil, ecosystem.Package{Name: "a"}, "2")
	var refused *ecosystem.RefusalError
	require.ErrorAs(t, err, &refused)
}

// FuzzPackages holds that any file gives packages with canonical names and
// lines that exist, or a syntax error.
func FuzzPackages(f *testing.F) {
	for _, seed := range []string{
		"a==1.0\nb[x]>=1,<2 ; python_version<'3' # via a\n", "a==1 \\\n  --hash=sha256:00\n", "\\", "\\\n\\\n", "#\\\na==1",
		"a @ file:///x", "((((", "a==", "===1", "a==1\x0bb==2", "\xff\xfea\x00=\x00=\x00", "\xfe\xff\xd8", "# via\n# via\n#", "<<<<<<< x",
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
		text, _ := decode(data)
		for _, p := range found {
			assert.Equal(t, Canonical(p.Name), p.Name)
			assert.Positive(t, p.At.Start)
			assert.LessOrEqual(t, p.At.End, strings.Count(text, "\n")+1)
			if p.Line != "" {
				assert.Equal(t, 1, strings.Count(p.Line, p.Version))
			}
		}
	})
}
