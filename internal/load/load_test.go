package load_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

// TestNothingLost is the burst below, small enough for every day.
func TestNothingLost(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { burst(t, sqlite(t), 8, 300) })
	t.Run("postgres", func(t *testing.T) { burst(t, storetest.Postgres(t), 8, 300) })
}

// BenchmarkLoadAccept is what an accepted delivery costs at 1, 16 and 64
// senders at a time, each of a pull request of its own. Workers wait for
// GitHub meanwhile; see BenchmarkLoadSustained for both at once.
//
//	go test ./internal/load -run '^$' -bench LoadAccept -benchtime 1x
func BenchmarkLoadAccept(b *testing.B) {
	const deliveries = 4000
	f := pullForm(b)
	for _, senders := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			databases(b, func(b *testing.B, url string) {
				_, text := key(b)
				s := serve(b, url, silent(b), text)
				accepted := 0
				for b.Loop() {
					used := s.cpu()
					got := send(b, s.hook, senders, deliveries, 0, func(i int) delivery { return f.nth(accepted + i) })
					got.accepted(b, deliveries)
					accepted += deliveries
					report(b, got)
					b.ReportMetric(perOne(s.cpu()-used, deliveries), "cpu-ms/delivery")
				}
				b.ReportMetric(s.peak(), "peak-MiB")
				depth, failed := s.queue()
				require.Equal(b, []int{accepted, 0}, []int{depth, failed}, "keys that wait, keys that were given up")
				s.kill() // all that was acknowledged is there, whatever happens
				s.again()
				depth, failed = s.queue()
				require.Equal(b, []int{accepted, 0}, []int{depth, failed}, "the same after a crash")
			})
		})
	}
}

func perOne(used time.Duration, n int) float64 { return used.Seconds() * 1000 / float64(n) }

// report prints how deliveries were answered.
func report(b *testing.B, s sent) {
	b.ReportMetric(0, "ns/op") // says nothing here
	b.ReportMetric(s.rate(), "accepts/s")
	b.ReportMetric(s.each(0.50).Seconds()*1000, "p50-ms")
	b.ReportMetric(s.each(0.99).Seconds()*1000, "p99-ms")
}

// BenchmarkLoadReviews is how many pull requests are reviewed in a second, from
// the delivery to the completed check, and what one costs the server.
//
//	go test ./internal/load -run '^$' -bench LoadReviews -benchtime 1x
func BenchmarkLoadReviews(b *testing.B) {
	const pulls = 200
	databases(b, func(b *testing.B, url string) {
		h := newHub(b, pulls)
		s := serve(b, url, h.url, h.key)
		warm(h, s)
		for b.Loop() {
			b.StopTimer()
			for _, p := range h.pulls {
				h.push(p)
			}
			b.StartTimer()
			used, began := s.cpu(), time.Now()
			send(b, s.hook, 16, pulls, 0, func(i int) delivery { return h.pulls[i].delivery() }).accepted(b, pulls)
			s.drained(10 * time.Minute)
			b.ReportMetric(pulls/time.Since(began).Seconds(), "reviews/s")
			b.ReportMetric(perOne(s.cpu()-used, pulls), "cpu-ms/review")
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(s.peak(), "peak-MiB")
		h.nothingLost()
	})
}

// warm has one pull request reviewed: the first one loads the checks.
func warm(h *hub, s *server) {
	send(h.tb, s.hook, 1, 1, 0, func(int) delivery { return h.pulls[0].delivery() }).accepted(h.tb, 1)
	s.drained(time.Minute)
}

// BenchmarkLoadSustained delivers 100 times a second for a minute, while heads
// move and the server reviews as fast as it can, and then waits for the end:
// none may be refused and every last head must have its check.
//
// PULLWARDEN_LOAD_SECONDS sets another time than a minute.
//
//	go test ./internal/load -run '^$' -bench LoadSustained -benchtime 1x -timeout 30m
func BenchmarkLoadSustained(b *testing.B) {
	const rate, pushes, pulls = 100, 4, 200 // a second, a second, in all
	seconds := 60
	if v := os.Getenv("PULLWARDEN_LOAD_SECONDS"); v != "" {
		n, err := strconv.Atoi(v)
		require.NoError(b, err)
		seconds = n
	}
	databases(b, func(b *testing.B, url string) {
		h := newHub(b, pulls)
		s := serve(b, url, h.url, h.key)
		warm(h, s)
		for b.Loop() {
			moved := make(chan *pull, pushes*seconds)
			var pushing sync.WaitGroup
			pushing.Go(func() {
				began := time.Now()
				for n := range pushes * seconds {
					time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / pushes)))
					p := h.pulls[rand.N(pulls)]
					h.push(p)
					moved <- p
				}
			})
			used := s.cpu()
			got := send(b, s.hook, 64, rate*seconds, time.Second/rate, func(int) delivery {
				select {
				case p := <-moved:
					return p.delivery()
				default:
					return h.pulls[rand.N(pulls)].delivery() // again: GitHub tells more than pushes
				}
			})
			pushing.Wait()
			send(b, s.hook, 1, len(moved), 0, func(int) delivery { return (<-moved).delivery() }) // the last pushes
			got.accepted(b, rate*seconds)
			report(b, got)
			b.ReportMetric(got.each(1).Seconds()*1000, "max-ms")
			b.ReportMetric((s.cpu()-used).Seconds()/got.all.Seconds(), "cpus")
			began := time.Now()
			s.drained(10 * time.Minute)
			b.ReportMetric(time.Since(began).Seconds(), "drain-s")
		}
		b.ReportMetric(s.peak(), "peak-MiB")
		h.nothingLost()
	})
}

