package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// A Report is all lines together.
type Report struct {
	// Verdict is "problem" if there is one, else "incomplete" if something could
	// not be looked at, else "ok".
	Verdict string         `json:"verdict"`
	Counts  map[Status]int `json:"counts"`
	Lines   []Line         `json:"lines"`
}

func newReport(lines []Line) Report {
	r := Report{Verdict: "ok", Counts: map[Status]int{OK: 0, Note: 0, Warning: 0, Problem: 0, Unseen: 0}, Lines: lines}
	for _, l := range lines {
		r.Counts[l.Status]++
	}
	switch {
	case r.Counts[Problem] > 0:
		r.Verdict = "problem"
	case r.Counts[Unseen] > 0 || len(lines) == 0:
		r.Verdict = "incomplete"
	}
	return r
}

// JSON writes r for programs.
func (r Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// A Printer writes lines for a terminal as they come. Its first error is kept
// and returned by Sum.
type Printer struct {
	W      io.Writer
	Colour bool

	area string
	held *Line // not looked at, and perhaps more for the same reason
	err  error
}

const (
	column = len("  not looked at  ")
	width  = 100
)

// Line writes one line, below the name of its area. What was not looked at for
// one reason becomes one line.
func (p *Printer) Line(l Line) {
	if p.held != nil && l.why == p.held.why && l.Area == p.held.Area {
		p.held.what += ", " + l.what
		return
	}
	p.flush()
	if l.why != "" {
		p.held = &l
		return
	}
	p.write(l)
}

func (p *Printer) flush() {
	if p.held == nil {
		return
	}
	l := *p.held
	p.held = nil
	l.Seen = l.what + ": " + l.why
	p.write(l)
}

func (p *Printer) write(l Line) {
	if l.Area != p.area {
		if p.area != "" {
			p.printf("\n")
		}
		p.area = l.Area
		p.printf("%s\n", l.Area)
	}
	status := fmt.Sprintf("%-*s", column-2, l.Status)
	if p.Colour {
		status = colour(l.Status) + status + "\x1b[0m"
	}
	p.printf("  %s%s\n", status, wrap(l.Seen, column))
	if l.Do != "" {
		p.printf("%*s→ %s\n", column, "", wrap(l.Do, column+2))
	}
}

// Sum writes how many there were of each, and what that means.
func (p *Printer) Sum(r Report) error {
	p.flush()
	parts := []string{fmt.Sprintf("%d ok", r.Counts[OK])}
	for _, s := range []Status{Note, Warning, Problem} {
		if n := r.Counts[s]; n > 0 {
			parts = append(parts, count(n, string(s)))
		}
	}
	if n := r.Counts[Unseen]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d not looked at", n))
	}
	say := map[string]string{
		"ok":         "Nothing is in the way.",
		"problem":    "Something is in the way: see the lines that say \"problem\".",
		"incomplete": "No problem was seen, but not everything could be looked at.",
	}
	p.printf("\n%s. %s\n", strings.Join(parts, ", "), say[r.Verdict])
	return p.err
}

func (p *Printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.W, format, args...)
	}
}

func colour(s Status) string {
	switch s {
	case OK:
		return "\x1b[32m"
	case Warning, Unseen:
		return "\x1b[33m"
	case Problem:
		return "\x1b[1;31m"
	}
	return "\x1b[36m"
}

// wrap breaks s between words; further lines begin at column indent.
func wrap(s string, indent int) string {
	var b strings.Builder
	at := indent
	for i, word := range strings.Fields(s) {
		n := len([]rune(word))
		switch {
		case i == 0:
		case at+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}
