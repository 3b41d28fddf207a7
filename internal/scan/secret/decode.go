package secret

import (
	"context"
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// shortestEncoded is the least base64 that is decoded: below it no secret
	// has room, and many a word looks like it.
	shortestEncoded = 24
	// sniff is how much of a run tells that it is not base64 of a text.
	sniff = 48
	// escapeReach is how much around a percent escape is looked at with it
	// decoded: a private key needs one of its characters escaped to be none.
	escapeReach = 2 << 10
	// linePrefix is how much of its line is put before what was decoded: rules
	// ask for the name that a value has.
	linePrefix = 128
)

// An encoded part of a text, decoded once. What is in it decoded twice is not looked for.
type encoded struct {
	start, end int // of it in the text
	text       string
	at         []int // where in the text each byte of it begins, and the end; nil if that means nothing
}

// place returns where text[from:to] of d stands in the text around it.
func (d encoded) place(from, to int) (int, int) {
	if d.at == nil {
		return d.start, d.end
	}
	return d.at[from], d.at[to]
}

// decoded finds the matches in what is encoded in text[from:to].
func (e *engine) decoded(ctx context.Context, path, text string, from, to int) ([]match, error) {
	var all []match
	for _, d := range append(base64Parts(text, from, to), escapedParts(text, from, to)...) {
		prefix := text[max(0, d.start-linePrefix):d.start]
		prefix = prefix[strings.LastIndexByte(prefix, '\n')+1:]
		found, err := e.search(ctx, path, prefix+d.text, 0, len(prefix)+len(d.text))
		for _, m := range found {
			// Any value beside a word was seen before it was decoded.
			if m.pattern.rank == anyValue || m.from < len(prefix) {
				continue
			}
			m.value = d.text[m.from-len(prefix) : m.to-len(prefix)]
			m.from, m.to = d.place(m.from-len(prefix), m.to-len(prefix))
			if text[m.from:m.to] == m.value {
				continue // not encoded
			}
			m.start, m.end = m.from, m.to
			all = append(all, m)
		}
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// base64Parts returns the runs in text[from:to] that are base64 of a text, in
// either alphabet, padded or not.
func base64Parts(text string, from, to int) []encoded {
	var all []encoded
	for i := from; i < to; {
		if !isBase64(text[i]) {
			i++
			continue
		}
		start := i
		for i < to && isBase64(text[i]) {
			i++
		}
		if i-start < shortestEncoded {
			continue
		}
		if d, ok := fromBase64(text[start:i]); ok {
			end := i
			for end < min(to, i+2) && text[end] == '=' {
				end++
			}
			all = append(all, encoded{start: start, end: end, text: d})
			continue
		}
		// Some of its characters may only separate it from what is before and behind.
		for j := start; j < i; j++ {
			k := j
			for k < i && !strings.ContainsRune("/-_", rune(text[k])) {
				k++
			}
			if n := k - j; n >= shortestEncoded && n < i-start {
				if d, ok := fromBase64(text[j:k]); ok {
					all = append(all, encoded{start: j, end: k, text: d})
				}
			}
			j = k
		}
	}
	return all
}

func isBase64(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '-' || c == '_'
}

// fromBase64 decodes a run without its padding. It reports false if that is no text.
func fromBase64(run string) (string, bool) {
	alphabet := base64.RawStdEncoding
	if strings.ContainsAny(run, "-_") {
		alphabet = base64.RawURLEncoding
	}
	if len(run)%4 == 1 { // the last character stands for nothing
		run = run[:len(run)-1]
	}
	if start, err := alphabet.DecodeString(run[:min(len(run), sniff)]); err != nil || !isReadable(start, len(run) > sniff) {
		return "", false
	}
	b, err := alphabet.DecodeString(run)
	return string(b), err == nil && isReadable(b, false)
}

// isReadable reports whether b is a text; its last character may be cut off.
func isReadable(b []byte, cut bool) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			return cut && !utf8.FullRune(b)
		case r < ' ' && !isText(byte(r)), r >= 0x7f && !unicode.IsPrint(r) && !unicode.IsSpace(r):
			return false
		}
		b = b[n:]
	}
	return true
}

// escapedParts returns the parts of text[from:to] that have percent escapes.
func escapedParts(text string, from, to int) []encoded {
	var all []encoded
	for i := from; i < to; {
		first := nextEscape(text, i, to)
		if first == to {
			break
		}
		d := encoded{start: max(i, first-escapeReach), end: min(to, first+escapeReach)}
		for i = first; i < d.end; { // as long as there are more
			if i = nextEscape(text, i, d.end); i < d.end {
				i += 3
				d.end = min(to, max(d.end, i+escapeReach))
			}
		}
		i = d.end
		var b strings.Builder
		for j := d.start; j < d.end; {
			d.at = append(d.at, j)
			if isEscape(text[j:d.end]) {
				b.WriteByte(digit(text[j+1])<<4 | digit(text[j+2]))
				j += 3
				continue
			}
			b.WriteByte(text[j])
			j++
		}
		d.at = append(d.at, d.end)
		d.text = b.String()
		all = append(all, d)
	}
	return all
}

// nextEscape returns where the first escape in text[from:to] is, or to.
func nextEscape(text string, from, to int) int {
	for from < to {
		n := strings.IndexByte(text[from:to], '%')
		if n < 0 {
			break
		}
		if from += n; isEscape(text[from:to]) {
			return from
		}
		from++
	}
	return to
}

func isEscape(s string) bool {
	return len(s) >= 3 && s[0] == '%' && digit(s[1]) < 16 && digit(s[2]) < 16
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
