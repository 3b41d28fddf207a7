package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// Permanent marks an error that trying again will not mend.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

type permanent struct{ error }

func (p *permanent) Unwrap() error { return p.error }

// An item is a row as a worker found it.
type item struct {
	event      forge.Event
	generation int64
}

type worker struct {
	river.WorkerDefaults[task]
	queue *Queue
}

// NextRetry is for errors of the database; those of a handler never get to River.
func (*worker) NextRetry(job *river.Job[task]) time.Time {
	return time.Now().Add(time.Duration(min(job.Attempt, 30)) * time.Second)
}

// Work brings one key to the state that is wanted and completes its job in the
// same transaction in which it sees that nothing else is wanted by then. It
// returns only errors of the database and requests to wait.
func (w *worker) Work(ctx context.Context, job *river.Job[task]) error {
	q, key := w.queue, job.Args.Key
	owner := q.owner()
	log := zerolog.Ctx(ctx).With().Str("key", key).Logger()
	ctx = log.WithContext(ctx)
	var last forge.Event
	settled, err := q.work(ctx, job, owner, &last)
	if !settled && owner != "" {
		q.release(forge.About(ctx, last.Topic()), key, owner)
	}
	return err
}

// owner names one call of Work, if leases are needed at all.
func (q *Queue) owner() string {
	if !q.shared {
		return ""
	}
	return fmt.Sprintf("%s-%d", q.id, q.turns.Add(1))
}

// work says whether the job is at its end, and if not, when it wants to go on.
// It leaves in last which event it was about.
func (q *Queue) work(ctx context.Context, job *river.Job[task], owner string, last *forge.Event) (bool, error) {
	key := job.Args.Key
	for started := time.Now(); ; {
		it, found, held, err := q.read(ctx, key, owner)
		if err != nil {
			return false, fmt.Errorf("read what is wanted of %s: %w", key, err)
		}
		if !found {
			over, err := q.dismiss(context.WithoutCancel(ctx), job)
			if err != nil {
				return false, fmt.Errorf("dismiss the job of %s: %w", key, err)
			}
			if over {
				return true, nil
			}
			continue
		}
		if held {
			return false, river.JobSnooze(time.Second)
		}
		// A handler that outlived its deadline may still run when River has
		// given its job to somebody else. Two must never meet on one key.
		if _, meets := q.active.LoadOrStore(key, true); meets {
			return false, river.JobSnooze(time.Second)
		}
		*last = it.event
		ctx := forge.About(ctx, it.event.Topic())
		failure, lost := q.handle(ctx, key, owner, it)
		q.active.Delete(key)

		if lost {
			return false, river.JobSnooze(time.Second) // and it is not ours to settle
		}
		if failure != nil && errors.Is(ctx.Err(), context.Canceled) {
			return false, river.JobSnooze(0) // told to stop: no fault of the event
		}
		// What was done must be written down even if the time is up.
		next, err := q.settle(context.WithoutCancel(ctx), job, owner, it, failure)
		switch {
		case err != nil:
			return false, fmt.Errorf("settle %s: %w", key, err)
		case next.settled:
			return true, nil
		case next.wait >= 0:
			return false, river.JobSnooze(q.options.lasts(next.wait))
		case ctx.Err() != nil || time.Since(started) > q.options.Timeout:
			return false, river.JobSnooze(0) // another turn, with a time of its own
		}
	}
}

// read returns the row of key, for owner to work on; held says that somebody
// else does. A row that is settled counts as found none: its job has nothing to do.
func (q *Queue) read(ctx context.Context, key, owner string) (it item, found, held bool, err error) {
	if q.shared {
		return q.claim(ctx, key, owner)
	}
	var raw []byte
	var crashes int
	err = q.db.QueryRowContext(ctx, `SELECT generation, event, crashes FROM queue_items WHERE key = $1 AND state = 'waiting'`,
		key).Scan(&it.generation, &raw, &crashes)
	it, found, err = decode(it, raw, crashes, err)
	return it, found, false, err
}

// decode completes it with what a row says of its event; err is that of reading the row.
func decode(it item, raw []byte, crashes int, err error) (item, bool, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return item{}, false, nil
	}
	if err != nil {
		return item{}, false, err
	}
	err = json.Unmarshal(raw, &it.event)
	it.event.Crashes = crashes
	return it, true, err
}

// handle has the event handled under the lease of owner. lost says that the
// lease did not hold until the end.
func (q *Queue) handle(ctx context.Context, key, owner string, it item) (failure error, lost bool) {
	if !q.shared {
		return q.call(ctx, key, it), false
	}
	ctx, stop := q.keep(ctx, key, owner)
	failure = q.call(ctx, key, it)
	lost = errors.Is(context.Cause(ctx), errLost)
	stop()
	return failure, lost
}

// call calls the handler with its deadline. A panic is an error.
func (q *Queue) call(ctx context.Context, key string, it item) (err error) {
	ctx, cancel := context.WithTimeout(ctx, q.options.Timeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %s", panicText(v))
			zerolog.Ctx(ctx).Error().Err(err).Bytes("stack", debug.Stack()).Msg("the handler panicked")
		}
	}()
	return q.handler(ctx, it.event)
}

