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

func begun(t *testing.T, db DB) {
	l, s := db.Ledger(), db.Survey()
	left := func(pull int) []history.Begun {
		got, err := l.UnderWay(ctx, repo(), pull)
		require.NoError(t, err)
		return got
	}
	overdue := func(before time.Time) []history.Begun {
		got, err := s.Overdue(ctx, before)
		require.NoError(t, err)
		return got
	}
	assert.Empty(t, left(1))
	first := history.Begun{Repo: repo(), Pull: 1, SHA: "head1", Base: "base1", At: day(2)}
	second := history.Begun{Repo: repo(), Pull: 1, SHA: "head2", Base: "base1", At: day(3)}
	group := history.Begun{Repo: repo(), SHA: "group", Base: "tip", At: day(4)}
	for _, b := range []history.Begun{group, second, first} {
		require.NoError(t, l.Begun(ctx, b))
	}
	assert.Equal(t, []history.Begun{first, second}, left(1))
	assert.Equal(t, []history.Begun{group}, left(0))
	assert.Empty(t, left(2))
	elsewhere := repo()
	elsewhere.ID = 8
	got, err := l.UnderWay(ctx, elsewhere, 1)
	require.NoError(t, err)
	assert.Empty(t, got)
	assert.Equal(t, []history.Begun{first}, overdue(day(3)))
	assert.Len(t, overdue(day(9)), 3)

	// Posted: that one is complete, and no other.
	require.NoError(t, l.Posted(ctx, repo(), 1, "head1", 41, nil, day(5)))
	assert.Equal(t, []history.Begun{second}, left(1))
	second.At = day(6) // begun once more
	require.NoError(t, l.Begun(ctx, second))
	assert.Equal(t, []history.Begun{second}, left(1))
	require.NoError(t, l.Ended(ctx, repo(), 1, "head2"))
	require.NoError(t, l.Ended(ctx, repo(), 1, "head2"), "twice does no harm")
	assert.Empty(t, left(1))

	// A repository has the name it has now; nobody can do anything where we are not.
	now := repo()
	now.Name = "pages"
	require.NoError(t, l.Moved(ctx, now, day(7)))
	assert.Equal(t, "pages", left(0)[0].Repo.Name)
	require.NoError(t, l.Installed(ctx, installation(forge.Uninstalled, 3, day(8), nil, nil)))
	assert.Empty(t, overdue(day(20)))
	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 3, day(9), nil, nil)))
	assert.Len(t, overdue(day(20)), 1)
	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 3, day(10), nil, []forge.Repo{now})))
	assert.Empty(t, overdue(day(20)))
}

// comesAnew: where the App was uninstalled and comes back under another id, it
// counts from then on; suspending it and taking that back changes nothing.
func comesAnew(t *testing.T, db DB) {
	l := db.Ledger()
	when := func(id int64) time.Time {
		r := repo()
		r.Installation = id
		got, err := l.InstalledAt(ctx, r)
		require.NoError(t, err)
		return got
	}
	gone := func(id int64) bool {
		got, err := l.Left(ctx, id)
		require.NoError(t, err)
		return got
	}
	assert.False(t, gone(3), "nobody knows it")
	all := []forge.Repo{repo()}
	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 3, day(1), all, nil)))
	assert.False(t, gone(3))
	require.NoError(t, l.Installed(ctx, installation(forge.Uninstalled, 3, day(2), nil, all)))
	assert.True(t, gone(3))
	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 3, day(3), all, nil)))
	assert.False(t, gone(3))
	assert.Equal(t, day(1), when(3))
	require.NoError(t, l.Installed(ctx, installation(forge.Uninstalled, 3, day(4), nil, all)))
	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 4, day(5), all, nil)))
	assert.Equal(t, day(5), when(4))
	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 5, day(6), all, nil)))
	assert.Equal(t, day(5), when(5), "from one that is still there: transferred")
}

