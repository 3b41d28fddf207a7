package demo_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
)

// An exception that was asked for in a comment ends by itself: the check fails
// again, its thread is open again, and the check tells of what has ended.
func TestAnExceptionEnds(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	w.repo.SetRole("lead", "write")
	_, err := w.repo.Commit("main", "Name the owners", map[string]string{".github/CODEOWNERS": "* @lead\n"})
	require.NoError(t, err)
	check, pull := w.review(bad)
	require.Equal(t, "failure", check.Conclusion)
	_, err = w.repo.Remark(pull.Number, pull.Threads[0].ID, "lead", "", 0, "/pullwarden ignore a demo until 2099-01-01")
	require.NoError(t, err)
	id, err := w.repo.Say(pull.Number, "lead", "/pullwarden ignore "+fingerprintIn(t, pull.Threads[0].Comments[0].Body)+" a demo")
	require.NoError(t, err)
	e, err := w.repo.CommentEvent(pull.Number, id)
	require.NoError(t, err)
	require.NoError(t, w.Deliver(t.Context(), e))
	w.settle()
	runs := w.repo.CheckRuns(pull.HeadSHA)
	assert.Equal(t, "success", runs[len(runs)-1].Conclusion)

	// Its day passes.
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(w.Config.DatabaseURL, "sqlite:"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	for passes, now := range map[string]time.Time{
		`UPDATE exceptions SET until = $1`: time.Now().Add(-24 * time.Hour),
		`UPDATE runs SET lapses = $1`:      time.Now(),
	} {
		_, err := db.Exec(passes, now.UnixMicro())
		require.NoError(t, err)
	}
	w.catchUp()
	runs = w.repo.CheckRuns(pull.HeadSHA)
	last := runs[len(runs)-1]
	assert.Equal(t, "failure", last.Conclusion)
	assert.Contains(t, last.Summary, "### Exceptions that have ended")
	pull, err = w.repo.Pull(pull.Number)
	require.NoError(t, err)
	assert.False(t, pull.Threads[0].Resolved)
	w.quiet()
}

// fingerprintIn returns the fingerprint that a comment of ours shows.
func fingerprintIn(t *testing.T, body string) string {
	t.Helper()
	_, after, found := strings.Cut(body, "fingerprint: ")
	require.True(t, found)
	return strings.Trim(after[:32], `"`)
}
