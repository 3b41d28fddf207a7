package report

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
)

func TestReportSuggestion(t *testing.T) {
	lines := at("infra/main.tf", 2, 3)
	edit := func(s change.Span, text string) []change.Edit { return []change.Edit{{Span: s, Text: text}} }
	for name, c := range map[string]struct {
		edits []change.Edit
		want  string // in the comment; "" for no suggestion
	}{
		"several lines":            {edit(lines, "  a = 1\n  b = 2\n  c = 3\n"), "```suggestion\n  a = 1\n  b = 2\n  c = 3\n```\n"},
		"no newline at the end":    {edit(lines, "  a = 1"), "```suggestion\n  a = 1\n```\n"},
		"tabs and spaces":          {edit(lines, "\ta = 1 \n"), "```suggestion\n\ta = 1 \n```\n"},
		"CRLF":                     {edit(lines, "  a = 1\r\n  b = 2\r\n"), "```suggestion\n  a = 1\n  b = 2\n```\n"},
		"a fence of its own":       {edit(lines, "```\n````x\n"), "`````suggestion\n```\n````x\n`````\n"},
		"markup is text":           {edit(lines, "<!-- x --> @you <b> *a*\n"), "```suggestion\n<!-- x --> @you <b> *a*\n```\n"},
		"deleted lines":            {edit(lines, ""), "```suggestion\n```\n"},
		"an empty line":            {edit(lines, "\n"), "```suggestion\n\n```\n"},
		"other lines":              {edit(at("infra/main.tf", 2, 2), "x\n"), ""},
		"another file":             {edit(at("infra/x.tf", 2, 3), "x\n"), ""},
		"an insertion":             {edit(at("infra/main.tf", 2, 1), "x\n"), ""},
		"two edits":                {append(edit(lines, "x\n"), edit(at("infra/main.tf", 9, 9), "y\n")...), ""},
		"none":                     {nil, ""},
		"what turns text around":   {edit(lines, "a = \"\u202e\"\n"), ""},
		"a lone carriage return":   {edit(lines, "a\rb\n"), ""},
		"what is no text":          {edit(lines, "a\xff\n"), ""},
		"what would be a password": {edit(lines, "p = \"hunter22\"\n"), ""},
	} {
		f := bucket()
		f.At, f.Fix.Edits = lines, c.edits
		secret := finding.New(f.Rule, lines, finding.OfSecret("hunter22"), "")
		r := sample{files: files(), findings: []finding.Finding{f}, secrets: []finding.Finding{secret}}.report(t)
		review, err := Review(r)
		require.NoError(t, err)
		require.Len(t, review.Comments, 1)
		body := body(t, review, 0)
		assert.Equal(t, lines, review.Comments[0].At)
		if c.want == "" {
			assert.NotContains(t, body, "suggestion\n", name)
			continue
		}
		assert.Contains(t, body, "\n"+c.want, name)
		assert.Contains(t, rendered(t, body), `<code class="language-suggestion">`, name)
		assert.NotContains(t, body, "\r", name)
		shape(t, rendered(t, body)) // what follows is not swallowed
		assert.True(t, strings.HasSuffix(body, "</sub>\n"))
	}
}

// A suggestion replaces what its comment spans: where only some of the lines
// were added, the comment spans less than the edit.
func TestReportSuggestionOfPartOfTheLines(t *testing.T) {
	f := bucket()
	f.Fix.Edits = []change.Edit{{Span: at("infra/main.tf", 1, 3), Text: "x\n"}}
	f.At = at("infra/main.tf", 1, 3)
	r := sample{files: files(), findings: []finding.Finding{f}}.report(t)
	hunk := &r.Change.File("infra/main.tf").Hunks[0]
	hunk.Lines[0].Op = change.Keep
	review, err := Review(r)
	require.NoError(t, err)
	assert.Equal(t, at("infra/main.tf", 2, 3), review.Comments[0].At)
	assert.NotContains(t, body(t, review, 0), "```suggestion")
}

func TestReportReview(t *testing.T) {
	moved := privileged()
	moved.At, moved.Also = at("vendor/x.yaml", 1, 1), []change.Span{at("deploy/shop.yaml", 7, 7)}
	r := sample{files: files(), findings: []finding.Finding{logging(), moved, past(stripe())}}.report(t)
	review, err := Review(r)
	require.NoError(t, err)
	assert.Len(t, review.Standing, 3, "all that is there stands")
	require.Len(t, review.Comments, 1, "low is no comment, and the past has no line")
	assert.Equal(t, at("deploy/shop.yaml", 7, 7), review.Comments[0].At, "the first place that takes one")
	assert.Equal(t, "Fixed in a1b2c3d.", review.Settled)

	review, err = Review(samples()["clean"].report(t))
	require.NoError(t, err)
	assert.Empty(t, review.Comments)
}

