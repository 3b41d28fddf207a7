package bot

import (
	"context"
	"time"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// lapses is how far Lapse has come, as the survey keeps it.
const lapses = "lapses"

// Lapse has those pull requests judged again whose verdict rests on an
// exception that has ended since the last round. It asks the host for nothing.
func (c *CatchUp) Lapse(ctx context.Context) error {
	from, err := c.Survey.Position(ctx, lapses)
	if err != nil {
		return err
	}
	now := c.Now()
	// A verdict from just before the end may have been recorded after a round.
	ended, err := c.Survey.Lapsed(ctx, from.Add(-c.Late), now)
	if err != nil {
		return err
	}
	for _, p := range ended {
		e := forge.Event{Kind: forge.PullChanged, Received: now, Repo: p.Repo, Number: p.Number, Installation: p.Repo.Installation}
		if err := c.put(ctx, e, "an exception has ended"); err != nil {
			return err
		}
	}
	return c.Survey.SetPosition(ctx, lapses, now)
}

// reminders is when it was last seen to the owners of exceptions.
const reminders = "reminders"

// Remind has it looked, once a day, whether owners of exceptions have to be
// told something.
func (c *CatchUp) Remind(ctx context.Context) error {
	last, err := c.Survey.Position(ctx, reminders)
	now := c.Now()
	if err != nil || now.Sub(last) < 24*time.Hour {
		return err
	}
	repos, err := c.Survey.Excepting(ctx)
	if err != nil {
		return err
	}
	for _, r := range repos {
		e := forge.Event{Kind: forge.RemindersDue, Received: now, Repo: r, Installation: r.Installation}
		if err := c.Queue.Accept(ctx, e, e.Key()); err != nil {
			return err
		}
	}
	return c.Survey.SetPosition(ctx, reminders, now)
}
