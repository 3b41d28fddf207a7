package git

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pullwarden/pullwarden/internal/change"
)

const (
	// manyTrees is from how many on a server takes longer to list and pack all
	// trees than to answer a request for each level.
	manyTrees = 2000
	// treesOfCommit are those that one commit may bring without being counted.
	treesOfCommit = 10
	// maxKnown is how many repositories are remembered.
	maxKnown = 10_000
	// maxMissed is how many directories one Load brings besides its blobs.
	maxMissed = 10_000
	// maxReach is how many levels it brings them from.
	maxReach = 64
)

// known tells what an earlier fetch found out about r. A repository that is
// forgotten costs a part of one response.
func (f *Fetcher) known(r Remote) (heavy, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	heavy, ok = f.heavy[r.URL]
	return heavy, ok
}

func (f *Fetcher) remember(r Remote, heavy bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.heavy == nil || len(f.heavy) >= maxKnown {
		f.heavy = map[string]bool{}
	}
	f.heavy[r.URL] = heavy
}

// byLevel makes get bring trees level by level from now on.
func (get *fetching) byLevel() {
	get.levels = true
	get.objects.bringTrees = func(ctx context.Context, trees []plumbing.Hash) error {
		later := *get
		later.ctx = ctx
		if _, err := later.fetch(request{wants: trees, filter: "tree:0"}); err != nil {
			return fmt.Errorf("fetch %d trees of %v: %w", len(trees), get.remote, err)
		}
		for _, h := range trees {
			if _, err := get.objects.tree(h); err != nil {
				return err // a server that leaves one out is not asked for it again
			}
		}
		return nil
	}
}

// outline makes a request for commits, and for all their trees unless these
// are heavy.
func (get *fetching) outline(q request) error {
	if !get.levels {
		_, known := get.fetcher.known(get.remote)
		q.filter, q.weighed, q.counted = "blob:none", true, !known && q.deepen > 0
		_, cut, err := get.some(q)
		switch {
		case err != nil:
			return err
		case cut == nil:
			get.fetcher.remember(get.remote, false)
			return nil
		case cut.What != allTrees:
			return cut
		}
		get.fetcher.remember(get.remote, true)
		get.byLevel()
		// What came before the cut stays at hand. Whether all commits were
		// among it is not certain, and they are small.
	}
	q.filter, q.weighed, q.counted = "tree:0", false, false
	_, err := get.fetch(q)
	return err
}

// compare finds the differences of s, net and of each commit. Trees that are
// not at hand are brought where they are needed, a level a round.
func (o *objects) compare(ctx context.Context, s span, lim Limits) (net []delta, steps [][]delta, err error) {
	if o.bringTrees == nil {
		if err := o.measureBoth(ctx, s, lim); err != nil {
			return nil, nil, err
		}
	}
	for round := 0; ; round++ {
		d := &differ{ctx: ctx, o: o, left: lim.Files, limit: lim.Files}
		if o.bringTrees != nil {
			d.missing = map[plumbing.Hash]bool{}
		}
		if net, steps, err = d.span(s); err != nil {
			return nil, nil, err
		}
		if len(d.missing) == 0 {
			o.missBeside(s, net, steps, d.missing)
		}
		if len(d.missing) == 0 {
			break
		}
		if round == lim.Requests {
			return nil, nil, &LimitError{What: "the depth of directories in a repository this large", Limit: fmt.Sprint(lim.Requests)}
		}
		ids := make([]plumbing.Hash, 0, len(d.missing))
		for h := range d.missing {
			ids = append(ids, h)
		}
		if err := o.bringTrees(ctx, ids); err != nil {
			return nil, nil, err
		}
	}
	if o.bringTrees == nil {
		return net, steps, nil
	}
	return net, steps, o.measureBoth(ctx, s, lim)
}

func (o *objects) measureBoth(ctx context.Context, s span, lim Limits) error {
	for _, root := range []plumbing.Hash{s.before, s.after} {
		if err := o.measure(ctx, root, lim.Entries); err != nil {
			return err
		}
	}
	return nil
}

// span returns the differences of s.
func (d *differ) span(s span) (net []delta, steps [][]delta, err error) {
	if net, err = d.trees(s.before, s.after); err != nil {
		return nil, nil, err
	}
	steps = make([][]delta, len(s.commits))
	for i, c := range s.commits {
		if steps[i], err = d.step(c, s.before); err != nil {
			return nil, nil, fmt.Errorf("compare commit %s with its parents: %w", c.hash, err)
		}
	}
	return net, steps, nil
}

// missBeside adds to missing the directories of every touched path, on both
// sides: what lies beside a change belongs to what scanners look at.
func (o *objects) missBeside(s span, net []delta, steps [][]delta, missing map[plumbing.Hash]bool) {
	if o.bringTrees == nil {
		return
	}
	for _, ds := range append(steps, net) {
		for _, d := range ds {
			for _, root := range []plumbing.Hash{s.before, s.after} {
				if h, _, lacks := o.lacking(root, d.path); lacks {
					missing[h] = true
				}
			}
		}
	}
}

// lacking returns the first tree on the way from root to path, path itself
// included, that is not at hand, and what was to be looked for in it.
func (o *objects) lacking(root plumbing.Hash, path string) (h plumbing.Hash, rest string, lacks bool) {
	for h, rest = root, path; ; {
		entries, err := o.tree(h)
		if errors.Is(err, errNotAtHand) {
			return h, rest, true
		}
		if rest == "" || err != nil {
			return h, "", false
		}
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		at := lookup(entries, name)
		if !at.isDir() {
			return h, "", false
		}
		h = at.id
	}
}

// miss notes that somebody looked for a path in a tree that is not at hand.
func (o *objects) miss(tree plumbing.Hash, path string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.bringTrees == nil || len(o.missed) >= maxMissed {
		return
	}
	if o.missed[tree] == nil {
		o.missed[tree] = map[string]bool{}
	}
	if len(o.missed[tree]) < maxMissed {
		o.missed[tree][path] = true
	}
}

var _ change.Reacher = (*objects)(nil)

// Unreached implements change.Reacher.
func (o *objects) Unreached() bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return len(o.missed) > 0
}

// reach brings the trees that were missed, and those below them on the way to
// what was looked for.
func (o *objects) reach(ctx context.Context) error {
	o.mu.Lock()
	missed := o.missed
	o.missed = map[plumbing.Hash]map[string]bool{}
	o.mu.Unlock()
	// What lies deeper than this stays an error that names its path.
	for range maxReach {
		if len(missed) == 0 {
			break
		}
		ids := make([]plumbing.Hash, 0, len(missed))
		for h := range missed {
			if _, err := o.tree(h); errors.Is(err, errNotAtHand) {
				ids = append(ids, h)
			}
		}
		if len(ids) > 0 {
			if err := o.bringTrees(ctx, ids); err != nil {
				return err
			}
		}
		next := map[plumbing.Hash]map[string]bool{}
		for h, paths := range missed {
			for path := range paths {
				if below, rest, lacks := o.lacking(h, path); lacks && below != h {
					if next[below] == nil {
						next[below] = map[string]bool{}
					}
					next[below][rest] = true
				}
			}
		}
		missed = next
	}
	return nil
}
