package demo_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// recorded starts the program on what the one of commit 1541059 left behind.
func recorded(t *testing.T) *world {
	t.Helper()
	file := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("testdata", "update", name))
		require.NoError(t, err)
		return b
	}
	database := filepath.Join(t.TempDir(), "pullwarden.db")
	db, err := sql.Open("sqlite", "file:"+database)
	require.NoError(t, err)
	_, err = db.Exec(string(file("database.sql")))
	require.NoError(t, err)
	require.NoError(t, db.Close())
	w := &world{t: t, log: &logBuffer{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(w.log)
		}
	})
	w.Stage = watched(t, demo.StageOptions{
		Sample: slices.Concat(demo.SampleText, file("advisories.txtar")), Unattended: true,
		Settings: func(c *config.Config) {
			c.DatabaseURL, c.FingerprintKey = "sqlite:"+database, "the key of the recording"
		},
	}, w.log, zerolog.InfoLevel)
	require.NoError(t, w.Hub.Load(file("hub.json")))
	w.repo, err = w.Hub.Repo("acme", "shop")
	require.NoError(t, err)
	require.NoError(t, w.Start(t.Context()))
	return w
}

// threads returns those of a pull request: which are open, and what the others begin with.
func (w *world) threads(number int) (open []string, resolved map[string]int) {
	w.t.Helper()
	p, err := w.repo.Pull(number)
	require.NoError(w.t, err)
	resolved = map[string]int{}
	for _, thread := range p.Threads {
		body := thread.Comments[0].Body
		if !thread.Resolved {
			open = append(open, thread.Path)
			continue
		}
		first, _, _ := strings.Cut(body, "\n")
		resolved[first]++
	}
	return open, resolved
}

// What the program of before asked is not asked again: threads whose findings
// became one are resolved but for one, and every exception holds.
func TestUpdating(t *testing.T) {
	w := recorded(t)
	before := w.repo.Pulls()
	comments := func(p fakehub.Pull) (n int) {
		for _, thread := range p.Threads {
			n += len(thread.Comments)
		}
		return n
	}
	review := func() {
		t.Helper()
		for _, p := range before {
			w.deliver(p.Number, "synchronize")
		}
		w.settle()
	}
	for _, n := range []int{1, 2} { // a push says what is new and gone since
		_, err := w.repo.Commit(before[n-1].Head, "Go on", map[string]string{"notes.txt": "Nothing.\n"})
		require.NoError(t, err)
	}
	review()
	check := func(n int) fakehub.CheckRun {
		t.Helper()
		p, err := w.repo.Pull(n)
		require.NoError(t, err)
		return w.check(p.HeadSHA)
	}
	assert.Regexp(t, "Since [0-9a-f]{7}: 0 new, [0-9]+ still there, 0 gone", check(1).Summary)
	assert.Regexp(t, "Since [0-9a-f]{7}: 0 new, 1 still there, 0 gone", check(2).Summary)
	for i, p := range w.repo.Pulls() {
		assert.Len(t, p.Threads, len(before[i].Threads), "pull request %d: no comment is made anew", p.Number)
		more := 0
		if p.Number == 2 {
			more = 1 // a person who wrote in a thread gets a line in answer
		}
		assert.Equal(t, comments(before[i])+more, comments(p), "pull request %d", p.Number)
		assert.Len(t, p.Comments, len(before[i].Comments), "pull request %d", p.Number)
	}

	open, resolved := w.threads(1)
	assert.Len(t, open, len(before[0].Threads))
	assert.Empty(t, resolved)
	assert.Equal(t, "failure", check(1).Conclusion)

	open, resolved = w.threads(2)
	assert.Equal(t, []string{"requirements.txt"}, open, "one of the ten")
	assert.Equal(t, map[string]int{"Superseded: the comment at `requirements.txt:1` now covers this.": 9}, resolved)
	p, err := w.repo.Pull(2)
	require.NoError(t, err)
	assert.Contains(t, p.Threads[0].Comments[0].Body, "has 12 known vulnerabilities; the worst is DEMO-2026-1000")
	assert.Equal(t, "Superseded: the comment at `requirements.txt:1` now covers this.", p.Threads[4].Comments[2].Body)

	assert.Equal(t, "success", check(3).Conclusion, check(3).Title)
	open, _ = w.threads(3)
	assert.Empty(t, open)
	assert.Equal(t, "failure", check(4).Conclusion)

	// Nothing changes any more.
	log := len(w.Hub.Log())
	review()
	for _, line := range w.Hub.Log()[log:] {
		assert.NotRegexp(t, "^(comment|thread|reply|review) ", line)
	}

	// The exception that waited is approved, and those in comments withdrawn, by the names of before.
	say := func(number int, login, words string) string {
		t.Helper()
		id, err := w.repo.Say(number, login, words)
		require.NoError(t, err)
		e, err := w.repo.CommentEvent(number, id)
		require.NoError(t, err)
		require.NoError(t, w.Deliver(t.Context(), e))
		w.settle()
		p, err := w.repo.Pull(number)
		require.NoError(t, err)
		return p.Comments[len(p.Comments)-1].Body
	}
	fingerprint := func(n, thread int) string { return fingerprintIn(t, before[n-1].Threads[thread].Comments[0].Body) }
	assert.Contains(t, say(4, "lead", "/pullwarden approve "+fingerprint(4, 0)), "Approved until 2099-01-01")
	assert.Equal(t, "success", check(4).Conclusion)
	assert.Contains(t, say(2, "dev", "/pullwarden why "+fingerprint(2, 7)), "`dependency/vulnerable` at `requirements.txt:1`")
	for i, thread := range before[2].Threads {
		if thread.Path == "conf/conf.go" {
			continue // in the file
		}
		answer := say(3, "lead", "/pullwarden withdraw "+fingerprint(3, i))
		assert.Regexp(t, "Withdrawn|No exception of this finding was asked for", answer, fmt.Sprint(thread.Path, i))
	}
	assert.Contains(t, check(3).Title, "2 blocking")
	p, err = w.repo.Pull(3)
	require.NoError(t, err)
	assert.Len(t, p.Threads, len(before[2].Threads), "what asks again has its thread")
}

