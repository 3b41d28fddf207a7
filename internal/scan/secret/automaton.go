package secret

import (
	"errors"
	"math/bits"
)

// An automaton finds all of many words in one pass over a text, whatever their
// case in ASCII (Aho and Corasick). Its table is dense: each byte is one look-up.
type automaton struct {
	class   [256]uint8 // of bytes that no word tells apart
	shift   uint
	next    []uint16   // by state and class; found is set if a word ends there
	ends    [][]uint16 // by state: the words that end there
	lengths []int      // by word
}

// found marks a state in which a word ends.
const found = 1 << 15

// A hit is a word, by its number, and where in the text it ends.
type hit struct {
	word uint16
	end  int32
}

// newAutomaton makes the automaton of words, which must be in lower case.
func newAutomaton(words []string) (*automaton, error) {
	a := &automaton{}
	classes := 1 // the first is of all bytes in no word
	for _, w := range words {
		a.lengths = append(a.lengths, len(w))
		for i := range len(w) {
			if c := w[i]; a.class[c] == 0 {
				a.class[c] = uint8(classes)
				if c >= 'a' && c <= 'z' {
					a.class[c-'a'+'A'] = uint8(classes)
				}
				classes++
			}
		}
	}
	a.shift = uint(bits.Len(uint(classes - 1)))
	width := 1 << a.shift

	// The trie of the words. State 0 is its root, which no edge leads to.
	trie := make([]uint16, width)
	a.ends = make([][]uint16, 1)
	for n, w := range words {
		state := 0
		for i := range len(w) {
			edge := state<<a.shift | int(a.class[w[i]])
			if trie[edge] == 0 {
				if len(a.ends) == found || n == 1<<16 {
					return nil, errors.New("too many keywords")
				}
				trie[edge] = uint16(len(a.ends))
				a.ends = append(a.ends, nil)
				trie = append(trie, make([]uint16, width)...)
			}
			state = int(trie[edge])
		}
		a.ends[state] = append(a.ends[state], uint16(n))
	}

	// Breadth first: where the trie has no edge, go on as the longest proper
	// ending of what was read would.
	fail := make([]uint16, len(a.ends))
	order := make([]uint16, 0, len(a.ends))
	for c := range width {
		if to := trie[c]; to != 0 {
			order = append(order, to)
		}
	}
	for i := 0; i < len(order); i++ {
		state := int(order[i])
		back := int(fail[state])
		a.ends[state] = append(a.ends[state], a.ends[back]...)
		for c := range width {
			edge, other := state<<a.shift|c, trie[back<<a.shift|c]
			if to := trie[edge]; to != 0 {
				fail[to] = other
				order = append(order, to)
			} else {
				trie[edge] = other
			}
		}
	}
	for i, to := range trie {
		if len(a.ends[to]) > 0 {
			trie[i] |= found
		}
	}
	a.next = trie
	return a, nil
}

// scan appends the hits in text to hits, in the order of their ends. It reports
// whether the text is all ASCII.
func (a *automaton) scan(text string, hits []hit) ([]hit, bool) {
	state, any := uint(0), byte(0)
	next, shift := a.next, a.shift
	for i := range len(text) {
		c := text[i]
		any |= c
		to := next[state<<(shift&15)|uint(a.class[c])]
		state = uint(to &^ found)
		if to&found != 0 {
			for _, w := range a.ends[state] {
				hits = append(hits, hit{w, int32(i + 1)})
			}
		}
	}
	return hits, any < 0x80
}

// contains reports whether a word is in text.
func (a *automaton) contains(text string) bool {
	state := uint(0)
	for i := range len(text) {
		to := a.next[state<<(a.shift&15)|uint(a.class[text[i]])]
		if to&found != 0 {
			return true
		}
		state = uint(to)
	}
	return false
}
