package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// advisoryRule is the id under which files and commands name one advisory.
func advisoryRule(id string) string { return "dependency/" + id }

// ruleNames are all that an advisory is known by as a rule.
func ruleNames(a finding.Advisory) []string {
	out := []string{advisoryRule(a.ID)}
	for _, alias := range a.Aliases {
		out = append(out, advisoryRule(alias))
	}
	return out
}

// open returns the advisories of f that s does not skip. skipped is true if
// f has some and s skips all of them.
func (s Scanner) open(f finding.Finding) (open []finding.Advisory, skipped bool) {
	open = slices.DeleteFunc(slices.Clone(f.Advisories), func(a finding.Advisory) bool { return slices.ContainsFunc(ruleNames(a), s.skips) })
	return open, len(f.Advisories) > 0 && len(open) == 0
}

// remaining returns the advisories of f that e does not cover. covers is false
// if e says nothing of f or covers none of them.
func (e Exception) remaining(f finding.Finding) (remaining []finding.Advisory, covers bool) {
	if !e.covers(f) {
		return f.Advisories, false
	}
	if len(f.Advisories) == 0 {
		return nil, true
	}
	remaining = slices.DeleteFunc(slices.Clone(f.Advisories), func(a finding.Advisory) bool { return e.accepts(f, a) })
	return remaining, len(remaining) < len(f.Advisories)
}

// accepts reports whether e covers one advisory of f. An exception that names
// the advisory covers it. One that names the package, its finding or their rule
// covers the advisories that it lists or, if it lists none, those published
// before it was written: nobody has accepted the later ones. Wider patterns of rules and
// paths accept all that they match, as they always did.
func (e Exception) accepts(f finding.Finding, a finding.Advisory) bool {
	if len(e.Advisories) > 0 && !slices.ContainsFunc(e.Advisories, a.Named) {
		return false
	}
	if e.Fingerprint != "" && slices.Contains(a.Prints, e.Fingerprint) {
		return e.Rule == "" || slices.ContainsFunc(ruleNames(a), e.matchesRule)
	}
	if e.Fingerprint != "" && !f.Is(e.Fingerprint) {
		return false // the fingerprint is that of another advisory
	}
	byName := slices.ContainsFunc(ruleNames(a), e.matchesRule)
	if e.Rule != "" && !byName && !e.matchesRule(f.Rule.ID) {
		return false
	}
	whole := e.Fingerprint != "" || e.Package != "" || e.Rule == f.Rule.ID
	if len(e.Advisories) > 0 || byName && e.Rule != "" && e.Fingerprint == "" && e.Package == "" || !whole || e.Since.IsZero() {
		return true
	}
	return !a.Published.IsZero() && a.Published.Before(e.Since)
}

func (e Exception) matchesRule(rule string) bool { return matches(e.Rule, rule) }

// notCovered names the advisories that an exception leaves open.
func notCovered(e Exception, remaining []finding.Advisory) string {
	const shown = 5
	var ids []string
	for _, a := range remaining[:min(len(remaining), shown)] {
		ids = append(ids, a.ID)
	}
	more := ""
	if n := len(remaining) - shown; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("the exception of %s does not cover %s%s", e.Owner, strings.Join(ids, ", "), more)
}

// counted is a severity as this policy counts it.
func (p Policy) counted(s finding.Severity) finding.Severity {
	if s == finding.Unrated {
		return p.UnknownSeverity
	}
	return s
}

// counts is how bad f is by this policy: of a dependency, the worst advisory
// that is not a note at most.
func (p Policy) counts(f finding.Finding) finding.Severity {
	if len(f.Advisories) == 0 {
		return p.counted(f.Severity)
	}
	worst, worstNote := finding.Unrated, finding.Unrated
	for _, a := range f.Advisories {
		if a.Note == "" {
			worst = max(worst, p.counted(a.Severity))
		} else {
			worstNote = max(worstNote, p.counted(a.Severity))
		}
	}
	if worst == finding.Unrated {
		return worstNote
	}
	return worst
}

// label is the severity of f in words.
func (p Policy) label(f finding.Finding) string {
	s := p.counts(f)
	rated := f.Severity != finding.Unrated
	for _, a := range f.Advisories {
		rated = rated || a.Severity == s && a.Severity != finding.Unrated
	}
	if rated {
		return s.String()
	}
	return fmt.Sprintf("unknown severity, which counts as %s", s)
}

// noteOnly says why f is a note at most; "" if its severity decides.
func (p Policy) noteOnly(f finding.Finding) string {
	if f.Note != "" {
		return f.Note
	}
	if len(f.Advisories) > 0 && !slices.ContainsFunc(f.Advisories, func(a finding.Advisory) bool { return a.Note == "" }) {
		return f.Advisories[0].Note
	}
	if !strings.HasPrefix(f.Rule.ID, "secret/") && everywhere(f, p.isTest) {
		return "it is in test data (paths.tests)"
	}
	return ""
}

func (p Policy) isTest(path string) bool {
	return slices.ContainsFunc(p.TestPaths, func(g string) bool { return matches(g, path) })
}

// Date says when the exceptions of the repository's file were written, which is
// text: each with the newest of its lines. Without the dates of its lines, an
// exception covers all that is known.
func (p *Policy) Date(text []byte, written []time.Time) {
	lines := strings.Split(string(text), "\n")
	indent := func(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
	p.Ignore = slices.Clone(p.Ignore)
	for i := range p.Ignore {
		e := &p.Ignore[i]
		if e.Layer == Organisation || e.Layer == Conversation || e.Line < 1 || e.Line > min(len(lines), len(written)) {
			continue
		}
		first := e.Line - 1
		for n := first; n < min(len(lines), len(written)); n++ {
			if n > first && strings.TrimSpace(lines[n]) != "" && indent(lines[n]) <= indent(lines[first]) {
				break // the next entry
			}
			if written[n].After(e.Since) {
				e.Since = written[n]
			}
		}
	}
}
