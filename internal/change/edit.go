package change

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// An Edit replaces the lines of Span with Text. Start and End are required;
// an End of Start-1 inserts before Start.
type Edit struct {
	Span Span
	Text string // whole lines, newline included; "" deletes
}

// Apply returns src after edits, all of one file, which must not overlap.
func Apply(src []byte, edits ...Edit) ([]byte, error) {
	lines := bytes.SplitAfter(src, []byte("\n"))
	if n := len(lines); n > 0 && len(lines[n-1]) == 0 {
		lines = lines[:n-1]
	}
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b Edit) int { return a.Span.Start - b.Span.Start })
	var out bytes.Buffer
	next := 1 // first line not yet written
	for _, e := range edits {
		s := e.Span
		if s.Start < next || s.End < s.Start-1 || s.End > len(lines) {
			return nil, fmt.Errorf("edit of %v: the lines overlap another edit or do not exist", s)
		}
		for ; next < s.Start; next++ {
			out.Write(lines[next-1])
		}
		if b := out.Bytes(); e.Text != "" && len(b) > 0 && b[len(b)-1] != '\n' {
			out.WriteByte('\n') // the last line had none
		}
		out.WriteString(e.Text)
		next = s.End + 1
	}
	for ; next <= len(lines); next++ {
		out.Write(lines[next-1])
	}
	return out.Bytes(), nil
}

// Fit returns e with the line ends of src, of which it replaces lines, with its
// byte order mark, and without a newline at the end where src has none.
func Fit(src []byte, e Edit) Edit {
	lines := bytes.SplitAfter(src, []byte("\n"))
	at := min(max(e.Span.Start, 1), len(lines))
	if at > 1 && !bytes.HasSuffix(lines[at-1], []byte("\n")) {
		at-- // the last line has no end of its own
	}
	if bytes.HasSuffix(lines[at-1], []byte("\r\n")) {
		e.Text = strings.ReplaceAll(strings.ReplaceAll(e.Text, "\r\n", "\n"), "\n", "\r\n")
	}
	if e.Span.End == len(lines) && len(lines[len(lines)-1]) > 0 {
		e.Text = strings.TrimSuffix(strings.TrimSuffix(e.Text, "\n"), "\r")
	}
	const mark = "\ufeff"
	if e.Span.Start == 1 && e.Span.End >= 1 && bytes.HasPrefix(src, []byte(mark)) && !strings.HasPrefix(e.Text, mark) {
		e.Text = mark + e.Text
	}
	return e
}
