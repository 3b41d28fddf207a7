package github

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
)

func fixing(ask string) forge.Commit {
	return forge.Commit{Ask: ask, Message: "Fix b.txt\n\nIt was new.\n", Files: map[string]forge.Content{"b.txt": {Text: []byte("fixed\n")}}}
}

func (w *world) topic(path string) string {
	w.t.Helper()
	b, err := w.on.File("topic", path)
	require.NoError(w.t, err)
	return string(b)
}

func TestPush(t *testing.T) {
	for name, make := range map[string]func(*testing.T) *world{
		"one App":  func(t *testing.T) *world { return newWorld(t, nil) },
		"two Apps": newPair,
	} {
		t.Run(name, func(t *testing.T) {
			w := make(t)
			may, err := w.MayPush(t.Context(), w.repo)
			require.NoError(t, err)
			assert.True(t, may)
			for _, g := range w.hub.Grants() {
				assert.NotEqual(t, write, g.Permissions["contents"], "no token that may write is made to ask")
			}
			sha, err := w.Pushed(t.Context(), w.pull, "a")
			require.NoError(t, err)
			assert.Empty(t, sha)

			was := w.pull.HeadSHA
			sha, err = w.Push(t.Context(), w.pull, fixing("a"))
			require.NoError(t, err)
			assert.Equal(t, sha, w.on.Tip("topic"))
			assert.True(t, w.on.Verified(sha), "GitHub signed it")
			assert.Equal(t, "fixed\n", w.topic("b.txt"))
			assert.Equal(t, before+"four\nfive\nsix\n", w.topic("a.txt"), "the rest stays")
			out, err := exec.Command("git", "-C", w.on.Dir(), "log", "-1", "--format=%P%n%B", sha).Output()
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(string(out), was+"\nFix b.txt\n\nIt was new.\n\nPullwarden-Fix: "), "%s", out)
			var wrote int
			for _, g := range w.hub.Grants() {
				assert.Equal(t, []string{"octo-org/shop"}, g.Repositories)
				if g.Permissions["contents"] == write {
					wrote++
					assert.Equal(t, map[string]string{"metadata": read, "contents": write}, g.Permissions)
				}
			}
			assert.Equal(t, 1, wrote)

			// It is known again: after a restart, and with another's commit on top.
			w.commit("topic", map[string]string{"c.txt": "c\n"})
			w.Forge = w.another()
			w.pull = w.present(w.pull.Number)
			for ask, want := range map[string]string{"a": sha, "b": ""} {
				got, err := w.Pushed(t.Context(), w.pull, ask)
				require.NoError(t, err)
				assert.Equal(t, want, got, ask)
			}
			other := w.pull
			other.HeadRef = "another"
			got, err := w.Pushed(t.Context(), other, "a")
			require.NoError(t, err)
			assert.Empty(t, got, "on another branch it says nothing")
		})
	}
}

// Somebody who copies our words has not made our commit.
func TestAForgedFixIsNone(t *testing.T) {
	w := newWorld(t, nil)
	sha, err := w.Push(t.Context(), w.pull, fixing("a"))
	require.NoError(t, err)
	out, err := exec.Command("git", "-C", w.on.Dir(), "log", "-1", "--format=%B", sha).Output()
	require.NoError(t, err)
	_, err = w.on.Commit("topic", string(out), map[string]string{"b.txt": "forged\n"}, fakehub.From(w.pull.HeadSHA))
	require.NoError(t, err)
	got, err := w.Pushed(t.Context(), w.present(w.pull.Number), "a")
	require.NoError(t, err)
	assert.Empty(t, got)
}

func TestPushMovesForwardOnly(t *testing.T) {
	const update = "PATCH /repos/*/git/refs/*"
	for name, move := range map[string]func(w *world){
		"pushed to": func(w *world) { w.commit("topic", map[string]string{"c.txt": "c\n"}) },
		"pushed to just then": func(w *world) {
			w.hub.Fail(fakehub.Fault{Match: update, Before: func() { w.commit("topic", map[string]string{"c.txt": "c\n"}) }})
		},
		// Ours would be a step forward from there: that is not enough.
		"reset to an older commit": func(w *world) { require.NoError(t, w.on.Reset("topic", w.on.Tip("main"))) },
		"replaced": func(w *world) {
			w.commit("topic", map[string]string{"c.txt": "c\n"}, fakehub.From(w.on.Tip("main")))
		},
		"deleted": func(w *world) { require.NoError(t, w.on.DeleteBranch("topic")) },
		"deleted just then": func(w *world) {
			w.hub.Fail(fakehub.Fault{Match: update, Before: func() { _ = w.on.DeleteBranch("topic") }})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			move(w)
			_, err := w.Push(t.Context(), w.pull, fixing("a"))
			assert.ErrorIs(t, err, forge.ErrMoved)
			assert.NotErrorIs(t, err, forge.ErrDenied)
			if tip := w.on.Tip("topic"); tip != "" {
				got, err := w.Pushed(t.Context(), w.present(w.pull.Number), "a")
				require.NoError(t, err)
				assert.Empty(t, got)
			}
			for _, line := range w.hub.Log() {
				assert.NotContains(t, line, "force")
			}
		})
	}
}

