package github

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
)

// What repeats is asked for with its ETag, and is never stale.
func TestConditionalRequests(t *testing.T) {
	w := newWorld(t, nil)
	read := func() string {
		t.Helper()
		b, err := w.ReadFile(t.Context(), w.repo, "main", "a.txt")
		require.NoError(t, err)
		return string(b)
	}
	last := func() int {
		calls := w.hub.Calls()
		return calls[len(calls)-1].Status
	}
	assert.Equal(t, before, read())
	assert.Equal(t, 200, last())
	assert.Equal(t, before, read())
	assert.Equal(t, 304, last(), "nothing has changed")
	w.commit("main", map[string]string{"a.txt": "changed\n"})
	assert.Equal(t, "changed\n", read())
	assert.Equal(t, 200, last())

	w.commit("main", nil, fakehub.Delete("a.txt"))
	_, err := w.ReadFile(t.Context(), w.repo, "main", "a.txt")
	assert.ErrorIs(t, err, forge.ErrNotFound)
	w.commit("main", map[string]string{"a.txt": "back\n"})
	assert.Equal(t, "back\n", read())
}

// An answer that was shortened on its way does not come back.
func TestShortenedAnswer(t *testing.T) {
	w := newWorld(t, nil)
	w.hub.Fail(fakehub.Fault{Match: "GET /repos/*/contents/*", Trim: 20})
	_, err := w.ReadFile(t.Context(), w.repo, "main", "a.txt")
	require.Error(t, err)
	b, err := w.ReadFile(t.Context(), w.repo, "main", "a.txt")
	require.NoError(t, err)
	assert.Equal(t, before, string(b))
}

// An answer is kept for whoever may ask alone, and there is a bound to all.
func TestKeptAnswers(t *testing.T) {
	a := newAnswers()
	mine, other := a.to(tokenKey{installation: 1, repo: 2, grant: grant{contents: read}}), a.to(tokenKey{installation: 1, repo: 3, grant: grant{contents: read}})
	mine.Set("/x", []byte("secret"))
	_, found := other.Get("/x")
	assert.False(t, found)
	_, found = a.to(tokenKey{installation: 1, repo: 2, grant: grant{}}).Get("/x")
	assert.False(t, found, "a token that may do less")
	got, found := mine.Get("/x")
	assert.True(t, found)
	assert.Equal(t, "secret", string(got))

	mine.Set("/large", bytes.Repeat([]byte("x"), cacheEntry+1))
	_, found = mine.Get("/large")
	assert.False(t, found)
	for i := range 3 * cacheSize / cacheEntry {
		mine.Set(fmt.Sprint(i), bytes.Repeat([]byte("x"), cacheEntry))
		mine.Set(fmt.Sprint(i), bytes.Repeat([]byte("y"), cacheEntry)) // replaced
		assert.LessOrEqual(t, a.size, cacheSize)
	}
	assert.Equal(t, cacheSize, a.size)
	mine.Delete(fmt.Sprint(3*cacheSize/cacheEntry - 1))
	assert.Equal(t, cacheSize-cacheEntry, a.size)
}
