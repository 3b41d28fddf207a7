package secret

import (
	"sort"
	"strings"
)

// A view is a text made of another: what is written in it in some other way,
// decoded or put together, with some of what stands around it.
type view struct {
	text    string
	parts   []stretch // in order, of all of text
	outer   *view     // what it was made of, if that is only a step on the way
	decoded bool      // it is a step deeper
	joined  bool      // it is put together of more than one piece
}

// A stretch is a part of a view's text that is written in one way: unit bytes of
// it as width bytes of the source, the last of them perhaps as fewer.
type stretch struct {
	at, from, to int32 // where it begins in the view; what of the source it is
	unit, width  int8
}

// place returns what of the source text[from:to] is written as: with the whole
// of each escape or group that holds a part of it.
func (v *view) place(from, to int) (int, int) {
	a, b := v.parts[v.part(from)], v.parts[v.part(to-1)]
	start := int(a.from) + (from-int(a.at))/int(a.unit)*int(a.width)
	end := min(int(b.to), int(b.from)+((to-1-int(b.at))/int(b.unit)+1)*int(b.width))
	if v.outer != nil {
		return v.outer.place(start, end)
	}
	return start, end
}

// part returns which of the parts an offset lies in.
func (v *view) part(offset int) int {
	return sort.Search(len(v.parts), func(i int) bool { return int(v.parts[i].at) > offset }) - 1
}

// needed reports whether text[start:end], or what is next to it, is not in the
// source as it is: otherwise it says nothing that the source did not.
func (v *view) needed(start, end int) bool {
	first, last := v.part(max(0, start-1)), v.part(min(len(v.text)-1, end))
	for i := first; i <= last; i++ {
		p := v.parts[i]
		if p.unit != p.width || i > first && v.parts[i-1].to != p.from {
			return true
		}
	}
	return v.outer != nil
}

// A builder makes a view.
type builder struct {
	text  strings.Builder
	parts []stretch
}

// copy adds source[from:to] as it is.
func (b *builder) copy(source string, from, to int) {
	if from < to {
		b.stretch(1, 1, from, to)
		b.text.WriteString(source[from:to])
	}
}

// write adds s, each unit bytes of which are width bytes of source[from:to].
func (b *builder) write(s string, unit, width, from, to int) {
	b.stretch(unit, width, from, to)
	b.text.WriteString(s)
}

func (b *builder) stretch(unit, width, from, to int) {
	if n := len(b.parts); n > 0 {
		if last := &b.parts[n-1]; last.unit == int8(unit) && last.width == int8(width) && int(last.to) == from {
			last.to = int32(to)
			return
		}
	}
	b.parts = append(b.parts, stretch{int32(b.text.Len()), int32(from), int32(to), int8(unit), int8(width)})
}

func (b *builder) view() *view { return &view{text: b.text.String(), parts: b.parts} }

// marks finds the next of some bytes in a text, and costs next to nothing where they are rare.
type marks struct {
	text, bytes string
	next        [4]int // by byte: where the first is that was not passed
}

func newMarks(text, bytes string) marks {
	return marks{text: text, bytes: bytes, next: [4]int{-1, -1, -1, -1}}
}

// from returns where the first mark in text[i:] is, or the end. i never goes back.
func (m *marks) from(i int) int {
	first := len(m.text)
	for k := range len(m.bytes) {
		if m.next[k] < i {
			m.next[k] = len(m.text)
			if n := strings.IndexByte(m.text[min(i, len(m.text)):], m.bytes[k]); n >= 0 {
				m.next[k] = i + n
			}
		}
		first = min(first, m.next[k])
	}
	return first
}

// lineFrom and lineTo return where the line of an offset begins and ends, no further than most away.
func lineFrom(text string, at, most int) int {
	least := max(0, at-most)
	return least + strings.LastIndexByte(text[least:at], '\n') + 1
}

func lineTo(text string, at, most int) int {
	end := min(len(text), at+most)
	if n := strings.IndexByte(text[at:end], '\n'); n >= 0 {
		return at + n
	}
	return end
}
