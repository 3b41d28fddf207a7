package advisory

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/pullwarden/pullwarden/internal/finding"
)

func TestOpenOfNothing(t *testing.T) {
	into := filepath.Join(t.TempDir(), "none")
	db, err := Open(into)
	require.NoError(t, err)
	defer db.Close()
	assert.Equal(t, Info{}, db.Info())
	assert.Empty(t, affecting(t, db, "Go", "a", "v1.0.0"))

	dir := t.TempDir()
	archive(t, dir, "Go", "1.json", rec("GO-1", "Go", "a", upTo120))
	_, err = Import(t.Context(), dir, into, now)
	require.NoError(t, err)
	assert.Len(t, affecting(t, db, "Go", "a", "v1.0.0"), 1, "an index that appears is taken up")
	require.NoError(t, os.Remove(filepath.Join(into, indexFile)))
	assert.Len(t, affecting(t, db, "Go", "a", "v1.0.0"), 1, "one that disappears still serves")
}

func TestOpenRefusesWhatIsNoIndex(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "words": "this is no index at all", "zeros": string(make([]byte, 1<<16))} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, indexFile), []byte(text), 0o644))
		_, err := Open(dir)
		assert.ErrorContains(t, err, indexFile, name)
	}
}

// TestIndexOfAnOlderVersion holds that a server goes on with the index that it
// has: of format 1 a severity that was a default of ours is unknown.
func TestIndexOfAnOlderVersion(t *testing.T) {
	of := func(format string) (*Index, error) {
		dir := t.TempDir()
		db, err := bbolt.Open(filepath.Join(dir, indexFile), 0o644, nil)
		require.NoError(t, err)
		require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
			meta, err1 := tx.CreateBucket(metaBucket)
			packages, err2 := tx.CreateBucket(packageBucket)
			return errors.Join(err1, err2, meta.Put(formatKey, []byte(format)), meta.Put(infoKey, []byte(`{"Snapshot": "abc", "Records": 2, "Ecosystems": {"Go": 2}}`)),
				packages.Put([]byte("Go\x00a"), []byte(`[{"id": "GO-1", "r": {"Severity": "high", "Scored": false, "Source": "no source states one; unknown counts as high"},
					"p": "2024-01-01T00:00:00Z", "g": [{"e": [{"k": 0, "v": "0"}, {"k": 2, "v": "v1.2.0"}]}]},
					{"id": "GO-2", "r": {"Severity": "low", "Scored": true, "Source": "stated by GO-2"}, "p": "2024-01-01T00:00:00Z", "v": ["1"]}]`)))
		}))
		require.NoError(t, db.Close())
		return Open(dir)
	}
	db, err := of("1")
	require.NoError(t, err)
	defer db.Close()
	assert.True(t, db.Info().Outdated())
	got := affecting(t, db, "Go", "a", "v1.0.0")
	require.Len(t, got, 2)
	assert.Equal(t, rating{Severity: finding.Low, Source: "stated by GO-2"}, rating{Severity: got[0].Severity, Source: got[0].Source})
	assert.Equal(t, rating{}, rating{Severity: got[1].Severity, Source: got[1].Source})
	assert.Equal(t, "v1.2.0", got[1].LastAffected)
	_, err = of("3")
	require.ErrorContains(t, err, "import the advisories again")
	assert.False(t, Info{}.Outdated(), "no index is not an old one")
}

func TestReplacedByGarbage(t *testing.T) {
	into, dir := t.TempDir(), t.TempDir()
	archive(t, dir, "Go", "1.json", rec("GO-1", "Go", "a", upTo120))
	info, err := Import(t.Context(), dir, into, now)
	require.NoError(t, err)
	db, err := Open(into)
	require.NoError(t, err)
	defer db.Close()
	garbage := filepath.Join(into, "garbage")
	require.NoError(t, os.WriteFile(garbage, []byte("no index"), 0o644))
	require.NoError(t, os.Rename(garbage, filepath.Join(into, indexFile)))
	_, err = db.Affecting(t.Context(), "Go", "a", "v1.0.0", compare)
	require.Error(t, err, "an index that cannot be read is no empty one")
	assert.Equal(t, info, db.Info())
}

