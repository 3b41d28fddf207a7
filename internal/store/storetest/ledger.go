package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
)

func standings(t *testing.T, db DB, sha string) []history.Standing {
	got, err := db.Ledger().At(ctx, repo(), sha)
	require.NoError(t, err)
	return got
}

func at(t *testing.T, db DB) {
	assert.Empty(t, standings(t, db, "head1"))
	record(t, db, run(1, "head1", policy.Fail, day(2)))
	record(t, db, run(2, "head1", policy.Pass, day(3)))
	record(t, db, run(2, "head2", policy.Warn, day(4)))
	elsewhere := run(3, "head1", policy.Fail, day(4))
	elsewhere.Repo.ID = 8
	record(t, db, elsewhere)
	assert.Equal(t, []history.Standing{{Pull: 1, Outcome: policy.Fail, Title: "Add a page", BaseRef: "main", MergeBase: "merge-base"}, {Pull: 2, Outcome: policy.Pass, Title: "Add a page", BaseRef: "main", MergeBase: "merge-base"}}, standings(t, db, "head1"))
	assert.Equal(t, []history.Standing{{Pull: 2, Outcome: policy.Warn, Title: "Add a page", BaseRef: "main", MergeBase: "merge-base"}}, standings(t, db, "head2"))

	_, err := db.SQL().Exec(`UPDATE runs SET outcome = 'splendid' WHERE pull = 1`)
	require.NoError(t, err)
	_, err = db.Ledger().At(ctx, repo(), "head1")
	require.ErrorContains(t, err, "splendid", "what is not understood is never a pass")
}

func closed(t *testing.T, db DB) {
	l, f := db.Ledger(), found("iac/a", "main.tf", "a")
	r := run(1, "head1", policy.Fail, day(2), f)
	record(t, db, r)
	gone := r.Pull
	gone.Open = false
	require.NoError(t, l.Closed(ctx, gone, day(3)))
	require.NoError(t, l.Closed(ctx, gone, day(4)))
	assert.Empty(t, standings(t, db, "head1"))
	assert.EqualValues(t, day(3).UnixMicro(), count(t, db, `SELECT closed FROM pulls`), "the first time counts")
	assert.EqualValues(t, 0, count(t, db, `SELECT merged FROM pulls`))
	assert.Equal(t, "closed", one(t, db, `SELECT how FROM standings`))

	record(t, db, r) // reopened at the same head
	assert.Len(t, standings(t, db, "head1"), 1)
	assert.EqualValues(t, 1, count(t, db, `SELECT COUNT(*) FROM standings WHERE fixed IS NULL AND how = ''`))

	gone.Merged = true
	require.NoError(t, l.Closed(ctx, gone, day(5)))
	assert.EqualValues(t, day(5).UnixMicro(), count(t, db, `SELECT merged FROM pulls`))
	assert.EqualValues(t, 1, count(t, db, `SELECT COUNT(*) FROM standings WHERE fixed IS NULL`), "what was merged is not fixed")

	never := forge.Pull{PullRef: forge.PullRef{Repo: repo(), Number: 9}}
	require.NoError(t, l.Closed(ctx, never, day(5)), "a pull request that was never reviewed")
}

func posted(t *testing.T, db DB) {
	l, f, ignored := db.Ledger(), found("iac/a", "main.tf", "a"), found("iac/b", "main.tf", "b")
	r := run(1, "head1", policy.Fail, day(2), f, ignored)
	r.Verdict.Decisions[1].Action = policy.Ignored
	record(t, db, r)
	placed := forge.Placed{string(f.Print): 501}
	require.NoError(t, l.Posted(ctx, repo(), 1, "head1", 41, placed, day(3)))
	before := sizes(t, db)
	require.NoError(t, l.Posted(ctx, repo(), 1, "head1", 41, placed, day(4)))
	assert.Equal(t, before, sizes(t, db))

	for _, query := range []string{
		`SELECT shown FROM runs`,
		`SELECT first_shown FROM findings WHERE rule = 'iac/a'`,
		`SELECT s.first_shown FROM standings s JOIN findings f ON f.id = s.finding WHERE f.rule = 'iac/a'`,
		`SELECT first_at FROM checks WHERE id = 41 AND sha = 'head1'`,
		`SELECT first_at FROM comments WHERE id = 501 AND pull = 1`,
	} {
		assert.EqualValues(t, day(3).UnixMicro(), count(t, db, query), query)
	}
	assert.EqualValues(t, 0, count(t, db, `SELECT first_shown FROM findings WHERE rule = 'iac/b'`), "what is ignored is not shown")
	assert.Equal(t, string(f.Print), one(t, db, `SELECT fingerprint FROM comments`))

	require.NoError(t, l.Posted(ctx, repo(), 1, "unknown", 42, nil, day(5)), "a check on a head without a run")
	assert.EqualValues(t, 1, count(t, db, `SELECT COUNT(*) FROM checks WHERE id = 42 AND run IS NULL`))
}

