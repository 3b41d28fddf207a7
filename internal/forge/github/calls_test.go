package github

import (
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
)

func TestKindsOfCalls(t *testing.T) {
	api, err := endpoint("API", "https://hub.example/api/v3")
	require.NoError(t, err)
	c := &caller{api: api, query: "https://hub.example/api/graphql"}
	const r = "/api/v3/repos/acme/shop"
	for path, want := range map[string]string{
		"/api/graphql": "graphql", "/api/v3/meta": "meta", "/api/v3/app": "app", "/api/v3/app/hook/deliveries/7/attempts": "deliveries",
		"/api/v3/app/installations/7/access_tokens": "token", "/api/v3/installation/repositories": "installation",
		r: "repository", r + "/pulls": "pulls", r + "/pulls/7": "pulls", r + "/pulls/7/reviews/8/comments": "reviews",
		r + "/pulls/comments/9": "comments", r + "/check-runs/7": "checks", r + "/commits/abc/check-runs": "checks",
		r + "/commits/abc/pulls": "pulls", r + "/commits/abc": "commits", r + "/contents/pulls/check-runs": "contents",
		r + "/compare/a...b": "compare", r + "/git/trees": "git", r + "/issues/7/labels": "issues", "/api/v3/repositories/7/pulls/8": "pulls",
		r + "/something-new/acme": "other", "/elsewhere": "other", "/api/v3/users/acme": "other", "/api/v3/": "other",
		"/api/v3/repos/pulls/commits": "repository", "/api/v3/repos/acme": "repository",
	} {
		assert.Equal(t, want, c.kind(&url.URL{Scheme: "https", Host: "hub.example", Path: path}), path)
	}
}

func TestCallsAreTold(t *testing.T) {
	w := newWorld(t, nil)
	var mu sync.Mutex
	var calls []Call
	w.opts.Called = func(c Call) {
		mu.Lock()
		defer mu.Unlock()
		calls = append(calls, c)
	}
	w.Forge = w.another()
	_, err := w.Forge.Pull(t.Context(), w.pull.PullRef)
	require.NoError(t, err)
	require.Len(t, calls, 2, "one for the token")
	assert.Equal(t, Call{Method: http.MethodPost, Kind: "token", Status: http.StatusCreated}, calls[0])
	got := calls[1]
	assert.Equal(t, []any{http.MethodGet, "pulls", http.StatusOK, w.repo.Installation, "core"},
		[]any{got.Method, got.Kind, got.Status, got.Installation, got.Resource})
	assert.Positive(t, got.Remaining)
	assert.True(t, got.Reset.After(time.Now()))

	w.hub.Fail(fakehub.Fault{Match: "GET /repos/*/pulls/*", Drop: true, Times: 2})
	_, err = w.Forge.Pull(t.Context(), w.pull.PullRef)
	require.Error(t, err)
	last := slices.MinFunc(calls, func(a, b Call) int { return a.Status - b.Status })
	assert.Equal(t, Call{Method: http.MethodGet, Kind: "pulls"}, last, "one without an answer")
}
