package github

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
)

const policyPath = ".github/policy.yml"

func (w *world) begin() forge.Opening {
	w.t.Helper()
	o, err := w.Begin(w.t.Context(), w.pull.PullRef, policyPath, "a.txt")
	require.NoError(w.t, err)
	return o
}

func (w *world) look() *forge.Seen {
	w.t.Helper()
	s, err := w.Look(w.t.Context(), w.repo, w.pull.Number, w.pull.HeadSHA)
	require.NoError(w.t, err)
	return &s
}

// calls counts what do asks of the API, tokens apart.
func (w *world) calls(do func()) (n int) {
	w.t.Helper()
	before := len(w.hub.Calls())
	do()
	for _, c := range w.hub.Calls()[before:] {
		if !strings.HasSuffix(c.Path, "/access_tokens") {
			n++
		}
	}
	return n
}

// plainPull is p without its address, which depends on who answers.
func plainPull(p forge.Pull) forge.Pull {
	p.URL = ""
	return p
}

func TestBegin(t *testing.T) {
	w := newWorld(t, nil)
	assert.Equal(t, plainPull(w.pull), plainPull(w.begin().Pull), "as the pull request itself, asked for alone")
	assert.ErrorIs(t, w.begin().Files[policyPath].Err, forge.ErrNotFound)
	assert.False(t, w.begin().Seen.Completed)

	w.commit("main", map[string]string{policyPath: "mode: observe\n"})
	w.check(underWay())
	assert.Equal(t, 1, w.calls(func() {
		o := w.begin()
		assert.Equal(t, "mode: observe\n", string(o.Files[policyPath].Text))
		assert.NoError(t, o.Files[policyPath].Err)
		assert.Equal(t, before, string(o.Files["a.txt"].Text))
		assert.False(t, o.Seen.Completed)
	}))
	w.check(outcome("d1", forge.Success))
	assert.True(t, w.begin().Seen.Completed)

	_, err := w.Begin(t.Context(), forge.PullRef{Repo: w.repo, Number: 99}, policyPath)
	assert.ErrorIs(t, err, forge.ErrNotFound)
	other := w.pull.PullRef
	other.Repo.ID++
	_, err = w.Begin(t.Context(), other, policyPath)
	assert.Error(t, err, "a token for another repository")
}

// When each line of the last file was written comes in the same query. What
// GitHub cannot tell of it is no reason to do without the rest.
func TestBeginTellsWhenLinesWereWritten(t *testing.T) {
	w := newWorld(t, nil)
	day := func(n int) time.Time { return time.Date(2026, 5, n, 12, 0, 0, 0, time.UTC) }
	w.commit("main", map[string]string{policyPath: "a: 1\nb: 2\nc: 3\n"}, fakehub.At(day(1)))
	w.commit("main", map[string]string{policyPath: "a: 1\nb: 3\nnew: 1\nc: 3\n"}, fakehub.At(day(2)))
	begin := func(paths ...string) map[string]forge.File {
		o, err := w.Begin(t.Context(), w.pull.PullRef, paths...)
		require.NoError(t, err)
		return o.Files
	}
	assert.Equal(t, 1, w.calls(func() {
		files := begin("a.txt", policyPath)
		assert.Equal(t, []time.Time{day(1), day(2), day(2), day(1)}, files[policyPath].Written)
		assert.Nil(t, files["a.txt"].Written)
		files = begin(policyPath, "none")
		assert.NoError(t, files[policyPath].Err)
		assert.Nil(t, files[policyPath].Written)
	})-1)
	assert.Empty(t, begin())
}

// What is no plain text in GraphQL is read as ReadFile reads it.
func TestBeginGroup(t *testing.T) {
	w := newWorld(t, nil)
	begin := func(repo forge.Repo, sha string) (forge.Opening, error) {
		return w.BeginGroup(t.Context(), repo, sha, policyPath)
	}
	w.commit("main", map[string]string{policyPath: "mode: observe\n"})
	w.check(underWay())
	assert.Equal(t, 1, w.calls(func() {
		o, err := begin(w.repo, w.pull.HeadSHA)
		require.NoError(t, err)
		assert.Equal(t, "mode: observe\n", string(o.Files[policyPath].Text))
		assert.Equal(t, "main", o.Pull.Repo.Default)
		assert.False(t, o.Seen.Completed)
	}))
	id := w.check(outcome("d1", forge.Success))
	o, err := begin(w.repo, w.pull.HeadSHA)
	require.NoError(t, err)
	assert.True(t, o.Seen.Completed)
	w.quiet(func() {
		c := outcome("d1", forge.Success)
		c.Seen = &o.Seen
		assert.Equal(t, id, w.check(c))
	})
	_, err = begin(w.repo, strings.Repeat("0", 40))
	assert.ErrorIs(t, err, forge.ErrNotFound)
}