func policies(t *testing.T, db DB) {
	l := db.Ledger()
	last := func() string {
		text, ok, err := l.LastPolicy(ctx, repo())
		require.NoError(t, err)
		require.True(t, ok)
		return string(text)
	}
	_, ok, err := l.LastPolicy(ctx, repo())
	require.NoError(t, err)
	assert.False(t, ok)
	for i, text := range []string{"version: 1\n", "version: 1\nmode: observe\n", "version: 1\n", ""} {
		require.NoError(t, l.KeepPolicy(ctx, repo(), []byte(text), day(2+i)))
		assert.Equal(t, text, last())
	}
	assert.EqualValues(t, 3, count(t, db, `SELECT COUNT(*) FROM policies`))
	require.NoError(t, l.KeepPolicy(ctx, repo(), nil, day(9)))
	assert.Empty(t, last())
}

func moved(t *testing.T, db DB) {
	l := db.Ledger()
	record(t, db, run(1, "head1", policy.Pass, day(2)))
	now := repo()
	now.Owner, now.Name, now.Installation = "octo-org", "pages", 4
	require.NoError(t, l.Moved(ctx, now, day(5)))
	require.NoError(t, l.Moved(ctx, now, day(6)))
	require.NoError(t, l.Moved(ctx, repo(), day(3))) // late
	assert.Equal(t, "octo-org/pages", one(t, db, `SELECT owner || '/' || name FROM repositories WHERE id = 7 AND installation = 4`))
	assert.Equal(t, "acme/site", one(t, db, `SELECT owner || '/' || name FROM repository_names ORDER BY since LIMIT 1`))
	assert.EqualValues(t, 2, count(t, db, `SELECT COUNT(*) FROM repository_names`))

	other := repo()
	other.ID = 8 // takes the name that is free now
	require.NoError(t, l.Moved(ctx, other, day(7)))
	assert.EqualValues(t, 2, count(t, db, `SELECT COUNT(*) FROM repositories`))
	assert.EqualValues(t, 1, count(t, db, `SELECT COUNT(*) FROM runs WHERE repository = 7`))
}

func installation(kind forge.Kind, id int64, when time.Time, added, removed []forge.Repo) forge.Event {
	return forge.Event{Kind: kind, Installation: id, Received: when, Account: forge.User{ID: 50 + id, Login: "acme"},
		Added: added, Removed: removed}
}

func installed(t *testing.T, db DB) {
	l := db.Ledger()
	when := func(r forge.Repo) time.Time {
		got, err := l.InstalledAt(ctx, r)
		require.NoError(t, err)
		return got
	}
	assert.True(t, when(repo()).IsZero())
	record(t, db, run(1, "head1", policy.Pass, day(1)))
	assert.True(t, when(repo()).IsZero(), "a run says nothing of when")

	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 3, day(2), []forge.Repo{repo()}, nil)))
	assert.Equal(t, day(2), when(repo()))
	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 3, day(4), []forge.Repo{repo()}, nil)))
	assert.Equal(t, day(2), when(repo()), "the first time counts")

	later := forge.Repo{ID: 9, Installation: 3, Owner: "acme", Name: "new"}
	assert.Equal(t, day(2), when(later), "a repository that was made since then")
	assert.True(t, when(forge.Repo{ID: 9, Installation: 99}).IsZero())

	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 3, day(5), nil, []forge.Repo{repo()})))
	assert.EqualValues(t, day(5).UnixMicro(), count(t, db, `SELECT removed FROM repositories WHERE id = 7`))
	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 3, day(6), []forge.Repo{repo()}, nil)))
	assert.EqualValues(t, 0, count(t, db, `SELECT removed FROM repositories WHERE id = 7`))
	assert.Equal(t, "acme", one(t, db, `SELECT a.login FROM installations i JOIN accounts a ON a.id = i.account WHERE i.id = 3`))
}

