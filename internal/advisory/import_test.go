package advisory

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"deps.dev/util/semver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func compare(a, b string) int {
	return semver.DefaultSystem.Compare(strings.TrimPrefix(a, "v"), strings.TrimPrefix(b, "v"))
}

// archive writes dir/ECOSYSTEM/all.zip; files are pairs of a name and a text.
func archive(t testing.TB, dir, ecosystem string, files ...string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, ecosystem), 0o755))
	f, err := os.Create(filepath.Join(dir, ecosystem, "all.zip"))
	require.NoError(t, err)
	z := zip.NewWriter(f)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		require.NoError(t, err)
		_, err = w.Write([]byte(files[i+1]))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	require.NoError(t, f.Close())
}

// indexOf imports archives, each a list "ECOSYSTEM", record, record …, and opens the index.
func indexOf(t testing.TB, archives ...[]string) *Index {
	t.Helper()
	dir, into := t.TempDir(), t.TempDir()
	for _, a := range archives {
		var files []string
		for i, text := range a[1:] {
			files = append(files, fmt.Sprintf("%d.json", i), text)
		}
		archive(t, dir, a[0], files...)
	}
	_, err := Import(t.Context(), dir, into, now)
	require.NoError(t, err)
	index, err := Open(into)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, index.Close()) })
	return index
}

// rec is a record of one package with one range.
func rec(id, ecosystem, name, events string, more ...string) string {
	return fmt.Sprintf(`{"id": %q, "modified": "2025-01-01T00:00:00Z", %s "affected": [{"package": {"ecosystem": %q, "name": %q},
		"ranges": [{"type": "SEMVER", "events": [%s]}]}]}`, id, strings.Join(more, ""), ecosystem, name, events)
}

const upTo120 = `{"introduced": "0"}, {"fixed": "1.2.0"}`

func affecting(t testing.TB, db DB, ecosystem, name, version string) []Advisory {
	t.Helper()
	got, err := db.Affecting(t.Context(), ecosystem, name, version, compare)
	require.NoError(t, err)
	return got
}

func TestImport(t *testing.T) {
	dir, into := t.TempDir(), filepath.Join(t.TempDir(), "new", "index")
	archive(t, dir, "Go",
		"GO-2024-9001.json", rec("GO-2024-9001", "Go", "example.com/a", upTo120, `"summary": "Reads\n too \u001b[31mmuch \u202e", "aliases": ["CVE-2024-99001"],`+
			`"database_specific": {"url": "https://example.com/GO-2024-9001"}, "references": [{"type": "WEB", "url": "https://example.com/web"}, {"type": "FIX", "url": "https://example.com/fix"},`+
			`{"type": "FIX", "url": "javascript:alert(1)"}, {"type": "FIX", "url": "https://example.com/a)[b]"}],`),
		"GO-2024-9002.json", rec("GO-2024-9002", "Go", "example.com/a", upTo120, `"withdrawn": "2025-01-01T00:00:00Z",`),
		"GO-2024-9003.json", `{"id": "GO-2024-9003", "modified": "2025-02-03T00:00:00Z"}`,
		"README.md", "not a record")
	archive(t, dir, "Some New Registry", "X-1.json", rec("X-1", "Some New Registry", "thing", upTo120))
	info, err := Import(t.Context(), dir, into, now)
	require.NoError(t, err)
	assert.Len(t, info.Snapshot, 32)
	assert.Equal(t, Info{
		Snapshot: info.Snapshot, Imported: now, Newest: time.Date(2025, 2, 3, 0, 0, 0, 0, time.UTC), Records: 3, Withdrawn: 1,
		Ecosystems: map[string]int{"Go": 2, "Some New Registry": 1}, Format: format,
	}, info)

	db, err := Open(into)
	require.NoError(t, err)
	defer db.Close()
	assert.Equal(t, info, db.Info())
	got := affecting(t, db, "Go", "example.com/a", "v1.1.0")
	require.Len(t, got, 1)
	assert.Equal(t, Advisory{
		ID: "GO-2024-9001", Aliases: []string{"CVE-2024-99001"}, Summary: "Reads too [31mmuch",
		Introduced: "0", Fixed: "v1.2.0",
		URLs: []string{"https://example.com/GO-2024-9001", "https://example.com/fix", "https://example.com/web"},
	}, got[0])
	assert.Len(t, affecting(t, db, "Some New Registry", "thing", "1.0.0"), 1)
	assert.Empty(t, affecting(t, db, "npm", "example.com/a", "v1.1.0"))
	left, err := filepath.Glob(filepath.Join(into, ".*"))
	require.NoError(t, err)
	assert.Empty(t, left, "no temporary file stays")

	again, err := Import(t.Context(), dir, into, now.Add(time.Hour))
	require.NoError(t, err)
	assert.Equal(t, info.Snapshot, again.Snapshot, "the same records are the same snapshot")
}

