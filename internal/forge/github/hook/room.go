package hook

import (
	"net/netip"
	"sync"
)

// maxBodies is how much of bodies may be in memory at a time, and maxShare how
// much of it one address may have. A quarter of both is for ordinary bodies:
// who sends large ones, or promises them, keeps none of those out.
const (
	maxBodies = 128 << 20
	maxShare  = 64 << 20 // of a proxy, perhaps: of all that there is to deliver
)

// room is the memory for bodies that are being read or worked on.
type room struct {
	mu   sync.Mutex
	all  held
	from map[netip.Prefix]held // by who sent them; none that hold nothing
}

// held is how many bytes of bodies there are, and how many of them belong to large ones.
type held struct{ all, large int }

func (h held) plus(n int, large bool) held {
	h.all += n
	if large {
		h.large += n
	}
	return h
}

// within reports whether h keeps to a limit, and large bodies to their part of it.
func (h held) within(limit int) bool { return h.all <= limit && h.large <= limit/4*3 }

// take reports whether there is room for n bytes more of from, and takes it.
func (r *room) take(from netip.Prefix, n int, large bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	all, share := r.all.plus(n, large), r.from[from].plus(n, large)
	if !all.within(maxBodies) || !share.within(maxShare) {
		return false
	}
	if r.from == nil {
		r.from = map[netip.Prefix]held{}
	}
	r.all, r.from[from] = all, share
	return true
}

// give gives n bytes back.
func (r *room) give(from netip.Prefix, n int, large bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = r.all.plus(-n, large)
	share := r.from[from].plus(-n, large)
	if r.from[from] = share; share.all <= 0 {
		delete(r.from, from)
	}
}
