package report

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/upgrade"
)

var update = flag.Bool("update", false, "write testdata anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	goldenFile(t, filepath.Join("testdata", name+".md"), got)
}

func goldenFile(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

// everything is what people get to read of r.
func everything(t testing.TB, r *Report) string {
	t.Helper()
	check, err := Check(r)
	require.NoError(t, err)
	review, err := Review(r)
	require.NoError(t, err)
	var text strings.Builder
	require.NoError(t, Text(&text, r))
	var b strings.Builder
	b.WriteString(checkText(check))
	if len(review.Comments) > 0 {
		fmt.Fprintf(&b, "\n# REVIEW\n\n%s", review.Body)
	}
	for i, c := range review.Comments {
		if i == 3 {
			fmt.Fprintf(&b, "\n# AND %d MORE COMMENTS\n", len(review.Comments)-i)
			break
		}
		fmt.Fprintf(&b, "\n# COMMENT on %v\n\n%s", c.At, body(t, review, i))
	}
	fmt.Fprintf(&b, "\n# TERMINAL\n\n%s", text.String())
	return b.String()
}

func checkText(c forge.Check) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# CHECK %s: %s\n\n%s", c.Conclusion, c.Title, c.Summary)
	for i, n := range c.Notes {
		if i == 3 {
			fmt.Fprintf(&b, "\n# AND %d MORE ANNOTATIONS\n", len(c.Notes)-i)
			break
		}
		fmt.Fprintf(&b, "\n# ANNOTATION %s on %v: %s\n\n%s\n", n.Level, n.At, n.Title, n.Text)
	}
	return b.String()
}

func TestReports(t *testing.T) {
	for name, s := range samples() {
		t.Run(name, func(t *testing.T) { golden(t, name, everything(t, s.report(t))) })
	}
}

func TestReportStates(t *testing.T) {
	golden(t, "started", checkText(Started(head)))
	golden(t, "unfinished", checkText(Unfinished(head, "The review took longer than it may.", forge.Neutral)))
	check, err := Check(samples()["clean"].report(t))
	require.NoError(t, err)
	shared := SharedHead(check, 7, "fail", forge.Failure)
	golden(t, "shared-head", checkText(shared))
	assert.NotEqual(t, check.Digest, shared.Digest, "another outcome is another check")
}

func plan() upgrade.Plan {
	return upgrade.Plan{
		Ecosystem: "Go", Package: "example.com/markdown", From: "v1.2.0", To: "v1.2.1", Manifest: "go.mod", Direct: true,
		Settles: []advisory.Advisory{{ID: "GO-2026-0001", Aliases: []string{"CVE-2026-0001"}, Severity: finding.High,
			Summary: "Endless loop on <nested> *lists*, see #12", URLs: []string{"https://example.com/GO-2026-0001"}}},
		Files: map[string][]byte{"go.mod": nil, "go.sum": nil},
	}
}

// plans are those that people get proposed, by the name of their golden text.
func plans() map[string]upgrade.Plan {
	major := plan()
	major.Ecosystem, major.Package, major.From, major.To, major.Major = "npm", "@types/markdown", "1.2.0", "2.0.1", true
	major.Manifest, major.Files = "web/package.json", map[string][]byte{"web/package.json": nil, "web/package-lock.json": nil}
	major.Settles = append(major.Settles, advisory.Advisory{ID: "GHSA-xxxx-0003", Severity: finding.Medium})
	major.Remains = []advisory.Advisory{{ID: "GHSA-xxxx-0004", Severity: finding.Low, Summary: "Slow on long lines"}}
	several := plan()
	several.Settles = append(several.Settles, advisory.Advisory{ID: "GO-2026-0002", Severity: finding.Medium, Summary: "Slow on long lines"})
	return map[string]upgrade.Plan{"proposal": plan(), "proposal-major": major, "proposal-several": several}
}

func TestProposals(t *testing.T) {
	for name, p := range plans() {
		got, err := (*Texts)(nil).Proposal(p, "main", base, []string{"dependencies"})
		require.NoError(t, err)
		golden(t, name, fmt.Sprintf("# PULL REQUEST %s\n\n%s\n# COMMIT\n\n%s", got.Title, got.Body, got.Message))
	}
}

// A reader has the code before his eyes: he wants the point, not a page.
func TestReportCommentLength(t *testing.T) {
	for name, s := range samples() {
		review, err := Review(s.report(t))
		require.NoError(t, err)
		for i, c := range review.Comments {
			words := body(t, review, i)
			assert.LessOrEqual(t, utf8.RuneCountInString(foldedPlaces.ReplaceAllString(words, "")), 1300*len(c.Keys), name)
			for _, part := range []string{"**How to fix.**", "**Why it matters.**", "Not a problem here?"} {
				assert.Contains(t, words, part, name)
			}
		}
	}
}

// GitHub takes 65,535 bytes of a summary, and 255 characters of a title.
// foldedPlaces are not before anybody's eyes.
var foldedPlaces = regexp.MustCompile(`(?s)<details><summary>The others</summary>.*?</details>`)

func TestReportLimits(t *testing.T) {
	s := sample{files: files(), findings: many(400)}
	for i := range s.findings {
		f := &s.findings[i]
		f.At.Path = strings.Repeat("long/", 500) + fmt.Sprint(i)
		f.Rule.Title = fmt.Sprintf("%d %s", i, strings.Repeat("title ", 40))
		f.Message = fmt.Sprintf("%d %s", i, strings.Repeat("word ", 390))
	}
	check, err := Check(s.report(t))
	require.NoError(t, err)
	assert.Less(t, len(check.Summary), 65_535)
	assert.LessOrEqual(t, utf8.RuneCountInString(check.Title), 255)
	assert.Contains(t, check.Title, "400 blocking: ")
	assert.Contains(t, check.Title, " and 397 more")
	assert.Contains(t, check.Summary, "350 more are not listed here")
	assert.Len(t, check.Notes, 400)
}

func TestReportTitleCounts(t *testing.T) {
	r := sample{files: files(), findings: []finding.Finding{bucket(), stripe(), past(fontReader())}}.report(t)
	assert.Equal(t, "3 blocking: Stripe access token committed, Vulnerable dependency: @example/font-reader (in history), "+
		`aws_s3_bucket.site: Bucket has a public ACL: "public-read"`, Title(r))
	twice := stripe()
	other := finding.New(twice.Rule, at("pay/pay.go", 1, 1), finding.OfSecret("another secret"), "Stripe access token on line 1")
	r = sample{files: files(), findings: []finding.Finding{twice, other}}.report(t)
	assert.Equal(t, "2 blocking: Stripe access token committed (2 times)", Title(r))
	r = sample{files: files(), findings: []finding.Finding{privileged()}}.report(t)
	assert.Equal(t, "1 blocking: Container 'shop' of Deployment 'shop' should set 'securityContext.privileged' to false", Title(r))
}
