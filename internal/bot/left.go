package bot

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
)

// No check stays under way for ever. Which ones were begun is in the ledger
// before the host shows them; completing one takes it off. What is still there
// once nobody will come back to it is completed here: the heads that a pull
// request left while they were looked at, and those whose work is given up.

// leave completes the checks that were begun on heads which p has left, or on
// any if it is closed.
func (b *Bot) leave(ctx context.Context, p forge.Pull) error {
	left, err := b.Ledger.UnderWay(ctx, p.Repo, p.Number)
	if err != nil {
		return err
	}
	var failed error
	for _, l := range left {
		if p.Open && l.SHA == p.HeadSHA {
			continue // somebody is at it
		}
		l.Repo = p.Repo // as it is called now
		in, err := b.lastRuling(ctx, l.Repo)
		if err == nil {
			err = b.completeLeft(ctx, l, in.Policy, policy.Incomplete, func(c forge.Conclusion) forge.Check {
				return report.LeftBehind(l.SHA, !p.Open, c)
			})
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// abandon completes the checks of work that is given up because of cause. That
// it fails changes nothing for the work: catching up finds them again.
func (b *Bot) abandon(ctx context.Context, e forge.Event, cause error) {
	left, err := b.Ledger.UnderWay(ctx, e.Repo, e.Number)
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("checks that may be under way are not completed")
		return
	}
	for _, l := range left {
		if e.Number == 0 && l.SHA != e.SHA {
			continue // of another merge group
		}
		l.Repo = e.Repo
		err := b.abandonOne(ctx, l, cause)
		topic := e.Topic()
		topic.Head = l.SHA
		zerolog.Ctx(forge.About(ctx, topic)).Warn().Err(err).AnErr("because", cause).Msg("given up: its check is completed without a review")
	}
}

func (b *Bot) abandonOne(ctx context.Context, l history.Begun, cause error) error {
	in, err := b.lastRuling(ctx, l.Repo)
	if err != nil {
		return err
	}
	why := reason(cause)
	return b.completeLeft(ctx, l, in.Policy, in.Policy.Unfinished(why).Outcome, func(c forge.Conclusion) forge.Check {
		check := report.Unfinished(l.SHA, why, c)
		check.Leftover = true
		return check
	})
}

// completeLeft completes what is under way on l.SHA. Another pull request may
// have a verdict on it, so the worst one counts, as ever.
func (b *Bot) completeLeft(ctx context.Context, l history.Begun, rules policy.Policy, outcome policy.Outcome, check func(forge.Conclusion) forge.Check) error {
	release, err := b.Ledger.Alone(ctx, (&subject{repo: l.Repo, head: l.SHA}).place())
	if err != nil {
		return err
	}
	defer release()
	standings, err := b.Ledger.At(ctx, l.Repo, l.SHA)
	if err != nil {
		return err
	}
	for _, o := range standings {
		outcome = policy.Worse(outcome, o.Outcome)
	}
	_, err = b.Forge.PutCheck(ctx, l.Repo, check(forge.Conclusion(rules.Conclusion(outcome))))
	if err != nil && !errors.Is(err, forge.ErrNotFound) { // a commit that is gone took its checks with it
		return fmt.Errorf("complete the check that was left under way on %s: %w", l.SHA, err)
	}
	return b.Ledger.Ended(ctx, l.Repo, l.Pull, l.SHA)
}
