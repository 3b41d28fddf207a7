package storetest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// show records a run and has it shown at once.
func show(t *testing.T, db DB, r history.Run) {
	t.Helper()
	record(t, db, r)
	require.NoError(t, db.Ledger().Posted(ctx, repo(), r.Pull.Number, r.SHA, forge.CheckID(r.Pull.Number), nil, r.Finished))
}

// excuse has a run judge f by an exception.
func excuse(r history.Run, f finding.Finding, e policy.Exception) history.Run {
	for i, d := range r.Verdict.Decisions {
		if d.Finding.Print == f.Print {
			r.Verdict.Decisions[i] = policy.Decision{Finding: f, Action: policy.Ignored, Why: "an exception of " + e.Owner, By: &e}
		}
	}
	r.Verdict.InForce = append(r.Verdict.InForce, e)
	return r
}

func tell(t *testing.T, db DB, command string, f finding.Finding, by forge.User, at time.Time) {
	t.Helper()
	_, err := db.Conversations().Tell(ctx, repo(), history.Feedback{Said: command, Pull: 1, Print: f.Print, KeyID: key.ID, Rule: f.Rule.ID, Reason: "a demo", By: by, At: at})
	require.NoError(t, err)
}

func merge(t *testing.T, db DB, number int, head string, at time.Time) {
	t.Helper()
	p := pull(number, head)
	p.Open, p.Merged = false, true
	require.NoError(t, db.Ledger().Closed(ctx, p, at))
}

// outcome is how the only finding of a rule ended on pull request 1, as the view tells it.
func outcome(t *testing.T, db DB, rule string) string {
	t.Helper()
	return one(t, db, `SELECT how || ' at ' || (COALESCE(ended, 0) / 86400000000) || ' by ' || account FROM outcomes WHERE rule = $1 AND pull = 1`, rule)
}

// ended is what outcome says.
func ended(how string, at time.Time, account int64) string {
	return fmt.Sprintf("%s at %d by %d", how, at.Unix()/86400, account)
}

func fixedBy(t *testing.T, db DB) {
	a, b := found("iac/a", "main.tf", "a"), found("iac/b", "main.tf", "b")
	record(t, db, run(1, "head1", policy.Fail, day(2), a, b))
	assert.Equal(t, ended("", time.Unix(0, 0), 0), outcome(t, db, "iac/a"))
	record(t, db, run(1, "head2", policy.Fail, day(3), b))
	assert.Equal(t, ended("fixed", day(3), 5), outcome(t, db, "iac/a"))
	record(t, db, run(1, "head2", policy.Pass, day(4)))
	assert.Equal(t, ended("rejudged", day(4), 0), outcome(t, db, "iac/b"), "nobody fixed it")
	record(t, db, run(1, "head3", policy.Fail, day(5), a))
	assert.Equal(t, ended("", time.Unix(0, 0), 0), outcome(t, db, "iac/a"), "it is back")
	assert.EqualValues(t, 0, count(t, db, `SELECT SUM(fixed_by) FROM standings`))
}

