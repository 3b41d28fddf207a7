package change

import (
	"bytes"
	"encoding/binary"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Encodings that Text recognises by name.
const (
	UTF16LE = "UTF-16LE"
	UTF16BE = "UTF-16BE"
	UTF32LE = "UTF-32LE"
	UTF32BE = "UTF-32BE"
)

// Text returns b as UTF-8 without its byte order mark, and the encoding that b
// is in: one of the constants, or "" for UTF-8 and whatever else git calls
// text, which is returned as it is. It reports false for what is no text.
//
// It cannot tell what b is, only what b looks like: one part of a file can be
// UTF-16 and another not. Who looks for something that was hidden looks at b
// as it is, too.
func Text(b []byte) (text []byte, encoding string, ok bool) {
	w, marked := mark(b)
	if w.name == "" {
		if !IsBinary(b) {
			return b, "", true
		}
		w = bestEncoding(b)
	} else if bytes.IndexByte(b, 0) < 0 {
		// No blank, no line ending: nobody writes so. Git takes it for text.
		return b, "", true
	}
	if w.name == "" {
		return nil, "", false
	}
	b = b[marked:]
	out := make([]byte, 0, len(b)/w.unit+len(b)/8)
	var s score
	w.decode(b, func(r rune, valid bool) { s.add(r, valid); out = utf8.AppendRune(out, r) })
	if !s.text(marked > 0) {
		return nil, "", false
	}
	return out, w.name, true
}

// A wide encoding is one with units of more than a byte.
type wide struct {
	name  string
	unit  int
	order binary.ByteOrder
	bom   string
}

// encodings has those of UTF-32 first: the mark of one begins with that of UTF-16LE.
func encodings() []wide {
	return []wide{
		{UTF32LE, 4, binary.LittleEndian, "\xff\xfe\x00\x00"},
		{UTF32BE, 4, binary.BigEndian, "\x00\x00\xfe\xff"},
		{UTF16LE, 2, binary.LittleEndian, "\xff\xfe"},
		{UTF16BE, 2, binary.BigEndian, "\xfe\xff"},
	}
}

// mark returns the encoding that b is marked with, and the length of the mark.
func mark(b []byte) (wide, int) {
	for _, w := range encodings() {
		if bytes.HasPrefix(b, []byte(w.bom)) {
			return w, len(w.bom)
		}
	}
	return wide{}, 0
}

// bestEncoding returns the one in which the beginning of b looks most like text.
func bestEncoding(b []byte) (best wide) {
	b = b[:min(len(b), sniffBytes)]
	most := 0
	for _, w := range encodings() {
		var s score
		w.decode(b, s.add)
		if s.text(false) && s.ascii > most {
			best, most = w, s.ascii
		}
	}
	return best
}

// decode calls yield with each rune of b. A unit that is none, or is cut off,
// is given byte by byte, as not valid: so nothing of b can change unseen.
func (w wide) decode(b []byte, yield func(r rune, valid bool)) {
	for len(b) > 0 {
		r, n := w.first(b)
		if n > 0 {
			yield(r, true)
			b = b[n:]
			continue
		}
		n = min(w.unit, len(b))
		for _, c := range b[:n] {
			yield(rune(c), false)
		}
		b = b[n:]
	}
}

// first returns the first rune of b and its length; 0 if it is not valid.
func (w wide) first(b []byte) (r rune, n int) {
	if len(b) < w.unit {
		return 0, 0
	}
	if w.unit == 4 {
		if u := w.order.Uint32(b); u <= unicode.MaxRune && utf8.ValidRune(rune(u)) {
			return rune(u), 4
		}
		return 0, 0
	}
	r = rune(w.order.Uint16(b))
	if !utf16.IsSurrogate(r) {
		return r, 2
	}
	if len(b) >= 4 {
		if r = utf16.DecodeRune(r, rune(w.order.Uint16(b[2:]))); r != utf8.RuneError {
			return r, 4
		}
	}
	return 0, 0
}

// A score counts what speaks for and against a text.
type score struct{ all, good, ascii int }

func (s *score) add(r rune, valid bool) {
	s.all++
	switch {
	case !valid:
	case r < utf8.RuneSelf:
		if r >= ' ' && r != 0x7f || r == '\n' || r == '\r' || r == '\t' || r == '\f' {
			s.good++
			s.ascii++
		}
	case unicode.IsPrint(r), unicode.IsSpace(r), unicode.Is(unicode.Cf, r):
		s.good++
	}
}

// text is strict where there is no mark: two letters in a row make a character
// of Chinese, so all kinds of data look like text in some encoding.
func (s *score) text(marked bool) bool {
	if marked {
		return s.good*10 >= s.all*9
	}
	return s.good*10 >= s.all*9 && s.ascii*10 >= s.all*3 && s.ascii > 0
}
