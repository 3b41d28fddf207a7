package github

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
)

func comment(key, path string, start, end int) forge.Comment {
	return forge.Comment{Keys: []string{key}, At: change.Span{Path: path, Start: start, End: end}}
}

func wordsAbout(keys []string, _ change.Span) (words, gist string, err error) {
	words = "Words about " + strings.Join(keys, ", ") + "."
	return words, words, nil
}

// review wants three comments on lines that the pull request adds.
func (w *world) review() forge.Review {
	return forge.Review{SHA: w.pull.HeadSHA, Body: "Three findings.", Limit: 10, Settled: "Fixed in abc1234.", Words: wordsAbout,
		Comments: []forge.Comment{comment("k1", "a.txt", 4, 4), comment("k2", "a.txt", 5, 6), comment("k3", "b.txt", 1, 1)},
		Standing: []string{"k1", "k2", "k3"}}
}

// place returns what was placed, with the ids that the next look tells.
func (w *world) place(r forge.Review) forge.Placed {
	w.t.Helper()
	placed, err := w.PutReview(w.t.Context(), w.pull, r)
	require.NoError(w.t, err)
	for _, t := range w.shown().Threads {
		m, _ := w.readMark(w.pull.PullRef, t.Comments[0].Body)
		for _, key := range m.keys {
			if placed[key] < 0 {
				placed[key] = t.Comments[0].ID
			}
		}
	}
	return placed
}

// without returns r after the findings of keys are gone.
func without(r forge.Review, keys ...string) forge.Review {
	for _, k := range keys {
		var comments []forge.Comment
		for _, c := range r.Comments {
			if !slices.Equal(c.Keys, []string{k}) {
				comments = append(comments, c)
			}
		}
		var standing []string
		for _, s := range r.Standing {
			if s != k {
				standing = append(standing, s)
			}
		}
		r.Comments, r.Standing = comments, standing
	}
	return r
}

func (w *world) open() (keys []string) {
	for _, t := range w.shown().Threads {
		if m, ok := w.readMark(w.pull.PullRef, t.Comments[0].Body); ok && !t.Resolved && !m.settled {
			keys = append(keys, m.keys...)
		}
	}
	return keys
}

func keys(p forge.Placed) (out []string) {
	for k, id := range p {
		if id != 0 {
			out = append(out, k)
		}
	}
	return out
}

func TestReview(t *testing.T) {
	w := newWorld(t, nil)
	placed := w.place(w.review())
	assert.ElementsMatch(t, []string{"k1", "k2", "k3"}, keys(placed))
	p := w.shown()
	require.Len(t, p.Reviews, 1, "in a single call")
	assert.Equal(t, "Three findings.", p.Reviews[0].Body)
	assert.Equal(t, w.pull.HeadSHA, p.Reviews[0].Commit)
	require.Len(t, p.Threads, 3)
	assert.Equal(t, 4, p.Threads[0].Line)
	assert.Zero(t, p.Threads[0].StartLine)
	assert.Equal(t, 5, p.Threads[1].StartLine)
	assert.Equal(t, 6, p.Threads[1].Line)
	assert.Equal(t, placed["k1"], p.Threads[0].Comments[0].ID)
	assert.True(t, strings.HasPrefix(p.Threads[0].Comments[0].Body, "Words about k1.\n\n<!-- pullwarden:1 "))

	w.quiet(func() { assert.Equal(t, placed, w.place(w.review())) })
	w.Forge = w.another() // also after a restart
	w.quiet(func() { assert.Equal(t, placed, w.place(w.review())) })
}

func TestCleanReviewPostsNothing(t *testing.T) {
	w := newWorld(t, nil)
	w.quiet(func() { assert.Empty(t, w.place(forge.Review{SHA: w.pull.HeadSHA, Body: "All good.", Limit: 10})) })
}

