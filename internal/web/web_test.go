package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/web"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// pages is the admin address with a state that a test may change.
type pages struct {
	state web.State
	err   error
	opts  web.Options
	h     http.Handler
}

func newPages(o web.Options) *pages {
	p := &pages{state: web.State{Waiting: 3, Oldest: 7 * time.Second, Failed: 1, Advisories: now.Add(-time.Hour)}}
	o.Now = func() time.Time { return now }
	o.State = func(context.Context) (web.State, error) { return p.state, p.err }
	p.h = web.Handler(o)
	return p
}

func (p *pages) get(path string) (int, string) {
	w := httptest.NewRecorder()
	p.h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestReady(t *testing.T) {
	bounds := web.Bounds{QueueAge: time.Minute, AdvisoryAge: 48 * time.Hour}
	strict := bounds
	strict.RequireAdvisories = true
	for name, c := range map[string]struct {
		bounds web.Bounds
		change func(p *pages)
		code   int
		says   []string
		not    string
	}{
		"all well":           {bounds, func(*pages) {}, 200, []string{"ok\n", "note: 3 waiting, the first for 7s; 1 given up", "note: advisories imported 1h0m0s ago"}, "not ready"},
		"no database":        {bounds, func(p *pages) { p.err = errors.New("no such file: /secret/place") }, 503, []string{"not ready: the database does not answer"}, "/secret/place"},
		"work that waits":    {bounds, func(p *pages) { p.state.Oldest = 2 * time.Minute }, 503, []string{"not ready: accepted work has waited for 2m0s, longer than ready.queue_age 1m0s"}, "ok\n"},
		"as long as it may":  {bounds, func(p *pages) { p.state.Oldest = time.Minute }, 200, []string{"ok"}, "not ready"},
		"no bound":           {web.Bounds{}, func(p *pages) { p.state.Oldest, p.state.Advisories = time.Hour, now.AddDate(-1, 0, 0) }, 200, []string{"ok"}, "not ready"},
		"no advisories":      {bounds, func(p *pages) { p.state.Advisories = time.Time{} }, 200, []string{"ok", "note: there are no advisories"}, "not ready"},
		"old advisories":     {bounds, func(p *pages) { p.state.Advisories = now.AddDate(0, 0, -3) }, 200, []string{"note: the advisories were imported 72h0m0s ago, longer than ready.advisory_age 48h0m0s"}, "not ready"},
		"none, but required": {strict, func(p *pages) { p.state.Advisories = time.Time{} }, 503, []string{"not ready: there are no advisories"}, "ok\n"},
		"old, but required":  {strict, func(p *pages) { p.state.Advisories = now.AddDate(0, 0, -3) }, 503, []string{"not ready: the advisories were imported"}, "ok\n"},
		"something to know":  {bounds, func(p *pages) { p.state.Notes = []string{"no registry is configured"} }, 200, []string{"note: no registry is configured"}, "not ready"},
		"other trouble":      {bounds, func(p *pages) { p.state.Trouble = []string{"it is stopping"} }, 503, []string{"not ready: it is stopping"}, "ok\n"},
		"all at once": {strict, func(p *pages) {
			p.state.Trouble, p.err, p.state.Advisories = []string{"it is stopping"}, errors.New("x"), time.Time{}
		}, 503, []string{"not ready: it is stopping\nnot ready: the database does not answer\nnot ready: there are no advisories"}, "note"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPages(web.Options{Bounds: c.bounds})
			c.change(p)
			code, body := p.get("/readyz")
			assert.Equal(t, c.code, code)
			for _, want := range c.says {
				assert.Contains(t, body, want)
			}
			assert.NotContains(t, body, c.not)
			code, _ = p.get("/healthz")
			assert.Equal(t, http.StatusOK, code, "a restart would mend none of it")
		})
	}
}

// count does one of everything.
func count(m *web.Metrics) {
	m.Delivery("push", "accepted")
	m.Reviewed("pass", time.Second)
	m.Step("fetch", time.Second)
	m.Found("secret", "block")
	m.ScannerFailed("iac")
	m.Skipped(2)
	m.Uncovered("Bicep", 3)
	m.NotUseful("iac")
	m.Called("GET", "pulls", 200)
	m.Called("GET", "pulls", 0)
	m.Remaining(7, "core", 4999, now.Add(time.Hour))
}

