package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/pullwarden/pullwarden/internal/history"
)

// SignalJSON is one rule of pullwarden rules --format json.
type SignalJSON struct {
	Rule      string   `json:"rule"`
	Shown     int      `json:"shown"`
	Judged    int      `json:"judged"`
	Fixed     int      `json:"fixed"`
	Excepted  int      `json:"excepted"`
	NotUseful int      `json:"not_useful"`
	Quality   *float64 `json:"quality"` // percent; null if nothing was judged
	Demote    bool     `json:"demote"`
}

// SignalsJSON writes them for programs.
func SignalsJSON(w io.Writer, signals []history.Signal) error {
	out := struct {
		Rules []SignalJSON `json:"rules"`
	}{[]SignalJSON{}}
	for _, s := range worstSignals(signals) {
		j := SignalJSON{Rule: s.Rule, Shown: s.Shown, Judged: s.Judged, Fixed: s.Fixed, Excepted: s.Excepted, NotUseful: s.NotUseful, Demote: s.Demote()}
		if q, ok := s.Quality(); ok {
			q = math.Round(10*q) / 10
			j.Quality = &q
		}
		out.Rules = append(out.Rules, j)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

// Signals writes them for a terminal.
func Signals(w io.Writer, signals []history.Signal) error {
	all := worstSignals(signals)
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "No finding was shown yet.")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RULE\tSHOWN\tJUDGED\tFIXED\tEXCEPTED\tNOT USEFUL\tQUALITY")
	proposed := 0
	for _, s := range all {
		quality, mark := "–", ""
		if q, ok := s.Quality(); ok {
			quality = fmt.Sprintf("%.0f %%", math.Floor(q)) // never better than it is
		}
		if s.Demote() {
			proposed++
			mark = "  demotion proposed"
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%s%s\n", showPath(s.Rule), s.Shown, s.Judged, s.Fixed, s.Excepted, s.NotUseful, quality, mark)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nJudged are the last findings, up to %d, that were fixed, excepted or called not useful.\n", history.JudgedLast)
	if err == nil && proposed > 0 {
		_, err = fmt.Fprintln(w, "Proposed for demotion is for the security reviewers to decide: `skip` the rule in a policy, or let it stand. Nothing changes by itself.")
	}
	return err
}

// worstSignals returns those of rules that were shown: what is proposed for
// demotion, then by quality, what nobody judged last.
func worstSignals(signals []history.Signal) []history.Signal {
	var all []history.Signal
	for _, s := range signals {
		if s.Shown > 0 {
			all = append(all, s)
		}
	}
	rank := func(s history.Signal) float64 {
		q, ok := s.Quality()
		switch {
		case s.Demote():
			return q - 1000
		case !ok:
			return 1000
		}
		return q
	}
	slices.SortStableFunc(all, func(a, b history.Signal) int { return cmp.Compare(rank(a), rank(b)) })
	return all
}
