package app

import (
	"net/http"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/forge/github"
	"github.com/pullwarden/pullwarden/internal/git"
	"github.com/pullwarden/pullwarden/internal/web"
)

// called counts calls to GitHub's API.
func called(m *web.Metrics) func(github.Call) {
	return func(c github.Call) {
		m.Called(c.Method, c.Kind, c.Status)
		if c.Installation != 0 {
			m.Remaining(c.Installation, c.Resource, c.Remaining, c.Reset)
		}
	}
}

// fetcher fetches within the operator's bounds, and counts what it fetches.
func fetcher(f config.Fetch, m *web.Metrics) *git.Fetcher {
	const mib = 1 << 20
	return &git.Fetcher{
		Client: &http.Client{Transport: m.Fetching(http.DefaultTransport)},
		Limits: git.Limits{Response: f.ResponseMiB * mib, Object: f.ObjectMiB * mib, Inflated: f.InflatedMiB * mib, Objects: f.Objects},
	}
}
