package hook

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	refresh      = time.Hour        // between two looks at GitHub's addresses
	firstRetry   = 5 * time.Second  // after a look that failed, then twice as long each
	longestRetry = 10 * time.Minute // but no longer
)

// An AllowList is where deliveries may come from, beside being signed.
type AllowList struct {
	Networks []netip.Prefix // that the operator named
	// GitHub asks for the networks that GitHub delivers from; nil if only
	// Networks count.
	GitHub func(context.Context) ([]netip.Prefix, error)

	mu   sync.Mutex
	list []netip.Prefix // as it last was known
}

var errNoList = errors.New("the addresses that GitHub delivers from are not known yet")

// Allows reports whether deliveries may come from a. Until GitHub's list was
// had once, it can say so only of what the operator named: an error means that
// it is not known. An unknown list is never read as "anybody".
func (l *AllowList) Allows(a netip.Addr) (bool, error) {
	if within(l.Networks, a) {
		return true, nil
	}
	if err := l.Known(); err != nil {
		return false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return within(l.list, a), nil
}

// Known returns an error while GitHub's list is wanted and was never had.
func (l *AllowList) Known() error {
	if l.GitHub == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.list == nil {
		return errNoList
	}
	return nil
}

// Keep asks for GitHub's list now and every hour until ctx is done. When it
// cannot be had, the last one stands. It logs to the logger in ctx.
func (l *AllowList) Keep(ctx context.Context) {
	if l.GitHub == nil {
		return
	}
	retry := firstRetry
	for {
		wait := refresh
		if err := l.ask(ctx); ctx.Err() != nil {
			return
		} else if err != nil {
			zerolog.Ctx(ctx).Error().Err(err).Bool("known", l.Known() == nil).Dur("retry", retry).Msg("GitHub's addresses could not be had")
			wait, retry = retry, min(2*retry, longestRetry)
		} else {
			retry = firstRetry
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (l *AllowList) ask(ctx context.Context) error {
	list, err := l.GitHub(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errors.New("GitHub names no addresses that it delivers from")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.list, list) {
		zerolog.Ctx(ctx).Info().Int("networks", len(list)).Msg("deliveries are taken from GitHub's addresses")
	}
	l.list = list
	return nil
}
