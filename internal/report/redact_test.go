package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// canaries are secrets that every way of escaping would change.
var canaries = []string{
	"gh" + "p_canary_0123456789_abcdef",
	"p@ss|w`o`rd<&>\"'*#1{}[x](y)\\n~!$%:/z",
	"canary\tof\u00fc\u200bmany words",
	"canary line one\ncanary line two",
	"sk-canary==//++::www.canary.example",
}

// leaks reports whether text has secret, as it stands or with what was put in
// to escape it taken out again.
func leaks(text, secret string) bool {
	for _, s := range []string{secret, oneLine(secret), showPath(secret), strings.Trim(fmt.Sprintf("%q", secret), `"`), strings.ReplaceAll(secret, "\\", "")} {
		if strings.Contains(text, s) || strings.Contains(strings.ReplaceAll(marks.Replace(text), `\`, ""), strings.ReplaceAll(s, `\`, "")) {
			return true
		}
	}
	return strings.Contains(text, "canary") || strings.Contains(text, "p@")
}

// A secret may stand in a name, a message or an error; nothing that leaves has it.
func TestReportHasNoSecret(t *testing.T) {
	for _, secret := range canaries {
		f := finding.New(finding.Rule{ID: "secret/generic-api-key", Title: "Key " + secret, Severity: finding.Critical, Why: "It is " + secret, How: "Not `" + secret + "`.\n\n```\n" + secret + "\n```"},
			at("pay/pay.go", 3, 3), finding.OfSecret(secret), "Found "+secret+" here")
		f.Details = []finding.Detail{{Name: "As", Text: secret}}
		f.Evidence = finding.Hidden(secret)
		f.Fix.Edits = []change.Edit{{Span: f.At, Text: "var x = " + secret + "\n"}}
		f.Also = []change.Span{at("also/"+secret, 1, 2)}
		f.Commit = head
		odd := finding.New(finding.Rule{ID: "iac/AWS-0092", Title: "Public", Severity: finding.High, How: "Do " + secret},
			at(strings.Repeat("p", 40)+"/"+secret+".tf", 0, 0), finding.InFile("x"), secret+" is public")
		accepted := odd
		accepted.Rule.ID, accepted.At = "iac/AWS-0001", at("x/"+secret, 1, 1)
		s := sample{
			files: files(), findings: []finding.Finding{f, odd, accepted}, secrets: []finding.Finding{f},
			skipped:  []change.Skip{{Path: "skip/" + secret, Why: "no, " + secret}},
			statuses: []finding.Status{{Scanner: "secret", Err: errorOf("read: " + secret)}},
			policy: func(p *policy.Policy) {
				p.Ignore = []policy.Exception{{Rule: "iac/AWS-0001", Reason: "it is " + secret, Owner: secret, Until: today}}
			},
		}
		if oneLine(secret) == secret { // a notice is in words before there is a redactor
			s.notices = []string{PolicyBroken("main", errorOf("key "+secret)), PolicyBroken("main", &policy.SyntaxError{Line: 1, Column: 1, Text: "key `" + secret + "`"})}
		}
		for _, comments := range []int{0, 1} {
			for _, incomplete := range []bool{false, true} {
				s.comments = comments
				if incomplete {
					s.findings = nil // a title of what was not looked at
				}
				r := s.report(t)
				outputs := map[string]string{}
				for name, format := range Formats() {
					var b strings.Builder
					require.NoError(t, format(&b, r))
					outputs[name] = b.String()
				}
				check, err := Check(r)
				require.NoError(t, err)
				outputs["check"], outputs["title"], outputs["conclusion"] = check.Summary, check.Title, string(check.Conclusion)
				for i, n := range check.Notes {
					outputs[fmt.Sprintf("annotation %d", i)] = n.Title + "\n" + n.Text // its path is where it stands
				}
				review, err := Review(r)
				require.NoError(t, err)
				outputs["review"] = review.Body
				for i := range review.Comments {
					outputs[fmt.Sprint("comment ", i)] = body(t, review, i)
					assert.NotContains(t, body(t, review, i), "```suggestion", "what cannot be shown cannot be suggested")
				}
				outputs["shared head"] = SharedHead(check, 2, Title(r), check.Conclusion).Title
				for name, text := range outputs {
					assert.False(t, leaks(text, secret), "%s has %q:\n%s", name, secret, text)
				}
				if !incomplete {
					assert.Contains(t, outputs["json"], "[secret removed]")
				}
			}
		}
	}
}

// A title is cut after the secrets were taken out: half a secret is not known any more.
func TestReportCutsLast(t *testing.T) {
	secret := strings.Repeat("0123456789abcdef", 4)
	for n := range 260 {
		f := stripe()
		f.Rule.Title = strings.Repeat("x", n) + " " + secret
		r := sample{files: files(), findings: []finding.Finding{f}, secrets: []finding.Finding{finding.New(f.Rule, f.At, finding.OfSecret(secret), "")}}.report(t)
		check, err := Check(r)
		require.NoError(t, err)
		assert.NotContains(t, check.Title+check.Summary+check.Notes[0].Title, "0123")
	}
}
