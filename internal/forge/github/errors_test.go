package github

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
)

const anyCheck = "GET /repos/*/commits/*/check-runs"

// put completes a check and returns the error, of which nothing may give a token away.
func (w *world) put() error {
	w.t.Helper()
	c := outcome("d1", forge.Success)
	c.SHA = w.pull.HeadSHA
	_, err := w.PutCheck(w.t.Context(), w.repo, c)
	if err != nil {
		for _, part := range []string{"ghs_", "Bearer", "Authorization", "access_tokens", "eyJ"} {
			assert.NotContains(w.t, err.Error(), part)
		}
	}
	return err
}

func TestRateLimits(t *testing.T) {
	w := newWorld(t, nil)
	for name, c := range map[string]struct {
		fault fakehub.Fault
		want  time.Duration
	}{
		"Retry-After":   {fakehub.Fault{Status: 403, Header: map[string]string{"Retry-After": "17"}}, 17 * time.Second},
		"429":           {fakehub.Fault{Status: 429, Header: map[string]string{"Retry-After": "3"}}, 3 * time.Second},
		"only words":    {fakehub.Fault{Status: 403}, time.Minute},
		"429 and words": {fakehub.Fault{Status: 429}, time.Minute},
		"spent": {fakehub.Fault{Status: 403, Header: map[string]string{"X-RateLimit-Remaining": "0",
			"X-RateLimit-Reset": strconv.FormatInt(time.Now().Add(90*time.Second).Unix(), 10)}}, 90 * time.Second},
	} {
		w.Forge = w.another()
		c.fault.Match = anyCheck
		w.hub.Fail(c.fault)
		err := w.put()
		var busy *forge.BusyError
		require.ErrorAs(t, err, &busy, name)
		assert.InDelta(t, c.want.Seconds(), busy.After.Seconds(), 2, name)
		assert.NotErrorIs(t, err, forge.ErrDenied, name)
	}
}

// While GitHub asks for quiet, the installation is quiet: nothing is even sent.
func TestQuiet(t *testing.T) {
	w := newWorld(t, nil)
	w.hub.Fail(fakehub.Fault{Match: anyCheck, Status: 403, Header: map[string]string{"Retry-After": "30"}})
	require.Error(t, w.put())
	calls := len(w.hub.Calls())
	_, err := w.Tip(t.Context(), w.repo, "main")
	var busy *forge.BusyError
	require.ErrorAs(t, err, &busy)
	assert.InDelta(t, 31, busy.After.Seconds(), 3)
	assert.Len(t, w.hub.Calls(), calls)

	w.now = func() time.Time { return time.Now().Add(31 * time.Second) }
	assert.NoError(t, w.put())
}

func TestBrokenServer(t *testing.T) {
	w := newWorld(t, nil)
	for name, f := range map[string]fakehub.Fault{
		"500": {Status: 500}, "502": {Status: 502, Body: "<html>"}, "dropped": {Drop: true}, "cut": {Cut: 20},
	} {
		// The transport itself repeats a GET that was dropped on a used connection.
		f.Match, f.Times = anyCheck, 1
		if f.Drop {
			f.Times = 2
		}
		w.hub.Fail(f)
		var busy *forge.BusyError
		require.ErrorAs(t, w.put(), &busy, name)
		assert.Equal(t, brokenWait, busy.After, name)
	}
}

func TestTimeout(t *testing.T) {
	w := newWorld(t, nil)
	w.hub.Fail(fakehub.Fault{Match: anyCheck, Delay: 5 * time.Second})
	w.opts.HTTP = &http.Client{Timeout: 100 * time.Millisecond}
	w.Forge = w.another()
	var busy *forge.BusyError
	require.ErrorAs(t, w.put(), &busy)
}

