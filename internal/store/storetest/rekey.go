package storetest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
)

var newKey = finding.NewKey([]byte("the next key of the tests")).After(key)

// resealed is f as the next key makes it.
func resealed(f finding.Finding) finding.Finding {
	return newKey.Seal([]finding.Finding{f}, func(p string) string { return p })[0]
}

// renewed is a run with the next key.
func renewed(number int, head string, outcome policy.Outcome, when int, findings ...finding.Finding) history.Run {
	for i, f := range findings {
		findings[i] = resealed(f)
	}
	r := run(number, head, outcome, day(when), findings...)
	r.KeyID, r.OldKeyID = newKey.ID, key.ID
	return r
}

// rekeyed: with a new key beside the old one a finding goes on with all that
// was said of it, whichever of its fingerprints it is named by.
func rekeyed(t *testing.T, db DB) {
	l, c := db.Ledger(), db.Conversations()
	a, b := found("iac/a", "main.tf", "a"), found("iac/b", "main.tf", "b")
	next := resealed(a)
	require.Equal(t, a.Print, next.Was)
	e := excepted("command/1", a, 2, 20)
	require.NoError(t, c.Except(ctx, repo(), e))
	first := run(1, "head1", policy.Fail, day(2), a, b)
	first.Policy.Ignore = []policy.Exception{e.Policy()}
	first.Verdict.InForce = first.Policy.Ignore
	record(t, db, first)
	record(t, db, run(2, "head2", policy.Fail, day(2), a))
	require.NoError(t, l.Posted(ctx, repo(), 1, "head1", 41, forge.Placed{string(a.Print): 501, string(b.Print): 502}, day(3)))
	_, err := c.Tell(ctx, repo(), history.Feedback{Said: "command/2", Pull: 1, Print: a.Print, KeyID: key.ID, Rule: a.Rule.ID, By: dev, At: day(3)})
	require.NoError(t, err)

	again := renewed(1, "head1", policy.Fail, 4, a)
	again.Policy.Ignore = []policy.Exception{e.Policy()}
	again.Verdict.InForce = again.Policy.Ignore
	assert.Equal(t, history.Delta{Previous: "head1", Same: prints{next.Print}, Gone: prints{b.Print}}, record(t, db, again))
	assert.Equal(t, "rejudged", one(t, db, `SELECT s.how FROM standings s JOIN findings f ON f.id = s.finding WHERE f.rule = 'iac/b' AND s.pull = 1`))
	assert.EqualValues(t, 2, count(t, db, `SELECT COUNT(*) FROM findings`), "it is the same one")

	for _, print := range []finding.Fingerprint{a.Print, next.Print} {
		for number, head := range map[int]string{1: "head1", 2: "head2"} {
			s, ok, err := c.Sighted(ctx, pull(number, "").PullRef, print)
			require.NoError(t, err)
			require.True(t, ok, head)
			assert.Equal(t, []any{next.Print, newKey.ID, day(2), []string{"main.tf"}, head}, []any{s.Print, s.KeyID, s.First, s.Paths, s.Head})
		}
		list, err := c.With(ctx, repo(), print)
		require.NoError(t, err)
		assert.Equal(t, []int{1, 2}, list)
	}
	about, err := c.About(ctx, repo(), 501)
	require.NoError(t, err)
	assert.Equal(t, prints{next.Print}, about)
	assert.EqualValues(t, 1, count(t, db, `SELECT COUNT(*) FROM outcomes WHERE how = 'not useful' AND pull = 1`))
	list, err := c.Exceptions(ctx, repo(), day(5))
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, []any{next.Print, newKey.ID}, []any{list[0].Print, list[0].KeyID})
	uses, err := l.Uses(ctx, repo())
	require.NoError(t, err)
	require.Len(t, uses, 1)
	assert.Equal(t, day(2), uses[list[0].Policy().ID()].First)

	results, err := l.Past(ctx, repo(), 10)
	require.NoError(t, err)
	require.Len(t, results, 2)
	for _, r := range results {
		assert.Equal(t, next.Print, r.Findings[0].Print)
	}

	// The other pull request, and what was said with the old fingerprint.
	assert.Equal(t, history.Delta{Previous: "head2", Same: prints{next.Print}}, record(t, db, renewed(2, "head3", policy.Fail, 5, a)))
	n, err := c.Withdraw(ctx, repo(), a.Print, "command/3", dev, day(6))
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	require.NoError(t, l.Posted(ctx, repo(), 1, "head1", 41, forge.Placed{string(resealed(b).Print): 502}, day(6)))
	about, err = c.About(ctx, repo(), 502)
	require.NoError(t, err)
	assert.Equal(t, resealed(b).Print, about[0], "the comment was taken over")
}

// rekeyedTooLate: one that was found anew with the next key before the old one
// was named stays apart, and what was excepted is the new one.
func rekeyedTooLate(t *testing.T, db DB) {
	a := found("iac/a", "main.tf", "a")
	require.NoError(t, db.Conversations().Except(ctx, repo(), excepted("command/1", a, 2, 20)))
	record(t, db, run(1, "head1", policy.Fail, day(2), a))
	record(t, db, run(2, "head2", policy.Fail, day(2), a))
	alone := renewed(1, "head3", policy.Fail, 3, a)
	alone.OldKeyID = ""
	alone.Result.Findings[0].Was, alone.Verdict.Decisions[0].Finding.Was = "", ""
	record(t, db, alone)
	d := record(t, db, renewed(2, "head4", policy.Fail, 4, a))
	assert.Equal(t, history.Delta{Previous: "head2", New: prints{resealed(a).Print}}, d)
	assert.EqualValues(t, 2, count(t, db, `SELECT COUNT(*) FROM standings WHERE how = 'rekeyed'`))
	list, err := db.Conversations().Exceptions(ctx, repo(), day(5))
	require.NoError(t, err)
	assert.Equal(t, resealed(a).Print, list[0].Print)
}
