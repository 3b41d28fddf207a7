package git

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// What a walk knows of a commit.
const (
	ofHead = 1 << iota // reachable from head
	ofBase             // reachable from base
	stale              // below a merge base
)

// A parting is where the histories of two commits part.
type parting struct {
	only  map[plumbing.Hash]*commit // reachable from head and not from base
	bases []*commit                 // best common ancestors, newest first
	cut   map[plumbing.Hash]bool    // commits whose parents, or some of them, are not at hand
	open  int                       // how many of these are neither a merge base nor below one
}

// part walks both histories, newest first, until nothing new can turn up.
// What is not at hand ends the walk there. The zero base has no history.
//
// Where a clock was wrong, a commit of base may be taken for one of head: more
// is looked at then, not less.
func (o *objects) part(ctx context.Context, head, base plumbing.Hash) (*parting, error) {
	p := &parting{only: map[plumbing.Hash]*commit{}, cut: map[plumbing.Hash]bool{}}
	flags := map[plumbing.Hash]uint8{}
	var queue newest
	fresh := 0 // in the queue and not stale
	mark := func(h plumbing.Hash, f uint8) (ok bool, err error) {
		had := flags[h]
		if had&f == f {
			return true, nil
		}
		c, err := o.commit(h)
		if errors.Is(err, errNotAtHand) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		flags[h] = had | f
		heap.Push(&queue, step{c, had | f})
		if (had|f)&stale == 0 {
			fresh++
		}
		return true, nil
	}
	if _, err := mark(head, ofHead); err != nil {
		return nil, err
	}
	if !base.IsZero() {
		if _, err := mark(base, ofBase); err != nil {
			return nil, err
		}
	}
	for fresh > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		next := heap.Pop(&queue).(step)
		if next.flags&stale == 0 {
			fresh--
		}
		c, f := next.commit, flags[next.hash]
		switch {
		case f == ofHead:
			p.only[c.hash] = c
		case f == ofHead|ofBase:
			delete(p.only, c.hash)
			if !slices.Contains(p.bases, c) {
				p.bases = append(p.bases, c)
			}
			f |= stale
		case f&ofHead != 0:
			delete(p.only, c.hash)
		}
		for _, parent := range c.parents {
			ok, err := mark(parent, f)
			if err != nil {
				return nil, err
			}
			if !ok {
				p.cut[c.hash] = true
			}
		}
	}
	// One that turned out to lie below another is not among the best.
	p.bases = slices.DeleteFunc(p.bases, func(c *commit) bool { return flags[c.hash]&stale != 0 })
	for h := range p.cut {
		if f := flags[h]; f == ofHead || f == ofBase {
			p.open++
		}
	}
	return p, nil
}

// distances returns how many commits lie on the shortest way from head to each
// commit that only head has, both included, up to limit.
func (p *parting) distances(head plumbing.Hash, limit int) map[plumbing.Hash]int {
	away := map[plumbing.Hash]int{head: 1}
	for queue := []plumbing.Hash{head}; len(queue) > 0; queue = queue[1:] {
		c := p.only[queue[0]]
		if c == nil || away[c.hash] == limit {
			continue
		}
		for _, parent := range c.parents {
			if away[parent] == 0 {
				away[parent] = away[c.hash] + 1
				queue = append(queue, parent)
			}
		}
	}
	return away
}

// parentsFirst orders commits so that each comes after its parents, the first
// parent's line first.
func parentsFirst(set map[plumbing.Hash]*commit, head plumbing.Hash) []*commit {
	type visit struct {
		c    *commit
		next int // parent to look at
	}
	var out []*commit
	var stack []visit
	seen := map[plumbing.Hash]bool{}
	push := func(h plumbing.Hash) {
		if c := set[h]; c != nil && !seen[h] {
			seen[h] = true
			stack = append(stack, visit{c: c})
		}
	}
	push(head)
	for len(stack) > 0 {
		v := &stack[len(stack)-1]
		if v.next < len(v.c.parents) {
			v.next++
			push(v.c.parents[v.next-1])
			continue
		}
		out = append(out, v.c)
		stack = stack[:len(stack)-1]
	}
	return out
}

// A step is a commit that waits to be looked at, and what was known of it then.
type step struct {
	*commit
	flags uint8
}

// newest is a heap of commits, by the time of commit and then by id.
type newest []step

func (n newest) Len() int { return len(n) }
func (n newest) Less(i, j int) bool {
	if !n[i].committed.Equal(n[j].committed) {
		return n[i].committed.After(n[j].committed)
	}
	return bytes.Compare(n[i].hash[:], n[j].hash[:]) < 0
}
func (n newest) Swap(i, j int) { n[i], n[j] = n[j], n[i] }
func (n *newest) Push(x any)   { *n = append(*n, x.(step)) }
func (n *newest) Pop() any {
	last := (*n)[len(*n)-1]
	*n = (*n)[:len(*n)-1]
	return last
}
