package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
)

type prints = []finding.Fingerprint

func recordsAll(t *testing.T, db DB) {
	f := found("iac/AWS-0086", "main.tf", "bucket")
	r := run(1, "head1", policy.Fail, day(2), f)
	r.Result.Packages = []finding.Package{{Ecosystem: "npm", Name: "left", Version: "1.0.0", Path: "package-lock.json", Line: 9, Direct: true}}
	record(t, db, r)
	var got [9]string
	var times [4]int64
	require.NoError(t, db.SQL().QueryRow(`
		SELECT sha, base_ref, base_sha, merge_base, policy_hash, rules, advisories, key_id, outcome, pushed, received, started, finished
		FROM runs WHERE repository = 7 AND pull = 1`).Scan(&got[0], &got[1], &got[2], &got[3], &got[4], &got[5], &got[6], &got[7], &got[8],
		&times[0], &times[1], &times[2], &times[3]))
	assert.Equal(t, [9]string{"head1", "main", "base", "merge-base", "default", "rules-1", "advisories-1", key.ID, "fail"}, got)
	assert.Equal(t, [4]int64{r.Pushed.UnixMicro(), r.Received.UnixMicro(), r.Started.UnixMicro(), r.Finished.UnixMicro()}, times)
	assert.Contains(t, one(t, db, `SELECT policy FROM runs`), `"Block":"high"`)
	assert.Contains(t, one(t, db, `SELECT result FROM runs`), string(f.Print))
	assert.Contains(t, one(t, db, `SELECT result FROM runs`), `"of":2`)
	assert.Contains(t, one(t, db, `SELECT verdict FROM runs`), `"action":"block"`)
	assert.EqualValues(t, 1001, count(t, db, `SELECT id FROM pulls WHERE number = 1 AND author = 5`))
	assert.Equal(t, "dev", one(t, db, `SELECT login FROM accounts WHERE id = 5`))
	assert.Equal(t, "iac/AWS-0086 high main.tf", one(t, db, `SELECT rule || ' ' || severity || ' ' || path FROM findings`))
	assert.Equal(t, "c0ffee high", one(t, db, `SELECT introduced || ' ' || why FROM sightings WHERE start_line = 3 AND end_line = 4`))
	assert.EqualValues(t, day(2).UnixMicro(), count(t, db, `SELECT first_seen FROM standings WHERE pull = 1`))
	assert.Equal(t, "left 1.0.0", one(t, db, `
		SELECT p.name || ' ' || p.version FROM inventories i JOIN packages p ON p.manifest = i.manifest WHERE i.sha = 'head1'`))
}

func recordAgain(t *testing.T, db DB) {
	record(t, db, run(1, "head1", policy.Fail, day(2), found("iac/a", "main.tf", "x")))
	r := run(1, "head2", policy.Fail, day(3), found("iac/a", "main.tf", "y"))
	first, before := record(t, db, r), sizes(t, db)
	r.Started, r.Finished = day(4), day(5) // when it was done does not make it another run
	assert.Equal(t, first, record(t, db, r))
	assert.Equal(t, before, sizes(t, db))
	assert.Equal(t, "head1", first.Previous)

	r.BaseRef = "release" // but for another base it is
	for range 2 {
		record(t, db, r)
		assert.EqualValues(t, 3, count(t, db, `SELECT COUNT(*) FROM runs`))
		assert.Equal(t, "release", standings(t, db, "head2")[0].BaseRef)
	}
}

// Whoever records a run again is told whether it was posted: a crash may have come between.
func toldIfPosted(t *testing.T, db DB) {
	record(t, db, run(1, "head1", policy.Fail, day(2)))
	second := run(1, "head2", policy.Fail, day(3))
	assert.Equal(t, history.Delta{Previous: "head1"}, record(t, db, second))
	assert.Equal(t, history.Delta{Previous: "head1"}, record(t, db, second))
	require.NoError(t, db.Ledger().Posted(ctx, repo(), 1, "head2", 41, nil, day(4)))
	assert.Equal(t, history.Delta{Previous: "head1", Shown: true}, record(t, db, second))
}

func recordAtOnce(t *testing.T, db DB) {
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			d, err := db.Ledger().Record(ctx, run(1, "head1", policy.Fail, day(2), found("iac/a", "main.tf", "x")))
			assert.NoError(t, err)
			assert.Len(t, d.New, 1)
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, count(t, db, `SELECT COUNT(*) FROM runs`))
}

