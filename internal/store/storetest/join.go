package storetest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// parts are findings with one cause, as they were before they were joined.
func parts(k finding.Key, names ...string) (out []finding.Finding) {
	for _, name := range names {
		r := finding.Rule{ID: "iac/" + name, Title: "Something", Why: "It matters.", How: "Change it.", Severity: finding.High}
		f := finding.New(r, change.Span{Path: "main.tf", Start: 3, End: 4}, finding.InFile(name), "something is wrong")
		f.Advisories = []finding.Advisory{{ID: "A-" + name}}
		f.Because("iac/whole", "all", "")
		out = append(out, f)
	}
	return k.Seal(out, func(p string) string { return p })
}

// whole is the finding that parts are joined to.
func whole(k finding.Key, names ...string) finding.Finding {
	f := finding.Join(parts(k, names...), func(g []finding.Finding) finding.Finding {
		one := g[0]
		one.Rule.ID, one.Advisories = "iac/whole", nil
		for _, f := range g {
			one.Advisories = append(one.Advisories, f.Advisories...)
		}
		return one
	})
	return f[0]
}

// joined: a finding goes on that others became one of: it is not new, they are
// not gone, and it is found by each of its names.
func joined(t *testing.T, db DB) {
	l, c := db.Ledger(), db.Conversations()
	old, now := parts(key, "a", "b", "c"), whole(key, "a", "b")
	record(t, db, run(1, "head1", policy.Fail, day(2), old[1]))
	record(t, db, run(1, "head1", policy.Fail, day(3), old...))
	require.NoError(t, l.Posted(ctx, repo(), 1, "head1", 41, forge.Placed{string(old[0].Print): 501, string(old[1].Print): 502}, day(3)))
	record(t, db, run(2, "head2", policy.Fail, day(3), old[0], old[1]))
	e := excepted("command/1", old[0], 2, 20)
	require.NoError(t, c.Except(ctx, repo(), e))

	d := record(t, db, run(1, "head3", policy.Fail, day(4), now))
	assert.Equal(t, history.Delta{Previous: "head1", Same: prints{now.Print}, Gone: prints{old[2].Print}}, d)
	d = record(t, db, run(1, "head4", policy.Fail, day(5), now))
	assert.Equal(t, history.Delta{Previous: "head3", Same: prints{now.Print}}, d)
	assert.EqualValues(t, 2, count(t, db, `SELECT COUNT(*) FROM standings WHERE pull = 1 AND how = 'rekeyed'`))
	assert.EqualValues(t, day(2).UnixMicro(), count(t, db, `SELECT s.first_seen FROM standings s JOIN findings f ON f.id = s.finding WHERE f.rule = 'iac/whole'`))
	assert.EqualValues(t, day(3).UnixMicro(), count(t, db, `SELECT first_shown FROM findings WHERE rule = 'iac/whole'`))

	for _, print := range []finding.Fingerprint{now.Print, old[0].Print, old[1].Print} {
		s, ok, err := c.Sighted(ctx, pull(1, "").PullRef, print)
		require.NoError(t, err)
		require.True(t, ok)
		assert.Equal(t, []any{now.Print, day(2), []string{"main.tf"}, []string{"A-a", "A-b"}}, []any{s.Print, s.First, s.Paths, s.Advisories})
		list, err := c.With(ctx, repo(), print)
		require.NoError(t, err)
		assert.Equal(t, []int{1, 2}, list)
		names, err := c.Names(ctx, repo(), print)
		require.NoError(t, err)
		assert.Equal(t, print, names[0])
		assert.ElementsMatch(t, prints{now.Print, old[0].Print, old[1].Print}, names)
	}
	// The other pull request was not reviewed since.
	for named, want := range map[finding.Fingerprint]finding.Fingerprint{now.Print: old[1].Print, old[0].Print: old[0].Print, old[1].Print: old[1].Print} {
		s, ok, err := c.Sighted(ctx, pull(2, "").PullRef, named)
		require.NoError(t, err)
		require.True(t, ok)
		assert.Equal(t, want, s.Print)
	}
	for comment := range map[int64]bool{501: true, 502: true} {
		about, err := c.About(ctx, repo(), comment)
		require.NoError(t, err)
		assert.Equal(t, prints{now.Print}, about)
	}
	names, err := c.Names(ctx, repo(), old[2].Print)
	require.NoError(t, err)
	assert.Equal(t, prints{old[2].Print}, names, "it was not joined")

	list, err := c.Exceptions(ctx, repo(), day(5))
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, old[0].Print, list[0].Print, "it was asked for one of them, and is not for the others")
	n, err := c.Withdraw(ctx, repo(), now.Print, "command/2", dev, day(6))
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	e = excepted("command/3", now, 3, 20)
	e.Advisories = []string{"A-a", "A-b"}
	require.NoError(t, c.Except(ctx, repo(), e))
	list, err = c.Exceptions(ctx, repo(), day(6))
	require.NoError(t, err)
	assert.Equal(t, []string{"A-a", "A-b"}, list[0].Policy().Advisories)
	n, err = c.Withdraw(ctx, repo(), old[1].Print, "command/4", dev, day(7))
	require.NoError(t, err)
	assert.Equal(t, 1, n)
}

// joinedByOldKey: they are joined and the key is changed in one step.
func joinedByOldKey(t *testing.T, db DB) {
	c := db.Conversations()
	old, now := parts(key, "a", "b"), whole(newKey, "a", "b")
	require.Equal(t, old[1].Print, now.Joined[3])
	record(t, db, run(1, "head1", policy.Fail, day(2), old...))
	require.NoError(t, c.Except(ctx, repo(), excepted("command/1", old[1], 2, 20)))
	r := run(1, "head2", policy.Fail, day(3), now)
	r.KeyID, r.OldKeyID = newKey.ID, key.ID
	assert.Equal(t, history.Delta{Previous: "head1", Same: prints{now.Print}}, record(t, db, r))
	for _, print := range []finding.Fingerprint{now.Print, old[0].Print, old[1].Print, now.Joined[0], now.Joined[2]} {
		s, ok, err := c.Sighted(ctx, pull(1, "").PullRef, print)
		require.NoError(t, err)
		require.True(t, ok)
		assert.Equal(t, []any{now.Print, day(2)}, []any{s.Print, s.First})
	}
	list, err := c.Exceptions(ctx, repo(), day(5))
	require.NoError(t, err)
	assert.Equal(t, []any{now.Joined[2], newKey.ID}, []any{list[0].Print, list[0].KeyID})
}
