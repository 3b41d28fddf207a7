package dependency

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

const (
	// Texts are long: they are cut before secrets are taken out of them, and
	// one that is cut in two is no longer known.
	messageRunes = 1000
	detailRunes  = 1000
)

// A place is what makes a finding of an advisory another one: where a package
// is, and what it is there for.
type place struct {
	file, name, at string
	direct, dev    bool
}

func placeOf(p ecosystem.Package) place { return place{p.At.Path, p.Name, p.Place, p.Direct, p.Dev} }

func (p place) identity(id string) finding.Identity {
	kind := "transitive"
	if p.direct {
		kind = "direct"
	}
	if p.dev {
		kind += " dev"
	}
	return finding.InFile(strings.TrimSpace(p.name + "@" + id + " " + kind + " " + p.at))
}

// milder returns p and what would be no worse there.
func (p place) milder() []place {
	all := []place{p}
	if p.direct {
		p.direct = false
		all = append(all, p)
	}
	if !p.dev {
		for _, q := range all {
			q.dev = true
			all = append(all, q)
		}
	}
	return all
}

// A hit is one advisory that concerns one package at a place, with all
// requirements of it there.
type hit struct {
	advisory.Advisory
	copies []ecosystem.Package // the one to show first
	fixed  []string            // versions that settle it, for all copies
	target string              // version of the first copy that settles all that can be; "" if nothing does
}

// findings returns what is known of the packages of one manifest. Of the side
// before, each stands for the milder ones of its place too: a package that is
// no longer direct brings nothing in.
func (s *Scanner) findings(ctx context.Context, e ecosystem.Ecosystem, packages []ecosystem.Package, side scan.Side) ([]finding.Finding, error) {
	type release struct{ name, version string }
	type key struct {
		place place
		id    string
	}
	known := map[release][]advisory.Advisory{}
	at := map[key]int{}
	var hits []hit
	var out []finding.Finding
	for _, p := range packages {
		if p.Source != "" {
			out = append(out, uncheckedFinding(e, p))
		}
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
			i, ok := at[key{placeOf(p), a.ID}]
			if !ok {
				i = len(hits)
				at[key{placeOf(p), a.ID}] = i
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
	told := map[key]bool{}
	for k := range at {
		told[k] = true
	}
	for i := range hits {
		h := &hits[i]
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
		f := h.finding(e)
		out = append(out, f)
		if side != scan.Before {
			continue
		}
		for _, p := range placeOf(h.copies[0]).milder() {
			if k := (key{p, h.ID}); !told[k] {
				told[k] = true
				out = append(out, finding.New(f.Rule, f.At, p.identity(h.ID), f.Message))
			}
		}
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
		Grave:      true, // malicious, or perhaps exploited: the advisories do not tell
	}
	f := finding.New(rule, p.At, placeOf(p).identity(h.ID), clean(message, messageRunes))
	f.Fix = fix
	f.Evidence = finding.Plain(clean(what, messageRunes))
	for _, c := range h.copies[1:] {
		if c.At != p.At {
			f.Also = append(f.Also, c.At)
		}
	}
	slices.SortFunc(f.Also, func(a, b change.Span) int { return cmp.Compare(a.Start, b.Start) })
	f.Also = slices.Compact(f.Also)
	if isStdlib(e, p) || p.Source != "" {
		// The line names the least version to build with, and a newer one may be
		// in use; or it is only what the manifest claims.
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
	if p.Place != "" && p.Place != "node_modules/"+p.Name {
		out = append(out, finding.Detail{Name: "Place", Text: p.Place})
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

// unchecked is the rule of packages that no advisory can speak of.
func unchecked() finding.Rule {
	return finding.Rule{
		ID:    "dependency/unchecked",
		Title: "Dependency that is not checked for vulnerabilities",
		Why:   "Advisories speak of what the ecosystem's index has. What comes from anywhere else may be any version, and may change.",
		How:   "Take the package from the index at a fixed version, or look at its source yourself.",
		// It is no fault by itself: it is named so that nobody takes it for checked.
		Severity: finding.Info,
	}
}

func uncheckedFinding(e ecosystem.Ecosystem, p ecosystem.Package) finding.Finding {
	f := finding.New(unchecked(), p.At, placeOf(p).identity(p.Source),
		clean(fmt.Sprintf("%s comes from %s, so it is not known which version it is", p.Name, p.Source), messageRunes))
	f.Evidence = finding.Plain(clean(p.Name, messageRunes))
	f.Details = []finding.Detail{{Name: "Package", Text: clean(p.Name, detailRunes)}, {Name: "Ecosystem", Text: e.Name()}}
	return f
}
