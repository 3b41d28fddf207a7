package secret

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
)

// A match is a place where a pattern applies: the whole of it is
// text[start:end], the secret in it text[from:to].
type match struct {
	pattern    *pattern
	start, end int
	from, to   int
	value      string // the secret, if text[from:to] is it in another way
	joined     bool   // it is put together of more than one piece
	verdict    verdict
}

// errLookAlikes says that a text has so much in it that looks like a secret
// and is none that not all of it could be searched.
var errLookAlikes = errors.New("too much in it that only looks like a secret")

// find returns the matches in the windows of p, one for each secret.
func (e *engine) find(ctx context.Context, path string, p piece) ([]match, error) {
	var all []match
	for _, w := range p.windows {
		found, err := e.search(ctx, path, p.text, w[0], w[1], deepest)
		all = append(all, found...)
		if err != nil {
			return distinct(all), err
		}
	}
	return distinct(all), nil
}

// search returns the matches in text[from:to], as it is and written in other
// ways: decoded up to depth times. If depth is 0, as it is alone.
func (e *engine) search(ctx context.Context, path, text string, from, to, depth int) ([]match, error) {
	var all []match
	var h *hunt
	if depth > 0 {
		h = &hunt{engine: e, path: path, room: viewBytes*(to-from) + leastRoom}
	}
	for c := range parts([2]int{from, to}) {
		chunk := text[c.start:c.end]
		found, err := e.matches(ctx, path, chunk, c.from-c.start, c.to-c.start)
		if err == nil && h != nil {
			var more []match
			more, err = h.rewritten(ctx, chunk, found, depth, false)
			for _, m := range more {
				if at := m.start + c.start; at >= c.from && at < c.to { // others are of the parts beside
					found = append(found, m)
				}
			}
		}
		for _, m := range found {
			m.start, m.end, m.from, m.to = m.start+c.start, m.end+c.start, m.from+c.start, m.to+c.start
			all = append(all, m)
		}
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// match looks closer at text[start:end], which the pattern's expression
// matches: where in it the secret is, and whether it is one.
func (p *pattern) match(text string, start, end int) (match, bool) {
	for start < end && text[start] == '\n' {
		start++
	}
	for start < end && text[end-1] == '\n' {
		end--
	}
	m := match{pattern: p, start: start, end: end, from: start, to: end, verdict: plausible}
	groups := p.expr.regex().FindStringSubmatchIndex(text[start:end])
	for g := 1; g < len(groups)/2; g++ {
		from, to := groups[2*g], groups[2*g+1]
		if p.group == g || p.group == 0 && from < to {
			m.from, m.to = start+from, start+to
			break
		}
	}
	if m.from >= m.to || p.entropy != 0 && entropy(text[m.from:m.to]) <= p.entropy {
		return m, false
	}
	for _, a := range p.excuses {
		if a.covers(text, m) {
			return m, false
		}
	}
	if p.digest != nil && p.digest.MatchString(text[max(0, m.from-digestName):m.to]) {
		return m, false
	}
	if p.check != nil {
		if m.verdict = p.check(candidate{match: text[start:end], value: text[m.from:m.to]}); m.verdict == invalid {
			return m, false
		}
	}
	if p.whole {
		m.from, m.to = start, end
	}
	if p.tail != nil {
		m.to += len(p.tail.FindString(text[m.to:]))
		m.end = max(m.end, m.to)
	}
	return m, true
}

// entropy is Shannon's, over characters, per byte.
func entropy(s string) float64 {
	counts := map[rune]int{}
	for _, r := range s {
		counts[r]++
	}
	var sum float64
	for _, n := range counts {
		freq := float64(n) / float64(len(s))
		sum -= freq * math.Log2(freq)
	}
	return sum
}

// distinct sorts matches by place and keeps one for each value: of two that
// overlap the one whose rule says more; of rules that say as much, the longer one.
func distinct(all []match) []match {
	slices.SortFunc(all, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to), cmp.Compare(b.pattern.rank, a.pattern.rank),
			cmp.Compare(b.pattern.rule.Severity, a.pattern.rule.Severity), cmp.Compare(len(a.value), len(b.value)), cmp.Compare(a.pattern.rule.ID, b.pattern.rule.ID))
	})
	dropped := make([]bool, len(all))
	for i := range all {
		for j := i + 1; j < len(all) && all[j].from < all[i].to && !dropped[i]; j++ {
			switch a, b := all[i], all[j]; {
			case dropped[j]:
			case a.pattern.rank > b.pattern.rank:
				dropped[j] = true
			case a.pattern.rank < b.pattern.rank:
				dropped[i] = true
			case b.to <= a.to: // inside a, which comes first if both are the same
				dropped[j] = true
			}
		}
	}
	var kept []match
	for i, m := range all {
		if !dropped[i] {
			kept = append(kept, m)
		}
	}
	return kept
}

// byPath reports what the name of a file gives away.
func (e *engine) byPath(f change.File, content []byte) []sighted {
	const sequence = 0x30 // with which every such file begins
	if len(content) == 0 || content[0] != sequence {
		return nil
	}
	var found []sighted
	for _, p := range e.patterns {
		if p.expr == nil && p.path.matches(f.Path) {
			n := finding.New(p.rule, change.Span{Path: f.Path}, finding.InFile(f.NewBlob), p.noun)
			n.Confidence = p.confidence
			found = append(found, sighted{Finding: n, pattern: p})
		}
	}
	return found
}

// identity makes one of a value that only changed its line endings, or has them
// spelled out, as a private key on one line has.
func identity(value string) string { return lineEnds.Replace(value) }

var lineEnds = strings.NewReplacer("\r\n", "\n", `\r\n`, "\n", `\n`, "\n")
