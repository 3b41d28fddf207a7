package change

import (
	"bytes"
	"fmt"
	"slices"
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
