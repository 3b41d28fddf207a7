package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
)

var dev, lead = forge.User{ID: 5, Login: "dev"}, forge.User{ID: 6, Login: "lead"}

func excepted(command string, f finding.Finding, at, until int) history.Exception {
	return history.Exception{Asked: command, Pull: 1, Print: f.Print, KeyID: key.ID, Rule: f.Rule.ID, Paths: []string{f.At.Path}, Reason: "a test account",
		By: dev, At: day(at), Until: day(until).Truncate(24 * time.Hour)}
}

func exceptions(t *testing.T, db DB) {
	c := db.Conversations()
	a, b := found("secret/a", "a.env", "a"), found("secret/b", "b.env", "b")
	all := func(now int) []history.Exception {
		list, err := c.Exceptions(ctx, repo(), day(now))
		require.NoError(t, err)
		return list
	}
	one, two := excepted("command/1", a, 2, 20), excepted("command/2", b, 3, 10)
	require.NoError(t, c.Except(ctx, repo(), one))
	require.NoError(t, c.Except(ctx, repo(), two))
	again := one
	again.Reason = "another"
	require.NoError(t, c.Except(ctx, repo(), again), "the same command asks once")
	assert.Equal(t, []history.Exception{one, two}, all(4))
	assert.True(t, one.Policy().Pending)

	approve := func(asked, command string, at int) bool {
		ok, err := c.Approve(ctx, repo(), asked, command, lead, day(at))
		require.NoError(t, err)
		return ok
	}
	assert.True(t, approve("command/1", "command/3", 4))
	one.Approver, one.Approved, one.Approval = lead, day(4), "command/3"
	assert.Equal(t, []history.Exception{one, two}, all(4), "that one, and no other")
	assert.False(t, one.Policy().Pending)
	assert.True(t, approve("command/1", "command/3", 4), "the same command again")
	assert.False(t, approve("command/1", "command/4", 5), "another one comes too late")
	assert.Equal(t, []history.Exception{one, two}, all(4))

	// Whoever asks anew takes back what they asked for before and nobody approved.
	others, anew := excepted("command/5", b, 8, 12), excepted("command/6", b, 9, 13)
	others.By = lead
	require.NoError(t, c.Except(ctx, repo(), others))
	require.NoError(t, c.Except(ctx, repo(), anew))
	require.NoError(t, c.Except(ctx, repo(), two), "a command that comes again takes back nothing newer")
	assert.Equal(t, []history.Exception{one, others, anew}, all(9))
	assert.False(t, approve("command/2", "command/8", 9), "it was taken back")

	n, err := c.Withdraw(ctx, repo(), b.Print, "command/7", dev, day(9))
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	n, err = c.Withdraw(ctx, repo(), b.Print, "command/7", dev, day(9))
	require.NoError(t, err)
	assert.Equal(t, 2, n, "the same command again")
	assert.Equal(t, []history.Exception{one}, all(9))
	assert.Equal(t, []history.Exception{one}, all(21), "that it has ended is still told")
	assert.Empty(t, all(25))

	require.NoError(t, db.Ledger().Installed(ctx, forge.Event{Kind: forge.Uninstalled, Installation: 3, Received: day(9)}))
	require.NoError(t, db.Ledger().Purge(ctx, day(10)))
	assert.Empty(t, all(9))
}

