// Package text finds characters in added lines that make a text read otherwise
// than a machine reads it: those that turn the direction of writing, and those
// that have no shape.
//
// What languages need is left alone: the joiners of emoji and of scripts that
// are written with them, marks of direction in prose that runs from right to
// left, a byte order mark at the very beginning of a file.
package text

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

const (
	// longest bounds the files that are looked at line by line.
	longest = 4 << 20
	// mostLines bounds what is reported of one file by one rule: a file full of
	// them is one problem. The state before has no such bound: it only says what is old.
	mostLines = 50
)

// Scanner is the scanner of texts. It holds nothing.
type Scanner struct{}

var _ scan.Scanner = Scanner{}

// New returns a scanner.
func New() Scanner { return Scanner{} }

// Name returns "text".
func (Scanner) Name() string { return "text" }

// EveryCommit is false: what a later commit removed deceives nobody.
func (Scanner) EveryCommit() bool { return false }

// Wants nothing: a character shows in the file that holds it.
func (Scanner) Wants(*change.Change) []string { return nil }

// Rules lists all rules, sorted by id.
func (Scanner) Rules() []finding.Rule { return []finding.Rule{bidirectional(), invisible()} }

func bidirectional() finding.Rule {
	return finding.Rule{
		ID: "text/bidirectional", Title: "Hidden characters reorder this text",
		Why: "Characters that turn the direction of writing make an editor or a review show code in an order in which no compiler reads it: " +
			"what looks like a comment can be run, and what looks like code can be a comment.",
		How:        "Remove the characters. Where a text really needs them, write them as escapes such as `\\u202E`.",
		Severity:   finding.High,
		References: []string{"https://trojansource.codes/", "https://cwe.mitre.org/data/definitions/1007.html"},
	}
}

func invisible() finding.Rule {
	return finding.Rule{
		ID: "text/invisible", Title: "Invisible characters",
		Why: "Two names, passwords or commands that look the same can differ in a character without a shape, and words for a machine to obey can be hidden " +
			"from the people who review them.",
		How:        "Remove the characters. Where a text really needs them, write them as escapes such as `\\u200B`.",
		Severity:   finding.Medium,
		References: []string{"https://cwe.mitre.org/data/definitions/1007.html", "https://www.unicode.org/reports/tr36/"},
	}
}

// Inspect reports the lines of snap that hold such characters: of its Before
// side all, otherwise the added ones.
func (Scanner) Inspect(ctx context.Context, snap scan.Snapshot) (scan.Report, error) {
	var report scan.Report
	var unread []error
	for _, f := range snap.Files {
		if err := ctx.Err(); err != nil {
			return report, errors.Join(append(unread, err)...)
		}
		if !f.Mode.IsRegular() || f.Binary || snap.Side != scan.Before && len(f.Hunks) == 0 {
			continue
		}
		if snap.Side != scan.Before {
			report.Findings = append(report.Findings, added(f)...)
			continue
		}
		content, err := snap.Read(f)
		if err != nil {
			unread = append(unread, fmt.Errorf("look for characters that cannot be seen: %w", err))
			continue
		}
		if text, _, ok := change.Text(content); ok && len(content) <= longest {
			report.Findings = append(report.Findings, whole(f.Path, string(text))...)
		}
	}
	return report, errors.Join(unread...)
}

// added looks at the lines that a file adds.
func added(f change.File) []finding.Finding {
	p := page{path: f.Path, prose: isProse(f.Path), most: mostLines, seen: map[string]int{}}
	for l := range f.Added() {
		p.line(l.New, l.Text)
	}
	return p.found
}

// whole looks at all lines of a file.
func whole(path, content string) []finding.Finding {
	p := page{path: path, prose: isProse(path), most: len(content), seen: map[string]int{}}
	n := 0
	for l := range strings.Lines(content) {
		n++
		p.line(n, strings.TrimSuffix(l, "\n"))
	}
	return p.found
}

// A page is a file that is being read.
type page struct {
	path  string
	prose bool
	most  int            // lines that are reported by one rule
	seen  map[string]int // lines that were, by rule
	found []finding.Finding
}

// line notes what is wrong with one line. A line makes one finding at the
// most for each rule, known again by what it says.
func (p *page) line(n int, text string) {
	if isPlain(text) {
		return
	}
	if n == 1 {
		text = strings.TrimPrefix(text, "\ufeff")
	}
	runes := []rune(text)
	turns, hidden := look(runes, p.prose)
	for _, seen := range []struct {
		rule   finding.Rule
		places []int // in runes
	}{{bidirectional(), turns}, {invisible(), hidden}} {
		if len(seen.places) == 0 || p.seen[seen.rule.ID] == p.most {
			continue
		}
		p.seen[seen.rule.ID]++
		at := change.Span{Path: p.path, Start: n, End: n}
		f := finding.New(seen.rule, at, finding.InFile(strings.TrimSpace(text)), message(n, runes, seen.places))
		f.Evidence = finding.Plain(names(runes, seen.places))
		p.found = append(p.found, f)
	}
}

func message(line int, runes []rune, places []int) string {
	if len(places) == 1 {
		return fmt.Sprintf("A character on line %d, column %d: %s", line, places[0]+1, names(runes, places))
	}
	return fmt.Sprintf("%d characters on line %d, the first in column %d: %s", len(places), line, places[0]+1, names(runes, places))
}

// names lists the characters in these places by their numbers, each once.
func names(runes []rune, places []int) string {
	var out []string
	seen := map[rune]bool{}
	for _, i := range places {
		r := runes[i]
		if seen[r] {
			continue
		}
		if seen[r] = true; len(seen) > 5 {
			out = append(out, "…")
			break
		}
		name := fmt.Sprintf("U+%04X", r)
		if known := called(r); known != "" {
			name += " (" + known + ")"
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}
