package queue_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/queue"
	"github.com/pullwarden/pullwarden/internal/store"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

func TestMigrated(t *testing.T) {
	for name, fresh := range map[string]func(testing.TB) string{
		"SQLite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "x.db") },
		"Postgres": storetest.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), fresh(t), nil)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, db.Close()) })
			for range 2 {
				done, err := queue.Migrated(t.Context(), db.SQL())
				require.NoError(t, err)
				assert.False(t, done, "asking makes nothing")
			}
			_, err = queue.Open(t.Context(), db.SQL(), queue.Options{})
			require.NoError(t, err)
			done, err := queue.Migrated(t.Context(), db.SQL())
			require.NoError(t, err)
			assert.True(t, done)
		})
	}
}
