package github

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Call is one request to GitHub's API and how it was answered.
type Call struct {
	Method string
	Kind   string // what it was about, in one word of a fixed set
	Status int    // 0 if there was no answer
	// Of the rate limit that the call counted against, as the answer told;
	// Installation is 0 if it told none, or if the App itself called.
	Installation int64
	Resource     string // "core", "graphql"
	Remaining    int
	Reset        time.Time
}

// caller tells called of every call on its way, those for tokens included.
type caller struct {
	next   http.RoundTripper
	api    *url.URL
	query  string // address of GraphQL
	called func(Call)
}

func (c *caller) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := c.next.RoundTrip(req)
	call := Call{Method: req.Method, Kind: c.kind(req.URL)}
	if err == nil {
		call.Status = res.StatusCode
		h := res.Header
		left, leftErr := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
		reset, resetErr := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
		if id, ok := req.Context().Value(installationKey{}).(int64); ok && leftErr == nil && resetErr == nil {
			call.Installation, call.Remaining, call.Reset = id, left, time.Unix(reset, 0)
			call.Resource = h.Get("X-RateLimit-Resource")
		}
	}
	c.called(call)
	return res, err
}

// installationKey is where a request's context has whose token it carries.
type installationKey struct{}

func onBehalf(ctx context.Context, installation int64) context.Context {
	return context.WithValue(ctx, installationKey{}, installation)
}

// kind names what is at an address. Names in it, of accounts and repositories,
// must not become part of a metric: there is no end of them.
func (c *caller) kind(u *url.URL) string {
	if u.Scheme+"://"+u.Host+u.Path == c.query {
		return "graphql"
	}
	path, ok := strings.CutPrefix(u.Path, c.api.Path)
	if !ok {
		return "other"
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	skip := map[string]int{"repos": 3, "repositories": 2}[parts[0]]
	if skip == 0 {
		switch {
		case parts[len(parts)-1] == "access_tokens":
			return "token"
		case strings.HasPrefix(path, "app/hook/"):
			return "deliveries"
		case slices.Contains([]string{"app", "meta", "installation", "rate_limit"}, parts[0]):
			return parts[0]
		}
		return "other"
	}
	if len(parts) <= skip {
		return "repository"
	}
	what, last := parts[skip], parts[len(parts)-1]
	switch what {
	case "check-runs", "check-suites":
		return "checks"
	case "commits", "pulls":
		for _, part := range parts[skip+1:] {
			switch part {
			case "check-runs", "check-suites":
				return "checks"
			case "reviews", "comments":
				return part
			}
		}
		if last == "pulls" {
			return "pulls"
		}
		return what
	case "issues", "contents", "compare", "branches", "git", "installation", "collaborators", "labels":
		return what
	}
	return "other"
}