// leaked: secrets that were rewritten away, and no other finding.
func leaked(t *testing.T, db DB) {
	of := func(head string) (all []string) {
		t.Helper()
		list, err := db.Ledger().Leaked(ctx, repo(), head)
		require.NoError(t, err)
		for _, k := range list {
			all = append(all, k.Rule+" "+k.Path)
		}
		return all
	}
	key1, key2, spared, useless, other := found("secret/a", "a.env", "1"), found("secret/b", "b.env", "2"), found("secret/c", "c.env", "3"), found("secret/d", "d.env", "4"), found("iac/a", "main.tf", "a")
	first := excuse(run(1, "head1", policy.Fail, day(2), key1, key2, spared, useless, other), spared, policy.Exception{Rule: "secret/c", Owner: "@acme/platform", Until: day(20)})
	record(t, db, first)
	tell(t, db, "command/1", useless, dev, day(2))
	assert.Empty(t, of("head1"), "they stand")
	record(t, db, run(1, "head2", policy.Fail, day(3), key2))
	assert.Equal(t, []string{"secret/a a.env"}, of("head2"))
	record(t, db, run(1, "head2", policy.Pass, day(4)))
	assert.Equal(t, []string{"secret/a a.env"}, of("head2"), "other rules took the second away, and no push")
	record(t, db, run(1, "head3", policy.Fail, day(5), key1))
	assert.Empty(t, of("head3"), "it is back")
	record(t, db, run(1, "head4", policy.Pass, day(6)))
	assert.Equal(t, []string{"secret/a a.env"}, of("head4"))

	// Nothing that is pushed on the way takes the word back: not one more place,
	// in a path that nobody looks at, nor a head that could not be looked at at first.
	ignored := run(1, "head5", policy.Pass, day(7), key2)
	ignored.Verdict.Decisions[0].Action = policy.Ignored
	record(t, db, run(1, "head4", policy.Fail, day(7), key2))
	record(t, db, ignored)
	unread := run(1, "head6", policy.Incomplete, day(8))
	unread.Result.Scanned.Of = 3
	record(t, db, unread)
	record(t, db, run(1, "head6", policy.Pass, day(9)))
	assert.Equal(t, []string{"secret/a a.env", "secret/b b.env"}, of("head6"))
	// Its provider does.
	revoked := run(1, "head7", policy.Pass, day(10), key1)
	revoked.Verdict.Decisions[0].Action, revoked.Verdict.Decisions[0].Why = policy.Ignored, policy.WhyRevoked
	record(t, db, revoked)
	record(t, db, run(1, "head8", policy.Pass, day(11)))
	assert.Equal(t, []string{"secret/b b.env"}, of("head8"))

	// A second pull request with the same head does not take it back either.
	record(t, db, run(2, "head8", policy.Pass, day(12)))
	assert.Equal(t, []string{"secret/b b.env"}, of("head8"))
	record(t, db, run(2, "head9", policy.Pass, day(13)))
	assert.Empty(t, of("head9"), "of another one")
}

func excused(t *testing.T, db DB) {
	a := found("iac/a", "main.tf", "a")
	ofFile := policy.Exception{Rule: "iac/a", Owner: "@acme/platform", Until: day(20)}
	record(t, db, run(1, "head1", policy.Fail, day(2), a))
	record(t, db, excuse(run(1, "head2", policy.Pass, day(3), a), a, ofFile))
	record(t, db, excuse(run(1, "head3", policy.Pass, day(4), a), a, ofFile))
	assert.Equal(t, ended("excepted", day(3), 0), outcome(t, db, "iac/a"), "from the first time on")
	assert.Equal(t, "@acme/platform", one(t, db, `SELECT excepted_by FROM outcomes`))
	assert.Equal(t, "ignored", one(t, db, `SELECT action FROM outcomes`))

	record(t, db, run(1, "head3", policy.Fail, day(5), a))
	assert.Equal(t, ended("", time.Unix(0, 0), 0), outcome(t, db, "iac/a"), "the exception is gone")
	assert.Equal(t, "block", one(t, db, `SELECT action || excepted_by FROM outcomes`))

	require.NoError(t, db.Conversations().Except(ctx, repo(), excepted("command/1", a, 6, 20)))
	_, err := db.Conversations().Approve(ctx, repo(), "command/1", "command/2", lead, day(7))
	require.NoError(t, err)
	asked, err := db.Conversations().Exceptions(ctx, repo(), day(8))
	require.NoError(t, err)
	record(t, db, excuse(run(1, "head3", policy.Pass, day(8), a), a, asked[0].Policy()))
	assert.Equal(t, ended("excepted", day(8), 5), outcome(t, db, "iac/a"), "by who asked")
	assert.EqualValues(t, 6, count(t, db, `SELECT approver FROM outcomes`))
	assert.EqualValues(t, day(7).UnixMicro(), count(t, db, `SELECT approved FROM outcomes`))

	record(t, db, run(1, "head4", policy.Pass, day(9)))
	assert.Equal(t, ended("fixed", day(9), 5), outcome(t, db, "iac/a"), "and then it was fixed")
}

