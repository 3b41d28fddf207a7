package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/forge"
)

const (
	keptDeliveries = 72 * time.Hour  // by GitHub
	overlap        = 2 * time.Minute // deliveries may be listed late
	mostAsked      = 5               // times for one event
	mostAtOnce     = 100             // events in a round
	askedPosition  = "deliveries"
)

// A missed event is one that no attempt got through so far.
type missed struct {
	last  forge.Attempt
	first time.Time // its earliest attempt in the list
}

// Redeliver asks the host to send once more what did not get through since the
// last look. An event counts as through if any attempt was answered with
// success, or if it was accepted although the answer was lost.
func (c *CatchUp) Redeliver(ctx context.Context) error {
	now := c.Now()
	position, err := c.Survey.Position(ctx, askedPosition)
	if err != nil {
		return err
	}
	since := now.Add(-keptDeliveries)
	if at := position.Add(-overlap); at.After(since) {
		since = at
	}
	list, err := c.Host.Deliveries(ctx, since)
	if err != nil {
		return fmt.Errorf("look for deliveries that failed: %w", err)
	}
	before := position
	if len(list) > 0 {
		position = list[0].At
	}
	asked := 0
	for _, m := range c.missed(list) {
		done, err := c.through(ctx, m)
		if err != nil {
			return err
		}
		if done {
			continue
		}
		if m.first.Before(position) {
			position = m.first // it is looked at again
		}
		if asked == mostAtOnce {
			continue
		}
		did, err := c.ask(ctx, m, now)
		if err != nil {
			return err // the position stays where it was
		}
		if did {
			asked++
		}
	}
	if asked > 0 {
		zerolog.Ctx(ctx).Info().Int("deliveries", asked).Msg("failed deliveries are asked for again")
	}
	if !position.Equal(before) {
		if err := c.Survey.SetPosition(ctx, askedPosition, position); err != nil {
			return err
		}
	}
	return c.Survey.Forget(ctx, now.Add(-keptDeliveries-24*time.Hour))
}

// missed returns the events of list, which is newest first, that no attempt in
// it got through, the oldest first.
func (c *CatchUp) missed(list []forge.Attempt) []*missed {
	through := map[string]bool{}
	for _, d := range list {
		if !d.Failed() {
			through[d.Delivery] = true
		}
	}
	known := map[string]*missed{}
	var all []*missed
	for _, d := range list {
		if through[d.Delivery] || c.Wanted != nil && !c.Wanted(d.Event, d.Action) {
			continue
		}
		m := known[d.Delivery]
		if m == nil {
			m = &missed{last: d}
			known[d.Delivery] = m
			all = append(all, m)
		}
		m.first = d.At
	}
	slices.Reverse(all)
	return all
}

// through reports whether nothing more is to be done about m: it was accepted
// in the end, or was asked for as often as makes sense.
func (c *CatchUp) through(ctx context.Context, m *missed) (bool, error) {
	if done, err := c.Queue.Accepted(ctx, m.last.Delivery); done || err != nil {
		return done, err
	}
	times, last, err := c.Survey.Asked(ctx, m.last.Delivery)
	if err != nil || times < mostAsked {
		return false, err
	}
	if times > mostAsked {
		return true, nil
	}
	if c.Now().Before(last.Add(patience(times))) {
		return false, nil
	}
	zerolog.Ctx(ctx).Warn().Str(forge.KeyDelivery, m.last.Delivery).Str("event", m.last.Event).Int("status", m.last.Status).Int("times", times).
		Msg("a delivery fails however often it is asked for: given up")
	return true, c.Survey.Ask(ctx, m.last.Delivery, last) // once past the bound: this is said once
}

// ask asks for m, unless that was done a moment ago.
func (c *CatchUp) ask(ctx context.Context, m *missed, now time.Time) (bool, error) {
	times, last, err := c.Survey.Asked(ctx, m.last.Delivery)
	if err != nil || times >= mostAsked || times > 0 && now.Before(last.Add(patience(times))) {
		return false, err
	}
	// Counted first: a crash in between must not make it a time more.
	if err := c.Survey.Ask(ctx, m.last.Delivery, now); err != nil {
		return false, err
	}
	err = c.Host.Redeliver(ctx, m.last.ID)
	if errors.Is(err, forge.ErrNotFound) {
		return true, nil // too old by now
	}
	return true, err
}

// patience is how long to wait after the n-th time.
func patience(n int) time.Duration { return time.Minute << (n - 1) }
