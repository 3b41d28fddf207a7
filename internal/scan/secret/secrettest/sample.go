// Package secrettest makes up texts in which rules find secrets.
package secrettest

import (
	"math/rand"
	"regexp/syntax"
	"strings"
)

// Sample returns a random text that expr matches. Word boundaries hold because
// callers put blanks around it.
func Sample(r *rand.Rand, expr string) string {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		panic(err)
	}
	var b strings.Builder
	write(r, &b, re)
	return b.String()
}

func write(r *rand.Rand, b *strings.Builder, re *syntax.Regexp) {
	repeat := func(least, most int) {
		n := least
		if most > least {
			n += r.Intn(most - least + 1)
		}
		for range n {
			write(r, b, re.Sub[0])
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		b.WriteRune(pick(r, re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte(".abcdefghij"[r.Intn(11)])
	case syntax.OpCapture:
		write(r, b, re.Sub[0])
	case syntax.OpConcat:
		for _, s := range re.Sub {
			write(r, b, s)
		}
	case syntax.OpAlternate:
		write(r, b, re.Sub[r.Intn(len(re.Sub))])
	case syntax.OpStar, syntax.OpQuest:
		repeat(0, 1)
	case syntax.OpPlus:
		repeat(8, 12)
	case syntax.OpRepeat:
		if most := re.Max; most < 0 {
			repeat(re.Min, re.Min+8)
		} else {
			repeat(re.Min, min(most, max(re.Min+8, most/2)))
		}
	}
}

// pick returns an ASCII character of a class, a letter or digit if there is
// one: any blank would end the value early.
func pick(r *rand.Rand, class []rune) rune {
	var good, other []rune
	for i := 0; i < len(class); i += 2 {
		for c := class[i]; c <= min(class[i+1], '~'); c++ {
			switch {
			case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
				good = append(good, c)
			case c >= ' ':
				other = append(other, c)
			}
		}
	}
	if len(good) == 0 {
		good = other
	}
	if len(good) == 0 {
		return class[0]
	}
	return good[r.Intn(len(good))]
}
