package web

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// maxLimits is how many rate limits are shown.
const maxLimits = 1000

// limits are what GitHub allows each installation still. What it said is true
// until the limit is reset; then it is no longer shown.
type limits struct {
	now func() time.Time

	mu   sync.Mutex
	left map[limit]remaining
}

type limit struct {
	installation int64
	resource     string
}

type remaining struct {
	calls int
	reset time.Time
}

var remainingDesc = prometheus.NewDesc("pullwarden_github_remaining_calls",
	"Calls that GitHub allows an installation until its limit is reset.", []string{"installation", "resource"}, nil)

func (l *limits) set(of limit, r remaining) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.left[of]; !known && len(l.left) >= maxLimits {
		l.drop()
	}
	l.left[of] = r
}

// drop forgets those that were reset, or else the one that will be next.
func (l *limits) drop() {
	now := l.now()
	var next limit
	var at time.Time
	for of, r := range l.left {
		if !r.reset.After(now) {
			delete(l.left, of)
		} else if at.IsZero() || r.reset.Before(at) {
			next, at = of, r.reset
		}
	}
	if len(l.left) >= maxLimits {
		delete(l.left, next)
	}
}

func (l *limits) Describe(c chan<- *prometheus.Desc) { c <- remainingDesc }

func (l *limits) Collect(c chan<- prometheus.Metric) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for of, r := range l.left {
		if !r.reset.After(now) {
			delete(l.left, of)
			continue
		}
		c <- prometheus.MustNewConstMetric(remainingDesc, prometheus.GaugeValue, float64(r.calls), strconv.FormatInt(of.installation, 10), of.resource)
	}
}
