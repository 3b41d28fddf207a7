package secret

import (
	"cmp"
	"math"
	"math/rand"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/viper"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zricethezav/gitleaks/v8/detect"

	"github.com/pullwarden/pullwarden/internal/scan/secret/secrettest"
)

// broken stands in each example, inside the token, so that no scanner takes
// the example for one.
const broken = "§"

// A ruleEntry is a rule of ours as its file has it, read here without the
// scanner: the examples must hold by the expression and the check alone.
type ruleEntry struct {
	ID, Title, Provider, Description string
	Regex, Path                      string
	SecretGroup                      int
	Entropy                          float64
	Keywords                         []string
	Check                            string
	Severity, Confidence, Format     string
	Docs, Rotate                     string
	RotateSteps                      string `mapstructure:"rotate_steps"`
	Examples                         struct{ Hit, Near, Placeholder []string }
	Allowlists                       []struct{ Regexes []string }

	file    string
	regex   *regexp.Regexp
	allowed []*regexp.Regexp
	check   check
}

func ruleEntries(t testing.TB) []*ruleEntry {
	t.Helper()
	files, err := filepath.Glob("rules/*.toml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	named := checks()
	var all []*ruleEntry
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		v := viper.New()
		v.SetConfigType("toml")
		require.NoError(t, v.ReadConfig(strings.NewReader(string(content))), file)
		var read struct{ Rules []*ruleEntry }
		require.NoError(t, v.UnmarshalExact(&read), "%s: a key that no rule has", file)
		for _, r := range read.Rules {
			r.file = filepath.Base(file)
			r.regex, err = regexp.Compile(r.Regex)
			require.NoError(t, err, "%s: %s", file, r.ID)
			for _, a := range r.Allowlists {
				for _, expr := range a.Regexes {
					r.allowed = append(r.allowed, regexp.MustCompile(expr))
				}
			}
			require.Contains(t, named, r.Check, "%s: %s", file, r.ID)
			r.check = named[r.Check]
			all = append(all, r)
		}
	}
	return all
}

// A place is where in a text a rule finds a secret.
type place struct {
	start, end int // of all that the expression matches
	from, to   int // of the secret in it
	verdict    verdict
}

// find applies the rule to text: its keywords, its expression, its entropy, its
// allowlists and its check.
func (r *ruleEntry) find(text string) []place {
	if !slices.ContainsFunc(r.Keywords, func(k string) bool { return strings.Contains(strings.ToLower(text), k) }) {
		return nil
	}
	var all []place
	for _, m := range r.regex.FindAllStringSubmatchIndex(text, -1) {
		from, to := m[0], m[1]
		for g := 1; g < len(m)/2; g++ {
			if r.SecretGroup == g || r.SecretGroup == 0 && m[2*g] < m[2*g+1] {
				from, to = m[2*g], m[2*g+1]
				break
			}
		}
		value := text[from:to]
		if r.Entropy > 0 && perCharacter(value) <= r.Entropy || slices.ContainsFunc(r.allowed, func(a *regexp.Regexp) bool { return a.MatchString(value) }) {
			continue
		}
		if v := r.check(candidate{match: text[m[0]:m[1]], value: value}); v != invalid {
			all = append(all, place{m[0], m[1], from, to, v})
		}
	}
	return all
}

// perCharacter is Shannon's entropy.
func perCharacter(s string) (sum float64) {
	counts := map[rune]float64{}
	for _, r := range s {
		counts[r]++
	}
	for _, n := range counts {
		sum -= n / float64(len(s)) * math.Log2(n/float64(len(s)))
	}
	return sum
}

