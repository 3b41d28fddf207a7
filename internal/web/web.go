// Package web is what an operator looks at: health and metrics. It belongs on
// the admin address, which is not for the public.
package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// State is how the server is doing.
type State struct {
	Waiting int           // reviews and other work accepted and not done
	Oldest  time.Duration // how long the first of it has been waiting
	Failed  int           // pieces of work that were given up
}

// askTime is how long the state may take to tell.
const askTime = 5 * time.Second

// Handler serves /healthz (the process lives), /readyz (it can work) and
// /metrics. state must fail if the database does not answer.
func Handler(state func(context.Context) (State, error)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, done := context.WithTimeout(r.Context(), askTime)
		defer done()
		s, err := state(ctx)
		if err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "ok, %d waiting, the first for %v\n", s.Waiting, s.Oldest.Round(time.Second))
	})
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &queueMetrics{state})
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	return mux
}

// queueMetrics asks for the state when metrics are asked for.
type queueMetrics struct {
	state func(context.Context) (State, error)
}

var (
	waiting = prometheus.NewDesc("pullwarden_queue_depth", "Accepted work that is not done.", nil, nil)
	oldest  = prometheus.NewDesc("pullwarden_queue_oldest_seconds", "How long the first of it has been waiting.", nil, nil)
	failed  = prometheus.NewDesc("pullwarden_queue_failed", "Accepted work that was given up.", nil, nil)
)

func (q *queueMetrics) Describe(c chan<- *prometheus.Desc) {
	c <- waiting
	c <- oldest
	c <- failed
}

func (q *queueMetrics) Collect(c chan<- prometheus.Metric) {
	ctx, done := context.WithTimeout(context.Background(), askTime)
	defer done()
	s, err := q.state(ctx)
	if err != nil {
		c <- prometheus.NewInvalidMetric(waiting, err)
		return
	}
	c <- prometheus.MustNewConstMetric(waiting, prometheus.GaugeValue, float64(s.Waiting))
	c <- prometheus.MustNewConstMetric(oldest, prometheus.GaugeValue, s.Oldest.Seconds())
	c <- prometheus.MustNewConstMetric(failed, prometheus.GaugeValue, float64(s.Failed))
}
