package secret

import (
	"context"
	"strings"
)

// A plan says how to look for a pattern: from its expression it is proved
// where in a match a keyword must be, so that nothing is searched but what is
// around the keywords. Without a proof (ok is false) all of the text is.
type plan struct {
	ok          bool
	left, right reach
	behind      *dfa // of what must follow after the keyword; nil if nothing is known
}

func newPlan(expr *expression, keywords []string) *plan {
	k, ok := locate(expr.tree(), keywords)
	if !ok {
		return &plan{}
	}
	p := &plan{ok: true, left: k.left, right: k.right}
	if k.behind != nil {
		p.behind = newDFA(k.behind)
	}
	return p
}

// A span is a part of a text.
type span struct{ start, end int }

// A scratch is what one search needs to remember, used again for the next. It is
// for one goroutine.
type scratch struct {
	hits    []hit
	touched []int       // patterns with a window
	windows [][]span    // by pattern, sorted, apart from each other
	beside  [][]span    // by pattern: the keywords that a match may have
	caches  []*dfaCache // by pattern, of plan.behind
	room    int         // bytes that caches may still take
	steps   []int       // by pattern: how much the dfa looked at
	closed  []int8      // by pattern: whether its path fits; 0 if nobody asked
}

func newScratch(patterns int) *scratch {
	return &scratch{
		room:    cacheRoom,
		windows: make([][]span, patterns), beside: make([][]span, patterns),
		caches: make([]*dfaCache, patterns), steps: make([]int, patterns), closed: make([]int8, patterns),
	}
}

const (
	// edge is how much more than a match can have is searched on each side of
	// it: what an assertion looks at, and a whole character.
	edge = 4
	// dfaShare bounds how much of a text the dfa of one pattern looks at, in
	// multiples of the text. Beyond it the regular expression does, which
	// never looks at anything twice.
	dfaShare = 4
	// cacheRoom bounds the memory of the states that all patterns have of their
	// dfas, in bytes. Texts that need more have them made anew.
	cacheRoom = 8 << 20
)

// matches returns the matches of all patterns that begin in text[from:to].
func (e *engine) matches(ctx context.Context, path, text string, from, to int) ([]match, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, _ := e.scratches.Get().(*scratch)
	if s == nil {
		s = newScratch(len(e.patterns))
	}
	defer func() {
		for _, i := range s.touched {
			s.windows[i], s.beside[i] = s.windows[i][:0], s.beside[i][:0]
		}
		s.touched = s.touched[:0]
		clear(s.steps)
		clear(s.closed)
		e.scratches.Put(s)
	}()
	var ascii bool
	s.hits, ascii = e.keywords.scan(text, s.hits[:0])
	if !ascii && hasFolded(text) {
		e.folded(s, path, text)
	} else {
		for _, h := range s.hits {
			for _, i := range e.byKeyword[h.word] {
				e.window(s, i, path, text, int(h.end)-e.keywords.lengths[h.word], int(h.end), ascii)
			}
		}
	}
	for i, always := range e.always {
		if always {
			s.whole(i, len(text))
		}
	}
	var all []match
	var skipped error
	for _, i := range s.touched {
		p := e.patterns[i]
		if p.expr == nil || !p.path.matches(path) {
			continue
		}
		again := retry{pattern: p, text: text, from: from, left: retryBytes * len(text), beside: s.beside[i]}
		for _, w := range s.windows[i] {
			if err := ctx.Err(); err != nil {
				return all, err
			}
			all = p.within(all, &again, w, to)
		}
		if again.left < 0 {
			skipped = errLookAlikes
		}
	}
	return all, skipped
}

// Characters that an expression may take for a letter of ASCII, whatever its case.
const kelvin, longS = "\u212a", "\u017f"

func hasFolded(text string) bool {
	return strings.Contains(text, kelvin) || strings.Contains(text, longS)
}

// folded adds the windows of a text in which keywords may be written with
// characters that are not ASCII: it looks for them where those are replaced.
func (e *engine) folded(s *scratch, path, text string) {
	plain := strings.NewReplacer(kelvin, "k", longS, "s").Replace(text)
	s.hits, _ = e.keywords.scan(plain, s.hits[:0])
	at, offset := 0, 0 // in plain, and how much further that is in text
	for _, h := range s.hits {
		for ; at < int(h.end); at++ {
			switch rest := text[at+offset:]; {
			case strings.HasPrefix(rest, kelvin):
				offset += len(kelvin) - 1
			case strings.HasPrefix(rest, longS):
				offset += len(longS) - 1
			}
		}
		end := at + offset
		start := max(0, end-len(kelvin)*e.keywords.lengths[h.word]) // or a little later
		for _, i := range e.byKeyword[h.word] {
			e.window(s, i, path, text, start, end, false)
		}
	}
}

