package report

import (
	"encoding/json"
	"io"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// A Document is the stable form of scan --format json; config/scan.schema.json describes it.
type Document struct {
	Verdict  string          `json:"verdict"`
	Findings []FindingJSON   `json:"findings"`
	Scanned  finding.Scanned `json:"scanned"`
	Scanners []ScannerJSON   `json:"scanners"`
	Notices  []string        `json:"notices,omitempty"`
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
}

// ScannerJSON is how one scanner fared.
type ScannerJSON struct {
	Name   string `json:"name"`
	TookMS int64  `json:"took_ms"`
	Error  string `json:"error,omitempty"`
}

// NewDocument returns r for programs, secrets taken out.
func NewDocument(r *Report) Document {
	clean := r.Result.Redactor.Clean
	d := Document{
		Verdict: r.Verdict.Outcome.String(), Scanned: r.Result.Scanned,
		Findings: []FindingJSON{}, Scanners: []ScannerJSON{},
	}
	d.Scanned.Skipped = nil
	for _, s := range r.Result.Scanned.Skipped {
		s.Path, s.Why = clean(showPath(s.Path)), clean(s.Why)
		d.Scanned.Skipped = append(d.Scanned.Skipped, s)
	}
	if d.Scanned.Skipped == nil {
		d.Scanned.Skipped = []change.Skip{}
	}
	for _, dec := range r.Verdict.Decisions {
		d.Findings = append(d.Findings, findingJSON(dec, clean))
	}
	for _, s := range r.Result.Statuses {
		j := ScannerJSON{Name: s.Scanner, TookMS: s.Took.Milliseconds()}
		if s.Err != nil {
			j.Error = clean(oneLine(s.Err.Error()))
		}
		d.Scanners = append(d.Scanners, j)
	}
	for _, n := range r.Notices {
		d.Notices = append(d.Notices, clean(stripMarkdown(n)))
	}
	return d
}

func findingJSON(d policy.Decision, clean func(string) string) FindingJSON {
	f := d.Finding
	return FindingJSON{
		Rule: f.Rule.ID, Severity: f.Severity, Confidence: f.Confidence,
		Path: clean(showPath(f.At.Path)), Start: f.At.Start, End: f.At.End, Commit: f.Commit, Past: f.Past,
		Fingerprint: f.Print, Action: d.Action.String(), Why: clean(d.Why),
		Message: clean(oneLine(f.Message)), Fix: clean(stripMarkdown(f.Fix.Text)),
	}
}

// JSON writes a Document.
func JSON(w io.Writer, r *Report) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(NewDocument(r))
}