// TestImportKeepsTheOldIndex holds that no bad archive replaces a good index.
func TestImportKeepsTheOldIndex(t *testing.T) {
	good := rec("GO-2024-9001", "Go", "example.com/a", upTo120)
	dir, into := t.TempDir(), t.TempDir()
	archive(t, dir, "Go", "GO-2024-9001.json", good)
	first, err := Import(t.Context(), dir, into, now)
	require.NoError(t, err)
	db, err := Open(into)
	require.NoError(t, err)
	defer db.Close()
	for _, c := range []struct{ name, text, says string }{
		{"cut off", good[:40], "not an OSV record"},
		{"a list", "[]", "not an OSV record"},
		{"no id", `{"modified": "2025-01-01T00:00:00Z"}`, "the id is"},
		{"an id with a line in it", rec("GO-1\n2", "Go", "a", upTo120), "the id is"},
		{"an unknown event", rec("GO-1", "Go", "a", `{"broken": "1"}`), `an event "broken"`},
		{"an empty event", rec("GO-1", "Go", "a", `{"fixed": ""}`), "without a version"},
		{"brackets without end", strings.Repeat("[", 1<<20), "not an OSV record"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := t.TempDir()
			archive(t, bad, "Go", "fine.json", good, "bad one.json", c.text)
			_, err := Import(t.Context(), bad, into, now)
			require.ErrorContains(t, err, c.says)
			assert.ErrorContains(t, err, "bad one.json")
			assert.ErrorContains(t, err, filepath.Join("Go", "all.zip"))
			assert.Equal(t, first, db.Info())
			assert.Len(t, affecting(t, db, "Go", "example.com/a", "v1.0.0"), 1)
		})
	}
	t.Run("not a zip", func(t *testing.T) {
		bad := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(bad, "Go"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(bad, "Go", "all.zip"), []byte("PK"), 0o644))
		_, err := Import(t.Context(), bad, into, now)
		require.ErrorContains(t, err, "all.zip")
	})
	t.Run("nothing", func(t *testing.T) {
		_, err := Import(t.Context(), t.TempDir(), into, now)
		require.ErrorContains(t, err, "has no ECOSYSTEM/all.zip")
		_, err = Import(t.Context(), filepath.Join(t.TempDir(), "none"), into, now)
		require.ErrorIs(t, err, os.ErrNotExist)
	})
	left, err := os.ReadDir(into)
	require.NoError(t, err)
	assert.Len(t, left, 1)
}

func TestImportIsBounded(t *testing.T) {
	dir := t.TempDir()
	archive(t, dir, "Go", "a.json", rec("GO-1", "Go", "a", upTo120), "b.json", rec("GO-2", "Go", "a", upTo120), "bomb.json", strings.Repeat(" ", 1<<20))
	for says, l := range map[string]limits{
		"larger than 65536 bytes": {1 << 16, 1 << 30, 10},
		"more than 65536 bytes":   {1 << 21, 1 << 16, 10},
		"more than 1 records":     {1 << 21, 1 << 30, 1},
	} {
		_, err := collect(t.Context(), dir, l, func(string, int, int) {})
		assert.ErrorContains(t, err, says)
	}
}