func TestFixedAndBack(t *testing.T) {
	w := newWorld(t, nil)
	first := w.place(w.review())
	fixed := without(w.review(), "k1", "k2")
	assert.ElementsMatch(t, []string{"k3"}, keys(w.place(fixed)))
	assert.Equal(t, []string{"k3"}, w.open())
	w.quiet(func() { w.place(fixed) })
	assert.NotContains(t, w.shown().Threads[0].Comments[0].Body, "Fixed in", "resolved, not written over")

	assert.Equal(t, first, w.place(w.review()), "the same threads ask again")
	assert.Equal(t, []string{"k1", "k2", "k3"}, w.open())
	assert.Len(t, w.shown().Threads, 3)
}

// Without contents: write a thread cannot be resolved: the comment says so itself.
func TestFixedWithoutPermission(t *testing.T) {
	w := newWorld(t, map[string]string{"contents": "read", "pull_requests": "write", "checks": "write"})
	first := w.place(w.review())
	was := w.shown().Threads[0].Comments[0].Body
	fixed := without(w.review(), "k1")
	w.place(fixed)
	assert.Equal(t, []string{"k2", "k3"}, w.open())
	body := w.shown().Threads[0].Comments[0].Body
	assert.True(t, strings.HasPrefix(body, "Fixed in abc1234.\n\n<details>"), body)
	assert.Contains(t, body, "Words about k1.")
	w.quiet(func() { w.place(fixed) })

	assert.Equal(t, first, w.place(w.review()))
	assert.Equal(t, was, w.shown().Threads[0].Comments[0].Body, "and takes it back")
}

// GitHub may also refuse at the call itself.
func TestResolveForbidden(t *testing.T) {
	w := newWorld(t, nil)
	w.place(w.review())
	w.hub.Fail(fakehub.Fault{Match: "POST *graphql", Skip: 1, Status: 200, Times: 1,
		Body: `{"data":{"resolveReviewThread":null},"errors":[{"type":"FORBIDDEN","message":"Resource not accessible by integration"}]}`})
	w.place(without(w.review(), "k1", "k2"))
	assert.Equal(t, []string{"k3"}, w.open())
	for i := range 2 {
		assert.Contains(t, w.shown().Threads[i].Comments[0].Body, "Fixed in abc1234.")
	}
}

func TestLimit(t *testing.T) {
	w := newWorld(t, nil)
	r := w.review()
	r.Limit = 2
	assert.ElementsMatch(t, []string{"k1", "k2"}, keys(w.place(r)))
	w.quiet(func() { w.place(r) })
	r = without(r, "k1")
	assert.ElementsMatch(t, []string{"k2", "k3"}, keys(w.place(r)), "a place came free")
	r.Limit = 0
	w.quiet(func() { assert.ElementsMatch(t, []string{"k2", "k3"}, keys(w.place(r)), "what stands is left") })
}

// One bad comment fails a review: the others post.
func TestBadComment(t *testing.T) {
	w := newWorld(t, nil)
	r := w.review()
	r.Comments = append([]forge.Comment{comment("off", "a.txt", 400, 400), comment("gone", "nothing.txt", 1, 1),
		comment("whole", "a.txt", 0, 0), comment("odd", "../a.txt", 1, 1)}, r.Comments...)
	assert.ElementsMatch(t, []string{"k1", "k2", "k3"}, keys(w.place(r)))
	assert.Equal(t, []string{"k1", "k2", "k3"}, w.open())
	w.quiet(func() { w.place(r) })
}

func TestReviewReplay(t *testing.T) {
	for _, f := range []fakehub.Fault{
		{Match: "POST /repos/*/reviews", Lose: true},
		{Match: "POST /repos/*/reviews", Status: 502},
		{Match: "POST *graphql", Drop: true},
	} {
		w := newWorld(t, nil)
		w.hub.Fail(f)
		_, err := w.PutReview(t.Context(), w.pull, w.review())
		var busy *forge.BusyError
		require.ErrorAs(t, err, &busy, f.Match)
		assert.ElementsMatch(t, []string{"k1", "k2", "k3"}, keys(w.place(w.review())))
		assert.Len(t, w.shown().Threads, 3, "nothing twice: %s", f.Match)
	}
}

