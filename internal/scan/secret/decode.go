package secret

import (
	"context"
	"errors"
	"iter"
)

const (
	// deepest is how many encodings a value may have around it: of base64 in a
	// string of JSON that is in base64 itself, two. Of three it is not looked for.
	deepest = 2
	// viewBytes bounds how much all views have together, in multiples of the
	// text: they are made of each other, in each way of each. Code and pages that
	// people wrote take up to six. Each counts viewCost more, so that many small
	// ones are bounded too, and a short text has room.
	viewBytes = 16
	viewCost  = 64
	leastRoom = 64 << 10
)

// errNested says that a text has so much in it that is written in another way,
// and in that again, that not all of it could be searched.
var errNested = errors.New("too much in it that is encoded, or put together, in too many ways")

// A hunt looks for what is written in another way in one text.
type hunt struct {
	engine *engine
	path   string
	room   int // bytes that views may still have
}

// views yields those of text: decoded ones if depth is not 0, and if it is not
// joined itself, joined ones.
func views(text string, depth int, joined bool) iter.Seq[*view] {
	return func(yield func(*view) bool) {
		var ways []iter.Seq[*view]
		if !joined {
			ways = append(ways, joinedViews(text))
		}
		if depth > 0 {
			ways = append(ways, escapedViews(text), runViews(text))
		}
		for _, way := range ways {
			for v := range way {
				if !yield(v) {
					return
				}
			}
		}
	}
}

// rewritten returns the matches in what text has in another way, at what they
// are written as. Known are those in text as it is; joined tells that it is put
// together already. The error says that not all was searched.
func (h *hunt) rewritten(ctx context.Context, text string, known []match, depth int, joined bool) ([]match, error) {
	var all []match
	for v := range views(text, depth, joined) {
		if h.room -= len(v.text) + viewCost; h.room < 0 {
			return all, errNested
		}
		found, err := h.engine.matches(ctx, h.path, v.text, 0, len(v.text))
		if err == nil {
			below := depth
			if v.decoded {
				below--
			}
			var more []match
			more, err = h.rewritten(ctx, v.text, found, below, v.joined)
			found = append(found, more...)
		}
		for _, m := range found {
			// Any value beside a word was seen before it was decoded.
			if m.pattern.rank == anyValue || !v.needed(m.start, m.end) {
				continue
			}
			if m = v.above(m, text); !v.joined || !covered(m, known) {
				all = append(all, m)
			}
		}
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// above is m, which is in the view, as one in the source of the view.
func (v *view) above(m match, source string) match {
	value := m.secret(v.text)
	m.start, m.end = v.place(m.start, m.end)
	m.from, m.to = v.place(m.from, m.to)
	m.value = ""
	if source[m.from:m.to] != value {
		m.value = value
		m.joined = m.joined || v.joined
	}
	return m
}

// covered reports whether m, of pieces put together, takes in what is a secret
// without that: two that stand next to each other in a list are no third.
func covered(m match, known []match) bool {
	for _, k := range known {
		if k.from < m.to && m.from < k.to && k.pattern.rank >= m.pattern.rank {
			return true
		}
	}
	return false
}