// topic is what the log is told of an event that could not be worked off: an
// error may know better than the event did which head that was about.
func topic(e forge.Event, failure error) forge.Topic {
	t := e.Topic()
	var at interface{ AtHead() string }
	if errors.As(failure, &at) {
		t.Head = at.AtHead()
	}
	return t
}

// panicText leaves out values that may quote what was being looked at.
func panicText(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a %T", v)
}

// A next says what becomes of a job: it is settled, or waits, or, if wait is
// negative, goes round again because something else is wanted by now.
type next struct {
	settled bool
	wait    time.Duration
}

var again = next{wait: -1}

// settle writes down how it ended.
func (q *Queue) settle(ctx context.Context, job *river.Job[task], owner string, it item, failure error) (next, error) {
	ctx, cancel := context.WithTimeout(ctx, slack)
	defer cancel()
	var out next
	err := q.tx(ctx, func(tx *sql.Tx) error {
		var err error
		out, err = q.settleIn(ctx, tx, job, owner, it, failure)
		return err
	})
	return out, err
}

func (q *Queue) settleIn(ctx context.Context, tx *sql.Tx, job *river.Job[task], owner string, it item, failure error) (next, error) {
	key, now := job.Args.Key, q.options.Now()
	log := zerolog.Ctx(forge.About(ctx, topic(it.event, failure)))
	// The write takes the lock on the row, on every dialect, before it is compared.
	var generation int64
	var attempts int
	err := tx.QueryRowContext(ctx, `
		UPDATE queue_items SET busy_until = NULL WHERE key = $1 AND owner = $2 RETURNING generation, attempts`, key, owner).Scan(&generation, &attempts)
	if errors.Is(err, sql.ErrNoRows) {
		return again, nil // purged, or the lease was lost
	}
	if err != nil {
		return next{}, err
	}
	var busy *forge.BusyError
	var never *permanent
	switch {
	case errors.As(failure, &busy):
		wait := max(busy.After, 0)
		_, err := tx.ExecContext(ctx, `UPDATE queue_items SET busy_until = $2, reason = $3 WHERE key = $1`,
			key, now.Add(wait).UnixMicro(), reason(failure))
		log.Info().Dur("wait", wait).Msg("the host is busy: put off")
		return next{wait: wait}, err
	case generation != it.generation:
		return again, nil
	case failure == nil:
		if err := forget(ctx, tx, key, it.event); err != nil {
			return next{}, err
		}
		return next{settled: true}, q.finish(ctx, tx, job, done, "")
	case errors.As(failure, &never) || attempts+1 >= q.options.Attempts:
		log.Error().Err(failure).Int("attempts", attempts+1).Msg("given up")
		if err := forget(ctx, tx, key, it.event); err != nil {
			return next{}, err
		}
		return next{settled: true}, q.finish(ctx, tx, job, failed, reason(failure))
	}
	wait := max(q.options.Backoff(attempts+1), 0)
	log.Warn().Err(failure).Int("attempts", attempts+1).Dur("wait", wait).Msg("failed: will be tried again")
	_, err = tx.ExecContext(ctx, `UPDATE queue_items SET attempts = attempts + 1, reason = $2 WHERE key = $1`,
		key, reason(failure))
	return next{wait: wait}, err
}

// forget takes what somebody wrote out of the row once it is done. It was kept,
// or refused because it looked like a secret.
func forget(ctx context.Context, tx *sql.Tx, key string, e forge.Event) error {
	if e.Command.Words == "" {
		return nil
	}
	e.Command.Words = ""
	raw, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE queue_items SET event = $2 WHERE key = $1`, key, string(raw))
	return err
}

// finish settles the row and completes the job, both or neither.
func (q *Queue) finish(ctx context.Context, tx *sql.Tx, job *river.Job[task], state, why string) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE queue_items SET state = $2, reason = $3, settled = $4, owner = '', lease_until = NULL,
			attempts = CASE WHEN $2 = 'failed' THEN attempts + 1 ELSE attempts END
		WHERE key = $1`, job.Args.Key, state, why, q.options.Now().UnixMicro())
	if err != nil {
		return err
	}
	return complete(ctx, tx, job)
}

// dismiss completes a job that has nothing to do, unless it has by now: what
// is accepted in between counts on this job. The job is completed first,
// because that makes a concurrent Accept wait or be seen.
func (q *Queue) dismiss(ctx context.Context, job *river.Job[task]) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, slack)
	defer cancel()
	err := q.tx(ctx, func(tx *sql.Tx) error {
		if err := complete(ctx, tx, job); err != nil {
			return err
		}
		var n int
		err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM queue_items WHERE key = $1 AND state = 'waiting'`,
			job.Args.Key).Scan(&n)
		if err == nil && n > 0 {
			return errWanted
		}
		return err
	})
	if errors.Is(err, errWanted) {
		return false, nil
	}
	return err == nil, err
}

var errWanted = errors.New("there is something to do")

// complete ends a job in tx. A job that is not there any more is at its end.
func complete(ctx context.Context, tx *sql.Tx, job *river.Job[task]) error {
	_, err := river.JobCompleteTx[riverdriver.Driver[*sql.Tx]](ctx, tx, job)
	if errors.Is(err, rivertype.ErrNotFound) {
		return nil
	}
	return err
}
