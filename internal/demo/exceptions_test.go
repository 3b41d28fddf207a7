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
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(w.Config.DatabaseURL, "sqlite:")+"?_pragma=busy_timeout(10000)")
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
	_, after, found := strings.Cut(body, "fingerprint is `")
	require.True(t, found)
	return after[:32]
}

// Whoever answers for an exception that ends within two weeks is told in an
// issue, once.
func TestTheOwnerOfAnExceptionIsTold(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	until := time.Now().AddDate(0, 0, 9).Format(time.DateOnly)
	_, err := w.repo.Commit("main", "Accept", map[string]string{".github/pullwarden.yml": "version: 1\nignore:\n" +
		"  - {rule: dependency/*, reason: a demo, owner: '@acme/platform', until: " + until + "}\n"})
	require.NoError(t, err)
	check, _ := w.review(bad)
	require.Equal(t, "success", check.Conclusion)
	w.asIfYesterday()
	w.catchUp()
	w.catchUp()
	issues := w.repo.Issues()
	require.Len(t, issues, 1)
	assert.Equal(t, "1 exception ends within two weeks", issues[0].Title)
	assert.Contains(t, issues[0].Body, "until **"+until+"**: `dependency/*` (a demo), @acme/platform, last needed on")
}

// asIfYesterday has what is done once a day be due.
func (w *world) asIfYesterday() {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(w.Config.DatabaseURL, "sqlite:")+"?_pragma=busy_timeout(10000)")
	require.NoError(w.t, err)
	defer func() { _ = db.Close() }()
	for _, passed := range []string{
		`UPDATE positions SET at = at - 86400000000 WHERE name = 'reminders'`,
		`UPDATE exception_uses SET first_seen = first_seen - 30 * 86400000000`, // one that was short from the first is not told
	} {
		_, err = db.Exec(passed)
		require.NoError(w.t, err)
	}
}
