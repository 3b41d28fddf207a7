package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
)

// requestReview asks the security reviewers to look at a pull request that
// something blocks, if the policy wants that: once, whatever is pushed later.
func (b *Bot) requestReview(ctx context.Context, s *subject, r *report.Report) error {
	blocks := slices.ContainsFunc(r.Verdict.Decisions, func(d policy.Decision) bool { return d.Action == policy.Block })
	if s.pull.Draft || !blocks || !r.Policy.Security.Request || r.Policy.Mode == policy.Observe {
		return nil
	}
	names := slices.DeleteFunc(slices.Clone(r.Policy.Security.Reviewers), func(name string) bool {
		return strings.EqualFold(name, "@"+s.pull.Author.Login)
	})
	asked, err := b.Ledger.ReviewAsked(ctx, s.pull.PullRef)
	if err != nil || asked || len(names) == 0 {
		return err
	}
	err = b.ask(ctx, s.pull.PullRef, names)
	if errors.Is(err, errNotAsked) && len(names) > 1 {
		// One that the host does not know keeps it from asking the others.
		err = nil
		for _, name := range names {
			if oneErr := b.ask(ctx, s.pull.PullRef, []string{name}); !errors.Is(oneErr, errNotAsked) {
				err = errors.Join(err, oneErr)
			}
		}
	}
	if err != nil && !errors.Is(err, errNotAsked) {
		return fmt.Errorf("ask the security reviewers: %w", err)
	}
	return b.Ledger.AskedReview(ctx, s.pull.PullRef, b.Now())
}

var errNotAsked = errors.New("the host does not ask them")

func (b *Bot) ask(ctx context.Context, pull forge.PullRef, names []string) error {
	err := b.Forge.RequestReview(ctx, pull, names)
	if errors.Is(err, forge.ErrDenied) || errors.Is(err, forge.ErrNotFound) {
		zerolog.Ctx(ctx).Warn().Err(err).Strs("reviewers", names).Msg("these security reviewers cannot be asked")
		return errNotAsked
	}
	return err
}
