package dependency

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/finding"
)

const (
	messageRunes = 300
	detailRunes  = 500
)

// A hit is one advisory that concerns one package of a manifest, with all
// copies of it.
type hit struct {
	advisory.Advisory
	copies []ecosystem.Package // the one to show first
	fixed  []string            // versions that settle it, for all copies
	target string              // version of the first copy that settles all that can be; "" if nothing does
}

// findings returns what is known of the packages of one manifest.
func (s *Scanner) findings(ctx context.Context, e ecosystem.Ecosystem, packages []ecosystem.Package) ([]finding.Finding, error) {
	type release struct{ name, version string }
	type key struct{ name, id string }
	known := map[release][]advisory.Advisory{}
	at := map[key]int{}
	var hits []hit
	for _, p := range packages {
		if p.Version == "" { // not pinned: nobody knows what is installed
			continue
		}
		r := release{p.Name, p.Version}
		found, ok := known[r]
		if !ok {
			var err error
			if found, err = s.db.Affecting(ctx, e.Name(), p.Name, p.Version, e.Compare); err != nil {
				return nil, err
			}
			known[r] = found
		}
		for _, a := range found {
			i, ok := at[key{p.Name, a.ID}]
			if !ok {
				i = len(hits)
				at[key{p.Name, a.ID}] = i
				hits = append(hits, hit{Advisory: a})
			}
			h := &hits[i]
			h.copies = append(h.copies, p)
			if a.Fixed != "" && !slices.Contains(h.fixed, a.Fixed) {
				h.fixed = append(h.fixed, a.Fixed)
			}
		}
	}
	targets := map[release]string{}
	out := make([]finding.Finding, 0, len(hits))
	for i := range hits {
		h := &hits[i]
		slices.SortStableFunc(h.copies, func(a, b ecosystem.Package) int { return -compareBool(a.Direct, b.Direct) })
		first := release{h.copies[0].Name, h.copies[0].Version}
		// Of several copies the first is shown: what settles it is what to say.
		for _, a := range known[first] {
			if a.ID == h.ID {
				h.Advisory = a
			}
		}
		if h.Fixed != "" {
			target, ok := targets[first]
			if !ok {
				var err error
				if target, err = s.target(ctx, e, first.name, known[first]); err != nil {
					return nil, err
				}
				targets[first] = target
			}
			h.target = target
		}
		out = append(out, h.finding(e))
	}
	return out, nil
}

// target returns the version to go to from one that has the advisories in
// known: high enough for all that have a fix, also for those that come in on the way.
func (s *Scanner) target(ctx context.Context, e ecosystem.Ecosystem, name string, known []advisory.Advisory) (string, error) {
	target := ""
	for range 8 { // each turn goes up; more than a few would be odd
		higher := target
		for _, a := range known {
			if a.Fixed != "" && (higher == "" || e.Compare(a.Fixed, higher) > 0) {
				higher = a.Fixed
			}
		}
		if higher == target {
			break
		}
		target = higher
		var err error
		if known, err = s.db.Affecting(ctx, e.Name(), name, target, e.Compare); err != nil {
			return "", err
		}
	}
	return target, nil
}

func (h *hit) finding(e ecosystem.Ecosystem) finding.Finding {
	p := h.copies[0]
	what := p.Name + " " + p.Version
	message := what + " has " + h.ID
	if h.Summary != "" {
		message += ": " + h.Summary
	}
	fix := h.fix(e)
	rule := finding.Rule{
		ID:         "dependency/" + h.ID,
		Title:      clean("Vulnerable dependency: "+p.Name, messageRunes),
		Why:        "A vulnerability of this version is public: whoever wants to use it can read how.",
		How:        fix.Text,
		Severity:   h.Severity,
		References: h.URLs,
	}
	f := finding.New(rule, p.At, finding.InFile(p.Name+"@"+h.ID), clean(message, messageRunes))
	f.Fix = fix
	f.Evidence = finding.Plain(clean(what, messageRunes))
	for _, c := range h.copies[1:] {
		if c.At != p.At {
			f.Also = append(f.Also, c.At)
		}
	}
	slices.SortFunc(f.Also, func(a, b change.Span) int { return cmp.Compare(a.Start, b.Start) })
	f.Also = slices.Compact(f.Also)
	if isStdlib(e, p) {
		// The line names the least version to build with; a newer one may be in use.
		f.Confidence = finding.Likely
	}
	f.Details = h.details(p)
	return f
}

func (h *hit) details(p ecosystem.Package) []finding.Detail {
	var versions []string
	for _, c := range h.copies {
		if !slices.Contains(versions, c.Version) {
			versions = append(versions, c.Version)
		}
	}
	id := h.ID
	if len(h.Aliases) > 0 {
		id += " (" + strings.Join(h.Aliases, ", ") + ")"
	}
	severity := h.Severity.String()
	if h.Source != "" {
		severity += " (" + h.Source + ")"
	}
	kind := "transitive"
	if p.Direct {
		kind = "direct"
	}
	if p.Dev {
		kind += ", for development only"
	}
	fixed := cmp.Or(strings.Join(h.fixed, ", "), "no version yet")
	out := []finding.Detail{
		{Name: "Package", Text: p.Name}, {Name: "Version", Text: strings.Join(versions, ", ")},
		{Name: "Advisory", Text: id}, {Name: "Severity", Text: severity}, {Name: "Fixed in", Text: fixed},
		{Name: "Dependency", Text: kind},
	}
	if len(p.Via) > 0 {
		out = append(out, finding.Detail{Name: "Brought in by", Text: strings.Join(p.Via, " → ")})
	}
	for i := range out {
		out[i].Text = clean(out[i].Text, detailRunes)
	}
	return out
}

// clean makes text from a manifest or a record fit for a line: no control or
// formatting characters, at most limit runes.
func clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit-1]) + "…"
	}
	return s
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
