package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// A grant is what a token may do, besides reading metadata.
type grant struct{ contents, checks, pulls, members, issues string }

const (
	read  = "read"
	write = "write"
)

func (g grant) String() string {
	var parts []string
	for _, p := range [][2]string{{"contents", g.contents}, {"checks", g.checks}, {"pull_requests", g.pulls}, {"members", g.members}, {"issues", g.issues}} {
		if p[1] != "" {
			parts = append(parts, p[0]+":"+p[1])
		}
	}
	return strings.Join(parts, " ")
}

func (g grant) permissions() *gh.InstallationPermissions {
	p := &gh.InstallationPermissions{Metadata: gh.String(read)}
	for _, f := range []struct {
		level string
		field **string
	}{{g.contents, &p.Contents}, {g.checks, &p.Checks}, {g.pulls, &p.PullRequests}, {g.members, &p.Members}, {g.issues, &p.Issues}} {
		if f.level != "" {
			*f.field = gh.String(f.level)
		}
	}
	return p
}

const (
	tokenMargin = 5 * time.Minute // a token this close to its end is not used any more
	tokenCap    = 1024            // tokens kept; they can always be had anew
)

// tokens mints tokens and keeps them while they last.
type tokens struct {
	apps    *ghinstallation.AppsTransport
	wire    http.RoundTripper
	now     func() time.Time
	limiter *limiter
	graphql string          // path of the GraphQL address
	hosts   map[string]bool // that may see a token

	mu   sync.Mutex
	held map[tokenKey]*token
}

type tokenKey struct {
	installation, repo int64
	name               string // of the repository, where its id is not known
	grant              grant
}

type token struct {
	turn  chan struct{} // held while the fields are used
	value string
	until time.Time
}

func newTokens(apps *ghinstallation.AppsTransport, wire http.RoundTripper, now func() time.Time, limiter *limiter, api, graphql *url.URL) *tokens {
	return &tokens{apps: apps, wire: wire, now: now, limiter: limiter, graphql: graphql.Path,
		hosts: map[string]bool{api.Host: true, graphql.Host: true}, held: map[tokenKey]*token{}}
}

// get returns a token for k that is good for some minutes, and not the one
// that GitHub has just refused.
func (t *tokens) get(ctx context.Context, k tokenKey, refused string) (string, error) {
	t.mu.Lock()
	if len(t.held) > tokenCap {
		clear(t.held)
	}
	tok := t.held[k]
	if tok == nil {
		tok = &token{turn: make(chan struct{}, 1)}
		t.held[k] = tok
	}
	t.mu.Unlock()
	select {
	case tok.turn <- struct{}{}:
		defer func() { <-tok.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if tok.value != "" && tok.value != refused && t.now().Before(tok.until.Add(-tokenMargin)) {
		return tok.value, nil
	}
	value, until, err := t.mint(ctx, k)
	if err != nil {
		return "", fmt.Errorf("get a token for repository %d (%v): %w", k.repo, k.grant, err)
	}
	tok.value, tok.until = value, until
	return value, nil
}

// mint asks GitHub for a token. Its errors carry no address: the library's do.
func (t *tokens) mint(ctx context.Context, k tokenKey) (string, time.Time, error) {
	if err := t.limiter.hush(k.installation); err != nil {
		return "", time.Time{}, err
	}
	apps := *t.apps // the library writes to it
	tr := ghinstallation.NewFromAppsTransport(&apps, k.installation)
	tr.InstallationTokenOptions = &gh.InstallationTokenOptions{Permissions: k.grant.permissions()}
	switch {
	case k.name != "":
		tr.InstallationTokenOptions.Repositories = []string{k.name}
	case k.repo != 0:
		tr.InstallationTokenOptions.RepositoryIDs = []int64{k.repo}
	case k.grant != (grant{}):
		// For all repositories, a token reads metadata and nothing else.
		return "", time.Time{}, fmt.Errorf("a token for all repositories that may do more than list them: %w", forge.ErrDenied)
	}
	value, err := tr.Token(ctx)
	var refused *ghinstallation.HTTPError
	if errors.As(err, &refused) {
		if refused.Response == nil {
			return "", time.Time{}, classify(refused.RootCause, t.now())
		}
		resp := refused.Response
		defer resp.Body.Close()
		t.limiter.listen(k.installation, resp)
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		if resp.StatusCode == http.StatusUnprocessableEntity {
			// The installation did not grant this permission, or lacks the repository.
			return "", time.Time{}, fmt.Errorf("%w: %w", forge.ErrDenied, &statusError{resp.StatusCode, message(body)})
		}
		if resp.StatusCode == http.StatusUnauthorized {
			// Not the installation refuses us: the key was replaced, a clock is
			// wrong, or GitHub is in trouble. Work is not lost to that; it is tried
			// again for as long as other errors are.
			return "", time.Time{}, fmt.Errorf("GitHub does not take our signature (github.app.private_key, or the clock): %w",
				&statusError{resp.StatusCode, message(body)})
		}
		return "", time.Time{}, fromStatus(http.MethodPost, resp.StatusCode, resp.Header, message(body), t.now())
	}
	if err != nil {
		return "", time.Time{}, classify(err, t.now())
	}
	until, _, err := tr.Expiry()
	if err != nil || value == "" {
		return "", time.Time{}, errors.New("GitHub's answer has no token")
	}
	return value, until, nil
}

// A bearer sends requests with the token of one repository and grant.
type bearer struct {
	tokens *tokens
	key    tokenKey
}

func (b *bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, refused, err := b.try(req, "")
	if err != nil || resp.StatusCode != http.StatusUnauthorized || req.Body != nil && req.GetBody == nil {
		return resp, err
	}
	// Revoked or run out early: once more with a fresh one.
	again := req.Clone(req.Context())
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return resp, nil
		}
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	resp.Body.Close()
	resp, _, err = b.try(again, refused)
	return resp, err
}

// try sends req once and returns the token it used. As an http.RoundTripper
// must, it closes the body.
func (b *bearer) try(req *http.Request, refused string) (*http.Response, string, error) {
	fail := func(err error) (*http.Response, string, error) {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, "", err
	}
	// A redirect must not carry the token to another host.
	if !b.tokens.hosts[req.URL.Host] {
		return fail(fmt.Errorf("%s is not GitHub's API: not asked", req.URL.Host))
	}
	limiter := b.tokens.limiter
	if err := limiter.hush(b.key.installation); err != nil {
		return fail(err)
	}
	value, err := b.tokens.get(req.Context(), b.key, refused)
	if err != nil {
		return fail(err)
	}
	resource, writes := kind(req, b.tokens.graphql)
	done, err := limiter.admit(req.Context(), b.key.installation, resource, writes)
	if err != nil {
		return fail(err)
	}
	defer done()
	sent := req.Clone(onBehalf(req.Context(), b.key.installation))
	sent.Header.Set("Authorization", "token "+value)
	resp, err := b.tokens.wire.RoundTrip(sent)
	if err != nil {
		return nil, "", err
	}
	limiter.listen(b.key.installation, resp)
	return resp, value, nil
}
