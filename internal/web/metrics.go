package web

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics are what the server counts of itself. No label ever has the name of
// an account, a repository or a file: there is no end of them, and metrics are
// read by more people than repositories are. Its methods are safe for
// concurrent use and return at once.
type Metrics struct {
	registry   *prometheus.Registry
	deliveries *prometheus.CounterVec
	reviews    *prometheus.HistogramVec
	steps      *prometheus.HistogramVec
	findings   *prometheus.CounterVec
	failures   *prometheus.CounterVec
	calls      *prometheus.CounterVec
	useless    *prometheus.CounterVec
	uncovered  *prometheus.CounterVec
	skipped    prometheus.Counter
	fetched    prometheus.Counter
	limits     *limits
}

// NewMetrics returns metrics of a program of that version. A nil now means time.Now.
func NewMetrics(version string, now func() time.Time) *Metrics {
	if now == nil {
		now = time.Now
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help, label string, buckets ...float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{label})
	}
	m := &Metrics{
		registry:   prometheus.NewRegistry(),
		deliveries: counter("pullwarden_deliveries_total", "Requests to the webhook, by what became of them.", "event", "result"),
		reviews: histogram("pullwarden_review_seconds", "Time from the start of a review until it was posted.", "outcome",
			.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300),
		steps: histogram("pullwarden_review_step_seconds", "Time that a step of a review took.", "step",
			.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120),
		findings:  counter("pullwarden_findings_total", "Findings of reviews, by scanner and what was done about them; again in each review that has them.", "scanner", "action"),
		failures:  counter("pullwarden_scanner_failures_total", "Reviews in which a scanner did not finish.", "scanner"),
		calls:     counter("pullwarden_github_calls_total", "Calls to GitHub, by what they were about and the status of the answer.", "method", "kind", "status"),
		useless:   counter("pullwarden_not_useful_total", "Times that somebody called a finding not useful, by scanner.", "scanner"),
		uncovered: counter("pullwarden_uncovered_files_total", "Files of reviews that no scanner reads, by their kind, which is one of a fixed list.", "kind"),
		skipped:   prometheus.NewCounter(prometheus.CounterOpts{Name: "pullwarden_skipped_blobs_total", Help: "Files that reviews did not look at, such as ones that are too large."}),
		fetched:   prometheus.NewCounter(prometheus.CounterOpts{Name: "pullwarden_fetched_bytes_total", Help: "Bytes of git data that were fetched."}),
		limits:    &limits{now: now, left: map[limit]remaining{}},
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "pullwarden_build_info", Help: "1; which version runs.", ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), build,
		m.deliveries, m.reviews, m.steps, m.findings, m.failures, m.useless, m.calls, m.uncovered, m.skipped, m.fetched, m.limits,
	)
	return m
}

// Delivery counts a request to the webhook. Both labels are of fixed sets.
func (m *Metrics) Delivery(event, result string) { m.deliveries.WithLabelValues(event, result).Inc() }

// Reviewed counts a review that was posted, and how long it took.
func (m *Metrics) Reviewed(outcome string, took time.Duration) {
	m.reviews.WithLabelValues(outcome).Observe(took.Seconds())
}

// Step counts a step of a review, and how long it took.
func (m *Metrics) Step(name string, took time.Duration) {
	m.steps.WithLabelValues(name).Observe(took.Seconds())
}

// Found counts a finding.
func (m *Metrics) Found(scanner, action string) { m.findings.WithLabelValues(scanner, action).Inc() }

// ScannerFailed counts a scanner that did not finish.
func (m *Metrics) ScannerFailed(scanner string) { m.failures.WithLabelValues(scanner).Inc() }

// Skipped counts files that were not looked at.
func (m *Metrics) Skipped(files int) { m.skipped.Add(float64(files)) }

// Uncovered counts files of a known kind that no scanner reads.
func (m *Metrics) Uncovered(kind string, files int) {
	m.uncovered.WithLabelValues(kind).Add(float64(files))
}

// NotUseful counts that somebody called a finding that.
func (m *Metrics) NotUseful(scanner string) { m.useless.WithLabelValues(scanner).Inc() }

// Called counts a call to GitHub; a status of 0 means that there was no answer.
func (m *Metrics) Called(method, kind string, status int) {
	text := "none"
	if status != 0 {
		text = strconv.Itoa(status)
	}
	m.calls.WithLabelValues(method, kind, text).Inc()
}

// Remaining keeps how many calls GitHub allows an installation until reset.
func (m *Metrics) Remaining(installation int64, resource string, left int, reset time.Time) {
	switch resource {
	case "core", "graphql":
	default:
		resource = "other"
	}
	m.limits.set(limit{installation, resource}, remaining{left, reset})
}

// Fetching counts what is fetched through next, which is for git alone.
func (m *Metrics) Fetching(next http.RoundTripper) http.RoundTripper { return &fetching{next, m} }

type fetching struct {
	next http.RoundTripper
	of   *Metrics
}

func (f *fetching) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := f.next.RoundTrip(req)
	if err != nil {
		f.of.Called(req.Method, "git", 0)
		return nil, err
	}
	f.of.Called(req.Method, "git", res.StatusCode)
	res.Body = &counted{res.Body, f.of.fetched}
	return res, nil
}

// counted is a body whose bytes are counted as they are read.
type counted struct {
	io.ReadCloser
	bytes prometheus.Counter
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.bytes.Add(float64(n))
	return n, err
}

// states asks for the state when metrics are asked for.
type states struct {
	ask func(context.Context) (State, error)
}

var (
	databaseUp = prometheus.NewDesc("pullwarden_database_up", "Whether the database answered.", nil, nil)
	waiting    = prometheus.NewDesc("pullwarden_queue_depth", "Accepted work that is not done.", nil, nil)
	oldest     = prometheus.NewDesc("pullwarden_queue_oldest_seconds", "How long the first of it has been waiting.", nil, nil)
	failed     = prometheus.NewDesc("pullwarden_queue_failed", "Accepted work that was given up.", nil, nil)
	imported   = prometheus.NewDesc("pullwarden_advisories_imported_timestamp_seconds", "When the advisories in use were imported; 0 if there are none.", nil, nil)
)

func (s *states) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{databaseUp, waiting, oldest, failed, imported} {
		c <- d
	}
}

// Collect tells of a database that does not answer by a metric: the others
// must not fail with it.
func (s *states) Collect(c chan<- prometheus.Metric) {
	ctx, done := context.WithTimeout(context.Background(), askTime)
	defer done()
	gauge := func(d *prometheus.Desc, v float64) { c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	state, err := s.ask(ctx)
	since := 0.0
	if !state.Advisories.IsZero() {
		since = float64(state.Advisories.Unix())
	}
	gauge(imported, since)
	if err != nil {
		gauge(databaseUp, 0)
		return
	}
	gauge(databaseUp, 1)
	gauge(waiting, float64(state.Waiting))
	gauge(oldest, state.Oldest.Seconds())
	gauge(failed, float64(state.Failed))
}
