package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/store"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

func inspect(t *testing.T, url string) store.Condition {
	t.Helper()
	c, err := store.Inspect(t.Context(), url, nil)
	require.NoError(t, err)
	return c
}

// migrationCount is how many there are.
func migrationCount(t *testing.T) int {
	files, err := filepath.Glob("migrations/sqlite/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return len(files)
}

func TestInspect(t *testing.T) {
	for name, fresh := range map[string]func(testing.TB) string{
		"SQLite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "x.db") },
		"Postgres": storetest.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			url := fresh(t)
			file, _ := strings.CutPrefix(url, "sqlite:")
			lite := file != url
			c := inspect(t, url)
			assert.False(t, c.Exists || c.InUse || c.Newer)
			assert.NoError(t, c.Refuses)
			assert.Equal(t, migrationCount(t), c.Pending)
			assert.False(t, inspect(t, url).Exists, "looking makes nothing")

			db, err := store.Open(t.Context(), url, nil)
			require.NoError(t, err)
			secret, err := db.Secret(t.Context(), "of the test")
			require.NoError(t, err)
			tx, err := db.SQL().BeginTx(t.Context(), nil)
			require.NoError(t, err)
			require.NoError(t, tx.Rollback())
			c = inspect(t, url)
			assert.True(t, c.Exists)
			assert.Equal(t, lite, c.InUse)
			assert.Zero(t, c.Pending)
			assert.NoError(t, c.Refuses)
			again, err := db.Secret(t.Context(), "of the test")
			require.NoError(t, err, "the server works on")
			assert.Equal(t, secret, again)
			var keys int
			require.NoError(t, db.SQL().QueryRow(`SELECT count(*) FROM keys`).Scan(&keys))
			assert.Equal(t, 1, keys, "what was written was rolled back")

			_, err = db.SQL().Exec(`DELETE FROM goose_db_version WHERE version_id = (SELECT MAX(version_id) FROM goose_db_version)`)
			require.NoError(t, err)
			require.NoError(t, db.Close())
			for range 2 {
				c = inspect(t, url)
				assert.Equal(t, 1, c.Pending, "it migrates nothing")
				assert.False(t, c.InUse)
			}
		})
	}
}

func TestInspectNewer(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "x.db")
	db := open(t, url)
	_, err := db.SQL().Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
	require.NoError(t, err)
	c := inspect(t, url)
	assert.True(t, c.Newer)
	assert.Zero(t, c.Pending)
}

// TestInspectLeavesTheFile: not a byte is changed, and nothing stays beside it.
func TestInspectLeavesTheFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.db")
	db, err := store.Open(t.Context(), "sqlite:"+file, nil)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	before, err := os.ReadFile(file)
	require.NoError(t, err)
	inspect(t, "sqlite:"+file)
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, before, after)
	names := []string{}
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range list {
		names = append(names, e.Name())
	}
	assert.Equal(t, []string{"x.db", "x.db.lock"}, names)
}

func TestInspectAlso(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "x.db")
	asked := 0
	lacks := func(_ context.Context, db *sql.DB) (bool, error) {
		asked++
		return true, db.Ping()
	}
	_, err := store.Inspect(t.Context(), url, lacks)
	require.NoError(t, err)
	assert.Zero(t, asked, "there is nothing to ask about")
	open(t, url)
	c, err := store.Inspect(t.Context(), url, lacks)
	require.NoError(t, err)
	assert.Equal(t, 1, c.Pending)
	_, err = store.Inspect(t.Context(), url, func(context.Context, *sql.DB) (bool, error) { return false, errors.New("no answer") })
	assert.ErrorContains(t, err, "no answer")
}

func TestInspectRefuses(t *testing.T) {
	url := storetest.Postgres(t) + "&default_transaction_read_only=on"
	assert.ErrorContains(t, inspect(t, url).Refuses, "read-only")
	open(t, strings.TrimSuffix(url, "&default_transaction_read_only=on"))
	c := inspect(t, url)
	assert.ErrorContains(t, c.Refuses, "read-only")
	assert.Zero(t, c.Pending)
}

func TestInspectDirectory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no directory that nobody may write to")
	}
	c := inspect(t, "sqlite:/proc/pullwarden/x.db")
	assert.Error(t, c.Refuses)
	assert.False(t, c.Exists)
}

func TestInspectFails(t *testing.T) {
	text := filepath.Join(t.TempDir(), "not-a-database")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("text\n", 1000)), 0o600))
	for url, want := range map[string]string{
		"":                                       "is empty",
		"sqlite:" + text:                         "not a database",
		"postgres://dev:pass-word@127.0.0.1:1/x": "connect: ",
		"postgres://dev:1/pass-word@127.0.0.1:1/x":          "is no address",
		"mysql://dev:pass-word@host/x":                      "not supported",
		"postgres://dev:pass-word@127.0.0.1:1/x?sslmode=no": "is no address",
	} {
		_, err := store.Inspect(t.Context(), url, nil)
		require.ErrorContains(t, err, want, url)
		assert.ErrorContains(t, err, "PULLWARDEN_DATABASE_URL")
		assert.NotContains(t, err.Error(), "pass-word")
	}
}
