package report

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
)

func TestAboutRule(t *testing.T) {
	for rule, want := range map[string]string{
		"secret/github-pat": "secret/github-pat.md", "iac/AWS-0092": "iac/AWS-0092.md", "text/invisible": "text/invisible.md",
		"dependency/unchecked": "dependency/unchecked.md", "dependency/GHSA-xxxx-0002": "dependency/vulnerable.md",
		"dependency/<b> @you": "dependency/vulnerable.md", "dependency/MAL-2026-1": "dependency/malicious.md",
		"": "", "secret": "", "secret/": "", "secret/a/b": "", "iac/../x": "", "iac/a b": "", "iac/a)b": "", "iac/a\nb": "",
	} {
		if want != "" {
			want = rulesHelp + want
		}
		assert.Equal(t, want, aboutRule(rule), rule)
	}
}

// A link says what it leads to.
func TestLinkText(t *testing.T) {
	const history = "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/removing-sensitive-data-from-a-repository"
	for want, link := range map[string][2]string{
		"how to replace it":                 {"secret/stripe-access-token", "https://docs.example.com/keys"},
		"how to take it out of the history": {"secret/beamer-api-token", history},
		"the advisory":                      {"dependency/GHSA-xxxx-0002", "https://example.com/advisories/GHSA-xxxx-0002"},
		"more about it":                     {"iac/AWS-0092", "https://docs.example.com/acl"},
	} {
		assert.Equal(t, want, linkText(link[0], link[1]))
	}
}

// A page is Markdown of one shape, whatever a rule says.
func TestRulePagesAreInert(t *testing.T) {
	page := func(s string) []string {
		pages, err := RulePages([]finding.Rule{{ID: "iac/X-1", Title: "Title " + s, Why: "Why " + s, How: "How " + s, References: []string{s, "https://example.com/"}}})
		require.NoError(t, err)
		return append(shape(t, rendered(t, pages["iac/X-1.md"])), shape(t, rendered(t, pages["README.md"]))...)
	}
	quiet := page("word")
	for _, s := range hostile {
		if strings.ContainsAny(s, "`\n") || strings.Contains(s, "**") || strings.Contains(s, "<code>") || webLink(s) {
			continue // code, paragraphs and addresses are meant to be some
		}
		assert.Equal(t, quiet, page(s), "%q", s)
	}
}

func TestRulePagesThatCannotBe(t *testing.T) {
	for _, ids := range [][]string{{"x"}, {"iac/a b"}, {"iac/A", "iac/A"}} {
		var rules []finding.Rule
		for _, id := range ids {
			rules = append(rules, finding.Rule{ID: id})
		}
		_, err := RulePages(rules)
		assert.Error(t, err, ids)
	}
}

// What a finding shows in the check and in its comment leads to its rule.
func TestReportLinksToTheRule(t *testing.T) {
	r := sample{files: files(), findings: []finding.Finding{stripe(), fontReader(), logging()}, comments: 2}.report(t)
	review, err := Review(r)
	require.NoError(t, err)
	require.Len(t, review.Comments, 2)
	assert.Contains(t, body(t, review, 0), "[about this rule]("+rulesHelp+"secret/stripe-access-token.md)")
	assert.Contains(t, body(t, review, 1), "[about this rule]("+rulesHelp+"dependency/vulnerable.md)")
	check, err := Check(r)
	require.NoError(t, err)
	assert.Contains(t, check.Summary, "[about this rule]("+rulesHelp+"iac/AWS-0089.md)")
}
