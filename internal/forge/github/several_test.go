package github

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	gh "github.com/google/go-github/v60/github"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
)

// at is a comment about several findings on one line of a.txt.
func at(line int, keys ...string) forge.Comment {
	return forge.Comment{Keys: keys, At: change.Span{Path: "a.txt", Start: line, End: line}}
}

// wants is a review that wants just these comments.
func (w *world) wants(comments ...forge.Comment) forge.Review {
	r := w.review()
	r.Comments, r.Standing = comments, nil
	for _, c := range comments {
		r.Standing = append(r.Standing, c.Keys...)
	}
	r.Superseded = func(by change.Span) string { return "Superseded by " + by.String() + "." }
	r.News = func(ids []string) string { return "New: " + strings.Join(ids, ", ") + "." }
	return r
}

// older posts comments as the program did when a comment had one finding.
func (w *world) older(comments ...forge.Comment) {
	w.t.Helper()
	for _, c := range comments {
		client, err := w.client(w.repo, grant{pulls: write})
		require.NoError(w.t, err)
		_, _, err = client.PullRequests.CreateComment(w.t.Context(), w.repo.Owner, w.repo.Name, w.pull.Number, &gh.PullRequestComment{
			CommitID: &w.pull.HeadSHA, Path: &c.At.Path, Line: &c.At.End, Side: gh.String("RIGHT"),
			Body: gh.String(w.commentBody(w.pull.PullRef, c.Keys[0], "Words of before.")),
		})
		require.NoError(w.t, err)
	}
}

// body is the first comment of the n-th thread, without its marker.
func (w *world) body(n int) string { return w.words(w.shown().Threads[n].Comments[0].Body) }

// One comment is about several findings: it is edited as they come and go, and
// asks while one of them is there.
func TestSeveralFindingsShareAThread(t *testing.T) {
	w := newWorld(t, nil)
	placed := w.place(w.wants(at(4, "k1", "k2")))
	require.Len(t, w.shown().Threads, 1)
	assert.Equal(t, placed["k1"], placed["k2"])
	assert.Equal(t, 1, placed.Comments())
	w.quiet(func() { assert.Equal(t, placed, w.place(w.wants(at(4, "k1", "k2")))) })

	assert.Equal(t, forge.Placed{"k2": placed["k2"]}, w.place(w.wants(at(4, "k2"))))
	assert.Equal(t, "Words about k2.", w.body(0))
	assert.Equal(t, placed["k1"], w.place(w.wants(at(4, "k3", "k2")))["k3"], "what is new at the place joins")
	assert.Equal(t, "Words about k3, k2.", w.body(0))
	w.quiet(func() { w.place(w.wants(at(4, "k3", "k2"))) })

	// The findings are elsewhere now, each for itself: the thread keeps them.
	w.quiet(func() { w.place(w.wants(at(5, "k3"), at(6, "k2"))) })
	w.place(w.wants())
	assert.Empty(t, w.open())
	assert.True(t, w.shown().Threads[0].Resolved)
	assert.Equal(t, placed["k1"], w.place(w.wants(at(4, "k1", "k2")))["k1"], "and asks again")
	assert.Equal(t, "Words about k1, k2.", w.body(0))
	assert.Len(t, w.shown().Threads, 1)
	assert.Len(t, w.shown().Reviews, 1)
	assert.Len(t, w.shown().Threads[0].Comments, 1, "edits tell nobody")
}

// The limit counts comments, and an edit needs no room.
func TestLimitCountsComments(t *testing.T) {
	w := newWorld(t, nil)
	r := w.wants(at(4, "k1", "k2"), at(5, "k3"))
	r.Limit = 1
	assert.ElementsMatch(t, []string{"k1", "k2"}, keys(w.place(r)))
	r = w.wants(at(4, "k1", "k2", "k4"), at(5, "k3"))
	r.Limit = 1
	assert.ElementsMatch(t, []string{"k1", "k2", "k4"}, keys(w.place(r)))
	assert.Len(t, w.shown().Threads, 1)
}

// Words that say the same to the reader are not said again.
func TestWordsOfTheSameGist(t *testing.T) {
	w := newWorld(t, nil)
	said := func(words, gist string) forge.Review {
		r := w.wants(at(4, "k1"))
		r.Words = func([]string, change.Span) (string, string, error) { return words, gist, nil }
		return r
	}
	w.place(said("one", "gist"))
	w.quiet(func() { w.place(said("other", "gist")) })
	w.place(said("third", "news"))
	assert.Equal(t, "third", w.body(0))
}

// What threads of an older version were about is one finding now: the oldest
// stands with new words, and the others say where it is.
func TestManyThreadsBecomeOne(t *testing.T) {
	w := newWorld(t, nil)
	w.older(at(4, "a"), at(4, "b"), at(4, "c"), at(5, "same"))
	require.NoError(t, w.on.Resolve(w.pull.Number, w.shown().Threads[2].ID, "dev"))
	r := w.wants(at(4, "new"), at(5, "same"))
	r.Was = map[string]string{"a": "new", "b": "new", "c": "new"}
	r.Advisories = map[string][][]string{"new": {{"GO-1"}}}
	placed := w.place(r)
	assert.ElementsMatch(t, []string{"new", "same"}, keys(placed))
	p := w.shown()
	assert.Equal(t, placed["new"], p.Threads[0].Comments[0].ID)
	assert.Equal(t, "Words about new.", w.body(0))
	assert.True(t, p.Threads[1].Resolved)
	assert.True(t, strings.HasPrefix(w.body(1), "Superseded by a.txt:4.\n\n<details>"), w.body(1))
	assert.Contains(t, w.body(1), "Words of before.")
	assert.Equal(t, "Words of before.", w.body(3), "the same finding is not said again")
	assert.Len(t, p.Reviews, 4)
	for _, thread := range p.Threads {
		assert.Len(t, thread.Comments, 1)
	}
	w.quiet(func() { assert.Equal(t, placed, w.place(r)) })
	w.place(w.wants(at(5, "same")))
	r = w.wants(at(4, "new"), at(5, "same"))
	r.Was = map[string]string{"a": "new", "b": "new", "c": "new"}
	assert.Equal(t, placed, w.place(r), "the same one asks again")
}

