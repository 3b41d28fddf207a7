package bot

import (
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/internal/report"
)

// A Meter is told what reviews take and bring. Its methods return at once and
// are safe for concurrent use.
type Meter interface {
	Step(name string, took time.Duration)        // a step of a review has ended, well or not
	Reviewed(outcome string, took time.Duration) // a review was posted; "unfinished" if its check was completed without one
	Found(scanner, action string)                // a finding, and what was done about it
	ScannerFailed(scanner string)                // did not finish
	Skipped(files int)                           // were not looked at
	Uncovered(kind string, files int)            // files of a known kind that no scanner reads
	NotUseful(scanner string)                    // somebody said so of a finding
}

// step starts the clock of a step; the caller stops it.
func (b *Bot) step(name string) (stop func()) {
	if b.Meter == nil {
		return func() {}
	}
	began := b.Now()
	return func() { b.Meter.Step(name, b.Now().Sub(began)) }
}

// count tells what a review that was posted came to.
func (b *Bot) count(s *subject, r *report.Report) {
	if b.Meter == nil {
		return
	}
	b.Meter.Reviewed(r.Verdict.Outcome.String(), b.Now().Sub(s.started))
	for _, d := range r.Verdict.Decisions {
		scanner, _, _ := strings.Cut(d.Finding.Rule.ID, "/")
		b.Meter.Found(scanner, d.Action.String())
	}
	for _, status := range r.Result.Statuses {
		if status.Err != nil {
			b.Meter.ScannerFailed(status.Scanner)
		}
	}
	b.Meter.Skipped(len(r.Result.Scanned.Skipped))
	for _, u := range r.Verdict.Uncovered {
		b.Meter.Uncovered(u.Kind, u.Count)
	}
}
