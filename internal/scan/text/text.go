// Package text finds characters in added lines that make a text read otherwise
// than a machine reads it: those that turn the direction of writing, and those
// that have no shape.
//
// Characters that a language needs are left alone: joiners and marks of direction
// beside letters of scripts that are written with them, spaces of no width in
// scripts that have no others, sequences of emoji, a byte order mark at the
// beginning of a file. Translations may have more of them than programs, and
// names in programs fewer.
package text

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

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
	// maxWrapped is over how many lines one text of a translation may go.
	maxWrapped = 20
	// maxBytes that are not UTF-8 do not yet make what has them something else than text.
	maxBytes = 3
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
	p := newPage(f.Path, mostLines)
	for l := range f.Added() {
		p.count(l.Text)
	}
	for l := range f.Added() {
		p.line(l.New, l.Text)
	}
	return p.end()
}

// whole looks at all lines of a file.
func whole(path, content string) []finding.Finding {
	p := newPage(path, len(content))
	p.count(content)
	n := 0
	for l := range strings.Lines(content) {
		n++
		p.line(n, strings.TrimSuffix(l, "\n"))
	}
	return p.end()
}

// A page is a file that is being read.
type page struct {
	path  string
	kind  kind
	most  int            // lines that are reported by one rule
	seen  map[string]int // lines that were, by rule
	found []finding.Finding
	open  openText

	text, other int // characters beyond ASCII, and bytes that are of none
}

// An openText is a text of a translation that turned its direction and is not
// closed yet: a long one is wrapped.
type openText struct {
	first, last int               // lines
	runs        []rune            // that are open, by what closes them
	found       []finding.Finding // if they are never closed
}

func newPage(path string, most int) *page {
	return &page{path: path, kind: kindOf(path), most: most, seen: map[string]int{}}
}

// count counts what of a text is UTF-8.
func (p *page) count(text string) {
	chars, bytes := counted(text)
	p.text, p.other = p.text+chars, p.other+bytes
}

// counted returns how many characters beyond ASCII a text has, and how many bytes that are of none.
func counted(text string) (chars, bytes int) {
	if isPlain(text) {
		return 0, 0
	}
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && n == 1:
			bytes++
		case n > 1:
			chars++
		}
		text = text[n:]
	}
	return chars, bytes
}

// line notes what is wrong with one line. A line makes one finding at the
// most for each rule, known again by what it says.
func (p *page) line(n int, text string) {
	if len(p.open.runs) > 0 && (n > p.open.last+1 || n > p.open.first+maxWrapped) {
		p.close()
	}
	p.open.last = n
	if isPlain(text) {
		return
	}
	if n == 1 {
		text = strings.TrimPrefix(text, "\ufeff")
	}
	if chars, bytes := counted(text); bytes > maxBytes && bytes > chars {
		return // a reader sees that it is no text
	}
	runes := []rune(text)
	turns, hidden := look(runes, p.kind)
	if p.other > maxBytes && p.other > p.text {
		hidden = slices.DeleteFunc(hidden, func(i int) bool { return runes[i] < 0x800 }) // two bytes come about by chance
	}
	if p.wrapped(n, text, runes, hidden) {
		hidden = slices.DeleteFunc(hidden, func(i int) bool { return isTurn(runes[i]) })
	}
	p.note(p.finding(bidirectional(), n, text, runes, turns)...)
	p.note(p.finding(invisible(), n, text, runes, hidden)...)
}

// note adds what was found; without places, nothing was.
func (p *page) note(found ...finding.Finding) {
	for _, f := range found {
		if p.seen[f.Rule.ID]++; p.seen[f.Rule.ID] <= p.most {
			p.found = append(p.found, f)
		}
	}
}

func (p *page) finding(rule finding.Rule, n int, text string, runes []rune, places []int) []finding.Finding {
	if len(places) == 0 {
		return nil
	}
	at := change.Span{Path: p.path, Start: n, End: n}
	f := finding.New(rule, at, finding.InFile(strings.TrimSpace(text)), message(n, runes, places))
	f.Evidence = finding.Plain(names(runes, places))
	return []finding.Finding{f}
}

// wrapped reports whether the turns of a line that serve nothing in it close a
// text of a translation that began above, or begin one. If that is never closed, they
// are noted all the same.
func (p *page) wrapped(n int, text string, runes []rune, hidden []int) bool {
	turns := slices.DeleteFunc(slices.Clone(hidden), func(i int) bool { return !isTurn(runes[i]) })
	if len(turns) == 0 {
		return false
	}
	if ends, ok := closes(p.open.runs, runes); ok && len(ends) == 0 && len(p.open.runs) > 0 {
		p.open = openText{}
		return true
	}
	p.close()
	begins, ok := closes(nil, runes)
	if !ok {
		return false
	}
	p.open = openText{n, n, begins, p.finding(invisible(), n, text, runes, turns)}
	return true
}

// close notes the text that was not closed.
func (p *page) close() {
	p.note(p.open.found...)
	p.open = openText{}
}

// end returns what was found.
func (p *page) end() []finding.Finding {
	p.close()
	return p.found
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
