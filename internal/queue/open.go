package queue

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/rs/zerolog"
)

// Options set how work is done. The zero Options are useful.
type Options struct {
	Workers  int                             // events at a time; 0 means 4
	Timeout  time.Duration                   // for one event; 0 means 5 minutes
	Attempts int                             // of one event before it counts as failed; 0 means 5
	Backoff  func(attempt int) time.Duration // wait after the attempt-th failure, from 1; nil means Backoff
	Drain    time.Duration                   // for running work once Run is to end; 0 means 30 seconds
	Lease    time.Duration                   // until work of a process that died is taken over, on PostgreSQL; 0 means 30 seconds
	Now      func() time.Time                // nil means time.Now
	Pace     float64                         // how many times faster than the machine's the clock of Now runs, for tests; 0 means 1
}

func (o Options) withDefaults() Options {
	if o.Workers <= 0 {
		o.Workers = 4
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Minute
	}
	if o.Attempts <= 0 {
		o.Attempts = 5
	}
	if o.Backoff == nil {
		o.Backoff = Backoff
	}
	if o.Drain <= 0 {
		o.Drain = 30 * time.Second
	}
	if o.Lease <= 0 {
		o.Lease = 30 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Pace <= 0 {
		o.Pace = 1
	}
	return o
}

// lasts is how long d on the clock of Now lasts on that of the machine, which
// River goes by.
func (o Options) lasts(d time.Duration) time.Duration { return time.Duration(float64(d) / o.Pace) }

// Backoff waits 2 s after the first failure and three times as long after each
// further one, up to 5 minutes, with up to a quarter more so that work that
// failed together is not tried again together.
func Backoff(attempt int) time.Duration {
	wait := 2 * time.Second
	for ; attempt > 1 && wait < 5*time.Minute; attempt-- {
		wait *= 3
	}
	wait = min(wait, 5*time.Minute)
	return wait + mathrand.N(wait/4)
}

const (
	pollInterval  = 100 * time.Millisecond // at most this long until accepted work is seen
	fetchCooldown = 5 * time.Millisecond
	slack         = 10 * time.Second // for what a job does beside its handler
	jobRetention  = time.Hour        // of completed jobs: our own rows say what was done
	// Jobs end by our own count of attempts and never by River's: a job that
	// River gave up would leave its row waiting.
	endless = 32_000
)

// A Queue keeps accepted events and has them worked off. It is safe for
// concurrent use.
type Queue struct {
	db      *sql.DB
	options Options
	client  *river.Client[*sql.Tx]
	shared  bool   // other processes may work on db
	id      string // of this Queue among all that share db
	turns   atomic.Int64
	running atomic.Bool
	intake  intake
	handler Handler  // set while running
	active  sync.Map // keys whose handler runs in this process
}

// Open prepares the queue in db, whose tables must be up to date (internal/store
// sees to that), and brings River's own tables up to date. Which database it
// is, is told from its driver. River logs to the logger in ctx. Nothing is
// worked off before Run.
func Open(ctx context.Context, db *sql.DB, o Options) (*Queue, error) {
	q := &Queue{db: db, options: o.withDefaults(), id: rand.Text()}
	driver, shared := driver(db)
	q.shared = shared
	q.intake.most = mostAtOnce
	q.intake.write = func(ctx context.Context, batch []*arrival) error {
		return q.tx(ctx, func(tx *sql.Tx) error { return q.acceptIn(ctx, tx, batch) })
	}
	log := zerolog.Ctx(ctx)
	logger := slog.New(zerolog.NewSlogHandler(log.Level(max(log.GetLevel(), zerolog.WarnLevel))))
	m, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: logger})
	if err != nil {
		return nil, fmt.Errorf("prepare the migration of the job tables: %w", err)
	}
	migrate := func() error {
		_, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil)
		return err
	}
	if shared {
		err = alone(ctx, db, migrate)
	} else {
		err = migrate()
	}
	if err != nil {
		return nil, fmt.Errorf("migrate the job tables: %w", err)
	}
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &worker{queue: q}); err != nil {
		return nil, fmt.Errorf("register the worker: %w", err)
	}
	q.client, err = river.NewClient(driver, &river.Config{
		Logger:  logger,
		Workers: workers,
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: q.options.Workers}},
		// Through database/sql there are no notifications, and SQLite has only a
		// table for them: polling the jobs is cheaper.
		PollOnly:                    true,
		FetchPollInterval:           pollInterval,
		FetchCooldown:               fetchCooldown,
		MaxAttempts:                 endless,
		JobTimeout:                  q.jobTimeout(),
		RescueStuckJobsAfter:        q.jobTimeout() + time.Minute,
		CompletedJobRetentionPeriod: jobRetention,
		SoftStopTimeout:             q.options.Drain,
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the job client: %w", err)
	}
	return q, nil
}

// jobTimeout leaves room for a second event when the first one was replaced
// while it was worked on; see worker.Work.
func (q *Queue) jobTimeout() time.Duration { return 2*q.options.Timeout + slack }

// A task is the argument of a job: which row to work on, never what it says.
type task struct {
	Key string `json:"key" river:"unique"`
}

func (task) Kind() string { return "reconcile" }
