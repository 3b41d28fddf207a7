package bot

import (
	"context"
	"errors"
	"fmt"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
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
	began := b.step("begin")
	opening, err := b.Forge.BeginGroup(ctx, e.Repo, e.SHA, policy.Path)
	began()
	if err == nil { // otherwise the steps ask on their own: what is wrong is told in the check
		s.repo, s.opening = opening.Pull.Repo, &opening
	}
	if err := b.judge(s.logged(ctx), s); err != nil {
		return fmt.Errorf("review the merge group at %s of %v: %w", e.SHA, e.Repo, err)
	}
	return nil
}

// closed has done what there is to do at the end of a pull request.
func (b *Bot) closed(ctx context.Context, e forge.Event) error {
	ref := forge.PullRef{Repo: e.Repo, Number: e.Number}
	pull, err := b.Forge.Pull(ctx, ref)
	if err != nil {
		return fmt.Errorf("look at closed %v: %w", ref, err)
	}
	if pull.Open { // reopened meanwhile
		return b.review(ctx, e, ref)
	}
	return b.over(ctx, e, pull)
}

// over remembers the end of a pull request. Others with the same head no
// longer share its verdict, so they are judged again.
func (b *Bot) over(ctx context.Context, e forge.Event, pull forge.Pull) error {
	if err := b.Ledger.Closed(ctx, pull, b.Now()); err != nil {
		return fmt.Errorf("close %v: %w", pull.PullRef, err)
	}
	if err := b.leave(ctx, pull); err != nil {
		return fmt.Errorf("close %v: %w", pull.PullRef, err)
	}
	others, err := b.Ledger.At(ctx, pull.Repo, pull.HeadSHA)
	if err != nil {
		return fmt.Errorf("close %v: %w", pull.PullRef, err)
	}
	var failed error
	e.Kind = forge.PullChanged // nobody asked to have those checked again
	for _, o := range others {
		if o.Pull > 0 && o.Pull != pull.Number {
			failed = errors.Join(failed, b.review(ctx, e, forge.PullRef{Repo: pull.Repo, Number: o.Pull}))
		}
	}
	return failed
}

// freed has others judged again that had the head which s had before: its
// verdict counts there no more. It is done before the first verdict on the new
// head is shown, so that a crash cannot leave it out, and never after, or two
// that change places would go on for ever.
func (b *Bot) freed(ctx context.Context, s *subject, delta history.Delta) error {
	if delta.Shown || delta.Previous == "" || delta.Previous == s.head || b.Accept == nil {
		return nil
	}
	others, err := b.Ledger.At(ctx, s.repo, delta.Previous)
	if err != nil {
		return err
	}
	var numbers []int
	for _, o := range others {
		if o.Pull != 0 && o.Pull != s.number() {
			numbers = append(numbers, o.Pull)
		}
	}
	e := s.event
	e.Repo, e.SHA = s.repo, delta.Previous
	return b.judgeAgain(ctx, e, numbers...)
}
