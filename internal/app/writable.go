package app

import (
	"context"
	"sync"
	"time"
)

const (
	writeEvery = 5 * time.Second // at most, whoever asks how often
	writeTime  = 3 * time.Second // for one attempt
)

// writable remembers whether the database takes writes: whoever asks for the
// server's state must not make it write each time.
type writable struct {
	try   func(context.Context) error
	every time.Duration // on the machine's clock

	mu  sync.Mutex
	at  time.Time // of the last attempt
	err error     // of that
}

// ask returns what came of the last attempt to write, which may be a new one;
// fresh reports whether it is.
func (w *writable) ask(ctx context.Context) (fresh bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.at.IsZero() && time.Since(w.at) < w.every {
		return false, w.err
	}
	// Whoever asks may go away: that says nothing about the database.
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer done()
	w.err = w.try(ctx)
	w.at = time.Now()
	return true, w.err
}
