package store_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/store"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

// does runs a statement on the database itself.
func does(t *testing.T, db *store.DB, statement string) {
	t.Helper()
	_, err := db.SQL().ExecContext(t.Context(), statement)
	require.NoError(t, err)
}

func kept(t *testing.T, db *store.DB) (n int) {
	t.Helper()
	require.NoError(t, db.SQL().QueryRowContext(t.Context(), `SELECT COUNT(*) FROM keys`).Scan(&n))
	return n
}

func TestTryWriteOfSQLite(t *testing.T) {
	for name, c := range map[string]struct{ refuse, allow string }{
		"read-only": {`PRAGMA query_only = 1`, `PRAGMA query_only = 0`},
		"full":      {`PRAGMA max_page_count = 1`, `PRAGMA max_page_count = 1000000`}, // 1: as many as there are
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t, "sqlite:"+filepath.Join(t.TempDir(), "p.db"))
			does(t, db, c.refuse)
			assert.Error(t, db.TryWrite(t.Context()))
			does(t, db, c.allow)
			for range 3 {
				assert.NoError(t, db.TryWrite(t.Context()))
			}
			assert.Zero(t, kept(t, db), "nothing is left behind")
		})
	}
}

func TestTryWriteOfPostgreSQL(t *testing.T) {
	db := open(t, storetest.Postgres(t))
	db.SQL().SetMaxOpenConns(1) // the setting is of a session
	does(t, db, `SET default_transaction_read_only = on`)
	assert.ErrorContains(t, db.TryWrite(t.Context()), "read-only")
	does(t, db, `SET default_transaction_read_only = off`)
	assert.NoError(t, db.TryWrite(t.Context()))
	assert.Zero(t, kept(t, db))
}
