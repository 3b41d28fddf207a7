package secret

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// A dfa tells whether an expression can match at a place: a deterministic
// automaton whose states are made when a text first needs them. It knows
// nothing of groups and of which match is the first one; what it rules out, the
// regular expression is not asked for. A dfa is immutable, its states are in a cache.
type dfa struct {
	prog   *syntax.Prog
	bounds []rune     // the first character of each class of those that the program does not tell apart
	ascii  [128]uint8 // the class of each
}

const (
	// mostClasses bounds the width of a table of states.
	mostClasses = 200
	// mostSteps is how far a dfa looks: what it has not ruled out by then is
	// up to the regular expression. It keeps the work at each keyword constant.
	mostSteps = 400
)

// newDFA returns the dfa of any of alternatives, nil if there would be too much to it.
func newDFA(alternatives []*syntax.Regexp) *dfa {
	re := &syntax.Regexp{Op: syntax.OpAlternate, Sub: alternatives}
	if len(alternatives) == 1 {
		re = alternatives[0]
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil
	}
	d := &dfa{prog: prog, bounds: []rune{0}}
	from := func(runes ...rune) { d.bounds = append(d.bounds, runes...) }
	from('\n', '\n'+1, '0', '9'+1, 'A', 'Z'+1, '_', '_'+1, 'a', 'z'+1)
	for i := range prog.Inst {
		in := &prog.Inst[i]
		switch in.Op {
		case syntax.InstRune, syntax.InstRune1:
			if len(in.Rune) == 1 {
				from(in.Rune[0], in.Rune[0]+1)
				for r := unicode.SimpleFold(in.Rune[0]); r != in.Rune[0]; r = unicode.SimpleFold(r) {
					from(r, r+1)
				}
			}
			for j := 0; j+1 < len(in.Rune); j += 2 {
				from(in.Rune[j], in.Rune[j+1]+1)
			}
		}
	}
	slices.Sort(d.bounds)
	d.bounds = slices.Compact(d.bounds)
	if len(d.bounds) >= mostClasses {
		return nil
	}
	for c := range d.ascii {
		d.ascii[c] = d.classOf(rune(c))
	}
	return d
}

func (d *dfa) classOf(r rune) uint8 {
	i, exact := slices.BinarySearch(d.bounds, r)
	if !exact {
		i--
	}
	return uint8(i)
}

// What came before the next character, as far as an assertion can tell.
const (
	beforeText = iota
	beforeLine
	beforeWord
	beforeOther
)

func kindOf(r rune) byte {
	switch {
	case r < 0:
		return beforeText
	case r == '\n':
		return beforeLine
	case syntax.IsWordChar(r):
		return beforeWord
	}
	return beforeOther
}

// States of a cache: those behind a step that was never made, that no match
// has, and that a match ended before; then all others.
const (
	unknown = iota
	dead
	matched
	firstState
)

// A dfaCache holds the states of one dfa. It is for one goroutine.
type dfaCache struct {
	dfa    *dfa
	room   *int // bytes that all caches of one search may still take; whoever shares it makes room
	width  int
	next   []int32 // by state and class, the last class being the end of the text
	states []state
	ids    map[string]int32
	starts [4]int32
	work   workspace
}

// A state is a set of instructions that wait for a character, and what came before.
type state struct {
	set    []uint32
	before byte
}

type workspace struct {
	stack, set, ready []uint32
	seen              []bool
	key               []byte
}

func (d *dfa) newCache(room *int) *dfaCache {
	c := &dfaCache{dfa: d, room: room, width: len(d.bounds) + 1, states: make([]state, firstState), ids: map[string]int32{}}
	c.work.seen = make([]bool, len(d.prog.Inst))
	c.next = make([]int32, firstState*c.width)
	*room -= len(c.work.seen) + 4*len(c.next)
	return c
}

