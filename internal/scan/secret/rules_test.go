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
)

func TestRulesAreFitForPeople(t *testing.T) {
	rules := New().Rules()
	require.Greater(t, len(rules), 200)
	for _, r := range rules {
		assert.True(t, strings.HasPrefix(r.ID, "secret/"), r.ID)
		assert.Regexp(t, `^[A-Z1n]([^.]|\.io)* committed$`, r.Title, r.ID)
		assert.NotContains(t, r.Title, "  ")
		assert.NotEmpty(t, r.Why, r.ID)
		assert.Contains(t, strings.ToLower(r.How), "rotate it first", r.ID)
		assert.Contains(t, r.How, "force-push alone is not enough", r.ID)
		assert.NotEmpty(t, r.References, r.ID)
		assert.Greater(t, r.Severity, finding.Info, r.ID)
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
		for _, x := range excuses(lists) {
			if x.RegexTarget != "line" {
				kept = append(kept, x.Allowlist)
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

// TestEveryRule makes texts for every rule and asks both us and gitleaks' detector.
func TestEveryRule(t *testing.T) {
	e, err := newEngine()
	require.NoError(t, err)
	d := oracle(t)
	r := rand.New(rand.NewSource(1))
	for _, p := range e.patterns {
		if p.regex == nil {
			continue
		}
		id := strings.TrimPrefix(p.rule.ID, "secret/")
		values := map[string]bool{}
		for try := 0; try < 12 || len(values) < 2 && try < 300; try++ {
			text := strings.Join(d.Config.Rules[id].Keywords, "\n") + "\n" + sample(r, p.regex.String()) + tailOf(r, p) + " \nnothing here\n"
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
	return sample(r, `[a-z0-9]{20}`)
}