// TestSwapWhileReading holds that readers see the old index or the new one and no error.
func TestSwapWhileReading(t *testing.T) {
	into := t.TempDir()
	fresh := func(n int) {
		dir := t.TempDir()
		archive(t, dir, "Go", "1.json", rec(fmt.Sprintf("GO-%d", n), "Go", "a", upTo120))
		_, err := Import(context.Background(), dir, into, now)
		require.NoError(t, err)
	}
	fresh(0)
	db, err := Open(into)
	require.NoError(t, err)
	defer db.Close()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				got, err := db.Affecting(context.Background(), "Go", "a", "v1.0.0", compare)
				if !assert.NoError(t, err) || !assert.Len(t, got, 1) {
					return
				}
				db.Info()
			}
		})
	}
	for n := 1; n <= 8; n++ {
		fresh(n)
	}
	close(stop)
	wg.Wait()
	assert.Equal(t, "GO-8", affecting(t, db, "Go", "a", "v1.0.0")[0].ID)
}

func TestNames(t *testing.T) {
	db := indexOf(t, []string{
		"PyPI",
		rec("PYSEC-1", "PyPI", "Zope.Interface", upTo120),
		`{"id": "PYSEC-2", "affected": [{"package": {"ecosystem": "PyPI", "name": "listed"}, "versions": ["1.0", "v1.1.0", "1.2RC1"],
			"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}]}`,
		`{"id": "PYSEC-3", "affected": [{"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]},
			{"package": {"ecosystem": "PyPI", "name": "first"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]},
			{"package": {"ecosystem": "PyPI", "name": "second"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2"}]}]}]}`,
	}, []string{
		"Go",
		`{"id": "GO-1", "affected": [{"package": {"ecosystem": "Go", "name": "stdlib"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.21.3"}]}]},
			{"package": {"ecosystem": "Go", "name": "example.com/A"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "0.17.0"}]}]}]}`,
	})
	assert.Len(t, affecting(t, db, "PyPI", "zope_interface", "1.0"), 1)
	for version, want := range map[string]int{"1.0": 1, "1.0.0": 1, "1.1": 1, "1.2rc1": 1, "1.2": 0, "": 0} {
		assert.Len(t, affecting(t, db, "PyPI", "listed", version), want, version)
	}
	assert.Len(t, affecting(t, db, "PyPI", "first", "1"), 1)
	assert.Empty(t, affecting(t, db, "PyPI", "second", "1"))
	assert.Len(t, affecting(t, db, "PyPI", "second", "3"), 1)
	assert.Empty(t, affecting(t, db, "Go", "example.com/a", "v0.1.0"), "Go names tell case apart")
	assert.Equal(t, "v0.17.0", affecting(t, db, "Go", "example.com/A", "v0.1.0")[0].Fixed)
	assert.Equal(t, "1.21.3", affecting(t, db, "Go", "stdlib", "1.21.1")[0].Fixed)
}

func TestSummary(t *testing.T) {
	assert.Equal(t, "First words.", summary("", "### Impact\n\n  First words.\nMore."))
	assert.Empty(t, summary("", ""))
	long := oneLine(fmt.Sprintf("%01000d", 7), 200)
	assert.Len(t, []rune(long), 200)
	assert.Equal(t, "ab", oneLine("a\xff\u200bb", 200))
}

// FuzzRead holds that no record crashes the import, and that what is taken of
// one is fit to show.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		rec("GO-1", "Go", "a", upTo120, `"summary": "\u0000", "aliases": ["", "x y"],`), `{"id": "A", "database_specific": 7}`, `{"id": "A", "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/////"}]}`,
		`{"id": "A", "affected": [null, {"ranges": [null]}]}`, "[[[[", `{"id": "A", "references": [{"url": "https://[::1"}]}`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := read(data)
		if err != nil {
			return
		}
		assert.Regexp(t, identifier, r.id)
		assert.LessOrEqual(t, len([]rune(r.summary)), summaryRunes)
		assert.NotContains(t, r.summary, "\n")
		for _, a := range r.affected {
			e := entry{Ranges: a.ranges, Versions: a.versions}
			e.affects("1.0.0", compare)
			e.fixedAbove("1.0.0", compare)
		}
	})
}

// BenchmarkAffecting looks up in an index of 166,000 packages.
func BenchmarkAffecting(b *testing.B) {
	entries := map[pkg][]entry{}
	for i := range 166_000 {
		entries[pkg{"npm", fmt.Sprintf("package-%d", i)}] = []entry{{
			ID: fmt.Sprintf("GHSA-%d", i), Summary: "A summary of some length, as records have them",
			Ranges: []versionRange{{Events: []event{{introduced, "0"}, {fixed, "1.2.0"}}}},
		}}
	}
	dir := b.TempDir()
	require.NoError(b, write(b.Context(), dir, Info{}, entries))
	db, err := Open(dir)
	require.NoError(b, err)
	defer db.Close()
	for name, of := range map[string]string{"hit": "package-%d", "miss": "absent-%d"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := db.Affecting(b.Context(), "npm", fmt.Sprintf(of, i%166_000), "1.0.0", compare); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
