package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
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
// given to the Handler, or the row says why it was given up. After an error it
// is not known whether e was accepted; it may be accepted again.
func (q *Queue) Accept(ctx context.Context, e forge.Event, key string) error {
	if key == "" {
		return fmt.Errorf("accept %s of delivery %q: it has no key", e.Kind, e.Delivery)
	}
	if err := q.intake.accept(ctx, &arrival{event: e, key: key}); err != nil {
		return fmt.Errorf("accept %s for %s: %w", e.Kind, key, err)
	}
	return nil
}

// acceptIn accepts all of batch, which is in the order of keys, in tx. It takes
// the same few statements for any number of events.
func (q *Queue) acceptIn(ctx context.Context, tx *sql.Tx, batch []*arrival) error {
	if q.shared {
		// A machine that vanished leaves locks for a while. Whoever arrives
		// must not wait behind the one event that is about such a row.
		if _, err := tx.ExecContext(ctx, `SET LOCAL lock_timeout = '`+lockWait+`'`); err != nil {
			return err
		}
	}
	now := q.options.Now()
	events, err := wanted(ctx, tx, batch, now)
	if err != nil {
		return err
	}
	// The rows come first. Their locks make a worker that is about to finish
	// either see this generation or be finished before the job is inserted.
	rows, err := want(ctx, tx, events, now)
	if err != nil {
		return err
	}
	if err := keepDeliveries(ctx, tx, batch, now); err != nil {
		return err
	}
	jobs, err := q.insert(ctx, tx, rows)
	if err != nil {
		return err
	}
	for _, r := range rows {
		// A job that waits after a failure is not worth waiting for any longer:
		// this is news. One that waits because the host asked for it goes on waiting.
		job := jobs[r.key]
		asked := r.busyUntil.Valid && r.busyUntil.Int64 > now.UnixMicro()
		if job.State != rivertype.JobStateRunning && job.ScheduledAt.After(time.Now()) && !asked {
			if _, err := q.client.JobRetryTx(ctx, tx, job.ID); err != nil && !errors.Is(err, rivertype.ErrNotFound) {
				return err
			}
		}
	}
	return nil
}

// wanted returns one event for each key of batch: the last one, which stands
// for those before it.
func wanted(ctx context.Context, tx *sql.Tx, batch []*arrival, now time.Time) ([]*arrival, error) {
	var all []*arrival
	for _, a := range batch {
		e := received(a.event, now)
		if n := len(all); n > 0 && all[n-1].key == a.key {
			all[n-1].event = fold(all[n-1].event, e)
			continue
		}
		if e.Kind == forge.Installed {
			var err error
			if e, err = standing(ctx, tx, e, a.key, now); err != nil {
				return nil, err
			}
		}
		all = append(all, &arrival{event: e, key: a.key})
	}
	return all, nil
}

// standing returns e as it stands for what is waiting for key. The row is made
// if there is none: its lock keeps everybody else from adding to it meanwhile.
func standing(ctx context.Context, tx *sql.Tx, e forge.Event, key string, now time.Time) (forge.Event, error) {
	raw, err := json.Marshal(e)
	if err != nil {
		return e, err
	}
	var state string
	var before []byte
	err = tx.QueryRowContext(ctx, `
		INSERT INTO queue_items (key, event, since, installation, repository, generation, state)
		VALUES ($1, $2, $3, $4, $5, 1, 'waiting')
		ON CONFLICT (key) DO UPDATE SET generation = queue_items.generation + 1
		RETURNING state, event`,
		key, string(raw), now.UnixMicro(), installation(e), e.Repo.ID).Scan(&state, &before)
	if err != nil || state != waiting {
		return e, err
	}
	var old forge.Event
	if err := json.Unmarshal(before, &old); err != nil {
		return e, fmt.Errorf("read the event before: %w", err)
	}
	return fold(old, e), nil
}

// received is e with the time at which it came.
func received(e forge.Event, now time.Time) forge.Event {
	if e.Received.IsZero() {
		e.Received = now
	}
	return e
}

func installation(e forge.Event) int64 {
	if e.Installation != 0 {
		return e.Installation
	}
	return e.Repo.Installation
}

// A row is what is known of one when its job is to be made.
type row struct {
	key       string
	job       sql.NullInt64 // that it named so far
	busyUntil sql.NullInt64
}

