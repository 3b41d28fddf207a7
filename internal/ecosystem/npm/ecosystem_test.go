package npm

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

func packages(t testing.TB, text string) ([]ecosystem.Package, error) {
	t.Helper()
	tree := fstest.MapFS{"web/package-lock.json": {Data: []byte(text)}}
	return Ecosystem{}.Packages(t.Context(), tree, "web/package-lock.json")
}

// brief writes a package in a line, for comparison.
func brief(p ecosystem.Package) string {
	s := fmt.Sprintf("%d %s %s", p.At.Start, p.Name, p.Version)
	if p.Direct {
		s += " direct"
	}
	if p.Dev {
		s += " dev"
	}
	if p.Via != nil {
		s += " via " + strings.Join(p.Via, " > ")
	}
	return s
}

const lock = `{
  "name": "site",
  "lockfileVersion": 3,
  "packages": {
    "": {
      "name": "site",
      "dependencies": {"a": "^1.0.0", "alias": "npm:real@^2.0.0", "tool": "file:packages/tool"},
      "optionalDependencies": {"opt": "1"},
      "devDependencies": {"d": "^1.0.0"}
    },
    "node_modules/a": {
      "version": "1.0.0",
      "resolved": "https://registry.example/a/-/a-1.0.0.tgz",
      "dependencies": {"b": "^1.0.0", "@s/c": "^3.0.0"},
      "peerDependencies": {"peer": "*"}
    },
    "node_modules/a/node_modules/b": {
      "version": "1.5.0",
      "dependencies": {"deep": "1"}
    },
    "node_modules/b": {
      "dev": true,
      "version": "2.0.0"
    },
    "node_modules/@s/c": {
      "version": "3.0.0",
      "inBundle": true
    },
    "node_modules/alias": {
      "name": "real",
      "version": "2.1.0"
    },
    "node_modules/d": {
      "version": "1.0.1",
      "dev": true,
      "dependencies": {"b": "^2.0.0"}
    },
    "node_modules/deep": {
      "version": "1.0.0"
    },
    "node_modules/opt": {
      "version": "1.0.0",
      "optional": true
    },
    "node_modules/peer": {
      "version": "9.0.0",
      "peer": true
    },
    "node_modules/stray": {
      "version": "0.0.1",
      "extraneous": true
    },
    "node_modules/tool": {
      "resolved": "packages/tool",
      "link": true
    },
    "packages/tool": {
      "name": "tool",
      "version": "0.1.0",
      "dependencies": {"w": "1"},
      "devDependencies": {"deep": "1"}
    },
    "packages/tool/node_modules/w": {
      "version": "1.2.3"
    }
  }
}
`

func TestPackages(t *testing.T) {
	found, err := packages(t, lock)
	require.NoError(t, err)
	var got []string
	for _, p := range found {
		got = append(got, brief(p))
	}
	assert.Equal(t, []string{
		"12 a 1.0.0 direct",
		"18 b 1.5.0 via a@1.0.0",
		"23 b 2.0.0 dev via d@1.0.1",
		"26 @s/c 3.0.0 via a@1.0.0",
		"31 real 2.1.0 direct",
		"34 d 1.0.1 direct dev",
		"39 deep 1.0.0 direct", // through the workspace
		"42 opt 1.0.0 direct",
		"46 peer 9.0.0 via a@1.0.0",
		"50 stray 0.0.1",
		"64 w 1.2.3 direct",
	}, got)
}

