package dependency

import (
	"archive/zip"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/ecosystem/gomod"
	"github.com/pullwarden/pullwarden/internal/ecosystem/npm"
	"github.com/pullwarden/pullwarden/internal/ecosystem/pypi"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

var update = flag.Bool("update", false, "rewrite the want of the cases")

func ecosystems() []ecosystem.Ecosystem {
	return []ecosystem.Ecosystem{gomod.Ecosystem{}, npm.Ecosystem{}, pypi.Ecosystem{}}
}

// fixture opens an index made of testdata/advisories.txtar.
func fixture(t testing.TB) *advisory.Index {
	t.Helper()
	records, err := txtar.ParseFile(filepath.Join("testdata", "advisories.txtar"))
	require.NoError(t, err)
	dir, into := t.TempDir(), t.TempDir()
	byEcosystem := map[string][]txtar.File{}
	for _, f := range records.Files {
		name, _, _ := strings.Cut(f.Name, "/")
		byEcosystem[name] = append(byEcosystem[name], f)
	}
	for name, files := range byEcosystem {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o755))
		out, err := os.Create(filepath.Join(dir, name, "all.zip"))
		require.NoError(t, err)
		z := zip.NewWriter(out)
		for _, f := range files {
			w, err := z.Create(filepath.Base(f.Name))
			require.NoError(t, err)
			_, err = w.Write(f.Data)
			require.NoError(t, err)
		}
		require.NoError(t, z.Close())
		require.NoError(t, out.Close())
	}
	_, err = advisory.Import(t.Context(), dir, into, time.Unix(0, 0))
	require.NoError(t, err)
	db, err := advisory.Open(into)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

// TestCases runs each testdata/cases/*.txtar: the trees before/ and after/,
// and what is found as want. With -update want is rewritten.
func TestCases(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "cases", "*.txtar"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	s := New(fixture(t), ecosystems())
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			require.NoError(t, err)
			before, after := fstest.MapFS{}, fstest.MapFS{}
			var want string
			kept := a.Files[:0]
			for _, f := range a.Files {
				if p, ok := strings.CutPrefix(f.Name, "before/"); ok {
					before[p] = &fstest.MapFile{Data: f.Data}
				} else if p, ok := strings.CutPrefix(f.Name, "after/"); ok {
					after[p] = &fstest.MapFile{Data: f.Data}
				} else {
					require.Equal(t, "want", f.Name)
					want = string(f.Data)
					continue
				}
				kept = append(kept, f)
			}
			c, err := change.Between(t.Context(), before, after)
			require.NoError(t, err)
			got := render(scan.Run(t.Context(), []scan.Scanner{s}, c, scan.Options{}))
			if *update {
				a.Files = append(kept, txtar.File{Name: "want", Data: []byte(got)})
				require.NoError(t, os.WriteFile(path, txtar.Format(a), 0o644))
				return
			}
			assert.Equal(t, want, got)
		})
	}
}

// render writes a result as want has it.
func render(r finding.Result) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%v %v %s: %s\n", f.At, f.Severity, f.Rule.ID, f.Message)
		for _, d := range f.Details {
			switch d.Name {
			case "Advisory", "Further advisories", "Dependency", "Required by":
				fmt.Fprintf(&b, "\t%s: %s\n", d.Name, d.Text)
			}
		}
		for _, s := range f.Also {
			fmt.Fprintf(&b, "\talso: %v\n", s)
		}
		fmt.Fprintf(&b, "\tfix: %s\n", f.Fix.Text)
		for _, e := range f.Fix.Edits {
			fmt.Fprintf(&b, "\tedit %v: %s", e.Span, e.Text)
		}
	}
	for _, p := range r.Packages {
		fmt.Fprintf(&b, "package %s %s %s at %s:%d\n", p.Ecosystem, p.Name, p.Version, p.Path, p.Line)
	}
	for _, s := range r.Statuses {
		if s.Err != nil {
			fmt.Fprintf(&b, "error: %v\n", s.Err)
		}
		for _, skip := range s.Incomplete {
			fmt.Fprintf(&b, "incomplete: %s:%d: %s\n", skip.Path, skip.Line, skip.Why)
		}
	}
	return b.String()
}

