package storetest

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// past: what was found can be judged again, and comes to the same.
func past(t *testing.T, db DB) {
	f := found("iac/a", "main.tf", "a")
	f.Confidence, f.Also = finding.Likely, []change.Span{{Path: "b.tf", Start: 2, End: 3}}
	f.Marker = &finding.Marker{At: f.At, Rule: f.Rule.ID, Reason: "a test account"}
	f.Validity = finding.Revoked
	first := run(1, "head1", policy.Fail, day(2), f)
	first.Result.Scanned.Uncovered = []finding.Uncovered{{Kind: "Bicep", Scanners: []string{"iac"}, Paths: []string{"x.bicep"}, Count: 3}}
	second := run(2, "head2", policy.Incomplete, day(3))
	second.Result.Statuses = []finding.Status{{Scanner: "iac", Err: errors.New("out of time")}}
	later := run(1, "head3", policy.Pass, day(4))
	group := run(0, "head4", policy.Pass, day(4))
	elsewhere := run(3, "head1", policy.Fail, day(4))
	elsewhere.Repo.ID = 8
	record(t, db, first)
	all, err := db.Ledger().Past(ctx, repo(), 10)
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, first.Result.Scanned.Uncovered, all[0].Scanned.Uncovered)
	got := all[0].Findings[0]
	assert.Equal(t, []any{f.Rule.ID, f.Severity, f.Confidence, f.At, f.Also, f.Past, f.Marker, f.Validity},
		[]any{got.Rule.ID, got.Severity, got.Confidence, got.At, got.Also, got.Past, got.Marker, got.Validity})
	assert.Equal(t, policy.Default().Judge(first.Result, day(5)).Outcome, policy.Default().Judge(all[0], day(5)).Outcome)

	record(t, db, second)
	record(t, db, later)
	record(t, db, group)
	record(t, db, elsewhere)
	all, err = db.Ledger().Past(ctx, repo(), 10)
	require.NoError(t, err)
	require.Len(t, all, 2, "the latest of each, newest first")
	assert.Empty(t, all[0].Findings)
	assert.Equal(t, policy.Incomplete, policy.Default().Judge(all[1], day(5)).Outcome)
	all, err = db.Ledger().Past(ctx, repo(), 1)
	require.NoError(t, err)
	assert.Len(t, all, 1)
}