func delta(t *testing.T, db DB) {
	a, b, c := found("iac/a", "main.tf", "a"), found("iac/b", "main.tf", "b"), found("secret/c", "x.env", "c")
	assert.Equal(t, history.Delta{New: prints{a.Print, b.Print}}, record(t, db, run(1, "head1", policy.Fail, day(2), a, b)))
	assert.Equal(t, history.Delta{Previous: "head1", New: prints{c.Print}, Same: prints{b.Print}, Gone: prints{a.Print}},
		record(t, db, run(1, "head2", policy.Fail, day(3), b, c)))
	assert.Equal(t, "changed head2", one(t, db, `
		SELECT s.how || ' ' || s.fixed_sha FROM standings s JOIN findings f ON f.id = s.finding WHERE f.rule = 'iac/a'`))

	assert.Equal(t, history.Delta{New: prints{a.Print}}, record(t, db, run(2, "head2", policy.Fail, day(3), a)),
		"another pull request is another story")

	assert.Equal(t, history.Delta{Previous: "head2", New: prints{a.Print}, Gone: prints{b.Print, c.Print}},
		record(t, db, run(1, "head3", policy.Fail, day(4), a)), "what comes back is new")
	assert.EqualValues(t, 2, count(t, db, `
		SELECT COUNT(*) FROM standings s JOIN findings f ON f.id = s.finding WHERE f.rule = 'iac/a' AND s.fixed IS NULL`))

	assert.Equal(t, history.Delta{Previous: "head3", Gone: prints{a.Print}}, record(t, db, run(1, "head3", policy.Pass, day(5))))
	assert.Equal(t, "rejudged", one(t, db, `
		SELECT s.how FROM standings s JOIN findings f ON f.id = s.finding WHERE f.rule = 'iac/a' AND s.pull = 1`),
		"the same head was not fixed by a push")
}

// A verdict that comes back on one head is the latest again.
func verdictComesBack(t *testing.T, db DB) {
	f := found("iac/a", "main.tf", "a")
	for i, outcome := range []policy.Outcome{policy.Fail, policy.Pass, policy.Fail} {
		record(t, db, run(1, "head1", outcome, day(2+i), f))
		got, err := db.Ledger().At(ctx, repo(), "head1")
		require.NoError(t, err)
		assert.Equal(t, []history.Standing{{Pull: 1, Outcome: outcome, Title: "Add a page", BaseRef: "main", MergeBase: "merge-base"}}, got)
	}
}

func notScanned(t *testing.T, db DB) {
	a, s := found("iac/a", "main.tf", "a"), found("secret/s", "x.env", "s")
	record(t, db, run(1, "head1", policy.Fail, day(2), a, s))

	broken := run(1, "head2", policy.Incomplete, day(3))
	broken.Result.Statuses[1].Err = errors.New("timed out")
	assert.Equal(t, history.Delta{Previous: "head1", Gone: prints{s.Print}}, record(t, db, broken),
		"only what was looked for is gone")

	skipped := run(1, "head3", policy.Incomplete, day(4))
	skipped.Result.Scanned.Skipped = []change.Skip{{Path: "main.tf", Why: "larger than 4 MiB"}}
	assert.Equal(t, history.Delta{Previous: "head2"}, record(t, db, skipped))

	assert.Equal(t, history.Delta{Previous: "head3", Same: prints{a.Print}}, record(t, db, run(1, "head4", policy.Fail, day(5), a)),
		"it was standing all the while")
	assert.Equal(t, history.Delta{Previous: "head4", Gone: prints{a.Print}}, record(t, db, run(1, "head5", policy.Pass, day(6))))
}

func scannerOff(t *testing.T, db DB) {
	record(t, db, run(1, "head1", policy.Fail, day(2), found("iac/a", "main.tf", "a")))
	off := run(1, "head2", policy.Pass, day(3))
	off.Result.Statuses = off.Result.Statuses[:1]
	assert.Len(t, record(t, db, off).Gone, 1)
	assert.Equal(t, "unwatched", one(t, db, `SELECT how FROM standings`), "nobody fixed it")
}

func anotherKey(t *testing.T, db DB) {
	record(t, db, run(1, "head1", policy.Fail, day(2), found("iac/a", "main.tf", "a")))
	r := run(1, "head1", policy.Fail, day(3))
	r.KeyID = "another"
	assert.Equal(t, history.Delta{Previous: "head1"}, record(t, db, r), "fingerprints of two keys cannot be compared")
	assert.Equal(t, "rekeyed", one(t, db, `SELECT how FROM standings`))
}

func mergeGroup(t *testing.T, db DB) {
	r := run(0, "group1", policy.Fail, day(2), found("iac/a", "main.tf", "a"))
	r.Pull.ID = 0
	assert.Len(t, record(t, db, r).New, 1)
	assert.Len(t, record(t, db, r).New, 1)
	assert.EqualValues(t, 1, count(t, db, `SELECT COUNT(*) FROM runs`))
	assert.EqualValues(t, 0, count(t, db, `SELECT COUNT(*) FROM pulls`))
	assert.EqualValues(t, 0, count(t, db, `SELECT COUNT(*) FROM standings`))
	got, err := db.Ledger().At(ctx, repo(), "group1")
	require.NoError(t, err)
	assert.Equal(t, []history.Standing{{Outcome: policy.Fail, BaseRef: "main", MergeBase: "merge-base"}}, got)

	other := run(0, "group2", policy.Pass, day(3))
	assert.Equal(t, history.Delta{}, record(t, db, other), "a group has no run before it")
}