func TestWholeFinding(t *testing.T) {
	s := New(fixture(t), ecosystems())
	tree := fstest.MapFS{"go.mod": {Data: []byte("module example.com/m\nrequire example.com/parser v0.1.0\n")}}
	c, err := change.Between(t.Context(), change.Empty(), tree)
	require.NoError(t, err)
	r := scan.Run(t.Context(), []scan.Scanner{s}, c, scan.Options{})
	require.Len(t, r.Findings, 1)
	got := r.Findings[0]
	want := finding.New(finding.Rule{
		ID: "dependency/vulnerable", Title: "Vulnerable dependency: example.com/parser", Severity: finding.High,
		Why:        "A vulnerability of this version is public: anyone who wants to use it can read how.",
		How:        "Upgrade `example.com/parser` to v0.23.0 or newer: run `go get example.com/parser@v0.23.0 && go mod tidy`.",
		References: []string{"https://example.com/GO-2024-9001"}, Grave: true,
	}, change.Span{Path: "go.mod", Start: 2, End: 2}, finding.InFile("example.com/parser@GO-2024-9001 direct"),
		"example.com/parser v0.1.0 has GO-2024-9001: Unbounded memory in parser")
	want.Evidence = finding.Plain("example.com/parser v0.1.0")
	want.Details = []finding.Detail{
		{Name: "Package", Text: "example.com/parser"}, {Name: "Version", Text: "v0.1.0"},
		{Name: "Advisory", Text: "GO-2024-9001 (CVE-2024-99001), high (CVSS 3.1 score 7.5), fixed in v0.17.0"},
		{Name: "Dependency", Text: "direct"},
	}
	want.Dependency = &finding.Dependency{
		Ecosystem: "Go", Name: "example.com/parser", PURL: "pkg:golang/example.com/parser", Version: "v0.1.0", Scope: "runtime", Direct: true, Upgrade: "v0.23.0",
	}
	want.Advisories = []finding.Advisory{{
		ID: "GO-2024-9001", Aliases: []string{"CVE-2024-99001"}, Summary: "Unbounded memory in parser", Severity: finding.High,
		Source: "CVSS 3.1 score 7.5 of GO-2024-9001", Introduced: "0", Fixed: "v0.17.0", Published: got.Advisories[0].Published, Prints: got.Joined,
	}}
	want.Print, want.Joined = got.Print, got.Joined
	assert.NotContains(t, got.Joined, got.Print, "the finding has a fingerprint of its own")
	want.Because("dependency/vulnerable", "example.com/parser direct", "v0.1.0")
	assert.EqualExportedValues(t, want, got)
	assert.Equal(t, []finding.Package{{Ecosystem: "Go", Name: "example.com/parser", Version: "v0.1.0", Path: "go.mod", Line: 2, Direct: true}}, r.Packages)
}

// TestEditsApply holds that a fix by edits leaves nothing to find.
func TestEditsApply(t *testing.T) {
	s := New(fixture(t), ecosystems())
	for name, text := range map[string]string{
		"requirements.txt": "# all\nTiny.Templates==2.0 ; python_version > '3'\n",
		"go.mod":           "module example.com/m\n\ngo 1.21.1 // least\n",
	} {
		tree := fstest.MapFS{name: {Data: []byte(text)}}
		c, err := change.Between(t.Context(), change.Empty(), tree)
		require.NoError(t, err)
		r := scan.Run(t.Context(), []scan.Scanner{s}, c, scan.Options{})
		require.Len(t, r.Findings, 1, name)
		require.NotEmpty(t, r.Findings[0].Fix.Edits, name)
		fixed, err := change.Apply([]byte(text), r.Findings[0].Fix.Edits...)
		require.NoError(t, err)
		c, err = change.Between(t.Context(), tree, fstest.MapFS{name: {Data: fixed}})
		require.NoError(t, err)
		assert.Len(t, c.Files, 1)
		assert.Empty(t, scan.Run(t.Context(), []scan.Scanner{s}, c, scan.Options{}).Findings, string(fixed))
	}
}

func TestWants(t *testing.T) {
	s := New(fixture(t), ecosystems())
	file := &fstest.MapFile{}
	before := fstest.MapFS{
		"a/go.mod": file, "a/go.sum": {Data: []byte("old")}, "b/package-lock.json": file, "b/package.json": {Data: []byte("old")},
		"c/go.sum": {Data: []byte("old")}, "d/go.mod": {Data: []byte("old")}, "d/go.sum": file, "e/readme": {Data: []byte("old")}, "e/go.mod": file,
	}
	after := fstest.MapFS{
		"a/go.mod": file, "a/go.sum": {Data: []byte("new")}, "b/package-lock.json": file, "b/package.json": {Data: []byte("new")},
		"c/go.sum": {Data: []byte("new")}, "d/go.mod": {Data: []byte("new")}, "d/go.sum": file, "e/readme": {Data: []byte("new")}, "e/go.mod": file,
	}
	c, err := change.Between(t.Context(), before, after)
	require.NoError(t, err)
	assert.Equal(t, []string{"a/go.mod", "b/package-lock.json"}, s.Wants(c), "what Inspect reads, and not what it does not")
}

