package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// keyed are locks with names, within one process.
type keyed struct {
	mu   sync.Mutex
	held map[string]*turn
}

type turn struct {
	taken chan struct{}
	users int
}

// take waits for its turn at name.
func (k *keyed) take(ctx context.Context, name string) (release func(), err error) {
	k.mu.Lock()
	if k.held == nil {
		k.held = map[string]*turn{}
	}
	t := k.held[name]
	if t == nil {
		t = &turn{taken: make(chan struct{}, 1)}
		k.held[name] = t
	}
	t.users++
	k.mu.Unlock()
	leave := func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(k.held, name)
		}
	}
	select {
	case t.taken <- struct{}{}:
		return sync.OnceFunc(func() { <-t.taken; leave() }), nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// mostAlone is how many keys one process may hold on PostgreSQL: each takes a
// connection, and whoever holds a key asks for others.
const mostAlone = mostConnections / 2

// An aloneness gives out what Alone holds.
type aloneness struct {
	local  keyed
	places *semaphore.Weighted
}

func newAloneness() *aloneness { return &aloneness{places: semaphore.NewWeighted(mostAlone)} }

// Alone holds key within this process, and on PostgreSQL among all that share
// the schema. There a connection that breaks gives the key back early: the
// server has ended the session by then, so nothing that it held is committed.
func (l *ledger) Alone(ctx context.Context, key string) (release func(), err error) {
	fail := func(err error) (func(), error) { return nil, fmt.Errorf("wait to be alone with %s: %w", key, err) }
	local, err := l.alone.local.take(ctx, key)
	if err != nil {
		return fail(err)
	}
	if !l.shared {
		return local, nil
	}
	if err := l.alone.places.Acquire(ctx, 1); err != nil {
		local()
		return fail(err)
	}
	undo := func() { l.alone.places.Release(1); local() }
	c, err := l.sql.Conn(ctx)
	if err != nil {
		undo()
		return fail(err)
	}
	// Two numbers of 32 bits are one key; it is this schema's own.
	const lock = `SELECT pg_advisory_lock(hashtext('pullwarden ' || current_schema()), hashtext($1))`
	if _, err := c.ExecContext(ctx, lock, key); err != nil {
		_ = c.Close() // a connection whose wait was cut off is not used again
		undo()
		return fail(err)
	}
	return sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_, err := c.ExecContext(ctx, `SELECT pg_advisory_unlock(hashtext('pullwarden ' || current_schema()), hashtext($1))`, key)
		if err != nil {
			// The session would go on holding the key: end it.
			_ = c.Raw(func(any) error { return driver.ErrBadConn })
		}
		_ = c.Close()
		undo()
	}), nil
}
