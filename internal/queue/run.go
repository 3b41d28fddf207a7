package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Run has accepted events worked off by h until ctx is done. Then it takes no
// more, gives what is under way Options.Drain to finish, cancels the rest,
// which goes back to the queue, and returns nil. An error means that it could
// not start, or that a handler did not return even then.
//
// The logger in ctx reaches h, with the key and the delivery on it. On SQLite
// there must be one process, and one Run, to a database; on PostgreSQL any
// number share the work, and no two work on one key at once.
func (q *Queue) Run(ctx context.Context, h Handler) error {
	if !q.running.CompareAndSwap(false, true) {
		return errors.New("run the queue: it runs already")
	}
	defer q.running.Store(false)
	q.handler = h
	if err := q.takeUp(ctx); err != nil {
		return fmt.Errorf("take up the work that was left: %w", err)
	}
	// River cancels its jobs at once when the context of Start ends: Stop asks first.
	alive := context.WithoutCancel(ctx)
	if err := q.client.Start(alive); err != nil {
		return fmt.Errorf("start the workers: %w", err)
	}
	if q.shared {
		ctx, cancel := context.WithCancel(ctx)
		var sweeping sync.WaitGroup
		sweeping.Go(func() { q.sweepUntil(ctx) })
		defer sweeping.Wait()
		defer cancel()
	}
	select {
	case <-ctx.Done():
	case <-q.client.Stopped():
		return errors.New("run the queue: the workers stopped")
	}
	stop, cancel := context.WithTimeout(alive, q.options.Drain+slack)
	defer cancel()
	if err := q.client.Stop(stop); err != nil {
		return fmt.Errorf("stop the workers: %w", err)
	}
	return nil
}

// takeUp makes all that was waiting ready again after a crash.
func (q *Queue) takeUp(ctx context.Context) error {
	if q.shared {
		return errors.Join(q.sweep(ctx), q.adopt(ctx))
	}
	err := q.tx(ctx, func(tx *sql.Tx) error {
		// Nobody else works on the database, so what is marked as running or
		// leading was left so by a process that is gone.
		for _, statement := range []string{
			`UPDATE queue_items SET crashes = crashes + 1 WHERE state = 'waiting'
				AND job IN (SELECT id FROM river_job WHERE state = 'running')`,
			`UPDATE river_job SET state = 'available' WHERE state = 'running'`,
			`DELETE FROM river_leader`,
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return q.adopt(ctx)
}

// adopt gives a job to keys that wait for one that is gone or over. There are
// none, unless somebody else wrote to the database.
func (q *Queue) adopt(ctx context.Context) error {
	orphans, err := keys(ctx, q.db, `
		SELECT i.key FROM queue_items i LEFT JOIN river_job j ON j.id = i.job
		WHERE i.state = 'waiting' AND (j.id IS NULL OR j.state IN ('completed', 'cancelled', 'discarded'))`)
	if err != nil {
		return fmt.Errorf("look for work without a job: %w", err)
	}
	for _, key := range orphans {
		err := q.tx(ctx, func(tx *sql.Tx) error {
			// As in Accept, the lock on the row comes before the job.
			res, err := tx.ExecContext(ctx, `UPDATE queue_items SET job = NULL WHERE key = $1 AND state = 'waiting'`, key)
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil || n == 0 {
				return err // settled or purged by now
			}
			_, err = q.insert(ctx, tx, []*row{{key: key}})
			return err
		})
		if err != nil {
			return fmt.Errorf("give %s a job: %w", key, err)
		}
	}
	if len(orphans) > 0 {
		zerolog.Ctx(ctx).Warn().Int("keys", len(orphans)).Msg("accepted work had no job and got one")
	}
	return nil
}

// keys returns what a query for keys says.
func keys(ctx context.Context, db *sql.DB, query string, args ...any) ([]string, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		all = append(all, key)
	}
	return all, rows.Err()
}

// Idle waits until no accepted work is outstanding: all is done or was given
// up. It is meant for tests and demonstrations.
func (q *Queue) Idle(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		s, err := q.Stats(ctx)
		if err != nil {
			return err
		}
		if s.Depth == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %d keys to be worked off: %w", s.Depth, ctx.Err())
		case <-tick.C:
		}
	}
}

// Stats tell how the queue fares.
type Stats struct {
	Depth  int           // keys that wait or are worked on
	Oldest time.Duration // how long the first of them has been waiting
	Failed int           // keys that were given up
}

// Stats counts what is in the database, whoever works on it.
func (q *Queue) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	var since sql.NullInt64
	err := q.db.QueryRowContext(ctx, `
		SELECT COUNT(*), MIN(since), (SELECT COUNT(*) FROM queue_items WHERE state = 'failed')
		FROM queue_items WHERE state = 'waiting'`).Scan(&s.Depth, &since, &s.Failed)
	if err != nil {
		return Stats{}, fmt.Errorf("count the accepted work: %w", err)
	}
	if since.Valid {
		s.Oldest = max(0, q.options.Now().Sub(time.UnixMicro(since.Int64)))
	}
	return s, nil
}