// TestNameThatIsNotUTF8 reads a manifest whose path no fs.FS takes.
func TestNameThatIsNotUTF8(t *testing.T) {
	s := New(fixture(t), ecosystems())
	const path = "\xff\n/go.mod"
	blob := []byte("module example.com/m\nrequire example.com/parser v0.1.0\n")
	id := change.HashBlob(blob)
	snap := scan.Snapshot{
		Side: scan.After, Files: []change.File{{Path: path, Kind: change.Added, NewBlob: id}}, Touched: []string{path},
		Tree: change.Empty(), Contents: contents{id: blob},
	}
	r, err := s.Inspect(t.Context(), snap)
	require.NoError(t, err)
	require.Len(t, r.Findings, 1)
	assert.Equal(t, path, r.Findings[0].At.Path)

	snap.Contents = contents{}
	_, err = s.Inspect(t.Context(), snap)
	var missing *change.MissingError
	require.ErrorAs(t, err, &missing, "what is not at hand is never passed over")
	assert.Equal(t, path, missing.Path)
}

type contents map[string][]byte

func (c contents) Blob(id string) ([]byte, error) {
	if b, ok := c[id]; ok {
		return b, nil
	}
	return nil, &change.MissingError{Blob: id, Why: "larger than allowed"}
}

func (contents) Load(context.Context, ...string) error { return nil }

// broken is a set of advisories that cannot be read.
type broken struct{}

func (broken) Affecting(context.Context, string, string, string, func(a, b string) int) ([]advisory.Advisory, error) {
	return nil, errors.New("the index is gone")
}
func (broken) Info() advisory.Info {
	return advisory.Info{Ecosystems: map[string]int{"Go": 1, "npm": 1, "PyPI": 1}}
}

func TestBrokenIndexIsAnError(t *testing.T) {
	tree := fstest.MapFS{"requirements.txt": {Data: []byte("a==1.0\n")}}
	c, err := change.Between(t.Context(), change.Empty(), tree)
	require.NoError(t, err)
	r := scan.Run(t.Context(), []scan.Scanner{New(broken{}, ecosystems())}, c, scan.Options{})
	require.ErrorContains(t, r.Statuses[0].Err, "the index is gone")
	assert.False(t, r.Complete())
}

// odd has an advisory for any package, with text that nobody should paste into a shell.
type odd struct{ broken }

func (odd) Affecting(_ context.Context, _, _, version string, _ func(a, b string) int) ([]advisory.Advisory, error) {
	if version != "1.0" {
		return nil, nil
	}
	return []advisory.Advisory{{ID: "X-1", Summary: "a\nb\x1b[2J\u202e " + strings.Repeat("x", 1000), Severity: finding.High, Fixed: "2; rm -rf ~"}}, nil
}

func TestForeignTextIsHarmless(t *testing.T) {
	tree := fstest.MapFS{"package-lock.json": {Data: []byte(`{"lockfileVersion": 3, "packages": {"": {"dependencies": {"d$(x)": "1"}},
		"node_modules/d$(x)": {"version": "9\n9", "dependencies": {"a` + "`b`" + `": "1"}}, "node_modules/a` + "`b`" + `": {"version": "1.0"}}}`)}}
	c, err := change.Between(t.Context(), change.Empty(), tree)
	require.NoError(t, err)
	r := scan.Run(t.Context(), []scan.Scanner{New(odd{}, ecosystems())}, c, scan.Options{})
	require.Len(t, r.Findings, 1)
	f := r.Findings[0]
	assert.LessOrEqual(t, len([]rune(f.Message)), messageRunes)
	texts := []string{f.Message, f.Rule.Title}
	for _, d := range f.Details {
		texts = append(texts, d.Text)
	}
	for _, text := range texts {
		assert.NotContains(t, text, "\n")
		assert.NotContains(t, text, "\x1b")
		assert.NotContains(t, text, "\u202e")
	}
	for _, part := range []string{"rm -rf", "$(", "`b`"} {
		assert.NotContains(t, f.Fix.Text, part)
	}
}

// nothing is an index that knows of no package of any ecosystem.
type nothing struct{ broken }

func (nothing) Affecting(context.Context, string, string, string, func(a, b string) int) ([]advisory.Advisory, error) {
	return nil, nil
}
func (nothing) Info() advisory.Info { return advisory.Info{} }

func TestWithoutAdvisoriesNothingPasses(t *testing.T) {
	tree := fstest.MapFS{"requirements.txt": {Data: []byte("a==1.0\n")}}
	c, err := change.Between(t.Context(), change.Empty(), tree)
	require.NoError(t, err)
	r := scan.Run(t.Context(), []scan.Scanner{New(nothing{}, ecosystems())}, c, scan.Options{})
	require.ErrorContains(t, r.Statuses[0].Err, "requirements.txt: no advisories of PyPI are imported")

	c, err = change.Between(t.Context(), change.Empty(), fstest.MapFS{"main.py": {Data: []byte("x\n")}})
	require.NoError(t, err)
	r = scan.Run(t.Context(), []scan.Scanner{New(nothing{}, ecosystems())}, c, scan.Options{})
	assert.True(t, r.Complete(), "a change without dependencies needs no advisories")
}
