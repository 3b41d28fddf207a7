package secret

import (
	"bytes"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// pieces are the texts to search in the content of f, the one that has lines
// first. What a file looks like decides where lines are, never what is
// searched: its bytes are, as they are, and what is wide characters among them.
func pieces(side scan.Side, f change.File, content []byte) []piece {
	var all []piece
	text, encoding, ok := change.Text(content)
	switch {
	case !ok:
	case side == scan.Before || f.Kind == change.Added || len(f.Hunks) == 0 || f.Encoding != encoding:
		all = append(all, wholePiece(string(text)))
	default:
		all = append(all, addedPiece(string(text), f.Hunks))
	}
	if !ok || encoding != "" {
		all = append(all, bytesPiece(string(content)))
	}
	if bytes.IndexByte(content, 0) >= 0 {
		for _, unit := range []int{2, 4} {
			for _, first := range []bool{true, false} {
				if wide := wideText(content, unit, first); wide != "" {
					all = append(all, bytesPiece(wide))
				}
			}
		}
	}
	return all
}

// bytesPiece searches a text that has no lines.
func bytesPiece(text string) piece {
	return piece{text: text, windows: [][2]int{{0, len(text)}}}
}

// shortestWide is the least run of wide characters worth a look.
const shortestWide = 8

// wideText returns the runs of characters in b that take unit bytes each, as
// programs keep their texts: of ASCII all bytes but one are zero, which stands
// first or last. Each run is a line.
func wideText(b []byte, unit int, first bool) string {
	var out strings.Builder
	var run []byte
	flush := func() {
		if len(run) >= shortestWide {
			out.Write(run)
			out.WriteByte('\n')
		}
		run = run[:0]
	}
	for i := 0; i+unit <= len(b); {
		c, zeros := b[i], b[i+1:i+unit]
		if !first {
			c, zeros = b[i+unit-1], b[i:i+unit-1]
		}
		if !isText(c) || bytes.Count(zeros, []byte{0}) < unit-1 {
			flush()
			i++
			continue
		}
		run = append(run, c)
		i += unit
	}
	flush()
	return out.String()
}

func isText(c byte) bool { return c >= ' ' && c < 0x7f || c == '\n' || c == '\r' || c == '\t' }
