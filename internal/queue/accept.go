package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// Of a row.
const (
	waiting = "waiting"
	done    = "done"
	failed  = "failed"
)

// Accept makes e what is wanted of key. It returns nil only once that survives
// a crash; then e, or a later event of the same key in its place, will be
// given to the Handler, or the row says why it was given up.
func (q *Queue) Accept(ctx context.Context, e forge.Event, key string) error {
	if key == "" {
		return fmt.Errorf("accept %s of delivery %q: it has no key", e.Kind, e.Delivery)
	}
	err := q.tx(ctx, func(tx *sql.Tx) error { return q.accept(ctx, tx, e, key) })
	if err != nil {
		return fmt.Errorf("accept %s for %s: %w", e.Kind, key, err)
	}
	return nil
}

func (q *Queue) accept(ctx context.Context, tx *sql.Tx, e forge.Event, key string) error {
	now := q.options.Now()
	if e.Received.IsZero() {
		e.Received = now
	}
	installation := e.Repo.Installation
	if e.Installation != 0 {
		installation = e.Installation
	}
	raw, err := json.Marshal(e)
	if err != nil {
		return err
	}
	// The row comes first. Its lock makes a worker that is about to finish
	// either see this generation or be finished before the job is inserted.
	var state, before string
	var busyUntil sql.NullInt64
	err = tx.QueryRowContext(ctx, `
		INSERT INTO queue_items (key, generation, state, event, since, installation, repository)
		VALUES ($1, 1, $2, $3, $4, $5, $6)
		ON CONFLICT (key) DO UPDATE SET generation = queue_items.generation + 1
		RETURNING state, event, busy_until`,
		key, waiting, string(raw), now.UnixMicro(), installation, e.Repo.ID).Scan(&state, &before, &busyUntil)
	if err != nil {
		return err
	}
	if state == waiting {
		if raw, err = fold([]byte(before), e); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE queue_items SET event = $2, since = CASE WHEN state = 'waiting' THEN since ELSE $3 END, state = 'waiting',
			attempts = 0, crashes = 0, reason = '', settled = NULL, installation = $4, repository = $5
		WHERE key = $1`, key, string(raw), now.UnixMicro(), installation, e.Repo.ID)
	if err != nil {
		return err
	}
	if e.Delivery != "" {
		_, err = tx.ExecContext(ctx, `
			INSERT INTO deliveries (guid, key, kind, installation, repository, first_received, last_received, times)
			VALUES ($1, $2, $3, $4, $5, $6, $6, 1)
			ON CONFLICT (guid, key) DO UPDATE SET last_received = excluded.last_received, times = deliveries.times + 1`,
			e.Delivery, key, string(e.Kind), installation, e.Repo.ID, e.Received.UnixMicro())
		if err != nil {
			return err
		}
	}
	job, err := q.insert(ctx, tx, key)
	if err != nil {
		return err
	}
	// A job that waits after a failure is not worth waiting for any longer:
	// this is news. One that waits because the host asked for it goes on waiting.
	asked := busyUntil.Valid && busyUntil.Int64 > now.UnixMicro()
	if job.State != rivertype.JobStateRunning && job.ScheduledAt.After(time.Now()) && !asked {
		if _, err := q.client.JobRetryTx(ctx, tx, job.ID); err != nil && !errors.Is(err, rivertype.ErrNotFound) {
			return err
		}
	}
	return nil
}

// insert makes a job for key unless one is there, and keeps which it is.
func (q *Queue) insert(ctx context.Context, tx *sql.Tx, key string) (*rivertype.JobRow, error) {
	res, err := q.client.InsertTx(ctx, tx, task{Key: key}, &river.InsertOpts{
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
			rivertype.JobStateRetryable, rivertype.JobStateScheduled,
		}},
	})
	if err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE queue_items SET job = $2 WHERE key = $1`, key, res.Job.ID)
	return res.Job, err
}

// fold returns e as it stands for the event before it too, which was not
// worked off yet. Most events say where to look, so the later one is enough;
// those of an installation say what came and went, and that adds up.
func fold(before []byte, e forge.Event) ([]byte, error) {
	var old forge.Event
	if err := json.Unmarshal(before, &old); err != nil {
		return nil, fmt.Errorf("read the event before: %w", err)
	}
	if old.Kind == forge.Installed && e.Kind == forge.Installed {
		e.Added, e.Removed = join(old.Added, e.Added, e.Removed), join(old.Removed, e.Removed, e.Added)
	}
	return json.Marshal(e)
}

// join returns old without what later names, and then new.
func join(old, new, later []forge.Repo) []forge.Repo {
	named := func(list []forge.Repo, id int64) bool {
		return slices.ContainsFunc(list, func(r forge.Repo) bool { return r.ID == id })
	}
	var out []forge.Repo
	for _, r := range old {
		if !named(new, r.ID) && !named(later, r.ID) {
			out = append(out, r)
		}
	}
	return append(out, new...)
}

// tx runs f in one transaction, which is committed only if f returns nil.
func (q *Queue) tx(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := q.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// reason is the text of err as a row keeps it.
func reason(err error) string {
	const longest = 2000
	s := err.Error()
	if len(s) > longest {
		s = s[:longest]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
