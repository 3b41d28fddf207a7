package bot

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// What people who may not write to a repository get answered in an hour. An
// installation's writes are for reviews; neither one of its repositories nor
// one person uses up what the others have.
const (
	strangersHourly        = 30 // in one installation
	strangersHourlyRepo    = 10 // in one repository
	strangersHourlyAccount = 5  // one person, in one installation

	// keptStrangers bounds the memory; the longest unused makes room.
	keptStrangers = 1 << 14
)

// strangers count the answers to people who may not write. The zero value is
// ready for use.
type strangers struct {
	mu sync.Mutex
	by *simplelru.LRU[budget, *rate.Limiter]
}

// A budget is an installation's, or that of one repository or account in it.
type budget struct{ installation, repo, account int64 }

// allow reports whether the sender is answered, and counts that. It counts
// nothing unless the installation, the repository and the sender all have some left.
func (s *strangers) allow(repo forge.Repo, sender forge.User, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by, _ = simplelru.NewLRU[budget, *rate.Limiter](keptStrangers, nil) // fails only for a size of 0
	}
	var all []*rate.Limiter
	for _, l := range []struct {
		of     budget
		hourly int
	}{
		{budget{installation: repo.Installation}, strangersHourly},
		{budget{installation: repo.Installation, repo: repo.ID}, strangersHourlyRepo},
		{budget{installation: repo.Installation, account: sender.ID}, strangersHourlyAccount},
	} {
		left, known := s.by.Get(l.of)
		if !known {
			left = rate.NewLimiter(rate.Every(time.Hour/time.Duration(l.hourly)), l.hourly)
			s.by.Add(l.of, left)
		}
		if left.TokensAt(now) < 1 {
			return false
		}
		all = append(all, left)
	}
	for _, left := range all {
		left.AllowN(now, 1)
	}
	return true
}
