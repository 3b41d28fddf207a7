package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
)

// Judge decides what becomes of each finding of r, and what the whole comes
// to. It depends on nothing but its arguments.
//
// The Outcome is the same in both modes; Conclusion tells what a check says.
func (p Policy) Judge(r finding.Result, now time.Time) Verdict {
	var v Verdict
	used, awaited := map[int]bool{}, map[int]bool{}
	for _, f := range r.Findings {
		d := p.decide(f, now, used, awaited)
		d.Owners = p.Owners.Of(f.At.Path)
		v.Decisions = append(v.Decisions, d)
	}
	for i, e := range p.Ignore {
		switch {
		case e.expired(now):
			v.Expired = append(v.Expired, e)
		case p.tooLong(e, now):
			v.TooLong = append(v.TooLong, e)
		case used[i]:
			v.InForce = append(v.InForce, e)
		case awaited[i]:
			v.Pending = append(v.Pending, e)
		}
	}
	v.Incomplete = p.incomplete(r)
	v.Uncovered = p.uncovered(r)
	v.Outcome = p.outcome(v)
	return v
}

func (p Policy) outcome(v Verdict) Outcome {
	worst := Ignored
	for _, d := range v.Decisions {
		worst = max(worst, d.Action)
	}
	switch {
	case worst == Block, len(v.Incomplete) > 0 && p.OnScannerError == Block, len(v.Uncovered) > 0 && p.Uncovered == Block:
		return Fail
	case len(v.Incomplete) > 0: // what was not looked at is never called fine
		return Incomplete
	case worst > Ignored:
		return Warn
	}
	return Pass
}

// decide judges one finding and notes which exception it used, and which it
// would have used had somebody approved it.
func (p Policy) decide(f finding.Finding, now time.Time, used, awaited map[int]bool) Decision {
	scanner, _, _ := strings.Cut(f.Rule.ID, "/")
	if f.Recommended != finding.Unrated && p.scanner(scanner).Profile != All {
		f.Severity = f.Recommended
	}
	var uncovered string
	decided := func(a Action, why string, args ...any) Decision {
		return Decision{Finding: f, Action: a, Severity: p.counts(f), Why: fmt.Sprintf(why, args...), NotCovered: uncovered}
	}
	switch s := p.scanner(scanner); {
	case !s.Enabled:
		return decided(Ignored, "this repository turns the %s scanner off", scanner)
	case s.skips(f.Rule.ID):
		return decided(Ignored, "this repository skips the rule")
	case everywhere(f, p.Ignores):
		return decided(Ignored, "this repository ignores the path")
	case f.Validity == finding.Revoked:
		return decided(Ignored, WhyRevoked)
	}
	open, skipped := p.scanner(scanner).open(f)
	if skipped {
		return decided(Ignored, "this repository skips the rule")
	}
	f = f.With(open)
	block, comment := p.thresholds(f)
	note := p.noteOnly(f)
	blocks := note == "" && f.Confidence != finding.Possible && p.counts(f) >= block
	var over string
	if m := f.Marker; m != nil {
		if p.Floors.NoMarkers {
			m = &finding.Marker{At: m.At, Rule: m.Rule, Void: "the organisation allows none"}
			f.Marker = m
		}
		if m.Void == "" {
			d := decided(Ignored, "a marker in %s: %s", m.At, m.Reason)
			d.Marker = m
			return d
		}
		over = fmt.Sprintf("; the marker in %s counts for nothing: %s", m.At, m.Void)
	}
	var by *Exception
	excused := false
	for i, e := range p.Ignore {
		remaining, covers := e.remaining(f)
		if !covers {
			continue
		}
		switch {
		case e.expired(now):
			over = fmt.Sprintf("; an exception of %s ended on %s", e.Owner, e.Until.Format(time.DateOnly))
		case p.tooLong(e, now):
			over = fmt.Sprintf("; an exception of %s ends on %s, later than the organisation allows", e.Owner, e.Until.Format(time.DateOnly))
		case e.Pending && blocks:
			awaited[i] = true
			over = fmt.Sprintf("; an exception that %s asked for waits for approval", e.Owner)
		case !excused: // the first that counts; others may be waiting
			used[i] = true
			by, excused = &e, len(remaining) == 0
			if !excused {
				f = f.With(remaining)
				uncovered = notCovered(e, remaining)
				over = "; " + uncovered
			}
		}
	}
	if excused {
		uncovered = ""
		d := decided(Ignored, "an exception of %s until %s: %s", by.Owner, by.Until.Format(time.DateOnly), by.Reason)
		d.By = by
		return d
	}
	severity, note := p.counts(f), p.noteOnly(f)
	label := p.label(f)
	switch {
	case note != "":
		return decided(Note, "%s, but a note only: %s%s", label, note, over)
	case f.Confidence == finding.Possible:
		return decided(Note, "%s, but not certain enough to interrupt%s", label, over)
	case severity >= block:
		return decided(Block, "%s, and this repository blocks %s and above%s", label, block, over)
	case severity >= comment && !f.Past:
		return decided(Comment, "%s, and this repository comments on %s and above%s", label, comment, over)
	case severity >= comment:
		return decided(Note, "%s, but only in the history: no line is left to comment on%s", label, over)
	}
	if comment == finding.Never {
		return decided(Note, "%s, and this repository comments on nothing%s", label, over)
	}
	return decided(Note, "%s, and this repository comments on %s and above only%s", label, comment, over)
}