// Cut off anywhere, another attempt ends with one commit.
func TestPushReplay(t *testing.T) {
	for _, match := range []string{"POST /repos/*/git/trees", "POST /repos/*/git/commits", "PATCH /repos/*/git/refs/*"} {
		t.Run(match, func(t *testing.T) {
			w := newWorld(t, nil)
			w.hub.Fail(fakehub.Fault{Match: match, Lose: true})
			_, err := w.Push(t.Context(), w.pull, fixing("a"))
			var busy *forge.BusyError
			require.ErrorAs(t, err, &busy)
			w.Forge = w.another()
			p := w.present(w.pull.Number)
			sha, err := w.Pushed(t.Context(), p, "a")
			require.NoError(t, err)
			if sha == "" {
				sha, err = w.Push(t.Context(), p, fixing("a"))
				require.NoError(t, err)
			}
			assert.Equal(t, sha, w.on.Tip("topic"))
			out, err := exec.Command("git", "-C", w.on.Dir(), "rev-list", "--count", w.pull.HeadSHA+".."+sha).Output()
			require.NoError(t, err)
			assert.Equal(t, "1\n", string(out))
		})
	}
}

func TestPushOfNothing(t *testing.T) {
	w := newWorld(t, nil)
	c := fixing("a")
	c.Files["b.txt"] = forge.Content{Text: []byte("new\n")}
	sha, err := w.Push(t.Context(), w.pull, c)
	require.NoError(t, err)
	assert.Equal(t, w.pull.HeadSHA, sha)
	assert.Equal(t, w.pull.HeadSHA, w.on.Tip("topic"))
}

func TestPushKeepsWhatIsExecutable(t *testing.T) {
	w := newWorld(t, nil)
	w.commit("topic", map[string]string{"run.sh": "old\n"}, fakehub.Mode("run.sh", "100755"))
	w.pull = w.present(w.pull.Number)
	c := fixing("a")
	c.Files["run.sh"] = forge.Content{Text: []byte("new\n"), Executable: true}
	sha, err := w.Push(t.Context(), w.pull, c)
	require.NoError(t, err)
	out, err := exec.Command("git", "-C", w.on.Dir(), "ls-tree", sha).Output()
	require.NoError(t, err)
	assert.Regexp(t, `100755 blob \w+\trun.sh`, string(out))
	assert.Regexp(t, `100644 blob \w+\tb.txt`, string(out))
}

func TestPushNeedsWriting(t *testing.T) {
	now := time.Now()
	w := newWorldOn(t, fakehub.Options{Now: func() time.Time { return now },
		Permissions: map[string]string{"contents": "read", "pull_requests": "write", "checks": "write"}})
	may, err := w.MayPush(t.Context(), w.repo)
	require.NoError(t, err)
	assert.False(t, may)
	_, err = w.Push(t.Context(), w.pull, fixing("a"))
	assert.ErrorIs(t, err, forge.ErrDenied)
	assert.Equal(t, w.pull.HeadSHA, w.on.Tip("topic"))

	// Granted, it is noticed soon; that it is granted is not asked all the time.
	count := func() (n int) {
		for _, c := range w.hub.Calls() {
			if strings.HasSuffix(c.Path, "/installation") {
				n++
			}
		}
		return n
	}
	may, err = w.MayPush(t.Context(), w.repo)
	require.NoError(t, err)
	assert.False(t, may)
	assert.Equal(t, 1, count())
	now = now.Add(deniedLife)
	_, err = w.MayPush(t.Context(), w.repo)
	require.NoError(t, err)
	assert.Equal(t, 2, count())

	// With two Apps the writer is the one that counts.
	w = newPair(t)
	w.hub.UninstallSecond("octo-org")
	may, err = w.MayPush(t.Context(), w.repo)
	require.NoError(t, err)
	assert.False(t, may)
	_, err = w.Push(t.Context(), w.pull, fixing("a"))
	assert.ErrorIs(t, err, forge.ErrDenied)
}

