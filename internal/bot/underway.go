package bot

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/report"
)

// underWay shows that a review is under way, once it takes longer than
// Options.Patience: most are over by then, and one write of a check serves
// their readers better than two. It does so at once where a completed check
// stands that says nothing about this review: somebody asked for another, or
// it is of another pull request with the same head.
//
// settled must be called before anything is posted; it waits until nothing is
// being shown any more.
func (b *Bot) underWay(ctx context.Context, s *subject) (settled func(), err error) {
	standings, err := b.Ledger.At(ctx, s.repo, s.head)
	if err != nil {
		return nil, err
	}
	s.known = slices.ContainsFunc(standings, func(o history.Standing) bool {
		return o.Pull == s.number() && (s.pull == nil || o.BaseRef == s.pull.BaseRef)
	})
	check := report.Started(s.head)
	check.Again = s.event.Kind == forge.CheckAsked || !s.known
	check.Ask = s.ask()
	if s.opening != nil {
		check.Seen = &s.opening.Seen
	}
	stands := s.opening != nil && s.opening.Seen.Completed
	if s.event.Kind == forge.CheckAsked || stands && !s.known {
		return func() {}, b.start(ctx, s, check)
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		patience := time.NewTimer(b.Options.Patience)
		defer patience.Stop()
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-patience.C:
		}
		if err := b.start(ctx, s, check); err != nil && ctx.Err() == nil {
			// The check that completes the review is what counts.
			zerolog.Ctx(ctx).Warn().Err(err).Msg("not shown to be under way")
		}
	}()
	return sync.OnceFunc(func() { close(done); <-ended }), nil
}

// start puts the check of a review under way. A check that is complete stays as
// it is while the same pull request is looked at again; for one that was not yet
// judged at this head and base, it says nothing, so there is a new one.
func (b *Bot) start(ctx context.Context, s *subject, check forge.Check) (err error) {
	defer recovered(&err)
	defer b.step("start")()
	begun := history.Begun{Repo: s.repo, Pull: s.number(), SHA: s.head, Base: s.base, At: s.started}
	if err := b.Ledger.Begun(ctx, begun); err != nil {
		return err
	}
	if _, err := b.Forge.PutCheck(ctx, s.repo, check); err != nil {
		return fmt.Errorf("start the check: %w", err)
	}
	s.shown = true
	return nil
}
