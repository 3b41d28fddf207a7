package report

import (
	"encoding/json"
	"io"
	"slices"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// A Document is the stable form of scan --format json; config/scan.schema.json describes it.
type Document struct {
	Verdict  string        `json:"verdict"`
	Findings []FindingJSON `json:"findings"`
	Scanned  ScannedJSON   `json:"scanned"`
	Scanners []ScannerJSON `json:"scanners"`
	Notices  []string      `json:"notices,omitempty"`
}

// ScannedJSON says what was scanned, and which submodules moved: their content
// is in other repositories.
type ScannedJSON struct {
	finding.Scanned
	Elsewhere []change.Skip `json:"elsewhere,omitempty"`
}

// FindingJSON is one finding of a Document.
type FindingJSON struct {
	Rule        string              `json:"rule"`
	Severity    finding.Severity    `json:"severity"`
	Confidence  finding.Confidence  `json:"confidence"`
	Path        string              `json:"path"`
	Start       int                 `json:"start"`
	End         int                 `json:"end"`
	Commit      string              `json:"commit"`
	Past        bool                `json:"past"`
	Fingerprint finding.Fingerprint `json:"fingerprint"`
	Action      string              `json:"action"`
	Why         string              `json:"why"`
	Message     string              `json:"message"`
	Fix         string              `json:"fix"`
	Owners      []string            `json:"owners,omitempty"`
	Also        []PlaceJSON         `json:"also,omitempty"`     // all further places
	Unlisted    int                 `json:"unlisted,omitempty"` // further places in the same files, counted only
	Package     *PackageJSON        `json:"package,omitempty"`
	Advisories  []AdvisoryJSON      `json:"advisories,omitempty"`
}

// PlaceJSON is a further place of a finding.
type PlaceJSON struct {
	Path  string `json:"path"`
	Start int    `json:"start"`
	End   int    `json:"end"`
}

// PackageJSON is the dependency that a finding is about.
type PackageJSON struct {
	PURL    string   `json:"purl"` // without version
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Scope   string   `json:"scope"` // runtime or development
	Direct  bool     `json:"direct"`
	Chain   []string `json:"chain,omitempty"`
	Upgrade string   `json:"upgrade,omitempty"`
}

// AdvisoryJSON is one known vulnerability of a package.
type AdvisoryJSON struct {
	ID         string           `json:"id"`
	Aliases    []string         `json:"aliases"`
	Severity   finding.Severity `json:"severity"`
	Fixed      string           `json:"fixed"`
	Introduced string           `json:"introduced"`
}

// ScannerJSON is how one scanner fared.
type ScannerJSON struct {
	Name   string `json:"name"`
	TookMS int64  `json:"took_ms"`
	Error  string `json:"error,omitempty"`
}

// NewDocument returns r for programs, secrets taken out.
func NewDocument(r *Report) Document {
	d := Document{
		Verdict: r.Verdict.Outcome.String(), Scanned: ScannedJSON{Scanned: r.Result.Scanned, Elsewhere: skips(r, r.Change.Elsewhere)},
		Findings: []FindingJSON{}, Scanners: []ScannerJSON{},
	}
	skipped := slices.Clone(r.Result.Scanned.Skipped)
	for _, s := range r.Result.Statuses {
		skipped = append(skipped, s.Incomplete...)
	}
	d.Scanned.Skipped = skips(r, skipped)
	d.Scanned.Uncovered = uncoveredJSON(r)
	for _, dec := range r.Verdict.Decisions {
		d.Findings = append(d.Findings, findingJSON(r, dec))
	}
	for _, s := range r.Result.Statuses {
		j := ScannerJSON{Name: s.Scanner, TookMS: s.Took.Milliseconds()}
		if s.Err != nil {
			j.Error = r.line(s.Err.Error())
		}
		d.Scanners = append(d.Scanners, j)
	}
	for _, n := range notices(r) {
		d.Notices = append(d.Notices, plain(n))
	}
	return d
}

func skips(r *Report, all []change.Skip) []change.Skip {
	out := []change.Skip{}
	for _, s := range all {
		out = append(out, change.Skip{Path: showPath(r.clean(s.Path)), Line: s.Line, Why: r.line(s.Why)})
	}
	return out
}

func findingJSON(r *Report, d policy.Decision) FindingJSON {
	f := d.Finding
	j := FindingJSON{
		Rule: f.Rule.ID, Severity: f.Severity, Confidence: f.Confidence,
		Path: showPath(r.clean(f.At.Path)), Start: f.At.Start, End: f.At.End, Commit: f.Commit, Past: f.Past,
		Fingerprint: f.Print, Action: d.Action.String(), Why: r.line(d.Why),
		Message: r.line(f.Message), Fix: plain(r.clean(f.Fix.Text)), Owners: d.Owners, Unlisted: f.Unlisted,
	}
	for _, s := range f.Also {
		j.Also = append(j.Also, PlaceJSON{showPath(r.clean(s.Path)), s.Start, s.End})
	}
	if p := f.Dependency; p != nil {
		j.Package = &PackageJSON{
			PURL: r.line(p.PURL), Name: r.line(p.Name), Version: r.line(p.Version), Scope: p.Scope, Direct: p.Direct, Upgrade: r.line(p.Upgrade),
		}
		for _, name := range p.Chain {
			j.Package.Chain = append(j.Package.Chain, r.line(name))
		}
	}
	for _, a := range f.Advisories {
		j.Advisories = append(j.Advisories, AdvisoryJSON{
			ID: a.ID, Aliases: append([]string{}, a.Aliases...), Severity: a.Severity, Fixed: r.line(a.Fixed), Introduced: r.line(a.Introduced),
		})
	}
	return j
}

// JSON writes a Document.
func JSON(w io.Writer, r *Report) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(NewDocument(r))
}
