// Package queuetest is the conformance suite of internal/queue: what must hold
// on every database.
package queuetest

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
)

// Run runs the suite. open returns a fresh, migrated database each time, which
// it closes when the test ends.
func Run(t *testing.T, open func(t *testing.T) *sql.DB) {
	for name, test := range map[string]func(t *testing.T, db *sql.DB){
		"WorksOff":           worksOff,
		"ForgetsWords":       forgetsWords,
		"LatestStands":       latestStands,
		"RaisedWhileRunning": raisedWhileRunning,
		"RedeliveryCounts":   redeliveryCounts,
		"InstallationsAddUp": installationsAddUp,
		"AcceptTogether":     acceptTogether,
		"AcceptBadRow":       acceptBadRow,
		"AcceptLeaves":       acceptLeaves,
		"AddUpTogether":      installationsTogether,
		"Busy":               busy,
		"FastClock":          fastClock,
		"Retries":            retries,
		"GivesUp":            givesUp,
		"Permanent":          permanent,
		"Panic":              panics,
		"Deadline":           deadline,
		"NewsDoesNotWait":    newsDoesNotWait,
		"StopHandsBack":      stopHandsBack,
		"LostJob":            lostJob,
		"UselessJob":         uselessJob,
		"AcceptFails":        acceptFails,
		"OneRun":             oneRun,
		"Stats":              stats,
		"Prune":              prune,
		"PruneMeets":         pruneMeets,
		"NothingLost":        nothingLost,
		"Looks":              looks,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// quick are options under which failures are tried again at once.
func quick() queue.Options {
	return queue.Options{
		Workers: 4, Attempts: 3, Timeout: 20 * time.Second, Drain: 5 * time.Second,
		Backoff: func(int) time.Duration { return 5 * time.Millisecond },
	}
}

func open(t *testing.T, db *sql.DB, o queue.Options) *queue.Queue {
	q, err := queue.Open(context.Background(), db, o)
	require.NoError(t, err)
	return q
}

// start runs q until stop, at the end of the test at the latest.
func start(t *testing.T, q *queue.Queue, h queue.Handler) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx, h) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			assert.NoError(t, err)
		case <-time.After(20 * time.Second):
			t.Error("Run did not return")
		}
	})
	t.Cleanup(stop)
	return stop
}

func idle(t *testing.T, q *queue.Queue) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	require.NoError(t, q.Idle(ctx))
}

func accept(t *testing.T, q *queue.Queue, e forge.Event) {
	require.NoError(t, q.Accept(context.Background(), e, e.Key()))
}

// push is a push to pull request number, with sha as its head.
func push(number int, sha string) forge.Event {
	return forge.Event{
		Kind: forge.PullChanged, Delivery: "delivery-" + sha, Number: number, SHA: sha,
		Received: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Repo:     forge.Repo{ID: 7, Installation: 3, Owner: "acme", Name: "site", Default: "main"},
		Sender:   forge.User{ID: 5, Login: "dev"},
	}
}

// A log is a handler that remembers what it was given.
type log struct {
	mu     sync.Mutex
	events []forge.Event
	then   func(ctx context.Context, nth int) error // nth call, from 1; nil means success
}

func (l *log) handle(ctx context.Context, e forge.Event) error {
	l.mu.Lock()
	l.events = append(l.events, e)
	n := len(l.events)
	l.mu.Unlock()
	if l.then == nil {
		return nil
	}
	return l.then(ctx, n)
}

func (l *log) shas() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, e := range l.events {
		out = append(out, e.SHA)
	}
	return out
}

// row reads the row of a key.
func row(t *testing.T, db *sql.DB, key string) (state, reason string, attempts int) {
	err := db.QueryRow(`SELECT state, reason, attempts FROM queue_items WHERE key = $1`, key).Scan(&state, &reason, &attempts)
	require.NoError(t, err)
	return state, reason, attempts
}