// All that an older version asked was closed by people: the one finding that
// it is now stays closed, until there is something new about it.
func TestClosedBeforeTheyBecameOne(t *testing.T) {
	w := newWorld(t, nil)
	w.older(at(4, "a"), at(4, "b"))
	for _, thread := range w.shown().Threads {
		require.NoError(t, w.on.Resolve(w.pull.Number, thread.ID, "dev"))
	}
	r := w.wants(at(4, "new"))
	r.Was = map[string]string{"a": "new", "b": "new"}
	r.Advisories = map[string][][]string{"new": {{"GO-1", "CVE-1"}}}
	placed := w.place(r)
	assert.Empty(t, w.open())
	assert.Equal(t, []string{"new"}, keys(placed))
	w.quiet(func() { w.place(r) })
	r.Advisories = map[string][][]string{"new": {{"GO-1"}, {"GO-2"}}}
	assert.Equal(t, placed, w.place(r))
	assert.Equal(t, []string{"new"}, w.open())
	assert.Len(t, w.shown().Threads, 2)
}

// What a person resolved asks again once there is an advisory that they did
// not know of, and says so once.
func TestANewAdvisoryReopens(t *testing.T) {
	w := newWorld(t, nil)
	wants := func(advisories ...[]string) forge.Review {
		r := w.wants(at(4, "k1"))
		r.Advisories = map[string][][]string{"k1": advisories}
		return r
	}
	first := w.place(wants([]string{"GO-1", "CVE-1"}))
	require.NoError(t, w.on.Resolve(w.pull.Number, w.shown().Threads[0].ID, "dev"))
	w.quiet(func() {
		assert.Equal(t, first, w.place(wants([]string{"CVE-1", "GO-1"})), "under another name")
		w.place(wants())
		draft := wants([]string{"GO-2"})
		draft.Comments = nil
		w.place(draft)
	})
	w.hub.Fail(fakehub.Fault{Match: "PATCH /repos/*/pulls/comments/*", Status: 500})
	_, err := w.PutReview(t.Context(), w.pull, wants([]string{"GO-1"}, []string{"GO-2"}))
	require.Error(t, err)
	assert.Equal(t, first, w.place(wants([]string{"GO-1"}, []string{"GO-2"})))
	thread := w.shown().Threads[0]
	assert.False(t, thread.Resolved)
	require.Len(t, thread.Comments, 2)
	assert.Equal(t, "New: GO-2.", thread.Comments[1].Body)
	w.quiet(func() { w.place(wants([]string{"GO-1"}, []string{"GO-2"})) })
	require.NoError(t, w.on.Resolve(w.pull.Number, thread.ID, "dev"))
	w.quiet(func() { w.place(wants([]string{"GO-1"}, []string{"GO-2"})) })
}

// What a person resolved stays closed; what is new beside it gets a comment.
func TestOthersOfAClosedThread(t *testing.T) {
	w := newWorld(t, nil)
	w.place(w.wants(at(4, "k1", "k2")))
	require.NoError(t, w.on.Resolve(w.pull.Number, w.shown().Threads[0].ID, "dev"))
	w.quiet(func() { w.place(w.wants(at(4, "k1", "k2"))) })
	placed := w.place(w.wants(at(4, "k1", "k2", "k3")))
	require.Len(t, w.shown().Threads, 2)
	assert.Equal(t, "Words about k3.", w.body(1))
	assert.Equal(t, 2, placed.Comments())
	assert.Equal(t, []string{"k3"}, w.open())
	w.quiet(func() { w.place(w.wants(at(4, "k1", "k2", "k3"))) })

	// An advisory that is new for one of them does not ask about the other.
	r := w.wants(at(4, "k1", "k2", "k3"))
	r.Advisories = map[string][][]string{"k1": {{"GO-9"}}}
	w.place(r)
	assert.Equal(t, []string{"k1", "k3"}, slices.Sorted(slices.Values(w.open())))
	assert.Len(t, w.shown().Threads, 2)
	w.quiet(func() { w.place(r) })
}

// A conversation that is locked takes no edit: what is new is in the check.
func TestLockedAgainstEdits(t *testing.T) {
	w := newWorld(t, nil)
	w.place(w.wants(at(4, "k1")))
	w.hub.Fail(fakehub.Fault{Match: "PATCH /repos/*/pulls/comments/*", Status: http.StatusForbidden,
		Body: `{"message":"Unable to edit comment because issue is locked."}`})
	assert.Equal(t, []string{"k1"}, keys(w.place(w.wants(at(4, "k1", "k2")))))
}

// A marker of many findings fits into a comment with words of any length.
func TestManyKeysFit(t *testing.T) {
	w := newWorld(t, nil)
	var many []string
	for range forge.MostKeys {
		many = append(many, strings.Repeat("f", 29)+string(rune('a'+len(many)%26))+string(rune('a'+len(many)/26)))
	}
	r := w.wants(at(4, many...))
	r.Words = func([]string, change.Span) (string, string, error) { return strings.Repeat("word ", 14_000), "", nil }
	assert.Len(t, w.place(r), forge.MostKeys)
	w.quiet(func() { w.place(r) })
}
