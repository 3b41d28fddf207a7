package app

import (
	"net/http"
	"time"

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
func fetcher(f config.Fetch, client *http.Client, m *web.Metrics) *git.Fetcher {
	const mib = 1 << 20
	wire, timeout := http.DefaultTransport, time.Duration(0)
	if client != nil {
		timeout = client.Timeout
		if client.Transport != nil {
			wire = client.Transport
		}
	}
	return &git.Fetcher{
		Client: &http.Client{Transport: m.Fetching(wire), Timeout: timeout},
		Limits: git.Limits{Response: f.ResponseMiB * mib, Object: f.ObjectMiB * mib, Inflated: f.InflatedMiB * mib, Objects: f.Objects},
	}
}
