package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
)

const (
	remindBefore = 14 * 24 * time.Hour // the end of an exception
	unusedFor    = 90 * 24 * time.Hour // until an exception counts as not needed
)

// remind tells the owners of exceptions, in one issue, which of theirs end soon
// and which nothing has needed for long: each of it once. Those that an
// organisation keeps for all its repositories are not a repository's affair.
func (b *Bot) remind(ctx context.Context, e forge.Event) error {
	in, err := b.lastRuling(ctx, e.Repo)
	if err != nil {
		return err
	}
	asked, err := b.asked(ctx, e.Repo, forge.User{})
	if err != nil {
		return err
	}
	uses, err := b.Ledger.Uses(ctx, e.Repo)
	if err != nil {
		return err
	}
	now := b.Now()
	var ending, unused []policy.Exception
	for _, x := range slices.Concat(in.Ignore, asked) {
		use, known := uses[x.ID()]
		needed := use.First
		if use.Last.After(needed) {
			needed = use.Last
		}
		switch {
		case x.Layer == policy.Organisation:
		case x.EndsWithin(remindBefore, now):
			// One that was short from the first is nothing to remind of.
			if use.ToldEnd.IsZero() && !(known && x.EndsWithin(remindBefore-24*time.Hour, use.First)) {
				ending = append(ending, x)
			}
		case known && now.Sub(needed) > unusedFor && use.ToldUnused.IsZero() && !x.EndsWithin(0, now):
			unused = append(unused, x)
		}
	}
	if len(ending)+len(unused) == 0 {
		return nil
	}
	issue := report.Reminder(ending, unused, uses)
	ids := slices.Concat(ids(ending), []string{""}, ids(unused))
	sum := sha256.Sum256([]byte(strings.Join(ids, " ")))
	issue.Key = hex.EncodeToString(sum[:16])
	err = b.Forge.PutIssue(ctx, e.Repo, issue)
	if errors.Is(err, forge.ErrDenied) {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("the owners of exceptions cannot be told")
		return nil // tomorrow perhaps
	}
	if err != nil {
		return fmt.Errorf("tell the owners of exceptions: %w", err)
	}
	return b.Ledger.Reminded(ctx, e.Repo, ids[:len(ending)], ids[len(ending)+1:], now)
}

func ids(list []policy.Exception) (out []string) {
	for _, x := range list {
		out = append(out, x.ID())
	}
	return out
}
