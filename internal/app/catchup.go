package app

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/bot"
	"github.com/pullwarden/pullwarden/internal/forge/github"
	"github.com/pullwarden/pullwarden/internal/forge/github/hook"
	"github.com/pullwarden/pullwarden/internal/store"
)

// lapsing is how often it is looked for exceptions that have ended.
const lapsing = 20 * time.Second

// checkSlack is how long a check may be under way beyond the deadline of its
// review before it counts as left.
const checkSlack = time.Minute

func (s *Server) newCatchUp(hub *github.Forge) *bot.CatchUp {
	return &bot.CatchUp{
		Host: hub, Survey: s.db.Survey(), Queue: s.queue, Wanted: hook.Wants, Calls: s.cfg.CatchUp.Calls,
		Late: s.cfg.Review.Deadline + checkSlack, Now: s.now,
	}
}

// CatchUp looks once, now, for what webhooks did not tell, and has it worked
// off. It is meant for tests and demonstrations: a server does so by itself, as
// often as its settings say.
func (s *Server) CatchUp(ctx context.Context) error {
	ctx = s.log.WithContext(ctx)
	select {
	case s.catching <- struct{}{}:
		defer func() { <-s.catching }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return errors.Join(s.catchUp.Redeliver(ctx), s.catchUp.Reconcile(ctx), s.catchUp.Lapse(ctx), s.catchUp.Remind(ctx))
}

// keepUp catches up at the start and from time to time until ctx is done,
// whenever no other server on the same database does.
func (s *Server) keepUp(ctx context.Context) {
	lasts := func(d time.Duration) time.Duration { return time.Duration(float64(d) / s.pace) }
	deliveries, pulls := lasts(s.cfg.CatchUp.Deliveries), lasts(s.cfg.CatchUp.Pulls)
	redeliver, reconcile, lapse := newRound(deliveries, s.catchUp.Redeliver), newRound(pulls, s.catchUp.Reconcile), newRound(lasts(lapsing), s.catchUp.Lapse)
	remind := newRound(lasts(time.Hour), s.catchUp.Remind) // which does so once a day
	var lead *store.Lead
	defer func() {
		if lead != nil {
			lead.Close()
		}
	}()
	tick := time.NewTicker(shortest(lasts(lapsing), shortest(deliveries, pulls)))
	defer tick.Stop()
	for {
		lead = s.lead(ctx, lead)
		if lead != nil {
			s.catching <- struct{}{} // a round of CatchUp may be under way
			redeliver.run(ctx)
			reconcile.run(ctx)
			lapse.run(ctx)
			remind.run(ctx)
			<-s.catching
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// lead returns the lead in catching up if it is ours, or free.
func (s *Server) lead(ctx context.Context, had *store.Lead) *store.Lead {
	if had != nil {
		if had.Held(ctx) {
			return had
		}
		had.Close()
	}
	lead, err := s.db.Lead(ctx, "catch-up")
	if err != nil && ctx.Err() == nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("whether another server catches up is not known")
	}
	return lead
}

// A round is done every so often.
type round struct {
	every time.Duration
	do    func(context.Context) error
	last  time.Time
}

// newRound returns nil for what is turned off.
func newRound(every time.Duration, do func(context.Context) error) *round {
	if every == 0 {
		return nil
	}
	return &round{every: every, do: do}
}

func (r *round) run(ctx context.Context) {
	// A tick may come a little early.
	if r == nil || ctx.Err() != nil || time.Since(r.last) < r.every*9/10 {
		return
	}
	r.last = time.Now()
	if err := r.do(ctx); err != nil && ctx.Err() == nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("catching up was not complete: the next round goes on")
	}
}

func shortest(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