func notUseful(t *testing.T, db DB) {
	a, b := found("iac/a", "main.tf", "a"), found("iac/b", "main.tf", "b")
	record(t, db, run(1, "head1", policy.Fail, day(2), a, b))
	tell(t, db, "command/2", a, lead, day(4))
	tell(t, db, "command/1", a, dev, day(5))
	assert.Equal(t, ended("not useful", day(4), 6), outcome(t, db, "iac/a"), "who said so first")
	assert.Equal(t, ended("", time.Unix(0, 0), 0), outcome(t, db, "iac/b"))
	record(t, db, run(1, "head2", policy.Pass, day(6)))
	assert.Equal(t, ended("not useful", day(4), 6), outcome(t, db, "iac/a"), "that it is gone now does not make it useful")
	assert.EqualValues(t, day(6).UnixMicro(), count(t, db, `SELECT fixed FROM outcomes WHERE rule = 'iac/a'`))
	assert.EqualValues(t, 2, count(t, db, `SELECT COUNT(*) FROM outcomes`))
}

// merged: what was merged with a pull request stands, whatever happened to it before.
func merged(t *testing.T, db DB) {
	a := found("iac/a", "main.tf", "a")
	record(t, db, run(1, "head1", policy.Fail, day(2), a))
	shut := pull(1, "head1")
	shut.Open = false
	require.NoError(t, db.Ledger().Closed(ctx, shut, day(3)))
	assert.Equal(t, ended("closed", day(3), 0), outcome(t, db, "iac/a"))
	merge(t, db, 1, "head2", day(4)) // opened again and merged before anybody looked
	assert.Equal(t, ended("", time.Unix(0, 0), 0), outcome(t, db, "iac/a"))
	assert.EqualValues(t, day(4).UnixMicro(), count(t, db, `SELECT merged FROM outcomes`))
	assert.Equal(t, "head2", one(t, db, `SELECT head_sha FROM pulls`), "what was merged, not what was looked at")
}

// signalOf is the signal of a rule.
func signalOf(t *testing.T, db DB, rule string) history.Signal {
	t.Helper()
	all, err := db.Signals(ctx)
	require.NoError(t, err)
	for _, s := range all {
		if s.Rule == rule {
			return s
		}
	}
	return history.Signal{}
}

func signals(t *testing.T, db DB) {
	all, err := db.Signals(ctx)
	require.NoError(t, err)
	assert.Empty(t, all)

	var list []finding.Finding
	for i := range 5 {
		list = append(list, found("iac/a", "main.tf", fmt.Sprint(i)))
	}
	secret, malicious := found("secret/s", "x.env", "s"), found("dependency/GHSA-1", "go.sum", "m")
	malicious.Rule.Grave = true
	record(t, db, run(1, "head0", policy.Fail, day(1), found("iac/never-shown", "main.tf", "n")))
	show(t, db, run(1, "head1", policy.Fail, day(2), append(list, secret, malicious)...))
	assert.Equal(t, history.Signal{Rule: "iac/a", Shown: 5}, signalOf(t, db, "iac/a"), "nothing is judged that stands")
	assert.True(t, signalOf(t, db, "secret/s").Grave)
	assert.True(t, signalOf(t, db, "dependency/GHSA-1").Grave)

	e := policy.Exception{Rule: "iac/a", Owner: "@lead", Until: day(20)}
	show(t, db, excuse(run(1, "head2", policy.Fail, day(3), list[1:]...), list[1], e)) // the first is fixed, the second excepted
	tell(t, db, "command/1", list[2], dev, day(4))
	tell(t, db, "command/2", list[2], lead, day(4))
	want := history.Signal{Rule: "iac/a", Shown: 5, Judged: 3, Fixed: 1, Excepted: 1, NotUseful: 1}
	assert.Equal(t, want, signalOf(t, db, "iac/a"))

	show(t, db, run(2, "head3", policy.Fail, day(5), list[2:4]...)) // the same on another pull request
	assert.Equal(t, want, signalOf(t, db, "iac/a"), "one finding is one finding")
	shut := pull(2, "head3")
	shut.Open = false
	require.NoError(t, db.Ledger().Closed(ctx, shut, day(6)))
	assert.Equal(t, want, signalOf(t, db, "iac/a"), "nobody judged what was closed")
	all, err = db.Signals(ctx)
	require.NoError(t, err)
	assert.Len(t, all, 4)
	assert.Equal(t, history.Signal{Rule: "iac/never-shown"}, signalOf(t, db, "iac/never-shown"), "what nobody saw was fixed all the same, and is no signal")
}

