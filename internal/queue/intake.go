package queue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// Events that arrive at the same time are accepted in one transaction: what
// accepting costs most is its statements, whose number does not depend on how
// many events there are, and the commit, which waits for the disk. Nobody
// waits for company: while one batch is written the next one gathers.

const (
	mostAtOnce   = 64               // events in a batch: a transaction must not keep others waiting for long
	acceptWithin = 30 * time.Second // the host has gone by then
	lockWait     = "2s"             // of a batch for one row, on PostgreSQL
)

// An intake gathers what arrives into batches.
type intake struct {
	write func(ctx context.Context, batch []*arrival) error // all of it or nothing; one batch at a time
	most  int                                               // events in a batch

	mu      sync.Mutex
	waiting []*arrival // the first to come first
	writing bool
}

// An arrival is an event that is to be accepted.
type arrival struct {
	event forge.Event
	key   string
	ended chan error // with room for one
}

// accept returns nil once a was written. If ctx ends first, a is not accepted,
// unless it is being written already.
func (in *intake) accept(ctx context.Context, a *arrival) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	a.ended = make(chan error, 1)
	in.mu.Lock()
	in.waiting = append(in.waiting, a)
	if !in.writing {
		in.writing = true
		go in.run()
	}
	in.mu.Unlock()
	select {
	case err := <-a.ended:
		return err
	case <-ctx.Done():
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if i := slices.Index(in.waiting, a); i >= 0 {
		in.waiting = slices.Delete(in.waiting, i, i+1)
	}
	return ctx.Err()
}

// run writes batches until nothing is waiting. It belongs to no caller: one
// that leaves takes nobody's event along.
func (in *intake) run() {
	for {
		in.mu.Lock()
		n := min(len(in.waiting), in.most)
		if n == 0 {
			in.writing = false
			in.mu.Unlock()
			return
		}
		batch := slices.Clone(in.waiting[:n])
		in.waiting = slices.Delete(in.waiting, 0, n)
		in.mu.Unlock()
		in.settle(batch)
	}
}

// settle writes batch and tells everybody. An event that cannot be written
// does no harm to the others.
func (in *intake) settle(batch []*arrival) {
	ctx, cancel := context.WithTimeout(context.Background(), acceptWithin)
	defer cancel()
	err := in.try(ctx, batch)
	for _, a := range batch {
		if err != nil && len(batch) > 1 {
			a.ended <- in.try(ctx, []*arrival{a})
		} else {
			a.ended <- err
		}
	}
}

// try writes batch in the order of keys, so that no two batches wait for each
// other's rows. Events of one key keep theirs. A panic is an error: it must not
// take the process along.
func (in *intake) try(ctx context.Context, batch []*arrival) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %s", panicText(v))
		}
	}()
	batch = slices.Clone(batch)
	slices.SortStableFunc(batch, func(a, b *arrival) int { return strings.Compare(a.key, b.key) })
	return in.write(ctx, batch)
}
