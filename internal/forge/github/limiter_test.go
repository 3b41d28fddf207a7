package github

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
)

// In no stretch of time does a window let more through than it may, and it
// never makes anybody wait longer than needed.
func TestWindow(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := window{span: time.Minute, most: 20}
		now := time.Unix(0, 0)
		var past []stamped
		for range 500 {
			n := 1 + r.IntN(5)
			if wait := w.wait(now, n); wait > 0 {
				assert.Positive(t, w.wait(now.Add(wait-1), n), "seed %d: it could have gone on earlier", seed)
				now = now.Add(wait)
				require.Zero(t, w.wait(now, n))
			}
			w.add(now, n)
			past = append(past, stamped{now, n})
			sum := 0
			for _, p := range past {
				if now.Sub(p.at) < time.Minute {
					sum += p.n
				}
			}
			require.LessOrEqual(t, sum, 20, "seed %d", seed)
			now = now.Add(time.Duration(r.Int64N(int64(8 * time.Second))))
		}
	}
	none := window{span: time.Minute}
	none.add(time.Unix(0, 0), 1000)
	assert.Zero(t, none.wait(time.Unix(0, 0), 1000))
	assert.Empty(t, none.past, "without a bound nothing is kept")
}

// clocked is a world whose time, on our side, is moved by hand; answered sees
// every answer that GitHub gives.
func clocked(t *testing.T, l Limits, answered func(*http.Request, *http.Response)) (*world, func(time.Duration)) {
	t.Helper()
	var offset atomic.Int64
	w := newWorld(t, nil)
	w.now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	w.opts.Limits = l
	w.opts.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err == nil && answered != nil {
			answered(r, resp)
		}
		return resp, err
	})}
	w.Forge = w.another()
	return w, func(d time.Duration) { offset.Add(int64(d)) }
}

// TestWritesStayWithinGitHubsLimit: there are never more than 80 writes in a
// minute or 500 in an hour, and the work is only put off.
func TestWritesStayWithinGitHubsLimit(t *testing.T) {
	var w *world
	var written []time.Time
	w, pass := clocked(t, Limits{Points: 900, Concurrent: 100, WritesMinute: 80, WritesHour: 500}, func(r *http.Request, _ *http.Response) {
		if r.Method == "POST" && strings.HasSuffix(r.URL.Path, "/check-runs") {
			written = append(written, w.now())
		}
	})
	start := w.now()
	putOff := 0
	for i := 0; i < 600; {
		c := outcome(fmt.Sprint("d", i), forge.Success)
		c.SHA, c.Seen = w.pull.HeadSHA, &forge.Seen{Ours: sight{allRuns: true}}
		_, err := w.PutCheck(t.Context(), w.repo, c)
		var busy *forge.BusyError
		if errors.As(err, &busy) {
			putOff++
			require.LessOrEqual(t, busy.After, time.Hour+6*time.Minute)
			pass(busy.After)
			continue
		}
		require.NoError(t, err)
		i++
	}
	require.Len(t, written, 600)
	for i, at := range written { // the clock is read a moment after the request was let through
		const moment = time.Second
		if i >= 80 {
			require.GreaterOrEqual(t, at.Sub(written[i-80]), time.Minute-moment, "the %dth", i)
		}
		if i >= 500 {
			require.GreaterOrEqual(t, at.Sub(written[i-500]), time.Hour-moment, "the %dth", i)
		}
	}
	assert.Greater(t, w.now().Sub(start), time.Hour, "600 writes take more than an hour")
	assert.Positive(t, putOff)
}

// Reading costs less, and is not a write; so is a question in GraphQL, which is posted.
func TestReadingIsNotWriting(t *testing.T) {
	w, _ := clocked(t, Limits{WritesMinute: 1, WritesHour: 1}, nil)
	for range 5 {
		_, err := w.Tip(t.Context(), w.repo, "main")
		require.NoError(t, err)
		w.look()
	}
	w.check(outcome("d1", forge.Success))
	c := outcome("d2", forge.Success)
	c.SHA = w.pull.HeadSHA
	_, err := w.PutCheck(t.Context(), w.repo, c)
	var busy *forge.BusyError
	require.ErrorAs(t, err, &busy)
	require.ErrorIs(t, err, errSpent)
}