// WhyRevoked is why a secret that opens nothing any more is ignored.
const WhyRevoked = "its provider no longer accepts it"

// tooLong reports whether e ends later than an organisation lets exceptions of
// its repositories end. Its own may last as long as it likes.
func (p Policy) tooLong(e Exception, now time.Time) bool {
	return p.Floors.Exception > 0 && e.Layer != Organisation && e.Until.After(now.Add(p.Floors.Exception))
}

// everywhere reports whether all places of f lie in paths that match. A finding
// with one place elsewhere is not excused by the others.
func everywhere(f finding.Finding, match func(path string) bool) bool {
	return match(f.At.Path) && !slices.ContainsFunc(f.Also, func(s change.Span) bool { return !match(s.Path) })
}

// Ignores reports whether p does not look at a path.
func (p Policy) Ignores(path string) bool {
	return slices.ContainsFunc(p.IgnorePaths, func(g string) bool { return matches(g, path) })
}

// matches reports whether a glob matches. A bad glob matches nothing: it must not excuse anything.
func matches(glob, name string) bool {
	ok, err := doublestar.Match(glob, name)
	return ok && err == nil
}

// covers reports whether e speaks of f, in force or not, as far as rule and
// place tell: of the advisories of a dependency, remaining does.
func (e Exception) covers(f finding.Finding) bool {
	if e.Rule == "" && e.Path == "" && e.Fingerprint == "" && e.Package == "" {
		return false // an exception of everything is none
	}
	return (e.Fingerprint == "" || f.Is(e.Fingerprint) || slices.Contains(f.Joined, e.Fingerprint)) &&
		(e.Rule == "" || matches(e.Rule, f.Rule.ID) || len(f.Advisories) > 0) &&
		(e.Package == "" || f.Dependency != nil && (matches(e.Package, f.Dependency.Name) || matches(e.Package, f.Dependency.PURL))) &&
		(len(e.Advisories) == 0 || len(f.Advisories) > 0) &&
		(e.Path == "" || everywhere(f, func(path string) bool { return matches(e.Path, path) })) &&
		(len(e.Paths) == 0 || everywhere(f, func(path string) bool { return slices.Contains(e.Paths, path) }))
}

// end is when the last day of e is over.
func (e Exception) end() time.Time {
	y, m, d := e.Until.Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC)
}

// expired reports whether the last day of e is over.
func (e Exception) expired(now time.Time) bool { return !now.Before(e.end()) }

