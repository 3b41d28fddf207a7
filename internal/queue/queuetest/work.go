package queuetest

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/queue"
)

func worksOff(t *testing.T, db *sql.DB) {
	q, l := open(t, db, quick()), &log{}
	start(t, q, l.handle)
	accept(t, q, push(1, "a"))
	idle(t, q)
	require.Equal(t, []forge.Event{push(1, "a")}, l.events, "the event arrives whole")
	state, reason, attempts := row(t, db, push(1, "a").Key())
	assert.Equal(t, []any{"done", "", 0}, []any{state, reason, attempts})

	accept(t, q, push(1, "b"))
	idle(t, q)
	assert.Equal(t, []string{"a", "b"}, l.shas(), "a key that was done is worked on again")
}

// forgetsWords: a command may hold a secret that was refused for being one.
func forgetsWords(t *testing.T, db *sql.DB) {
	e := push(1, "a")
	e.Kind, e.Command = forge.Commanded, forge.Command{Comment: 4, Words: "ignore because of hunter2"}
	l := &log{then: func(_ context.Context, n int) error {
		if n == 1 {
			return errors.New("not yet")
		}
		return nil
	}}
	q := open(t, db, quick())
	start(t, q, l.handle)
	accept(t, q, e)
	idle(t, q)
	assert.Equal(t, []forge.Event{e, e}, l.events, "as long as it is wanted it is there")
	var kept string
	require.NoError(t, db.QueryRow(`SELECT event FROM queue_items WHERE key = $1`, e.Key()).Scan(&kept))
	assert.NotContains(t, kept, "hunter2")
	assert.Contains(t, kept, `"comment":4`)

	e.Command.Comment, e.Delivery = 5, "given up"
	l.then = func(context.Context, int) error { return queue.Permanent(errors.New("never")) }
	accept(t, q, e)
	idle(t, q)
	require.NoError(t, db.QueryRow(`SELECT event FROM queue_items WHERE key = $1`, e.Key()).Scan(&kept))
	assert.NotContains(t, kept, "hunter2")
}

func latestStands(t *testing.T, db *sql.DB) {
	q, l := open(t, db, quick()), &log{}
	accept(t, q, push(1, "a"))
	accept(t, q, push(2, "x"))
	accept(t, q, push(1, "b"))
	start(t, q, l.handle)
	idle(t, q)
	assert.ElementsMatch(t, []string{"b", "x"}, l.shas())
}

func raisedWhileRunning(t *testing.T, db *sql.DB) {
	q := open(t, db, quick())
	began, release := make(chan struct{}, 2), make(chan struct{})
	l := &log{then: func(_ context.Context, n int) error {
		if n == 1 {
			began <- struct{}{}
			<-release
		}
		return nil
	}}
	start(t, q, l.handle)
	accept(t, q, push(1, "a"))
	<-began
	accept(t, q, push(1, "b"))
	accept(t, q, push(1, "c"))
	close(release)
	idle(t, q)
	assert.Equal(t, []string{"a", "c"}, l.shas())
}

func redeliveryCounts(t *testing.T, db *sql.DB) {
	q, l := open(t, db, quick()), &log{}
	start(t, q, l.handle)
	for range 2 {
		accept(t, q, push(1, "a"))
		idle(t, q)
	}
	assert.Equal(t, []string{"a", "a"}, l.shas(), "a delivery that was seen is worked off again")
	var times int
	require.NoError(t, db.QueryRow(`SELECT times FROM deliveries WHERE guid = $1`, "delivery-a").Scan(&times))
	assert.Equal(t, 2, times)
}

func installationsAddUp(t *testing.T, db *sql.DB) {
	q, l := open(t, db, quick()), &log{}
	event := func(added, removed []forge.Repo) forge.Event {
		return forge.Event{Kind: forge.Installed, Installation: 3, Added: added, Removed: removed}
	}
	a, b, c := forge.Repo{ID: 1, Name: "a"}, forge.Repo{ID: 2, Name: "b"}, forge.Repo{ID: 3, Name: "c"}
	accept(t, q, event([]forge.Repo{a, b}, nil))
	accept(t, q, event([]forge.Repo{c}, nil))
	accept(t, q, event(nil, []forge.Repo{b}))
	start(t, q, l.handle)
	idle(t, q)
	require.Len(t, l.events, 1)
	assert.Equal(t, []forge.Repo{a, c}, l.events[0].Added)
	assert.Equal(t, []forge.Repo{b}, l.events[0].Removed)
}

func busy(t *testing.T, db *sql.DB) {
	o := quick()
	o.Attempts = 1
	q := open(t, db, o)
	l := &log{then: func(_ context.Context, n int) error {
		if n < 3 {
			return &forge.BusyError{After: 20 * time.Millisecond, Err: errors.New("too many requests")}
		}
		return nil
	}}
	start(t, q, l.handle)
	accept(t, q, push(1, "a"))
	idle(t, q)
	assert.Len(t, l.shas(), 3, "being put off is not an attempt")
	state, _, attempts := row(t, db, push(1, "a").Key())
	assert.Equal(t, []any{"done", 0}, []any{state, attempts})
}

