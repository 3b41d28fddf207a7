package demo_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// catchUp has the server look once for what it was not told, and do it.
func (w *world) catchUp() {
	w.t.Helper()
	w.settle() // that the App was installed is known by then
	require.NoError(w.t, w.Server().CatchUp(w.t.Context()))
	w.Hub.Wait()
	w.settle()
}

// missed notes that an event was sent while the server was down.
func (w *world) missed(e fakehub.Event, err error) {
	w.t.Helper()
	require.NoError(w.t, err)
	_, err = w.Hub.Miss(w.Server().WebhookURL(), e, http.StatusBadGateway)
	require.NoError(w.t, err)
}

// pushed adds a commit to the branch of a pull request.
func (w *world) pushed(number int, files map[string]string) string {
	w.t.Helper()
	p, err := w.repo.Pull(number)
	require.NoError(w.t, err)
	sha, err := w.repo.Commit(p.Head, "Change more", files)
	require.NoError(w.t, err)
	return sha
}

// quiet requires that catching up writes nothing.
func (w *world) quiet() {
	w.t.Helper()
	before := w.Hub.Log()
	w.catchUp()
	w.catchUp()
	assert.Equal(w.t, before, w.Hub.Log())
}

// count returns how many calls went to paths that begin so.
func (w *world) count(method, prefix string) int {
	n := 0
	for _, c := range w.Hub.Calls() {
		if c.Method == method && strings.HasPrefix(c.Path, prefix) {
			n++
		}
	}
	return n
}

var bad = map[string]string{"requirements.txt": "example-ledger==4.1.2\n"}

// A delivery that failed is sent again: here one that nothing else tells.
func TestAFailedDeliveryComesAgain(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	check, _ := w.review(bad)
	w.missed(w.repo.CheckRunEvent(check.ID, "rerequested", "", "dev"))
	for range 3 {
		w.catchUp()
	}
	assert.Len(t, w.repo.CheckRuns(check.HeadSHA), 2, "checked again, once")
	assert.Equal(t, 1, w.count(http.MethodPost, "/app/hook/deliveries/"))
	w.quiet()
	assert.Equal(t, 1, w.count(http.MethodPost, "/app/hook/deliveries/"))
}

// What was never sent, or came out of order, is found by looking.
func TestWhatWasNeverSentIsFound(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	number, sha := w.open(bad)
	w.catchUp()
	assert.Equal(t, "failure", w.check(sha).Conclusion, "opened")
	w.quiet()

	sha = w.pushed(number, map[string]string{"requirements.txt": "example-ledger==4.1.3\n"})
	w.catchUp()
	assert.Equal(t, "success", w.check(sha).Conclusion, "pushed to")
	w.quiet()

	old, err := w.repo.PullEvent(number, "opened")
	require.NoError(t, err)
	sha = w.pushed(number, bad)
	require.NoError(t, w.Deliver(t.Context(), old)) // late, and of another head
	w.settle()
	assert.Equal(t, "failure", w.check(sha).Conclusion, "what stands counts, not what was said")
	w.quiet()

	_, err = w.repo.Commit("release", "Release", map[string]string{"NOTES": "1.0\n"})
	require.NoError(t, err)
	require.NoError(t, w.repo.SetBase(number, "release"))
	w.catchUp()
	assert.Len(t, w.repo.CheckRuns(sha), 2, "judged for another base")
	w.quiet()

	require.NoError(t, w.repo.ClosePull(number))
	w.catchUp()
	w.quiet()
	require.NoError(t, w.repo.ReopenPull(number))
	w.catchUp()
	w.quiet()
	p, err := w.repo.Pull(number)
	require.NoError(t, err)
	assert.Len(t, p.Threads, 1, "nothing twice")
}

// A server that was down finds at its start what came meanwhile, also if
// nothing can be sent to it.
func TestAServerThatWasDown(t *testing.T) {
	w := newWorld(t, demo.StageOptions{Settings: func(c *config.Config) {
		c.CatchUp.Deliveries, c.CatchUp.Pulls = time.Second, time.Second
	}})
	number, first := w.open(bad)
	url := w.Server().WebhookURL()
	require.NoError(t, w.Stop())
	second := w.pushed(number, map[string]string{"README": "Our shop.\n"})
	e, err := w.repo.PullEvent(number, "synchronize")
	require.NoError(t, err)
	_, err = w.Hub.Deliver(t.Context(), url, e)
	require.Error(t, err)
	require.NoError(t, w.Start(t.Context()))
	require.Eventually(t, func() bool {
		runs := w.repo.CheckRuns(second)
		return len(runs) == 1 && runs[0].Status == "completed"
	}, time.Minute, 20*time.Millisecond)
	assert.Empty(t, w.repo.CheckRuns(first))
}

