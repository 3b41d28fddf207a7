package github

import "sync"

// writes remembers where we wrote last. What somebody saw there before is not
// what stands there now, also if the answer to the write was lost.
type writes struct {
	mu        sync.Mutex
	last      map[string]int64 // number of the latest write, by place
	latest    int64
	forgotten int64 // latest write that is no longer in last
}

const writesCap = 10_000

// now returns the number that a look which begins now goes by.
func (w *writes) now() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.latest
}

// note is called when a write to place is over, before the next one begins.
func (w *writes) note(place string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last == nil || len(w.last) >= writesCap {
		w.last, w.forgotten = map[string]int64{}, w.latest
	}
	w.latest++
	w.last[place] = w.latest
}

// since reports whether place may have been written to after the look of that number.
func (w *writes) since(place string, look int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return max(w.last[place], w.forgotten) > look
}