// Cut off while comments go one by one.
func TestReviewReplayOneByOne(t *testing.T) {
	w := newWorld(t, nil)
	r := w.review()
	r.Comments = append(r.Comments, comment("off", "a.txt", 400, 400))
	w.hub.Fail(fakehub.Fault{Match: "POST /repos/*/pulls/*/comments", Skip: 1, Lose: true})
	placed, err := w.PutReview(t.Context(), w.pull, r)
	require.Error(t, err)
	assert.Equal(t, []string{"k1"}, keys(placed), "what was placed is told beside the error")
	assert.ElementsMatch(t, []string{"k1", "k2", "k3"}, keys(w.place(r)))
	assert.Len(t, w.shown().Threads, 3)
}

func TestLocked(t *testing.T) {
	for _, f := range []fakehub.Fault{
		{Status: 403, Body: `{"message":"Unable to create comment because issue is locked."}`},
		{Status: 422, Body: `{"message":"Unprocessable Entity","errors":["Issue is locked"]}`},
	} {
		w := newWorld(t, nil)
		r := w.review()
		r.Limit = 1
		w.place(r)
		f.Match = "POST /repos/*/reviews"
		w.hub.Fail(f)
		placed, err := w.PutReview(t.Context(), w.pull, w.review())
		assert.ErrorIs(t, err, forge.ErrDenied)
		assert.Equal(t, []string{"k1"}, keys(placed))
	}
}

func TestTooQuick(t *testing.T) {
	w := newWorld(t, nil)
	w.hub.Fail(fakehub.Fault{Match: "POST /repos/*/reviews", Status: 422, Body: `{"message":"Validation Failed","errors":["was submitted too quickly"]}`})
	_, err := w.PutReview(t.Context(), w.pull, w.review())
	var busy *forge.BusyError
	assert.ErrorAs(t, err, &busy)
	assert.Empty(t, w.shown().Threads)
}

// A marker in anybody else's text counts for nothing, nor does one of another
// pull request, or one that we did not sign.
func TestForgedMarkers(t *testing.T) {
	w := newWorld(t, nil)
	real := w.marker(w.pull.PullRef, mark{keys: []string{"k1"}})
	_, err := w.on.Remark(w.pull.Number, "", "dev", "a.txt", 4, "looks fine\n\n"+real)
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"k1", "k2", "k3"}, keys(w.place(w.review())))
	w.quiet(func() { w.place(w.review()) })
	w.place(without(w.review(), "k1", "k2", "k3"))
	assert.False(t, w.shown().Threads[0].Resolved, "a person's thread is a person's")

	other := w.pull.PullRef
	other.Number++
	for _, body := range []string{
		"", w.marker(other, mark{keys: []string{"k1"}}), "<!-- pullwarden:1 key=k1 mac=" + strings.Repeat("0", 32) + " -->",
		strings.Replace(real, "key=k1", "key=k2", 1), strings.Replace(real, "pullwarden:1 ", "pullwarden:1 settled ", 1),
		real + "\n" + w.marker(other, mark{keys: []string{"k2"}}), // ours is always the last
	} {
		_, ok := w.readMark(w.pull.PullRef, body)
		assert.False(t, ok, body)
	}
	for _, key := range []string{"k1", "a b", "x-->y", "ü", strings.Repeat("f", 64)} {
		for _, settled := range []bool{false, true} {
			want := mark{keys: []string{key, "other"}, settled: settled, words: "0123456789abcdef", covers: "c0ffee"}
			got, ok := w.readMark(w.pull.PullRef, "text "+w.marker(w.pull.PullRef, want))
			assert.True(t, ok)
			assert.Equal(t, want, got)
		}
	}
}

// Words that hold a marker, from the code under review say, do not become ours.
func TestMarkerInWords(t *testing.T) {
	w := newWorld(t, nil)
	r := w.review()
	r.Comments = r.Comments[:1]
	r.Words = func([]string, change.Span) (string, string, error) {
		return "The file says " + w.marker(w.pull.PullRef, mark{keys: []string{"k9"}, settled: true}), "", nil
	}
	assert.Equal(t, []string{"k1"}, keys(w.place(r)))
	assert.Equal(t, []string{"k1"}, w.open())
}