func TestBeginOddFiles(t *testing.T) {
	for name, test := range map[string]struct {
		files   map[string]string
		mode    []fakehub.CommitOption
		want    string
		failure string
	}{
		"empty":        {files: map[string]string{policyPath: ""}},
		"executable":   {files: map[string]string{policyPath: "a: 1\n"}, mode: []fakehub.CommitOption{fakehub.Mode(policyPath, "100755")}, want: "a: 1\n"},
		"not UTF-8":    {files: map[string]string{policyPath: "a: \xff\n"}, want: "a: \xff\n"},
		"long":         {files: map[string]string{policyPath: strings.Repeat("# long\n", 100_000)}, want: strings.Repeat("# long\n", 100_000)},
		"too long":     {files: map[string]string{policyPath: strings.Repeat("x", 1<<20+1)}, failure: "is larger than 1 MiB"},
		"link":         {files: map[string]string{policyPath: "other.yml", ".github/other.yml": "b: 2\n"}, mode: []fakehub.CommitOption{fakehub.Mode(policyPath, "120000")}, want: "b: 2\n"},
		"directory":    {files: map[string]string{policyPath + "/x": "a: 1\n"}, failure: "is a directory, not a file"},
		"another name": {files: map[string]string{policyPath + "l": "a: 1\n"}, failure: "not found"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.commit("main", test.files, test.mode...)
			file := w.begin().Files[policyPath]
			if test.failure != "" {
				assert.ErrorContains(t, file.Err, test.failure)
				return
			}
			require.NoError(t, file.Err)
			assert.Equal(t, test.want, string(file.Text))
		})
	}
}

func TestBeginOfAReusedName(t *testing.T) {
	w := newWorld(t, nil)
	ref := w.pull.PullRef
	w.on.Rename("store")
	o, err := w.Begin(t.Context(), ref, policyPath)
	require.NoError(t, err)
	assert.Equal(t, "store", o.Pull.Repo.Name, "GitHub follows a rename")
	_, err = w.hub.AddRepo("octo-org", "shop")
	require.NoError(t, err)
	_, err = w.Begin(t.Context(), ref, policyPath)
	assert.ErrorIs(t, err, forge.ErrNotFound)
	_, err = w.Look(t.Context(), ref.Repo, ref.Number, w.pull.HeadSHA)
	assert.ErrorIs(t, err, forge.ErrNotFound)
}

func TestLook(t *testing.T) {
	w := newWorld(t, nil)
	require.Len(t, w.look().Pulls, 1)
	assert.Equal(t, plainPull(w.pull), plainPull(w.look().Pulls[0]))
	w.place(w.review())
	w.check(outcome("d1", forge.Failure))

	// With what was seen, nothing is asked again, and nothing is written twice.
	assert.Equal(t, 1, w.calls(func() {
		seen := w.look()
		assert.True(t, seen.Completed)
		r := w.review()
		r.Seen = seen
		placed, err := w.PutReview(t.Context(), w.pull, r)
		require.NoError(t, err)
		assert.Len(t, placed, len(r.Comments))
		c := outcome("d1", forge.Failure)
		c.Seen = seen
		w.check(c)
	}))
	_, err := w.Look(t.Context(), w.repo, 0, strings.Repeat("0", 40))
	assert.ErrorIs(t, err, forge.ErrNotFound)
	group, err := w.Look(t.Context(), w.repo, 0, w.pull.HeadSHA)
	require.NoError(t, err)
	assert.True(t, group.Completed)
}

// What was seen before we wrote does not count: put twice, a review is there once.
func TestReviewSeenBefore(t *testing.T) {
	w := newWorld(t, nil)
	r := w.review()
	assert.Equal(t, 2, w.calls(func() {
		r.Seen = w.look()
		_, err := w.PutReview(t.Context(), w.pull, r)
		require.NoError(t, err)
	}), "to look, and to post")
	placed := w.place(r)
	w.quiet(func() { assert.Equal(t, placed, w.place(r)) })
	assert.Len(t, w.shown().Threads, 3)
}

// What does not fit on a page is asked for page by page.
func TestLookBeyondAPage(t *testing.T) {
	w := newWorld(t, nil)
	w.commit("topic", map[string]string{"long.txt": strings.Repeat("line\n", 130)})
	w.pull = w.present(w.pull.Number)
	r := forge.Review{SHA: w.pull.HeadSHA, Body: "Many.", Limit: 200, Words: wordsAbout}
	for i := range 130 {
		r.Comments = append(r.Comments, comment(fmt.Sprintf("m%d", i), "long.txt", i+1, i+1))
	}
	w.place(r)
	for i := range 60 {
		w.check(outcome(fmt.Sprint("d", i), forge.Success))
	}
	w.quiet(func() {
		r.Seen = w.look()
		placed, err := w.PutReview(t.Context(), w.pull, r)
		require.NoError(t, err)
		assert.Len(t, placed, 130)
		c := outcome("d59", forge.Success)
		c.Seen = r.Seen
		w.check(c)
	})
}

// An answer to a request to check again is given once, whatever is replayed.
func TestCheckAsked(t *testing.T) {
	w := newWorld(t, nil)
	first := w.check(outcome("d1", forge.Failure))
	asked := outcome("d1", forge.Failure)
	asked.Ask = "delivery-1"
	second := w.check(asked)
	assert.NotEqual(t, first, second, "the same outcome, but somebody asked for it")
	start := underWay()
	start.Again, start.Ask = true, "delivery-1"
	w.quiet(func() {
		assert.Equal(t, second, w.check(asked))
		assert.Equal(t, second, w.check(start))
		assert.Equal(t, second, w.check(outcome("d1", forge.Failure)), "nobody asked")
	})
	asked.Ask = "delivery-2"
	assert.NotEqual(t, second, w.check(asked))
}
