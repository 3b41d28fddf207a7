package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// The JSON forms of what a run rests on. They are read by later versions:
// fields are added, never renamed.

type resultJSON struct {
	Findings []findingJSON   `json:"findings"`
	Statuses []statusJSON    `json:"statuses"`
	Scanned  finding.Scanned `json:"scanned"`
}

type findingJSON struct {
	Print       finding.Fingerprint `json:"fingerprint"`
	Rule        string              `json:"rule"`
	Title       string              `json:"title"`
	Severity    finding.Severity    `json:"severity"`
	Recommended finding.Severity    `json:"recommended,omitempty"`
	Confidence  finding.Confidence  `json:"confidence"`
	At          change.Span         `json:"at"`
	Also        []change.Span       `json:"also,omitempty"`
	Commit      string              `json:"commit,omitempty"`
	Past        bool                `json:"past,omitempty"`
	Message     string              `json:"message"`
	Evidence    string              `json:"evidence,omitempty"`
	Details     []finding.Detail    `json:"details,omitempty"`
	Fix         finding.Fix         `json:"fix"`
	Marker      *finding.Marker     `json:"marker,omitempty"`
	Validity    finding.Validity    `json:"validity,omitempty"`
	Dependency  *finding.Dependency `json:"dependency,omitempty"`
	Advisories  []finding.Advisory  `json:"advisories,omitempty"`
}

type statusJSON struct {
	Scanner string `json:"scanner"`
	TookMS  int64  `json:"took_ms"`
	Error   string `json:"error,omitempty"`

	Incomplete []change.Skip `json:"incomplete,omitempty"`
}

type verdictJSON struct {
	Outcome    string             `json:"outcome"`
	Decisions  []decisionJSON     `json:"decisions"`
	Incomplete []string           `json:"incomplete,omitempty"`
	Expired    []policy.Exception `json:"expired,omitempty"`
	InForce    []policy.Exception `json:"in_force,omitempty"`
	Pending    []policy.Exception `json:"pending,omitempty"`
}

type decisionJSON struct {
	Print  finding.Fingerprint `json:"fingerprint"`
	Action string              `json:"action"`
	Why    string              `json:"why"`
}

func resultForm(r finding.Result) resultJSON {
	form := resultJSON{Findings: []findingJSON{}, Statuses: []statusJSON{}, Scanned: r.Scanned}
	for _, f := range r.Findings {
		form.Findings = append(form.Findings, findingJSON{
			Print: f.Print, Rule: f.Rule.ID, Title: f.Rule.Title, Severity: f.Severity, Recommended: f.Recommended, Confidence: f.Confidence,
			At: f.At, Also: f.Also, Commit: f.Commit, Past: f.Past, Message: f.Message,
			Evidence: f.Evidence.String(), Details: f.Details, Fix: f.Fix, Marker: f.Marker, Validity: f.Validity,
			Dependency: f.Dependency, Advisories: f.Advisories,
		})
	}
	for _, s := range r.Statuses {
		status := statusJSON{Scanner: s.Scanner, TookMS: s.Took.Milliseconds(), Incomplete: s.Incomplete}
		if s.Err != nil {
			status.Error = s.Err.Error()
		}
		form.Statuses = append(form.Statuses, status)
	}
	return form
}

func verdictForm(v policy.Verdict) verdictJSON {
	form := verdictJSON{
		Outcome: v.Outcome.String(), Decisions: []decisionJSON{},
		Incomplete: v.Incomplete, Expired: v.Expired, InForce: v.InForce, Pending: v.Pending,
	}
	for _, d := range v.Decisions {
		form.Decisions = append(form.Decisions, decisionJSON{d.Finding.Print, d.Action.String(), d.Why})
	}
	return form
}

// A cleaner takes the secrets of one run out of everything that is kept of it.
type cleaner func(string) string

// newCleaner uses the redactor of the scan and, in case that one missed
// something, another of the findings themselves.
func newCleaner(r history.Run) cleaner {
	all := append([]finding.Finding(nil), r.Result.Findings...)
	for _, d := range r.Verdict.Decisions {
		all = append(all, d.Finding)
	}
	own := finding.NewRedactor(all...)
	return func(s string) string { return text(own.Clean(r.Result.Redactor.Clean(s))) }
}

// json encodes v with every string in it cleaned, whatever field it is in.
func (clean cleaner) json(v any) (string, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return "", err
	}
	raw, err = json.Marshal(clean.walk(tree))
	return string(raw), err
}

func (clean cleaner) walk(v any) any {
	switch v := v.(type) {
	case string:
		return clean(v)
	case []any:
		for i := range v {
			v[i] = clean.walk(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[clean(key)] = clean.walk(value)
		}
		return out
	}
	return v
}

// digest identifies a text.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
