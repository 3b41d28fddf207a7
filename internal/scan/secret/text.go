package secret

import (
	"iter"
	"slices"
	"sort"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
)

const (
	// around is how much of a file is read on each side of an added line: a
	// private key whose middle was edited must be seen from its first line to its last.
	around = 4 << 10
	// chunk bounds what a rule looks at in one go, so that a deadline is seen
	// in time; overlap is the longest secret that is sure to be seen across
	// two chunks, lead the context that a match has on its left.
	chunk   = 128 << 10
	overlap = 16 << 10
	lead    = 256
)

// A piece is a text to search, and where in its file it stands.
type piece struct {
	text    string
	first   int      // line of the file that text begins with; 0 if lines mean nothing
	starts  []int    // offset of each line of text
	windows [][2]int // the parts of text to search, sorted, apart from each other
	added   []int    // lines that the change adds, sorted; nil means all
}

func newPiece(text string, first int) piece {
	p := piece{text: text, first: first, starts: []int{0}}
	for i := 0; ; {
		n := strings.IndexByte(text[i:], '\n')
		if n < 0 {
			return p
		}
		i += n + 1
		p.starts = append(p.starts, i)
	}
}

// wholePiece searches all of a file.
func wholePiece(text string) piece {
	p := newPiece(text, 1)
	p.windows = [][2]int{{0, len(text)}}
	return p
}

// addedPiece searches a file around the lines that hunks add.
func addedPiece(text string, hunks []change.Hunk) piece {
	p := newPiece(text, 1)
	p.added = []int{}
	for _, h := range hunks {
		for _, l := range h.Lines {
			if l.Op != change.Insert {
				continue
			}
			p.added = append(p.added, l.New)
			from := max(0, p.startOf(l.New)-around)
			to := min(len(text), p.startOf(l.New+1)+around)
			if n := len(p.windows); n > 0 && from <= p.windows[n-1][1] {
				p.windows[n-1][1] = max(to, p.windows[n-1][1])
			} else {
				p.windows = append(p.windows, [2]int{from, to})
			}
		}
	}
	slices.Sort(p.added)
	return p
}

// hunkPieces searches hunks when nothing else of the file is at hand.
func hunkPieces(hunks []change.Hunk) []piece {
	var pieces []piece
	for _, h := range hunks {
		var text strings.Builder
		added := []int{}
		for _, l := range h.Lines {
			if l.Op == change.Delete {
				continue
			}
			text.WriteString(l.Text)
			text.WriteByte('\n')
			if l.Op == change.Insert {
				added = append(added, l.New)
			}
		}
		if len(added) > 0 {
			p := newPiece(text.String(), h.NewStart)
			p.windows, p.added = [][2]int{{0, text.Len()}}, added
			pieces = append(pieces, p)
		}
	}
	return pieces
}

// startOf returns the offset of a line of the file; past the last one, the text's end.
func (p piece) startOf(line int) int {
	i := line - p.first
	switch {
	case i < 0:
		return 0
	case i >= len(p.starts):
		return len(p.text)
	}
	return p.starts[i]
}

// lineOf returns the line of the file that an offset lies in.
func (p piece) lineOf(offset int) int {
	return p.first + sort.SearchInts(p.starts, offset+1) - 1
}

// place returns the first and last line of text[start:end], zeros if there are
// none. It reports false if the change adds none of them.
func (p piece) place(start, end int) ([2]int, bool) {
	if p.first == 0 {
		return [2]int{}, true
	}
	lines := [2]int{p.lineOf(start), p.lineOf(end - 1)}
	if p.added == nil {
		return lines, true
	}
	i := sort.SearchInts(p.added, lines[0])
	return lines, i < len(p.added) && p.added[i] <= lines[1]
}

// A part is a chunk of a window. It reports the matches that start in
// text[from:to]; those beyond belong to its neighbours.
type part struct{ start, end, from, to int }

// parts cuts window so that every match no longer than overlap lies whole in
// the part it belongs to, with its context.
func parts(window [2]int) iter.Seq[part] {
	return func(yield func(part) bool) {
		for a := window[0]; ; a += chunk - overlap {
			c := part{start: a, end: min(a+chunk, window[1]), from: a + lead, to: a + chunk - overlap + lead}
			if a == window[0] {
				c.from = a
			}
			last := c.end == window[1]
			if last {
				c.to = c.end
			}
			if !yield(c) || last {
				return
			}
		}
	}
}
