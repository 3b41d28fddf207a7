package hook

import (
	"net/netip"
	"sync"
)

// maxBodies is how much of bodies may be in memory at a time, and maxShare how
// much of it one address may have.
const (
	maxBodies = 128 << 20
	maxShare  = 32 << 20
)

// room is the memory for bodies that are being read or worked on.
type room struct {
	mu   sync.Mutex
	used int
	of   map[netip.Prefix]int // by who sent them; none that are 0
}

// take reports whether there is room for n bytes more of from, and takes it.
func (r *room) take(from netip.Prefix, n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.used+n > maxBodies || r.of[from]+n > maxShare {
		return false
	}
	if r.of == nil {
		r.of = map[netip.Prefix]int{}
	}
	r.used += n
	r.of[from] += n
	return true
}

// give gives n bytes back.
func (r *room) give(from netip.Prefix, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used -= n
	if r.of[from] -= n; r.of[from] <= 0 {
		delete(r.of, from)
	}
}
