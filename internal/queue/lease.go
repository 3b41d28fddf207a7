package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// Where several processes share a database, who works on a key has a lease on
// its row: owner names one call of worker.Work, and until lease_until nobody
// else takes the key. The lease is renewed for as long as the handler runs, so
// it runs out only if its process died or lost the database; then a sweep, of
// any process, counts a crash and hands the key to a new job. The job before
// is discarded: whatever its worker still reports comes to nothing, and it
// cannot settle the row, because it is not the owner any more.
//
// All times are those of the database. Where one process has the database to
// itself there are no leases, and owner is empty.

// dbNow is the database's clock in microseconds. That of a machine may be wrong.
const dbNow = `(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT`

// Options.Lease is what an operator waits for at the most: a process that dies
// right after renewing has its work taken over after a term and the time to
// the next sweep, and the rest is for doing that.
func (o Options) term() time.Duration  { return o.Lease * 2 / 3 }
func (o Options) renew() time.Duration { return o.term() / 3 }
func (o Options) sweep() time.Duration { return o.Lease / 12 }

// claim returns the row of key and takes the lease on it for owner, who may
// have it already. held says that somebody else has it.
func (q *Queue) claim(ctx context.Context, key, owner string) (it item, found, held bool, err error) {
	var raw []byte
	var crashes int
	var holder string
	const free = `(owner IN ('', $2) OR lease_until < ` + dbNow + `)`
	err = q.db.QueryRowContext(ctx, `
		UPDATE queue_items SET
			owner = CASE WHEN `+free+` THEN $2 ELSE owner END,
			lease_until = CASE WHEN `+free+` THEN `+dbNow+` + $3 ELSE lease_until END
		WHERE key = $1 AND state = 'waiting'
		RETURNING generation, event, crashes, owner`,
		key, owner, q.options.term().Microseconds()).Scan(&it.generation, &raw, &crashes, &holder)
	if err == nil && holder != owner {
		return item{}, true, true, nil
	}
	it, found, err = decode(it, raw, crashes, err)
	return it, found, false, err
}

// release gives the lease back. The job is still marked as running for a
// moment: until then no sweep may take it for one that died.
func (q *Queue) release(ctx context.Context, key, owner string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), slack)
	defer cancel()
	_, err := q.db.ExecContext(ctx, `
		UPDATE queue_items SET owner = '', lease_until = `+dbNow+` + $3 WHERE key = $1 AND owner = $2`,
		key, owner, q.options.term().Microseconds())
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("a lease was not given back: it will run out")
	}
}

var errLost = errors.New("the lease was lost: somebody else may work on the key")

// keep renews the lease until stop is called. The context that it returns is
// cancelled, with errLost as its cause, before anybody else can take the key.
func (q *Queue) keep(ctx context.Context, key, owner string) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	// A handler that outlives its deadline is still at work: the lease is its as well.
	alive, end := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		tick := time.NewTicker(q.options.renew())
		defer tick.Stop()
		for renewed := time.Now(); ; {
			select {
			case <-alive.Done():
				return
			case <-tick.C:
			}
			began := time.Now()
			ours, err := q.renew(alive, key, owner)
			switch {
			case alive.Err() != nil:
				return
			case err == nil && ours:
				renewed = began
				continue
			case err == nil, time.Since(renewed) > q.options.term()*3/5:
				cancel(errLost) // the second failure in a row: a third would come too late
				return
			}
			zerolog.Ctx(ctx).Warn().Err(err).Msg("the lease could not be renewed: will be tried again")
		}
	}()
	return ctx, func() { end(); cancel(nil) }
}

// renew says whether the lease is still owner's. It answers, or fails, well
// before the lease runs out.
func (q *Queue) renew(ctx context.Context, key, owner string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, q.options.renew()/2)
	defer cancel()
	res, err := q.db.ExecContext(ctx, `
		UPDATE queue_items SET lease_until = `+dbNow+` + $3 WHERE key = $1 AND owner = $2`,
		key, owner, q.options.term().Microseconds())
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// sweepUntil sweeps until ctx is done.
func (q *Queue) sweepUntil(ctx context.Context) {
	tick := time.NewTicker(q.options.sweep())
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := q.sweep(ctx); err != nil && ctx.Err() == nil {
			zerolog.Ctx(ctx).Warn().Err(err).Msg("the sweep for work of processes that died")
		}
	}
}

// deadJob holds of a job that runs, as far as River knows, although its worker
// did not get to claim its row, or gave it back, within a term.
const deadJob = `j.state = 'running' AND (EXTRACT(EPOCH FROM j.attempted_at) * 1000000)::BIGINT + $1 < ` + dbNow

// sweep takes over what processes that died left behind.
func (q *Queue) sweep(ctx context.Context) error {
	dead, err := keys(ctx, q.db, `
		SELECT i.key FROM queue_items i JOIN river_job j ON j.id = i.job
		WHERE i.state = 'waiting' AND COALESCE(i.lease_until, 0) < `+dbNow+` AND `+deadJob,
		q.options.term().Microseconds())
	if err != nil {
		return fmt.Errorf("look for leases that ran out: %w", err)
	}
	for _, key := range dead {
		if err := q.takeOver(ctx, key); err != nil {
			return fmt.Errorf("take %s over: %w", key, err)
		}
	}
	return nil
}

// takeOver gives key a new job, unless that was done meanwhile.
func (q *Queue) takeOver(ctx context.Context, key string) error {
	err := q.tx(ctx, func(tx *sql.Tx) error {
		var job int64
		var crashes int
		var raw []byte
		err := tx.QueryRowContext(ctx, `
			UPDATE queue_items SET owner = '', lease_until = NULL,
				crashes = crashes + CASE WHEN owner = '' THEN 0 ELSE 1 END
			WHERE key = $1 AND state = 'waiting' AND COALESCE(lease_until, 0) < `+dbNow+`
			RETURNING job, crashes, event`, key).Scan(&job, &crashes, &raw)
		if err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `
			UPDATE river_job j SET state = 'discarded', finalized_at = now() WHERE j.id = $2 AND `+deadJob,
			q.options.term().Microseconds(), job)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, sql.ErrNoRows)
		}
		var e forge.Event
		if err := json.Unmarshal(raw, &e); err != nil {
			return fmt.Errorf("read its event: %w", err)
		}
		zerolog.Ctx(forge.About(ctx, e.Topic())).Warn().Str("key", key).Int("crashes", crashes).Msg("taken over from a process that died")
		_, err = q.insert(ctx, tx, []*row{{key: key}})
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}
