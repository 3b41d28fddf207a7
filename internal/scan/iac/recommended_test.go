package iac

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
)

// TestRatings holds that the table of the profile "recommended" has every rule
// that the engine rates high or critical, only rules that there are, and a
// reason each.
func TestRatings(t *testing.T) {
	known := map[string]finding.Rule{}
	for _, r := range loaded.Rules() {
		id := strings.TrimPrefix(r.ID, "iac/")
		known[id] = r
		if r.Severity >= finding.High {
			assert.Contains(t, ratings(), id, "rated %v, but not in the table", r.Severity)
		}
	}
	for id, lines := range ratings() {
		r, ok := known[id]
		require.True(t, ok, "%s is not a rule", id)
		for i, line := range lines {
			assert.NotEmpty(t, line.reason, id)
			assert.Equal(t, i == len(lines)-1, line.about == "", "%s: the last line is for the rest", id)
		}
		last := lines[len(lines)-1]
		assert.True(t, r.Severity >= finding.High || last.severity >= finding.Medium, "%s needs no line", id)
	}
	for _, broken := range []string{"AWS-0001\thigh\n", "AWS-0001\tgrave\treason\n", "AWS-0001\tunknown\treason\n"} {
		_, err := readRatings(broken)
		assert.Error(t, err, broken)
	}
}

// TestRecommended holds that what a finding says decides, where a rule is about two things.
func TestRecommended(t *testing.T) {
	r := run(t, change.Empty(), files("main.tf", "resource \"aws_rds_cluster\" \"plain\" {}\nresource \"aws_rds_cluster\" \"ours\" {\n  storage_encrypted = true\n}\nresource \"aws_s3_bucket\" \"b\" {}\n"))
	got := map[string]string{}
	for _, f := range r.Findings {
		name, _, _ := strings.Cut(f.Message, ":")
		got[f.Rule.ID+" "+name] = f.Severity.String() + " " + f.Recommended.String()
	}
	assert.Equal(t, "high high", got["iac/AWS-0079 aws_rds_cluster.plain"])
	assert.Equal(t, "high low", got["iac/AWS-0079 aws_rds_cluster.ours"])
	assert.Equal(t, "high low", got["iac/AWS-0132 aws_s3_bucket.b"])
	assert.Equal(t, "medium low", got["iac/AWS-0090 aws_s3_bucket.b"], "not in the table")
}
