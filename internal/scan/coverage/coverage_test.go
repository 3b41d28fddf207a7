package coverage

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
)

// lockfiles is what a scanner reads here.
func lockfiles(p string) bool {
	return path.Base(p) == "package-lock.json" || path.Base(p) == "go.mod"
}

func tree(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for p, text := range files {
		out[p] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return out
}

// named returns what Of makes of a change: "KIND: PATHS", a line each.
func named(t *testing.T, o Options, before, after map[string]string) []string {
	t.Helper()
	c, err := change.Between(t.Context(), tree(before), tree(after))
	require.NoError(t, err)
	return lines(Of(c, o))
}

func lines(found []finding.Uncovered) []string {
	var out []string
	for _, u := range found {
		out = append(out, u.Kind+": "+strings.Join(u.Paths, " "))
	}
	return out
}

func TestOf(t *testing.T) {
	const deps, none = `{"dependencies": {"a": "1"}}`, `{"type": "module"}`
	type files = map[string]string
	long := strings.Repeat(" ", maxHead)
	utf16 := func(s string) string {
		var b strings.Builder
		b.WriteString("\xff\xfe")
		for _, r := range s {
			b.WriteString(string([]byte{byte(r), 0}))
		}
		return b.String()
	}
	for name, tc := range map[string]struct {
		before, after files
		want          []string
	}{
		"nothing":                        {nil, files{"main.go": "x"}, nil},
		"added":                          {nil, files{"a/x.bicep": "x"}, []string{"Bicep: a/x.bicep"}},
		"edited":                         {files{"x.bicep": "x"}, files{"x.bicep": "y"}, []string{"Bicep: x.bicep"}},
		"one line a kind":                {nil, files{"a.bicep": "x", "b.bicep": "y"}, []string{"Bicep: a.bicep b.bicep"}},
		"deleted":                        {files{"x.bicep": "x"}, nil, nil},
		"not touched":                    {files{"x.bicep": "x"}, files{"x.bicep": "x", "y": "y"}, nil},
		"without dependencies":           {nil, files{"package.json": none}, nil},
		"with dependencies":              {nil, files{"package.json": deps}, []string{"package.json without a lockfile: package.json"}},
		"a lockfile beside it":           {nil, files{"package.json": deps, "package-lock.json": "{}"}, nil},
		"a lockfile above it":            {files{"package-lock.json": "{}"}, files{"package-lock.json": "{}", "apps/web/package.json": deps}, nil},
		"a lockfile below it":            {nil, files{"package.json": deps, "web/package-lock.json": "{}"}, []string{"package.json without a lockfile: package.json"}},
		"a lockfile that nothing reads":  {nil, files{"package.json": deps, "yarn.lock": "x"}, []string{"package.json without a lockfile: package.json", "yarn.lock: yarn.lock"}},
		"a lockfile that goes":           {files{"package.json": deps, "package-lock.json": "{}"}, files{"package.json": deps + "\n"}, []string{"package.json without a lockfile: package.json"}},
		"vendored":                       {nil, files{"node_modules/a/package.json": deps, "vendor/a/pom.xml": "x", "web/node_modules/a/x.bicep": "x"}, nil},
		"vendor/modules.txt":             {files{"go.mod": "x"}, files{"go.mod": "x", "vendor/modules.txt": "x"}, []string{"vendor/modules.txt: vendor/modules.txt"}},
		"vendor/modules.txt with go.mod": {files{"go.mod": "x"}, files{"go.mod": "y", "vendor/modules.txt": "x"}, nil},
		"a directory of that name":       {nil, files{"Gemfile/x": "x"}, nil},
		"a template in no chart":         {nil, files{"templates/a.yaml": "{{x}}", "values.yaml": "x"}, nil},
		"a template in a chart":          {files{"c/Chart.yaml": "x"}, files{"c/Chart.yaml": "x", "c/templates/a/b.yaml": "{{x}}", "c/values.yaml": "x"}, []string{"Helm chart: c/templates/a/b.yaml c/values.yaml"}},
		"marks, all of a list":           {nil, files{"a.yml": "- hosts: x\n  tasks:\n", "b.yml": "- hosts: x\n"}, []string{"Ansible: a.yml"}},
		"a mark in another encoding":     {nil, files{"a.yaml": utf16("AWSTemplateFormatVersion: x")}, []string{"CloudFormation: a.yaml"}},
		"a mark far down":                {nil, files{"package.json": long + deps, "a.yaml": long + "AWSTemplateFormatVersion"}, []string{"package.json without a lockfile: package.json"}},
		"a workflow that never runs":     {nil, files{"docs/.github/workflows/x.yml": "on: push"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.want, named(t, Options{Read: lockfiles}, tc.before, tc.after))
		})
	}

	two := files{"a.bicep": "x", "old/pom.xml": "x", ".github/workflows/a.yml": "x"}
	assert.Equal(t, []string{"Bicep: a.bicep"}, named(t, Options{
		Read:    lockfiles,
		Ignored: func(p string) bool { return strings.HasPrefix(p, "old/") },
		On:      func(scanner string) bool { return scanner == "iac" },
	}, nil, two))
	assert.Equal(t, []string{"GitHub Actions workflow: .github/workflows/a.yml"}, named(t, Options{
		Read:    func(p string) bool { return p == "old/pom.xml" },
		Ignored: func(p string) bool { return p == "a.bicep" },
		On:      func(scanner string) bool { return scanner == "dependency" },
	}, nil, two), "what steps use are dependencies")
}