// opens reports whether pattern i looks at files of this name at all.
func (s *scratch) opens(p *pattern, i int, path string) bool {
	if p.path == nil {
		return true
	}
	if s.closed[i] == 0 {
		s.closed[i] = 1
		if p.path.matches(path) {
			s.closed[i] = 2
		}
	}
	return s.closed[i] == 2
}

// whole makes all of the text the window of pattern i.
func (s *scratch) whole(i, size int) {
	w := s.windows[i]
	if len(w) == 0 {
		s.touched = append(s.touched, i)
	}
	s.windows[i] = append(w[:0], span{0, size})
	s.beside[i] = s.beside[i][:0]
}

// window adds what is around the keyword text[start:end] to what is searched for
// pattern i, unless no match can have the keyword in it.
func (e *engine) window(s *scratch, i int, path, text string, start, end int, ascii bool) {
	p := e.patterns[i]
	if !s.opens(p, i, path) {
		return
	}
	how := p.plan()
	if !how.ok {
		s.whole(i, len(text))
		return
	}
	windows := s.windows[i]
	last := len(windows) - 1
	if last >= 0 && windows[last].end == len(text) && windows[last].start <= start {
		s.beside[i] = append(s.beside[i], span{start, end})
		return
	}
	if how.behind != nil && !s.mayFollow(i, how.behind, text, end) {
		return
	}
	size := 1
	if !ascii {
		size = 4
	}
	w := span{leftOf(text, start, how.left, size), rightOf(text, end, how.right, size)}
	s.beside[i] = append(s.beside[i], span{start, end})
	if last < 0 {
		s.touched = append(s.touched, i)
	} else if windows[last].end >= w.start {
		for last > 0 && windows[last-1].end >= w.start {
			last--
		}
		windows[last] = span{min(w.start, windows[last].start), max(w.end, windows[len(windows)-1].end)}
		s.windows[i] = windows[:last+1]
		return
	}
	s.windows[i] = append(windows, w)
}

// mayFollow reports whether what stands behind a keyword can be the rest of a match.
func (s *scratch) mayFollow(i int, behind *dfa, text string, end int) bool {
	if s.room < 0 {
		clear(s.caches)
		s.room = cacheRoom
	}
	if s.caches[i] == nil {
		s.caches[i] = behind.newCache(&s.room)
	}
	if s.steps[i] > dfaShare*len(text) {
		return true
	}
	stop, may := s.caches[i].run(text, end)
	s.steps[i] += stop - end
	return may
}

// leftOf is where a match may begin whose keyword begins at start.
func leftOf(text string, start int, r reach, size int) int {
	if r.all {
		return 0
	}
	at := start - r.runes*size
	for range r.open {
		if at <= 0 {
			return 0
		}
		at = strings.LastIndexByte(text[:at], '\n') - r.runes*size
	}
	return max(0, at-edge)
}

// rightOf is where a match may end whose keyword ends at end.
func rightOf(text string, end int, r reach, size int) int {
	if r.all {
		return len(text)
	}
	at := end + r.runes*size
	for range r.open {
		if at >= len(text) {
			return len(text)
		}
		n := strings.IndexByte(text[at:], '\n')
		if n < 0 {
			return len(text)
		}
		at += n + 1 + r.runes*size
	}
	return min(len(text), at+edge)
}

// within appends the matches of p in a window that begin before to, and those
// that again finds where one does not count.
func (p *pattern) within(all []match, again *retry, w span, to int) []match {
	text := again.text
	found := p.expr.regex().FindAllStringIndex(text[w.start:w.end], -1)
	for _, at := range found {
		if at[0] == 0 && w.start > 0 || at[1] == w.end-w.start && w.end < len(text) {
			// Nobody knows how it goes on beyond the window, which is not
			// where a match of its own keywords can begin or end.
			w = span{0, len(text)}
			found = p.expr.regex().FindAllStringIndex(text, -1)
			break
		}
	}
	for _, at := range found {
		m, ok := p.match(text, w.start+at[0], w.start+at[1])
		switch {
		case m.start >= to: // of the next part
		case ok && again.from <= m.start:
			all = append(all, m)
			if p.opens(text, m) {
				all = append(all, again.within(m)...)
			}
		case p.rank > anyValue || m.start < again.from:
			// Any value beside a word takes in no more than itself.
			all = append(all, again.within(m)...)
		}
	}
	return all
}