func TestMetrics(t *testing.T) {
	m := web.NewMetrics("1.2.3", func() time.Time { return now })
	p := newPages(web.Options{Metrics: m})
	count(m)
	_, body := p.get("/metrics")
	for _, want := range []string{
		"pullwarden_database_up 1", "pullwarden_queue_depth 3", "pullwarden_queue_oldest_seconds 7", "pullwarden_queue_failed 1",
		fmt.Sprintf("pullwarden_advisories_imported_timestamp_seconds %v", float64(now.Add(-time.Hour).Unix())),
		`pullwarden_build_info{version="1.2.3"} 1`,
		`pullwarden_deliveries_total{event="push",result="accepted"} 1`,
		`pullwarden_review_seconds_count{outcome="pass"} 1`, `pullwarden_review_step_seconds_sum{step="fetch"} 1`,
		`pullwarden_findings_total{action="block",scanner="secret"} 1`, `pullwarden_scanner_failures_total{scanner="iac"} 1`,
		`pullwarden_not_useful_total{scanner="iac"} 1`, "pullwarden_skipped_blobs_total 2", `pullwarden_uncovered_files_total{kind="Bicep"} 3`, "pullwarden_fetched_bytes_total 0",
		`pullwarden_github_calls_total{kind="pulls",method="GET",status="200"} 1`, `pullwarden_github_calls_total{kind="pulls",method="GET",status="none"} 1`,
		`pullwarden_github_remaining_calls{installation="7",resource="core"} 4999`,
	} {
		assert.Contains(t, body, want+"\n")
	}
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	require.NoError(t, err)
	assert.Empty(t, problems)

	p.err = errors.New("no such file: /secret/place")
	code, body := p.get("/metrics")
	assert.Equal(t, http.StatusOK, code, "the others are needed more than ever")
	assert.Contains(t, body, "pullwarden_database_up 0\n")
	assert.Contains(t, body, "pullwarden_deliveries_total{")
	assert.NotContains(t, body, "/secret/place")
	assert.NotContains(t, body, "pullwarden_queue_depth 3")
}

// The guide for operators tells of every metric, and of no other.
func TestTheGuideTellsOfEveryMetric(t *testing.T) {
	guide, err := os.ReadFile("../../docs/operating.md")
	require.NoError(t, err)
	m := web.NewMetrics("", func() time.Time { return now })
	count(m)
	_, body := newPages(web.Options{Metrics: m}).get("/metrics")
	named := func(text, pattern string) map[string]bool {
		names := map[string]bool{}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			names[m[1]] = true
		}
		return names
	}
	assert.Equal(t, named(body, `(?m)^# TYPE (pullwarden_\w+) `), named(string(guide), `\b(pullwarden_[a-z_]+)\b`))
}

func TestRemainingCallsAreBounded(t *testing.T) {
	at := now
	m := web.NewMetrics("", func() time.Time { return at })
	p := newPages(web.Options{Metrics: m})
	shown := func() int {
		_, body := p.get("/metrics")
		return strings.Count(body, "pullwarden_github_remaining_calls{")
	}
	for i := range 3000 {
		m.Remaining(int64(i), "core", 1, now.Add(time.Hour+time.Duration(i)*time.Second))
	}
	assert.Equal(t, 1000, shown())
	_, body := p.get("/metrics")
	assert.Contains(t, body, `installation="2999"`)
	m.Remaining(2999, "new-"+strings.Repeat("x", 99), 1, now.Add(2*time.Hour))
	_, body = p.get("/metrics")
	assert.Contains(t, body, `{installation="2999",resource="other"}`)
	at = now.Add(2 * time.Hour)
	assert.Zero(t, shown(), "GitHub has said nothing of the time after")
}

func TestFetchedBytes(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "12345") }))
	m := web.NewMetrics("", nil)
	p := newPages(web.Options{Metrics: m})
	client := &http.Client{Transport: m.Fetching(http.DefaultTransport)}
	res, err := client.Post(server.URL, "", nil)
	require.NoError(t, err)
	_, err = io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	server.Close()
	_, err = client.Post(server.URL, "", nil)
	require.Error(t, err)
	_, body := p.get("/metrics")
	assert.Contains(t, body, "pullwarden_fetched_bytes_total 5\n")
	assert.Contains(t, body, `pullwarden_github_calls_total{kind="git",method="POST",status="200"} 1`)
	assert.Contains(t, body, `pullwarden_github_calls_total{kind="git",method="POST",status="none"} 1`)
}