// Two processes that met left two threads of one key: the older one stays.
func TestDuplicates(t *testing.T) {
	w := newWorld(t, nil)
	r := w.review()
	r.Comments, r.Standing = r.Comments[:1], r.Standing[:1]
	first := w.place(r)
	c, err := w.client(w.repo, grant{pulls: write})
	require.NoError(t, err)
	p := reviewPut{Forge: w.Forge, client: c, pull: w.pull.PullRef, review: r, placed: forge.Placed{}}
	require.NoError(t, p.post(t.Context(), r.Comments))
	require.Equal(t, []string{"k1", "k1"}, w.open())
	assert.Equal(t, first, w.place(r))
	assert.Equal(t, []string{"k1"}, w.open())
	assert.True(t, w.shown().Threads[1].Resolved)
	w.quiet(func() { w.place(r) })
}

func TestManyThreads(t *testing.T) {
	w := newWorld(t, nil)
	w.commit("topic", map[string]string{"long.txt": strings.Repeat("line\n", 130)})
	w.pull = w.present(w.pull.Number)
	r := forge.Review{SHA: w.pull.HeadSHA, Body: "Many.", Limit: 70, Words: wordsAbout}
	for i := range 130 {
		r.Comments = append(r.Comments, comment(fmt.Sprintf("m%d", i), "long.txt", i+1, i+1))
	}
	assert.Len(t, keys(w.place(r)), 70)
	r.Limit = 200
	assert.Len(t, keys(w.place(r)), 130)
	w.quiet(func() { assert.Len(t, keys(w.place(r)), 130, "threads come in pages") })
}

// What a person resolved stays resolved, and is never posted again.
func TestPersonResolved(t *testing.T) {
	w := newWorld(t, nil)
	first := w.place(w.review())
	w.place(without(w.review(), "k1"))
	// GitHub names the person; the hub knows only our App.
	w.opts.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		return rewrite(r, `"resolvedBy":{"login":"pullwarden"}`, `"resolvedBy":{"login":"dev"}`)
	})}
	w.Forge = w.another()
	w.quiet(func() { assert.Equal(t, first, w.place(w.review())) })

	// For an App it may name nobody.
	w.opts.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		return rewrite(r, `"resolvedBy":{"login":"pullwarden"}`, `"resolvedBy":null`)
	})}
	w.Forge = w.another()
	assert.Equal(t, first, w.place(w.review()))
	assert.Equal(t, []string{"k1", "k2", "k3"}, w.open())
}

func TestLongComment(t *testing.T) {
	w := newWorld(t, map[string]string{"contents": "read", "pull_requests": "write", "checks": "write"})
	r := w.review()
	r.Comments, r.Standing = r.Comments[:1], r.Standing[:1]
	r.Words = func([]string, change.Span) (string, string, error) { return strings.Repeat("€", 70_000), "", nil }
	w.place(r)
	assert.Equal(t, []string{"k1"}, w.open())
	w.place(without(r, "k1"))
	assert.Empty(t, w.open())
	assert.Contains(t, w.shown().Threads[0].Comments[0].Body, "Fixed in abc1234.")
}

func TestForcePushMeanwhile(t *testing.T) {
	w := newWorld(t, nil)
	r := w.review()
	w.commit("topic", map[string]string{"a.txt": "other\n"}, fakehub.From(w.on.Tip("main")))
	calls := len(w.hub.Calls())
	assert.Empty(t, w.place(r), "the commit is not of the pull request any more")
	var posts int
	for _, c := range w.hub.Calls()[calls:] {
		if c.Method == http.MethodPost && strings.Contains(c.Path, "/pulls/") {
			posts++
		}
	}
	assert.Equal(t, 1, posts)
	assert.Empty(t, w.shown().Threads)
}