func TestRuleDataIsComplete(t *testing.T) {
	theirs := map[string]bool{}
	for _, r := range oracle(t).Config.Rules {
		theirs[r.RuleID] = true
	}
	seen := map[string]bool{}
	for _, r := range ruleEntries(t) {
		assert.Regexp(t, `^[a-z0-9]+(?:-[a-z0-9]+)+$`, r.ID)
		assert.False(t, seen[r.ID], "%s is there twice", r.ID)
		assert.False(t, theirs[r.ID], "%s is a rule of gitleaks", r.ID)
		seen[r.ID] = true
		assert.Regexp(t, `^[A-Z1n][^\n.]{5,60}[^.\s]$`, r.Title, r.ID)
		assert.Regexp(t, `^.{5,200}[^.]$`, r.Description, r.ID)
		assert.Contains(t, []string{"critical", "high", "medium", "low"}, r.Severity, r.ID)
		assert.Contains(t, []string{"certain", "likely"}, r.Confidence, r.ID)
		assert.Contains(t, []string{"published", "source", "observed"}, r.Format, r.ID)
		addresses := []string{r.Docs}
		if r.Provider != "" { // a password of one's own is changed on no page
			addresses = append(addresses, r.Rotate)
		}
		for _, address := range addresses {
			u, err := url.Parse(address)
			if assert.NoError(t, err, r.ID) {
				assert.Equal(t, "https", u.Scheme, r.ID)
				assert.Contains(t, u.Host, ".", r.ID)
			}
		}
		assert.Regexp(t, `^[A-Z].{20,400}[.]$`, r.RotateSteps, r.ID)
		for kind, examples := range map[string][]string{"hit": r.Examples.Hit, "near": r.Examples.Near, "placeholder": r.Examples.Placeholder} {
			assert.NotEmpty(t, examples, "%s has no %s", r.ID, kind)
			for _, e := range examples {
				assert.Equal(t, 1, strings.Count(e, broken), "%s: %s", r.ID, e)
			}
		}
	}
}

// longestMatch bounds what an expression may match, in bytes: the scanner
// looks around a keyword no further.
const longestMatch = 8 << 10

func TestRuleExpressionsAreBounded(t *testing.T) {
	for _, r := range ruleEntries(t) {
		tree, err := syntax.Parse(r.Regex, syntax.Perl)
		require.NoError(t, err)
		n := mostBytes(tree)
		assert.LessOrEqual(t, n, longestMatch, r.ID)
		assert.NotEmpty(t, r.Keywords, r.ID)
	}
}

// mostBytes is the length of the longest match of an expression, math.MaxInt32 if there is none.
func mostBytes(re *syntax.Regexp) (n int) {
	switch re.Op {
	case syntax.OpLiteral:
		return len(string(re.Rune))
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1 // of ASCII, as all but quoted text is
	case syntax.OpStar, syntax.OpPlus:
		return math.MaxInt32
	case syntax.OpRepeat:
		if re.Max < 0 {
			return math.MaxInt32
		}
		return min(math.MaxInt32, re.Max*mostBytes(re.Sub[0]))
	case syntax.OpAlternate:
		for _, s := range re.Sub {
			n = max(n, mostBytes(s))
		}
		return n
	}
	for _, s := range re.Sub {
		n = min(math.MaxInt32, n+mostBytes(s))
	}
	return n
}

// TestRuleKeywordsAreInEveryMatch makes texts that the expressions match: the
// scanner tries no rule where none of its keywords is.
func TestRuleKeywordsAreInEveryMatch(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for _, r := range ruleEntries(t) {
		for _, k := range r.Keywords {
			assert.Equal(t, strings.ToLower(k), k, r.ID)
			assert.GreaterOrEqual(t, len(k), 3, r.ID)
		}
		var texts []string
		for range 50 {
			texts = append(texts, " "+secrettest.Sample(random, r.Regex)+" ")
		}
		for _, e := range r.Examples.Hit {
			texts = append(texts, mended(e))
			for range 25 {
				texts = append(texts, altered(random, mended(e)))
			}
		}
		matched := 0
		for _, text := range texts {
			for _, m := range r.regex.FindAllString(text, -1) {
				matched++
				if !slices.ContainsFunc(r.Keywords, func(k string) bool { return strings.Contains(strings.ToLower(m), k) }) {
					assert.Fail(t, "a match without a keyword", "%s: %q", r.ID, m)
				}
			}
		}
		assert.GreaterOrEqual(t, matched, len(r.Examples.Hit), r.ID)
	}
}

// altered is text with a few of its characters replaced by others of their kind.
func altered(r *rand.Rand, text string) string {
	b := []byte(text)
	for range 1 + r.Intn(4) {
		i := r.Intn(len(b))
		switch c := b[i]; {
		case c >= '0' && c <= '9':
			b[i] = '0' + byte(r.Intn(10))
		case c >= 'a' && c <= 'z':
			b[i] = 'a' + byte(r.Intn(26))
		case c >= 'A' && c <= 'Z':
			b[i] = 'A' + byte(r.Intn(26))
		}
	}
	return string(b)
}

// mended is an example as a file would have it.
func mended(example string) string { return strings.Replace(example, broken, "", 1) }

