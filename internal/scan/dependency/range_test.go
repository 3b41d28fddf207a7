package dependency

import (
	"archive/zip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/ecosystem/gomod"
	"github.com/pullwarden/pullwarden/internal/ecosystem/npm"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// indexOf makes an index of records: "ID ECOSYSTEM NAME EVENTS" with more members behind.
func indexOf(t testing.TB, records ...string) *advisory.Index {
	t.Helper()
	dir, into := t.TempDir(), t.TempDir()
	byEcosystem := map[string][]string{}
	for _, r := range records {
		f := strings.SplitN(r, " ", 3)
		byEcosystem[f[1]] = append(byEcosystem[f[1]], fmt.Sprintf(`{"id": %q, %s}`, f[0], f[2]))
	}
	for name, list := range byEcosystem {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o755))
		out, err := os.Create(filepath.Join(dir, name, "all.zip"))
		require.NoError(t, err)
		z := zip.NewWriter(out)
		for i, text := range list {
			w, err := z.Create(fmt.Sprintf("%d.json", i))
			require.NoError(t, err)
			_, err = w.Write([]byte(text))
			require.NoError(t, err)
		}
		require.NoError(t, z.Close())
		require.NoError(t, out.Close())
	}
	_, err := advisory.Import(t.Context(), dir, into, time.Unix(0, 0))
	require.NoError(t, err)
	db, err := advisory.Open(into)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

// of is the rest of a record of one package.
func of(ecosystem, name, events string, more ...string) string {
	return fmt.Sprintf(`"database_specific": {"severity": "HIGH"}, "affected": [{"package": {"ecosystem": %q, "name": %q}, "ranges": [{"type": "ECOSYSTEM", "events": [%s]}] %s}]`,
		ecosystem, name, events, strings.Join(more, ""))
}