// What GitHub tells unasked need not be asked for, for an hour.
func TestMayPushAsGranted(t *testing.T) {
	now := time.Now()
	w := newWorldOn(t, fakehub.Options{Now: func() time.Time { return now },
		Permissions: map[string]string{"contents": "read", "pull_requests": "write", "checks": "write"}})
	may := func(want bool) {
		t.Helper()
		may, err := w.MayPush(t.Context(), w.repo)
		require.NoError(t, err)
		assert.Equal(t, want, may)
	}
	assert.Zero(t, w.calls(func() {
		w.Granted(w.repo.Installation, "write")
		may(true)
		w.Granted(w.repo.Installation+1, "read")
		may(true)
	}))
	assert.Equal(t, 1, w.calls(func() {
		_, err := w.Installations(t.Context())
		require.NoError(t, err)
		may(false)
	}), "the list of all installations")
	now = now.Add(installedLife)
	assert.Equal(t, 1, w.calls(func() { _, _ = w.MayPush(t.Context(), w.repo) }), "after an hour it is asked for")
}

func TestPushNeverWritesToAFork(t *testing.T) {
	w := newWorld(t, nil)
	fork, err := w.hub.Fork(w.on, "dev")
	require.NoError(t, err)
	_, err = fork.Commit("topic", "Patch", map[string]string{"b.txt": "b\n"})
	require.NoError(t, err)
	number, err := w.on.OpenPull("From a fork", "", "main", "dev:topic", "dev")
	require.NoError(t, err)
	w.quiet(func() {
		_, err = w.Push(t.Context(), w.present(number), fixing("a"))
		assert.ErrorIs(t, err, forge.ErrDenied)
	})
	assert.Equal(t, w.pull.HeadSHA, w.on.Tip("topic"), "nor to a branch of ours that has the name")
}

func TestPushIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(w *world)
		says  string
	}{
		"protected":    {func(w *world) { w.on.Require(fakehub.Requirement{Branch: "topic", Check: "build", Classic: true}) }, "Required status check"},
		"by a ruleset": {func(w *world) { w.on.Require(fakehub.Requirement{Branch: "topic", Check: "build"}) }, "rule violations"},
		"by something else": {func(w *world) {
			w.hub.Fail(fakehub.Fault{Match: "PATCH /repos/*/git/refs/*", Status: http.StatusForbidden, Body: `{"message": "No."}`})
		}, "No."},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			test.spoil(w)
			_, err := w.Push(t.Context(), w.pull, fixing("a"))
			var refused *forge.RefusedError
			require.ErrorAs(t, err, &refused)
			assert.Contains(t, refused.Why, test.says)
			assert.Equal(t, w.pull.HeadSHA, w.on.Tip("topic"))
		})
	}
	// What may go through later is no refusal.
	w := newWorld(t, nil)
	w.hub.Fail(fakehub.Fault{Match: "PATCH /repos/*/git/refs/*", Status: http.StatusForbidden, Header: map[string]string{"Retry-After": "7"}})
	_, err := w.Push(t.Context(), w.pull, fixing("a"))
	var busy *forge.BusyError
	require.ErrorAs(t, err, &busy)
}

func TestPushTakesNoOddPath(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"../x", "/etc/x", `a\b`, "a//b", ""} {
		c := fixing("a")
		c.Files[path] = forge.Content{Text: []byte("x")}
		_, err := w.Push(t.Context(), w.pull, c)
		assert.Error(t, err, path)
	}
	assert.Equal(t, w.pull.HeadSHA, w.on.Tip("topic"))
}

func TestSay(t *testing.T) {
	w := newWorld(t, nil)
	ref := w.pull.PullRef
	since := time.Now().Add(-time.Hour)
	require.NoError(t, w.Say(t.Context(), ref, "press/1", since, "No."))
	w.Forge = w.another()
	require.NoError(t, w.Say(t.Context(), ref, "press/1", since, "No."))
	require.NoError(t, w.Say(t.Context(), ref, "press/2", since, "Still not."))
	assert.Equal(t, []string{"No.", "Still not."}, w.said(forge.Command{}))
}
