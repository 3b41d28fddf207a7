package demo_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// An installation that nobody told of is found, and what comes afterwards is
// looked at. Nothing is posted on what was there before.
func TestOneRepository(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	var err error
	w.repo, err = w.Hub.AddRepo("octo-org", "site")
	require.NoError(t, err)
	_, err = w.repo.Commit("main", "Begin", map[string]string{"README": "The site.\n"})
	require.NoError(t, err)
	old, before := w.open(bad)
	time.Sleep(1100 * time.Millisecond) // GitHub's times are whole seconds
	e, err := w.Hub.InstallationEvent("octo-org", "created")
	require.NoError(t, err)
	require.NoError(t, w.Deliver(t.Context(), e))
	w.settle()
	w.quiet()
	assert.Empty(t, w.repo.CheckRuns(before))

	_, sha := w.open(bad)
	w.catchUp()
	assert.Equal(t, "failure", w.check(sha).Conclusion)
	after := w.pushed(old, map[string]string{"README": "Our site.\n"})
	w.catchUp()
	assert.Equal(t, "failure", w.check(after).Conclusion)
	assert.Empty(t, w.repo.CheckRuns(before))
	w.quiet()
}

// Five hundred repositories at once: no storm of calls, and nothing is posted.
func TestFiveHundredRepositoriesAtOnce(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	for i := range 500 {
		r, err := w.Hub.AddRepo("octo-org", fmt.Sprintf("site-%03d", i))
		require.NoError(t, err)
		if i%50 > 0 {
			continue
		}
		_, err = r.Commit("main", "Begin", map[string]string{"README": "The site.\n"})
		require.NoError(t, err)
		_, err = r.Commit("topic", "Change", bad)
		require.NoError(t, err)
		_, err = r.OpenPull("Change", "", "main", "topic", "dev")
		require.NoError(t, err)
		w.repo = r
	}
	time.Sleep(1100 * time.Millisecond)
	e, err := w.Hub.InstallationEvent("octo-org", "created")
	require.NoError(t, err)
	began := len(w.Hub.Calls())
	require.NoError(t, w.Deliver(t.Context(), e))
	w.settle()
	assert.Equal(t, began, len(w.Hub.Calls()), "to be installed takes no call")

	from := time.Now()
	for range 5 {
		w.catchUp()
	}
	allowed := w.Config.CatchUp.Calls + 5 + int(time.Since(from).Minutes()*float64(w.Config.CatchUp.Calls)) + 1
	asked, mints := 0, 0
	for _, c := range w.Hub.Calls()[began:] {
		switch {
		case strings.HasPrefix(c.Path, "/repos/octo-org/") || c.Path == "/installation/repositories":
			asked++
		case strings.HasSuffix(c.Path, "/access_tokens"):
			mints++
		}
	}
	assert.Positive(t, asked)
	assert.LessOrEqual(t, asked, allowed)
	assert.LessOrEqual(t, mints, asked+1)
	assert.Empty(t, w.Hub.Log())

	// What is new in one of them is found at once all the same.
	time.Sleep(1100 * time.Millisecond)
	_, sha := w.open(bad)
	w.deliver(2, "opened")
	w.settle()
	assert.Equal(t, "failure", w.check(sha).Conclusion)
}

// refused requires that a delivery is not taken.
func (w *world) refused(e fakehub.Event) {
	w.t.Helper()
	d, err := w.Hub.Deliver(w.t.Context(), w.Server().WebhookURL(), e)
	require.NoError(w.t, err)
	require.Equal(w.t, http.StatusForbidden, d.Status)
}

// Suspended, nothing is asked with the installation's tokens, and what is still
// told is refused. Afterwards what happened meanwhile is caught up with.
func TestSuspended(t *testing.T) {
	for name, told := range map[string]bool{"told": true, "unnoticed": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, demo.StageOptions{})
			number, first := w.open(bad)
			w.deliver(number, "opened")
			w.settle()
			require.Len(t, w.repo.CheckRuns(first), 1)
			tell := func(action string) {
				e, err := w.Hub.InstallationEvent("acme", action)
				require.NoError(t, err)
				if told {
					require.NoError(t, w.Deliver(t.Context(), e))
				}
				w.catchUp()
			}
			require.NoError(t, w.Hub.Suspend("acme"))
			tell("suspend")
			began := len(w.Hub.Calls())
			second := w.pushed(number, map[string]string{"README": "Our shop.\n"})
			late, err := w.repo.PullEvent(number, "synchronize")
			require.NoError(t, err)
			w.refused(late)
			w.quiet()
			for _, c := range w.Hub.Calls()[began:] {
				assert.True(t, strings.HasPrefix(c.Path, "/app/hook/") || c.Path == "/app/installations", c.Path)
			}

			require.NoError(t, w.Hub.Unsuspend("acme"))
			tell("unsuspend")
			w.catchUp()
			assert.Equal(t, "failure", w.check(second).Conclusion)
			w.quiet()
		})
	}
}