// A check of work that is given up is completed, with the reason and a button.
// Who presses it matters.
func TestGivenUpWorkLeavesNoCheckUnderWay(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	w.Hub.Fail(fakehub.Fault{Match: "POST */git-upload-pack", Status: http.StatusBadGateway, Times: 2})
	w.Hub.Fail(fakehub.Fault{Match: "POST /graphql", Skip: 1, Status: http.StatusNotFound}) // when it is tried again
	number, sha := w.open(map[string]string{"README": "Our shop.\n"})
	w.deliver(number, "opened")
	w.settle()
	check := w.check(sha)
	assert.Equal(t, "neutral", check.Conclusion)
	assert.Contains(t, check.Title, "Could not complete: GitHub does not show")
	require.Len(t, check.Actions, 1)
	assert.Equal(t, "Re-run", check.Actions[0].Label)

	press := func(sender string) {
		e, err := w.repo.CheckRunEvent(check.ID, "requested_action", check.Actions[0].Identifier, sender)
		require.NoError(t, err)
		require.NoError(t, w.Deliver(t.Context(), e))
		w.settle()
	}
	w.repo.SetRole("mallory", "read")
	before := w.Hub.Log()
	press("mallory")
	press("passer-by")
	assert.Equal(t, before, w.Hub.Log(), "whoever may not write to the repository may not ask")
	assert.Contains(t, w.log.String(), "ignored: the sender may not write")
	w.repo.SetRole("dev", "write")
	press("dev")
	assert.Equal(t, "success", w.check(sha).Conclusion)
	w.quiet()
}

// The check of a head that was pushed over while it was looked at is completed.
func TestAHeadThatWasPushedOver(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	w.Hub.Fail(fakehub.Fault{Match: "POST */git-upload-pack", Status: http.StatusBadGateway, Times: 1})
	number, first := w.open(bad)
	w.deliver(number, "opened")
	require.Eventually(t, func() bool { return len(w.repo.CheckRuns(first)) == 1 }, time.Minute, 5*time.Millisecond)
	second := w.pushed(number, map[string]string{"README": "Our shop.\n"})
	w.deliver(number, "synchronize")
	w.settle()
	assert.Equal(t, "failure", w.check(second).Conclusion)
	check := w.check(first)
	assert.Contains(t, []string{"neutral", "failure"}, check.Conclusion) // it may have been quick
	w.quiet()
}

// Whoever loses the database loses no check: those that are complete stand, and
// those that are under way are completed.
func TestALostDatabase(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	time.Sleep(1100 * time.Millisecond) // GitHub's times are whole seconds
	done, _ := w.review(bad)
	_, left := w.open(map[string]string{"README": "Our shop.\n"})
	_, lost := w.open(map[string]string{"NOTES": "1.0\n"})
	require.NoError(t, w.Stop())
	w.repo.AddForeignCheck(left, 1, fakehub.CheckRun{Name: "pullwarden", Status: "in_progress", Title: "Looking at the change"})
	file := strings.TrimPrefix(w.Config.DatabaseURL, "sqlite:")
	for _, name := range []string{file, file + "-wal", file + "-shm"} {
		if err := os.Remove(name); err != nil {
			require.ErrorIs(t, err, os.ErrNotExist)
		}
	}
	require.NoError(t, w.Start(t.Context()))
	w.catchUp()
	w.catchUp()
	assert.Equal(t, "success", w.check(left).Conclusion)
	assert.Len(t, w.repo.CheckRuns(left), 1, "the one that was under way")
	assert.Equal(t, "success", w.check(lost).Conclusion)
	assert.Equal(t, []fakehub.CheckRun{done}, w.repo.CheckRuns(done.HeadSHA))
	w.quiet()
}

// A merge group's check is not left under way either.
func TestAMergeGroupThatWasGivenUp(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	_, p := w.review(map[string]string{"README": "Our shop.\n"})
	number := p.Number
	head, base, branch, err := w.repo.Queue(number)
	require.NoError(t, err)
	w.Hub.Fail(fakehub.Fault{Match: "GET /repos/acme/shop/compare/*", Status: http.StatusForbidden, Body: `{"message":"no"}`})
	require.NoError(t, w.Deliver(t.Context(), w.repo.GroupEvent(head, base, branch)))
	w.settle()
	check := w.check(head)
	assert.Equal(t, "neutral", check.Conclusion)
	w.quiet()
}
