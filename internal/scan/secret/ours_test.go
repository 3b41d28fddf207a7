package secret

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// fileFor is a name that the rule looks at.
func fileFor(r *ruleEntry) string {
	for _, name := range []string{"a.txt", ".pgpass", ".my.cnf", ".edgerc", "settings.xml", "kubeconfig"} {
		if r.Path == "" || express(r.Path).matches(name) {
			return name
		}
	}
	return ""
}

// sayLittle are the rules for any password where one is usual: what is nearly
// the token of a provider is one too.
func sayLittle() map[string]bool {
	return map[string]bool{"assigned-password": true, "command-password": true}
}

// TestOurRulesInTheScanner takes the examples of every rule through the whole
// scanner: a hit is one finding, of that rule, with its own steps.
func TestOurRulesInTheScanner(t *testing.T) {
	all, known := ruleEntries(t), map[string]bool{}
	for _, r := range all {
		known[r.ID] = !sayLittle()[r.ID]
	}
	for _, r := range all {
		for _, e := range r.Examples.Hit {
			found := inspect(t, nil, tree{fileFor(r): "first\n" + mended(e) + "\nlast\n"})
			i := slices.IndexFunc(found, func(f finding.Finding) bool { return f.Rule.ID == "secret/"+r.ID })
			if !assert.GreaterOrEqual(t, i, 0, "%s is not found in the scanner, but %v", r.ID, lines(found)) {
				continue
			}
			f := found[i]
			assert.GreaterOrEqual(t, f.Confidence, finding.Likely, r.ID)
			assert.Contains(t, f.Fix.Text, r.RotateSteps[1:], r.ID)
			assert.Contains(t, f.Rule.References, r.Docs, r.ID)
			assert.Equal(t, r.Title+" committed", f.Rule.Title, r.ID)
			assert.NotContains(t, f.Message+f.Fix.Text+f.Evidence.String(), mended(e), r.ID)
		}
		for _, e := range r.Examples.Near {
			for _, f := range inspect(t, nil, tree{fileFor(r): "first\n" + mended(e) + "\nlast\n"}) {
				id := strings.TrimPrefix(f.Rule.ID, "secret/")
				assert.False(t, known[id] || id == r.ID, "%s: %s is taken for a %s", r.ID, e, f.Rule.ID)
			}
		}
		for _, e := range r.Examples.Placeholder {
			for _, f := range inspect(t, nil, tree{fileFor(r): "first\n" + mended(e) + "\nlast\n"}) {
				quiet := f.Confidence < finding.Likely || f.Severity <= finding.Low
				assert.True(t, quiet, "%s: %s is taken for a %s", r.ID, e, f.Rule.ID)
			}
		}
	}
}

// TestOneFindingForOneValue: of all rules that match a value, one reports it.
func TestOneFindingForOneValue(t *testing.T) {
	twice := 0
	for _, r := range ruleEntries(t) {
		for _, e := range r.Examples.Hit {
			seen := map[string]bool{}
			for _, l := range lines(inspect(t, nil, tree{fileFor(r): mended(e) + "\n"})) {
				seen[l] = true
			}
			if len(seen) > 1 {
				twice++
				t.Logf("%s: %v", r.ID, seen)
			}
		}
	}
	assert.Zero(t, twice)
}

// TestOneRuleForOneValue: a value that a name beside it tells in one file is
// known by that in all others.
func TestOneRuleForOneValue(t *testing.T) {
	sum := sha256.Sum256([]byte("one"))
	value := "b_" + hex.EncodeToString(sum[:22])
	found := inspect(t, nil, tree{"a.py": `api_key = "` + value + "\"\n", "b.env": "beamer_token=" + value + "\n"})
	assert.Equal(t, []string{"a.py:1 high likely secret/beamer-api-token", "b.env:1 high likely secret/beamer-api-token"}, lines(found))
	require.Len(t, found, 2)
	assert.Equal(t, found[0].Fix, found[1].Fix)
	assert.Equal(t, "Beamer API token on line 1", found[0].Message)
}

// TestAMillionKeywords: what only begins like a secret, however often, is all
// looked at, and soon.
func TestAMillionKeywords(t *testing.T) {
	e, err := newEngine()
	require.NoError(t, err)
	var words []string
	for _, p := range e.patterns {
		words = append(words, p.keywords...)
	}
	slices.Sort(words)
	words = slices.Compact(words)
	_, err = e.find(context.Background(), "a", wholePiece(strings.Join(words, " ")))
	require.NoError(t, err) // expressions that were needed once stay compiled

	defer debug.SetGCPercent(debug.SetGCPercent(25)) // what is kept counts, not what is yet to be collected
	n := 1_000_000
	if testing.Short() {
		n /= 10
	}
	type content struct {
		separator string
		words     []string
	}
	text := func(c content, n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(c.words[i%len(c.words)])
			b.WriteString(c.separator)
		}
		return b.String()
	}
	for name, c := range map[string]content{
		"all of them, a line each":     {"\n", words},
		"all of them on one line":      {" ", words},
		"all of them, assigned":        {"=", words},
		"all of them without blank":    {"", words},
		"one":                          {" ", []string{"ghp" + "_"}},
		"one that any value is beside": {" = ", []string{"secret"}},
		"the beginning of a key":       {"\n", []string{"-----BEGIN"}},
	} {
		find := func(n int) (took time.Duration, more uint64) {
			whole := wholePiece(text(c, n))
			start := cpu()
			more = peak(func() { _, err = e.find(context.Background(), "a", whole) })
			require.NoError(t, err, name)
			return cpu() - start, more
		}
		quarter, _ := find(n / 4)
		took, more := find(n)
		t.Logf("%s: %d words in %v of processor time, a quarter of them in %v, %d MiB more", name, n, took, quarter, more>>20)
		// Linear is four times as much, whatever the machine; a square is sixteen times.
		assert.Less(t, took, 8*quarter+time.Second, name)
		assert.Less(t, more, uint64(64<<20), name)
	}
}
