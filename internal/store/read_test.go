package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/store"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

// TestRead: what the server has written is read while it works, and nothing can be written.
func TestRead(t *testing.T) {
	for name, fresh := range map[string]func(testing.TB) string{
		"SQLite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "x.db") },
		"Postgres": storetest.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			url := fresh(t)
			_, err := store.Read(t.Context(), url)
			require.ErrorContains(t, err, "there is none yet")
			if file, lite := strings.CutPrefix(url, "sqlite:"); lite {
				_, err = os.Stat(file)
				require.ErrorIs(t, err, os.ErrNotExist, "looking makes nothing")
			}

			server, err := store.Open(t.Context(), url, nil)
			require.NoError(t, err)
			_, err = server.Ledger().Record(t.Context(), storetest.WithSecret())
			require.NoError(t, err)
			db, err := store.Read(t.Context(), url)
			require.NoError(t, err)
			signals, err := db.Signals(t.Context())
			require.NoError(t, err)
			assert.Len(t, signals, 1)
			_, err = db.SQL().Exec(`DELETE FROM findings`)
			require.Error(t, err)
			assert.Regexp(t, "read-?only", err.Error())
			_, err = server.Secret(t.Context(), "of the test")
			require.NoError(t, err, "the server works on")
			require.NoError(t, db.Close())

			_, err = server.SQL().Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1 = 1)`)
			require.NoError(t, err)
			_, err = store.Read(t.Context(), url)
			require.ErrorContains(t, err, "a later version")
			_, err = server.SQL().Exec(`DELETE FROM goose_db_version WHERE version_id > 9`)
			require.NoError(t, err)
			require.NoError(t, server.Close())
			_, err = store.Read(t.Context(), url)
			require.ErrorContains(t, err, "an earlier version")
		})
	}
}

func TestReadFails(t *testing.T) {
	for url, want := range map[string]string{
		"":                                       "is empty",
		"sqlite::memory:":                        "memory of the server",
		"sqlite:" + os.DevNull + "/x.db":         "not a directory",
		"postgres://dev:pass-word@127.0.0.1:1/x": "connect: ",
		"postgres://dev:1/pass-word@127.0.0.1:1/x": "is no address",
	} {
		_, err := store.Read(t.Context(), url)
		require.ErrorContains(t, err, want, url)
		assert.ErrorContains(t, err, "PULLWARDEN_DATABASE_URL")
		assert.NotContains(t, err.Error(), "pass-word")
	}
}