func tree(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for p, text := range files {
		out[p] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// introduced scans what goes from one tree to another.
func introduced(t testing.TB, s *Scanner, before, after map[string]string) finding.Result {
	t.Helper()
	c, err := change.Between(t.Context(), tree(before), tree(after))
	require.NoError(t, err)
	return scan.Run(t.Context(), []scan.Scanner{s}, c, scan.Options{})
}

func only(t testing.TB, r finding.Result) finding.Finding {
	t.Helper()
	for _, s := range r.Statuses {
		require.NoError(t, s.Err)
	}
	require.Len(t, r.Findings, 1, "%v", messages(r))
	return r.Findings[0]
}

func messages(r finding.Result) (out []string) {
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%v %v %s: %s", f.At, f.Severity, f.Rule.ID, f.Message))
	}
	return out
}

func pythonIndex(t testing.TB) *advisory.Index {
	return indexOf(t,
		"PYSEC-1 PyPI "+of("PyPI", "web", `{"introduced": "0"}, {"fixed": "2.2.4"}`),
		"PYSEC-2 PyPI "+of("PyPI", "web", `{"introduced": "3.0"}, {"last_affected": "3.1"}`),
		"PYSEC-3 PyPI "+of("PyPI", "epoch", `{"introduced": "1!0"}, {"fixed": "1!2.1"}`))
}

func TestRangeThatAdmitsOnlyVulnerableVersions(t *testing.T) {
	s := New(pythonIndex(t), ecosystems())
	for requirement, version := range map[string]string{
		"web==2.0.*":                            "==2.0.*",
		"web ~= 2.0.0":                          "~=2.0.0",
		"web<2.1":                               "<2.1",
		"Web >=2.0, <=2.0 ; python_version>'3'": ">=2.0,<=2.0",
		"web[extra]!=2.0.5,<2.1":                "!=2.0.5,<2.1",
		"web<2.1rc1":                            "<2.1rc1",
		"web==2.0.post1":                        "2.0.post1",
		"web==2.0+local":                        "2.0+local",
		"web===2.0":                             "2.0",
		"web>=3.0,<=3.1":                        ">=3.0,<=3.1",
		"epoch==1!2.0.*":                        "==1!2.0.*",
	} {
		t.Run(requirement, func(t *testing.T) {
			f := only(t, introduced(t, s, nil, map[string]string{"requirements.txt": requirement + "\n"}))
			assert.Equal(t, "dependency/vulnerable", f.Rule.ID)
			assert.Equal(t, finding.High, f.Severity)
			assert.Empty(t, f.Note)
			assert.Equal(t, version, f.Dependency.Version)
		})
	}
	before := map[string]string{"requirements.txt": "web==2.0.5\n"}
	assert.Empty(t, introduced(t, s, before, map[string]string{"requirements.txt": "web==2.0.*\n"}).Findings, "the same advisories")
	f := only(t, introduced(t, s, nil, map[string]string{"requirements.txt": "web\n-c limits.txt\n", "limits.txt": "web<2.1\n"}))
	assert.Equal(t, "requirements.txt", f.At.Path)
	assert.Equal(t, "<2.1", f.Dependency.Version)
}

func TestRangeThatIsFine(t *testing.T) {
	s := New(pythonIndex(t), ecosystems())
	for _, requirement := range []string{"web>=2.2.4,<3", "web~=2.2.4", "quiet<2", "web>=2,<1", "epoch<1!3", "web==2.2.4"} {
		assert.Empty(t, introduced(t, s, nil, map[string]string{"requirements.txt": requirement + "\n"}).Findings, requirement)
	}
	assert.Empty(t, introduced(t, s, nil, map[string]string{"requirements.txt": "quiet\n-c limits.txt\n", "limits.txt": "quiet==1.0\n"}).Findings, "pinned by a constraints file")
}

// TestUnpinned holds that what is not pinned is one note a manifest, of what
// the change adds or alters.
func TestUnpinned(t *testing.T) {
	s := New(pythonIndex(t), ecosystems())
	text := "web~=3.0\n"
	for n := range 200 {
		text += fmt.Sprintf("quiet%d\n", n)
	}
	r := introduced(t, s, nil, map[string]string{"requirements.txt": text})
	f := only(t, r)
	assert.Equal(t, "dependency/unpinned", f.Rule.ID)
	assert.NotEmpty(t, f.Note)
	assert.Equal(t, "The versions of 201 packages are not pinned: web (~=3.0, of which the highest known release, 3.1, has PYSEC-2); quiet0 (any version); quiet1 (any version); quiet2 (any version); quiet3 (any version); and 196 more", f.Message)
	assert.Len(t, f.Also, 200)

	f = only(t, introduced(t, s, map[string]string{"requirements.txt": text}, map[string]string{"requirements.txt": strings.Replace(text, "quiet7\n", "quiet7>=2\n", 1)}))
	assert.Equal(t, "The version of a package is not pinned: quiet7 (>=2)", f.Message)

	f = only(t, introduced(t, s, nil, map[string]string{"requirements.txt": "quiet>=2.0-legacy\n"}))
	assert.Equal(t, "The version of a package is not pinned: quiet (>=2.0-legacy, which is not a range that can be read)", f.Message)
}

// upTo has a registry with the given versions of each package.
type upTo struct {
	npm.Ecosystem
	versions []string
	err      error
	asked    *int
}

func (u upTo) Versions(context.Context, string) ([]string, error) {
	*u.asked++
	return u.versions, u.err
}

func lockfile(name, version string) string {
	return fmt.Sprintf(`{"lockfileVersion": 3, "packages": {"": {"dependencies": {%q: "*"}}, "node_modules/%s": {"version": %q}}}`, name, name, version)
}

func TestLastAffected(t *testing.T) {
	db := indexOf(t,
		"GHSA-1 npm "+of("npm", "left", `{"introduced": "0"}, {"last_affected": "1.4.0"}`),
		"GHSA-2 npm "+of("npm", "left", `{"introduced": "0"}, {"last_affected": "1.2.0"}`),
		"GHSA-3 npm "+of("npm", "both", `{"introduced": "0"}, {"last_affected": "2.0.0"}`),
		"GHSA-4 npm "+of("npm", "both", `{"introduced": "0"}, {"fixed": "1.5.0"}`),
		`GHSA-5 npm "database_specific": {"severity": "HIGH"}, "affected": [{"package": {"ecosystem": "npm", "name": "listed"}, "versions": ["1.0.0", "1.10.0", "1.9.0"]}]`,
		"GHSA-6 npm "+of("npm", "never", `{"introduced": "0"}`))
	look := func(name string, e ecosystem.Ecosystem) finding.Finding {
		return only(t, introduced(t, New(db, []ecosystem.Ecosystem{e}), nil, map[string]string{"package-lock.json": lockfile(name, "1.0.0")}))
	}
	f := look("left", npm.Ecosystem{})
	assert.Equal(t, "Upgrade `left` to a version after 1.4.0, the last one that is known to be vulnerable.", f.Fix.Text)
	assert.Empty(t, f.Dependency.Upgrade)
	assert.Contains(t, fmt.Sprint(f.Details), "known in versions up to 1.4.0")
	f = look("both", npm.Ecosystem{})
	assert.Contains(t, f.Fix.Text, "Upgrade `both` to 1.5.0 or newer")
	assert.Contains(t, f.Fix.Text, "It does not fix GHSA-3 (known in versions up to 2.0.0): a later version does.")
	assert.Contains(t, look("listed", npm.Ecosystem{}).Fix.Text, "to a version after 1.10.0")
	assert.Contains(t, look("never", npm.Ecosystem{}).Fix.Text, "No version without this vulnerability is known.")

	asked := 0
	f = look("left", upTo{versions: []string{"1.0.0", "1.4.0", "1.4.1-rc.1", "1.4.1", "2.0.0"}, asked: &asked})
	assert.Contains(t, f.Fix.Text, "Upgrade `left` to 1.4.1 or newer")
	assert.Equal(t, "1.4.1", f.Dependency.Upgrade)
	assert.Equal(t, 1, asked)
	f = look("left", upTo{err: ecosystem.ErrNoRegistry, asked: &asked})
	assert.Contains(t, f.Fix.Text, "to a version after 1.4.0")
	asked = 0
	look("never", upTo{versions: []string{"9.0.0"}, asked: &asked})
	assert.Zero(t, asked, "nothing is asked that no advisory needs")
}

// TestGoLineIsAMinimum holds that only what pins the toolchain counts.
func TestGoLineIsAMinimum(t *testing.T) {
	db := indexOf(t,
		"GO-1 Go "+of("Go", gomod.Stdlib, `{"introduced": "0"}, {"fixed": "1.22.5"}`),
		"GO-2 Go "+of("Go", gomod.Stdlib, `{"introduced": "0"}, {"fixed": "1.22.7"}`))
	s := New(db, ecosystems())
	const mod = "module example.com/m\n\ngo 1.22\n"
	for name, c := range map[string]struct {
		files   map[string]string
		version string
		counts  bool
	}{
		"go line":                 {map[string]string{"go.mod": mod}, "1.22", false},
		"toolchain line":          {map[string]string{"go.mod": mod + "toolchain go1.22.2\n"}, "1.22.2", true},
		"builder image":           {map[string]string{"go.mod": mod, "Dockerfile": "FROM --platform=x golang:1.22.1-alpine AS build\nFROM scratch\n"}, "1.22.1", true},
		"argument":                {map[string]string{"go.mod": mod, "build/api.Dockerfile": "ARG V=1.22.3\nfrom registry.example/library/golang:${V}\n"}, "1.22.3", true},
		"lowest image":            {map[string]string{"go.mod": mod, "Dockerfile": "FROM golang:1.22.4\n", "Dockerfile.dev": "FROM golang:1.22.1@sha256:ab\n"}, "1.22.1", true},
		"image without a release": {map[string]string{"go.mod": mod, "Dockerfile": "FROM golang:1.22\n"}, "1.22", false},
		"image below the go line": {map[string]string{"go.mod": mod, "Dockerfile": "FROM golang:1.21.1\n"}, "1.22", false},
		"image of another module": {map[string]string{"a/go.mod": mod, "b/Dockerfile": "FROM golang:1.22.1\n"}, "1.22", false},
	} {
		t.Run(name, func(t *testing.T) {
			f := only(t, introduced(t, s, nil, c.files))
			assert.Equal(t, c.version, f.Dependency.Version)
			require.Len(t, f.Advisories, 2)
			for _, a := range f.Advisories {
				assert.Equal(t, c.counts, a.Note == "", a.ID)
			}
		})
	}
	old := map[string]string{"go.mod": mod}
	f := only(t, introduced(t, s, old, map[string]string{"go.mod": mod + "toolchain go1.22.2\n"}))
	assert.Equal(t, "1.22.2", f.Dependency.Version, "a note before does not excuse a pin")
	assert.Empty(t, introduced(t, s, map[string]string{"go.mod": mod + "toolchain go1.22.2\n"}, old).Findings)
}