func purge(t *testing.T, db DB) {
	l := db.Ledger()
	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 3, day(1), []forge.Repo{repo()}, nil)))
	r := run(1, "head1", policy.Fail, day(2), found("iac/a", "main.tf", "a"))
	r.Result.Packages = WithSecret().Result.Packages
	r.Policy.Ignore = []policy.Exception{{Rule: "iac/x"}}
	record(t, db, r)
	require.NoError(t, l.Posted(ctx, repo(), 1, "head1", 41, forge.Placed{"x": 501}, day(2)))
	require.NoError(t, l.KeepPolicy(ctx, repo(), []byte("version: 1\n"), day(2)))
	require.NoError(t, l.Proposed(ctx, repo(), history.Upgrade{Package: "left", At: day(2)}))
	require.NoError(t, l.Begun(ctx, history.Begun{Repo: repo(), Pull: 1, SHA: "head2", At: day(2)}))
	require.NoError(t, db.Conversations().Except(ctx, repo(), excepted("command/1", r.Result.Findings[0], 2, 3)))
	_, err := db.Conversations().Tell(ctx, repo(), history.Feedback{Said: "command/2", By: dev, At: day(2)})
	require.NoError(t, err)
	for _, statement := range []string{
		`INSERT INTO queue_items (key, generation, state, event, since, installation, repository) VALUES ('pull/7/1', 1, 'done', '{}', 1, 3, 7)`,
		`INSERT INTO deliveries (guid, key, kind, installation, repository, first_received, last_received, times) VALUES ('g', 'k', 'x', 3, 7, 1, 1, 1)`,
		`INSERT INTO demotions (owner, rule, repository, said, at) VALUES ('acme', 'iac/a', 7, 'command/2', 1)`,
		`INSERT INTO former_fingerprints (repository, fingerprint, finding) SELECT 7, 'before', id FROM findings`,
	} {
		_, err := db.SQL().Exec(statement)
		require.NoError(t, err)
	}
	for table, n := range sizes(t, db) {
		require.NotZero(t, n, "the test has something in %s", table)
	}
	full := sizes(t, db)
	require.NoError(t, l.Installed(ctx, installation(forge.Uninstalled, 3, day(5), nil, nil)))
	require.NoError(t, l.Purge(ctx, day(5)))
	assert.Equal(t, full, sizes(t, db), "not before its time")

	stays := repo()
	stays.ID, stays.Installation = 8, 4
	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 4, day(3), []forge.Repo{stays}, nil)))
	require.NoError(t, l.Purge(ctx, day(6)))
	want := map[string]int64{}
	for _, table := range tables {
		want[table] = 0
	}
	for _, table := range []string{"accounts", "account_names", "installations", "repositories", "repository_names"} {
		want[table] = 1
	}
	assert.Equal(t, want, sizes(t, db))

	// Coming back beats having left, but not if it was sent before.
	require.NoError(t, l.Installed(ctx, installation(forge.Uninstalled, 4, day(8), nil, nil)))
	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 4, day(7), nil, nil)))
	assert.NotZero(t, count(t, db, `SELECT uninstalled FROM installations`))
	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 4, day(9), nil, nil)))
	require.NoError(t, l.Purge(ctx, day(20)))
	assert.EqualValues(t, 1, count(t, db, `SELECT COUNT(*) FROM repositories`))
}

func left(t *testing.T, db DB) {
	l := db.Ledger()
	has := func(id int64) bool {
		t.Helper()
		gone, err := l.Left(ctx, id)
		require.NoError(t, err)
		return gone
	}
	assert.False(t, has(3), "nobody heard of it")
	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 3, day(1), nil, nil)))
	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 4, day(1), nil, nil)))
	assert.False(t, has(3))
	require.NoError(t, l.Installed(ctx, installation(forge.Uninstalled, 3, day(2), nil, nil)))
	assert.True(t, has(3))
	assert.False(t, has(4))

	// It may be on its way back.
	state := func(s string) {
		t.Helper()
		_, err := db.SQL().Exec(`
			INSERT INTO queue_items (key, generation, state, event, since, installation, repository) VALUES ('installation/3', 1, $1, '{}', 0, 3, 0)
			ON CONFLICT (key) DO UPDATE SET state = excluded.state`, s)
		require.NoError(t, err)
	}
	state("waiting")
	assert.False(t, has(3))
	state("done")
	assert.True(t, has(3))
	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 3, day(3), nil, nil)))
	assert.False(t, has(3))
}

func proposed(t *testing.T, db DB) {
	l := db.Ledger()
	u := history.Upgrade{Ecosystem: "Go", Package: "example.com/x", From: "v1.0.0", To: "v1.0.1",
		Advisories: []string{"GO-2026-0001"}, Why: "it is vendored", At: day(2)}
	for i := range 2 {
		u.At = day(2 + i)
		require.NoError(t, l.Proposed(ctx, repo(), u))
	}
	u.Why, u.Pull = "", 12
	require.NoError(t, l.Proposed(ctx, repo(), u))
	assert.EqualValues(t, 2, count(t, db, `SELECT COUNT(*) FROM upgrades`))
	assert.EqualValues(t, day(2).UnixMicro(), count(t, db, `SELECT first_at FROM upgrades WHERE why <> ''`))
	assert.EqualValues(t, day(3).UnixMicro(), count(t, db, `SELECT last_at FROM upgrades WHERE why <> ''`))
	assert.Equal(t, `["GO-2026-0001"]`, one(t, db, `SELECT advisories FROM upgrades WHERE pull = 12`))
}

func unknownRepository(t *testing.T, db DB) {
	l := db.Ledger()
	assert.Empty(t, standings(t, db, "nothing"))
	require.NoError(t, l.Purge(ctx, day(9)))
	require.NoError(t, l.Installed(ctx, installation(forge.Uninstalled, 77, day(2), nil, nil)), "we never heard of it")
	require.NoError(t, l.Posted(ctx, repo(), 1, "head1", 0, nil, day(2)))
}
