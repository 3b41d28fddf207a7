package bot

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// An exception that is asked for in a comment ends.
const (
	usualException   = 30 * 24 * time.Hour
	longestException = 366 * 24 * time.Hour // where the organisation sets no bound
)

// asked returns the exceptions that people asked for in comments, as the
// policy judges a change of author by them: what authors approved themselves,
// on whatever pull request, was not approved by anybody else.
func (b *Bot) asked(ctx context.Context, repo forge.Repo, author forge.User) ([]policy.Exception, error) {
	if b.Conversations == nil {
		return nil, nil
	}
	all, err := b.Conversations.Exceptions(ctx, repo, b.Now())
	if err != nil {
		return nil, err
	}
	var out []policy.Exception
	for _, e := range all {
		if e.KeyID != b.Options.Key.ID && e.KeyID != b.Options.Key.Before().ID {
			continue
		}
		x := e.Policy()
		x.Pending = x.Pending || author.ID != 0 && e.Approver.ID == author.ID
		out = append(out, x)
	}
	return out, nil
}

// sameExceptions reports whether two lists of asked come to the same.
func sameExceptions(one, other []policy.Exception) bool {
	return slices.EqualFunc(one, other, func(a, b policy.Exception) bool {
		return a.Asked == b.Asked && a.Pending == b.Pending
	})
}

var untilDate = regexp.MustCompile(`(?i)(?:^|\s)until\s+(\S+?)\.?$`)

// badReason says what is wrong with a reason: there has to be one, and what
// looks like a secret is not kept or shown by us.
func (b *Bot) badReason(ctx context.Context, r *request, reason string) (string, error) {
	if reason == "" {
		return report.NoReason(r.verb), nil
	}
	scanners, digest, _, err := b.scanners(ctx, r.Repo)
	if err != nil {
		return "", err
	}
	secrets := slices.DeleteFunc(slices.Clone(scanners), func(s scan.Scanner) bool { return s.Name() != "secret" })
	found := scan.Run(ctx, secrets, change.Words("reason", reason+"\n"), scan.Options{Timeout: b.Options.Scanner, Limit: 1, Key: b.Options.Key, Rules: digest})
	for _, s := range found.Statuses {
		if s.Err != nil {
			return "", fmt.Errorf("look for secrets in a reason: %w", s.Err)
		}
	}
	if len(found.Findings) > 0 {
		return report.SecretInReason(), nil
	}
	return "", nil
}

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
	if words, err := b.badReason(ctx, r, reason); err != nil || words != "" {
		return unclear(words), false, err
	}
	e := history.Exception{
		Asked: r.Key(), Pull: r.Number, Print: r.print, KeyID: r.seen.KeyID, Rule: r.seen.Rule, Paths: r.seen.Paths, Advisories: r.seen.Advisories,
		Reason: reason, By: r.Sender, At: r.Command.At, Until: until,
	}
	if err := b.Conversations.Except(ctx, r.Repo, e); err != nil {
		return forge.Answer{}, false, err
	}
	if action := r.seen.Action; action == policy.Note.String() || action == policy.Comment.String() {
		return forge.Answer{Reaction: forge.Done, Words: report.Excepted(until)}, true, nil
	}
	approves, _, err := b.approves(ctx, r)
	if err != nil {
		return forge.Answer{}, false, err
	}
	if !approves || r.Sender.ID == r.pull.Author.ID {
		return forge.Answer{Reaction: forge.Done, Words: report.AwaitsApproval(until, b.mayApprove(r))}, true, nil
	}
	_, err = b.Conversations.Approve(ctx, r.Repo, r.Key(), r.Key(), r.Sender, r.Command.At)
	return forge.Answer{Reaction: forge.Done, Words: report.Excepted(until)}, true, err
}