// Findings that one edit fixes share a comment: those of a block, and those on
// its line. It spells out five.
func TestReportGroups(t *testing.T) {
	r := oneBlock(7).report(t)
	review, err := Review(r)
	require.NoError(t, err)
	require.Len(t, review.Comments, 1)
	c := review.Comments[0]
	assert.Len(t, c.Keys, 8)
	assert.Equal(t, at("infra/main.tf", 1, 1), c.At, "where the worst is")
	words := body(t, review, 0)
	assert.Equal(t, 5, strings.Count(words, "**How to fix.**"))
	assert.Contains(t, words, "3 more here: see the check.")
	for _, key := range c.Keys[:5] {
		assert.Contains(t, words, "`"+key+"`")
	}
	assert.Contains(t, words, "**Still open: the exception of @&#8288;acme/web does not cover GO-2.**", "which is new")
	assert.Equal(t, [][]string{{"GO-2"}}, review.Advisories[c.Keys[0]])

	alone, _, err := review.Words(c.Keys[1:2], c.At)
	require.NoError(t, err)
	assert.Contains(t, alone, "the fingerprint is `"+c.Keys[1]+"`", "one finding reads as ever")

	s := oneBlock(2)
	s.findings[2].Block = at("infra/main.tf", 2, 3)
	review, err = Review(s.report(t))
	require.NoError(t, err)
	assert.Len(t, review.Comments, 2, "another block is another edit")

	// Another place of a finding does not lie in its block.
	s = oneBlock(2)
	s.findings[1].At, s.findings[1].Also = at("vendor/x.tf", 1, 1), []change.Span{at("infra/main.tf", 2, 2)}
	s.findings[1].Block = at("vendor/x.tf", 1, 3)
	review, err = Review(s.report(t))
	require.NoError(t, err)
	assert.Len(t, review.Comments, 2)
}

// What threads were called before, by either key or as parts of the finding,
// leads to what it is called now.
func TestReportFormerNames(t *testing.T) {
	f := bucket()
	r := sample{files: files(), findings: []finding.Finding{f}}.report(t)
	d := &r.Verdict.Decisions[0]
	d.Finding.Was, d.Finding.Joined = "w", []finding.Fingerprint{"j1", "j2", d.Finding.Print}
	review, err := Review(r)
	require.NoError(t, err)
	print := string(d.Finding.Print)
	assert.Equal(t, map[string]string{"w": print, "j1": print, "j2": print}, review.Was)
	d.Action = policy.Ignored
	review, err = Review(r)
	require.NoError(t, err)
	assert.Len(t, review.Was, 3, "an exception holds for what it was called before")
}

// A commit that was written anew is no news.
func TestReportGist(t *testing.T) {
	gist := func(change func(*finding.Finding)) string {
		f := stripe()
		change(&f)
		review, err := Review(sample{files: files(), findings: []finding.Finding{f}}.report(t))
		require.NoError(t, err)
		_, gist, err := review.Words(review.Comments[0].Keys, review.Comments[0].At)
		require.NoError(t, err)
		return gist
	}
	was := gist(func(*finding.Finding) {})
	assert.Equal(t, was, gist(func(f *finding.Finding) { f.Commit = strings.Repeat("9", 40) }))
	assert.NotEqual(t, was, gist(func(f *finding.Finding) { f.Fix.Text = "Do something else." }))
}

func TestReportDigest(t *testing.T) {
	check := func(name string) forge.Check {
		c, err := Check(samples()[name].report(t))
		require.NoError(t, err)
		return c
	}
	assert.Equal(t, check("secret").Digest, check("secret").Digest)
	assert.NotEqual(t, check("secret").Digest, check("observe").Digest)
}

func TestReportTells(t *testing.T) {
	for _, c := range []struct {
		text, what string
		want       bool
	}{
		{"lodash 4.17.20 has it", "4.17.20", true}, {"lodash 4.17.20 has it", "4.17.2", false}, {"upgrade to 1.2.", "1.2", true},
		{"1.2.3", "1.2", false}, {"1.2.3", "2.3", false}, {"v1.2-rc1", "v1.2", false}, {"Fixed In x", "fixed in", true},
		{"", "a", false}, {"a", "", true}, {"aba a", "a", true}, {"transitive", "direct", false},
	} {
		assert.Equal(t, c.want, tells(c.text, c.what), "%q in %q", c.what, c.text)
	}
}

// An annotation says the message of a check once: as its title, where that has room for it.
func TestNoteSaysAllOnce(t *testing.T) {
	f := bucket()
	r := sample{files: files(), findings: []finding.Finding{f}}.report(t)
	n := note(r, r.Verdict.Decisions[0])
	assert.Equal(t, f.Message, n.Title)
	assert.NotContains(t, n.Text, f.Message)
	f.Message = strings.Repeat("long ", 60) + "end"
	n = note(r, policy.Decision{Finding: f})
	assert.LessOrEqual(t, utf8.RuneCountInString(n.Title), 200)
	assert.Contains(t, n.Text, f.Message)
}