// All advisories of one package are one finding with one comment, which goes
// on from version to version.
func TestOneCommentOfAPackage(t *testing.T) {
	advisories, err := os.ReadFile(filepath.Join("testdata", "update", "advisories.txtar"))
	require.NoError(t, err)
	w := newWorld(t, demo.StageOptions{Sample: slices.Concat(demo.SampleText, advisories)})
	check, p := w.review(map[string]string{"requirements.txt": "example-django==1.2\n"})
	assert.Equal(t, "failure", check.Conclusion)
	r, ok := w.Report(p.Number)
	require.True(t, ok)
	require.Len(t, r.Result.Findings, 1)
	assert.Len(t, r.Result.Findings[0].Advisories, 12)
	require.Len(t, p.Threads, 1)
	first := p.Threads[0]
	assert.Contains(t, first.Comments[0].Body, "example-django 1.2 has 12 known vulnerabilities")

	push := func(version string) fakehub.Pull {
		t.Helper()
		_, err := w.repo.Commit(p.Head, "Go up", map[string]string{"requirements.txt": "example-django==" + version + "\n"})
		require.NoError(t, err)
		w.deliver(p.Number, "synchronize")
		w.settle()
		now, err := w.repo.Pull(p.Number)
		require.NoError(t, err)
		require.Len(t, now.Threads, 1)
		require.Len(t, now.Threads[0].Comments, 1)
		return now
	}
	now := push("1.4")
	assert.Equal(t, first.Comments[0].ID, now.Threads[0].Comments[0].ID)
	assert.Contains(t, now.Threads[0].Comments[0].Body, "example-django 1.4 has 6 known vulnerabilities")
	assert.True(t, push("9.0").Threads[0].Resolved)
	assert.False(t, push("1.2").Threads[0].Resolved)

	// What is said of a finding covers what it was when it was said.
	fingerprint := "fingerprint: " + fingerprintIn(t, now.Threads[0].Comments[0].Body)
	for when, want := range map[string]string{"2026-09-01": "failure", "2026-11-01": "success"} { // published on 2026-09-30
		at, err := time.Parse(time.DateOnly, when)
		require.NoError(t, err)
		policy := "version: 1\nignore:\n  - {" + fingerprint + ", reason: 'of " + when + "', owner: '@acme/web', until: 2099-01-01}\n"
		_, err = w.repo.Commit("main", "Accept it", map[string]string{".github/pullwarden.yml": policy}, fakehub.At(at))
		require.NoError(t, err)
		assert.Equal(t, want, w.check(push("1.2").HeadSHA).Conclusion, when)
	}
}