func noFingerprint(t *testing.T, db DB) {
	f := found("iac/a", "main.tf", "a")
	f.Print = ""
	_, err := db.Ledger().Record(ctx, run(1, "head1", policy.Fail, day(2), f))
	require.ErrorContains(t, err, "record the run on head1 of acme/site#1: a finding of iac/a at main.tf:3-4 has no fingerprint")
	assert.EqualValues(t, 0, count(t, db, `SELECT COUNT(*) FROM runs`), "all or nothing")
}

// Planted is a value that must not be in the database after WithSecret was recorded.
const Planted = "Zq3v" + "7Kp-planted-\"quoted\"-Xw9t"

// WithSecret is a run whose every free text has Planted in it.
func WithSecret() history.Run {
	rule := finding.Rule{ID: "secret/generic", Title: "Secret committed", How: "Revoke it.", Severity: finding.Critical}
	f := finding.New(rule, change.Span{Path: "conf/" + Planted, Start: 1, End: 1}, finding.OfSecret(Planted), "found "+Planted)
	f.Evidence = finding.Plain(Planted)
	f.Details = []finding.Detail{{Name: Planted, Text: Planted}}
	f.Also = []change.Span{{Path: Planted, Start: 2, End: 2}}
	f.Fix = finding.Fix{Text: "Remove " + Planted, Edits: []change.Edit{{Text: "key = " + Planted}}}
	f = key.Seal([]finding.Finding{f}, func(p string) string { return p })[0]
	r := run(1, "head1", policy.Fail, day(2), f)
	r.Pull.Title, r.Pull.HeadRef, r.Pull.URL = "Use "+Planted, Planted, "https://host.example/"+Planted
	r.Policy.Ignore = []policy.Exception{{Rule: Planted, Reason: Planted, Owner: Planted, Until: day(9)}}
	r.Verdict.Decisions[0].Why, r.Verdict.Decisions[0].By = Planted, &r.Policy.Ignore[0]
	r.Verdict.Incomplete = []string{Planted}
	r.Result.Statuses[0].Err = errors.New("at " + Planted)
	r.Result.Packages = []finding.Package{{Ecosystem: "npm", Name: Planted, Version: "https://" + Planted + "@host.example/x", Path: Planted}}
	r.Result.Scanned.Skipped = []change.Skip{{Path: Planted, Why: Planted}}
	return r
}

func secretsStayOut(t *testing.T, db DB) {
	r := WithSecret()
	record(t, db, r)
	closing := r.Pull
	closing.Open = false
	require.NoError(t, db.Ledger().Closed(ctx, closing, day(3)))
	assert.Equal(t, "Use [secret removed]", one(t, db, `SELECT title FROM pulls`))
	assert.Equal(t, "conf/[secret removed]", one(t, db, `SELECT path FROM findings`))
	assert.Equal(t, "[secret removed]", one(t, db, `SELECT excepted_by FROM standings`))
	for _, column := range []string{"result", "verdict", "policy"} {
		assert.Contains(t, one(t, db, `SELECT `+column+` FROM runs`), "[secret removed]")
		assert.NotContains(t, one(t, db, `SELECT `+column+` FROM runs`), "planted")
	}
}

func oddTexts(t *testing.T, db DB) {
	f := found("iac/a", "a\xff\x00b", "x")
	r := run(1, "head1", policy.Fail, day(2), f)
	r.Pull.Title = "\xff\x00 `'; DROP TABLE runs; --"
	r.Result.Packages = []finding.Package{{Ecosystem: "npm", Name: "\xff", Version: "\x00", Path: "\xfe"}}
	record(t, db, r)
	assert.Equal(t, "a\uFFFD\uFFFDb", one(t, db, `SELECT path FROM findings`))
	assert.EqualValues(t, 1, count(t, db, `SELECT COUNT(*) FROM runs`))
}

func inventories(t *testing.T, db DB) {
	lock := func(version string) []finding.Package {
		return []finding.Package{
			{Ecosystem: "npm", Name: "left", Version: version, Path: "package-lock.json", Line: 4, Direct: true},
			{Ecosystem: "npm", Name: "pad", Version: "2.0.0", Path: "package-lock.json", Line: 9, Dev: true},
			{Ecosystem: "Go", Name: "example.com/x", Version: "v1.0.0", Path: "go.mod", Line: 5, Direct: true},
		}
	}
	for i, version := range []string{"1.0.0", "1.0.0", "1.1.0"} {
		r := run(1, "head"+string(rune('1'+i)), policy.Pass, day(2).Add(time.Duration(i)*time.Hour))
		r.Result.Packages = lock(version)
		record(t, db, r)
	}
	assert.EqualValues(t, 6, count(t, db, `SELECT COUNT(*) FROM inventories`))
	assert.EqualValues(t, 3, count(t, db, `SELECT COUNT(*) FROM manifests`), "what is the same is kept once")
	const version = `SELECT p.version FROM inventories i JOIN packages p ON p.manifest = i.manifest WHERE i.sha = $1 AND p.name = 'left'`
	assert.Equal(t, "1.0.0", one(t, db, version, "head2"))
	assert.Equal(t, "1.1.0", one(t, db, version, "head3"))
}
