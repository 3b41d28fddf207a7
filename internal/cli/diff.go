package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
)

// writeDiff writes what turns old into now as a unified diff that git apply takes.
func writeDiff(w io.Writer, name string, old, now []byte, existed bool) {
	from := quoted("a/" + name)
	if !existed {
		from = "/dev/null"
	}
	fmt.Fprintf(w, "--- %s\n+++ %s\n", from, quoted("b/"+name))
	oldLast, newLast := lastOpen(old), lastOpen(now)
	for _, h := range change.Diff(old, now) {
		var was, is int
		var b strings.Builder
		for _, l := range h.Lines {
			sign := " "
			switch l.Op {
			case change.Insert:
				sign = "+"
				is++
			case change.Delete:
				sign = "-"
				was++
			default:
				was, is = was+1, is+1
			}
			b.WriteString(sign + l.Text + "\n")
			if l.Old > 0 && l.Old == oldLast || l.New > 0 && l.New == newLast {
				b.WriteString("\\ No newline at end of file\n")
			}
		}
		fmt.Fprintf(w, "@@ -%d,%d +%d,%d @@\n%s", start(h.OldStart, was), was, start(h.NewStart, is), is, b.String())
	}
}

// start is where a range of n lines begins; an empty one is named by the line before it.
func start(line, n int) int {
	if n == 0 {
		return line - 1
	}
	return line
}

// lastOpen is the number of the last line, if it has no newline, and else 0.
func lastOpen(b []byte) int {
	if len(b) == 0 || b[len(b)-1] == '\n' {
		return 0
	}
	return bytes.Count(b, []byte("\n")) + 1
}

// quoted writes a path as git does: as it is, or like a string of C.
func quoted(path string) string {
	odd := false
	var b strings.Builder
	for i := range len(path) {
		switch c := path[i]; {
		case c == '"' || c == '\\':
			odd = true
			b.WriteString(`\` + string(c))
		case c < ' ' || c >= 0x7f:
			odd = true
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	if !odd {
		return path
	}
	return `"` + b.String() + `"`
}