// EndsWithin reports whether e is in force at now, and ends no later than d after.
func (e Exception) EndsWithin(d time.Duration, now time.Time) bool {
	return !e.expired(now) && !e.end().After(now.Add(d))
}

// Lapses is when the first of the exceptions ends that count in v, or would;
// zero if there are none.
func (v Verdict) Lapses() time.Time {
	var first time.Time
	for _, e := range slices.Concat(v.InForce, v.Pending) {
		if first.IsZero() || e.end().Before(first) {
			first = e.end()
		}
	}
	return first
}

// longestLine bounds what an error may say in a verdict.
const longestLine = 300

// incomplete says what was not looked at, a line each.
func (p Policy) incomplete(r finding.Result) []string {
	var out []string
	for _, s := range r.Statuses {
		if s.Err != nil && p.Enabled(s.Scanner) {
			out = append(out, line(r.Redactor, fmt.Sprintf("the %s scanner did not finish: %v", s.Scanner, s.Err)))
		}
		if !p.Enabled(s.Scanner) {
			continue
		}
		for _, skip := range s.Incomplete {
			out = append(out, line(r.Redactor, change.Span{Path: skip.Path, Start: skip.Line, End: skip.Line}.String()+": "+skip.Why))
		}
	}
	// An ignored path excuses nothing here: the same blob may stand elsewhere too.
	for _, s := range r.Scanned.Skipped {
		out = append(out, line(r.Redactor, s.Path+": "+s.Why))
	}
	if r.Scanned.Of-r.Scanned.Blobs > len(r.Scanned.Skipped) {
		out = append(out, fmt.Sprintf("%d of %d blobs were looked at", r.Scanned.Blobs, r.Scanned.Of))
	}
	return out
}

// uncovered are the files that no scanner reads, without those of scanners
// that the policy turns off.
func (p Policy) uncovered(r finding.Result) []finding.Uncovered {
	var out []finding.Uncovered
	for _, u := range r.Scanned.Uncovered {
		if slices.ContainsFunc(u.Scanners, p.Enabled) {
			out = append(out, u)
		}
	}
	return out
}

// line makes one short line of s, without secrets.
func line(r *finding.Redactor, s string) string {
	s = strings.Join(strings.Fields(r.Clean(s)), " ")
	if runes := []rune(s); len(runes) > longestLine {
		return string(runes[:longestLine]) + "…"
	}
	return s
}

// Unfinished is the verdict on a change that could not be looked at.
func (p Policy) Unfinished(why string) Verdict {
	v := Verdict{Outcome: Incomplete, Incomplete: []string{why}}
	if p.OnScannerError == Block {
		v.Outcome = Fail
	}
	return v
}

// Conclusion is what a check with this outcome says under this policy, in the
// forge's words: "success", "failure" or "neutral".
func (p Policy) Conclusion(o Outcome) string {
	switch {
	case o <= Warn:
		return "success"
	case o == Fail && p.Mode != Observe:
		return "failure"
	}
	return "neutral"
}

// Part returns what v, a verdict on r, comes to for one scanner alone. What
// was not looked at was not looked at by any.
func (p Policy) Part(v Verdict, r finding.Result, scanner string) Verdict {
	var out Verdict
	for _, d := range v.Decisions {
		if of, _, _ := strings.Cut(d.Finding.Rule.ID, "/"); of == scanner {
			out.Decisions = append(out.Decisions, d)
		}
	}
	r.Statuses = slices.DeleteFunc(slices.Clone(r.Statuses), func(s finding.Status) bool { return s.Scanner != scanner })
	out.Incomplete = p.incomplete(r)
	for _, u := range v.Uncovered {
		if slices.Contains(u.Scanners, scanner) {
			out.Uncovered = append(out.Uncovered, u)
		}
	}
	out.Outcome = p.outcome(out)
	return out
}

// Worse returns the worse of two outcomes.
func Worse(a, b Outcome) Outcome { return max(a, b) }
