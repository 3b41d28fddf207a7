package change

import (
	"bytes"
	"strings"

	"znkr.io/diff"
)

const (
	around     = 3       // lines of context in a hunk, as forges show
	maxBytes   = 1 << 20 // beyond either bound all lines count as added:
	maxLines   = 20_000  // more work for a scanner, but nothing is missed
	sniffBytes = 8000    // git looks this far for a NUL to call a file binary
)

// IsBinary reports whether git would call b binary.
func IsBinary(b []byte) bool {
	return bytes.IndexByte(b[:min(len(b), sniffBytes)], 0) >= 0
}

// DiffText compares two contents in whatever encoding each is. It reports false
// if the one that counts, after or else before, is no text; encoding is that one's.
func DiffText(before, after []byte) (hunks []Hunk, encoding string, ok bool) {
	old, oldEncoding, oldOK := Text(before)
	new, encoding, ok := Text(after)
	if len(after) == 0 {
		encoding, ok = oldEncoding, oldOK
	}
	if !ok {
		return nil, "", false
	}
	if !oldOK {
		old = before
	}
	return Diff(old, new), encoding, true
}

// Diff compares two contents line by line. Either may be nil. Past its bounds
// (1 MiB, 20,000 lines) it calls every old line deleted and every new one added.
func Diff(before, after []byte) []Hunk {
	if bytes.Equal(before, after) {
		return nil
	}
	x, y := splitLines(before), splitLines(after)
	if len(x) == 0 || len(y) == 0 || max(len(before), len(after)) > maxBytes || max(len(x), len(y)) > maxLines {
		return []Hunk{replaced(x, y)}
	}
	var hunks []Hunk
	for _, h := range diff.Hunks(x, y, diff.Context(around)) {
		out := Hunk{OldStart: h.PosX + 1, NewStart: h.PosY + 1}
		old, new := h.PosX, h.PosY
		for _, e := range h.Edits {
			l := Line{Text: e.Y}
			switch e.Op {
			case diff.Match:
				old, new = old+1, new+1
				l.Old, l.New = old, new
			case diff.Insert:
				new++
				l.Op, l.New = Insert, new
			case diff.Delete:
				old++
				l.Op, l.Old, l.Text = Delete, old, e.X
			}
			l.Text = strings.TrimSuffix(l.Text, "\n")
			out.Lines = append(out.Lines, l)
		}
		hunks = append(hunks, out)
	}
	return hunks
}

func replaced(x, y []string) Hunk {
	h := Hunk{OldStart: 1, NewStart: 1, Lines: make([]Line, 0, len(x)+len(y))}
	for i, l := range x {
		h.Lines = append(h.Lines, Line{Op: Delete, Old: i + 1, Text: strings.TrimSuffix(l, "\n")})
	}
	for i, l := range y {
		h.Lines = append(h.Lines, Line{Op: Insert, New: i + 1, Text: strings.TrimSuffix(l, "\n")})
	}
	return h
}

// splitLines keeps the newlines, so that a last line with and without one differ.
func splitLines(b []byte) []string {
	if len(b) == 0 {
		return nil
	}
	lines := strings.SplitAfter(string(b), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}
