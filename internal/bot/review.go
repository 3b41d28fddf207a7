package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/git"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// review looks at one pull request as it stands now, and says what it found.
func (b *Bot) review(ctx context.Context, e forge.Event, ref forge.PullRef) error {
	pull, err := b.Forge.Pull(ctx, ref)
	if err != nil {
		return fmt.Errorf("review %v: %w", ref, err)
	}
	if !pull.Open {
		return b.Ledger.Closed(ctx, pull, b.Now())
	}
	s := subject{
		event: e, repo: pull.Repo, pull: &pull, started: b.Now(),
		base: pull.BaseSHA, head: pull.HeadSHA, // the present head, whatever the delivery said
	}
	if err := b.judge(ctx, s); err != nil {
		return fmt.Errorf("review %v at %s: %w", ref, s.head, err)
	}
	return nil
}

// A subject is what is reviewed: a pull request, or the head of a merge queue.
type subject struct {
	event      forge.Event
	repo       forge.Repo
	pull       *forge.Pull // nil for a merge group
	base, head string      // SHAs; the merge base is yet to be asked for
	started    time.Time
}

// judge is the one flow: policy, fetch, scan, judge, record, comments, check.
// Whatever happens, the check does not stay pending.
func (b *Bot) judge(ctx context.Context, s subject) error {
	started := report.Started(s.head)
	started.Again = s.event.Kind == forge.CheckAsked
	if _, err := b.Forge.PutCheck(ctx, s.repo, started); err != nil {
		return fmt.Errorf("start the check: %w", err)
	}
	work, stop := context.WithTimeoutCause(ctx, b.Options.Deadline, errDeadline)
	defer stop()

	rules, notices, err := b.policy(work, s.repo)
	if err != nil {
		return b.unfinished(ctx, work, s, fmt.Errorf("read the policy: %w", err))
	}
	diff, err := b.fetch(work, s)
	if err != nil {
		return b.unfinished(ctx, work, s, err)
	}
	notices = append(notices, report.PolicyNotices(diff)...)

	options := scan.Options{Timeout: b.Options.Scanner, Limit: maxFindings, Key: b.Options.Key, Rules: b.Options.Rules}
	if b.Results != nil {
		options.Cache = b.Results(s.repo.ID)
	}
	result := scan.Run(work, b.enabled(rules), diff, options)
	if work.Err() != nil {
		return b.unfinished(ctx, work, s, context.Cause(work))
	}
	judged := b.Now()
	verdict := rules.Judge(result, judged)
	r := &report.Report{Change: diff, Result: result, Verdict: verdict, Policy: rules, Notices: notices}

	// From here on another pull request with the same head must wait: the
	// check of a commit tells the worst of all verdicts on it.
	defer b.heads.Lock(fmt.Sprintf("%d %s", s.repo.ID, s.head))()
	run := b.run(s, r, judged)
	if r.Delta, err = b.Ledger.Record(ctx, run); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if err := b.post(work, s, r); err != nil {
		return b.unfinished(ctx, work, s, err)
	}
	if b.Reviewed != nil && s.pull != nil {
		b.Reviewed(*s.pull, *r)
	}
	zerolog.Ctx(ctx).Info().Stringer("repository", s.repo).Int("pull", number(s)).Str("head", s.head).
		Stringer("outcome", verdict.Outcome).Int("findings", len(result.Findings)).
		Int("blobs", result.Scanned.Blobs).Int("of", result.Scanned.Of).
		Dur("took", b.Now().Sub(s.started)).Msg("reviewed")
	return nil
}

// fetch brings the change, always from the base repository.
func (b *Bot) fetch(ctx context.Context, s subject) (*change.Change, error) {
	at, err := b.Forge.Compare(ctx, s.repo, s.base, s.head)
	if err != nil {
		return nil, fmt.Errorf("find the merge base: %w", err)
	}
	remote, err := b.Forge.Remote(ctx, s.repo)
	if err != nil {
		return nil, fmt.Errorf("ask for a token to fetch: %w", err)
	}
	diff, err := b.Source.Change(ctx, remote, at.MergeBase, s.head, at.Ahead)
	if err != nil {
		return nil, fmt.Errorf("fetch the change: %w", err)
	}
	return diff, nil
}

// enabled returns the scanners that the policy has not turned off.
func (b *Bot) enabled(p policy.Policy) []scan.Scanner {
	var on []scan.Scanner
	for _, s := range b.Scanners {
		if p.Enabled(s.Name()) {
			on = append(on, s)
		}
	}
	return on
}

func (b *Bot) run(s subject, r *report.Report, judged time.Time) history.Run {
	run := history.Run{
		Repo: s.repo, SHA: s.head, MergeBase: r.Change.Base, Policy: r.Policy,
		Rules: b.Options.Rules, Advisories: b.Options.Advisories(), KeyID: b.Options.Key.ID,
		Result: r.Result, Verdict: r.Verdict,
		Received: s.event.Received, Started: s.started, Finished: judged,
	}
	if s.pull != nil {
		run.Pull, run.BaseRef, run.Pushed = *s.pull, s.pull.BaseRef, s.pull.Updated
	}
	return run
}

