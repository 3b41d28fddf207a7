package secret

import (
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

const (
	// retryBytes bounds how much is searched again, in multiples of the text.
	retryBytes = 8
	// retryWord is how far behind a match that does not count the keyword of
	// one may stand that begins in it.
	retryWord = 64
	// longestOpening bounds the first line of a private key.
	longestOpening = 160
)

// A retry looks again where a match of a pattern does not count: expressions
// match from left to right and never twice in one place, so what looks like the
// beginning of a secret can take in a real one.
type retry struct {
	pattern *pattern
	text    string
	from    int    // where a match has to begin to count
	left    int    // bytes that may still be searched; below 0: not all was
	beside  []span // the keywords that a match may have, by their ends; none if that is not known
}

// within returns the matches that count and begin in bad behind its own beginning.
func (r *retry) within(bad match) []match {
	var found []match
	p := r.pattern
	stop := r.stop(bad.end)
	// A value that does not count counts no more without the name before it.
	for at := max(bad.start+1, bad.from, r.from); at < bad.end; {
		before := at - size(r.text[:at])
		if r.left < 0 || !r.mayBegin(before, bad.end) {
			break
		}
		loc := p.expr.next().FindStringIndex(r.text[before:stop])
		if loc == nil {
			r.left -= stop - before
			break
		}
		start, end := before+loc[0], before+loc[1]
		r.left -= end - before
		_, n := utf8.DecodeRuneInString(r.text[start:])
		if start += n; start >= bad.end {
			break
		}
		if end == stop && stop < len(r.text) { // who knows how it goes on
			at = start + 1
			continue
		}
		m, ok := p.match(r.text, start, end)
		if ok && m.start >= r.from {
			found = append(found, m)
			if at = max(end, start+1); p.opens(r.text, m) {
				at = start + 1
			}
			continue
		}
		at = max(start+1, m.from)
	}
	return found
}

// stop is where a match ends at the latest that begins before end.
func (r *retry) stop(end int) int {
	far := overlap
	if how := r.pattern.plan(); how.ok && len(r.beside) > 0 {
		if a := how.left.plus(how.right); a.open == 0 && !a.all {
			far = min(far, a.runes*utf8.UTFMax+edge)
		}
	}
	return min(len(r.text), end+far)
}

// mayBegin reports whether a match may begin in text[at:end]: whether there is
// a keyword for it.
func (r *retry) mayBegin(at, end int) bool {
	how := r.pattern.plan()
	if !how.ok || len(r.beside) == 0 {
		return r.pattern.mentioned(r.text[at:min(len(r.text), end+retryWord)])
	}
	if how.left.all || how.left.open > 0 {
		end = len(r.text)
	} else {
		end += how.left.runes * utf8.UTFMax
	}
	first := sort.Search(len(r.beside), func(i int) bool { return r.beside[i].end > at })
	for _, k := range r.beside[first:] {
		if k.start >= at && k.start <= end {
			return true
		}
		if k.start > end+retryWord {
			break
		}
	}
	return false
}

// opens reports whether m ends with what can be the beginning of another match:
// the first line of a private key ends like the last one.
func (p *pattern) opens(text string, m match) bool {
	return p.opening != nil && p.opening.MatchString(text[max(m.start, m.end-longestOpening):m.end])
}

// size returns how many bytes the last character of s has.
func size(s string) int {
	_, n := utf8.DecodeLastRuneInString(s)
	return n
}

// mentioned reports whether text has a keyword of p.
func (p *pattern) mentioned(text string) bool {
	text = strings.ToLower(text)
	return len(p.keywords) == 0 || slices.ContainsFunc(p.keywords, func(k string) bool { return strings.Contains(text, k) })
}
