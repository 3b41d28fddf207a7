package secret

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// A reach is how far a match goes to one side of a keyword in it.
type reach struct {
	runes int  // that it takes at most, without the pieces that have no bound
	open  int  // pieces without a bound, each within one line
	all   bool // it may go on to the end of the text
}

func (a reach) plus(b reach) reach { return reach{a.runes + b.runes, a.open + b.open, a.all || b.all} }

func (a reach) or(b reach) reach {
	return reach{max(a.runes, b.runes), max(a.open, b.open), a.all || b.all}
}

// A keyed says where in an expression every match has a keyword.
type keyed struct {
	left, right reach            // from the keyword to the ends of a match, the keyword itself among both
	behind      []*syntax.Regexp // alternatives for what follows after a keyword; nil if that is not known
}

const (
	// mostTexts bounds the texts of a part of an expression that are looked
	// at one by one, and mostEnds those of them that may follow a keyword.
	mostTexts = 20_000
	mostEnds  = 300
	// mostOfClass is how many characters a class has at most to be taken for
	// alternatives that are looked at one by one.
	mostOfClass = 40
)

// locate proves from the tree of an expression that each of its matches has
// one of keywords in it, and says where. It reports false if that cannot be proved.
func locate(re *syntax.Regexp, keywords []string) (keyed, bool) {
	return locateBefore(re, keywords, nil)
}

// locateBefore is locate for an expression with others after it.
func locateBefore(re *syntax.Regexp, keywords []string, after []*syntax.Regexp) (keyed, bool) {
	if all := texts(re); allMention(all, keywords) {
		whole := extent(re)
		return keyed{left: whole, right: whole, behind: ends(all, keywords, after)}, true
	}
	switch re.Op {
	case syntax.OpCapture:
		return locateBefore(re.Sub[0], keywords, after)
	case syntax.OpPlus:
		_, ok := locateBefore(re.Sub[0], keywords, nil)
		whole := extent(re)
		return keyed{left: whole, right: whole}, ok
	case syntax.OpAlternate:
		var all []keyed
		for _, sub := range re.Sub {
			k, ok := locateBefore(sub, keywords, after)
			if !ok {
				return keyed{}, false
			}
			all = append(all, k)
		}
		return either(all), true
	case syntax.OpConcat:
		return inSequence(re.Sub, keywords, after, 0)
	}
	return keyed{}, false
}

// inSequence looks for keywords in one of several expressions in a row, or in
// what some of them make together.
func inSequence(subs []*syntax.Regexp, keywords []string, after []*syntax.Regexp, depth int) (keyed, bool) {
	for i := range subs {
		rest := slices.Concat(subs[i+1:], after)
		if k, ok := locateBefore(subs[i], keywords, rest); ok {
			k.left, k.right = extents(subs[:i]).plus(k.left), k.right.plus(extents(subs[i+1:]))
			return k, true
		}
		together := []string{""}
		for j := i; j < len(subs); j++ {
			if together = products(together, texts(subs[j])); together == nil {
				break
			}
			if allMention(together, keywords) {
				mid := extents(subs[i : j+1])
				return keyed{
					left:   extents(subs[:i]).plus(mid),
					right:  mid.plus(extents(subs[j+1:])),
					behind: ends(together, keywords, slices.Concat(subs[j+1:], after)),
				}, true
			}
		}
	}
	return inAlternatives(subs, keywords, after, depth)
}

// inAlternatives looks for keywords in each of the rows that come of the first
// alternatives in a row: the parser writes "encoded|elastic" as "e(ncoded|lastic)".
func inAlternatives(subs []*syntax.Regexp, keywords []string, after []*syntax.Regexp, depth int) (keyed, bool) {
	const deepest, most = 3, 16
	for i, sub := range subs {
		for sub.Op == syntax.OpCapture {
			sub = sub.Sub[0]
		}
		if sub.Op != syntax.OpAlternate {
			continue
		}
		if depth == deepest || len(sub.Sub) > most {
			break
		}
		var all []keyed
		for _, a := range sub.Sub {
			row := []*syntax.Regexp{a}
			if a.Op == syntax.OpConcat {
				row = a.Sub
			}
			k, ok := inSequence(slices.Concat(subs[:i], row, subs[i+1:]), keywords, after, depth+1)
			if !ok {
				return keyed{}, false
			}
			all = append(all, k)
		}
		return either(all), true
	}
	return keyed{}, false
}

// either is where a keyword is if it is in one of all.
func either(all []keyed) keyed {
	var sum keyed
	known := true
	for _, k := range all {
		sum.left, sum.right = sum.left.or(k.left), sum.right.or(k.right)
		sum.behind = append(sum.behind, k.behind...)
		known = known && k.behind != nil
	}
	if !known || len(sum.behind) > mostEnds {
		sum.behind = nil
	}
	return sum
}

