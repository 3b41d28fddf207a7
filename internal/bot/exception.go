package bot

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
)

// An exception that is asked for in a comment ends.
const (
	usualException   = 30 * 24 * time.Hour
	longestException = 366 * 24 * time.Hour // where the organisation sets no bound
)

// asked returns the exceptions that people asked for in comments, as the
// policy judges by them.
func (b *Bot) asked(ctx context.Context, repo forge.Repo) ([]policy.Exception, error) {
	if b.Conversations == nil {
		return nil, nil
	}
	all, err := b.Conversations.Exceptions(ctx, repo, b.Now())
	if err != nil {
		return nil, err
	}
	var out []policy.Exception
	for _, e := range all {
		if e.KeyID == b.Options.Key.ID {
			out = append(out, e.Policy())
		}
	}
	return out, nil
}

var untilDate = regexp.MustCompile(`(?i)(?:^|\s)until\s+(\S+)$`)

// except records the exception that somebody asks for. It excuses nothing that
// blocks until somebody who may has approved it: whoever may write can ask, and
// an author must not be their own judge.
func (b *Bot) except(ctx context.Context, r *request) (forge.Answer, bool, error) {
	now := b.Now()
	longest := r.rules.Floors.Exception
	if longest == 0 {
		longest = longestException
	}
	until, reason := day(now.Add(min(usualException, longest))), r.words
	if m := untilDate.FindStringSubmatchIndex(reason); m != nil {
		date, err := time.Parse(time.DateOnly, reason[m[2]:m[3]])
		switch last := day(now.Add(longest)); {
		case err != nil:
			return unclear(report.NoDate()), false, nil
		case date.Before(day(now)):
			return unclear(report.DateIsOver()), false, nil
		case date.After(last):
			return unclear(report.DateIsTooLate(last)), false, nil
		}
		until, reason = date, strings.TrimSpace(reason[:m[0]])
	}
	if reason == "" {
		return unclear(report.NoReason(r.verb)), false, nil
	}
	e := history.Exception{
		Asked: r.Key(), Pull: r.Number, Print: r.print, KeyID: b.Options.Key.ID, Rule: r.seen.Rule,
		Reason: reason, By: r.Sender, At: r.Received, Until: until,
	}
	if err := b.Conversations.Except(ctx, r.Repo, e); err != nil {
		return forge.Answer{}, false, err
	}
	if r.seen.Action != policy.Block.String() {
		return forge.Answer{Reaction: forge.Done, Words: report.Excepted(until)}, true, nil
	}
	approves, _, err := b.approves(ctx, r)
	if err != nil {
		return forge.Answer{}, false, err
	}
	if !approves || r.Sender.ID == r.pull.Author.ID {
		return forge.Answer{Reaction: forge.Done, Words: report.AwaitsApproval(until, r.rules.Approvers(r.seen.Path))}, true, nil
	}
	_, err = b.Conversations.Approve(ctx, r.Repo, r.print, r.Key(), r.Sender, r.Received)
	return forge.Answer{Reaction: forge.Done, Words: report.Excepted(until)}, true, err
}

// approve lets an exception of a finding that blocks count.
func (b *Bot) approve(ctx context.Context, r *request) (forge.Answer, bool, error) {
	approves, hidden, err := b.approves(ctx, r)
	switch {
	case err != nil:
		return forge.Answer{}, false, err
	case !approves && hidden:
		return refused(report.TeamsAreHidden()), false, nil
	case !approves:
		return refused(report.MayNotApprove(r.rules.Approvers(r.seen.Path))), false, nil
	}
	waiting, err := b.Conversations.Exceptions(ctx, r.Repo, b.Now())
	if err != nil {
		return forge.Answer{}, false, err
	}
	own := slices.ContainsFunc(waiting, func(e history.Exception) bool {
		return e.Print == r.print && e.Approved.IsZero() && e.By.ID == r.Sender.ID
	})
	if own || r.Sender.ID == r.pull.Author.ID {
		return refused(report.NotOnesOwn()), false, nil
	}
	n, err := b.Conversations.Approve(ctx, r.Repo, r.print, r.Key(), r.Sender, r.Received)
	if err != nil || n == 0 {
		return unclear(report.NothingAwaits()), false, err
	}
	return forge.Answer{Reaction: forge.Done, Words: report.Approved()}, true, nil
}

// withdraw ends the exceptions of a finding that were asked for in comments.
func (b *Bot) withdraw(ctx context.Context, r *request) (forge.Answer, bool, error) {
	n, err := b.Conversations.Withdraw(ctx, r.Repo, r.print, r.Key(), r.Sender, r.Received)
	if err != nil || n == 0 {
		return unclear(report.NothingToWithdraw()), false, err
	}
	return forge.Answer{Reaction: forge.Done, Words: report.Withdrawn()}, true, nil
}

// approves reports whether the sender is one of the approvers. hidden means
// that a team is named whose members we are not shown.
func (b *Bot) approves(ctx context.Context, r *request) (approves, hidden bool, err error) {
	for _, name := range r.rules.Approvers(r.seen.Path) {
		name, account := strings.CutPrefix(name, "@")
		switch {
		case !account: // an address: GitHub does not tell whose
		case !strings.Contains(name, "/"):
			approves = strings.EqualFold(name, r.Sender.Login)
		default:
			approves, err = b.Access.InTeam(ctx, r.Repo, name, r.Sender)
			if errors.Is(err, forge.ErrDenied) {
				hidden = true
			} else if err != nil {
				return false, false, fmt.Errorf("ask who may approve: %w", err)
			}
		}
		if approves {
			return true, false, nil
		}
	}
	return false, hidden, nil
}

// day is the UTC day of t, as exceptions count.
func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
