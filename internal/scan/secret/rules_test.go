package secret

import (
	"context"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zricethezav/gitleaks/v8/config"
	"github.com/zricethezav/gitleaks/v8/detect"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan/secret/secrettest"
)

func TestRulesAreFitForPeople(t *testing.T) {
	rules := New().Rules()
	require.Greater(t, len(rules), 200)
	for _, r := range rules {
		assert.True(t, strings.HasPrefix(r.ID, "secret/"), r.ID)
		assert.Regexp(t, `^[A-Z1n]([^.]|\.io)* committed$`, r.Title, r.ID)
		assert.NotContains(t, r.Title, "  ")
		assert.NotEmpty(t, r.Why, r.ID)
		assert.Greater(t, r.Severity, finding.Info, r.ID)
		if isPublic(strings.TrimPrefix(r.ID, "secret/")) {
			continue
		}
		assert.Contains(t, strings.ToLower(r.How), "rotate it first", r.ID)
		assert.Contains(t, r.How, "force-push alone is not enough", r.ID)
		assert.NotEmpty(t, r.References, r.ID)
	}
	assert.True(t, slices.IsSortedFunc(rules, func(a, b finding.Rule) int { return strings.Compare(a.ID, b.ID) }))
}

// oracle is gitleaks' own detector over the same rules, without the excuses
// that do not speak of a value.
func oracle(t testing.TB) *detect.Detector {
	t.Helper()
	d, err := detect.NewDetectorDefaultConfig()
	require.NoError(t, err)
	d.IgnoreGitleaksAllow = true
	valueOnly := func(lists []*config.Allowlist) []*config.Allowlist {
		var kept []*config.Allowlist
		for _, x := range lists {
			all, elsewhere := x.MatchCondition == config.AllowlistMatchAnd, len(x.Paths)+len(x.Commits) > 0
			if x.RegexTarget != "line" && !(all && elsewhere) && len(x.Regexes)+len(x.StopWords) > 0 {
				kept = append(kept, &config.Allowlist{MatchCondition: x.MatchCondition, RegexTarget: x.RegexTarget, Regexes: x.Regexes, StopWords: x.StopWords})
			}
		}
		return kept
	}
	d.Config.Allowlists = valueOnly(d.Config.Allowlists)
	for id, r := range d.Config.Rules {
		r.Allowlists = valueOnly(r.Allowlists)
		d.Config.Rules[id] = r
	}
	return d
}

// suitable is a file name that every rule with an opinion on names may see.
func suitable(id string) string {
	switch id {
	case "freemius-secret-key":
		return "a.php"
	case "hashicorp-tf-password":
		return "a.tf"
	case "kubernetes-secret-yaml":
		return "a.yaml"
	case "nuget-config-password":
		return "nuget.config"
	}
	return "a.txt"
}

// gitleaksAlone is an engine of their rules without ours.
func gitleaksAlone(t testing.TB) *engine {
	t.Helper()
	f, err := theirRules()
	require.NoError(t, err)
	e, err := compile(theirPatterns(f))
	require.NoError(t, err)
	return e
}

