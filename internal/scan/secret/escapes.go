package secret

import (
	"iter"
	"strings"
)

const (
	// escapeReach is how much around an escape is looked at with it decoded: a
	// private key needs one of its characters escaped to be none. Around what
	// strings of code and JSON are full of, "\n" and the like, it is no more than the line.
	escapeReach = 4 << 10
	// escapeGap is how near to each other parts with escapes are looked at as one.
	escapeGap = 128
	// escapeMarks are what escapes begin with.
	escapeMarks = `%\&U`
)

// escapedViews yields the parts of text that have escapes, decoded: of
// addresses (%41), of strings of code and JSON (\n, \x41, \101, \u0041, \u{41},
// \U00000041), of HTML and XML (&amp;, &#65;, &#x41;), and code points (U+0041).
func escapedViews(text string) iter.Seq[*view] {
	return func(yield func(*view) bool) {
		m := newMarks(text, escapeMarks)
		start, end := 0, -1
		for i := m.from(0); i < len(text); {
			_, n, usual := unescape(text[i:])
			if n == 0 {
				i = m.from(i + 1)
				continue
			}
			from, to := max(0, i-escapeReach), min(len(text), i+n+escapeReach)
			switch {
			case usual && i <= end:
				from, to = start, lineTo(text, i+n, escapeReach)
			case usual:
				from, to = lineFrom(text, i, escapeReach), lineTo(text, i+n, escapeReach)
			}
			switch {
			case end < 0:
				start = from
			case from > end+escapeGap:
				if !yield(unescaped(text, start, end)) {
					return
				}
				start = from
			}
			start, end = min(start, from), max(end, to)
			i = m.from(i + n)
		}
		if end >= 0 {
			yield(unescaped(text, start, end))
		}
	}
}

// unescaped is text[start:end] with its escapes decoded.
func unescaped(text string, start, end int) *view {
	var b builder
	m := newMarks(text[:end], escapeMarks)
	for start < end {
		i := m.from(start)
		b.copy(text, start, i)
		if i == end {
			break
		}
		s, n, _ := unescape(text[i:end])
		if start = i + n; n == 0 {
			start++
			b.copy(text, i, start)
			continue
		}
		b.write(s, len(s), n, i, start)
	}
	v := b.view()
	v.decoded = true
	return v
}

// unescape decodes the escape of n bytes that s begins with; n is 0 if there is
// none. Usual is what code and pages have on every other line.
func unescape(s string) (decoded string, n int, usual bool) {
	if len(s) < 2 {
		return "", 0, false
	}
	switch s[0] {
	case '&':
		return reference(s)
	case '%':
		decoded, n = byteEscape(s, 1, 2, 16)
		return decoded, n, false
	case 'U':
		if s[1] != '+' {
			return "", 0, false
		}
		if decoded, n = runeEscape(s, 2, 4, 6, 16, ""); n > 0 && strings.HasPrefix(s[n:], " U+") {
			n++
		}
		return decoded, n, false
	}
	switch s[1] {
	case 'n':
		return "\n", 2, true
	case 'r':
		return "\r", 2, true
	case 't':
		return "\t", 2, true
	case '"', '\'', '`', '/', '\\':
		return s[1:2], 2, true
	case 'x':
		decoded, n = byteEscape(s, 2, 2, 16)
	case 'u':
		decoded, n = runeEscape(s, 2, 4, 4, 16, "")
	case 'U':
		decoded, n = runeEscape(s, 2, 8, 8, 16, "")
	default:
		decoded, n = byteEscape(s, 1, 3, 8)
	}
	if n == 0 && len(s) > 2 && s[2] == '{' && (s[1] == 'u' || s[1] == 'x') {
		decoded, n = runeEscape(s, 3, 1, 6, 16, "}")
	}
	return decoded, n, false
}

// reference decodes a character reference of HTML and XML.
func reference(s string) (decoded string, n int, usual bool) {
	switch {
	case strings.HasPrefix(s, "&#x"), strings.HasPrefix(s, "&#X"):
		decoded, n = runeEscape(s, 3, 1, 6, 16, ";")
	case strings.HasPrefix(s, "&#"):
		decoded, n = runeEscape(s, 2, 1, 7, 10, ";")
	case strings.HasPrefix(s, "&amp;"):
		return "&", 5, true
	case strings.HasPrefix(s, "&lt;"):
		return "<", 4, true
	case strings.HasPrefix(s, "&gt;"):
		return ">", 4, true
	case strings.HasPrefix(s, "&quot;"):
		return `"`, 6, true
	case strings.HasPrefix(s, "&apos;"):
		return "'", 6, true
	}
	return decoded, n, false
}

// byteEscape decodes an escape of one byte that ends with so many digits behind s[:from].
func byteEscape(s string, from, digits int, base int) (string, int) {
	r, to := number(s, from, digits, base)
	if to-from != digits || r > 0xff {
		return "", 0
	}
	return string([]byte{byte(r)}), to
}

// runeEscape decodes an escape of a character whose digits begin at s[from], of
// which it has at least least and no more than most.
func runeEscape(s string, from, least, most, base int, end string) (string, int) {
	r, to := number(s, from, most, base)
	if to-from < least || !strings.HasPrefix(s[to:], end) {
		return "", 0
	}
	return string(rune(r)), to + len(end)
}

// number reads no more than most digits and returns where they end.
func number(s string, from, most, base int) (n uint64, to int) {
	for to = from; to < len(s) && to-from < most && int(digit(s[to])) < base; to++ {
		n = n*uint64(base) + uint64(digit(s[to]))
	}
	return n, to
}

func digit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}