// post makes the comments and then the check what r says, so that a check
// that is complete has everything that could not be a comment.
func (b *Bot) post(ctx context.Context, s subject, r *report.Report) error {
	if s.pull != nil {
		review, err := report.Review(r)
		if err != nil {
			return err
		}
		r.Placed, err = b.Forge.PutReview(ctx, *s.pull, review)
		if errors.Is(err, forge.ErrDenied) {
			// A locked conversation: what cannot be a comment is in the check.
			zerolog.Ctx(ctx).Warn().Err(err).Stringer("pull", s.pull.PullRef).Msg("comments refused")
		} else if err != nil {
			return fmt.Errorf("post the comments: %w", err)
		}
	}
	check, err := report.Check(r)
	if err != nil {
		return err
	}
	check, err = b.worstOfHead(ctx, s, r, check)
	if err != nil {
		return err
	}
	id, err := b.Forge.PutCheck(ctx, s.repo, check)
	if err != nil {
		return fmt.Errorf("complete the check: %w", err)
	}
	return b.Ledger.Posted(ctx, s.repo, number(s), s.head, id, r.Placed, b.Now())
}

// worstOfHead makes a check tell the worst verdict over all open pull requests
// with the same head: otherwise a second one, onto a branch of the attacker's
// own, could turn the check of the first one green.
func (b *Bot) worstOfHead(ctx context.Context, s subject, r *report.Report, check forge.Check) (forge.Check, error) {
	standings, err := b.Ledger.At(ctx, s.repo, s.head)
	if err != nil {
		return check, err
	}
	standings = slices.DeleteFunc(standings, func(o history.Standing) bool {
		return o.Pull == number(s) || policy.Worse(o.Outcome, r.Verdict.Outcome) == r.Verdict.Outcome
	})
	if len(standings) == 0 {
		return check, nil
	}
	pulls, err := b.Forge.PullsAt(ctx, s.repo, s.head) // some may have moved on
	if err != nil {
		return check, fmt.Errorf("find the pull requests at %s: %w", s.head, err)
	}
	worst := history.Standing{Outcome: r.Verdict.Outcome}
	for _, o := range standings {
		here := slices.ContainsFunc(pulls, func(p forge.Pull) bool { return p.Number == o.Pull })
		if (here || o.Pull == 0) && policy.Worse(o.Outcome, worst.Outcome) != worst.Outcome {
			worst = o
		}
	}
	if worst.Outcome == r.Verdict.Outcome {
		return check, nil
	}
	conclusion := forge.Conclusion(r.Policy.Conclusion(worst.Outcome))
	return report.SharedHead(check, worst.Pull, worst.Outcome.String(), conclusion), nil
}

var errDeadline = errors.New("the review took longer than it may")

// unfinished decides what becomes of a review that could not be completed. A
// later attempt may go through: then the error is returned and the check stays
// under way. Past the deadline, or where no attempt can help, the check
// completes as neutral with the reason.
func (b *Bot) unfinished(ctx, work context.Context, s subject, err error) error {
	if ctx.Err() != nil {
		return err // the server is stopping: the work is handed back
	}
	late := errors.Is(context.Cause(work), errDeadline) || b.Now().Sub(s.event.Received) > b.Options.Deadline
	if late && work.Err() != nil {
		err = context.Cause(work)
	}
	if !late && !final(err) {
		return err
	}
	zerolog.Ctx(ctx).Warn().Err(err).Stringer("repository", s.repo).Int("pull", number(s)).Str("head", s.head).Msg("review not completed")
	if _, putErr := b.Forge.PutCheck(ctx, s.repo, report.Unfinished(s.head, reason(err))); putErr != nil {
		return errors.Join(err, fmt.Errorf("complete the check as neutral: %w", putErr))
	}
	return nil
}

// final reports errors that another attempt does not mend.
func final(err error) bool {
	return errors.Is(err, git.ErrGone) || git.Permanent(err) ||
		errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrDenied)
}

// reason is what the readers of a check are told.
func reason(err error) string {
	switch {
	case errors.Is(err, errDeadline):
		return "The review took longer than it may."
	case errors.Is(err, git.ErrGone):
		return "The head commit or its merge base can no longer be fetched. It was probably replaced by a force-push, which starts a review of its own."
	case git.Permanent(err):
		return "The repository's data is not safe to read: " + err.Error() + "."
	case errors.Is(err, forge.ErrNotFound):
		return "GitHub does not show the commits of this pull request (any more)."
	case errors.Is(err, forge.ErrDenied):
		return "GitHub refused access: check the permissions of the App's installation."
	}
	return "An error on the server's side kept coming back."
}

func number(s subject) int {
	if s.pull == nil {
		return 0
	}
	return s.pull.Number
}