func TestCanceled(t *testing.T) {
	w := newWorld(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.Tip(ctx, w.repo, "main")
	assert.ErrorIs(t, err, context.Canceled)
	var busy *forge.BusyError
	assert.False(t, errors.As(err, &busy))
}

// A token that GitHub refuses is replaced once.
func TestRefusedToken(t *testing.T) {
	w := newWorld(t, nil)
	require.NoError(t, w.put())
	minted := len(w.hub.Grants())
	w.hub.Fail(fakehub.Fault{Match: anyCheck, Status: 401})
	require.NoError(t, w.put())
	assert.Len(t, w.hub.Grants(), minted+1)

	w.hub.Fail(fakehub.Fault{Match: "POST /repos/*/check-runs", Status: 401})
	c := outcome("d2", forge.Failure)
	w.check(c)
	assert.Len(t, w.runs(), 2, "the body is sent again too")

	w.hub.Fail(fakehub.Fault{Match: anyCheck, Status: 401, Times: 5})
	calls := len(w.hub.Calls())
	assert.ErrorIs(t, w.put(), forge.ErrDenied)
	assert.Len(t, w.hub.Calls(), calls+3, "asked, a new token, asked again")
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, nil)
	for status, want := range map[int]error{404: forge.ErrNotFound, 410: forge.ErrNotFound, 451: forge.ErrDenied} {
		w.hub.Fail(fakehub.Fault{Match: anyCheck, Status: status})
		assert.ErrorIs(t, w.put(), want)
	}
	w.hub.Fail(fakehub.Fault{Match: anyCheck, Status: 403, Body: `{"message":"Resource not accessible by integration"}`})
	assert.ErrorIs(t, w.put(), forge.ErrDenied)
}

// What answers in GitHub's place may say what it was sent; nobody reads that from us.
func TestAnswerThatRepeatsTheToken(t *testing.T) {
	w := newWorld(t, nil)
	for _, token := range []string{"ghs_1_0123456789abcdef", "ghs_7_" + "eyJhbGciOiJI.eyJpc3MiOiI3.c2ln", "eyJhbGciOiJS" + "UzI1NiJ9.eyJpc3Mi.abc-_",
		base64.StdEncoding.EncodeToString([]byte("x-access-token:ghs_1_0123"))} {
		for _, status := range []int{400, 403, 422, 500} {
			w.hub.Fail(fakehub.Fault{Match: anyCheck, Status: status, Body: fmt.Sprintf(`{"message":"who are you, %s?","errors":[{"message":"%s!"}]}`, token, token)})
			err := w.put()
			require.ErrorContains(t, err, "who are you, [token removed]")
			assert.NotContains(t, err.Error(), token[12:])
		}
		w.hub.Fail(fakehub.Fault{Match: "POST /graphql", Status: 200, Body: fmt.Sprintf(`{"errors":[{"type":"X","message":"no, %s"}]}`, token)})
		_, err := w.Look(t.Context(), w.repo, 1, w.pull.HeadSHA)
		require.ErrorContains(t, err, "no, [token removed]")
		assert.NotContains(t, err.Error(), token[12:])
	}
}

func TestNoToken(t *testing.T) {
	const mint = "POST /app/installations/*/access_tokens"
	w := newWorld(t, nil)
	for name, c := range map[string]struct {
		fault fakehub.Fault
		want  error
	}{
		"gone":      {fakehub.Fault{Status: 404}, forge.ErrNotFound},
		"suspended": {fakehub.Fault{Status: 403, Body: `{"message":"This installation has been suspended"}`}, forge.ErrDenied},
		"narrower":  {fakehub.Fault{Status: 422}, forge.ErrDenied},
		"limited":   {fakehub.Fault{Status: 403, Header: map[string]string{"Retry-After": "9"}}, nil},
		"broken":    {fakehub.Fault{Status: 500}, nil},
		"dropped":   {fakehub.Fault{Drop: true}, nil},
		"cut":       {fakehub.Fault{Cut: 30}, nil},
	} {
		w.Forge, w.now = w.another(), time.Now
		c.fault.Match = mint
		w.hub.Fail(c.fault)
		err := w.put()
		var busy *forge.BusyError
		if c.want != nil {
			assert.ErrorIs(t, err, c.want, name)
			assert.False(t, errors.As(err, &busy), name)
		} else {
			assert.ErrorAs(t, err, &busy, name)
		}
		if name == "limited" {
			assert.InDelta(t, 9, busy.After.Seconds(), 1)
			w.now = func() time.Time { return time.Now().Add(10 * time.Second) }
		}
		assert.NoError(t, w.put(), "%s: it goes on afterwards", name)
	}

	// A signature that is not taken says nothing about the installation: the work
	// is tried again, but as often as other work that fails, not for ever.
	w.hub.Fail(fakehub.Fault{Match: mint, Status: 401})
	w.Forge = w.another()
	err := w.put()
	var busy *forge.BusyError
	assert.ErrorContains(t, err, "does not take our signature")
	assert.NotErrorIs(t, err, forge.ErrDenied)
	assert.False(t, errors.As(err, &busy))
	assert.NoError(t, w.put())

	w = newWorld(t, map[string]string{"contents": "read", "pull_requests": "read"})
	assert.ErrorIs(t, w.put(), forge.ErrDenied)
}

