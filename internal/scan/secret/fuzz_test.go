package secret

import (
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/scan/secret/secrettest"
)

// FuzzAgainstGitleaks holds our matcher against gitleaks' detector on texts
// that begin as what its rules look for: whatever that finds, we find too.
func FuzzAgainstGitleaks(f *testing.F) {
	e, d := asGitleaks(f), detector(f)
	r := rand.New(rand.NewSource(1))
	for _, p := range e.patterns {
		if p.expr == nil {
			continue
		}
		text := secrettest.Sample(r, p.expr.text)
		f.Add(text + "\n")
		f.Add("x " + text + text + " \"" + strings.ToUpper(text) + "\"\r\n" + p.keywords[0] + "=" + text[len(text)/2:] + ";")
	}
	for _, text := range []string{"", "\xff\xfe", "api\u212aey = 'q8Zk2Lx9Vw4Tn7Rb1Yc6Md3Pf5'", "\u017fecret: q8Zk2Lx9Vw4Tn7Rb1Yc6Md3Pf5 ", "token=token=token=\u00e9\u00e9q8Zk2Lx9Vw4Tn7Rb1Yc6Md3Pf5\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 20_000 {
			return
		}
		missed, more := differences(t, e, d, document{"a.yaml", text})
		require.Empty(t, missed, "only gitleaks finds it")
		for _, s := range more {
			// What only we find begins in something that does not count (see retry), or
			// is written with a character that gitleaks takes for no letter.
			p := e.patterns[slices.IndexFunc(e.patterns, func(p *pattern) bool { return p.rule.ID == "secret/"+s.rule })]
			hides := slices.ContainsFunc(p.expr.regex().FindAllString(text, -1), func(m string) bool { return !strings.HasPrefix(m, s.secret) })
			require.True(t, hides || hasFolded(text), "%s: nothing hides it from gitleaks", s.rule)
		}
	})
}

// FuzzDFA: what a dfa rules out, the expression does not match.
func FuzzDFA(f *testing.F) {
	e, err := newEngine()
	require.NoError(f, err)
	r := rand.New(rand.NewSource(2))
	for i, p := range e.patterns {
		if p.expr != nil {
			f.Add(uint16(i), secrettest.Sample(r, p.expr.text)+" ", uint8(3))
		}
	}
	f.Fuzz(func(t *testing.T, n uint16, text string, cut uint8) {
		p := e.patterns[int(n)%len(e.patterns)]
		if p.expr == nil || len(text) > 5_000 || hasFolded(text) {
			return
		}
		how := p.plan()
		if !how.ok || how.behind == nil {
			return
		}
		room := 1 << 20
		cache := how.behind.newCache(&room)
		lower := strings.ToLower(text)
		for _, at := range p.expr.regex().FindAllStringIndex(text, -1) {
			if len(lower) != len(text) {
				return
			}
			passed := false
			for _, k := range p.keywords {
				for i := at[0]; i+len(k) <= at[1]; i++ {
					if lower[i:i+len(k)] == k {
						_, may := cache.run(text, i+len(k))
						passed = passed || may
					}
				}
			}
			require.True(t, passed, "%s: a match whose keywords are all ruled out", p.rule.ID)
		}
	})
}
