package bot

import (
	"context"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
)

// A CatchUp makes good what webhooks did not tell, or told while nobody
// listened. Redeliver asks for deliveries that failed once more; Reconcile
// compares what is believed with what is there. Neither does any work itself:
// what is missing is accepted by the queue like a delivery, so that it folds
// with whatever is wanted of the same pull request already.
//
// One goroutine uses it, and where several servers share a database, only the
// one that has the lead. What it keeps in memory is where to look next, and
// what it tried in vain.
type CatchUp struct {
	Host   census
	Survey history.Survey
	Queue  intake
	Wanted func(event, action string) bool // which failed deliveries are worth asking for; nil: all
	Calls  int                             // that a minute may have in one installation, in the long run
	Late   time.Duration                   // how long a check may be under way
	Now    func() time.Time

	rolls map[int64]*roll // by installation
	tries map[string]*try // by key and what was to be done
}

// census is what is asked of the host; *github.Forge in production.
type census interface {
	Deliveries(ctx context.Context, since time.Time) ([]forge.Attempt, error) // newest first
	Redeliver(ctx context.Context, id int64) error
	Installations(ctx context.Context) ([]forge.Installation, error)
	Installed(ctx context.Context, id int64) (bool, error)
	Repositories(ctx context.Context, installation int64) ([]forge.Listed, error)
	OpenPulls(ctx context.Context, repo forge.Repo) ([]forge.Pull, error)
	// Checked reports whether our newest check on sha is completed.
	Checked(ctx context.Context, repo forge.Repo, sha string) (bool, error)
}

// intake is the queue.
type intake interface {
	Accept(ctx context.Context, e forge.Event, key string) error
	Waiting(ctx context.Context, key string) (bool, error)
	Accepted(ctx context.Context, delivery string) (bool, error)
}

// A roll is what is known of an installation from one round to the next.
type roll struct {
	budget *rate.Limiter
	repos  []forge.Listed
	known  map[int64]forge.Repo // what was believed when the list was asked for; nil once compared
	next   time.Time            // the list is not asked for again before
	told   map[int64]bool       // repositories that the ledger heard of with the last list
	looked map[int64]look
}

// A look is when and how a repository was last seen.
type look struct {
	at     time.Time
	pushed time.Time
	open   int
	denied bool
}

func (c *CatchUp) roll(installation int64) *roll {
	if c.rolls == nil {
		c.rolls = map[int64]*roll{}
	}
	r := c.rolls[installation]
	if r == nil {
		r = &roll{budget: rate.NewLimiter(rate.Limit(float64(c.Calls)/60), c.Calls), looked: map[int64]look{}}
		c.rolls[installation] = r
	}
	return r
}

// spend counts calls that were made: more than there were is a debt.
func (r *roll) spend(now time.Time, calls int) {
	for range calls {
		r.budget.ReserveN(now, 1)
	}
}

// pages is how many calls a list of n took.
func pages(n int) int { return 1 + max(0, n-1)/100 }

// A try is how often something was tried in vain.
type try struct {
	times      int
	last, seen time.Time
}

// Something that does not come to a check is tried again ever later, and in
// the end no more: until there is something else to do, or the next start.
const (
	mostTries   = 10
	firstWait   = 2 * time.Minute
	longestWait = time.Hour
)

// worth reports whether e should be tried now. want names what is to be done,
// so that something new has all its tries.
func (c *CatchUp) worth(ctx context.Context, e forge.Event, want string) (bool, error) {
	now := c.Now()
	t := c.tries[e.Key()+" "+want]
	if t != nil {
		t.seen = now
		if t.times >= mostTries || now.Before(t.last.Add(min(firstWait<<(t.times-1), longestWait))) {
			return false, nil
		}
	}
	waits, err := c.Queue.Waiting(ctx, e.Key())
	return !waits, err
}

// accept has e handled, and counts that as a try.
func (c *CatchUp) accept(ctx context.Context, e forge.Event, want, why string) error {
	if err := c.put(ctx, e, why); err != nil {
		return err
	}
	if c.tries == nil {
		c.tries = map[string]*try{}
	}
	name, now := e.Key()+" "+want, c.Now()
	t := c.tries[name]
	if t == nil {
		t = &try{}
		c.tries[name] = t
	}
	t.times++
	t.last, t.seen = now, now
	return nil
}

// put has e handled.
func (c *CatchUp) put(ctx context.Context, e forge.Event, why string) error {
	if err := c.Queue.Accept(ctx, e, e.Key()); err != nil {
		return err
	}
	zerolog.Ctx(forge.About(ctx, e.Topic())).Info().Str("kind", string(e.Kind)).Str("subject", e.Key()).Str("why", why).Msg("caught up")
	return nil
}

// forget drops tries of what nobody speaks of any more.
func (c *CatchUp) forget(now time.Time) {
	for name, t := range c.tries {
		if now.Sub(t.seen) > 24*time.Hour {
			delete(c.tries, name)
		}
	}
}
