package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
)

// Reconcile looks at installations, their repositories and the open pull
// requests of these, and has done what is found not to be done. In each
// installation it stops once the calls of its minutes are spent, and the next
// round goes on from there.
func (c *CatchUp) Reconcile(ctx context.Context) error {
	now := c.Now()
	defer c.forget(now)
	gone, err := c.Survey.Installations(ctx)
	if err != nil {
		return err
	}
	list, err := c.Host.Installations(ctx)
	if err != nil {
		return err
	}
	failed := c.uninstalled(ctx, list, gone, now)
	var served []forge.Installation
	for _, in := range list {
		was, known := gone[in.ID]
		if !in.Suspended.IsZero() {
			delete(c.rolls, in.ID)
			if known && !was {
				failed = errors.Join(failed, c.left(ctx, in.ID, account(in), now, "suspended"))
			}
			continue
		}
		if err := c.list(ctx, in, now); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if !known || was {
			// Its pull requests have their turn once it is known.
			failed = errors.Join(failed, c.arrived(ctx, in, known, now))
			continue
		}
		served = append(served, in)
	}
	for _, in := range served {
		failed = errors.Join(failed, c.compare(ctx, in, now), c.look(ctx, in))
	}
	return errors.Join(failed, c.sweep(ctx, now))
}

