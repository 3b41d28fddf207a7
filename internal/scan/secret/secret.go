// Package secret finds keys, tokens and passwords in what a change adds, the
// names of files among it: as they are, encoded up to twice, and in pieces that
// are put together.
//
// The rules are those of gitleaks and those in rules, the matching is our own:
// nothing that a change brings can switch it off. There is no inline waiver, no ignore file
// and no path that is left out, and what a rule excuses must be a property of
// the matched value itself.
//
// The matched value goes into a finding's Identity and nowhere else.
package secret

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

const (
	// mostOfRule bounds the secrets of one rule that are listed of a file, and
	// the places of each, which are counted beyond it: the file is made of
	// secrets then, and listing them all would only exhaust the memory.
	mostOfRule = 1000
	// mostFindings is how many a snapshot may have until only fewOfRule are
	// listed of each file instead. No file is left out.
	mostFindings = 20_000
	fewOfRule    = 3
	// mostErrors bounds the files that an error names.
	mostErrors = 20
)

// Scanner is the secret scanner. Make one with New.
type Scanner struct {
	load func() (*engine, error)
	now  func() time.Time // some secrets end by themselves
}

var _ scan.Scanner = (*Scanner)(nil)

// New returns a scanner that looks for custom rules beside its own. They are
// compiled when they are first needed.
func New(custom ...Rules) *Scanner {
	load := func() (*engine, error) { return newEngine(custom...) }
	return &Scanner{load: sync.OnceValues(load), now: time.Now}
}

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
	var all []sighted
	var unread errorList
	now := s.now()
	for _, f := range snap.Files {
		if err := ctx.Err(); err != nil {
			return scan.Report{Findings: oneRuleEach(all)}, errors.Join(unread.err(), err)
		}
		most := mostOfRule
		if len(all) >= mostFindings {
			most = fewOfRule
		}
		found, dropped, err := e.inspect(ctx, snap, f, most, now)
		all = append(all, found...)
		if err != nil {
			unread.add(err)
		}
		if dropped > 0 {
			unread.add(fmt.Errorf("%q: secrets beyond %d of a rule are not listed, at %d places", f.Path, most, dropped))
		}
	}
	return scan.Report{Findings: oneRuleEach(all)}, unread.err()
}

// A sighted is a finding with what it was made of: the pattern, and the hash of the value.
type sighted struct {
	finding.Finding
	pattern *pattern
	value   uint64
}

// oneRuleEach makes of all places of one value findings of one rule, the one
// that says most: where a name stands beside the value it may be known by that,
// and elsewhere not.
func oneRuleEach(all []sighted) []finding.Finding {
	best := map[uint64]*sighted{}
	for i := range all {
		s := &all[i]
		if b := best[s.value]; s.value != 0 && (b == nil || s.pattern.rank > b.pattern.rank) {
			best[s.value] = s
		}
	}
	found := make([]finding.Finding, 0, len(all))
	for _, s := range all {
		f := s.Finding
		if b := best[s.value]; b != nil && b.pattern != s.pattern && b.pattern.rank > s.pattern.rank {
			f.Rule, f.Severity, f.Fix = b.Rule, b.Severity, b.Fix
			f.Confidence = max(f.Confidence, b.Confidence)
			f.Message = strings.Replace(f.Message, s.pattern.noun, b.pattern.noun, 1)
		}
		found = append(found, f)
	}
	return found
}

// An errorList keeps the first errors and counts the others.
type errorList struct {
	errs []error
	more int
}

func (l *errorList) add(err error) {
	if len(l.errs) < mostErrors {
		l.errs = append(l.errs, err)
		return
	}
	l.more++
}

func (l *errorList) err() error {
	if l.more > 0 {
		return errors.Join(append(slices.Clone(l.errs), fmt.Errorf("and %d more files like these", l.more))...)
	}
	return errors.Join(l.errs...)
}