func TestPoints(t *testing.T) {
	w, pass := clocked(t, Limits{Points: 7}, nil)
	w.check(outcome("d1", forge.Success)) // one question, one write: 6 points
	_, err := w.Tip(t.Context(), w.repo, "main")
	require.NoError(t, err)
	_, err = w.Tip(t.Context(), w.repo, "main")
	require.ErrorIs(t, err, errSpent)
	pass(time.Minute)
	_, err = w.Tip(t.Context(), w.repo, "main")
	require.NoError(t, err)
}

// Another installation has limits of its own.
func TestLimitsAreOfAnInstallation(t *testing.T) {
	l := newLimiter(Limits{Points: 1}, time.Now)
	for installation := range int64(3) {
		done, err := l.admit(t.Context(), installation, "core", false)
		require.NoError(t, err)
		done()
	}
	_, err := l.admit(t.Context(), 1, "core", false)
	require.ErrorIs(t, err, errSpent)
}

func TestRequestsAtATime(t *testing.T) {
	w := newWorld(t, nil)
	var now, most atomic.Int64
	w.opts.Limits = Limits{Concurrent: 2}
	w.opts.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		time.Sleep(5 * time.Millisecond)
		return http.DefaultTransport.RoundTrip(r)
	})}
	w.Forge = w.another()
	_, err := w.Tip(t.Context(), w.repo, "main") // has its token by then
	require.NoError(t, err)
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() {
			_, err := w.Tip(t.Context(), w.repo, "main")
			assert.NoError(t, err)
		})
	}
	all.Wait()
	assert.Equal(t, int64(2), most.Load())
}

// Refusals in a row that name no time double the wait, until something goes through.
func TestWaitsDouble(t *testing.T) {
	w, pass := clocked(t, Limits{}, nil)
	refused := func() time.Duration {
		w.hub.Fail(fakehub.Fault{Match: "GET */git/ref/*", Status: 403})
		_, err := w.Tip(t.Context(), w.repo, "main")
		require.Error(t, err)
		_, err = w.Tip(t.Context(), w.repo, "main") // is not even sent
		var busy *forge.BusyError
		require.ErrorAs(t, err, &busy)
		require.ErrorIs(t, err, errQuiet)
		pass(busy.After)
		return busy.After
	}
	for i, want := range []float64{1, 2, 4} {
		assert.InDelta(t, want, refused().Minutes(), want*0.11, "refusal %d", i+1)
	}
	_, err := w.Tip(t.Context(), w.repo, "main")
	require.NoError(t, err)
	assert.InDelta(t, 1, refused().Minutes(), 0.11)
}

// A 403 that is no limit stays what it is, with its words.
func TestForbiddenIsNoLimit(t *testing.T) {
	w := newWorld(t, nil)
	w.hub.Fail(fakehub.Fault{Match: "GET */git/ref/*", Status: 403, Body: `{"message":"Resource not accessible by integration"}`})
	_, err := w.Tip(t.Context(), w.repo, "main")
	require.ErrorIs(t, err, forge.ErrDenied)
	require.ErrorContains(t, err, "not accessible")
	_, err = w.Tip(t.Context(), w.repo, "main")
	require.NoError(t, err)
}

// When the hourly limit is used up, nothing is sent until it is renewed.
func TestHourlyLimit(t *testing.T) {
	var w *world
	w, pass := clocked(t, Limits{}, func(r *http.Request, resp *http.Response) {
		if strings.Contains(r.URL.Path, "/git/ref/") {
			resp.Header.Set("X-RateLimit-Remaining", "0")
			resp.Header.Set("X-RateLimit-Reset", strconv.FormatInt(w.now().Add(20*time.Minute).Unix(), 10))
		}
	})
	tip := func() error {
		_, err := w.Tip(t.Context(), w.repo, "main")
		return err
	}
	require.NoError(t, tip(), "the last one went through")
	assert.Zero(t, w.calls(func() { require.ErrorIs(t, tip(), errSpent) }))
	pass(21 * time.Minute)
	require.NoError(t, tip())
}