// fastClock: ten minutes of a clock that runs fast enough are over at once, and so
// is the wait after a failure.
func fastClock(t *testing.T, db *sql.DB) {
	o := quick()
	o.Pace = 60_000
	began := time.Now()
	o.Now = func() time.Time { return began.Add(time.Duration(float64(time.Since(began)) * o.Pace)) }
	o.Backoff = func(int) time.Duration { return 10 * time.Minute }
	q := open(t, db, o)
	l := &log{then: func(_ context.Context, n int) error {
		switch n {
		case 1:
			return &forge.BusyError{After: 10 * time.Minute, Err: errors.New("too many requests")}
		case 2:
			return errors.New("no luck")
		}
		return nil
	}}
	start(t, q, l.handle)
	accept(t, q, push(1, "a"))
	idle(t, q)
	assert.Len(t, l.shas(), 3)
}

func retries(t *testing.T, db *sql.DB) {
	q := open(t, db, quick())
	l := &log{then: func(_ context.Context, n int) error {
		if n < 3 {
			return errors.New("no luck")
		}
		return nil
	}}
	start(t, q, l.handle)
	accept(t, q, push(1, "a"))
	idle(t, q)
	assert.Len(t, l.shas(), 3)
	state, reason, _ := row(t, db, push(1, "a").Key())
	assert.Equal(t, []string{"done", ""}, []string{state, reason})
}

func givesUp(t *testing.T, db *sql.DB) {
	q := open(t, db, quick())
	l := &log{then: func(_ context.Context, n int) error {
		if n <= 3 {
			return errors.New("no luck")
		}
		return nil
	}}
	start(t, q, l.handle)
	accept(t, q, push(1, "a"))
	idle(t, q)
	assert.Len(t, l.shas(), 3)
	state, reason, attempts := row(t, db, push(1, "a").Key())
	assert.Equal(t, []any{"failed", "no luck", 3}, []any{state, reason, attempts})
	s, err := q.Stats(context.Background())
	require.NoError(t, err)
	assert.Equal(t, queue.Stats{Failed: 1}, s)

	accept(t, q, push(1, "b"))
	idle(t, q)
	assert.Equal(t, []string{"a", "a", "a", "b"}, l.shas(), "what was given up comes back with the next event")
	state, _, _ = row(t, db, push(1, "a").Key())
	assert.Equal(t, "done", state)
}

func permanent(t *testing.T, db *sql.DB) {
	q := open(t, db, quick())
	l := &log{then: func(context.Context, int) error { return queue.Permanent(forge.ErrNotFound) }}
	start(t, q, l.handle)
	accept(t, q, push(1, "a"))
	idle(t, q)
	assert.Len(t, l.shas(), 1)
	state, reason, attempts := row(t, db, push(1, "a").Key())
	assert.Equal(t, []any{"failed", "not found", 1}, []any{state, reason, attempts})
	assert.ErrorIs(t, queue.Permanent(forge.ErrNotFound), forge.ErrNotFound)
	assert.NoError(t, queue.Permanent(nil))
}

func panics(t *testing.T, db *sql.DB) {
	q := open(t, db, quick())
	l := &log{then: func(_ context.Context, n int) error {
		if n == 1 {
			panic("quoting what it looked at")
		}
		var none []int
		return errors.New(string(rune(none[n]))) // out of range
	}}
	start(t, q, l.handle)
	accept(t, q, push(1, "a"))
	idle(t, q)
	assert.Len(t, l.shas(), 3)
	state, reason, _ := row(t, db, push(1, "a").Key())
	assert.Equal(t, "failed", state)
	assert.Contains(t, reason, "index out of range")
	var kept int
	require.NoError(t, db.QueryRow(`SELECT COUNT(*) FROM queue_items WHERE reason LIKE '%quoting%'`).Scan(&kept))
	assert.Zero(t, kept)
}

func deadline(t *testing.T, db *sql.DB) {
	o := quick()
	o.Timeout, o.Attempts = 50*time.Millisecond, 2
	q := open(t, db, o)
	l := &log{then: func(ctx context.Context, _ int) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	start(t, q, l.handle)
	accept(t, q, push(1, "a"))
	idle(t, q)
	assert.Len(t, l.shas(), 2)
	state, reason, _ := row(t, db, push(1, "a").Key())
	assert.Equal(t, []string{"failed", context.DeadlineExceeded.Error()}, []string{state, reason})
}

func newsDoesNotWait(t *testing.T, db *sql.DB) {
	for name, wait := range map[string]time.Duration{"short": 4 * time.Second, "long": time.Hour} {
		t.Run(name, func(t *testing.T) {
			o := quick()
			o.Backoff = func(int) time.Duration { return wait }
			q := open(t, db, o)
			failed := make(chan struct{})
			l := &log{then: func(_ context.Context, n int) error {
				if n == 1 {
					defer close(failed)
					return errors.New("no luck")
				}
				return nil
			}}
			stop := start(t, q, l.handle)
			defer stop()
			accept(t, q, push(1, "a"))
			<-failed
			require.Eventually(t, func() bool {
				var running int
				err := db.QueryRow(`SELECT COUNT(*) FROM river_job WHERE state = 'running'`).Scan(&running)
				return err == nil && running == 0
			}, 5*time.Second, 5*time.Millisecond)
			began := time.Now()
			accept(t, q, push(1, "b"))
			idle(t, q)
			assert.Equal(t, []string{"a", "b"}, l.shas())
			assert.Less(t, time.Since(began), 3*time.Second)
		})
	}
}