// Uninstalled without a word, it is known to be gone: its data has its days
// counted. Installed anew, it counts from then on.
func TestUninstalledUnnoticed(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	number, _ := w.open(bad)
	w.deliver(number, "opened")
	w.settle()
	id := w.Hub.Installation("acme")
	late, err := w.repo.PullEvent(number, "synchronize")
	require.NoError(t, err)
	w.Hub.Uninstall("acme")
	w.catchUp()
	began := len(w.Hub.Calls())
	w.refused(late)
	w.quiet()
	for _, c := range w.Hub.Calls()[began:] {
		assert.NotContains(t, c.Path, fmt.Sprint(id), "nothing is asked there any more")
	}

	other, meanwhile := w.open(bad)
	time.Sleep(1100 * time.Millisecond)
	_, err = w.Hub.AddRepo("acme", "other") // with the App
	require.NoError(t, err)
	require.NotEqual(t, id, w.Hub.Installation("acme"))
	w.catchUp()
	w.quiet()
	assert.Empty(t, w.repo.CheckRuns(meanwhile))
	sha := w.pushed(other, map[string]string{"README": "Our shop.\n"})
	w.catchUp()
	assert.Equal(t, "failure", w.check(sha).Conclusion)
}

// Under another name, and with another owner, it is the same repository: also
// if nobody said so.
func TestRenamedAndTransferredUnnoticed(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	number, _ := w.open(bad)
	w.deliver(number, "opened")
	w.settle()
	w.repo.Rename("store")
	sha := w.pushed(number, map[string]string{"README": "Our store.\n"})
	w.catchUp()
	assert.Equal(t, "failure", w.check(sha).Conclusion)
	w.quiet()

	w.repo.Transfer("octo-org") // where the App was not before
	sha = w.pushed(number, map[string]string{"README": "Everybody's store.\n"})
	w.catchUp()
	w.catchUp()
	assert.Equal(t, "failure", w.check(sha).Conclusion)
	w.quiet()
	p, err := w.repo.Pull(number)
	require.NoError(t, err)
	assert.Len(t, p.Threads, 1)
}

// Archived, a repository is read-only: nothing is tried there for ever, and it
// is looked at again once it is not.
func TestArchived(t *testing.T) {
	w := newWorld(t, demo.StageOptions{Settings: func(c *config.Config) { c.CatchUp.Calls = 1000 }})
	number, first := w.open(bad)
	w.repo.Archive(true)
	w.deliver(number, "opened") // sent before, and late
	w.settle()
	began := len(w.Hub.Calls())
	w.quiet()
	for _, c := range w.Hub.Calls()[began:] {
		assert.NotContains(t, c.Path, "/repos/", "nothing can come of it")
	}
	assert.Empty(t, w.repo.CheckRuns(first))
	w.repo.Archive(false)
	require.Eventually(t, func() bool {
		w.catchUp() // once the list of repositories is asked for again
		return len(w.repo.CheckRuns(first)) > 0
	}, time.Minute, 100*time.Millisecond)
	assert.Equal(t, "failure", w.check(first).Conclusion)
	w.quiet()
}

// Pull requests of other bots are pull requests.
func TestPullRequestsOfOtherBots(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	sha, err := w.repo.Commit("bump", "Bump", bad, fakehub.Author("dependabot[bot]"))
	require.NoError(t, err)
	number, err := w.repo.OpenPull("Bump", "", "main", "bump", "dependabot[bot]")
	require.NoError(t, err)
	w.deliver(number, "opened")
	w.settle()
	assert.Equal(t, "failure", w.check(sha).Conclusion)
	p, err := w.repo.Pull(number)
	require.NoError(t, err)
	assert.Len(t, p.Threads, 1)
	w.quiet()
}

// Our own pull requests are looked at as all are, told or not, and nothing
// comes of them but that.
func TestOurOwnPullRequests(t *testing.T) {
	for name, told := range map[string]bool{"told": true, "unnoticed": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, demo.StageOptions{})
			sums, err := w.Sums("example.com/markdown", "v1.2.0")
			require.NoError(t, err)
			_, err = w.repo.Commit("main", "Sell", map[string]string{"main.go": "package main\n", "go.sum": sums + "\n",
				"go.mod": "module example.com/shop\n\ngo 1.22\n\nrequire example.com/markdown v1.2.0\n"})
			require.NoError(t, err)
			require.NoError(t, w.Deliver(t.Context(), w.repo.PushEvent("main", "", w.repo.Tip("main"), "dev")))
			w.settle()
			pulls := w.repo.Pulls()
			require.NotEmpty(t, pulls)
			for range 3 {
				for _, p := range w.repo.Pulls() {
					require.Equal(t, w.Hub.Bot(), p.Author)
					if told {
						w.deliver(p.Number, "opened")
						require.NoError(t, w.Deliver(t.Context(), w.repo.PushEvent(p.Head, "", p.HeadSHA, w.Hub.Bot())))
					}
				}
				w.settle()
				w.catchUp()
			}
			for _, p := range pulls {
				assert.Equal(t, "completed", w.check(p.HeadSHA).Status)
				assert.Len(t, w.repo.CheckRuns(p.HeadSHA), 1)
			}
			assert.Len(t, w.repo.Pulls(), len(pulls), "no pull request on a pull request")
			w.quiet()
		})
	}
}
