package queue_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/queue"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

// databases opens a fresh database of each kind.
func databases(b *testing.B, f func(b *testing.B, open func(b *testing.B) *sql.DB)) {
	b.Run("sqlite", func(b *testing.B) {
		f(b, func(b *testing.B) *sql.DB { return openURL(b, "sqlite:"+filepath.Join(b.TempDir(), "pullwarden.db")) })
	})
	b.Run("postgres", func(b *testing.B) {
		f(b, func(b *testing.B) *sql.DB { return openURL(b, storetest.DurablePostgres(b)) })
	})
}

// BenchmarkAccept accepts events for distinct keys from several senders at a
// time. Nothing is worked off meanwhile. x-one-by-one is how many times less
// processor time an event takes than with a transaction of its own.
//
//	go test ./internal/queue -run '^$' -bench Accept -benchtime 3000x
func BenchmarkAccept(b *testing.B) {
	databases(b, func(b *testing.B, open func(b *testing.B) *sql.DB) {
		for _, senders := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
				alone, err := queue.Open(context.Background(), open(b), queue.Options{})
				require.NoError(b, err)
				alone.OneByOne()
				one := acceptAll(b, alone, senders)
				q, err := queue.Open(context.Background(), open(b), queue.Options{})
				require.NoError(b, err)
				b.ReportMetric(one/acceptAll(b, q, senders), "x-one-by-one")
			})
		}
	})
}

// acceptAll accepts b.N events, reports how long each took, and returns what
// one cost in microseconds of processor time.
func acceptAll(b *testing.B, q *queue.Queue, senders int) float64 {
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	var all sync.WaitGroup
	used := cpu(b)
	b.StartTimer()
	b.ResetTimer()
	for range senders {
		all.Go(func() {
			for n := int(next.Add(1)); n <= b.N; n = int(next.Add(1)) {
				e := push(n)
				e.Delivery = fmt.Sprintf("delivery-%d", n)
				began := time.Now()
				if err := q.Accept(context.Background(), e, e.Key()); err != nil {
					b.Error(err)
					return
				}
				took[n-1] = time.Since(began)
			}
		})
	}
	all.Wait()
	b.StopTimer()
	each := float64((cpu(b) - used).Microseconds()) / float64(b.N)
	slices.Sort(took)
	b.ReportMetric(each, "cpu-µs/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "accepts/s")
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
	return each
}

// BenchmarkDrain works off events that were accepted before and ask for nothing.
//
//	go test ./internal/queue -run '^$' -bench Drain -benchtime 2000x
func BenchmarkDrain(b *testing.B) {
	databases(b, func(b *testing.B, open func(b *testing.B) *sql.DB) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		q, err := queue.Open(ctx, open(b), queue.Options{})
		require.NoError(b, err)
		acceptAll(b, q, 64)
		var worked atomic.Int64
		running, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		used := cpu(b)
		b.ResetTimer()
		b.StartTimer()
		go func() {
			ended <- q.Run(running, func(context.Context, forge.Event) error {
				worked.Add(1)
				return nil
			})
		}()
		require.NoError(b, q.Idle(ctx))
		b.StopTimer()
		stop()
		require.NoError(b, <-ended)
		b.ReportMetric(float64((cpu(b)-used).Microseconds())/float64(b.N), "cpu-µs/op")
		require.Equal(b, int64(b.N), worked.Load())
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "done/s")
	})
}

// cpu is what this process has used of the processors; other work on the
// machine disturbs it less than times.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