// approve lets an exception of a finding that blocks count: the one that was
// asked for last when the command was written.
func (b *Bot) approve(ctx context.Context, r *request) (forge.Answer, bool, error) {
	approves, hidden, err := b.approves(ctx, r)
	switch {
	case err != nil:
		return forge.Answer{}, false, err
	case !approves && hidden:
		return refused(report.TeamsAreHidden()), false, nil
	case !approves:
		return refused(report.MayNotApprove(b.mayApprove(r))), false, nil
	case r.Sender.ID == r.pull.Author.ID:
		return refused(report.NotOnesOwn()), false, nil
	}
	all, err := b.Conversations.Exceptions(ctx, r.Repo, b.Now())
	if err != nil {
		return forge.Answer{}, false, err
	}
	names, err := b.Conversations.Names(ctx, r.Repo, r.print)
	if err != nil {
		return forge.Answer{}, false, err
	}
	if len(r.about) == 1 && slices.ContainsFunc(all, func(e history.Exception) bool { return e.Print == r.about[0] && e.Approved.IsZero() }) {
		names = r.about // the one that it names, of those that the finding was joined from
	}
	var last *history.Exception
	for i, e := range all {
		switch {
		case !slices.Contains(names, e.Print):
		case e.Approval == r.Key(): // the command comes again
			return forge.Answer{Reaction: forge.Done, Words: report.Approved(e)}, true, nil
		case e.Approved.IsZero() && !e.At.After(r.Command.At):
			last = &all[i]
		}
	}
	if last == nil {
		return unclear(report.NothingAwaits()), false, nil
	}
	done, err := b.Conversations.Approve(ctx, r.Repo, last.Asked, r.Key(), r.Sender, r.Command.At)
	if err != nil || !done { // somebody was faster
		return unclear(report.NothingAwaits()), false, err
	}
	return forge.Answer{Reaction: forge.Done, Words: report.Approved(*last)}, true, nil
}

// withdraw ends the exceptions of a finding that were asked for in comments.
func (b *Bot) withdraw(ctx context.Context, r *request) (forge.Answer, bool, error) {
	n, err := b.Conversations.Withdraw(ctx, r.Repo, r.print, r.Key(), r.Sender, r.Command.At)
	if err != nil || n == 0 {
		return unclear(report.NothingToWithdraw()), false, err
	}
	return forge.Answer{Reaction: forge.Done, Words: report.Withdrawn()}, true, nil
}

// approves reports whether the sender is an approver of every place that the
// finding has. hidden means that a team is named whose members we are not shown.
func (b *Bot) approves(ctx context.Context, r *request) (approves, hidden bool, err error) {
	known := map[string]bool{}
	for _, path := range r.seen.Paths {
		one := false
		for _, name := range r.rules.Approvers(path) {
			is, met := known[name]
			if !met {
				is, err = b.is(ctx, r, name)
				if errors.Is(err, forge.ErrDenied) {
					hidden = true
				} else if err != nil {
					return false, false, fmt.Errorf("ask who may approve: %w", err)
				}
				known[name] = is
			}
			one = one || is
		}
		if !one {
			return false, hidden, nil
		}
	}
	return len(r.seen.Paths) > 0, false, nil
}

// is reports whether the sender is the account, or in the team, of that name.
func (b *Bot) is(ctx context.Context, r *request, name string) (bool, error) {
	name, account := strings.CutPrefix(name, "@")
	switch {
	case !account: // an address: GitHub does not tell whose
		return false, nil
	case !strings.Contains(name, "/"):
		return strings.EqualFold(name, r.Sender.Login), nil
	}
	return b.Access.InTeam(ctx, r.Repo, name, r.Sender)
}

// mayApprove are the names of those who can approve what r is about. With
// several places it may take one who is named for each.
func (b *Bot) mayApprove(r *request) []string {
	return slices.DeleteFunc(r.rules.Approvers(r.seen.Path), func(name string) bool {
		name, account := strings.CutPrefix(name, "@")
		org, _, team := strings.Cut(name, "/")
		return !account || team && !strings.EqualFold(org, r.Repo.Owner) || !team && strings.EqualFold(name, r.pull.Author.Login)
	})
}

// day is the UTC day of t, as exceptions count.
func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
