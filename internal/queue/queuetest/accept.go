package queuetest

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/queue"
)

// together has all events accepted at a time: they arrive while the database is
// kept from an earlier one. The errors come in the order of events.
func together(t *testing.T, db *sql.DB, q *queue.Queue, events ...forge.Event) []error {
	gate := push(1000, "gate")
	accept(t, q, gate)
	tx, err := db.Begin()
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	_, err = tx.Exec(`UPDATE queue_items SET reason = '' WHERE key = $1`, gate.Key())
	require.NoError(t, err)
	ended := make([]chan error, len(events)+1)
	for i, e := range append([]forge.Event{gate}, events...) {
		ended[i] = make(chan error, 1)
		go func() { ended[i] <- q.Accept(context.Background(), e, e.Key()) }()
		if i == 0 {
			time.Sleep(50 * time.Millisecond) // it is at the gate, on which the others do not depend
		}
	}
	time.Sleep(100 * time.Millisecond)
	for _, c := range ended {
		assert.Empty(t, c, "nothing is accepted before it is in the database")
	}
	require.NoError(t, tx.Rollback())
	require.NoError(t, <-ended[0])
	var errs []error
	for _, c := range ended[1:] {
		errs = append(errs, <-c)
	}
	return errs
}

// acceptTogether: events for many keys, several for one, and one delivery several times.
func acceptTogether(t *testing.T, db *sql.DB) {
	const pulls = 30
	q, l := open(t, db, quick()), &log{}
	accept(t, q, push(1, "before"))
	var events []forge.Event
	for round := range 3 {
		for n := range pulls {
			events = append(events, push(n, fmt.Sprintf("%d-%d", n, round)))
		}
		events = append(events, push(1, "again")) // the same delivery each time
	}
	for _, err := range together(t, db, q, events...) {
		require.NoError(t, err)
	}
	for query, want := range map[string]int{
		`SELECT COUNT(*) FROM queue_items WHERE state = 'waiting'`:            pulls + 1,
		`SELECT COUNT(*) FROM river_job`:                                      pulls + 1,
		`SELECT COUNT(*) FROM queue_items i JOIN river_job j ON j.id = i.job`: pulls + 1,
		`SELECT COUNT(*) FROM deliveries WHERE times = 1`:                     3*pulls + 1,
		`SELECT times FROM deliveries WHERE guid = 'delivery-again'`:          3,
		`SELECT COUNT(*) FROM queue_items WHERE key = 'pull/7/1' AND event LIKE '%"sha":"1-%'
			OR key = 'pull/7/1' AND event LIKE '%"sha":"again"%'`: 1,
	} {
		var got int
		require.NoError(t, db.QueryRow(query).Scan(&got), query)
		assert.Equal(t, want, got, query)
	}
	start(t, q, l.handle)
	idle(t, q)
	assert.Len(t, l.shas(), pulls+1)
}

// acceptBadRow: a row that cannot be read is the trouble of its own events alone.
func acceptBadRow(t *testing.T, db *sql.DB) {
	q, l := open(t, db, quick()), &log{}
	broken := forge.Event{Kind: forge.Installed, Installation: 3, Delivery: "delivery-broken"}
	accept(t, q, broken)
	_, err := db.Exec(`UPDATE queue_items SET event = '{', generation = 1 WHERE key = $1`, broken.Key())
	require.NoError(t, err)
	errs := together(t, db, q, push(1, "a"), broken, push(2, "x"), broken, push(1, "b"))
	for i, err := range errs {
		if i == 1 || i == 3 {
			require.ErrorContains(t, err, "accept installed for installation/3: read the event before")
		} else {
			require.NoError(t, err)
		}
	}
	var generation, times int
	require.NoError(t, db.QueryRow(`SELECT generation FROM queue_items WHERE key = $1`, broken.Key()).Scan(&generation))
	require.NoError(t, db.QueryRow(`SELECT times FROM deliveries WHERE guid = $1`, broken.Delivery).Scan(&times))
	assert.Equal(t, []int{1, 1}, []int{generation, times}, "what is not accepted leaves nothing behind")
	_, err = db.Exec(`DELETE FROM queue_items WHERE key = $1`, broken.Key())
	require.NoError(t, err)
	start(t, q, l.handle)
	idle(t, q)
	assert.Len(t, l.shas(), 3)
}

// acceptLeaves: who does not wait for the answer may send it again, and does no
// harm to the others.
func acceptLeaves(t *testing.T, db *sql.DB) {
	q, l := open(t, db, quick()), &log{}
	tx, err := db.Begin()
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	gate := push(1000, "gate")
	_, err = tx.Exec(`INSERT INTO queue_items (key, generation, state, event, since, installation, repository)
		VALUES ($1, 1, 'done', '{}', 0, 0, 0)`, gate.Key())
	require.NoError(t, err)
	ctx, leave := context.WithCancel(context.Background())
	left, stays := make(chan error, 2), make(chan error, 1)
	go func() { left <- q.Accept(ctx, gate, gate.Key()) }()
	time.Sleep(50 * time.Millisecond)
	go func() { left <- q.Accept(ctx, push(1, "a"), push(1, "a").Key()) }()
	go func() { stays <- q.Accept(context.Background(), push(2, "x"), push(2, "x").Key()) }()
	time.Sleep(50 * time.Millisecond)
	leave()
	for range 2 {
		require.ErrorIs(t, <-left, context.Canceled)
	}
	require.ErrorIs(t, q.Accept(ctx, push(3, "c"), push(3, "c").Key()), context.Canceled)
	require.NoError(t, tx.Rollback())
	require.NoError(t, <-stays)
	start(t, q, l.handle)
	idle(t, q)
	assert.Contains(t, l.shas(), "x")
	assert.NotContains(t, l.shas(), "a", "it was still waiting for its turn")
	assert.NotContains(t, l.shas(), "c")
}

// InstallationsTogether: what comes to an installation at the same time adds up,
// whichever process it comes to. dbs are pools of one database.
func InstallationsTogether(t *testing.T, dbs ...*sql.DB) {
	const each = 20
	var queues []*queue.Queue
	for _, db := range dbs {
		queues = append(queues, open(t, db, quick()))
	}
	for round := range 5 { // the row is new, and then is done
		var ended []chan error
		for n := range each {
			e := forge.Event{Kind: forge.Installed, Installation: 3, Added: []forge.Repo{{ID: int64(n + 1), Name: "r"}}}
			c := make(chan error, 1)
			ended = append(ended, c)
			go func() { c <- queues[n%len(queues)].Accept(context.Background(), e, e.Key()) }()
		}
		for _, c := range ended {
			require.NoError(t, <-c)
		}
		l := &log{}
		stop := start(t, queues[0], l.handle)
		idle(t, queues[0])
		stop()
		added := map[int64]bool{}
		for _, e := range l.events {
			for _, r := range e.Added {
				added[r.ID] = true
			}
		}
		assert.Len(t, added, each, "round %d", round)
	}
}

func installationsTogether(t *testing.T, db *sql.DB) { InstallationsTogether(t, db) }
