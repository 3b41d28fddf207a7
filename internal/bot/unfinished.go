package bot

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/git"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
)

// mostCrashes is how often the process may end while it looks at one change,
// before it is no longer looked at: one change must not keep the server down.
const mostCrashes = 10

var (
	errDeadline = errors.New("the review took longer than it may")
	errCrashes  = errors.New("the server ended each time it looked at this change")
)

// A panicError is a panic outside of a scanner. What it was about may be text
// from the repository, so only its type and its place are told.
type panicError struct{ kind, stack string }

func (e *panicError) Error() string { return "panic: " + e.kind }

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = &panicError{fmt.Sprintf("a %T", p), string(debug.Stack())}
	}
}

// unfinished decides what becomes of a review that could not be completed.
// Where a later attempt may go through, the error is returned; until the
// deadline has passed the check stays under way meanwhile. Where no attempt can
// help, the check is completed for good.
func (b *Bot) unfinished(ctx, work context.Context, s *subject, err error) error {
	if ctx.Err() != nil {
		return err // the server is stopping: the work is handed back
	}
	if errors.Is(context.Cause(work), errDeadline) {
		err = errDeadline
	}
	late := b.Now().Sub(s.event.Received) > b.Options.Deadline
	if !late && !final(err) {
		b.waits(ctx, s)
		return err
	}
	log := zerolog.Ctx(ctx).Warn().Err(err)
	var panicked *panicError
	if errors.As(err, &panicked) {
		log = log.Str("stack", panicked.stack)
	}
	log.Msg("review not completed")
	if giveUpErr := b.giveUp(ctx, s, err); giveUpErr != nil {
		return errors.Join(err, fmt.Errorf("complete the check without a review: %w", giveUpErr))
	}
	if b.Meter != nil {
		b.Meter.Reviewed("unfinished", b.Now().Sub(s.started))
	}
	if final(err) {
		return nil
	}
	return err
}

// waits shows that a review goes on later. What stands was perhaps written
// since it was looked at, so the forge looks again.
func (b *Bot) waits(ctx context.Context, s *subject) {
	if s.shown {
		return
	}
	check := report.Started(s.head)
	check.Ask = s.ask()
	if err := b.start(ctx, s, check); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("not shown to be under way")
	}
}

// giveUp completes the check of a change that was not looked at: as neutral,
// or as a failure if the policy blocks on what was not looked at. It is a
// verdict like any other: another pull request with the same head cannot be
// better, and it does not make one better.
func (b *Bot) giveUp(ctx context.Context, s *subject, cause error) error {
	in, err := b.lastRuling(ctx, s.repo)
	if err != nil {
		return err
	}
	rules := in.Policy
	if s.rules != nil {
		rules = *s.rules
	}
	why := reason(cause)
	r := &report.Report{
		Change: &change.Change{Base: s.base, Head: s.head}, Policy: rules, Verdict: rules.Unfinished(why),
		Result: finding.Result{Scanned: finding.Scanned{Skipped: []change.Skip{}}},
	}
	r.Verdict.Outcome = policy.Worse(r.Verdict.Outcome, s.outcome)
	for _, scanner := range enabled(b.Scanners, rules) {
		r.Result.Statuses = append(r.Result.Statuses, finding.Status{Scanner: scanner.Name(), Err: errors.New(why)})
	}
	release, err := b.Ledger.Alone(ctx, s.place())
	if err != nil {
		return err
	}
	defer release()
	s.judged = b.Now()
	delta, err := b.Ledger.Record(ctx, b.run(s, r))
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if err := b.freed(ctx, s, delta); err != nil {
		return fmt.Errorf("have judged again what shared its head before: %w", err)
	}
	check := report.Unfinished(s.head, why, forge.Conclusion(rules.Conclusion(r.Verdict.Outcome)))
	seen, err := b.Forge.Look(ctx, s.repo, s.number(), s.head)
	if err == nil {
		err = b.complete(ctx, s, seen, rules, r.Verdict.Outcome, check, nil, report.UnfinishedParts(check, r)...)
	}
	if errors.Is(err, forge.ErrNotFound) {
		// The commit is gone, and its check with it.
		return b.Ledger.Ended(ctx, s.repo, s.number(), s.head)
	}
	return err
}

// final reports errors that another attempt does not mend.
func final(err error) bool {
	var panicked *panicError
	return errors.Is(err, errDeadline) || errors.Is(err, errCrashes) || errors.As(err, &panicked) ||
		errors.Is(err, git.ErrGone) || git.Permanent(err) ||
		errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrDenied)
}

// reason is what the readers of a check are told.
func reason(err error) string {
	var panicked *panicError
	switch {
	case errors.Is(err, errDeadline):
		return "The review took longer than it may."
	case errors.Is(err, errCrashes):
		return "The server ended each time it looked at this change."
	case errors.As(err, &panicked):
		return "A fault in the server kept it from looking at this change."
	case errors.Is(err, git.ErrGone):
		return "The head commit or its merge base can no longer be fetched. It was probably replaced by a force-push, which starts a review of its own."
	case git.Permanent(err):
		why := err
		if limit := new(git.LimitError); errors.As(err, &limit) {
			why = limit
		} else if hostile := new(git.HostileError); errors.As(err, &hostile) {
			why = hostile
		}
		return "The repository's data is not safe to read: " + why.Error() + "."
	case errors.Is(err, forge.ErrNotFound):
		return "GitHub does not show the commits of this pull request (any more)."
	case errors.Is(err, forge.ErrDenied):
		return "GitHub refused access: check the permissions of the App's installation."
	}
	return "An error on the server's side kept coming back."
}
