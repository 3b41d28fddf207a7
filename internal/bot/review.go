package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// review looks at one pull request as it stands now, and says what it found.
func (b *Bot) review(ctx context.Context, e forge.Event, ref forge.PullRef) error {
	began := b.step("begin")
	opening, err := b.Forge.Begin(ctx, ref, append(policy.OwnersPaths(), policy.Path)...)
	began()
	if err != nil {
		return fmt.Errorf("review %v: %w", ref, err)
	}
	pull := opening.Pull
	if !pull.Open {
		return b.over(ctx, e, pull)
	}
	s := &subject{
		event: e, repo: pull.Repo, pull: &pull, opening: &opening, started: b.Now(),
		base: pull.BaseSHA, head: pull.HeadSHA, // the present head, whatever the delivery said
	}
	if err := b.judge(s.logged(ctx), s); err != nil {
		return fmt.Errorf("review %v at %s: %w", ref, s.head, &headError{s.head, err})
	}
	if err := b.leave(ctx, pull); err != nil {
		return fmt.Errorf("complete what was left of %v: %w", ref, err)
	}
	for _, other := range s.unreviewed { // their verdicts count for this head too
		err = errors.Join(err, b.review(ctx, forge.Event{Kind: forge.PullChanged, Delivery: e.Delivery, Received: b.Now()}, other.PullRef))
	}
	return err
}

// A subject is what is reviewed: a pull request, or the head of a merge queue.
type subject struct {
	event      forge.Event
	repo       forge.Repo
	pull       *forge.Pull    // nil for a merge group
	opening    *forge.Opening // nil for a merge group of which it could not be had
	base, head string         // SHAs; the merge base is yet to be asked for
	started    time.Time
	known      bool // it was judged at this head and base before
	shown      bool // the check tells that a review is under way
	judged     time.Time
	rules      *policy.Policy     // once it was read
	digest     string             // of the rules for scanners
	asked      []policy.Exception // that the verdict counts with
	outcome    policy.Outcome     // once it was judged: what becomes of posting it makes it no milder
	unreviewed []forge.Pull       // open ones with the same head that nobody has looked at
}

// judge is the one flow: policy, fetch, scan, judge, record, comments, check.
// Whatever happens, the check does not stay pending.
func (b *Bot) judge(ctx context.Context, s *subject) error {
	settled, err := b.underWay(ctx, s)
	if err != nil {
		return err
	}
	defer settled()
	work, stop := context.WithTimeoutCause(ctx, b.Options.Deadline, errDeadline)
	defer stop()
	r, err := b.look(work, s)
	settled()
	if err == nil {
		err = b.conclude(work, s, r)
	}
	if err != nil {
		return b.unfinished(ctx, work, s, err)
	}
	b.count(s, r)
	if b.Reviewed != nil && s.pull != nil {
		b.Reviewed(*s.pull, *r)
	}
	zerolog.Ctx(ctx).Info().Stringer("outcome", r.Verdict.Outcome).Int("findings", len(r.Result.Findings)).
		Int("blobs", r.Result.Scanned.Blobs).Int("of", r.Result.Scanned.Of).
		Dur("took", b.Now().Sub(s.started)).Msg("reviewed")
	return b.attend(ctx, s, r)
}

// attend tells people what needs them, once the check is complete: what goes
// wrong here is tried again, and is no word against the review.
func (b *Bot) attend(ctx context.Context, s *subject, r *report.Report) error {
	if s.pull == nil {
		return nil
	}
	return errors.Join(b.summarize(ctx, s, r), b.requestReview(ctx, s, r))
}