// The last fifty count: what was judged before them is forgiven.
func lastJudged(t *testing.T, db DB) {
	var list []finding.Finding
	for i := range 60 {
		list = append(list, found("iac/a", "main.tf", fmt.Sprint(i)))
	}
	show(t, db, run(1, "head1", policy.Fail, day(2), list...))
	for i := range 10 {
		tell(t, db, fmt.Sprintf("command/%d", i), list[i], dev, day(3))
	}
	s := signalOf(t, db, "iac/a")
	assert.Equal(t, history.Signal{Rule: "iac/a", Shown: 60, Judged: 10, NotUseful: 10}, s)
	assert.True(t, s.Demote())
	show(t, db, run(1, "head2", policy.Pass, day(4)))
	s = signalOf(t, db, "iac/a")
	assert.Equal(t, history.Signal{Rule: "iac/a", Shown: 60, Judged: 50, Fixed: 50}, s)
	assert.False(t, s.Demote())
}

func weigh(t *testing.T, db DB) {
	var list []finding.Finding
	for i := range 13 {
		list = append(list, found("iac/a", "main.tf", fmt.Sprint(i)))
	}
	weighed := func(command string, f finding.Finding, at time.Time) bool {
		t.Helper()
		tell(t, db, command, f, dev, at)
		s, proposed, err := db.Conversations().Weigh(ctx, repo(), f.Rule.ID, command, at)
		require.NoError(t, err)
		assert.Equal(t, signalOf(t, db, f.Rule.ID), s)
		return proposed
	}
	show(t, db, run(1, "head1", policy.Fail, day(2), list...))
	assert.False(t, weighed("command/1", list[0], day(3)), "one judged finding tells nothing")
	show(t, db, run(1, "head2", policy.Fail, day(4), append(list[:1:1], list[10:]...)...))
	assert.False(t, weighed("command/1", list[0], day(3)), "1 of 10 is not above the bar")
	assert.True(t, weighed("command/2", list[10], day(5)), "2 of 11 is")
	assert.False(t, weighed("command/3", list[11], day(5)), "it is proposed already")
	assert.True(t, weighed("command/2", list[10], day(5)), "the same command again is told the same")
	assert.False(t, weighed("command/1", list[0], day(3)))

	// It gets better, and then worse: that is news.
	var more []finding.Finding
	for i := range 40 {
		more = append(more, found("iac/a", "b.tf", fmt.Sprint(i)))
	}
	show(t, db, run(2, "head3", policy.Fail, day(6), more...))
	show(t, db, run(2, "head4", policy.Pass, day(7)))
	assert.False(t, weighed("command/4", list[12], day(8)), "3 of the last 50: the first is forgotten")
	assert.EqualValues(t, 0, count(t, db, `SELECT COUNT(*) FROM demotions`))
	show(t, db, run(3, "head5", policy.Fail, day(9), more[:3]...))
	assert.False(t, weighed("command/4a", more[0], day(9)))
	assert.False(t, weighed("command/5", more[1], day(9)), "5 of 50 is ten percent, and not above it")
	assert.True(t, weighed("command/6", more[2], day(9)))
	assert.EqualValues(t, day(9).UnixMicro(), count(t, db, `SELECT at FROM demotions WHERE rule = 'iac/a' AND said = 'command/6' AND repository = 7`))

	s, proposed, err := db.Conversations().Weigh(ctx, repo(), "iac/unheard-of", "command/7", day(9))
	require.NoError(t, err)
	assert.False(t, proposed)
	assert.Equal(t, history.Signal{Rule: "iac/unheard-of"}, s)
}

