package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/store"
)

func TestResultsSurviveARestart(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "x.db")
	db, err := store.Open(t.Context(), url, time.Now)
	require.NoError(t, err)
	var keys []string
	for i := range 1200 {
		keys = append(keys, fmt.Sprintf("key%d", i))
	}
	require.NoError(t, db.Results(1).Keep(t.Context(), keys))
	require.NoError(t, db.Results(1).Keep(t.Context(), keys[:1]), "twice is no error")
	require.NoError(t, db.Close())

	db, err = store.Open(t.Context(), url, time.Now)
	require.NoError(t, err)
	defer db.Close()
	clean, err := db.Results(1).Clean(t.Context(), append(keys, "unknown"))
	require.NoError(t, err)
	assert.Len(t, clean, 1200)
	assert.False(t, clean["unknown"])
	clean, err = db.Results(2).Clean(t.Context(), keys)
	require.NoError(t, err)
	assert.Empty(t, clean, "another repository knows nothing of it")
}

func TestResultsAreBounded(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	db, err := store.Open(t.Context(), "sqlite::memory:", func() time.Time { return now })
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.Results(1).Keep(t.Context(), []string{"old", "used"}))
	_, err = db.SQL().Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 199999)
		INSERT INTO clean_results SELECT 2, i, 1000000000001 FROM n`)
	require.NoError(t, err)
	now = now.Add(time.Hour)
	_, err = db.Results(1).Clean(t.Context(), []string{"used"})
	require.NoError(t, err)
	require.NoError(t, db.Results(1).Keep(t.Context(), []string{"new"}))
	clean, err := db.Results(1).Clean(t.Context(), []string{"old", "used", "new"})
	require.NoError(t, err)
	assert.Equal(t, map[string]bool{"used": true, "new": true}, clean, "the longest unused went")
	var n int
	require.NoError(t, db.SQL().QueryRow(`SELECT COUNT(*) FROM clean_results`).Scan(&n))
	assert.Equal(t, 200_000, n)
}
