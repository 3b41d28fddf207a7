package demo_test

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/demo"
)

// scrape reads the metrics: the value of each series, by its name with labels.
func (w *world) scrape() map[string]float64 {
	w.t.Helper()
	res, err := http.Get(w.Server().AdminURL() + "/metrics")
	require.NoError(w.t, err)
	defer res.Body.Close()
	require.Equal(w.t, http.StatusOK, res.StatusCode)
	series := map[string]float64{}
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if name == "#" {
			continue
		}
		// A label may have a space in it, the value has none.
		if i := strings.LastIndex(lines.Text(), " "); i > 0 {
			name, value = lines.Text()[:i], lines.Text()[i+1:]
		}
		series[name], err = strconv.ParseFloat(value, 64)
		require.NoError(w.t, err, lines.Text())
	}
	return series
}

// TestMetricsOfAReview: after a review each family tells what happened.
func TestMetricsOfAReview(t *testing.T) {
	w := newWorld(t, demo.StageOptions{Settings: func(c *config.Config) { c.Fetch.ObjectMiB = 1 }})
	secret := madeUpSecrets()["STRIPE_KEY"]
	number, sha := w.open(map[string]string{
		"pay.go": "package pay\n\nvar client = connect(\"" + secret + "\")\n", "requirements.txt": "example-ledger==4.1.2\n",
		"large.bin": strings.Repeat("0123456789abcdef\n", 100_000),
	})
	w.deliver(number, "opened")
	require.NoError(t, w.Deliver(t.Context(), w.repo.PushEvent("main", "", w.repo.Tip("main"), "dev")))
	w.settle()
	require.Equal(t, "failure", w.check(sha).Conclusion)
	res, err := http.Post(w.Server().WebhookURL(), "application/json", strings.NewReader("{}"))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	w.goesOn() // another review

	m := w.scrape()
	for series, want := range map[string]float64{
		"pullwarden_database_up": 1, "pullwarden_queue_depth": 0, "pullwarden_queue_oldest_seconds": 0, "pullwarden_queue_failed": 0,
		`pullwarden_deliveries_total{event="pull_request",result="accepted"}`:      2,
		`pullwarden_deliveries_total{event="installation",result="accepted"}`:      1,
		`pullwarden_deliveries_total{event="push",result="accepted"}`:              1,
		`pullwarden_deliveries_total{event="other",result="no_signature"}`:         1,
		`pullwarden_review_seconds_count{outcome="fail"}`:                          2,
		`pullwarden_findings_total{action="block",scanner="secret"}`:               1,
		`pullwarden_findings_total{action="block",scanner="dependency"}`:           2,
		"pullwarden_skipped_blobs_total":                                           1,
		`pullwarden_github_calls_total{kind="reviews",method="POST",status="200"}`: 1,
		`pullwarden_review_step_seconds_count{step="scan"}`:                        2,
	} {
		got, ok := m[series]
		assert.True(t, ok, series)
		assert.EqualValues(t, want, got, series)
	}
	for _, step := range []string{"begin", "policy", "fetch", "scan", "record", "look", "comments", "check"} {
		assert.GreaterOrEqual(t, m[`pullwarden_review_step_seconds_count{step="`+step+`"}`], 2.0, step)
		assert.Positive(t, m[`pullwarden_review_step_seconds_sum{step="`+step+`"}`], step)
	}
	remaining := `pullwarden_github_remaining_calls{installation="` + strconv.FormatInt(w.Hub.Installation("acme"), 10) + `",resource="core"}`
	for series, least := range map[string]float64{
		"pullwarden_fetched_bytes_total": 500, "pullwarden_advisories_imported_timestamp_seconds": 1e9, remaining: 4000,
		`pullwarden_github_calls_total{kind="token",method="POST",status="201"}`: 2, `pullwarden_github_calls_total{kind="checks",method="POST",status="201"}`: 2,
		`pullwarden_github_calls_total{kind="git",method="POST",status="200"}`: 4, `pullwarden_github_calls_total{kind="graphql",method="POST",status="200"}`: 2,
	} {
		assert.GreaterOrEqual(t, m[series], least, series)
	}
	for series := range m { // names of repositories and accounts are no labels
		assert.NotContains(t, series, "acme")
		assert.NotContains(t, series, "shop")
		assert.NotContains(t, series, secret)
	}
}

// TestReadiness: the real server tells what it knows.
func TestReadiness(t *testing.T) {
	ready := func(w *world) (int, string) {
		res, err := http.Get(w.Server().AdminURL() + "/readyz")
		require.NoError(t, err)
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(b)
	}
	code, body := ready(newWorld(t, demo.StageOptions{}))
	assert.Equal(t, http.StatusOK, code)
	assert.Contains(t, body, "advisories imported 0s ago")
	code, body = ready(newWorld(t, demo.StageOptions{Bare: true}))
	assert.Equal(t, http.StatusOK, code)
	assert.Contains(t, body, "note: there are no advisories")
	code, body = ready(newWorld(t, demo.StageOptions{Bare: true, Settings: func(c *config.Config) { c.Ready.Advisories = "require" }}))
	assert.Equal(t, http.StatusServiceUnavailable, code)
	assert.Contains(t, body, "not ready: there are no advisories")
	assert.Equal(t, 1, strings.Count(body, "not ready"))
}
