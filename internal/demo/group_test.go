package demo_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
)

// What a pull request brought and was clean is not looked at again where a
// merge queue asks about it on a newer base.
func TestAMergeGroupTakesWhatIsKnown(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	files := map[string]string{}
	for i := range 5 {
		files[fmt.Sprintf("page%d.go", i)] = fmt.Sprintf("package page\n\nconst n = %d\n", i)
	}
	check, p := w.review(files)
	require.Equal(t, "success", check.Conclusion)
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(w.Config.DatabaseURL, "sqlite:")+"?_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	defer db.Close()
	known := func() (n, longestUnused int64) {
		require.NoError(t, db.QueryRow(`SELECT COUNT(*), MIN(used) FROM clean_results`).Scan(&n, &longestUnused))
		return n, longestUnused
	}
	before, used := known()
	require.GreaterOrEqual(t, before, int64(len(files)))

	_, err = w.repo.Commit("main", "Meanwhile", map[string]string{"README": "Our shop.\n"})
	require.NoError(t, err)
	head, base, branch, err := w.repo.Queue(p.Number)
	require.NoError(t, err)
	require.NoError(t, w.Deliver(t.Context(), w.repo.GroupEvent(head, base, branch)))
	w.settle()
	assert.Equal(t, "success", w.check(head).Conclusion)
	after, usedAgain := known()
	assert.Equal(t, before, after, "nothing new was looked at")
	assert.Greater(t, usedAgain, used, "each was asked for again")
}
