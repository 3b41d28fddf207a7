package dependency

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// A remote is the contents of a change of which blobs must be loaded.
type remote struct {
	all, here map[string][]byte
	loaded    []string // contents that were asked for
}

func (r *remote) Blob(id string) ([]byte, error) {
	if b, ok := r.here[id]; ok {
		return b, nil
	}
	return nil, &change.MissingError{Blob: id, Why: "was not fetched"}
}

func (r *remote) Load(_ context.Context, ids ...string) error {
	for _, id := range ids {
		if _, ok := r.here[id]; !ok {
			r.here[id] = r.all[id]
			r.loaded = append(r.loaded, string(r.all[id]))
		}
	}
	return nil
}

// A remoteTree reads from a remote.
type remoteTree struct {
	fstest.MapFS
	from *remote
}

func (t remoteTree) ReadFile(name string) ([]byte, error) {
	f, ok := t.MapFS[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return t.from.Blob(string(f.Sys.(change.BlobID)))
}

// fetched makes a change of which only what it touches is at hand.
func fetched(t testing.TB, before, after map[string]string) (*change.Change, *remote) {
	c, err := change.Between(t.Context(), tree(before), tree(after))
	require.NoError(t, err)
	r := &remote{all: map[string][]byte{}, here: map[string][]byte{}}
	side := func(files map[string]string) fs.FS {
		out := remoteTree{fstest.MapFS{}, r}
		for p, text := range files {
			id := change.HashBlob([]byte(text))
			r.all[id] = []byte(text)
			out.MapFS[p] = &fstest.MapFile{Data: []byte(text), Sys: change.BlobID(id)}
		}
		return out
	}
	c.Before, c.After, c.Contents = side(before), side(after), r
	for _, f := range c.Files {
		for _, id := range []string{f.OldBlob, f.NewBlob} {
			if id != "" {
				r.here[id] = r.all[id]
			}
		}
	}
	return c, r
}

// partial is a record of two packages of a module.
func partialIndex(t testing.TB) *Scanner {
	return New(indexOf(t, "GO-1 Go "+of("Go", "example.com/crypto", `{"introduced": "0"}`,
		`, "ecosystem_specific": {"imports": [{"path": "example.com/crypto/openpgp"}, {"path": "example.com/crypto/openpgp/armor"}]}`)), ecosystems())
}

func goFile(imports ...string) string {
	text := "//go:build never\n\npackage p\n"
	for _, i := range imports {
		text += fmt.Sprintf("import _ %q\n", i)
	}
	return text
}

func TestPackageLevelAdvisory(t *testing.T) {
	const (
		direct   = "module example.com/m\ngo 1.26\nrequire example.com/crypto v0.1.0\n"
		indirect = "module example.com/m\ngo 1.26\nrequire example.com/crypto v0.1.0 // indirect\n"
		replaced = "module example.com/m\ngo 1.26\nrequire example.com/other v0.1.0\nreplace example.com/other => example.com/crypto v0.1.0\n"
		bcrypt   = "example.com/crypto/bcrypt"
		openpgp  = "example.com/crypto/openpgp"
	)
	type files = map[string]string
	for _, c := range []struct {
		name  string
		tree  files
		note  string
		scope string
	}{
		{"not imported", files{"go.mod": direct, "main.go": goFile(bcrypt)}, notImported, "runtime"},
		{"imported", files{"go.mod": direct, "a/b/c.go": goFile(bcrypt, openpgp)}, "", "runtime"},
		{"a package below it", files{"go.mod": direct, "c.go": goFile(openpgp + "/armor")}, "", "runtime"},
		{"a package that only looks like it", files{"go.mod": direct, "c.go": goFile(openpgp + "x")}, notImported, "runtime"},
		{"by tests only", files{"go.mod": direct, "c_test.go": goFile(openpgp), "c.go": goFile(bcrypt)}, "", "development"},
		{"an indirect module", files{"go.mod": indirect, "main.go": goFile(bcrypt)}, "", "runtime"},
		{"in place of another module", files{"go.mod": replaced, "main.go": goFile("example.com/other/openpgp")}, "", "runtime"},
		{"a nested module", files{"go.mod": direct, "n/go.mod": "module example.com/n\n", "n/n.go": goFile(openpgp)}, notImported, "runtime"},
		{"vendored and test data", files{"go.mod": direct, "vendor/x/x.go": goFile(openpgp), "testdata/x.go": goFile(openpgp)}, notImported, "runtime"},
		{"a file that cannot be parsed", files{"go.mod": direct, "main.go": goFile(bcrypt), "broken.go": "{{ template }}"}, "", "runtime"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := files{}
			for p, text := range c.tree {
				if p != "go.mod" {
					before[p] = text
				}
			}
			change, from := fetched(t, before, c.tree)
			r := scan.Run(t.Context(), []scan.Scanner{partialIndex(t)}, change, scan.Options{})
			r.Findings = slices.DeleteFunc(r.Findings, func(f finding.Finding) bool { return f.Rule.ID == sourceChanged().ID })
			f := only(t, r)
			assert.Equal(t, c.note, f.Advisories[0].Note)
			assert.Equal(t, finding.High, f.Severity)
			assert.Equal(t, c.scope, f.Dependency.Scope)
			assert.NotContains(t, from.loaded, before["vendor/x/x.go"])
		})
	}

	t.Run("read only for an advisory that the change introduces, and once", func(t *testing.T) {
		s := partialIndex(t)
		had := files{"go.mod": direct, "main.go": goFile(bcrypt)}
		change, from := fetched(t, had, files{"go.mod": direct + "\n// more\n", "main.go": had["main.go"]})
		assert.Empty(t, scan.Run(t.Context(), []scan.Scanner{s}, change, scan.Options{}).Findings)
		assert.NotContains(t, from.loaded, had["main.go"])

		change, from = fetched(t, files{"main.go": had["main.go"]}, had)
		only(t, scan.Run(t.Context(), []scan.Scanner{s}, change, scan.Options{}))
		assert.Contains(t, from.loaded, had["main.go"])
		change, from = fetched(t, files{"main.go": had["main.go"]}, had)
		f := only(t, scan.Run(t.Context(), []scan.Scanner{s}, change, scan.Options{}))
		assert.Equal(t, notImported, f.Advisories[0].Note)
		assert.NotContains(t, from.loaded, had["main.go"], "what a blob imports is remembered")
	})

	t.Run("too many files", func(t *testing.T) {
		before, after := files{}, files{"go.mod": direct}
		for n := range maxSources + 1 {
			p := fmt.Sprintf("f%d.go", n)
			before[p], after[p] = goFile(bcrypt), goFile(bcrypt)
		}
		change, from := fetched(t, before, after)
		f := only(t, scan.Run(t.Context(), []scan.Scanner{partialIndex(t)}, change, scan.Options{}))
		assert.Empty(t, f.Advisories[0].Note)
		assert.False(t, slices.Contains(from.loaded, goFile(bcrypt)))
	})
}
