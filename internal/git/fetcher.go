package git

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pullwarden/pullwarden/internal/change"
)

// A Fetcher reads changes out of remote repositories. Its zero value is ready
// to use, and it is safe for concurrent use.
//
// Its errors are ErrGone, permanent ones (see Permanent), and others, after
// which the same call may succeed.
type Fetcher struct {
	Client *http.Client // nil means one without special settings
	Limits Limits

	mu    sync.Mutex
	heavy map[string]bool // whether the trees of a repository are heavy, by its URL; if that is known
}

// Change returns what head brings that base, their merge base, lacks; base is
// "" if their histories share nothing. ahead is the number of commits that
// head has and the base branch lacks, as the forge counts them; 0 if it is not
// known, which costs more requests. Otherwise it takes two: for commits and
// trees, and for the blobs of the change. Where the trees are beyond
// Limits.Trees or the server counts very many, it takes one for each level of
// directories instead, and Before and After lack the directories that nothing
// was changed in: see change.Unreached.
//
// A blob past the Limits is skipped, which the change states. A commit or tree
// past them is a *LimitError.
func (f *Fetcher) Change(ctx context.Context, r Remote, base, head string, ahead int) (*change.Change, error) {
	c, err := f.change(ctx, r, base, head, ahead)
	if err != nil {
		return nil, fmt.Errorf("fetch %s of %v: %w", head, r, err)
	}
	return c, nil
}

func (f *Fetcher) change(ctx context.Context, r Remote, base, head string, ahead int) (*change.Change, error) {
	to, err := parseHash(head)
	if err != nil {
		return nil, err
	}
	var from plumbing.Hash
	if base != "" {
		if from, err = parseHash(base); err != nil {
			return nil, err
		}
	}
	get := f.begin(ctx, r)
	if heavy, _ := f.known(r); heavy {
		get.byLevel()
	}
	commits, err := get.commits(from, to, ahead)
	if err != nil {
		return nil, err
	}
	s := span{base: base, head: head, commits: commits}
	if s.before, err = get.rootOf(from); err != nil {
		return nil, err
	}
	if s.after, err = get.rootOf(to); err != nil {
		return nil, err
	}
	return get.objects.change(ctx, s, f.Limits.orDefaults())
}

// Tree returns the tree at a commit, as a change without files: After lists
// everything, and Contents.Load brings the blobs that are wanted.
func (f *Fetcher) Tree(ctx context.Context, r Remote, sha string) (*change.Change, error) {
	c, err := f.tree(ctx, r, sha)
	if err != nil {
		return nil, fmt.Errorf("fetch the tree of %s of %v: %w", sha, r, err)
	}
	return c, nil
}

func (f *Fetcher) tree(ctx context.Context, r Remote, sha string) (*change.Change, error) {
	at, err := parseHash(sha)
	if err != nil {
		return nil, err
	}
	get := f.begin(ctx, r)
	if _, err := get.fetch(request{wants: []plumbing.Hash{at}, deepen: 1, filter: "blob:none"}); err != nil {
		return nil, err
	}
	root, err := get.rootOf(at)
	if err != nil {
		return nil, err
	}
	if err := get.objects.measure(ctx, root, f.Limits.orDefaults().Entries); err != nil {
		return nil, err
	}
	return &change.Change{
		Head: sha, Before: change.Empty(),
		After: treeFS{get.objects, root}, Contents: get.objects,
	}, nil
}

// A fetching is the requests that fill one set of objects.
type fetching struct {
	ctx     context.Context
	fetcher *Fetcher
	remote  Remote
	objects *objects
	levels  bool // trees are fetched level by level
}

func (f *Fetcher) begin(ctx context.Context, r Remote) *fetching {
	get := &fetching{ctx: ctx, fetcher: f, remote: r, objects: newObjects(f.Limits.orDefaults())}
	get.objects.bring = func(ctx context.Context, blobs []plumbing.Hash) error {
		later := *get
		later.ctx = ctx
		b := batch{fetching: &later, budget: f.Limits.orDefaults().Requests}
		if err := b.bring(blobs); err != nil {
			return fmt.Errorf("fetch %d blobs of %v: %w", len(blobs), r, err)
		}
		return nil
	}
	return get
}

// fetch makes a request whose objects must all come, and returns them.
func (get *fetching) fetch(q request) (map[plumbing.Hash]encoded, error) {
	got, cut, err := get.some(q)
	if err == nil && cut != nil {
		err = cut
	}
	return got, err
}

