package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/report"
)

// summarize keeps the one comment in the conversation up to date: there is none
// until something needs a person.
func (b *Bot) summarize(ctx context.Context, s *subject, r *report.Report) error {
	if s.pull.Draft {
		return nil
	}
	words, needed, err := report.Summary(r)
	if err != nil {
		return err
	}
	was, err := b.Ledger.Summary(ctx, s.pull.PullRef)
	if err != nil || !needed && !was.Begun {
		return err
	}
	sum := sha256.Sum256([]byte(words))
	now := was
	now.Begun, now.Digest = true, hex.EncodeToString(sum[:16])
	if now == was {
		return nil
	}
	if !was.Begun { // a crash after the comment must not make it two
		if err := b.Ledger.KeepSummary(ctx, s.pull.PullRef, now.Unposted()); err != nil {
			return err
		}
	}
	now.ID, err = b.Forge.PutSummary(ctx, s.pull.PullRef, forge.Summary{ID: was.ID, First: !was.Begun, Body: words})
	switch {
	case was.ID != 0 && errors.Is(err, forge.ErrNotFound): // somebody deleted it: that is their decision
		now.ID = was.ID
	case errors.Is(err, forge.ErrDenied) || errors.Is(err, forge.ErrNotFound):
		zerolog.Ctx(ctx).Warn().Err(err).Msg("the summary is not posted")
		return nil // the next review tries again
	case err != nil:
		return fmt.Errorf("post the summary: %w", err)
	}
	return b.Ledger.KeepSummary(ctx, s.pull.PullRef, now)
}
