package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Bounds are what the operator takes for normal.
type Bounds struct {
	QueueAge          time.Duration // accepted work that waited longer makes the server not ready; 0: never
	AdvisoryAge       time.Duration // advisories that were imported longer ago are stale; 0: never
	RequireAdvisories bool          // stale or missing advisories make the server not ready; else they are only said
}

// ready answers 200 or 503, with one reason a line. What is said behind
// "note:" does not count.
func (o *Options) ready(w http.ResponseWriter, r *http.Request) {
	ctx, done := context.WithTimeout(r.Context(), askTime)
	defer done()
	s, err := o.State(ctx)
	bad, notes := s.Trouble, []string{}
	if err != nil {
		bad = append(bad, "the database does not answer") // why is in the log: it may name places
	} else {
		notes = append(notes, fmt.Sprintf("%d waiting, the first for %v; %d given up", s.Waiting, s.Oldest.Round(time.Second), s.Failed))
		if most := o.Bounds.QueueAge; most > 0 && s.Oldest > most {
			bad = append(bad, fmt.Sprintf("accepted work has waited for %v, longer than ready.queue_age %v", s.Oldest.Round(time.Second), most))
		}
	}
	if why := o.Bounds.advisories(s, o.Now()); why == "" {
		notes = append(notes, fmt.Sprintf("advisories imported %v ago", o.Now().Sub(s.Advisories).Round(time.Minute)))
	} else if o.Bounds.RequireAdvisories {
		bad = append(bad, why)
	} else {
		notes = append(notes, why)
	}
	notes = append(notes, s.Notes...)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if len(bad) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(w, "not ready: %s\n", strings.Join(bad, "\nnot ready: "))
	} else {
		fmt.Fprintln(w, "ok")
	}
	for _, n := range notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
}

// advisories returns what is wrong with them.
func (b Bounds) advisories(s State, now time.Time) string {
	age := now.Sub(s.Advisories)
	switch {
	case s.Advisories.IsZero():
		return "there are no advisories: changes to dependencies cannot be looked at until pullwarden advisories import"
	case b.AdvisoryAge > 0 && age > b.AdvisoryAge:
		return fmt.Sprintf("the advisories were imported %v ago, longer than ready.advisory_age %v", age.Round(time.Minute), b.AdvisoryAge)
	}
	return ""
}
