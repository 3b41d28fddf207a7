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
	err = b.Forge.RequestReview(ctx, s.pull.PullRef, names)
	if errors.Is(err, forge.ErrDenied) || errors.Is(err, forge.ErrNotFound) {
		zerolog.Ctx(ctx).Warn().Err(err).Strs("reviewers", names).Msg("the security reviewers cannot be asked")
	} else if err != nil {
		return fmt.Errorf("ask the security reviewers: %w", err)
	}
	return b.Ledger.AskedReview(ctx, s.pull.PullRef, b.Now())
}