// inspect looks at one file: its name, if it is new, and what is added in it.
// It lists most secrets of a rule and most places of each. Further places are
// Unlisted, and those of further secrets are dropped: it returns how many.
func (e *engine) inspect(ctx context.Context, snap scan.Snapshot, f change.File, most int, now time.Time) (found []sighted, dropped int, err error) {
	if snap.Side == scan.Before || f.Kind == change.Added || f.Kind == change.Renamed {
		if found, err = e.inName(ctx, f.Path, now); err != nil {
			return found, 0, fmt.Errorf("search %q for secrets: %w", f.Path, err)
		}
	}
	if snap.Side != scan.Before && f.OldBlob == f.NewBlob && len(f.Hunks) == 0 {
		return found, 0, nil // moved or another mode: nothing was added
	}
	content, err := read(snap, f)
	var all []piece
	switch {
	case err != nil && len(f.Hunks) == 0:
		return found, 0, fmt.Errorf("read what was to be searched for secrets: %w", err)
	case err != nil: // the hunks still hold every added line
		all = hunkPieces(f.Hunks)
	default:
		all = pieces(snap.Side, f, content)
	}
	type known struct{ rule, value string }
	type listed struct{ places, last, line int } // how many, where in found the last one is, and the line of the last that was met
	places, secrets := map[known]listed{}, map[string]int{}
	for _, p := range all {
		matches, err := e.find(ctx, f.Path, p)
		for _, m := range matches {
			at, ok := p.place(m.start, m.end)
			k := known{m.pattern.rule.ID, m.secret(p.text)}
			switch had := places[k]; {
			case !ok:
				continue
			case had.places > 0 && p.first == 0: // the same characters, read another way
				continue
			case had.places >= most:
				if line := p.lineOf(m.from); line != had.line {
					found[had.last].Unlisted++
					had.line = line
					places[k] = had
				}
				continue
			case had.places == 0 && secrets[k.rule] >= most:
				dropped++
				continue
			case had.places == 0:
				secrets[k.rule]++
			}
			places[k] = listed{places[k].places + 1, len(found), p.lineOf(m.from)}
			found = append(found, m.sighted(p, m.finding(f.Path, p, at, now)))
		}
		if err != nil {
			return found, dropped, fmt.Errorf("search %q for secrets: %w", f.Path, err)
		}
	}
	return append(found, e.byPath(f, content)...), dropped, nil
}

// inName looks for secrets in the name of a file. Its finding has no line, and
// its text does not have the name: whoever shows that takes the secret out.
func (e *engine) inName(ctx context.Context, path string, now time.Time) ([]sighted, error) {
	p := bytesPiece(path)
	matches, err := e.find(ctx, path, p)
	var found []sighted
	for _, m := range matches {
		f := m.finding(path, p, [2]int{}, now)
		if f.Confidence == finding.Possible { // names are full of words and checksums
			continue
		}
		f.Message = m.pattern.noun + " in a file name"
		found = append(found, m.sighted(p, f))
	}
	return found, err
}

// hashOf is the beginning of a SHA-256, never 0.
func hashOf(value string) uint64 {
	sum := sha256.Sum256([]byte(value))
	return binary.BigEndian.Uint64(sum[:]) | 1
}

func (m match) sighted(p piece, f finding.Finding) sighted {
	return sighted{f, m.pattern, hashOf(identity(m.secret(p.text)))}
}

func read(snap scan.Snapshot, f change.File) ([]byte, error) {
	if snap.Contents == nil {
		return nil, &change.MissingError{Path: f.Path, Blob: f.NewBlob, Why: "not part of the change"}
	}
	return snap.Read(f)
}

// finding makes a finding of m, whose match stands at lines. Only the lines of the value are shown.
func (m match) finding(path string, p piece, lines [2]int, now time.Time) finding.Finding {
	span := change.Span{Path: path}
	where := "in a binary file"
	if lines[0] > 0 {
		span.Start, span.End = p.lineOf(m.from), p.lineOf(m.to-1)
		if where = fmt.Sprintf("on line %d", span.Start); span.End > span.Start {
			where = fmt.Sprintf("on lines %d to %d", span.Start, span.End)
		}
	}
	value := m.secret(p.text)
	switch {
	case m.joined:
		where = "in pieces " + where
	case m.value != "":
		where = "encoded " + where
	}
	f := finding.New(m.pattern.rule, span, finding.OfSecret(identity(value), p.text[m.from:m.to]), m.pattern.noun+" "+where)
	f.Confidence, f.Severity = m.judged(p.text, path, now)
	if m.joined && inTests.MatchString(path) && !m.proved(value) {
		f.Confidence = finding.Possible
	}
	f.Evidence = finding.Hidden(value)
	return f
}

// secret returns the value of m, decoded and in one piece.
func (m match) secret(text string) string {
	if m.value != "" {
		return m.value
	}
	return text[m.from:m.to]
}