// TestSeverity holds the order of sources: the record's vector, its database's
// word, an alias' vector, an alias' word; else the severity is unknown.
func TestSeverity(t *testing.T) {
	vector := func(v string) string { return fmt.Sprintf(`"severity": [{"type": "CVSS_V3", "score": %q}],`, v) }
	const (
		critical = `"severity": [{"type": "CVSS_V2", "score": "AV:N"}, {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],`
		v4       = `"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},` +
			`{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"}],`
		low = `"database_specific": {"severity": "LOW"},`
	)
	affected := func(id, name, more string) string {
		return fmt.Sprintf(`{"id": %q, "affected": [{"package": {"ecosystem": "Go", "name": %q}, "ranges": [{"type": "SEMVER", "events": [%s]}], %s}]}`, id, name, upTo120, more)
	}
	db := indexOf(t,
		[]string{
			"Go",
			rec("GO-1", "Go", "vector", upTo120, critical),
			rec("GO-2", "Go", "word", upTo120, `"database_specific": {"severity": "MODERATE"},`),
			rec("GO-3", "Go", "both", upTo120, critical, low),
			rec("GO-4", "Go", "newest", upTo120, v4, low),
			rec("GO-5", "Go", "v2", upTo120, vector("(AV:N/AC:L/Au:N/C:C/I:C/A:C)")),
			rec("GO-6", "Go", "broken", upTo120, vector("CVSS:3.1/AV:N")),
			rec("GO-12", "Go", "broken with a word", upTo120, vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/A:H"), low),
			rec("GO-13", "Go", "broken with an alias", upTo120, `"aliases": ["CVE-8"],`, vector("9.8")),
			rec("GO-7", "Go", "unreviewed", upTo120, `"database_specific": {"review_status": "UNREVIEWED"},`),
			rec("GO-8", "Go", "joined", upTo120, `"aliases": ["CVE-8"],`),
			rec("GO-14", "Go", "word before alias", upTo120, `"aliases": ["CVE-8"],`, low),
			rec("GO-9", "Go", "by its own id", upTo120),
			rec("GO-10", "Go", "related only", upTo120, `"related": ["CVE-8"],`),
			rec("GO-11", "Go", "odd database", upTo120, `"database_specific": ["HIGH"],`),
			rec("GO-15", "Go", "alias of an alias", upTo120, `"aliases": ["GHSA-20"],`),
			affected("GO-16", "of the package", `"ecosystem_specific": {"severity": "IMPORTANT"}`),
			affected("GO-17", "vector of the package", `"database_specific": {"cvss": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N"}`),
			rec("MAL-1", "Go", "malicious", upTo120, vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N")),
		},
		[]string{
			"PyPI",
			rec("PYSEC-8", "PyPI", "other", upTo120, `"aliases": ["CVE-8"],`, vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N")),
			rec("PYSEC-7", "PyPI", "other", upTo120, `"aliases": ["CVE-8"],`, `"database_specific": {"severity": "CRITICAL"},`),
			rec("PYSEC-9", "PyPI", "other", upTo120, `"aliases": ["GO-9"],`, low),
			rec("GHSA-20", "PyPI", "twin", upTo120, `"aliases": ["CVE-20"],`),
			rec("CVE-20", "PyPI", "twin", upTo120, critical),
		})
	for name, want := range map[string]rating{
		"vector":                {Severity: finding.Critical, Source: "CVSS 3.1 score 9.8 of GO-1"},
		"word":                  {Severity: finding.Medium, Source: "stated by GO-2"},
		"both":                  {Severity: finding.Critical, Source: "CVSS 3.1 score 9.8 of GO-3"},
		"newest":                {Severity: finding.Medium, Source: "CVSS 4.0 score 6.9 of GO-4"},
		"v2":                    {Severity: finding.High, Source: "CVSS 2.0 score 10.0 of GO-5"},
		"broken":                {},
		"broken with a word":    {Severity: finding.Low, Source: "stated by GO-12"},
		"broken with an alias":  {Severity: finding.Medium, Source: "CVSS 3.1 score 5.3 of PYSEC-8"},
		"unreviewed":            {},
		"joined":                {Severity: finding.Medium, Source: "CVSS 3.1 score 5.3 of PYSEC-8"},
		"word before alias":     {Severity: finding.Low, Source: "stated by GO-14"},
		"by its own id":         {Severity: finding.Low, Source: "stated by PYSEC-9"},
		"related only":          {},
		"odd database":          {},
		"alias of an alias":     {Severity: finding.Critical, Source: "CVSS 3.1 score 9.8 of CVE-20"},
		"of the package":        {Severity: finding.High, Source: "stated by GO-16"},
		"vector of the package": {Severity: finding.Medium, Source: "CVSS 3.1 score 5.3 of GO-17"},
		"malicious":             {Severity: finding.Critical, Source: "listed as malicious by MAL-1"},
	} {
		got := affecting(t, db, "Go", name, "v1.0.0")
		require.Len(t, got, 1, name)
		assert.Equal(t, want, rating{Severity: got[0].Severity, Source: got[0].Source}, name)
	}
}

// TestAdvisoryWithoutVersion holds that a record that can match nothing is
// named, and that the others are imported.
func TestAdvisoryWithoutVersion(t *testing.T) {
	dir, into := t.TempDir(), t.TempDir()
	archive(t, dir, "npm",
		"1.json", `{"id": "GHSA-1", "affected": [{"package": {"ecosystem": "npm", "name": "bare"}}]}`,
		"2.json", rec("GHSA-2", "npm", "no-beginning", `{"fixed": "1.0.0"}`),
		"3.json", rec("GHSA-3", "npm", "no-events", ``),
		"4.json", rec("GHSA-4", "npm", "fine", upTo120))
	info, err := Import(t.Context(), dir, into, now)
	require.NoError(t, err)
	assert.Equal(t, []string{"GHSA-1 of npm bare", "GHSA-2 of npm no-beginning", "GHSA-3 of npm no-events"}, info.Unversioned)
	db, err := Open(into)
	require.NoError(t, err)
	defer db.Close()
	assert.Equal(t, info, db.Info())
	assert.Len(t, affecting(t, db, "npm", "fine", "1.0.0"), 1)
}

func TestImportsOfGoRecords(t *testing.T) {
	packages := `"ecosystem_specific": {"imports": [{"path": "example.com/a/x", "symbols": ["F"]}, {"path": "example.com/a/y"}, {"symbols": []}, 7]}`
	record := func(id, more, packages string) string {
		return fmt.Sprintf(`{"id": %q, %s "affected": [{"package": {"ecosystem": "Go", "name": "example.com/a"}, "ranges": [{"type": "SEMVER", "events": [%s]}] %s}]}`, id, more, upTo120, packages)
	}
	for name, c := range map[string]struct {
		records []string
		want    []string
	}{
		"one record":      {[]string{record("GO-1", "", ","+packages)}, []string{"example.com/a/x", "example.com/a/y"}},
		"with a twin":     {[]string{record("GO-1", "", ","+packages), record("GHSA-1", `"aliases": ["GO-1"],`, "")}, []string{"example.com/a/x", "example.com/a/y"}},
		"the twin alone":  {[]string{record("GHSA-1", "", "")}, nil},
		"one without any": {[]string{record("GO-1", "", ","+packages), record("GO-2", `"aliases": ["GO-1"],`, "")}, nil},
	} {
		got := affecting(t, indexOf(t, append([]string{"Go"}, c.records...)), "Go", "example.com/a", "v1.0.0")
		require.Len(t, got, 1, name)
		assert.Equal(t, c.want, got[0].Imports, name)
	}
}

func TestAliasesAreOneAdvisory(t *testing.T) {
	db := indexOf(t, []string{
		"Go",
		rec("CVE-1", "Go", "a", `{"introduced": "0"}`, `"summary": "third",`),
		rec("GHSA-1", "Go", "a", `{"introduced": "1.0.0"}, {"fixed": "1.5.0"}`, `"aliases": ["CVE-1"], "summary": "second", "database_specific": {"severity": "LOW"},`),
		rec("GO-1", "Go", "a", upTo120, `"aliases": ["GHSA-1"],`),
		rec("GO-2", "Go", "a", upTo120),
		rec("GHSA-1", "Go", "b", upTo120), // the same id again, not newer: dropped
	})
	got := affecting(t, db, "Go", "a", "v1.4.0")
	require.Len(t, got, 1)
	assert.Equal(t, "GO-1", got[0].ID)
	assert.Equal(t, []string{"CVE-1", "GHSA-1"}, got[0].Aliases)
	assert.Equal(t, "second", got[0].Summary)
	assert.Equal(t, finding.Low, got[0].Severity)
	assert.Empty(t, got[0].Fixed, "one of them has no fix")
	got = affecting(t, db, "Go", "a", "v1.1.0")
	require.Len(t, got, 2)
	assert.Equal(t, "GO-1", got[0].ID, "worst first")
	assert.Empty(t, affecting(t, db, "Go", "b", "v1.0.0"))
}

// TestSharedArchives imports what lies in the workspace, for its size and its oddities.
func TestSharedArchives(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "osv")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no archives beside the checkout")
	}
	all := 0
	archives, err := filepath.Glob(filepath.Join(dir, "*", "all.zip"))
	require.NoError(t, err)
	for _, path := range archives {
		z, err := zip.OpenReader(path)
		require.NoError(t, err)
		all += len(z.File)
		require.NoError(t, z.Close())
	}
	into := t.TempDir()
	start := time.Now()
	info, err := Import(t.Context(), dir, into, now)
	require.NoError(t, err)
	t.Logf("%d records taken, %d withdrawn, in %v: %v", info.Records, info.Withdrawn, time.Since(start).Round(time.Millisecond), info.Ecosystems)
	assert.Equal(t, all, info.Records+info.Withdrawn)
	db, err := Open(into)
	require.NoError(t, err)
	defer db.Close()
	got := affecting(t, db, "Go", "golang.org/x/net", "v0.16.0")
	assert.NotEmpty(t, got)
	for _, a := range got {
		t.Logf("%s %v %v fixed %s %v: %s", a.ID, a.Aliases, a.Severity, a.Fixed, a.Source, a.Summary)
	}
	assert.NotEmpty(t, affecting(t, db, "PyPI", "Django", "3.2.0"))
	assert.NotEmpty(t, affecting(t, db, "Go", "stdlib", "1.20.1"))
}