// beside are the rules that look at a file which r looks at: r, and all others
// that are not for files of one name, or for any password.
func beside(all []*ruleEntry, r *ruleEntry) []*ruleEntry {
	return slices.DeleteFunc(slices.Clone(all), func(other *ruleEntry) bool { return other != r && (other.Path != "" || sayLittle()[other.ID]) })
}

// TestRuleExamples holds every example against every rule.
func TestRuleExamples(t *testing.T) {
	all := ruleEntries(t)
	for _, r := range all {
		for _, e := range r.Examples.Hit {
			found := r.find(mended(e))
			if !assert.NotEmpty(t, found, "%s does not find its hit %s", r.ID, e) {
				continue
			}
			at := strings.Index(e, broken)
			assert.True(t, slices.ContainsFunc(found, func(p place) bool {
				inSecret := p.from < at && at < p.to
				inName := r.Provider == "" && p.start < at && at < p.end
				return inSecret || inName
			}), "%s: the hit %s is not broken inside the secret", r.ID, e)
		}
		for _, e := range slices.Concat(r.Examples.Near, r.Examples.Placeholder) {
			for _, other := range beside(all, r) {
				assert.Empty(t, other.find(mended(e)), "%s finds what looks like a %s: %s", other.ID, r.ID, e)
			}
		}
		for _, e := range slices.Concat(r.Examples.Hit, r.Examples.Near, r.Examples.Placeholder) {
			for _, other := range beside(all, r) {
				assert.Empty(t, other.find(e), "%s finds the broken example %s", other.ID, e)
			}
		}
	}
}

// TestRuleFilesScanClean looks at the files of rules and the tests of checks as
// at any other: no scanner may take an example for a leak.
func TestRuleFilesScanClean(t *testing.T) {
	d, all := oracle(t), ruleEntries(t)
	files, err := filepath.Glob("rules/*.toml")
	require.NoError(t, err)
	ours := []string{"check_test.go", "check_coins.go", "check_azure.go", "check_password_test.go", "links_test.go"}
	for _, file := range append(files, ours...) {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, f := range d.Detect(detect.Fragment{Raw: string(content), FilePath: file}) {
			assert.Fail(t, "gitleaks finds a leak", "%s:%d %s", file, f.StartLine+1, f.RuleID)
		}
		if !slices.Contains(ours, file) {
			continue // its examples are looked at one by one
		}
		for _, r := range all {
			for _, p := range r.find(string(content)) {
				assert.Fail(t, "our rules find a leak", "%s:%d %s", file, strings.Count(string(content[:p.from]), "\n")+1, r.ID)
			}
		}
	}
}

// TestRulesWithProof says of which rules a hit is not only plausible but proved.
func TestRulesWithProof(t *testing.T) {
	proved := 0
	for _, r := range ruleEntries(t) {
		if r.Check == "" {
			continue
		}
		best := invalid
		for _, e := range r.Examples.Hit {
			for _, p := range r.find(mended(e)) {
				best = max(best, p.verdict)
			}
		}
		switch r.Check {
		case "password", "connection", "connection-url", "basic-auth", "generated-password", "encoded-password", "secp256k1", "key-32", "key-64", "laravel", "jwk", "bitwarden", "ses-smtp":
			assert.Equal(t, plausible, best, r.ID)
		default:
			assert.Equal(t, valid, best, "%s: no hit whose check holds", r.ID)
			proved++
		}
	}
	assert.GreaterOrEqual(t, proved, 47)
}

// TestRulesBeyondGitleaks counts the rules that find what gitleaks has no rule
// of its own for. Its rule for any key beside a word does not count as one.
func TestRulesBeyondGitleaks(t *testing.T) {
	d := oracle(t)
	beyond := 0
	var same []string
	for _, r := range ruleEntries(t) {
		text := mended(r.Examples.Hit[0])
		theirs := ""
		for _, f := range d.Detect(detect.Fragment{Raw: text, FilePath: "a.txt"}) {
			if f.RuleID != "generic-api-key" {
				theirs = cmp.Or(theirs, f.RuleID)
			}
		}
		if theirs == "" {
			beyond++
		} else {
			same = append(same, r.ID+" ("+theirs+")")
		}
	}
	t.Logf("%d rules beyond gitleaks'; it also finds what these do: %s", beyond, strings.Join(same, ", "))
	assert.GreaterOrEqual(t, beyond, 250)
}