// What one organisation says of a rule has no other one propose anything.
func weighApart(t *testing.T, db DB) {
	elsewhere := repo() // another repository of the same owner
	elsewhere.ID, elsewhere.Name, elsewhere.Owner = 9, "shop", "ACME"
	other := forge.Repo{ID: 8, Installation: 4, Owner: "other", Name: "site", Default: "main"}
	weighed := func(r forge.Repo, command string) (history.Signal, bool) {
		t.Helper()
		s, proposed, err := db.Conversations().Weigh(ctx, r, "iac/a", command, day(4))
		require.NoError(t, err)
		return s, proposed
	}
	for i, r := range []forge.Repo{repo(), other} {
		var list []finding.Finding
		for n := range 10 {
			list = append(list, found("iac/a", "main.tf", fmt.Sprint(i, n)))
		}
		in := run(1, "head1", policy.Fail, day(2), list...)
		in.Repo, in.Pull.Repo = r, r
		record(t, db, in)
		require.NoError(t, db.Ledger().Posted(ctx, r, 1, "head1", 1, nil, day(2)))
		for n, f := range list {
			_, err := db.Conversations().Tell(ctx, r, history.Feedback{Said: fmt.Sprint("command/", n), Pull: 1, Print: f.Print, KeyID: key.ID, Rule: "iac/a", Reason: "a demo", By: dev, At: day(3)})
			require.NoError(t, err)
		}
		s, proposed := weighed(r, "command/9")
		assert.Equal(t, history.Signal{Rule: "iac/a", Shown: 10, Judged: 10, NotUseful: 10}, s)
		assert.True(t, proposed, "in %s", r.Owner)
	}
	s, proposed := weighed(elsewhere, "command/10")
	assert.Equal(t, 10, s.Judged, "those of its owner")
	assert.False(t, proposed, "its owner has that proposed already")
	assert.Equal(t, 20, signalOf(t, db, "iac/a").Judged, "of all, for who runs the server")
}

// Grave rules are never proposed, whatever is said of them.
func graveRules(t *testing.T, db DB) {
	for i := range 20 {
		f := found("secret/s", "x.env", fmt.Sprint(i))
		show(t, db, run(1, "head1", policy.Fail, day(2).Add(time.Duration(i)*time.Second), f))
		tell(t, db, fmt.Sprintf("command/%d", i), f, dev, day(3))
		s, proposed, err := db.Conversations().Weigh(ctx, repo(), "secret/s", fmt.Sprintf("command/%d", i), day(3))
		require.NoError(t, err)
		assert.Equal(t, i+1, s.NotUseful)
		assert.False(t, proposed)
	}
	assert.EqualValues(t, 0, count(t, db, `SELECT COUNT(*) FROM demotions`))
}