func TestUninstalled(t *testing.T) {
	w := newWorld(t, nil)
	require.NoError(t, w.put())
	w.hub.Uninstall("octo-org")
	assert.ErrorIs(t, w.put(), forge.ErrNotFound)
}

// A redirect does not carry the token to another host.
func TestRedirectElsewhere(t *testing.T) {
	var seen []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	w := newWorld(t, nil)
	w.hub.Fail(fakehub.Fault{Match: "GET /repos/*/git/ref/*", Status: 302, Header: map[string]string{"Location": elsewhere.URL}})
	_, err := w.Tip(t.Context(), w.repo, "main")
	assert.ErrorContains(t, err, "not asked")
	assert.Empty(t, seen)
}

func TestEveryRequestIsSigned(t *testing.T) {
	w := newWorld(t, nil)
	var bad []string
	target, err := url.Parse(w.url)
	require.NoError(t, err)
	w.opts.UserAgent = "warden/1"
	w.opts.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		h := r.Header
		if h.Get("User-Agent") != "warden/1" || len(h.Values("Accept")) != 1 || h.Get("X-GitHub-Api-Version") == "" || r.URL.Host != target.Host {
			bad = append(bad, r.Method+" "+r.URL.Path)
		}
		return http.DefaultTransport.RoundTrip(r)
	})}
	w.Forge = w.another()
	require.NoError(t, w.put())
	_, err = w.Proposals(t.Context(), w.repo)
	require.NoError(t, err)
	assert.Empty(t, bad)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestGraphQLErrors(t *testing.T) {
	w := newWorld(t, nil)
	for body, want := range map[string]error{
		`{"data":null,"errors":[{"type":"FORBIDDEN","message":"no"}]}`:                          forge.ErrDenied,
		`{"data":null,"errors":[{"message":"Resource not accessible by integration"}]}`:         forge.ErrDenied,
		`{"data":{"repository":null},"errors":[{"type":"NOT_FOUND","message":"Could not..."}]}`: forge.ErrNotFound,
		`{"data":{"repository":null}}`:                 forge.ErrNotFound,
		`{"data":{"repository":{"pullRequest":null}}}`: forge.ErrNotFound,
	} {
		w.hub.Fail(fakehub.Fault{Match: "POST *graphql", Status: 200, Body: body})
		_, err := w.PutReview(t.Context(), w.pull, forge.Review{SHA: w.pull.HeadSHA})
		assert.ErrorIs(t, err, want, body)
	}
	for _, body := range []string{
		`{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}`,
		`{"errors":[{"message":"Something went wrong while executing your query."}]}`,
	} {
		w.hub.Fail(fakehub.Fault{Match: "POST *graphql", Status: 200, Body: body})
		_, err := w.PutReview(t.Context(), w.pull, forge.Review{SHA: w.pull.HeadSHA})
		var busy *forge.BusyError
		assert.ErrorAs(t, err, &busy, body)
	}
}

func TestClassifyKeepsTypes(t *testing.T) {
	now := time.Now()
	inner := &forge.BusyError{After: time.Second, Err: io.EOF}
	assert.Same(t, inner, classify(&url.Error{Op: "Get", URL: "https://x", Err: inner}, now))
	plain := errors.New("plain")
	assert.Equal(t, plain, classify(plain, now))
	syntax := json.Unmarshal([]byte("{"), new(any))
	assert.Equal(t, syntax, classify(syntax, now))
	h := http.Header{"Retry-After": {now.Add(time.Minute).UTC().Format(http.TimeFormat)}}
	assert.InDelta(t, 60, wait(h, now, 0).Seconds(), 2)
	assert.Equal(t, longestWait, wait(http.Header{"Retry-After": {"999999"}}, now, 0))
	assert.Equal(t, time.Second, wait(http.Header{"Retry-After": {"0"}}, now, 0))
	assert.Equal(t, 2, strings.Count(cut("a\x00b\x00", 100), "\uFFFD"))
}

// rewrite sends r and replaces a part of the answer.
func rewrite(r *http.Request, old, new string) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	body = []byte(strings.ReplaceAll(string(body), old, new))
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(string(body))), int64(len(body))
	return resp, err
}