// ends returns what may follow after a keyword in one of texts, with the
// expressions after those. Nil means that it may be anything.
func ends(texts, keywords []string, after []*syntax.Regexp) []*syntax.Regexp {
	var all []*syntax.Regexp
	seen := map[string]bool{}
	for _, text := range texts {
		for _, k := range keywords {
			for at := 0; ; {
				i := strings.Index(text[at:], k)
				if i < 0 {
					break
				}
				rest := text[at+i+len(k):]
				at += i + 1
				if seen[rest] {
					continue
				}
				seen[rest] = true
				if len(seen) > mostEnds {
					return nil
				}
				literal := &syntax.Regexp{Op: syntax.OpLiteral, Flags: syntax.FoldCase, Rune: []rune(rest)}
				if rest == "" {
					literal = &syntax.Regexp{Op: syntax.OpEmptyMatch}
				}
				all = append(all, &syntax.Regexp{Op: syntax.OpConcat, Sub: append([]*syntax.Regexp{literal}, after...)})
			}
		}
	}
	return all
}

// extent bounds what an expression matches.
func extent(re *syntax.Regexp) reach {
	switch re.Op {
	case syntax.OpLiteral:
		return reach{runes: len(re.Rune)}
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return reach{runes: 1}
	case syntax.OpCapture, syntax.OpQuest:
		return extent(re.Sub[0])
	case syntax.OpStar, syntax.OpPlus:
		return reach{open: 1, all: hasNewline(re.Sub[0])}
	case syntax.OpRepeat:
		e := extent(re.Sub[0])
		if re.Max < 0 {
			return reach{open: 1, all: hasNewline(re.Sub[0])}
		}
		return reach{e.runes * re.Max, e.open * re.Max, e.all}
	case syntax.OpConcat:
		return extents(re.Sub)
	case syntax.OpAlternate:
		var e reach
		for _, s := range re.Sub {
			e = e.or(extent(s))
		}
		return e
	}
	return reach{}
}

func extents(subs []*syntax.Regexp) (e reach) {
	for _, s := range subs {
		e = e.plus(extent(s))
	}
	return e
}

func hasNewline(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpLiteral:
		return slices.Contains(re.Rune, '\n')
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			if re.Rune[i] <= '\n' && '\n' <= re.Rune[i+1] {
				return true
			}
		}
		return false
	case syntax.OpAnyChar:
		return true
	}
	return slices.ContainsFunc(re.Sub, hasNewline)
}

// texts returns all texts that an expression matches, in lower case, nil if
// they are too many. What stands around them is not looked at.
func texts(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return []string{""}
	case syntax.OpLiteral:
		return []string{strings.ToLower(string(re.Rune))}
	case syntax.OpCharClass:
		return textsOfClass(re.Rune)
	case syntax.OpCapture:
		return texts(re.Sub[0])
	case syntax.OpQuest:
		if all := texts(re.Sub[0]); all != nil {
			return append(slices.Clone(all), "")
		}
	case syntax.OpRepeat:
		one := texts(re.Sub[0])
		if one == nil || re.Max < 0 || re.Max > 4 {
			return nil
		}
		var all []string
		for n, some := 0, []string{""}; n <= re.Max && some != nil; n, some = n+1, products(some, one) {
			if n >= re.Min {
				all = append(all, some...)
			}
			if n == re.Max {
				return all
			}
		}
	case syntax.OpAlternate:
		var all []string
		for _, s := range re.Sub {
			some := texts(s)
			if some == nil || len(all)+len(some) > mostTexts {
				return nil
			}
			all = append(all, some...)
		}
		return all
	case syntax.OpConcat:
		all := []string{""}
		for _, s := range re.Sub {
			if all = products(all, texts(s)); all == nil {
				return nil
			}
		}
		return all
	}
	return nil
}

func textsOfClass(ranges []rune) []string {
	var all []string
	for i := 0; i < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if text := string(unicode.ToLower(r)); !slices.Contains(all, text) {
				all = append(all, text)
			}
			if len(all) > mostOfClass {
				return nil
			}
		}
	}
	return all
}

// products are the texts of a with those of b behind them, nil if they are too many.
func products(a, b []string) []string {
	if b == nil || len(a)*len(b) > mostTexts {
		return nil
	}
	all := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			all = append(all, x+y)
		}
	}
	return all
}

// allMention reports whether each of texts has one of keywords in it.
func allMention(texts, keywords []string) bool {
	return len(texts) > 0 && !slices.ContainsFunc(texts, func(text string) bool {
		return !slices.ContainsFunc(keywords, func(k string) bool { return strings.Contains(text, k) })
	})
}
