package hook

import (
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// maxSenders is how many addresses are remembered. Those that were seen last
// are; whoever has enough addresses to be forgotten gets a request more each.
const maxSenders = 4096

// evidence is what told that a request is no genuine delivery.
type evidence int

const (
	genuine   evidence = iota // it was signed, so it does not count
	byHeaders                 // nothing of the body was read
	byBody
)

// strikes limits, for each address, the requests that were no genuine
// delivery. What headers gave away has a count of its own: anybody can have
// GitHub deliver a hook of his own to us, from the addresses that our
// deliveries come from, and must not get those refused. What it takes to fail
// only by the body, GitHub does not send for a stranger.
type strikes struct {
	every time.Duration // one more is allowed each
	most  int           // at once
	now   func() time.Time

	mu sync.Mutex
	of *simplelru.LRU[netip.Prefix, *sender]
}

// A sender is an address that sent something wrong.
type sender struct {
	allow [byBody + 1]*rate.Limiter
	told  bool // that it has reached a limit
}

func newStrikes(perMinute int, now func() time.Time) *strikes {
	of, err := simplelru.NewLRU[netip.Prefix, *sender](maxSenders, nil)
	if err != nil {
		panic(err) // the size is a constant
	}
	return &strikes{every: time.Minute / time.Duration(perMinute), most: perMinute, now: now, of: of}
}

// wait returns how long from must wait before it is looked at again; 0 if it
// has not reached its limit. Looking costs nothing: who sends nothing wrong is
// never limited and not even remembered.
func (s *strikes) wait(from netip.Addr, by evidence) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	it, known := s.of.Get(network(from))
	if !known {
		return 0
	}
	return s.missing(it.allow[by])
}

// strike counts a request of from. wait is how long it must wait because it
// had reached its limit before, and first says that nobody was told yet.
func (s *strikes) strike(from netip.Addr, by evidence) (wait time.Duration, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it, known := s.of.Get(network(from))
	if !known {
		it = &sender{}
		for i := range it.allow {
			it.allow[i] = rate.NewLimiter(rate.Every(s.every), s.most)
		}
		s.of.Add(network(from), it)
	}
	if it.allow[by].AllowN(s.now(), 1) {
		it.told = false
		return 0, false
	}
	first, it.told = !it.told, true
	return max(s.missing(it.allow[by]), 1), first
}

// missing is the time until l allows one more.
func (s *strikes) missing(l *rate.Limiter) time.Duration {
	lack := 1 - l.TokensAt(s.now())
	if lack <= 0 {
		return 0
	}
	return time.Duration(lack * float64(s.every))
}
