package demo_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

// mostRequests is how often GitHub may be asked about one delivery that can
// come to nothing, until the check says so or the work is given up.
const mostRequests = 300

// lasting are the refusals that do not pass by themselves.
func lasting() []mishap {
	return []mishap{
		{"403 forbidden", fakehub.Fault{Status: 403, Body: `{"message":"Resource not accessible by integration"}`}},
		{"404", fakehub.Fault{Status: 404}},
		{"401", fakehub.Fault{Status: 401}},
		{"422", fakehub.Fault{Status: 422}},
	}
}

// TestLastingFaults: what is refused for good ends in a completed check, or in
// a log line where no check can be written, and not in a loop. Once it is
// granted, the next delivery mends all.
func TestLastingFaults(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { playLasting(t, func(testing.TB) string { return "" }, 4) })
	t.Run("PostgreSQL", func(t *testing.T) { playLasting(t, storetest.Postgres, 12) })
}

func playLasting(t *testing.T, database func(testing.TB) string, share int) {
	c := playUndisturbed(t, database(t), false)
	var wg sync.WaitGroup
	for i, x := range lasting() {
		wg.Go(func() {
			t.Run(x.name, func(t *testing.T) {
				m := newMatrix(t, database(t), false)
				for _, j := range []job{jobs()[0], jobs()[3]} {
					for k, at := range c.asks[j.name] {
						if (i+k)%share != 0 && !*allFaults {
							continue
						}
						m.of(t, j.name+"/"+at.String(), func() { m.refuse(j, at, x.fault, c.shows[j.name]) })
					}
				}
			})
		})
	}
	wg.Wait()
}

// refuse plays a job while one of its requests is refused, and then grants it.
func (m *matrix) refuse(j job, at request, f fakehub.Fault, want string) {
	m.t.Helper()
	m.fresh()
	j.prepare(m.world)
	m.settle()
	f.Match, f.Skip, f.Times = at.form, at.nth, 1<<30
	m.Hub.Fail(f)
	before, logged := len(m.Hub.Calls()), len(m.log.String())
	j.deliver(m.world)
	sha := m.repo.Tip("topic")
	said := func(what string) int { return strings.Count(m.log.String()[logged:], what) }
	completed := func() bool {
		runs := m.repo.CheckRuns(sha)
		return len(runs) > 0 && runs[len(runs)-1].Status == "completed"
	}
	// What may pass is tried until the deadline of the review, and longer.
	require.Eventually(m.t, func() bool { return completed() || m.idle() || said("will be tried again") >= 5 }, time.Minute, 20*time.Millisecond)
	isAnswer := f.Status == 404 && strings.HasPrefix(at.form, "GET ") // there is no such file, or no such branch
	assert.True(m.t, completed() || isAnswer || said(`"level":"warn"`)+said(`"level":"error"`) > 0, "neither a check nor a line in the log")
	assert.Less(m.t, len(m.Hub.Calls())-before, mostRequests)
	for _, r := range m.repo.CheckRuns(sha) {
		assert.NotEqual(m.t, "success", r.Conclusion, r.Title)
	}
	m.Hub.Mend()
	m.settle()
	j.again(m.world)
	m.settle()
	assert.Equal(m.t, newestRun(want), newestRun(shown(m.t, m.repo, sha)))
}

// idle reports whether the server has nothing to do.
func (m *matrix) idle() bool {
	ctx, cancel := context.WithTimeout(m.t.Context(), 50*time.Millisecond)
	defer cancel()
	return m.Settle(ctx) == nil
}

// newestRun leaves out all check runs of a commit but the last: what was said
// while something was refused stays in the list. Comments that were posted one
// by one are reviews of their own.
func newestRun(text string) string {
	head, rest, _ := strings.Cut(reviews.ReplaceAllString(text, ""), "check on ")
	runs := strings.Split(rest, "check on ")
	return head + runs[len(runs)-1]
}

var reviews = regexp.MustCompile(`\d+ reviews`)

// TestOneCommentRefused: GitHub refuses a review because of one comment (422).
// The others are posted, and that one is in the check.
func TestOneCommentRefused(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{
		"SQLite": func(testing.TB) string { return "" }, "PostgreSQL": storetest.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			m := newMatrix(t, database(t), false)
			const comments = 3
			for refused := range comments {
				m.fresh()
				m.put("main", map[string]string{"README": "The shop.\n"})
				files := map[string]string{}
				for i := range comments {
					files[fmt.Sprintf("%d/requirements.txt", i)] = "example-ledger==4.1.2\n"
				}
				m.put("topic", files)
				_, err := m.repo.OpenPull("Change", "", "main", "topic", "dev")
				require.NoError(t, err)
				m.Hub.Fail(fakehub.Fault{Match: "POST /repos/*/pulls/1/reviews", Status: 422})
				m.Hub.Fail(fakehub.Fault{Match: "POST /repos/*/pulls/1/comments", Skip: refused, Status: 422})
				m.deliver(1, "opened")
				m.settle()
				p, err := m.repo.Pull(1)
				require.NoError(t, err)
				assert.Len(t, p.Threads, comments-1)
				check := m.check(p.HeadSHA)
				assert.Equal(t, "failure", check.Conclusion)
				places := map[string]int{}
				for _, th := range p.Threads {
					places[th.Path]++
					assert.Len(t, th.Comments, 1)
				}
				require.Len(t, check.Annotations, 1)
				places[check.Annotations[0].Path]++
				assert.Equal(t, map[string]int{"0/requirements.txt": 1, "1/requirements.txt": 1, "2/requirements.txt": 1}, places)
				assert.Len(t, m.repo.CheckRuns(p.HeadSHA), 1)
			}
		})
	}
}
