package dependency

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"github.com/pullwarden/pullwarden/internal/advisory"
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
	file, name, at       string
	direct, dev, minimum bool
}

func placeOf(p ecosystem.Package) place {
	return place{p.At.Path, p.Name, p.Place, p.Direct, p.Dev, p.Minimum}
}

func (p place) identity(id string) finding.Identity {
	return finding.InFile(strings.TrimSpace(p.name + "@" + id + " " + p.kind() + " " + p.at))
}

// label names the package of p and what it is there for.
func (p place) label() string { return p.name + " " + p.kind() }

func (p place) kind() string {
	kind := "transitive"
	if p.direct {
		kind = "direct"
	}
	if p.dev {
		kind += " dev"
	}
	if p.minimum {
		kind += " minimum"
	}
	return kind
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
	if !p.minimum {
		for _, q := range all {
			q.minimum = true
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
	target string              // version of the first copy that settles all that can be; "" if nothing does
	after  string              // highest version of it that is known to have one of those without a fix
}

// An inspection looks at the manifests of one side.
type inspection struct {
	*Scanner
	side     scan.Side
	releases *releases // nil: none are asked for

	// Of the manifest that is looked at:
	ecosystem ecosystem.Ecosystem
	locked    bool // another file pins what it asks for
	uses      func() (uses map[string]use, known bool)
}

// findings returns what is known of the packages of one manifest. Of the side
// before, each stands for the milder ones of its place too: a package that is
// no longer direct brings nothing in.
func (s *inspection) findings(ctx context.Context, packages []ecosystem.Package) ([]finding.Finding, error) {
	type release struct{ name, version string }
	type key struct {
		place place
		id    string
	}
	e := s.ecosystem
	known := map[release][]advisory.Advisory{}
	at := map[key]int{}
	var hits []hit
	var out []finding.Finding
	pinned := names(packages, func(p ecosystem.Package) bool { return p.Version != "" })
	asked := names(packages, func(p ecosystem.Package) bool { return !p.Limit })
	for _, p := range packages {
		if p.Source != "" {
			out = append(out, uncheckedFinding(e, p))
		}
		r := release{p.Name, p.Version}
		if p.Version == "" {
			if p.Source != "" || s.locked || pinned[p.Name] || p.Limit && asked[p.Name] {
				continue // not known, or known elsewhere
			}
			r.version = cmp.Or(p.Constraint, "*")
			all, loose, err := s.admitted(ctx, e, p, s.releases)
			if err != nil {
				return nil, err
			}
			if loose != nil && !p.Limit {
				out = append(out, unpinnedFinding(p, *loose))
			}
			known[r], p.Version = all, r.version
		}
		found, ok := known[r]
		if !ok {
			var err error
			if found, err = s.affecting(ctx, e, p.Name, p.Version, s.releases); err != nil {
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
		h.after = lastAffected(e, known[first])
		if h.Fixed != "" {
			target, ok := targets[first]
			if !ok {
				var err error
				if target, err = s.target(ctx, e, first.name, known[first], s.releases); err != nil {
					return nil, err
				}
				targets[first] = target
			}
			h.target = target
		}
		f := h.finding(e)
		if s.side == scan.After && decidable(h.copies[0], h.Advisory) {
			s.judgeUse(&f, h)
		}
		out = append(out, f)
		if s.side != scan.Before {
			continue
		}
		for _, p := range placeOf(h.copies[0]).milder() {
			if k := (key{p, h.ID}); !told[k] {
				told[k] = true
				out = append(out, finding.New(f.Rule, f.At, p.identity(h.ID), ""))
			}
		}
	}
	return out, nil
}

// judgeUse makes f a note if the repository's own code does not import what
// the advisory is about, and one of development if only its tests do.
func (s *inspection) judgeUse(f *finding.Finding, h *hit) {
	uses, known := s.uses()
	if !known {
		return
	}
	switch worstUse(uses, h.Imports) {
	case unused:
		f.Advisories[0].Note = notImported
	case inTests:
		f.Dependency.Scope = "development"
	}
}

// lastAffected is the highest version known to have one of the advisories that
// state no fixed version; "" if none does.
func lastAffected(e ecosystem.Ecosystem, known []advisory.Advisory) string {
	highest := ""
	for _, a := range known {
		if a.Fixed == "" && a.LastAffected != "" && (highest == "" || e.Compare(a.LastAffected, highest) > 0) {
			highest = a.LastAffected
		}
	}
	return highest
}

// target returns the version to go to from one that has the advisories in
// known: high enough for all that have a fix, also for those that come in on the way.
func (s *Scanner) target(ctx context.Context, e ecosystem.Ecosystem, name string, known []advisory.Advisory, r *releases) (string, error) {
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
		if known, err = s.affecting(ctx, e, name, target, r); err != nil {
			return "", err
		}
	}
	return target, nil
}

// finding returns the one of a single advisory. Those of one package and
// version have one cause: Join makes one finding of what is introduced.
func (h *hit) finding(e ecosystem.Ecosystem) finding.Finding {
	p := h.copies[0]
	rule := vulnerable()
	if malicious(h.ID) {
		rule = maliciousRule()
	}
	// An advisory by itself is what introduced is decided by, under its own name.
	f := finding.New(finding.Rule{ID: "dependency/" + h.ID, Severity: h.Severity, Grave: true}, p.At, placeOf(p).identity(h.ID), "")
	scope := "runtime"
	if p.Dev {
		scope = "development"
	}
	f.Dependency = &finding.Dependency{
		Ecosystem: e.Name(), Name: p.Name, PURL: purl(e, p.Name), Version: p.Version, Scope: scope,
		Direct: p.Direct, Chain: p.Via, Upgrade: h.target,
	}
	f.Advisories = []finding.Advisory{{
		ID: h.ID, Aliases: h.Aliases, Summary: h.Summary, Severity: h.Severity, Source: h.Source,
		Introduced: h.Introduced, Fixed: h.Fixed, LastAffected: h.LastAffected, Published: h.Published,
	}}
	if p.Minimum {
		f.Advisories[0].Note = minimumNote
	}
	f.Rule.References = h.URLs
	f.Fix = h.fix(e)
	for _, c := range h.copies[1:] {
		if c.At != p.At {
			f.Also = append(f.Also, c.At)
		}
	}
	if isStdlib(e, p) || p.Source != "" {
		// A newer version may be in use; or it is only what the manifest claims.
		f.Confidence = finding.Likely
	}
	if p.Pinned.Path != "" {
		f.Details = append(f.Details, finding.Detail{Name: "Pinned by", Text: clean(p.Pinned.String(), detailRunes)})
	}
	if p.Place != "" && p.Place != "node_modules/"+p.Name {
		f.Details = append(f.Details, finding.Detail{Name: "Place", Text: clean(p.Place, detailRunes)})
	}
	name := placeOf(p)
	name.at = ""
	f.Because(rule.ID, name.label(), p.Version)
	return f
}

// minimumNote is why what a manifest asks for at least is a note.
const minimumNote = "the manifest states the least version to use, and a newer one may be in use"

// names are those of the packages that match.
func names(packages []ecosystem.Package, match func(ecosystem.Package) bool) map[string]bool {
	out := map[string]bool{}
	for _, p := range packages {
		if match(p) {
			out[p.Name] = true
		}
	}
	return out
}

// purl is the package URL of a package, without version.
func purl(e ecosystem.Ecosystem, name string) string {
	segments := strings.Split(name, "/")
	for i, s := range segments {
		segments[i] = strings.ReplaceAll(url.PathEscape(s), "@", "%40")
	}
	return "pkg:" + e.PURLType() + "/" + strings.Join(segments, "/")
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

// vulnerable is the rule of all vulnerabilities.
func vulnerable() finding.Rule {
	return finding.Rule{
		ID: "dependency/vulnerable", Title: "Vulnerable dependency", Severity: finding.High,
		Why: "A vulnerability of this version is public: anyone who wants to use it can read how.",
		How: "Upgrade to the version that the comment names: it is the smallest one without a known vulnerability that has a fix. For a dependency of a dependency, " +
			"the comment names the path that requires it; upgrade what is at the beginning of the path, or override the version. If there is no fixed " +
			"version yet, remove or replace the package, or record an exception.",
		References: []string{"https://osv.dev/", "https://docs.github.com/en/code-security/dependabot/dependabot-alerts/viewing-and-updating-dependabot-alerts"},
		Grave:      true, // malicious, or perhaps exploited: the advisories do not tell
	}
}

// maliciousRule is the rule of all malicious packages.
func maliciousRule() finding.Rule {
	return finding.Rule{
		ID: "dependency/malicious", Title: "Malicious dependency", Severity: finding.Critical,
		Why: "This version was published to do harm: most of them run when they are installed, and take credentials from the machine.",
		How: "Remove it now, and do not install the branch. Treat each machine that installed it, build servers too, as compromised: replace the credentials " +
			"that were on it. Check whether the name is a misspelling of another package.",
		References: []string{"https://github.com/ossf/malicious-packages"},
		Grave:      true,
	}
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