func TestShortestPath(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"lockfileVersion": 2, "packages": {"": {"dependencies": {"p0": "1", "short": "1"}}, "node_modules/short": {"version": "1.0.0", "dependencies": {"p39": "1"}}`)
	for i := range 80 {
		fmt.Fprintf(&b, `, "node_modules/p%d": {"version": "1.0.%d", "dependencies": {"p%d": "1", "p0": "1"}}`, i, i, i+1)
	}
	b.WriteString("}}")
	found, err := packages(t, b.String())
	require.NoError(t, err)
	via := map[string][]string{}
	for _, p := range found {
		via[p.Name] = p.Via
	}
	assert.Equal(t, []string{"short@1.0.0", "p39@1.0.39"}, via["p40"])
	assert.Equal(t, []string{"p0@1.0.0", "p1@1.0.1"}, via["p2"])
	require.Len(t, via["p38"], maxVia)
	assert.Equal(t, []string{"p0@1.0.0", "…"}, via["p38"][:2])
	assert.Equal(t, "p37@1.0.37", via["p38"][maxVia-1])
	assert.Equal(t, "short@1.0.0", via["p79"][0])
}

func TestUnreadable(t *testing.T) {
	for _, c := range []struct {
		name, text string
		line       int
		says       string
	}{
		{"version 1", "{\n\"lockfileVersion\": 1,\n\"dependencies\": {}}", 2, "lockfileVersion 1 is not supported: run npm 7 or newer"},
		{"version 4", "{\n\"lockfileVersion\": 4, \"packages\": {}}", 2, "lockfileVersion 4 is not known"},
		{"version 9", `{"lockfileVersion": 9, "packages": {}}`, 1, "lockfileVersion 9 is not known"},
		{"no version", `{"packages": {}}`, 1, "no lockfileVersion"},
		{"version in words", `{"lockfileVersion": "3", "packages": {}}`, 1, "not a number"},
		{"no packages", `{"lockfileVersion": 3}`, 1, `"packages" is missing`},
		{"a list of packages", "{\"lockfileVersion\": 3,\n\"packages\": []}", 2, `"packages" is missing or not an object`},
		{"a list", "[]", 1, "not a JSON object"},
		{"empty", "", 1, "not JSON"},
		{"cut off", "{\n\"lockfileVersion\": 3,\n\"packages\": {", 3, "not JSON"},
		{"comma at the end", "{\n\"lockfileVersion\": 3,\n\"packages\": {},\n}", 4, "not JSON"},
		{"merge conflict", "{\n\"lockfileVersion\": 3,\n<<<<<<< HEAD\n\"packages\": {}\n", 3, "merge conflict marker"},
		{"a key twice", "{\n\"lockfileVersion\": 3,\n\"packages\": {},\n\"packages\": {}}", 4, `the key "packages" stands twice`},
		{"a package twice, once escaped", "{\"lockfileVersion\": 3,\n\"packages\": {\"node_modules/a\": {},\n\"node_modules/\\u0061\": {}}}", 3, "stands twice"},
		{"a version twice", "{\"lockfileVersion\": 3,\n\"packages\": {\"node_modules/a\": {\"version\": \"1.0.0\",\n\"version\": \"2.0.0\"}}}", 3, "stands twice"},
		{"a version that is a number", "{\"lockfileVersion\": 3,\n\"packages\": {\"node_modules/a\": {\n\"version\": 1}}}", 3, "not a string"},
		{"a package that is a word", "{\"lockfileVersion\": 3,\n\"packages\": {\"node_modules/a\": \"x\"}}", 2, "is not an object"},
		{"dependencies in a list", "{\"lockfileVersion\": 3,\n\"packages\": {\"\": {\n\"dependencies\": []}}}", 3, "dependencies is not an object"},
		{"nested without end", `{"lockfileVersion": 3, "packages": {"` + strings.Repeat("node_modules/a/", 40) + `": {}}}`, 1, "too deep"},
		{"brackets without end", strings.Repeat("[", 1<<20), 1, "not JSON"},
		{"nothing of what it asks for", "{\"lockfileVersion\": 3, \"packages\": {\n\"\": {\"dependencies\": {\"a\": \"1\"}}}}", 2, "lists none of them"},
		{"nothing of what a workspace asks for", "{\"lockfileVersion\": 3, \"packages\": {\"\": {},\n\"apps/web\": {\"devDependencies\": {\"a\": \"1\"}}}}", 2, "lists none of them"},
		{"all in the old list alone", "{\"lockfileVersion\": 2, \"packages\": {},\n\"dependencies\": {\"a\": {\"version\": \"1.0.0\"}}}", 2, "lists none of them"},
		{"two documents", "{\"lockfileVersion\": 3, \"packages\": {}}\n{\"packages\": {\"node_modules/a\": {\"version\": \"1.0.0\"}}}", 2, "not JSON"},
		{"too large", strings.Repeat(" ", maxBytes+1), 0, "larger than 16 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := packages(t, c.text)
			var bad *ecosystem.SyntaxError
			require.ErrorAs(t, err, &bad)
			assert.Equal(t, "web/package-lock.json", bad.Path)
			assert.Equal(t, c.line, bad.Line, bad.Text)
			assert.Contains(t, bad.Text, c.says)
		})
	}
	_, err := Ecosystem{}.Packages(t.Context(), fstest.MapFS{}, "package-lock.json")
	require.Error(t, err)
	var bad *ecosystem.SyntaxError
	assert.False(t, errors.As(err, &bad), "a file that is not there is not a syntax error")
}

// TestNothingInstalled holds that a project without packages is no fault.
func TestNothingInstalled(t *testing.T) {
	for _, text := range []string{
		`{"lockfileVersion": 3, "packages": {}}`, `{"lockfileVersion": 2, "packages": {"": {"name": "x"}}, "dependencies": { }}`,
		`{"lockfileVersion": 3, "packages": {"": {"dependencies": {}, "peerDependencies": {"a": "1"}, "optionalDependencies": {"b": "1"}}}}`,
		`{"lockfileVersion": 3, "packages": {"": {"dependencies": {"a": "file:a"}}, "a": {}, "node_modules/a": {"link": true, "resolved": "a"}}}`,
	} {
		found, err := packages(t, text)
		require.NoError(t, err, text)
		assert.Empty(t, found)
	}
}

func TestByteOrderMark(t *testing.T) {
	found, err := packages(t, "\xef\xbb\xbf{\"lockfileVersion\": 3,\n\"packages\": {\"node_modules/a\": {\n\"version\": \"1.0.0\"}}}")
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, 3, found[0].At.Start)
}

// TestHostileShapes holds that no shape of a lockfile takes more time than its size allows.
func TestHostileShapes(t *testing.T) {
	var chain, star bytes.Buffer
	chain.WriteString(`{"lockfileVersion": 3, "packages": {"": {"dependencies": {"p0": "1"}}`)
	for i := range 30_000 {
		fmt.Fprintf(&chain, `, "node_modules/p%d": {"version": "1.0.0", "dependencies": {"p%d": "1"}}`, i, i+1)
	}
	chain.WriteString("}}")
	deep := strings.TrimSuffix(strings.Repeat("node_modules/a/", 30), "/")
	star.WriteString(`{"lockfileVersion": 3, "packages": {"": {"dependencies": {"a": "1"}}, "node_modules/a": {"version": "1.0.0", "dependencies": {"a": "1"}}`)
	for i := 2; i <= 30; i++ {
		fmt.Fprintf(&star, `, %q: {"version": "1.0.0", "dependencies": {"a": "1"`, deep[:15*i-1])
		for j := range 2_000 {
			fmt.Fprintf(&star, `, "x%d": "1"`, j)
		}
		star.WriteString("}}")
	}
	star.WriteString("}}")
	for name, text := range map[string]string{"chain": chain.String(), "star": star.String()} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			found, err := packages(t, text)
			require.NoError(t, err)
			assert.NotEmpty(t, found)
			assert.Less(t, time.Since(start), 20*time.Second)
		})
	}
}

func TestCompare(t *testing.T) {
	e := Ecosystem{}
	for _, c := range [][2]string{{"1.2.3", "1.10.0"}, {"1.0.0-alpha.1", "1.0.0"}, {"nonsense", "0.0.1"}} {
		assert.Negative(t, e.Compare(c[0], c[1]))
		assert.Positive(t, e.Compare(c[1], c[0]))
	}
	assert.Zero(t, e.Compare("1.0.0+a", "1.0.0+b"))
}

func TestMatch(t *testing.T) {
	e := Ecosystem{}
	assert.True(t, e.Match("package-lock.json"))
	assert.True(t, e.Match("a/npm-shrinkwrap.json"))
	assert.False(t, e.Match("package.json"))
	assert.Equal(t, []string{"a/package.json"}, e.Companions("a/package-lock.json"))
}

// FuzzPackages holds that any file gives packages with lines that exist, or a
// syntax error.
func FuzzPackages(f *testing.F) {
	for _, seed := range []string{
		lock, `{"lockfileVersion":3,"packages":{"":{"dependencies":{"":"","a":""}},"node_modules/":{"version":"1"},"node_modules/a":{"link":true,"resolved":"node_modules/a"}}}`,
		`{"lockfileVersion":2,"packages":{"x":{"version":"1","dependencies":{"x":"1"}},"x/node_modules/x":{"version":"1"}}}`,
		`{"lockfileVersion":3,"packages":{"node_modules":{"version":"1"},"a":{"name":"\u0000\n"}}}`,
		"[[[[[[[[", `{"a":1,}`, "\xff\xfe", `{"lockfileVersion":1e400}`, `{"lockfileVersion":3,"packages":{"\ud800":{}}}`, "<<<<<<< HEAD\n",
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
			assert.True(t, p.Version != "" || p.Source != "")
			assert.Positive(t, p.At.Start)
			assert.LessOrEqual(t, p.At.End, bytes.Count(data, []byte("\n"))+1)
		}
	})
}

// BenchmarkPackages reads a lockfile of 3.8 MB.
func BenchmarkPackages(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("{\n  \"lockfileVersion\": 3,\n  \"packages\": {\n    \"\": {\"dependencies\": {\"p0\": \"1\"}}")
	for i := 0; text.Len() < 3_800_000; i++ {
		fmt.Fprintf(&text, `,
    "node_modules/p%d": {
      "version": "1.0.%d",
      "resolved": "https://registry.example/p%d/-/p%d-1.0.%d.tgz",
      "integrity": "sha512-%088d",
      "license": "MIT",
      "dependencies": {
        "p%d": "^1.0.0",
        "p%d": "^1.0.0"
      },
      "engines": {
        "node": ">=12"
      }
    }`, i, i, i, i, i, i, i+1, i/2)
	}
	text.WriteString("\n  }\n}\n")
	tree := fstest.MapFS{"package-lock.json": {Data: text.Bytes()}}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Ecosystem{}).Packages(b.Context(), tree, "package-lock.json"); err != nil {
			b.Fatal(err)
		}
	}
}
