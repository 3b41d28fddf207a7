package queuetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/queue"
)

// prune: what is over goes after its time, in any number; what waits stays.
func prune(t *testing.T, db *sql.DB) {
	const many = 1203 // more than go at a time
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	o := quick()
	o.Attempts = 1
	o.Now = func() time.Time { return now }
	q := open(t, db, o)
	l := &log{then: func(_ context.Context, n int) error {
		if n == 1 {
			return errors.New("no luck")
		}
		return nil
	}}
	stop := start(t, q, l.handle)
	accept(t, q, push(1, "failed"))
	idle(t, q)
	accept(t, q, push(2, "done"))
	idle(t, q)
	stop()
	accept(t, q, push(3, "waits"))
	for n := range many {
		_, err := db.Exec(`INSERT INTO deliveries (guid, key, kind, installation, repository, first_received, last_received, times)
			VALUES ($1, 'pull/7/1', 'pull-changed', 3, 7, $2, $2, 1)`, fmt.Sprint("old-", n), now.UnixMicro())
		require.NoError(t, err)
		_, err = db.Exec(`INSERT INTO queue_items (key, generation, state, event, since, settled, installation, repository)
			VALUES ($1, 1, 'done', '{}', $2, $2, 3, 7)`, fmt.Sprint("old/", n), now.UnixMicro())
		require.NoError(t, err)
	}
	count := func() []int {
		var items, deliveries int
		require.NoError(t, db.QueryRow(`SELECT COUNT(*) FROM queue_items`).Scan(&items))
		require.NoError(t, db.QueryRow(`SELECT COUNT(*) FROM deliveries`).Scan(&deliveries))
		return []int{items, deliveries}
	}
	settled := now
	require.NoError(t, q.Prune(context.Background(), settled))
	assert.Equal(t, []int{many + 3, many + 3}, count(), "not before its time")

	// The deliveries of push were received at the same moment, by their own account.
	require.NoError(t, q.Prune(context.Background(), settled.Add(time.Microsecond)))
	assert.Equal(t, []int{1, 0}, count())
	s, err := q.Stats(context.Background())
	require.NoError(t, err)
	assert.Equal(t, queue.Stats{Depth: 1}, s)

	start(t, q, l.handle)
	accept(t, q, push(2, "again")) // begins anew
	idle(t, q)
	assert.ElementsMatch(t, []string{"failed", "done", "waits", "again"}, l.shas())
}

// pruneMeets: a key that is wanted again just while it would be forgotten stays.
func pruneMeets(t *testing.T, db *sql.DB) {
	q, l := open(t, db, quick()), &log{}
	stop := start(t, q, l.handle)
	accept(t, q, push(1, "a"))
	idle(t, q)
	stop()
	tx, err := db.Begin()
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	_, err = tx.Exec(`UPDATE queue_items SET state = 'waiting', settled = NULL, generation = 2`)
	require.NoError(t, err)
	pruned := make(chan error, 1)
	go func() { pruned <- q.Prune(context.Background(), time.Now().Add(time.Hour)) }()
	time.Sleep(100 * time.Millisecond) // it is at the row
	require.NoError(t, tx.Commit())
	require.NoError(t, <-pruned)
	s, err := q.Stats(context.Background())
	require.NoError(t, err)
	assert.Equal(t, 1, s.Depth)
}
