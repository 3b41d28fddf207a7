package github

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// Limits bound what one installation is asked for, by this process. They are
// GitHub's own, so that work is put off before GitHub refuses it: what was
// refused counts against the App. A zero is no bound.
type Limits struct {
	Points       int // a minute: a request that reads costs 1, one that writes 5
	Concurrent   int // requests at a time
	WritesMinute int // requests that write, a minute
	WritesHour   int // and an hour
}

const (
	pointsRead  = 1
	pointsWrite = 5
	// shortWait is how long a request waits for its turn; beyond that its work
	// is put off, so that a worker is free for others.
	shortWait = 2 * time.Second
)

// A limiter keeps an installation within its limits, and quiet for as long as
// GitHub asked for.
type limiter struct {
	limits Limits
	now    func() time.Time
	mu     sync.Mutex
	of     map[int64]*spending
}

// A spending is what one installation used up.
type spending struct {
	points, minute, hour window
	places               *semaphore.Weighted  // nil: no bound
	quiet                time.Time            // GitHub wants to be left alone until then
	strikes              int                  // refusals in a row that named no time
	spent                map[string]time.Time // resource of the hourly limit: when it is renewed
}

func newLimiter(l Limits, now func() time.Time) *limiter {
	return &limiter{limits: l, now: now, of: map[int64]*spending{}}
}

// spending returns that of an installation; l must be locked.
func (l *limiter) spending(installation int64) *spending {
	s := l.of[installation]
	if s == nil {
		s = &spending{
			points: window{span: time.Minute, most: l.limits.Points},
			minute: window{span: time.Minute, most: l.limits.WritesMinute},
			hour:   window{span: time.Hour, most: l.limits.WritesHour},
			spent:  map[string]time.Time{},
		}
		if l.limits.Concurrent > 0 {
			s.places = semaphore.NewWeighted(int64(l.limits.Concurrent))
		}
		l.of[installation] = s
	}
	return s
}

// admit waits until the installation may send one more request, for a short
// time; a longer wait is a *forge.BusyError. done must be called once the
// request was answered.
func (l *limiter) admit(ctx context.Context, installation int64, resource string, writes bool) (done func(), err error) {
	for {
		wait, places := l.try(installation, resource, writes)
		if wait <= 0 {
			if places == nil {
				return func() {}, nil
			}
			if err := places.Acquire(ctx, 1); err != nil {
				return nil, err
			}
			return func() { places.Release(1) }, nil
		}
		if wait > shortWait {
			return nil, &forge.BusyError{After: jitter(wait), Err: errSpent}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

var (
	errSpent = errors.New("what GitHub allows for now is used up")
	errQuiet = errors.New("GitHub asked to wait")
)

// try counts a request, or says how long it has to wait.
func (l *limiter) try(installation int64, resource string, writes bool) (wait time.Duration, places *semaphore.Weighted) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, now := l.spending(installation), l.now()
	points := pointsRead
	if writes {
		points = pointsWrite
	}
	wait = max(s.points.wait(now, points), s.spent[resource].Sub(now))
	if writes {
		wait = max(wait, s.minute.wait(now, 1), s.hour.wait(now, 1))
	}
	if wait > 0 {
		return wait, nil
	}
	s.points.add(now, points)
	if writes {
		s.minute.add(now, 1)
		s.hour.add(now, 1)
	}
	return 0, s.places
}

// hush returns a *forge.BusyError while the installation has to keep quiet.
func (l *limiter) hush(installation int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := l.spending(installation).quiet.Sub(l.now())
	if rest <= 0 {
		return nil
	}
	return &forge.BusyError{After: jitter(rest), Err: errQuiet}
}

// listen notes what an answer says of limits. Where GitHub names no time, each
// refusal in a row doubles the wait.
func (l *limiter) listen(installation int64, resp *http.Response) {
	words := peek(resp)
	l.mu.Lock()
	defer l.mu.Unlock()
	s, now := l.spending(installation), l.now()
	if resp.Header.Get("X-RateLimit-Remaining") == "0" && resp.Header.Get("Retry-After") == "" {
		if at, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			s.spent[resp.Header.Get("X-RateLimit-Resource")] = time.Unix(at, 0)
		}
	}
	if !limited(resp.StatusCode, resp.Header, words) {
		if resp.StatusCode < http.StatusBadRequest {
			s.strikes = 0
		}
		return
	}
	pause := wait(resp.Header, now, 0)
	if pause == 0 {
		pause = clamp(defaultWait << min(s.strikes, 10))
		s.strikes++
	}
	if until := now.Add(pause); until.After(s.quiet) {
		s.quiet = until
	}
}

// peek returns what a refusal says, and leaves it to be read.
func peek(resp *http.Response) string {
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusUnprocessableEntity || resp.Body == nil {
		return ""
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(b), failing{err}, resp.Body), resp.Body}
	return message(b)
}

// failing tells the error that reading ended with.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

// jitter adds up to a tenth, so that what was put off together does not come
// back together.
func jitter(d time.Duration) time.Duration { return d + rand.N(d/10+1) }

// A window bounds what happens in any stretch of time of its span. It keeps
// exact times: a bucket that refills can promise that only for half the rate.
type window struct {
	span time.Duration
	most int // 0: no bound
	sum  int
	past []stamped
}

type stamped struct {
	at time.Time
	n  int
}

// wait returns how long until n more fit in.
func (w *window) wait(now time.Time, n int) time.Duration {
	if w.most <= 0 {
		return 0
	}
	for len(w.past) > 0 && now.Sub(w.past[0].at) >= w.span {
		w.sum -= w.past[0].n
		w.past = w.past[1:]
	}
	over := w.sum + n - w.most
	for _, p := range w.past {
		if over <= 0 {
			break
		}
		if over -= p.n; over <= 0 {
			return p.at.Add(w.span).Sub(now)
		}
	}
	return 0
}

func (w *window) add(now time.Time, n int) {
	if w.most > 0 {
		w.past = append(w.past, stamped{now, n})
		w.sum += n
	}
}

// kind tells which hourly limit a request counts against, and whether it writes.
// A GraphQL document is read for that: queries and mutations have one address.
func kind(req *http.Request, graphqlPath string) (resource string, writes bool) {
	if req.URL.Path != graphqlPath {
		return "core", req.Method != http.MethodGet && req.Method != http.MethodHead
	}
	if req.GetBody == nil {
		return "graphql", true
	}
	body, err := req.GetBody()
	if err != nil {
		return "graphql", true
	}
	defer body.Close()
	start, err := io.ReadAll(io.LimitReader(body, 64))
	return "graphql", err != nil || !strings.HasPrefix(string(start), `{"query":"query`)
}
