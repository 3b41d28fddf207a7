package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/store"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

func open(t *testing.T, url string) *store.DB {
	db, err := store.Open(context.Background(), url, nil)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.DB {
		return open(t, "sqlite:"+filepath.Join(t.TempDir(), "pullwarden.db"))
	})
}

func TestSQLiteInMemory(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.DB { return open(t, "sqlite::memory:") })
}

func TestOpenRefuses(t *testing.T) {
	for url, want := range map[string]string{
		"":                               "is empty",
		"pullwarden.db":                  "has no scheme",
		"sqlite:":                        "names no file",
		"mysql://dev:pass-word@host/x":   `scheme "mysql"`,
		"sqlite:" + os.DevNull + "/x.db": "not a directory",
	} {
		_, err := store.Open(context.Background(), url, nil)
		require.ErrorContains(t, err, want, url)
		assert.ErrorContains(t, err, "PULLWARDEN_DATABASE_URL")
		assert.NotContains(t, err.Error(), "pass-word")
	}
	dir := filepath.Join(t.TempDir(), "a", "b")
	_, err := store.Open(context.Background(), "sqlite:"+dir+"/x.db", nil)
	var missing *store.NoDirectoryError
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, dir, missing.Dir)
	assert.NoDirExists(t, dir)
	require.NoError(t, store.MakeDirectory("sqlite:"+dir+"/x.db"))
	db, err := store.Open(context.Background(), "sqlite:"+dir+"/x.db", nil)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	for _, url := range []string{"sqlite::memory:", "postgres://dev@db.example/x", "sqlite:" + dir + "/x.db"} {
		require.NoError(t, store.MakeDirectory(url))
	}

	file := filepath.Join(t.TempDir(), "not-a-database")
	require.NoError(t, os.WriteFile(file, bytes.Repeat([]byte("text\n"), 1000), 0o600))
	_, err = store.Open(context.Background(), "sqlite:"+file, nil)
	require.ErrorContains(t, err, "PULLWARDEN_DATABASE_URL")
}

// A running server's file is backed up as docs/operating.md says.
func TestBackUpOfSQLite(t *testing.T) {
	dir := t.TempDir()
	ctx, file, copied := t.Context(), filepath.Join(dir, "pullwarden.db"), filepath.Join(dir, "copy.db")
	db := open(t, "sqlite:"+file)
	secret, err := db.Secret(ctx, "fingerprints")
	require.NoError(t, err)
	other, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	_, err = other.ExecContext(ctx, "VACUUM INTO '"+copied+"'")
	require.NoError(t, err)
	require.NoError(t, other.Close())
	_, err = db.Secret(ctx, "later")
	require.NoError(t, err, "the server goes on")

	restored, err := open(t, "sqlite:"+copied).Secret(ctx, "fingerprints")
	require.NoError(t, err)
	assert.Equal(t, secret, restored)
}

func TestOpenFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c#d%e")
	file := filepath.Join(dir, "x.db")
	ctx := context.Background()
	require.NoError(t, store.MakeDirectory("sqlite:"+file))
	db, err := store.Open(ctx, "sqlite:"+file, nil)
	require.NoError(t, err)
	first, err := db.Secret(ctx, "fingerprints")
	require.NoError(t, err)
	for path, mode := range map[string]os.FileMode{dir: 0o700, file: 0o600, file + "-wal": 0o600} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode().Perm(), path)
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000"} {
		var got string
		require.NoError(t, db.SQL().QueryRow("PRAGMA "+pragma).Scan(&got))
		assert.Equal(t, want, got, pragma)
	}
	assert.Equal(t, 1, db.SQL().Stats().MaxOpenConnections)
	require.NoError(t, db.Close())

	again, err := open(t, "sqlite:"+file).Secret(ctx, "fingerprints")
	require.NoError(t, err)
	assert.Equal(t, first, again)
}

// TestNoSecretInFile looks for a planted secret in every byte that was written.
func TestNoSecretInFile(t *testing.T) {
	dir := t.TempDir()
	db := open(t, "sqlite:"+filepath.Join(dir, "x.db"))
	r := storetest.WithSecret()
	_, err := db.Ledger().Record(context.Background(), r)
	require.NoError(t, err)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	all := 0
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		require.NoError(t, err)
		all += bytes.Count(b, []byte("secret removed"))
		assert.NotContains(t, string(b), storetest.Planted[:12], f.Name())
		assert.NotContains(t, string(b), "planted", f.Name())
	}
	assert.NotZero(t, all, "the texts themselves are there")
}

// TestOneProcess: a SQLite file serves one at a time, and is free again afterwards.
func TestOneProcess(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "x.db")
	first := open(t, url)
	_, err := store.Open(context.Background(), url, nil)
	require.ErrorContains(t, err, "PULLWARDEN_DATABASE_URL: the file is in use")
	require.NoError(t, first.Close())
	open(t, url)
}

// What was found before rules had a signal is as grave as what is found now,
// and a schema that is taken back can be brought up again.
func TestSignalOfAnOldLedger(t *testing.T) {
	for name, fresh := range map[string]func(testing.TB) string{
		"SQLite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "x.db") },
		"Postgres": storetest.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			url := fresh(t)
			db := open(t, url)
			_, err := db.Ledger().Record(t.Context(), storetest.WithSecret())
			require.NoError(t, err)
			files, err := filepath.Glob("migrations/" + strings.ToLower(name) + "/*.sql")
			require.NoError(t, err)
			for _, file := range slices.Backward(files[9:]) {
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				_, down, found := strings.Cut(string(text), "-- +goose Down\n")
				require.True(t, found)
				for statement := range strings.SplitSeq(strings.TrimSpace(down), ";\n") {
					_, err = db.SQL().Exec(statement)
					require.NoError(t, err, statement)
				}
			}
			_, err = db.SQL().Exec(`DELETE FROM goose_db_version WHERE version_id >= 10`)
			require.NoError(t, err)
			require.NoError(t, db.Close())

			signals, err := open(t, url).Signals(t.Context())
			require.NoError(t, err)
			require.Len(t, signals, 1)
			assert.True(t, signals[0].Grave)
		})
	}
}