func TestMovedFiles(t *testing.T) {
	const deps = `{"dependencies": {"a": "1"}}`
	c, err := change.Between(t.Context(), change.Empty(), tree(map[string]string{"new/x.bicep": "x", "new/package.json": deps, "c.bicep": "y", "n.bicep": "z", "link/package.json": "y"}))
	require.NoError(t, err)
	for i := range c.Files {
		f := &c.Files[i]
		switch f.Path {
		case "new/x.bicep":
			f.Kind, f.OldPath, f.OldBlob = change.Renamed, "old/x.bicep", f.NewBlob
		case "new/package.json":
			f.Kind, f.OldPath, f.OldBlob = change.Renamed, "old/package.json", f.NewBlob
		case "c.bicep":
			f.Kind, f.OldPath, f.OldBlob = change.Renamed, "c.txt", f.NewBlob
		case "n.bicep": // its mode changed
			f.Kind, f.OldBlob = change.Modified, f.NewBlob
		case "link/package.json":
			f.Mode |= fs.ModeSymlink
		}
	}
	assert.Equal(t, []string{
		"package.json without a lockfile: link/package.json new/package.json", // its lockfile may have stayed behind; the other cannot be read
		"Bicep: c.bicep", // which was none before
	}, lines(Of(c, Options{Read: lockfiles})))
}

func TestManyFiles(t *testing.T) {
	files := map[string]string{}
	for i := range 3000 {
		files[fmt.Sprintf("infra/%04d/x.bicep", i)] = fmt.Sprint(i)
	}
	c, err := change.Between(t.Context(), change.Empty(), tree(files))
	require.NoError(t, err)
	got := Of(c, Options{Read: lockfiles})
	require.Len(t, got, 1)
	assert.Equal(t, 3000, got[0].Count)
	assert.Equal(t, "3000 Bicep files", got[0].Label)
	assert.Len(t, got[0].Paths, maxPaths)
	assert.Equal(t, "infra/0000/x.bicep", got[0].Paths[0])

	// Files of which each has to be read to its limit.
	clear(files)
	for i := range 300 {
		files[fmt.Sprintf("%d.yaml", i)] = fmt.Sprintf("resources: %d\n", i) + strings.Repeat("services: # a long line of no kind at all\n", maxHead/40)
	}
	c, err = change.Between(t.Context(), change.Empty(), tree(files))
	require.NoError(t, err)
	start := time.Now()
	assert.Empty(t, Of(c, Options{Read: lockfiles}))
	assert.Less(t, time.Since(start), 5*time.Second, "300 files of 64 KiB")
}

func TestKinds(t *testing.T) {
	words := map[string]Kind{}
	for _, k := range Kinds() {
		if _, ok := words[k.Name]; !ok {
			words[k.Name] = k
		}
		assert.NotContains(t, k.Name, "  ")
		assert.True(t, k.Help == "" || strings.HasSuffix(k.Help, "."), k.Help)
		for _, name := range k.Names {
			_, exactly := k.matches(name)
			assert.True(t, exactly || strings.ContainsAny(name, "*?[{"), "%s is no name of %s", name, k.Name)
		}
	}
	k := words["package.json without a lockfile"]
	assert.Equal(t, "1 package.json without a lockfile that is read", k.label(1))
	assert.Equal(t, "2 package.json files without a lockfile that is read", k.label(2))
	for name, text := range map[string]string{
		"unknown field":   "- {kind: a, scanner: iac, names: [a], paths: [a]}",
		"unknown scanner": "- {kind: a, scanner: [iac, test], names: [a]}",
		"no scanner":      "- {kind: a, names: [a]}",
		"no names":        "- {kind: a, scanner: iac}",
		"bad pattern":     "- {kind: a, scanner: iac, names: ['[']}",
		"two documents":   "- {kind: a, scanner: iac, names: [a]}\n---\n- {kind: b}\n",
		"not YAML":        "[",
	} {
		_, err := parse([]byte(text))
		assert.Error(t, err, name)
	}
	assert.Equal(t, []string{"a.b", "a.c", "x.b", "x.c"}, slices.Sorted(slices.Values(expand("{a,x}.{b,c}"))))
	assert.Equal(t, []string{"{a"}, expand("{a"))
}

func BenchmarkOf(b *testing.B) {
	files := map[string]string{}
	for i := range 3000 {
		files[fmt.Sprintf("src/%d/%s", i, []string{"a.go", "b.ts", "c.yaml", "d.json", "e.md"}[i%5])] = strings.Repeat("key: a value\n", i)
	}
	c, err := change.Between(b.Context(), change.Empty(), tree(files))
	require.NoError(b, err)
	for b.Loop() {
		Of(c, Options{Read: lockfiles})
	}
}