func settled(t *testing.T, db DB) {
	l, s := db.Ledger(), db.Survey()
	known := func(p forge.Pull) history.Knowledge {
		got, err := s.Known(ctx, p)
		require.NoError(t, err)
		return got
	}
	is := func(p forge.Pull) bool { return known(p) == history.Settled }
	p := pull(1, "head1")
	assert.False(t, is(p))
	record(t, db, run(1, "head1", policy.Fail, day(2)))
	assert.False(t, is(p), "it was not shown yet")
	require.NoError(t, l.Posted(ctx, repo(), 1, "head1", 41, nil, day(2)))
	assert.True(t, is(p))
	assert.False(t, is(pull(2, "head1")), "another one has a verdict of its own")
	assert.False(t, is(pull(1, "head2")))
	p.BaseRef = "release"
	assert.Equal(t, history.Stale, known(p), "another base, another verdict")
	assert.Equal(t, history.Unknown, known(pull(1, "head2")))
	p.BaseRef = "main"
	draft := run(1, "head1", policy.Fail, day(2))
	draft.Pull.Draft = true
	record(t, db, draft)
	assert.Equal(t, history.Stale, known(p), "it is a draft no longer")
	p.Draft = true
	assert.True(t, is(p))
	p.Draft = false
	record(t, db, run(1, "head2", policy.Pass, day(3)))
	require.NoError(t, l.Posted(ctx, repo(), 1, "head2", 42, nil, day(3)))
	assert.True(t, is(pull(1, "head1")), "what was shown on a head that comes back still stands there")

	old := pull(5, "old")
	require.NoError(t, s.PassOver(ctx, old, day(2)))
	require.NoError(t, s.PassOver(ctx, old, day(3)))
	assert.True(t, is(old))
	assert.False(t, is(pull(5, "new")))
	assert.Empty(t, one(t, db, `SELECT title || base_ref || head_ref || url FROM pulls WHERE number = 5`), "texts that no redactor saw")
	assert.Empty(t, standings(t, db, "old"), "it has no verdict")
	record(t, db, run(5, "new", policy.Pass, day(4)))
	assert.Equal(t, "Add a page", one(t, db, `SELECT title FROM pulls WHERE number = 5`))

	open, err := s.Open(ctx, repo())
	require.NoError(t, err)
	assert.Equal(t, []int{1, 5}, open)
	require.NoError(t, l.Closed(ctx, forge.Pull{PullRef: old.PullRef}, day(5)))
	open, err = s.Open(ctx, repo())
	require.NoError(t, err)
	assert.Equal(t, []int{1}, open)
	assert.Equal(t, history.Unknown, known(old), "it is open again, and nobody looked")
	require.NoError(t, l.Closed(ctx, forge.Pull{PullRef: p.PullRef}, day(5)))
	assert.Equal(t, history.Stale, known(p))
	record(t, db, run(1, "head2", policy.Pass, day(6)))
	assert.True(t, is(p), "open again")
}

func believed(t *testing.T, db DB) {
	l, s := db.Ledger(), db.Survey()
	gone, err := s.Installations(ctx)
	require.NoError(t, err)
	assert.Empty(t, gone)
	other := forge.Repo{ID: 9, Installation: 3, Owner: "acme", Name: "other"}
	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 3, day(1), []forge.Repo{repo(), other}, nil)))
	require.NoError(t, l.Installed(ctx, installation(forge.Uninstalled, 4, day(1), nil, nil)))
	require.NoError(t, l.Installed(ctx, installation(forge.Installed, 3, day(2), nil, []forge.Repo{other})))
	gone, err = s.Installations(ctx)
	require.NoError(t, err)
	assert.Equal(t, map[int64]bool{3: false, 4: true}, gone)
	all, err := s.Repositories(ctx, 3)
	require.NoError(t, err)
	assert.Equal(t, map[int64]forge.Repo{7: repo()}, all)
	all, err = s.Repositories(ctx, 4)
	require.NoError(t, err)
	assert.Empty(t, all)

	at, err := s.Position(ctx, "deliveries")
	require.NoError(t, err)
	assert.True(t, at.IsZero())
	for _, when := range []time.Time{day(2), day(1)} {
		require.NoError(t, s.SetPosition(ctx, "deliveries", when))
		at, err = s.Position(ctx, "deliveries")
		require.NoError(t, err)
		assert.Equal(t, when, at)
	}
}

func redeliveries(t *testing.T, db DB) {
	s := db.Survey()
	asked := func(guid string) (int, time.Time) {
		n, last, err := s.Asked(ctx, guid)
		require.NoError(t, err)
		return n, last
	}
	n, last := asked("a")
	assert.Zero(t, n)
	assert.True(t, last.IsZero())
	require.NoError(t, s.Ask(ctx, "a", day(1)))
	require.NoError(t, s.Ask(ctx, "a", day(2)))
	require.NoError(t, s.Ask(ctx, "b", day(1)))
	n, last = asked("a")
	assert.Equal(t, 2, n)
	assert.Equal(t, day(2), last)
	require.NoError(t, s.Forget(ctx, day(2)))
	n, _ = asked("a")
	assert.Equal(t, 2, n)
	n, _ = asked("b")
	assert.Zero(t, n)
}