// TestRulesAreReadAsGitleaksReadsThem holds our reader of its file against its own.
func TestRulesAreReadAsGitleaksReadsThem(t *testing.T) {
	d, err := detect.NewDetectorDefaultConfig()
	require.NoError(t, err)
	f, err := theirRules()
	require.NoError(t, err)
	same := func(theirs []*config.Allowlist, ours []allowText, id string) {
		require.Len(t, ours, len(theirs), id)
		for i, a := range theirs {
			assert.Equal(t, a.MatchCondition == config.AllowlistMatchAnd, strings.EqualFold(ours[i].Condition, "and"), id)
			assert.Equal(t, a.RegexTarget, ours[i].RegexTarget, id)
			assert.Empty(t, a.Commits, id)
			assert.Len(t, ours[i].Paths, len(a.Paths), id)
			assert.ElementsMatch(t, a.StopWords, distinctWords(ours[i].StopWords), id)
			require.Len(t, ours[i].Regexes, len(a.Regexes), id)
			for j, re := range a.Regexes {
				assert.Equal(t, re.String(), ours[i].Regexes[j], id)
			}
		}
	}
	same(d.Config.Allowlists, f.Allowlists, "of all rules")
	require.Len(t, f.Rules, len(d.Config.Rules))
	for _, r := range f.Rules {
		theirs := d.Config.Rules[r.ID]
		assert.False(t, theirs.SkipReport, r.ID)
		assert.Empty(t, theirs.RequiredRules, r.ID)
		if theirs.Regex != nil {
			assert.Equal(t, theirs.Regex.String(), r.Regex, r.ID)
		}
		if theirs.Path != nil {
			assert.Equal(t, theirs.Path.String(), r.Path, r.ID)
		}
		assert.Equal(t, theirs.Entropy, r.Entropy, r.ID)
		assert.Equal(t, theirs.SecretGroup, r.SecretGroup, r.ID)
		assert.ElementsMatch(t, theirs.Keywords, lowered(r.Keywords), r.ID)
		same(theirs.Allowlists, r.Allowlists, r.ID)
	}
}

func distinctWords(words []string) []string {
	all := lowered(words)
	slices.Sort(all)
	return slices.Compact(all)
}

// TestExpressionsCompile: at run time it would be too late to learn.
func TestExpressionsCompile(t *testing.T) {
	e, err := newEngine()
	require.NoError(t, err)
	for _, p := range e.patterns {
		assert.True(t, p.expr != nil || p.path != nil, p.rule.ID)
		assert.NotPanics(t, func() {
			p.path.matches("a")
			if p.expr != nil {
				p.expr.regex()
				p.expr.next()
			}
			for _, x := range p.excuses {
				for _, re := range x.regexes {
					re.regex()
				}
			}
		}, p.rule.ID)
	}
}

// TestEveryRule makes texts for every rule and asks both us and gitleaks' detector.
func TestEveryRule(t *testing.T) {
	e := gitleaksAlone(t)
	d := oracle(t)
	r := rand.New(rand.NewSource(1))
	for _, p := range e.patterns {
		if p.expr == nil {
			continue
		}
		id := strings.TrimPrefix(p.rule.ID, "secret/")
		values := map[string]bool{}
		for try := 0; try < 12 || len(values) < 2 && try < 300; try++ {
			text := strings.Join(d.Config.Rules[id].Keywords, "\n") + "\n" + secrettest.Sample(r, p.expr.text) + tailOf(r, p) + " \nnothing here\n"
			ours, err := e.matches(context.Background(), suitable(id), text, 0, len(text))
			require.NoError(t, err)
			var got, want []string
			for _, m := range ours {
				if m.pattern == p {
					values[text[m.from:m.to]] = true
				}
				if m.pattern.rank != anyValue && !m.pattern.whole && m.pattern.tail == nil {
					got = append(got, fmt.Sprintf("%s %d %q", m.pattern.rule.ID, strings.Count(text[:m.start], "\n"), text[m.from:m.to]))
				}
			}
			for _, f := range d.Detect(detect.Fragment{Raw: text, FilePath: suitable(id)}) {
				switch f.RuleID {
				case "generic-api-key", "jwt-base64", "microsoft-teams-webhook", "aws-amazon-bedrock-api-key-short-lived":
					continue // of these we take more than they do
				}
				want = append(want, fmt.Sprintf("secret/%s %d %q", f.RuleID, f.StartLine, f.Secret))
			}
			slices.Sort(got)
			slices.Sort(want)
			assert.Equal(t, want, got, id)
		}
		assert.Greater(t, len(values), 1, "%s: no two different values in all texts", id)
		for v := range values {
			assert.GreaterOrEqual(t, len(v), 6, id)
		}
	}
}

func tailOf(r *rand.Rand, p *pattern) string {
	if p.tail == nil {
		return ""
	}
	return secrettest.Sample(r, `[a-z0-9]{20}`)
}
