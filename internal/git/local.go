package git

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pullwarden/pullwarden/internal/change"
)

// LocalOptions say what of a local repository makes the change. The zero value
// means: what HEAD and the index bring beyond the default branch.
type LocalOptions struct {
	Base   string // revision whose merge base with Head is compared to; "" means the default branch
	Head   string // revision; "" means HEAD and what is staged on top of it
	All    bool   // all of Head's tree, as if every file was added; no commits
	Staged bool   // only what is staged on top of HEAD
	Limits Limits
}

// forLocal allows more: it is the user's own machine and repository.
func (l Limits) forLocal() Limits {
	l.Inflated = or(l.Inflated, gib)
	l.Files = or(l.Files, 1_000_000)
	return l.orDefaults()
}

// Local returns a change in the repository at or above dir. It reads objects
// and the index; the files of the work tree play no part. With an index, Head
// of the change is the commit below it, and After the tree that it would make.
//
// In a shallow clone the history may end before the merge base: then a commit
// is compared with the base instead of its parent, and the change says so.
func Local(ctx context.Context, dir string, o LocalOptions) (*change.Change, error) {
	c, err := local(ctx, dir, o)
	if err != nil {
		return nil, fmt.Errorf("read the change in %s: %w", dir, err)
	}
	return c, nil
}

func local(ctx context.Context, dir string, opt LocalOptions) (*change.Change, error) {
	if opt.Staged && (opt.All || opt.Base != "" || opt.Head != "") {
		return nil, errors.New("what is staged cannot be combined with revisions or the whole tree")
	}
	r, err := open(dir)
	if err != nil {
		return nil, err
	}
	lim := opt.Limits.forLocal()
	w := &workspace{ctx: ctx, repository: r, objects: r.objects(lim)}
	s, head, err := w.after(opt.Head)
	if err != nil {
		return nil, err
	}
	if opt.All || head == nil {
		return w.objects.change(ctx, s, lim)
	}
	base := head.hash
	if !opt.Staged {
		if base, err = w.base(opt.Base); err != nil {
			return nil, err
		}
	}
	p, err := w.objects.part(ctx, head.hash, base)
	if err != nil {
		return nil, err
	}
	switch {
	case len(p.bases) > 0:
		s.base, s.before = p.bases[0].hash.String(), p.bases[0].tree
	case len(p.cut) > 0:
		return nil, fmt.Errorf("the clone is shallow and ends before %s and %s meet: fetch more of its history", short(head.hash), short(base))
	}
	s.commits = parentsFirst(p.only, head.hash)
	for _, c := range s.commits {
		if p.cut[c.hash] {
			s.skipped = append(s.skipped, change.Skip{
				Path: "commit " + short(c.hash),
				Why:  "the clone is shallow: its parent is missing, so it was compared with the merge base",
			})
		}
	}
	return w.objects.change(ctx, s, lim)
}

// A workspace is a repository and what was read of it so far.
type workspace struct {
	ctx context.Context
	*repository
	objects *objects
}

// after returns a span with the side after the change, and the commit there;
// nil if there is none yet.
func (w *workspace) after(rev string) (s span, head *commit, err error) {
	at, err := w.headAt(rev)
	if err != nil {
		return s, nil, err
	}
	if !at.IsZero() {
		if head, err = w.objects.commit(at); err != nil {
			return s, nil, err
		}
		s.head, s.after = head.hash.String(), head.tree
	}
	if rev == "" && !w.bare {
		err = w.stage(&s)
	}
	return s, head, err
}

// headAt returns a revision, or HEAD; zero if HEAD has no commit yet.
func (w *workspace) headAt(rev string) (plumbing.Hash, error) {
	if rev != "" {
		return w.resolve(rev)
	}
	ref, err := w.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return plumbing.ZeroHash, nil
	}
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("read HEAD: %w", err)
	}
	return ref.Hash(), nil
}

func (w *workspace) base(rev string) (plumbing.Hash, error) {
	if rev != "" {
		return w.resolve(rev)
	}
	_, tip, err := w.defaultBranch()
	return tip, err
}

// objects returns an empty set that is filled from r.
func (r *repository) objects(lim Limits) *objects {
	o := newObjects(lim)
	o.read = r.read
	o.bring = func(ctx context.Context, blobs []plumbing.Hash) error {
		for _, h := range blobs {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := r.bring(o, h, lim); err != nil {
				return fmt.Errorf("read blob %s: %w", h, err)
			}
		}
		return nil
	}
	return o
}

func (r *repository) bring(o *objects, h plumbing.Hash, lim Limits) error {
	if r.tooLarge(h, lim.Object) {
		o.skip(h, "larger than "+size(lim.Object))
		return nil
	}
	e, err := r.read(h)
	switch {
	case errors.Is(err, errNotAtHand):
		o.skip(h, "is not in this partial clone")
		return nil
	case err != nil:
		return err
	case e.Type() != plumbing.BlobObject:
		return &HostileError{What: "object " + h.String(), Why: "is a " + e.Type().String() + " where a blob belongs"}
	case e.Size() > lim.Object:
		o.skip(h, "larger than "+size(lim.Object))
		return nil
	case e.Size() > o.remaining():
		o.skip(h, (&LimitError{What: "the change", Limit: size(lim.Inflated)}).Error())
		return nil
	}
	b, err := contents(e)
	if err == nil {
		o.put(h, plumbing.BlobObject, b)
	}
	return err
}

func short(h plumbing.Hash) string { return h.String()[:7] }