// want writes down what is wanted, a row for each.
func want(ctx context.Context, tx *sql.Tx, wanted []*arrival, now time.Time) ([]*row, error) {
	var args []any
	for _, a := range wanted {
		raw, err := json.Marshal(a.event)
		if err != nil {
			return nil, err
		}
		args = append(args, a.key, string(raw), now.UnixMicro(), installation(a.event), a.event.Repo.ID, 1, waiting)
	}
	found, err := tx.QueryContext(ctx, `
		INSERT INTO queue_items (key, event, since, installation, repository, generation, state)
		VALUES `+tuples(len(wanted), 7)+`
		ON CONFLICT (key) DO UPDATE SET generation = queue_items.generation + 1, event = excluded.event,
			since = CASE WHEN queue_items.state = 'waiting' THEN queue_items.since ELSE excluded.since END,
			state = 'waiting', attempts = 0, crashes = 0, reason = '', settled = NULL,
			installation = excluded.installation, repository = excluded.repository
		RETURNING key, job, busy_until`, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	var rows []*row
	for found.Next() {
		var r row
		if err := found.Scan(&r.key, &r.job, &r.busyUntil); err != nil {
			return nil, err
		}
		rows = append(rows, &r)
	}
	return rows, found.Err()
}

// keepDeliveries writes down which deliveries came, and how often.
func keepDeliveries(ctx context.Context, tx *sql.Tx, batch []*arrival, now time.Time) error {
	type id struct{ guid, key string }
	times := map[id]int{}
	for _, a := range batch {
		times[id{a.event.Delivery, a.key}]++
	}
	var args []any
	for _, a := range batch {
		e := received(a.event, now)
		i := id{e.Delivery, a.key}
		if e.Delivery == "" || times[i] == 0 {
			continue
		}
		at := e.Received.UnixMicro()
		args = append(args, e.Delivery, a.key, string(e.Kind), installation(e), e.Repo.ID, at, at, times[i])
		times[i] = 0 // no row twice in a statement
	}
	if len(args) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO deliveries (guid, key, kind, installation, repository, first_received, last_received, times)
		VALUES `+tuples(len(args)/8, 8)+`
		ON CONFLICT (guid, key) DO UPDATE SET last_received = excluded.last_received, times = deliveries.times + excluded.times`, args...)
	return err
}

// insert makes a job for the key of each row unless one is there, and keeps
// which it is. No two rows may have the same key.
func (q *Queue) insert(ctx context.Context, tx *sql.Tx, rows []*row) (map[string]*rivertype.JobRow, error) {
	unique := &river.InsertOpts{
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
			rivertype.JobStateRetryable, rivertype.JobStateScheduled,
		}},
	}
	params := make([]river.InsertManyParams, len(rows))
	for i, r := range rows {
		params[i] = river.InsertManyParams{Args: task{Key: r.key}, InsertOpts: unique}
	}
	results, err := q.client.InsertManyTx(ctx, tx, params)
	if err != nil {
		return nil, err
	}
	jobs := map[string]*rivertype.JobRow{}
	for _, res := range results { // in whatever order
		var t task
		if err := json.Unmarshal(res.Job.EncodedArgs, &t); err != nil {
			return nil, fmt.Errorf("read job %d: %w", res.Job.ID, err)
		}
		jobs[t.Key] = res.Job
	}
	var args []any
	for _, r := range rows {
		job := jobs[r.key]
		if job == nil {
			return nil, fmt.Errorf("no job was made for %s", r.key)
		}
		if r.job.Int64 != job.ID {
			args = append(args, r.key, strconv.FormatInt(job.ID, 10)) // as texts: PostgreSQL takes both for such
		}
	}
	if len(args) > 0 {
		_, err = tx.ExecContext(ctx, `
			UPDATE queue_items SET job = CAST(made.column2 AS BIGINT)
			FROM (VALUES `+tuples(len(args)/2, 2)+`) AS made WHERE key = made.column1`, args...)
	}
	return jobs, err
}

// tuples is a list of that many rows, each of columns parameters, numbered on.
func tuples(rows, columns int) string {
	var b strings.Builder
	for n := range rows * columns {
		switch {
		case n == 0:
			b.WriteString("(")
		case n%columns == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", n+1)
	}
	return b.String() + ")"
}

// fold returns e as it stands for the event before it too, which was not
// worked off yet. Most events say where to look, so the later one is enough;
// those of an installation say what came and went, and that adds up.
func fold(old, e forge.Event) forge.Event {
	if old.Kind == forge.Installed && e.Kind == forge.Installed {
		e.Added, e.Removed = join(old.Added, e.Added, e.Removed), join(old.Removed, e.Removed, e.Added)
	}
	return e
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
