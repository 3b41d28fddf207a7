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
	Base   string // revision whose merge base with Head is compared to; "" means what Told says, or the default branch
	Head   string // revision; "" means HEAD and what is staged on top of it
	All    bool   // all of Head's tree, as if every file was added; no commits
	Staged bool   // only what is staged on top of HEAD
	Told   Told
	Limits Limits
}

// A Comparison is a change, and what it was compared with.
type Comparison struct {
	Change *change.Change
	Base   string // the commit that was named, told or found: Change.Base is its merge base with the head; "" if All
	Name   string // what to call Base
	Told   bool   // by the CI system
}

// forLocal allows more: it is the user's own machine and repository.
func (l Limits) forLocal() Limits {
	l.Inflated = or(l.Inflated, gib)
	l.Files = or(l.Files, 1_000_000)
	return l.orDefaults()
}

// Local returns the change of Open(dir, nil).Compare.
func Local(ctx context.Context, dir string, o LocalOptions) (*change.Change, error) {
	c, err := Open(dir, nil)
	if err != nil {
		return nil, err
	}
	found, err := c.Compare(ctx, o)
	if err != nil {
		return nil, err
	}
	return found.Change, nil
}

// Compare returns a change in the clone. It reads objects and the index; the
// files of the work tree play no part. With an index, Head of the change is
// the commit below it, and After the tree that it would make.
//
// Nothing to compare with, and a merge base that a shallow clone does not
// tell, are a *BaseError; objects that are not in the clone a *MissingError.
// Commits of the change whose parents a shallow clone lacks are Skipped.
func (c *Clone) Compare(ctx context.Context, opt LocalOptions) (Comparison, error) {
	if opt.Staged && (opt.All || opt.Base != "" || opt.Head != "") {
		return Comparison{}, errors.New("what is staged cannot be combined with revisions or the whole tree")
	}
	lim := opt.Limits.forLocal()
	w := &workspace{ctx: ctx, repository: c.r, objects: c.r.objects(lim)}
	w.absent = 0
	out, err := w.compare(opt, lim)
	var base *BaseError
	switch {
	case errors.As(err, &base):
		return out, base
	case errors.Is(err, errNotAtHand):
		return out, &MissingError{Err: err}
	case err != nil:
		return out, fmt.Errorf("read the change: %w", err)
	case w.absent > 0:
		return out, &MissingError{Files: w.absent}
	}
	return out, nil
}

func (w *workspace) compare(opt LocalOptions, lim Limits) (out Comparison, err error) {
	s, head, err := w.after(opt.Head)
	if err != nil {
		return out, err
	}
	if head == nil && s.after.IsZero() && !opt.Staged {
		return out, &BaseError{Problem: Empty}
	}
	if !opt.All && head != nil {
		from, err := w.start(head, opt)
		if err != nil {
			return out, err
		}
		out.Base, out.Name = from.base.String(), from.name
		out.Told = !from.chosen && len(opt.Told.Bases) > 0
		s.only(from.parting, head)
		if !from.chosen && len(from.parting.only) == 0 && s.after == head.tree && len(s.skipped) == 0 {
			return out, &BaseError{Problem: Same, Head: w.headName(opt, head), Base: from.name, By: opt.Told.By}
		}
	}
	out.Change, err = w.objects.change(w.ctx, s, lim)
	return out, err
}

// only makes s begin at the merge base, and gives it the commits of head.
// Where a shallow clone lacks the parent of one, it is not known what the
// commit changes: comparing it with anything else would give a wrong answer.
func (s *span) only(p *parting, head *commit) {
	if len(p.bases) > 0 {
		s.base, s.before = p.bases[0].hash.String(), p.bases[0].tree
	}
	for _, c := range parentsFirst(p.only, head.hash) {
		if !p.cut[c.hash] {
			s.commits = append(s.commits, c)
			continue
		}
		s.skipped = append(s.skipped, change.Skip{
			Path: "commit " + short(c.hash),
			Why:  "the clone is shallow and lacks its parent; fetch all of the history (in GitHub Actions: fetch-depth: 0) to have it and the commits before it scanned",
		})
	}
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
	if rev == "" && w.work != "" {
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
		r.absent++
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
