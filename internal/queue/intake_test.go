package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// A book is what an intake writes to. The first batch waits for open.
type book struct {
	open    chan struct{}
	batches [][]string // the SHAs of each, as far as they were written
	fail    func(batch []string) error
}

func (b *book) write(_ context.Context, batch []*arrival) error {
	<-b.open
	var shas []string
	for _, a := range batch {
		shas = append(shas, a.event.SHA)
	}
	if b.fail != nil {
		if err := b.fail(shas); err != nil {
			return err
		}
	}
	b.batches = append(b.batches, shas)
	return nil
}

// arrive has event sha of key accepted; the error comes in the end.
func arrive(ctx context.Context, in *intake, key, sha string) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- in.accept(ctx, &arrival{key: key, event: forge.Event{SHA: sha}}) }()
	synctest.Wait() // it has its place in the row
	return ended
}

// TestIntake: what arrives while a batch is written makes the next one, in
// order for each key, and no batch is too large.
func TestIntake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{open: make(chan struct{})}
		in := &intake{write: b.write, most: mostAtOnce}
		ended := []<-chan error{arrive(t.Context(), in, "first", "first")}
		keys := []string{"y", "x", "z"}
		for n := range mostAtOnce + 5 {
			ended = append(ended, arrive(t.Context(), in, keys[n%3], fmt.Sprint(keys[n%3], "-", n)))
		}
		for _, e := range ended {
			assert.Empty(t, e, "nobody is told anything before it was written")
		}
		close(b.open)
		for _, e := range ended {
			require.NoError(t, <-e)
		}
		require.Len(t, b.batches, 3)
		assert.Equal(t, []string{"first"}, b.batches[0])
		var want []string
		for _, k := range []int{1, 0, 2} { // x, y, z
			for n := k; n < mostAtOnce; n += 3 {
				want = append(want, fmt.Sprint(keys[k], "-", n))
			}
		}
		assert.Equal(t, want, b.batches[1])
		assert.Equal(t, []string{"x-64", "x-67", "y-66", "z-65", "z-68"}, b.batches[2])

		require.NoError(t, <-arrive(t.Context(), in, "x", "later"))
		assert.Equal(t, []string{"later"}, b.batches[3], "it comes back to life")
	})
}

// TestIntakeBadAmongGood: what cannot be written fails alone, by an error or by a panic.
func TestIntakeBadAmongGood(t *testing.T) {
	errBad := errors.New("no such thing")
	for name, fail := range map[string]func() error{
		"error": func() error { return errBad },
		"panic": func() error { panic(errBad) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &book{open: make(chan struct{}), fail: func(batch []string) error {
					for _, sha := range batch {
						if sha == "bad" {
							return fail()
						}
					}
					return nil
				}}
				in := &intake{write: b.write, most: mostAtOnce}
				first := arrive(t.Context(), in, "first", "first")
				good := []<-chan error{first, arrive(t.Context(), in, "x", "a")}
				bad := arrive(t.Context(), in, "x", "bad")
				good = append(good, arrive(t.Context(), in, "x", "b"), arrive(t.Context(), in, "w", "c"))
				close(b.open)
				for _, e := range good {
					require.NoError(t, <-e)
				}
				require.Error(t, <-bad)
				assert.Equal(t, [][]string{{"first"}, {"a"}, {"b"}, {"c"}}, b.batches)
			})
		})
	}
}

// TestIntakeLeave: a caller that leaves does the others no harm. Its event is
// written only if that was under way.
func TestIntakeLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{open: make(chan struct{})}
		in := &intake{write: b.write, most: mostAtOnce}
		ctx, leave := context.WithCancel(t.Context())
		leader := arrive(ctx, in, "leader", "leader")
		waits := arrive(ctx, in, "x", "waits")
		stays := arrive(t.Context(), in, "x", "stays")
		leave()
		assert.ErrorIs(t, <-leader, context.Canceled)
		assert.ErrorIs(t, <-waits, context.Canceled)
		assert.ErrorIs(t, <-arrive(ctx, in, "x", "late"), context.Canceled)
		close(b.open)
		require.NoError(t, <-stays)
		assert.Equal(t, [][]string{{"leader"}, {"stays"}}, b.batches)
	})
}

// TestIntakeTogether: many at a time, each written once.
func TestIntakeTogether(t *testing.T) {
	b := &book{open: make(chan struct{})}
	close(b.open)
	in := &intake{write: b.write, most: mostAtOnce}
	var senders sync.WaitGroup
	for s := range 16 {
		senders.Go(func() {
			for n := range 100 {
				sha := fmt.Sprint(s, "-", n)
				assert.NoError(t, in.accept(t.Context(), &arrival{key: fmt.Sprint(s), event: forge.Event{SHA: sha}}))
			}
		})
	}
	senders.Wait()
	next := map[string]int{}
	for _, batch := range b.batches {
		assert.LessOrEqual(t, len(batch), mostAtOnce)
		for _, sha := range batch {
			var s, n int
			_, err := fmt.Sscanf(sha, "%d-%d", &s, &n)
			require.NoError(t, err)
			assert.Equal(t, next[fmt.Sprint(s)], n)
			next[fmt.Sprint(s)]++
		}
	}
	assert.Len(t, next, 16)
}