// run reports whether a match can begin at text[at:], and how far it looked to
// tell. What it cannot tell it does not rule out.
func (c *dfaCache) run(text string, at int) (stop int, may bool) {
	before := byte(beforeText)
	if at > 0 {
		r, _ := utf8.DecodeLastRuneInString(text[:at])
		before = kindOf(r)
	}
	if c.starts[before] == unknown {
		c.starts[before] = c.intern([]uint32{uint32(c.dfa.prog.Start)}, before)
	}
	now := c.starts[before]
	for i, steps := at, 0; ; steps++ {
		class, size := c.width-1, 0
		if i < len(text) {
			if b := text[i]; b < utf8.RuneSelf {
				class, size = int(c.dfa.ascii[b]), 1
			} else {
				var r rune
				r, size = utf8.DecodeRuneInString(text[i:])
				class = int(c.dfa.classOf(r))
			}
		}
		to := c.next[int(now)*c.width+class]
		if to == unknown {
			to = c.step(now, class)
		}
		if to == matched || to == dead {
			return i, to == matched
		}
		if now, i = to, i+size; steps == mostSteps {
			return i, true
		}
	}
}

// step makes the state after now and a character of class.
func (c *dfaCache) step(now int32, class int) int32 {
	r := rune(-1)
	if class < c.width-1 {
		r = c.dfa.bounds[class]
	}
	s, w := c.states[now], &c.work
	if c.follow(s.set, assertions(s.before, r)) {
		c.next[int(now)*c.width+class] = matched
		return matched
	}
	w.set = w.set[:0]
	if r >= 0 {
		for _, pc := range w.ready {
			if in := &c.dfa.prog.Inst[pc]; in.MatchRune(r) {
				w.set = append(w.set, in.Out)
			}
		}
	}
	slices.Sort(w.set)
	to := int32(dead)
	if set := slices.Compact(w.set); len(set) > 0 {
		to = c.intern(set, kindOf(r))
	}
	c.next[int(now)*c.width+class] = to
	return to
}

// follow fills ready with the instructions that wait for a character, reached
// from set if what is asserted holds. It reports whether the end is reached.
func (c *dfaCache) follow(set []uint32, holds syntax.EmptyOp) (hasMatch bool) {
	w := &c.work
	w.stack, w.ready = append(w.stack[:0], set...), w.ready[:0]
	clear(w.seen)
	for len(w.stack) > 0 {
		pc := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		if w.seen[pc] {
			continue
		}
		w.seen[pc] = true
		switch in := &c.dfa.prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			w.stack = append(w.stack, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			w.stack = append(w.stack, in.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^holds == 0 {
				w.stack = append(w.stack, in.Out)
			}
		case syntax.InstMatch:
			hasMatch = true
		case syntax.InstFail:
		default:
			w.ready = append(w.ready, pc)
		}
	}
	return hasMatch
}

// intern returns the number of a state, which may be new.
func (c *dfaCache) intern(set []uint32, before byte) int32 {
	key := append(c.work.key[:0], before)
	for _, pc := range set {
		key = binary.LittleEndian.AppendUint32(key, pc)
	}
	c.work.key = key
	if id, ok := c.ids[string(key)]; ok {
		return id
	}
	const beside = 120 // an entry of the map, the headers of the set and the key
	*c.room -= 8*c.width + 2*len(key) + beside
	id := int32(len(c.states))
	c.ids[string(key)] = id
	c.states = append(c.states, state{slices.Clone(set), before})
	c.next = append(c.next, make([]int32, c.width)...)
	return id
}

// assertions are what holds between what came before and r, which is negative
// at the end of the text.
func assertions(before byte, r rune) syntax.EmptyOp {
	var holds syntax.EmptyOp
	if before == beforeText {
		holds |= syntax.EmptyBeginText | syntax.EmptyBeginLine
	}
	if before == beforeLine {
		holds |= syntax.EmptyBeginLine
	}
	if r < 0 {
		holds |= syntax.EmptyEndText | syntax.EmptyEndLine
	}
	if r == '\n' {
		holds |= syntax.EmptyEndLine
	}
	if (before == beforeWord) != syntax.IsWordChar(r) {
		return holds | syntax.EmptyWordBoundary
	}
	return holds | syntax.EmptyNoWordBoundary
}
