package demo_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/demo"
)

// Files with the keys that commit 1541059 accepted and nothing implemented, as
// in the recorded database.
const (
	oldPolicy = `version: 1
block: low
scanners:
  dependencies: {enabled: true, licenses: {deny: [AGPL-3.0-only], unknown: note}, min_release_age: 3d}
  iac: {skip: [AWS-0089]}
  workflows: {enabled: false, skip: [pin]}
upgrades: {open: 2, schedule: daily, group: ['golang.org/x/*'], min_release_age: 36h}
`
	oldOrganisation = "version: 1\ncomment: low\nfloors:\n  scanners: [secrets, workflows]\nupgrades: {schedule: weekly}\n"
)

// A database of that commit is updated: reviews go on, whether the files are
// still on the default branch or only stored as last valid.
func TestUnsupportedKeysOfARecordedDatabase(t *testing.T) {
	for name, tip := range map[string]struct{ repository, organisation string }{
		"on the default branch": {oldPolicy, oldOrganisation},
		"last valid":            {"version: 1\nblok: low\n", "version: [\n"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "recorded.db")
			restore(t, file, "testdata/unsupported-1541059.sql")
			w := newWorld(t, demo.StageOptions{Settings: func(c *config.Config) { c.DatabaseURL = "sqlite:" + file }})
			_, err := w.repo.Commit("main", "Add a policy", map[string]string{".github/pullwarden.yml": tip.repository})
			require.NoError(t, err)
			org, err := w.Install(t.Context(), "acme", ".github")
			require.NoError(t, err)
			_, err = org.Commit("main", "Add floors", map[string]string{"pullwarden.yml": tip.organisation})
			require.NoError(t, err)

			check, pull := w.review(map[string]string{"requirements.txt": "example-ledger==4.1.2\n"})
			assert.Equal(t, "failure", check.Conclusion)
			assert.Len(t, pull.Threads, 1)
			assert.Contains(t, check.Summary, "`block` | `low`", "all other keys hold")
			assert.Equal(t, 1, strings.Count(check.Summary, "not supported yet"), "one notice")
			for _, key := range []string{
				"scanners.dependencies.licenses", "scanners.dependencies.min_release_age", "scanners.workflows",
				"upgrades.schedule", "upgrades.group", "upgrades.min_release_age", "floors.scanners: workflows",
			} {
				assert.Contains(t, check.Summary, "`"+key+"` (")
			}
			if name == "on the default branch" {
				assert.NotContains(t, check.Summary, "not valid")
			}
		})
	}
}

// A pull request that adds or changes such a key is told where; one that edits
// the file but leaves the keys as they are is not.
func TestUnsupportedKeysThatAPullRequestBrings(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	check, _ := w.review(map[string]string{".github/pullwarden.yml": oldPolicy})
	assert.Contains(t, check.Summary, "brings a policy that is not valid")
	assert.Contains(t, check.Summary, "line 4, column 33: \\`scanners.dependencies.licenses\\` is not supported yet: remove it (and 5 further problems)")
	assert.NotContains(t, check.Summary, "not supported yet and are ignored", "nothing of it is in force")

	_, err := w.repo.Commit("main", "Add a policy", map[string]string{".github/pullwarden.yml": oldPolicy})
	require.NoError(t, err)
	check, _ = w.review(map[string]string{".github/pullwarden.yml": strings.Replace(oldPolicy, "block: low", "block: high", 1)})
	assert.Contains(t, check.Summary, "It takes effect once it is on the default branch")
	assert.NotContains(t, check.Summary, "not valid")
	assert.Contains(t, check.Summary, "`block` from `low` to `high`")
	assert.Contains(t, check.Summary, "not supported yet and are ignored")
	check, _ = w.review(map[string]string{".github/pullwarden.yml": strings.Replace(oldPolicy, "36h", "48h", 1)})
	assert.Contains(t, check.Summary, "line 7, column 65: \\`upgrades.min\\_release\\_age\\` is not supported yet: remove it")
	w.quiet()
}

// restore makes a database of what was dumped.
func restore(t *testing.T, file, dump string) {
	t.Helper()
	text, err := os.ReadFile(dump)
	require.NoError(t, err)
	db, err := sql.Open("sqlite", "file:"+file)
	require.NoError(t, err)
	_, err = db.Exec(string(text))
	require.NoError(t, err)
	require.NoError(t, db.Close())
}
