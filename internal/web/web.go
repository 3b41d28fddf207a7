// Package web is what an operator looks at: health and metrics. It belongs on
// the admin address, which is not for the public.
package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Options say what is shown.
type Options struct {
	// State must fail if the database does not answer. What it knows besides,
	// it returns all the same.
	State   func(context.Context) (State, error)
	Bounds  Bounds
	Metrics *Metrics         // nil: none but those of the state
	Now     func() time.Time // nil: time.Now
}

// State is how the server is doing.
type State struct {
	Waiting    int           // reviews and other work accepted and not done
	Oldest     time.Duration // how long the first of it has been waiting
	Failed     int           // pieces of work that were given up
	Advisories time.Time     // when those in use were imported; zero if there are none
	Notes      []string      // what an operator may want to know besides
	Trouble    []string      // what else keeps the server from its work
}

// askTime is how long the state may take to tell.
const askTime = 5 * time.Second

// Handler serves /healthz (the process lives), /readyz (it can work) and /metrics.
func Handler(o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics("", o.Now)
	}
	o.Metrics.registry.MustRegister(&states{o.State})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", o.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Metrics.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	return mux
}