// uninstalled finds the installations that ended unnoticed.
func (c *CatchUp) uninstalled(ctx context.Context, list []forge.Installation, gone map[int64]bool, now time.Time) error {
	var failed error
	for id, was := range gone {
		if was || slices.ContainsFunc(list, func(in forge.Installation) bool { return in.ID == id }) {
			continue
		}
		// What belongs to it will be deleted: a gap in a list is not enough.
		there, err := c.Host.Installed(ctx, id)
		if err == nil && !there {
			delete(c.rolls, id)
			err = c.left(ctx, id, forge.User{}, now, "uninstalled")
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

func (c *CatchUp) left(ctx context.Context, id int64, account forge.User, now time.Time, why string) error {
	return c.tell(ctx, forge.Event{Kind: forge.Uninstalled, Installation: id, Account: account, Received: now}, why)
}

// arrived tells of an installation that nobody told of, or that is back. One
// that is new counts from when it was made.
func (c *CatchUp) arrived(ctx context.Context, in forge.Installation, back bool, now time.Time) error {
	e := forge.Event{Kind: forge.Installed, Installation: in.ID, Account: account(in), Received: in.Created}
	if back || in.Created.IsZero() {
		e.Received = now
	}
	r := c.roll(in.ID)
	r.known = nil // it was not known what the list is to be compared with
	for _, repo := range r.repos {
		e.Added = append(e.Added, repo.Repo)
	}
	return c.tell(ctx, e, "installed")
}

func account(in forge.Installation) forge.User {
	return forge.User{ID: in.AccountID, Login: in.Account}
}

// tell has an event about what is known handled, unless one is waiting that may
// say the same.
func (c *CatchUp) tell(ctx context.Context, e forge.Event, why string) error {
	waits, err := c.Queue.Waiting(ctx, e.Key())
	if err != nil || waits {
		return err
	}
	return c.put(ctx, e, why)
}

// list brings the list of in's repositories up to date, as long as that takes
// no more than a quarter of all calls.
func (c *CatchUp) list(ctx context.Context, in forge.Installation, now time.Time) error {
	r := c.roll(in.ID)
	if now.Before(r.next) {
		return nil
	}
	known, err := c.Survey.Repositories(ctx, in.ID) // before the list, which may be newer
	if err != nil {
		return err
	}
	repos, err := c.Host.Repositories(ctx, in.ID)
	if err != nil {
		return err
	}
	calls := pages(len(repos))
	r.spend(now, calls)
	r.repos, r.known = repos, known
	r.next = now.Add(time.Duration(calls) * time.Minute * 4 / time.Duration(c.Calls))
	return nil
}

// compare tells of repositories that came, went or have another name.
func (c *CatchUp) compare(ctx context.Context, in forge.Installation, now time.Time) error {
	r := c.roll(in.ID)
	if r.known == nil {
		return nil // nothing new since the last time
	}
	known := r.known
	r.known, r.told = nil, map[int64]bool{}
	e := forge.Event{Kind: forge.Installed, Installation: in.ID, Account: account(in), Received: now}
	made := e // since the App came to all of the account: it covered them from their first day
	made.Received = in.Created
	var failed error
	for _, repo := range r.repos {
		was, ok := known[repo.ID]
		delete(known, repo.ID)
		r.told[repo.ID] = !ok
		switch {
		case !ok && in.All && repo.Created.After(in.Created):
			made.Added = append(made.Added, repo.Repo)
		case !ok:
			e.Added = append(e.Added, repo.Repo)
		case was != repo.Repo:
			moved := forge.Event{Kind: forge.RepositoryMoved, Repo: repo.Repo, Moved: "renamed", Received: now}
			failed = errors.Join(failed, c.tell(ctx, moved, "another name or default branch"))
		}
	}
	for id, repo := range known {
		if !c.elsewhere(id, in.ID) {
			e.Removed = append(e.Removed, repo)
		}
	}
	if len(made.Added) > 0 {
		return errors.Join(failed, c.tell(ctx, made, "repositories were made")) // the others have their turn with the next list
	}
	if len(e.Added)+len(e.Removed) > 0 {
		failed = errors.Join(failed, c.tell(ctx, e, "repositories came or went"))
	}
	return failed
}

// elsewhere reports whether another installation has the repository by now.
func (c *CatchUp) elsewhere(id, installation int64) bool {
	for other, r := range c.rolls {
		if other != installation && slices.ContainsFunc(r.repos, func(l forge.Listed) bool { return l.ID == id }) {
			return true
		}
	}
	return false
}

// look goes through the repositories of in for as long as there are calls left.
func (c *CatchUp) look(ctx context.Context, in forge.Installation) error {
	r := c.roll(in.ID)
	for _, repo := range r.order() {
		now := c.Now()
		if r.budget.TokensAt(now) < 1 {
			return nil
		}
		seen := look{at: now, pushed: repo.Pushed, open: repo.Open}
		err := c.pulls(ctx, in, repo.Repo)
		switch {
		case errors.Is(err, forge.ErrNotFound), errors.Is(err, forge.ErrDenied):
			if seen.denied = true; !r.looked[repo.ID].denied {
				zerolog.Ctx(ctx).Warn().Err(err).Stringer(forge.KeyRepository, repo).Msg("its open pull requests cannot be listed")
			}
		case err != nil:
			return fmt.Errorf("catch up with %v: %w", repo, err) // it is still first in the order
		}
		r.looked[repo.ID] = seen
	}
	return nil
}

// order returns the repositories that can be posted to, in turns: one where
// something seems to have happened, the latest push first, and one that was not
// looked at for longest, so that no push keeps the others from their turn.
func (r *roll) order() []forge.Listed {
	var news, all []forge.Listed
	for _, repo := range r.repos {
		if repo.ReadOnly || r.told[repo.ID] { // it is not known yet since when it is served
			continue
		}
		all = append(all, repo)
		if was, ok := r.looked[repo.ID]; !ok || !was.pushed.Equal(repo.Pushed) || was.open != repo.Open {
			news = append(news, repo)
		}
	}
	slices.SortFunc(news, func(a, b forge.Listed) int { return b.Pushed.Compare(a.Pushed) })
	slices.SortStableFunc(all, func(a, b forge.Listed) int { return r.looked[a.ID].at.Compare(r.looked[b.ID].at) })
	taken := map[int64]bool{}
	out := make([]forge.Listed, 0, len(all))
	take := func(list []forge.Listed) []forge.Listed {
		for len(list) > 0 {
			next := list[0]
			list = list[1:]
			if !taken[next.ID] {
				taken[next.ID] = true
				out = append(out, next)
				break
			}
		}
		return list
	}
	for len(news)+len(all) > 0 {
		news, all = take(news), take(all)
	}
	return out
}

// pulls compares the open pull requests of repo with those that are believed
// to be open.
func (c *CatchUp) pulls(ctx context.Context, in forge.Installation, repo forge.Repo) error {
	believed, err := c.Survey.Open(ctx, repo) // before the list, which may be newer
	if err != nil {
		return err
	}
	open, err := c.Host.OpenPulls(ctx, repo)
	c.roll(in.ID).spend(c.Now(), pages(len(open)))
	if err != nil {
		return err
	}
	there := map[int]bool{}
	for _, p := range open {
		there[p.Number] = true
		if err := c.pull(ctx, in, p); err != nil {
			return err
		}
	}
	for _, n := range believed {
		if there[n] {
			continue
		}
		e := forge.Event{Kind: forge.PullClosed, Repo: repo, Number: n}
		if worth, err := c.worth(ctx, e, "closed"); err != nil {
			return err
		} else if worth {
			if err := c.accept(ctx, e, "closed", "closed unnoticed"); err != nil {
				return err
			}
		}
	}
	return nil
}

// pull has an open pull request reviewed if its present head has no completed
// check. What did not change since the App came is left alone.
func (c *CatchUp) pull(ctx context.Context, in forge.Installation, p forge.Pull) error {
	known, err := c.Survey.Known(ctx, p)
	if err != nil || known == history.Settled {
		return err
	}
	e := forge.Event{Kind: forge.PullChanged, Repo: p.Repo, Number: p.Number, SHA: p.HeadSHA}
	want := fmt.Sprintf("%s %s %t", p.HeadSHA, p.BaseRef, p.Draft)
	if worth, err := c.worth(ctx, e, want); err != nil || !worth {
		return err
	}
	if known == history.Unknown {
		since, err := c.Survey.InstalledAt(ctx, p.Repo)
		if err != nil {
			return err
		}
		if since.IsZero() {
			since = in.Created
		}
		// The host's times are whole seconds.
		if p.Updated.Before(since.Truncate(time.Second)) {
			return c.Survey.PassOver(ctx, p, c.Now())
		}
		done, err := c.Host.Checked(ctx, p.Repo, p.HeadSHA)
		c.roll(in.ID).spend(c.Now(), 1)
		if err != nil {
			return err
		}
		if done {
			return c.Survey.PassOver(ctx, p, c.Now())
		}
	}
	return c.accept(ctx, e, want, "no completed check on its head")
}

// sweep has those looked at whose check was begun too long ago and that nobody
// works on: the review that follows completes what was left on any head.
func (c *CatchUp) sweep(ctx context.Context, now time.Time) error {
	overdue, err := c.Survey.Overdue(ctx, now.Add(-c.Late))
	if err != nil {
		return err
	}
	for _, b := range overdue {
		if c.readOnly(b.Repo) {
			continue
		}
		e := forge.Event{Kind: forge.PullChanged, Repo: b.Repo, Number: b.Pull, SHA: b.SHA}
		if b.Pull == 0 {
			e.Kind, e.Base = forge.GroupAsked, b.Base
		}
		want := "left " + b.SHA
		if worth, err := c.worth(ctx, e, want); err != nil {
			return err
		} else if worth {
			if err := c.accept(ctx, e, want, "its check is still under way"); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *CatchUp) readOnly(repo forge.Repo) bool {
	r := c.rolls[repo.Installation]
	return r != nil && slices.ContainsFunc(r.repos, func(l forge.Listed) bool { return l.ID == repo.ID && l.ReadOnly })
}