// BenchmarkLoadBurst delivers 10,000 times as fast as 64 senders can: half of
// it tells of 200 pull requests to review, the rest of as many repositories
// that got a new name. All of it must be worked off.
//
//	go test ./internal/load -run '^$' -bench LoadBurst -benchtime 1x -timeout 30m
func BenchmarkLoadBurst(b *testing.B) {
	databases(b, func(b *testing.B, url string) {
		for b.Loop() {
			got, drained, s := burst(b, url, 200, 10_000)
			report(b, got)
			b.ReportMetric(drained.Seconds(), "drain-s")
			b.ReportMetric(s, "peak-MiB")
		}
	})
}

// burst delivers n times and requires that nothing was lost.
func burst(tb testing.TB, url string, pulls, n int) (got sent, drained time.Duration, peak float64) {
	h := newHub(tb, pulls)
	s := serve(tb, url, h.url, h.key)
	renamed := renameForm(tb)
	got = send(tb, s.hook, 64, n, 0, func(i int) delivery {
		if i%2 == 0 {
			return h.pulls[i/2%pulls].delivery()
		}
		return renamed.nth(i) // each of a repository of its own
	})
	got.accepted(tb, n)
	began := time.Now()
	s.drained(15 * time.Minute)
	drained, peak = time.Since(began), s.peak()
	h.nothingLost()
	keys, deliveries := s.settled()
	assert.Equal(tb, map[string]int{"done": pulls + n/2}, keys)
	assert.Equal(tb, n, deliveries)
	return got, drained, peak
}

// BenchmarkLoadLarge is what 64 senders of bodies of 24 MB make of the memory.
// Who is refused is told to come again.
//
//	go test ./internal/load -run '^$' -bench LoadLarge -benchtime 1x
func BenchmarkLoadLarge(b *testing.B) {
	const senders, size = 64, 24_000_000
	f := pullForm(b)
	filler := make([]byte, size)
	for i := range filler {
		filler[i] = 'x'
	}
	body := append([]byte(`{"filler":"`+string(filler)+`",`), f.nth(1).body[1:]...)
	_, text := key(b)
	s := serve(b, sqlite(b), silent(b), text)
	for b.Loop() {
		got := send(b, s.hook, senders, 3*senders, 0, func(int) delivery { return delivery{f.event, body} })
		require.NotZero(b, got.statuses[202], "%v", got.statuses)
		require.Equal(b, 3*senders, got.statuses[202]+got.statuses[503]+got.statuses[0], "%v", got.statuses)
		report(b, got)
		b.ReportMetric(float64(3*senders-got.statuses[202]), "refused") // some while they still write
	}
	b.ReportMetric(s.peak(), "peak-MiB")
}
