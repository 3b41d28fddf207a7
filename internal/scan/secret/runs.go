package secret

import (
	"encoding/base64"
	"encoding/hex"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// shortestEncoded is the least base64 that is decoded: below it no secret
	// has room, and many a word looks like it. Of hex there must be more.
	shortestEncoded = 24
	shortestHex     = 32
	// sniff is how much of a run tells that it is not base64 of a text.
	sniff = 48
	// linePrefix is how much of its line is put before what was decoded: rules
	// ask for the name that a value has.
	linePrefix = 128
	// shortestWrapped is the least base64 or hex before the end of a line that
	// may go on in the next one.
	shortestWrapped = 32
)

// runViews yields what in text is base64, in either alphabet, padded or not, or
// hex of a text, decoded, each with the beginning of its line before it.
func runViews(text string) iter.Seq[*view] {
	return func(yield func(*view) bool) {
		if !decodedRuns(text, nil, yield) {
			return
		}
		for w := range unwrappedViews(text) {
			if !decodedRuns(w.text, w, yield) {
				return
			}
		}
	}
}

// decodedRuns yields the runs of text, which outer has if it is not nil. It
// reports false if nobody wants more.
func decodedRuns(text string, outer *view, yield func(*view) bool) bool {
	done := 0 // what is before was decoded already
	offer := func(start, end int, decoded string, unit, width int) bool {
		var b builder
		b.copy(text, max(done, lineFrom(text, start, linePrefix)), start)
		for n := 0; width == 4 && n < 2 && end < len(text) && text[end] == '='; n++ {
			end++
		}
		b.write(decoded, unit, width, start, end)
		done = end
		v := b.view()
		v.decoded, v.outer = true, outer
		return yield(v)
	}
	for start, end := nextRun(text, 0); start < len(text); start, end = nextRun(text, end) {
		d, ok := fromBase64(text[start:end])
		for shift := 1; !ok && start == 0 && shift < 4; shift++ { // it may have begun before the text
			if d, ok = fromBase64(text[shift:end]); ok {
				start = shift
			}
		}
		if ok {
			if !offer(start, end, d, 3, 4) {
				return false
			}
			continue
		}
		for i := start; i < end; i++ {
			// Some of its characters may only separate it from what is before and behind.
			j := i
			for j < end && text[j] != '/' && text[j] != '-' && text[j] != '_' {
				j++
			}
			if j-i >= shortestEncoded && j-i < end-start {
				if d, ok := fromBase64(text[i:j]); ok && !offer(i, j, d, 3, 4) {
					return false
				}
			}
			i = j
		}
		for i := start; i < end; i++ {
			j := i
			for j < end && digit(text[j]) < 16 {
				j++
			}
			if i == 0 && j > shortestHex { // the same
				if _, ok := fromHex(text[:j]); !ok {
					i++
				}
			}
			if j-i >= shortestHex {
				if d, ok := fromHex(text[i:j]); ok && !offer(i, j, d, 1, 2) {
					return false
				}
			}
			i = j
		}
	}
	return true
}

// nextRun returns the first run of at least shortestEncoded characters of base64
// in text[from:], or its end.
func nextRun(text string, from int) (start, end int) {
	for from+shortestEncoded <= len(text) {
		last := from + shortestEncoded - 1
		for last >= from && inBase64[text[last]] {
			last--
		}
		if last >= from {
			from = last + 1
			continue
		}
		end = from + shortestEncoded
		for end < len(text) && inBase64[text[end]] {
			end++
		}
		return from, end
	}
	return len(text), len(text)
}

var inBase64 = func() (in [256]bool) {
	for c := range in {
		in[c] = isBase64(byte(c))
	}
	return in
}()

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
	if start, err := alphabet.DecodeString(run[:min(len(run), sniff)]); err != nil || !isReadable(start) {
		return "", false
	}
	b, err := alphabet.DecodeString(run)
	return string(b), err == nil && isReadable(b)
}

// fromHex decodes digits. It reports false if that is no text.
func fromHex(digits string) (string, bool) {
	digits = digits[:len(digits)&^1]
	for i := 0; i < shortestHex; i += 2 {
		if c := digit(digits[i])<<4 | digit(digits[i+1]); c < 0x80 && !isText(c) {
			return "", false
		}
	}
	b, err := hex.DecodeString(digits)
	return string(b), err == nil && isReadable(b)
}

// isReadable reports whether b is a text, whose first and last characters may be cut off.
func isReadable(b []byte) bool {
	for range utf8.UTFMax - 1 {
		if len(b) > 0 && !utf8.RuneStart(b[0]) {
			b = b[1:]
		}
	}
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			return !utf8.FullRune(b)
		case r < ' ' && !isText(byte(r)), r >= 0x7f && !unicode.IsPrint(r) && !unicode.IsSpace(r):
			return false
		}
		b = b[n:]
	}
	return true
}

// unwrappedViews yields the blocks of text that are one run over more than one
// line, without what is between its lines.
func unwrappedViews(text string) iter.Seq[*view] {
	return func(yield func(*view) bool) {
		for i := 0; ; {
			n := strings.IndexByte(text[i:], '\n')
			if n < 0 {
				return
			}
			end, next := wrapped(text, i, i+n)
			if next == 0 {
				i += n + 1
				continue
			}
			start := end
			for start > i && inBase64[text[start-1]] {
				start--
			}
			var b builder
			for next > 0 {
				b.copy(text, start, end)
				for start, end = next, next; end < len(text) && inBase64[text[end]]; {
					end++
				}
				line := end
				if strings.HasPrefix(text[line:], "\r\n") {
					line++
				}
				_, next = wrapped(text, start, line)
			}
			i = end
			for end < len(text) && text[end] == '=' {
				end++
			}
			b.copy(text, start, end)
			if !yield(b.view()) {
				return
			}
		}
	}
}

// wrapped reports where the run before the line end at text[i] ends and where
// it goes on, 0 if it does not: if there is none in text[from:i] or behind it.
func wrapped(text string, from, i int) (end, next int) {
	end = i
	if end > from && text[end-1] == '\r' {
		end--
	}
	if end-from < shortestWrapped || i == len(text) || text[i] != '\n' {
		return 0, 0
	}
	for k := end - shortestWrapped; k < end; k++ {
		if !inBase64[text[k]] {
			return 0, 0
		}
	}
	next = i + 1
	for next < len(text) && (text[next] == ' ' || text[next] == '\t') {
		next++
	}
	if next == len(text) || !inBase64[text[next]] {
		return 0, 0
	}
	return end, next
}
