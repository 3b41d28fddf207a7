package secret

import (
	"iter"
	"strings"
)

const (
	// joinReach is how much of the lines around a joint is looked at with it.
	joinReach = 2 << 10
	// longestJoint is how far apart two pieces may stand.
	longestJoint = 256
)

// joinedViews yields the parts of text in which one value is written as more
// than one piece, put together: strings with an operator or nothing between
// them, a line that a backslash goes on in the next one, and the name of a YAML
// block with its first line.
func joinedViews(text string) iter.Seq[*view] {
	return func(yield func(*view) bool) {
		m := newMarks(text, "\"'`\n")
		var b builder
		done, end := 0, -1 // of the present part: what was copied, and where it ends
		flush := func() bool {
			b.copy(text, done, end)
			v := b.view()
			v.joined = true
			b = builder{}
			return yield(v)
		}
		for i := m.from(0); i < len(text); {
			from, to := joint(text, i)
			if to == 0 {
				i = m.from(i + 1)
				continue
			}
			if from > end {
				if start := lineFrom(text, from, joinReach); start > end {
					if end >= 0 && !flush() {
						return
					}
					done = start
				}
			}
			b.copy(text, done, from)
			done, end = to, lineTo(text, to, joinReach)
			i = m.from(to)
		}
		if end >= 0 {
			flush()
		}
	}
}

// joint returns what is to be left out of text so that two pieces become one,
// where the first ends with the quote or the line that ends at i. to is 0 if
// nothing is. Both pieces must be as secrets are where they meet: most strings
// that are put together are sentences, and cost nothing so.
func joint(text string, i int) (from, to int) {
	text = text[:min(len(text), i+longestJoint)]
	if text[i] == '\n' {
		return lineJoint(text, i)
	}
	if i == 0 || !inPiece[text[i-1]] {
		return 0, 0
	}
	for j := i; ; j++ {
		j = skipBlank(text, j+1)
		for _, o := range operators {
			if strings.HasPrefix(text[j:], o) {
				j = skipBlank(text, j+len(o))
				break
			}
		}
		for n := 0; n < 2 && j > i+1 && j < len(text) && strings.IndexByte(stringPrefix, text[j]) >= 0; n++ {
			j++
		}
		switch {
		case j+1 >= len(text) || strings.IndexByte(quotes, text[j]) < 0:
			return 0, 0
		case inPiece[text[j+1]]:
			return i, j + 1
		case text[j+1] != text[j]: // an empty string is no more than an operator
			return 0, 0
		}
	}
}

const (
	quotes = "\"'`"
	// stringPrefix is what may stand before a quote: r"" and f"" of Python, L"" of C, @"" of C#.
	stringPrefix = "rRbBfFuUL@$"
)

// operators put two strings together in some language. The longer come first.
var operators = []string{"..", "++", "<>", "||", "+", ".", "&", "~", "^"}

// inPiece has what a secret may be written with, next to where it is cut.
var inPiece = func() (in [256]bool) {
	for c := range in {
		in[c] = isBase64(byte(c)) || strings.IndexByte("=.:@%&~!$*#?", byte(c)) >= 0
	}
	return in
}()

// skipBlank returns where text goes on behind blanks and line ends, with the
// marks that some languages want where a line goes on: \ and _.
func skipBlank(text string, i int) int {
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c == ' ', c == '\t', c == '\r', c == '\n':
		case (c == '\\' || c == '_') && i+1 < len(text) && (text[i+1] == '\n' || text[i+1] == '\r'):
		default:
			return i
		}
	}
	return i
}

// lineJoint is the joint at a line end, text[i].
func lineJoint(text string, i int) (from, to int) {
	from, to = i, i+1
	if from > 0 && text[from-1] == '\r' {
		from--
	}
	for to < len(text) && (text[to] == ' ' || text[to] == '\t') {
		to++
	}
	if to == len(text) || !inPiece[text[to]] {
		return 0, 0
	}
	if from > 1 && text[from-1] == '\\' && inPiece[text[from-2]] {
		return from - 1, to
	}
	// "name: >-" of YAML, and the value in the lines below.
	for n := 0; n < 2 && from > 0 && strings.IndexByte("+-123456789", text[from-1]) >= 0; n++ {
		from--
	}
	if from > 2 && to > i+1 && (text[from-1] == '|' || text[from-1] == '>') && text[from-2] == ' ' && text[from-3] == ':' {
		return from - 1, to
	}
	return 0, 0
}

// proved reports whether the structure of the value, such as a checksum, shows that it was
// given out. In tests and documents, of what is in pieces nothing less counts: the
// secrets there are made up, and cut so that scanners pass them over. Elsewhere
// nobody has a reason to cut a value but to hide it.
func (m match) proved(value string) bool {
	p := m.pattern
	return m.verdict == valid || p.proof != nil && p.proof(candidate{match: value, value: value}) == valid
}