// some makes a request and returns the objects that came before a limit, if
// one cut it short.
func (get *fetching) some(q request) (map[plumbing.Hash]encoded, *LimitError, error) {
	res, err := get.fetcher.fetch(get.ctx, get.remote, q, get.objects.remaining())
	if err != nil {
		return nil, nil, err
	}
	if res.pack == nil {
		return nil, res.cut, nil
	}
	s := &sink{ctx: get.ctx, into: get.objects, got: map[plumbing.Hash]encoded{}}
	if err := parsePack(get.ctx, res.pack, s); err != nil {
		if res.cut != nil && get.ctx.Err() == nil {
			return s.got, res.cut, nil // a delta whose base would have followed
		}
		return nil, nil, err
	}
	return s.got, res.cut, nil
}

// rootOf returns the tree of a commit that was fetched; zero for the zero hash.
func (get *fetching) rootOf(h plumbing.Hash) (plumbing.Hash, error) {
	if h.IsZero() {
		return h, nil
	}
	c, err := get.objects.commit(h)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return c.tree, nil
}

// commits brings the commits of head that base lacks, with all trees that are
// needed to compare them, and returns them, parents first.
func (get *fetching) commits(base, head plumbing.Hash, ahead int) ([]*commit, error) {
	q := request{wants: []plumbing.Hash{head}}
	if !base.IsZero() {
		// Every commit of the change lies within ahead steps of head, and each
		// of their parents, base among them, within one more.
		q.deepen = max(ahead, 0) + 1
	}
	if err := get.outline(q); err != nil {
		return nil, err
	}
	p, err := get.objects.part(get.ctx, head, base)
	if err != nil {
		return nil, err
	}
	if !base.IsZero() && !get.complete(p, base, head, ahead) {
		if err := get.exactly(p, base, head); err != nil {
			return nil, err
		}
	}
	return parentsFirst(p.only, head), nil
}

// complete reports whether p, cut off at some depth, is exact, after leaving
// out what base must have as well.
func (get *fetching) complete(p *parting, base, head plumbing.Hash, ahead int) bool {
	if _, err := get.objects.commit(base); err != nil {
		return false
	}
	// Where base's history is cut off, it may reach what lies beside it; but
	// never what lies above it.
	above := map[plumbing.Hash]bool{base: true}
	uncut, allAbove := true, true
	for _, c := range parentsFirst(p.only, head) {
		for _, parent := range c.parents {
			above[c.hash] = above[c.hash] || above[parent]
		}
		allAbove = allAbove && above[c.hash]
		uncut = uncut && !p.cut[c.hash]
	}
	for h := range p.cut {
		uncut = uncut && (allAbove || p.only[h] != nil)
	}
	if uncut {
		return true
	}
	// What head alone has lies within ahead steps. That the rest is all of it
	// shows in the count.
	for h, away := range p.distances(head, ahead+1) {
		if away > ahead {
			delete(p.only, h)
		}
	}
	return ahead > 0 && len(p.only) == ahead
}

// exactly asks the server which commits head has and base lacks, and for the
// trees that are still missing to compare them.
func (get *fetching) exactly(p *parting, base, head plumbing.Hash) error {
	clear(p.only)
	if base != head {
		got, err := get.fetch(request{wants: []plumbing.Hash{head}, haves: []plumbing.Hash{base}, filter: "tree:0"})
		if err != nil {
			return err
		}
		for h, e := range got {
			if e.t == plumbing.CommitObject {
				if p.only[h], err = get.objects.commit(h); err != nil {
					return err
				}
			}
		}
	}
	missing := []plumbing.Hash{}
	asked := map[plumbing.Hash]bool{}
	need := func(h plumbing.Hash) error {
		if asked[h] {
			return nil
		}
		asked[h] = true
		c, err := get.objects.commit(h)
		if err == nil && !get.levels {
			_, err = get.objects.tree(c.tree)
		}
		if errors.Is(err, errNotAtHand) {
			missing, err = append(missing, h), nil
		}
		return err
	}
	err := need(base)
	for _, c := range p.only {
		for _, h := range append([]plumbing.Hash{c.hash}, c.parents...) {
			err = errors.Join(err, need(h))
		}
	}
	if err != nil || len(missing) == 0 {
		return err
	}
	return get.outline(request{wants: missing, deepen: 1})
}
