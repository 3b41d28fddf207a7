package secret

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
)

// lineReach is how far from a match an excuse that speaks of its line is looked for.
const lineReach = 512

// An excuse is what makes a match harmless, such as a value that ends in EXAMPLE.
type excuse struct {
	regexes    []*expression
	words      []string // in lower case, one of which is in the value
	trie       func() *automaton
	target     string // what regexes look at: "match", "line", or the value
	all        bool   // every condition must hold, not just one
	everywhere bool   // of all rules, not just one
}

// excuses keeps of lists what speaks of values. What speaks of paths and
// commits is dropped: where a secret stands makes it no less of one.
func excuses(lists []allowText) []excuse {
	var kept []excuse
	for _, a := range lists {
		all := strings.EqualFold(a.Condition, "and") || a.Condition == "&&"
		elsewhere := len(a.Paths)+len(a.Commits) > 0
		if all && elsewhere || len(a.Regexes)+len(a.StopWords) == 0 {
			continue
		}
		e := excuse{target: a.RegexTarget, all: all, words: lowered(a.StopWords)}
		for _, text := range a.Regexes {
			e.regexes = append(e.regexes, express(text))
		}
		words := e.words
		e.trie = sync.OnceValue(func() *automaton {
			a, err := newAutomaton(words)
			if err != nil {
				panic(err) // far more words than any list has
			}
			return a
		})
		kept = append(kept, e)
	}
	return kept
}

// alternatives matches an expression of several words whose anchors only bind
// the first and the last of them.
var alternatives = regexp.MustCompile(`^(\(\?[a-z]+\))?\^(.*)\$$`)

// global are the excuses of all rules. They are meant for values that are one
// word, and one is written so that it takes in any value with that word
// somewhere in it: "(?i)^true|false|null$".
func global(lists []allowText) []excuse {
	lists = slices.Clone(lists)
	for i := range lists {
		lists[i].Regexes = slices.Clone(lists[i].Regexes)
		for j, text := range lists[i].Regexes {
			tree, err := syntax.Parse(text, syntax.Perl)
			if m := alternatives.FindStringSubmatch(text); err == nil && tree.Op == syntax.OpAlternate && m != nil {
				lists[i].Regexes[j] = m[1] + "^(?:" + m[2] + ")$"
			}
		}
	}
	kept := excuses(lists)
	for i := range kept {
		kept[i].everywhere = true
	}
	return kept
}

func (a excuse) covers(text string, m match) bool {
	value := text[m.from:m.to]
	if a.everywhere && strings.Contains(value, "\n") {
		// An excuse of single words that a text of many lines may well contain.
		return false
	}
	expressed := len(a.regexes) > 0 && a.expressed(text, m, value)
	word := len(a.words) > 0 && a.trie().contains(value)
	if a.all {
		return (expressed || len(a.regexes) == 0) && (word || len(a.words) == 0)
	}
	return expressed || word
}

func (a excuse) expressed(text string, m match, value string) bool {
	any := func(s string) bool {
		return slices.ContainsFunc(a.regexes, func(e *expression) bool { return e.regex().MatchString(s) })
	}
	switch a.target {
	case "match":
		return any(text[m.start:m.end])
	case "line":
		// What else the line says, in a comment for instance, excuses nothing:
		// the expression must match where the secret is.
		from, to := max(0, m.start-lineReach), min(len(text), m.end+lineReach)
		if i := strings.LastIndexByte(text[from:m.start], '\n'); i >= 0 {
			from += i + 1
		}
		if i := strings.IndexByte(text[m.end:to], '\n'); i >= 0 {
			to = m.end + i
		}
		for _, e := range a.regexes {
			for _, at := range e.regex().FindAllStringIndex(text[from:to], -1) {
				if from+at[0] < m.end && from+at[1] > m.start {
					return true
				}
			}
		}
		return false
	}
	return any(value)
}