func sightedNow(t *testing.T, db DB) {
	l, c := db.Ledger(), db.Conversations()
	a, b := found("secret/a", "a.env", "a"), found("secret/b", "b.env", "b")
	with := func(f finding.Finding) []int {
		list, err := c.With(ctx, repo(), f.Print)
		require.NoError(t, err)
		return list
	}
	record(t, db, run(1, "head1", policy.Fail, day(2), a, b))
	record(t, db, run(2, "head2", policy.Fail, day(3), a))
	record(t, db, run(1, "head3", policy.Fail, day(4), a))
	assert.Equal(t, []int{1, 2}, with(a))
	assert.Empty(t, with(b), "the latest run does not have it")

	s, ok, err := c.Sighted(ctx, pull(1, "").PullRef, a.Print)
	require.NoError(t, err)
	require.True(t, ok)
	assert.Equal(t, history.Sighting{Print: a.Print, KeyID: key.ID, Rule: "secret/a", Severity: "high", Path: "a.env", Paths: []string{"a.env"}, Line: 3,
		Action: s.Action, Why: s.Why, First: day(2), Head: "head3"}, s)
	_, ok, err = c.Sighted(ctx, pull(1, "").PullRef, b.Print)
	require.NoError(t, err)
	assert.False(t, ok)

	require.NoError(t, l.Closed(ctx, pull(2, "head2"), day(5)))
	assert.Equal(t, []int{1}, with(a))

	require.NoError(t, l.Posted(ctx, repo(), 1, "head3", 41, forge.Placed{string(a.Print): 501}, day(4)))
	about, err := c.About(ctx, repo(), 501)
	require.NoError(t, err)
	assert.Equal(t, prints{a.Print}, about)
	about, err = c.About(ctx, forge.Repo{ID: 8}, 501)
	require.NoError(t, err)
	assert.Empty(t, about, "of another repository")
	require.NoError(t, l.Posted(ctx, repo(), 1, "head3", 41, forge.Placed{string(a.Print): 501, string(b.Print): 501}, day(5)))
	require.NoError(t, l.Posted(ctx, repo(), 1, "head3", 41, forge.Placed{string(b.Print): 501}, day(6)))
	about, err = c.About(ctx, repo(), 501)
	require.NoError(t, err)
	assert.Equal(t, prints{b.Print, a.Print}, about, "what is gone comes last")
}

// lapsed: a pull request is found once an exception ends that counted, and not
// when it counts no more.
func lapsed(t *testing.T, db DB) {
	a := found("secret/a", "a.env", "a")
	excused := func(number int, head string, at, until int) history.Run {
		r := run(number, head, policy.Pass, day(at), a)
		r.Verdict.InForce = []policy.Exception{{Fingerprint: a.Print, Until: day(until + 5)}, {Fingerprint: a.Print, Until: day(until)}}
		return r
	}
	midnight := func(d int) time.Time { return day(d).Truncate(24 * time.Hour) }
	between := func(from, to time.Time) (numbers []int) {
		list, err := db.Survey().Lapsed(ctx, from, to)
		require.NoError(t, err)
		for _, p := range list {
			assert.Equal(t, repo(), p.Repo)
			numbers = append(numbers, p.Number)
		}
		return numbers
	}
	record(t, db, excused(1, "head1", 2, 10))
	record(t, db, excused(2, "head2", 2, 10))
	record(t, db, excused(3, "head3", 2, 10))
	record(t, db, run(3, "head4", policy.Fail, day(3), a))
	require.NoError(t, db.Ledger().Closed(ctx, pull(2, "head2"), day(5)))
	assert.Empty(t, between(midnight(2), midnight(11).Add(-time.Second)), "it lasts through its day")
	assert.Equal(t, []int{1}, between(midnight(2), midnight(11)))
	assert.Empty(t, between(midnight(11), midnight(12)), "once")
}

func feedback(t *testing.T, db DB) {
	f := history.Feedback{Said: "command/1", Pull: 1, Print: "x", KeyID: key.ID, Rule: "iac/a", Reason: "a demo", By: dev, At: day(2)}
	for _, want := range []bool{true, false} {
		first, err := db.Conversations().Tell(ctx, repo(), f)
		require.NoError(t, err)
		assert.Equal(t, want, first)
	}
	assert.EqualValues(t, 1, count(t, db, `SELECT COUNT(*) FROM feedback WHERE rule = 'iac/a' AND account = 5 AND reason = 'a demo'`))
}