// look reads the policy, fetches the change and judges what it brings in.
func (b *Bot) look(ctx context.Context, s *subject) (_ *report.Report, err error) {
	defer recovered(&err)
	if s.event.Crashes >= mostCrashes {
		return nil, errCrashes
	}
	in, err := b.policyFor(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	rules := in.Policy
	s.rules = &rules
	scanners, digest, wrong, err := b.scanners(ctx, s.repo)
	if err != nil {
		return nil, err
	}
	s.digest = digest
	if s.asked, err = b.asked(ctx, s.repo, s.author()); err != nil {
		return nil, err
	}
	rules.Ignore = slices.Concat(rules.Ignore, s.asked)
	diff, err := b.fetch(ctx, s)
	if err != nil {
		return nil, err
	}
	var busy *forge.BusyError
	options := scan.Options{Timeout: b.Options.Scanner, Limit: maxFindings, Key: b.Options.Key, Rules: digest, Ignored: rules.Ignores, On: rules.Enabled}
	options.Default = func(ctx context.Context, path string) ([]byte, error) {
		text, err := b.Forge.ReadFile(ctx, s.repo, s.repo.Default, path)
		switch {
		case errors.Is(err, forge.ErrNotFound):
			return nil, nil
		case ctx.Err() == nil: // else it is our own time that is over
			errors.As(err, &busy)
		}
		return text, err
	}
	if b.Results != nil {
		options.Cache = b.Results(s.repo.ID)
	}
	scanned := b.step("scan")
	result := scan.Run(ctx, enabled(scanners, rules), diff, options)
	scanned()
	if b.Verifier != nil {
		verified := b.step("verify")
		b.Verifier.Verify(ctx, s.repo.Installation, result.Findings)
		verified()
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if busy != nil { // what it has may excuse something
		return nil, fmt.Errorf("read a file of the default branch: %w", busy)
	}
	s.judged = b.Now()
	settings, err := b.explain(in)
	if err != nil {
		return nil, fmt.Errorf("explain the policy: %w", err)
	}
	changed, err := b.policyChange(ctx, s, in, diff)
	if err != nil {
		return nil, err
	}
	verdict := rules.Judge(result, s.judged)
	s.outcome = verdict.Outcome
	return &report.Report{
		Change: diff, Result: result, Policy: rules, Verdict: verdict, Settings: settings, Texts: b.Options.Texts,
		Notices: slices.Concat(in.notices, wrong, report.PolicyNotices(diff, in.current), report.MarkerNotices(result, rules.Owners), report.FormerFingerprints(verdict), changed),
	}, nil
}

// conclude records the verdict and posts it. Another pull request with the
// same head must wait meanwhile: the check of a commit tells the worst of all
// verdicts on it.
func (b *Bot) conclude(ctx context.Context, s *subject, r *report.Report) (err error) {
	defer recovered(&err)
	release, err := b.Ledger.Alone(ctx, s.place())
	if err != nil {
		return err
	}
	defer release()
	recorded := b.step("record")
	r.Delta, err = b.Ledger.Record(ctx, b.run(s, r))
	if err == nil {
		r.Leaked, err = b.Ledger.Leaked(ctx, s.repo, s.head)
	}
	recorded()
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if err := b.freed(ctx, s, r.Delta); err != nil {
		return fmt.Errorf("have judged again what shared its head before: %w", err)
	}
	// What was approved or withdrawn since the policy was read did not know of
	// this pull request yet.
	asked, err := b.asked(ctx, s.repo, s.author())
	if err != nil {
		return err
	}
	if s.pull != nil && !sameExceptions(asked, s.asked) {
		if err := b.judgeAgain(ctx, s.event, s.number()); err != nil {
			return err
		}
	}
	return b.post(ctx, s, r)
}

// fetch brings the change, always from the base repository.
func (b *Bot) fetch(ctx context.Context, s *subject) (*change.Change, error) {
	defer b.step("fetch")()
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
func enabled(all []scan.Scanner, p policy.Policy) []scan.Scanner {
	var on []scan.Scanner
	for _, s := range all {
		if p.Enabled(s.Name()) {
			on = append(on, s)
		}
	}
	return on
}

func (b *Bot) run(s *subject, r *report.Report) history.Run {
	run := history.Run{
		Repo: s.repo, SHA: s.head, MergeBase: r.Change.Base, Policy: r.Policy,
		Rules: cmp.Or(s.digest, b.Options.Rules), Advisories: b.Options.Advisories(), KeyID: b.Options.Key.ID, OldKeyID: b.Options.Key.Before().ID,
		Result: r.Result, Verdict: r.Verdict,
		Received: s.event.Received, Started: s.started, Finished: s.judged,
	}
	if s.pull != nil {
		run.Pull, run.BaseRef, run.Pushed = *s.pull, s.pull.BaseRef, s.pull.Updated
	}
	return run
}

// post makes the comments and then the check what r says, so that a check
// that is complete has everything that could not be a comment.
func (b *Bot) post(ctx context.Context, s *subject, r *report.Report) error {
	looked := b.step("look")
	seen, err := b.Forge.Look(ctx, s.repo, s.number(), s.head)
	looked()
	if err != nil {
		return fmt.Errorf("look at what stands: %w", err)
	}
	r.Fixable = b.offersFix(ctx, s, r)
	if s.pull != nil {
		review, err := report.Review(r)
		if err != nil {
			return err
		}
		review.Seen = &seen
		if s.pull.Draft {
			review.Comments = nil // nobody is interrupted yet: the check has it all
		}
		commented := b.step("comments")
		r.Placed, err = b.Forge.PutReview(ctx, *s.pull, review)
		commented()
		if errors.Is(err, forge.ErrDenied) {
			// A locked conversation: what cannot be a comment is in the check.
			zerolog.Ctx(ctx).Warn().Err(err).Msg("comments refused")
		} else if err != nil {
			return fmt.Errorf("post the comments: %w", err)
		}
	}
	check, err := report.Check(r)
	if err != nil {
		return err
	}
	parts, err := report.Parts(r)
	if err != nil {
		return err
	}
	return b.complete(ctx, s, seen, r.Policy, r.Verdict.Outcome, check, r.Placed, parts...)
}

// complete completes the check with the worst verdict over all open pull
// requests with the same head: otherwise a second one, onto a branch of the
// attacker's own, could turn the check of the first one green.
func (b *Bot) complete(ctx context.Context, s *subject, seen forge.Seen, rules policy.Policy, outcome policy.Outcome, check forge.Check, placed forge.Placed, parts ...forge.Check) error {
	defer b.step("check")()
	standings, err := b.Ledger.At(ctx, s.repo, s.head)
	if err != nil {
		return err
	}
	verdicts := map[int]policy.Outcome{}
	for _, o := range standings {
		verdicts[o.Pull] = o.Outcome
	}
	worst, of := outcome, s.number()
	s.unreviewed = nil
	for _, p := range seen.Pulls {
		verdict, reviewed := verdicts[p.Number]
		switch {
		case p.Number == s.number():
		case !reviewed:
			s.unreviewed = append(s.unreviewed, p)
		case policy.Worse(verdict, worst) != worst:
			worst, of = verdict, p.Number
		}
	}
	shared := func(c forge.Check) forge.Check {
		if of != s.number() {
			c = report.SharedHead(c, of, worst.String(), forge.Conclusion(rules.Conclusion(worst)))
		} else if len(s.unreviewed) > 0 && c.Conclusion == forge.Success {
			c = report.AwaitsHead(c, s.unreviewed[0].Number)
		}
		c.Ask = s.ask()
		return c
	}
	for _, part := range parts { // before the one for all: once that is there, everything is
		own := shared(part)
		for _, p := range seen.Pulls { // whatever of it is worse may be this part
			verdict, reviewed := verdicts[p.Number]
			if c := forge.Conclusion(rules.Conclusion(verdict)); reviewed && p.Number != s.number() && c.Worse(own.Conclusion) {
				own = report.SharedHead(part, p.Number, verdict.String(), c)
				own.Ask = s.ask()
			}
		}
		if _, err := b.Forge.PutCheck(ctx, s.repo, own); err != nil {
			return fmt.Errorf("complete the check of the %s scanner: %w", part.Part, err)
		}
	}
	check = shared(check)
	check.Seen = &seen
	id, err := b.Forge.PutCheck(ctx, s.repo, check)
	if err != nil {
		return fmt.Errorf("complete the check: %w", err)
	}
	return b.Ledger.Posted(ctx, s.repo, s.number(), s.head, id, placed, b.Now())
}

// place names what only one may post on at a time.
func (s *subject) place() string { return fmt.Sprintf("head %d %s", s.repo.ID, s.head) }

// ask names the request to check again, if there was one.
func (s *subject) ask() string {
	if s.event.Kind != forge.CheckAsked {
		return ""
	}
	return s.event.Delivery
}

// author is that of the pull request; a merge group has none.
func (s *subject) author() forge.User {
	if s.pull == nil {
		return forge.User{}
	}
	return s.pull.Author
}

// number is that of the pull request, 0 for a merge group.
func (s *subject) number() int {
	if s.pull == nil {
		return 0
	}
	return s.pull.Number
}