// figures: what docs/ledger.md tells to ask for is there, and comes to what it should.
func figures(t *testing.T, db DB) {
	text, err := os.ReadFile("../../docs/ledger.md") // the suite runs in the directory of the store
	require.NoError(t, err)
	queries := map[string]string{}
	for _, section := range strings.Split(string(text), "\n### ")[1:] {
		name, rest, _ := strings.Cut(section, "\n")
		_, rest, _ = strings.Cut(rest, "```sql\n")
		queries[name], _, _ = strings.Cut(rest, "```")
	}

	a, b, c := found("iac/a", "main.tf", "a"), found("iac/b", "main.tf", "b"), found("secret/c", "x.env", "c")
	show(t, db, run(1, "head1", policy.Fail, day(2), a, b, c))
	show(t, db, run(1, "head2", policy.Fail, day(3), b, c))
	require.NoError(t, db.Conversations().Except(ctx, repo(), excepted("command/1", b, 4, 20)))
	show(t, db, excuse(run(1, "head2", policy.Fail, day(4), b, c), b, excepted("command/1", b, 4, 20).Policy()))
	tell(t, db, "command/2", c, dev, day(4))
	merge(t, db, 1, "head2", day(5))

	d, e := found("iac/d", "main.tf", "d"), found("iac/e", "main.tf", "e")
	slow, later := run(2, "head3", policy.Fail, day(6), d, e), run(2, "head4", policy.Warn, day(8).Add(time.Hour), e)
	slow.Verdict.Decisions[1].Action, later.Verdict.Decisions[0].Action = policy.Note, policy.Note
	record(t, db, slow)
	require.NoError(t, db.Ledger().Posted(ctx, repo(), 2, "head3", 43, nil, day(6).Add(time.Hour)))
	show(t, db, later)
	merge(t, db, 2, "head5", day(9)) // with a head that nobody looked at

	f := found("iac/f", "main.tf", "f")
	show(t, db, run(3, "head6", policy.Fail, day(6), f))
	show(t, db, run(3, "head7", policy.Pass, day(10)))
	merge(t, db, 3, "head7", day(11))
	partly := run(4, "head8", policy.Incomplete, day(6))
	partly.Result.Scanned.Of = 3
	show(t, db, partly)
	merge(t, db, 4, "head8", day(11))
	unposted := run(5, "head9", policy.Pass, day(6))
	record(t, db, unposted)
	merge(t, db, 5, "head9", day(11))
	old := pull(6, "head10") // was there before the App
	require.NoError(t, db.Survey().PassOver(ctx, old, day(1)))
	merge(t, db, 6, "head10", day(11))
	show(t, db, run(7, "head11", policy.Fail, day(6), found("iac/g", "main.tf", "g")))
	shut := pull(7, "head11")
	shut.Open = false
	require.NoError(t, db.Ledger().Closed(ctx, shut, day(7)))
	show(t, db, run(8, "head12", policy.Fail, day(6), found("iac/h", "main.tf", "h"))) // still open

	for name, want := range map[string]float64{
		"Time to detect": 4,            // seven after 4 minutes, two after 64
		"Lead time":      48,           // a 24, d 48, f 96
		"Escaped rate":   100. * 1 / 5, // c; not a, b, d, f, nor e, which was only noted
		"Coverage":       100. * 2 / 5, // 1 and 3; not 2, 4, 5; 6 does not count
		"Signal quality": 100. * 4 / 5, // a, b, d, f; not c
	} {
		var got float64
		require.NoError(t, db.SQL().QueryRow(queries[name]).Scan(&got), name)
		assert.InDelta(t, want, got, .001, name)
		delete(queries, name)
	}
	assert.Empty(t, queries, "figures that nobody proved")
}

// Whoever asked, approved, withdrew or spoke is known by name as long as what they did is.
func namesStay(t *testing.T, db DB) {
	a, b := found("iac/a", "main.tf", "a"), found("iac/b", "main.tf", "b")
	c := db.Conversations()
	asker, approver, withdrawer, critic := forge.User{ID: 11, Login: "asker"}, forge.User{ID: 12, Login: "approver"}, forge.User{ID: 13, Login: "withdrawer"}, forge.User{ID: 14, Login: "critic"}
	e := excepted("command/1", a, 2, 20)
	e.By = asker
	require.NoError(t, c.Except(ctx, repo(), e))
	_, err := c.Approve(ctx, repo(), "command/1", "command/2", approver, day(3))
	require.NoError(t, err)
	_, err = c.Withdraw(ctx, repo(), a.Print, "command/3", withdrawer, day(4))
	require.NoError(t, err)
	tell(t, db, "command/4", b, critic, day(4))
	require.NoError(t, db.Ledger().Purge(ctx, day(9)), "of somebody else")
	for _, u := range []forge.User{asker, approver, withdrawer, critic} {
		assert.Equal(t, u.Login, one(t, db, `SELECT MAX(login) FROM accounts WHERE id = $1`, u.ID))
	}
}
