package text

import (
	"slices"
	"sync"
)

// isPlain is a quick look before the thorough one: a line of ASCII hides nothing.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// A reading is one line that is read from its beginning on. What takes the
// whole line to tell is told once: a line may be as long as a file.
type reading struct {
	line        []rune
	of          kind
	rightToLeft func() bool // whether it has a letter that is written so
	shown       func() int  // how, if it has turns
	words       words
	word        word
}

func newReading(line []rune, of kind) *reading {
	rightToLeft := sync.OnceValue(func() bool { return slices.ContainsFunc(line, isRightToLeft) })
	return &reading{line: line, of: of, rightToLeft: rightToLeft, shown: sync.OnceValue(func() int { return turned(line, of, rightToLeft()) })}
}

// look returns the characters of a line that turn its direction so that it
// is shown in another order than it is read, and those that cannot be seen,
// without the ones that its language needs.
func look(line []rune, of kind) (turns, hidden []int) {
	l := newReading(line, of)
	for i := 0; i < len(line); {
		end, bad := i+1, false
		switch r := line[i]; {
		case isTurn(r):
			bad = l.shown() == strayed
			if l.shown() == reordered {
				turns = append(turns, i)
			}
		case hasNoWidth(r):
			end = l.run(i, hasNoWidth)
			bad = !l.needs(i, end)
		case isTag(r):
			end = l.run(i, isTag)
			bad = i == 0 || line[i-1] != blackFlag || !isRegion(line[i:end])
		case isSelector(r):
			bad = !selects(line, i)
		case r == 0xad:
			bad = of < prose
		case isHidden(r):
			bad = !hasItsPlace(line, i)
		}
		for ; i < end; i++ {
			if bad {
				hidden = append(hidden, i)
			}
		}
	}
	return turns, hidden
}

// run returns where the characters from i on end that are of a class.
func (l *reading) run(i int, is func(rune) bool) int {
	for i < len(l.line) && is(l.line[i]) {
		i++
	}
	return i
}

// isTurn reports whether r begins or ends a run in a direction of its own.
func isTurn(r rune) bool { return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 }

// isMark reports whether r is a mark of direction, which turns nothing but its neighbours.
func isMark(r rune) bool { return r == 0x200e || r == 0x200f || r == 0x61c }

// isJoiner reports whether r ties its neighbours together or keeps them apart.
func isJoiner(r rune) bool { return r == 0x200c || r == 0x200d }

// hasNoWidth reports whether r is one of those that languages are written with:
// a joiner, a mark of direction, or what allows or forbids a new line.
func hasNoWidth(r rune) bool { return isJoiner(r) || isMark(r) || r == 0x200b || r == 0x2060 }

// How a line is shown that has turns.
const (
	asRead    = iota
	strayed   // as it is read, and they serve nothing
	reordered // in another order
)

// turned tells how a line with turns is shown.
func turned(line []rune, of kind, rightToLeft bool) int {
	var opens, toLeft, overrides bool
	for _, r := range line {
		opens = opens || isTurn(r) && r != endOfEmbedding && r != endOfIsolate
		toLeft = toLeft || r == 0x202b || r == 0x202e || r == 0x2067 || isMark(r) && r != 0x200e
		overrides = overrides || isOverride(r)
	}
	open, ok := closes(nil, line)
	closed := ok && len(open) == 0
	switch {
	case closed && (rightToLeft && of >= prose || of == translated):
		return asRead
	case !opens, closed && !toLeft && !rightToLeft, of == translated && !overrides:
		return strayed // an end without a beginning, or no more than the rest of a text of its own
	}
	return reordered
}

const endOfEmbedding, endOfIsolate = 0x202c, 0x2069

func isOverride(r rune) bool { return r == 0x202d || r == 0x202e }

// closes follows the runs of a line, with those that were open before it. It is
// not ok with one that overrides, or that ends and was not begun.
func closes(open, line []rune) (still []rune, ok bool) {
	for _, r := range line {
		switch r {
		case 0x202d, 0x202e:
			return nil, false
		case 0x202a, 0x202b:
			open = append(open, endOfEmbedding)
		case 0x2066, 0x2067, 0x2068:
			open = append(open, endOfIsolate)
		case endOfEmbedding, endOfIsolate:
			if len(open) == 0 || open[len(open)-1] != r {
				return nil, false
			}
			open = open[:len(open)-1]
		}
	}
	return open, true
}

// isSelector reports whether r selects a variant of the character before it.
func isSelector(r rune) bool {
	return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef || r >= 0x180b && r <= 0x180d || r == 0x180f
}

// isTag reports whether r is one of the letters without a shape that spell the
// region of a flag, and can spell anything.
func isTag(r rune) bool { return r >= 0xe0000 && r <= 0xe0fff && !isSelector(r) }

// isHidden reports whether r has no shape and, but for hasItsPlace, no use in any language's text.
func isHidden(r rune) bool {
	switch r {
	case 0x34f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180e, 0x3164, 0xfeff, 0xffa0, 0x1d159:
		return true
	}
	return r >= 0x2061 && r <= 0x2065 || r >= 0x206a && r <= 0x206f || r >= 0xfff0 && r <= 0xfffb ||
		r >= 0x1bca0 && r <= 0x1bca3 || r >= 0x1d173 && r <= 0x1d17a || isControl(r)
}

// isControl reports whether r is a control character of C1, but for the one that ends a line.
func isControl(r rune) bool { return r >= 0x80 && r <= 0x9f && r != 0x85 }

func called(r rune) string {
	switch r {
	case 0x202a:
		return "left-to-right embedding"
	case 0x202b:
		return "right-to-left embedding"
	case 0x202c:
		return "end of an embedding"
	case 0x202d:
		return "left-to-right override"
	case 0x202e:
		return "right-to-left override"
	case 0x2066:
		return "left-to-right isolate"
	case 0x2067:
		return "right-to-left isolate"
	case 0x2068:
		return "first strong isolate"
	case 0x2069:
		return "end of an isolate"
	case 0x200b:
		return "zero width space"
	case 0x200c:
		return "zero width non-joiner"
	case 0x200d:
		return "zero width joiner"
	case 0x200e:
		return "left-to-right mark"
	case 0x200f:
		return "right-to-left mark"
	case 0x61c:
		return "Arabic letter mark"
	case 0x2060:
		return "word joiner"
	case 0xad:
		return "soft hyphen"
	case 0x34f:
		return "combining grapheme joiner"
	case 0xfeff:
		return "byte order mark"
	case 0x3164, 0x115f, 0x1160, 0xffa0:
		return "Hangul filler"
	}
	switch {
	case isTag(r):
		return "tag"
	case isSelector(r):
		return "variation selector"
	}
	return ""
}
