package queue_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/queue"
	"github.com/pullwarden/pullwarden/internal/queue/queuetest"
	"github.com/pullwarden/pullwarden/internal/store"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

func openURL(t testing.TB, url string) *sql.DB {
	db, err := store.Open(context.Background(), url, nil)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db.SQL()
}

func TestPostgres(t *testing.T) {
	queuetest.Run(t, func(t *testing.T) *sql.DB { return openURL(t, storetest.Postgres(t)) })
}

// TestShared is the stress test with two queues, on pools of their own.
func TestShared(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	queuetest.NothingLost(t, openURL(t, url), openURL(t, url))
}

// TestInstallationsShared: what comes to two processes adds up as well.
func TestInstallationsShared(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	queuetest.InstallationsTogether(t, openURL(t, url), openURL(t, url))
}

// TestLockedRow: a machine that vanished leaves a row locked for a while. Only
// events for that row fail meanwhile.
func TestLockedRow(t *testing.T) {
	t.Parallel()
	db := openURL(t, storetest.Postgres(t))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	q, err := queue.Open(ctx, db, queue.Options{})
	require.NoError(t, err)
	require.NoError(t, q.Accept(ctx, push(1), push(1).Key()))
	vanished, err := db.Begin()
	require.NoError(t, err)
	defer func() { _ = vanished.Rollback() }()
	_, err = vanished.Exec(`UPDATE queue_items SET reason = ''`)
	require.NoError(t, err)
	locked := make(chan error, 1)
	go func() { locked <- q.Accept(ctx, push(1), push(1).Key()) }()
	var others sync.WaitGroup
	for n := 2; n < 12; n++ {
		others.Go(func() { assert.NoError(t, q.Accept(ctx, push(n), push(n).Key())) })
	}
	others.Wait()
	require.ErrorContains(t, <-locked, "lock timeout")
	require.NoError(t, vanished.Rollback())
	require.NoError(t, q.Accept(ctx, push(1), push(1).Key()))
}

// serve runs a queue until the test ends.
func serve(t *testing.T, db *sql.DB, o queue.Options, h queue.Handler) *queue.Queue {
	ctx, cancel := context.WithCancel(context.Background())
	q, err := queue.Open(ctx, db, o)
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx, h) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	return q
}

// A log keeps what a handler was given, and when.
type log struct {
	mu     sync.Mutex
	events []forge.Event
}

func (l *log) add(e forge.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

func (l *log) all() []forge.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]forge.Event(nil), l.events...)
}

// TestKillShared kills a process in the middle of four reviews: another one,
// which took what that one had no hands for, finishes them within the lease.
func TestKillShared(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	kill := startChild(t, url, "sharing")
	var l log
	q := serve(t, openURL(t, url), queue.Options{Lease: childLease}, func(_ context.Context, e forge.Event) error {
		l.add(e)
		return nil
	})
	// While it lives its work is its own, for however long: its lease is renewed.
	time.Sleep(childLease * 3 / 2)
	assert.Len(t, l.all(), 2)

	kill()
	died := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 10*childLease)
	defer cancel()
	require.NoError(t, q.Idle(ctx))
	assert.Less(t, time.Since(died), childLease)
	t.Logf("taken over and finished %v after the kill; the lease is %v", time.Since(died).Round(time.Millisecond), childLease)
	seen := map[int]int{}
	for _, e := range l.all() {
		seen[e.Number] = e.Crashes
	}
	assert.Len(t, l.all(), childWorkers+2)
	crashes := 0
	for n := 1; n <= childWorkers+2; n++ {
		require.Contains(t, seen, n)
		crashes += seen[n]
	}
	assert.Equal(t, childWorkers, crashes, "each that was under way, and no other, has a crash counted")
}

// TestLostLease: a worker whose lease somebody else has is told to stop, and
// what it says then counts for nothing, whether it was told in time or not.
func TestLostLease(t *testing.T) {
	for name, told := range map[string]bool{"told": true, "untold": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := openURL(t, storetest.Postgres(t))
			began, lost, stopped := make(chan struct{}), make(chan struct{}), make(chan struct{})
			var l log
			q := serve(t, db, queue.Options{Lease: childLease}, func(ctx context.Context, e forge.Event) error {
				l.add(e)
				if len(l.all()) > 1 {
					return nil
				}
				close(began)
				<-lost
				if told {
					<-ctx.Done()
				}
				close(stopped)
				return nil // as if all was well
			})
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			require.NoError(t, q.Accept(ctx, push(1), push(1).Key()))
			<-began
			_, err := db.Exec(`UPDATE queue_items SET owner = 'somebody', lease_until = lease_until + 1000000`)
			require.NoError(t, err)
			close(lost)
			select {
			case <-stopped:
			case <-time.After(childLease):
				require.Fail(t, "it was not told to stop")
			}
			time.Sleep(200 * time.Millisecond)
			var state, owner string
			require.NoError(t, db.QueryRow(`SELECT state, owner FROM queue_items`).Scan(&state, &owner))
			assert.Equal(t, []string{"waiting", "somebody"}, []string{state, owner})

			require.NoError(t, q.Idle(ctx))
			assert.Len(t, l.all(), 2, "it is worked off once that lease ran out as well")
		})
	}
}

// TestNoHands: a process that died between taking a job and claiming its row
// leaves a job that runs and that nobody works on.
func TestNoHands(t *testing.T) {
	t.Parallel()
	db := openURL(t, storetest.Postgres(t))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	o := queue.Options{Lease: time.Second}
	q, err := queue.Open(ctx, db, o)
	require.NoError(t, err)
	require.NoError(t, q.Accept(ctx, push(1), push(1).Key()))
	_, err = db.Exec(`UPDATE river_job SET state = 'running', attempted_at = now()`)
	require.NoError(t, err)
	var l log
	serve(t, db, o, func(_ context.Context, e forge.Event) error {
		l.add(e)
		return nil
	})
	require.NoError(t, q.Idle(ctx))
	assert.Equal(t, []forge.Event{push(1)}, l.all(), "its change is not to blame")
}
