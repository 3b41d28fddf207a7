package bot

import (
	"context"
	"errors"
	"fmt"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// again reviews what somebody asked to have checked again.
func (b *Bot) again(ctx context.Context, e forge.Event) error {
	if e.Number > 0 {
		return b.review(ctx, e, forge.PullRef{Repo: e.Repo, Number: e.Number})
	}
	seen, err := b.Forge.Look(ctx, e.Repo, 0, e.SHA)
	if err != nil {
		return fmt.Errorf("find the pull requests at %s: %w", e.SHA, err)
	}
	var failed error
	for _, p := range seen.Pulls {
		failed = errors.Join(failed, b.review(ctx, e, p.PullRef))
	}
	if len(seen.Pulls) > 0 {
		return failed
	}
	standings, err := b.Ledger.At(ctx, e.Repo, e.SHA)
	if err != nil {
		return err
	}
	for _, o := range standings {
		if o.Pull == 0 { // the head that a merge queue built
			e.Base = o.MergeBase
			return b.reviewGroup(ctx, e)
		}
	}
	return nil
}

// reviewGroup checks the head that a merge queue built.
func (b *Bot) reviewGroup(ctx context.Context, e forge.Event) error {
	s := &subject{event: e, repo: e.Repo, base: e.Base, head: e.SHA, started: b.Now()}
	if err := b.judge(s.logged(ctx), s); err != nil {
		return fmt.Errorf("review the merge group at %s of %v: %w", e.SHA, e.Repo, err)
	}
	return nil
}

// closed remembers the end of a pull request. Others with the same head no
// longer share its verdict, so they are judged again.
func (b *Bot) closed(ctx context.Context, e forge.Event) error {
	ref := forge.PullRef{Repo: e.Repo, Number: e.Number}
	pull, err := b.Forge.Pull(ctx, ref)
	if err != nil {
		return fmt.Errorf("look at closed %v: %w", ref, err)
	}
	if pull.Open { // reopened meanwhile
		return b.review(ctx, e, ref)
	}
	if err := b.Ledger.Closed(ctx, pull, b.Now()); err != nil {
		return fmt.Errorf("close %v: %w", ref, err)
	}
	if err := b.leave(ctx, pull); err != nil {
		return fmt.Errorf("close %v: %w", ref, err)
	}
	others, err := b.Ledger.At(ctx, pull.Repo, pull.HeadSHA)
	if err != nil {
		return fmt.Errorf("close %v: %w", ref, err)
	}
	var failed error
	for _, o := range others {
		if o.Pull > 0 && o.Pull != ref.Number {
			failed = errors.Join(failed, b.review(ctx, e, forge.PullRef{Repo: pull.Repo, Number: o.Pull}))
		}
	}
	return failed
}
