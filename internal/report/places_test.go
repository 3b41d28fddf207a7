package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// placesIn returns how many of the further places of inPlaces a text has.
func placesIn(text string) (n int) {
	for i := range 2000 {
		if strings.Contains(text, fmt.Sprintf("svc%03d/.env", i+1)) {
			n++
		}
	}
	return n
}

// TestAllPlacesAreNamed: who takes a secret out has to know every place of it.
func TestAllPlacesAreNamed(t *testing.T) {
	s := sample{files: files(), findings: []finding.Finding{inPlaces(stripe(), 29, 0)}, comments: 1}
	for format, want := range map[string]int{"json": 29, "sarif": 29, "markdown": 29, "text": 10} {
		assert.Equal(t, want, placesIn(string(written(t, format, s))), format)
	}
	assert.Contains(t, string(written(t, "text", s)), "svc010/.env:2 and 19 more\n")
	check, err := Check(s.report(t))
	require.NoError(t, err)
	assert.Equal(t, 10, placesIn(check.Summary))
	assert.Contains(t, check.Summary, "`svc010/.env:2` and 19 more.")
	assert.Empty(t, check.Notes, "its comment names them")
	review, err := Review(s.report(t))
	require.NoError(t, err)
	require.Len(t, review.Comments, 1, "one cause, one comment")
	assert.Equal(t, 29, placesIn(body(t, review, 0)))

	s.comments = 0
	check, err = Check(s.report(t))
	require.NoError(t, err)
	require.Len(t, check.Notes, 1)
	assert.Equal(t, 29, placesIn(check.Notes[0].Text), "without a comment, its annotation does")
}

// TestPlacesHaveBounds: GitHub takes comments of 65,536 bytes, and SARIF with
// 1,000 places of a result.
func TestPlacesHaveBounds(t *testing.T) {
	f := inPlaces(stripe(), 1500, 40)
	s := sample{files: files(), findings: []finding.Finding{f}, comments: 1}
	assert.Equal(t, 1500, placesIn(string(written(t, "json", s))))
	var doc Document
	require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(string(written(t, "json", s)), `"certain"`, "2")), &doc))
	assert.Equal(t, 40, doc.Findings[0].Unlisted)
	text := string(written(t, "sarif", s))
	assert.Equal(t, sarifPlaces, strings.Count(text, `"physicalLocation"`))
	assert.Contains(t, text, "And at 541 more places.")
	assert.Equal(t, 1500, placesIn(string(written(t, "markdown", s))))
	review, err := Review(s.report(t))
	require.NoError(t, err)
	assert.Equal(t, alsoKept, placesIn(body(t, review, 0)))
	assert.Contains(t, body(t, review, 0), " and 1440 more\n")

	for i := range f.Also {
		f.Also[i].Path = strings.Repeat("<long>/", 500) + fmt.Sprint(i)
	}
	s.findings = []finding.Finding{f}
	review, err = Review(s.report(t))
	require.NoError(t, err)
	assert.Less(t, len(body(t, review, 0)), 65_536)
}

// TestACheckGetsShorter: what does not fit is said in fewer words, so that the end of it is not cut off.
func TestACheckGetsShorter(t *testing.T) {
	s := sample{files: files()}
	for i := range 60 {
		f := inPlaces(another(stripe(), i), 12, 0)
		f.Rule.Why = strings.Repeat("why ", 500)
		for j := range f.Also {
			f.Also[j].Path = strings.Repeat("ü<", 150) + fmt.Sprint(j)
		}
		s.findings = append(s.findings, f)
	}
	check, err := Check(s.report(t))
	require.NoError(t, err)
	assert.LessOrEqual(t, len(check.Summary), maxSummary)
	assert.Contains(t, check.Summary, "10 more are not listed here")
	assert.Regexp(t, "  Also at `.*` and (9|11) more\\.\n", check.Summary)
	assert.Contains(t, check.Summary, "How exceptions work", "its end")
	for i := range listed {
		assert.Contains(t, check.Summary, fmt.Sprintf("`secret/stripe-access-token-%d`", i))
	}
	var all strings.Builder
	require.NoError(t, Markdown(&all, s.report(t)))
	for i := range 60 {
		assert.Contains(t, all.String(), fmt.Sprintf("`secret/stripe-access-token-%d`", i), "a file has no bounds")
	}
}
