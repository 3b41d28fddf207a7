package queuetest

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/queue"
)

func stopHandsBack(t *testing.T, db *sql.DB) {
	o := quick()
	o.Drain = 50 * time.Millisecond
	q := open(t, db, o)
	began := make(chan struct{})
	l := &log{then: func(ctx context.Context, n int) error {
		if n == 1 {
			close(began)
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}}
	stop := start(t, q, l.handle)
	accept(t, q, push(1, "a"))
	<-began
	stop()
	state, _, attempts := row(t, db, push(1, "a").Key())
	assert.Equal(t, []any{"waiting", 0}, []any{state, attempts}, "being stopped is not an attempt")

	start(t, q, l.handle)
	idle(t, q)
	assert.Equal(t, []string{"a", "a"}, l.shas())
}

// lostJob: a row that waits is worked off even if its job is gone.
func lostJob(t *testing.T, db *sql.DB) {
	q, l := open(t, db, quick()), &log{}
	accept(t, q, push(1, "a"))
	_, err := db.Exec(`DELETE FROM river_job`)
	require.NoError(t, err)
	start(t, q, l.handle)
	idle(t, q)
	assert.Equal(t, []string{"a"}, l.shas())
}

// uselessJob: a job without a row that waits just ends.
func uselessJob(t *testing.T, db *sql.DB) {
	q, l := open(t, db, quick()), &log{}
	accept(t, q, push(1, "a"))
	accept(t, q, push(2, "b"))
	_, err := db.Exec(`DELETE FROM queue_items WHERE key = $1`, push(1, "a").Key())
	require.NoError(t, err)
	start(t, q, l.handle)
	require.Eventually(t, func() bool {
		var left int
		err := db.QueryRow(`SELECT COUNT(*) FROM river_job WHERE state <> 'completed'`).Scan(&left)
		return err == nil && left == 0
	}, 10*time.Second, 10*time.Millisecond)
	assert.Equal(t, []string{"b"}, l.shas())
}

func acceptFails(t *testing.T, db *sql.DB) {
	q := open(t, db, quick())
	require.Error(t, q.Accept(context.Background(), push(1, "a"), ""))
	require.NoError(t, db.Close())
	err := q.Accept(context.Background(), push(1, "a"), push(1, "a").Key())
	require.ErrorContains(t, err, "accept pull-changed for pull/7/1")
}

func oneRun(t *testing.T, db *sql.DB) {
	q, l := open(t, db, quick()), &log{}
	stop := start(t, q, l.handle)
	accept(t, q, push(1, "a"))
	idle(t, q)
	require.Error(t, q.Run(context.Background(), l.handle))
	stop()
	start(t, q, l.handle) // it may run again
	accept(t, q, push(1, "b"))
	idle(t, q)
	assert.Equal(t, []string{"a", "b"}, l.shas())
}

func stats(t *testing.T, db *sql.DB) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	o := quick()
	o.Now = func() time.Time { return now }
	q := open(t, db, o)
	s, err := q.Stats(context.Background())
	require.NoError(t, err)
	assert.Equal(t, queue.Stats{}, s)
	accept(t, q, push(1, "a"))
	now = now.Add(time.Minute)
	accept(t, q, push(1, "b")) // has been waiting since a
	accept(t, q, push(2, "x"))
	s, err = q.Stats(context.Background())
	require.NoError(t, err)
	assert.Equal(t, queue.Stats{Depth: 2, Oldest: time.Minute}, s)

	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, q.Idle(ctx), context.DeadlineExceeded)
}

// nothingLost pushes to keys just while they are worked on and finished: every
// last push of a round must be worked off, no two handlers may meet on a key.
func nothingLost(t *testing.T, db *sql.DB) { NothingLost(t, db) }

// NothingLost is that test with a queue, and workers, on each of dbs, which
// must be pools of one database. Pushes come in through any of them.
func NothingLost(t *testing.T, dbs ...*sql.DB) {
	const keys, patience = 12, 15 * time.Second // longer than a busy machine takes
	o := quick()
	o.Workers, o.Attempts = 8, 1000
	var queues []*queue.Queue
	for _, db := range dbs {
		queues = append(queues, open(t, db, o))
	}
	handled := make([]atomic.Int64, len(queues)) // by each of them
	var pushes, calls, lost, overlaps atomic.Int64
	var running, latest sync.Map
	began := make([]chan struct{}, keys)
	for i := range began {
		began[i] = make(chan struct{}, 1)
	}
	handle := func(_ context.Context, e forge.Event) error {
		if _, meets := running.LoadOrStore(e.Number, true); meets {
			overlaps.Add(1)
		}
		defer running.Delete(e.Number)
		calls.Add(1)
		select {
		case began[e.Number] <- struct{}{}:
		default:
		}
		time.Sleep(rand.N(10 * time.Millisecond))
		if rand.N(10) == 0 {
			return fmt.Errorf("no luck with %s", e.SHA)
		}
		latest.Store(e.Number, e.SHA)
		return nil
	}
	for i, q := range queues {
		start(t, q, func(ctx context.Context, e forge.Event) error {
			handled[i].Add(1)
			return handle(ctx, e)
		})
	}
	var senders sync.WaitGroup
	until := time.Now().Add(3 * time.Second)
	for number := range keys {
		senders.Go(func() {
			var last string
			send := func() bool {
				last = fmt.Sprintf("%d-%d", number, pushes.Add(1))
				e := push(number, last)
				return assert.NoError(t, queues[rand.N(len(queues))].Accept(context.Background(), e, e.Key()))
			}
			for time.Now().Before(until) {
				if !send() {
					return
				}
				select {
				case <-began[number]:
				case <-time.After(patience): // counted below
				}
				for range rand.N(3) {
					// Into the handler, its end, or just after it.
					time.Sleep(rand.N(12 * time.Millisecond))
					if !send() {
						return
					}
				}
				worked := func() bool { sha, _ := latest.Load(number); return sha == last }
				for limit := time.Now().Add(patience); !worked() && time.Now().Before(limit); {
					time.Sleep(time.Millisecond)
				}
				if !worked() {
					lost.Add(1)
				}
				select {
				case <-began[number]:
				default:
				}
			}
		})
	}
	senders.Wait()
	idle(t, queues[0])
	t.Logf("pushes=%d handled=%d lost=%d overlapping=%d", pushes.Load(), calls.Load(), lost.Load(), overlaps.Load())
	assert.Zero(t, lost.Load())
	assert.Zero(t, overlaps.Load())
	assert.Greater(t, pushes.Load(), int64(keys))
	for i := range handled {
		assert.NotZero(t, handled[i].Load(), "queue %d took no part", i)
	}
}
