// Package secret finds keys, tokens and passwords in what a change adds.
//
// The rules are those of gitleaks, the matching is our own: nothing that a
// change brings can switch it off. There is no inline waiver, no ignore file
// and no path that is left out, and what a rule excuses must be a property of
// the matched value itself.
//
// The matched value goes into a finding's Identity and nowhere else.
package secret

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// mostFindings bounds one snapshot: beyond it a file is made of secrets, and
// listing them all would only exhaust the memory.
const mostFindings = 20_000

// Scanner is the secret scanner. Make one with New.
type Scanner struct {
	load func() (*engine, error)
}

var _ scan.Scanner = (*Scanner)(nil)

// New returns a scanner. Its rules are compiled when they are first needed.
func New() *Scanner { return &Scanner{load: sync.OnceValues(newEngine)} }

// Name returns "secret".
func (*Scanner) Name() string { return "secret" }

// EveryCommit is true: a secret that a later commit removed is out all the same.
func (*Scanner) EveryCommit() bool { return true }

// Wants nothing: a secret shows in the file that holds it.
func (*Scanner) Wants(*change.Change) []string { return nil }

// Rules lists all rules, sorted by id.
func (s *Scanner) Rules() []finding.Rule {
	e, err := s.load()
	if err != nil {
		return nil // Inspect reports it
	}
	rules := make([]finding.Rule, 0, len(e.patterns))
	for _, p := range e.patterns {
		rules = append(rules, p.rule)
	}
	return rules
}

// Inspect reports the secrets of snap: of its Before side all, otherwise those
// that touch an added line. Its errors name files, never what is in them.
func (s *Scanner) Inspect(ctx context.Context, snap scan.Snapshot) (scan.Report, error) {
	e, err := s.load()
	if err != nil {
		return scan.Report{}, err
	}
	var report scan.Report
	var unread []error
	for _, f := range snap.Files {
		if err := ctx.Err(); err != nil {
			return report, errors.Join(append(unread, err)...)
		}
		if snap.Side != scan.Before && f.OldBlob == f.NewBlob && len(f.Hunks) == 0 {
			continue // moved or another mode: nothing was added
		}
		found, err := e.inspect(ctx, snap, f)
		report.Findings = append(report.Findings, found...)
		if err != nil {
			unread = append(unread, err)
		}
		if len(report.Findings) > mostFindings {
			report.Findings = report.Findings[:mostFindings]
			unread = append(unread, fmt.Errorf("more than %d findings: the rest was not looked at", mostFindings))
			break
		}
	}
	return report, errors.Join(unread...)
}

// inspect looks at one file.
func (e *engine) inspect(ctx context.Context, snap scan.Snapshot, f change.File) ([]finding.Finding, error) {
	content, err := read(snap, f)
	if err != nil && len(f.Hunks) == 0 {
		return nil, fmt.Errorf("read what was to be searched for secrets: %w", err)
	}
	var pieces []piece
	switch {
	case err != nil: // the hunks still hold every added line
		pieces = hunkPieces(f.Hunks)
	case change.IsBinary(content):
		pieces = binaryPieces(content)
	case snap.Side == scan.Before || f.Kind == change.Added || len(f.Hunks) == 0:
		pieces = []piece{wholePiece(string(content))}
	default:
		pieces = []piece{addedPiece(string(content), f.Hunks)}
	}
	var found []finding.Finding
	for _, p := range pieces {
		matches, err := e.find(ctx, f.Path, p)
		for _, m := range matches {
			if at, ok := p.place(m.start, m.end); ok {
				found = append(found, m.finding(f.Path, p, at))
			}
		}
		if err != nil {
			return found, fmt.Errorf("search %q for secrets: %w", f.Path, err)
		}
	}
	return append(found, e.byPath(f, content)...), nil
}

func read(snap scan.Snapshot, f change.File) ([]byte, error) {
	if snap.Contents == nil {
		return nil, &change.MissingError{Path: f.Path, Blob: f.NewBlob, Why: "not part of the change"}
	}
	return snap.Read(f)
}

// finding makes a finding of m, whose match stands at lines. Only the lines of the value are shown.
func (m match) finding(path string, p piece, lines [2]int) finding.Finding {
	span := change.Span{Path: path}
	where := "in a binary file"
	if lines[0] > 0 {
		span.Start, span.End = p.lineOf(m.from), p.lineOf(m.to-1)
		if where = fmt.Sprintf("on line %d", span.Start); span.End > span.Start {
			where = fmt.Sprintf("on lines %d to %d", span.Start, span.End)
		}
	}
	value := p.text[m.from:m.to]
	f := finding.New(m.pattern.rule, span, finding.OfSecret(identity(value)), m.pattern.noun+" "+where)
	f.Severity = severityOf(m.pattern.rule, value)
	f.Confidence = m.pattern.confidenceIn(value)
	f.Evidence = finding.Hidden(value)
	return f
}