func reviewAsked(t *testing.T, db DB) {
	l, p := db.Ledger(), pull(1, "head1").PullRef
	asked := func() bool {
		yes, err := l.ReviewAsked(ctx, p)
		require.NoError(t, err)
		return yes
	}
	assert.False(t, asked(), "nobody knows it yet")
	record(t, db, run(1, "head1", policy.Fail, day(2)))
	assert.False(t, asked())
	require.NoError(t, l.AskedReview(ctx, p, day(3)))
	assert.True(t, asked())
	record(t, db, run(1, "head2", policy.Fail, day(4)))
	assert.True(t, asked(), "whatever is pushed later")
	yes, err := l.ReviewAsked(ctx, pull(2, "").PullRef)
	require.NoError(t, err)
	assert.False(t, yes)
}

func exceptionUses(t *testing.T, db DB) {
	l := db.Ledger()
	e, other := policy.Exception{Rule: "iac/*", Until: day(20)}, policy.Exception{Path: "docs/**", Until: day(20)}
	uses := func() map[string]history.Use {
		all, err := l.Uses(ctx, repo())
		require.NoError(t, err)
		return all
	}
	assert.Empty(t, uses())
	r := run(1, "head1", policy.Pass, day(2))
	r.Policy.Ignore = []policy.Exception{e, other}
	record(t, db, r)
	assert.Equal(t, map[string]history.Use{e.ID(): {First: day(2)}, other.ID(): {First: day(2)}}, uses())
	r = run(1, "head2", policy.Pass, day(3))
	r.Policy.Ignore, r.Verdict.InForce = []policy.Exception{e}, []policy.Exception{e}
	record(t, db, r)
	assert.Equal(t, history.Use{First: day(2), Last: day(3)}, uses()[e.ID()])
	r.SHA, r.Finished = "head3", day(3).Add(time.Hour)
	record(t, db, r)
	assert.Equal(t, day(3), uses()[e.ID()].Last, "not written at every run")
	r.SHA, r.Finished = "head4", day(5)
	record(t, db, r)
	assert.Equal(t, day(5), uses()[e.ID()].Last)

	require.NoError(t, l.Reminded(ctx, repo(), []string{e.ID()}, nil, day(6)))
	require.NoError(t, l.Reminded(ctx, repo(), nil, []string{e.ID(), "another"}, day(7)))
	assert.Equal(t, history.Use{First: day(2), Last: day(5), ToldEnd: day(6), ToldUnused: day(7)}, uses()[e.ID()])
	assert.Equal(t, history.Use{First: day(7), ToldUnused: day(7)}, uses()["another"], "no run has seen it")

	// Who may have exceptions: a policy, or one that was asked for.
	excepting := func() (all []forge.Repo) {
		all, err := db.Survey().Excepting(ctx)
		require.NoError(t, err)
		return all
	}
	assert.Empty(t, excepting())
	require.NoError(t, l.KeepPolicy(ctx, repo(), []byte("version: 1\n"), day(2)))
	assert.Equal(t, []forge.Repo{repo()}, excepting())
	elsewhere := forge.Repo{ID: 8, Installation: 3, Owner: "acme", Name: "shop", Default: "main"}
	require.NoError(t, db.Conversations().Except(ctx, elsewhere, excepted("command/1", found("iac/a", "a.tf", "a"), 2, 3)))
	assert.Equal(t, []forge.Repo{repo(), elsewhere}, excepting())
	require.NoError(t, l.Installed(ctx, forge.Event{Kind: forge.Uninstalled, Installation: 3, Received: day(4)}))
	assert.Empty(t, excepting())
}

func summaries(t *testing.T, db DB) {
	l, p := db.Ledger(), pull(1, "head1").PullRef
	summary := func() history.Summary {
		s, err := l.Summary(ctx, p)
		require.NoError(t, err)
		return s
	}
	assert.Equal(t, history.Summary{}, summary())
	record(t, db, run(1, "head1", policy.Fail, day(2)))
	assert.Equal(t, history.Summary{}, summary())
	for _, s := range []history.Summary{{Begun: true}, {Begun: true, ID: 501, Digest: "d1"}, {Begun: true, ID: 501, Digest: "d2"}} {
		require.NoError(t, l.KeepSummary(ctx, p, s))
		assert.Equal(t, s, summary())
	}
	record(t, db, run(1, "head2", policy.Fail, day(4)))
	assert.Equal(t, "d2", summary().Digest)
}
