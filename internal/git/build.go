package git

import (
	"context"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pullwarden/pullwarden/internal/change"
)

// A span is what a change is made of, before any blob was looked at.
type span struct {
	base, head    string
	before, after plumbing.Hash // root trees; zero for none
	commits       []*commit     // parents first
	skipped       []change.Skip // known beforehand
}

// change builds the change that s spans and loads its blobs, in one batch.
func (o *objects) change(ctx context.Context, s span, lim Limits) (*change.Change, error) {
	net, steps, err := o.compare(ctx, s, lim)
	if err != nil {
		return nil, err
	}
	if err := o.load(ctx, blobsOf(append([][]delta{net}, steps...))); err != nil {
		return nil, err
	}
	b := &builder{ctx: ctx, o: o, pairs: map[[2]string]compared{}, brought: map[string]bool{}, known: map[change.Skip]bool{}, skipped: s.skipped}
	c := &change.Change{Base: s.base, Head: s.head, Before: o.fs(s.before), After: o.fs(s.after), Contents: o}
	if c.Files, err = b.files(net, false); err != nil {
		return nil, err
	}
	b.copies(c.Files, s.before)
	for i, from := range s.commits {
		step := change.Commit{SHA: from.hash.String(), Author: from.author, Subject: from.subject, When: from.when}
		for _, p := range from.parents {
			step.Parents = append(step.Parents, p.String())
		}
		if step.Files, err = b.files(steps[i], len(from.parents) > 1); err != nil {
			return nil, err
		}
		c.Commits = append(c.Commits, step)
	}
	c.Skipped, c.Elsewhere, c.Blobs = b.skipped, b.elsewhere, len(b.brought)
	return c, nil
}

// step returns what c changes against its first parent; of a merge, only the
// paths that differ from all parents. A parent that is not at hand is
// replaced by the tree instead.
func (d *differ) step(c *commit, instead plumbing.Hash) ([]delta, error) {
	parents := make([]plumbing.Hash, len(c.parents), max(len(c.parents), 1))
	for i, h := range c.parents {
		parents[i] = instead
		if p, err := d.o.commit(h); err == nil {
			parents[i] = p.tree
		}
	}
	if len(parents) == 0 {
		parents = append(parents, plumbing.ZeroHash)
	}
	out, err := d.trees(parents[0], c.tree)
	for _, p := range parents[1:] {
		if err != nil || len(out) == 0 {
			break
		}
		var theirs []delta
		if theirs, err = d.trees(p, c.tree); err != nil {
			break
		}
		both := out[:0]
		for _, m := range out {
			i, ok := slices.BinarySearchFunc(theirs, m.path, func(t delta, path string) int { return strings.Compare(t.path, path) })
			if ok {
				m.others = append(m.others, theirs[i].old)
				both = append(both, m)
			}
		}
		out = both
	}
	return out, err
}

// blobsOf lists all contents on either side, each once: first what the net
// change brings, then what its commits bring, then what was there before. So
// the least is lost if a limit is reached.
func blobsOf(all [][]delta) []plumbing.Hash {
	var ids []plumbing.Hash
	seen := map[plumbing.Hash]bool{}
	add := func(s side) {
		if s.blob() != "" && !seen[s.id] {
			seen[s.id] = true
			ids = append(ids, s.id)
		}
	}
	for _, ds := range all {
		for _, d := range ds {
			add(d.new)
		}
	}
	for _, ds := range all {
		for _, d := range ds {
			add(d.old)
			for _, o := range d.others {
				add(o)
			}
		}
	}
	return ids
}

// A builder turns differences of trees into files with lines.
type builder struct {
	ctx                context.Context
	o                  *objects
	pairs              map[[2]string]compared // by both blobs: a commit often makes the net change
	brought            map[string]bool
	known              map[change.Skip]bool
	skipped, elsewhere []change.Skip // each once
}

func (b *builder) files(ds []delta, merge bool) ([]change.File, error) {
	if !merge {
		ds = findRenames(b.ctx, ds, func(h plumbing.Hash) []byte {
			content, _ := b.o.blob(h)
			return content
		})
	}
	files := make([]change.File, 0, len(ds))
	for _, d := range ds {
		if err := b.ctx.Err(); err != nil {
			return nil, err
		}
		files = append(files, b.file(d))
	}
	return files, nil
}

func (b *builder) file(d delta) change.File {
	f := change.File{
		Path: d.path, OldPath: d.oldPath, Mode: d.new.fileMode(),
		OldBlob: d.old.blob(), NewBlob: d.new.blob(),
	}
	switch {
	case d.oldPath != "":
		f.Kind = change.Renamed
	case !d.old.exists():
		f.Kind = change.Added
	case !d.new.exists():
		f.Kind, f.Mode = change.Deleted, d.old.fileMode()
	}
	old, noOld := b.content(f.OldBlob)
	new, noNew := b.content(f.NewBlob)
	if f.NewBlob != "" && f.NewBlob != f.OldBlob {
		b.brought[f.NewBlob] = true
	}
	switch {
	case noNew != "":
		f.Skip = noNew
		if f.NewBlob != f.OldBlob {
			b.skip(f.Path, noNew)
		}
		return f
	case f.Kind == change.Deleted && noOld != "":
		f.Skip = noOld
		return f
	}
	if f.LFS = change.Pointer(new); f.LFS != "" && f.NewBlob != f.OldBlob {
		b.skip(f.Path, change.WhyPointer)
	}
	b.submodule(&f, d)
	if f.NewBlob == "" && f.Kind != change.Deleted {
		return f
	}
	// Where the old content is not at hand, all lines count as added.
	net := b.diff(f.OldBlob, f.NewBlob, old, new)
	f.Binary, f.Encoding, f.Hunks = net.binary, net.encoding, net.hunks
	for _, other := range d.others {
		theirs, _ := b.content(other.blob())
		f.Hunks = beyond(f.Hunks, b.diff(other.blob(), f.NewBlob, theirs, new).hunks)
	}
	return f
}

// skip notes that the content of a path was not looked at.
func (b *builder) skip(path, why string) {
	if skip := (change.Skip{Path: path, Why: why}); !b.known[skip] {
		b.known[skip] = true
		b.skipped = append(b.skipped, skip)
	}
}

// submodule notes where a submodule moved. What it moved to is content of
// another repository: it is named, but a change that only does this is no
// less complete, or every such change would be called incomplete for ever.
func (b *builder) submodule(f *change.File, d delta) {
	old, new := d.old.submodule(), d.new.submodule()
	if old == new {
		return
	}
	f.Submodule = old + ".." + new
	if note := (change.Skip{Path: f.Path, Why: change.WhySubmodule}); new != "" && !b.known[note] {
		b.known[note] = true
		b.elsewhere = append(b.elsewhere, note)
	}
}

func (b *builder) content(id string) (content []byte, why string) {
	if id == "" {
		return nil, ""
	}
	return b.o.blob(plumbing.NewHash(id))
}

func (b *builder) diff(oldID, newID string, old, new []byte) compared {
	pair := [2]string{oldID, newID}
	c, ok := b.pairs[pair]
	if !ok {
		var text bool
		c.hunks, c.encoding, text = change.DiffText(old, new)
		c.binary = !text
		b.pairs[pair] = c
	}
	return c
}

// compared is what came of comparing two contents.
type compared struct {
	hunks    []change.Hunk
	encoding string
	binary   bool
}

// beyond returns the hunks of a merge with only those lines added that it adds
// to the other parent as well. A line that came from there is kept context,
// with no number at the old side.
func beyond(hunks, theirs []change.Hunk) []change.Hunk {
	added := map[int]bool{}
	for _, h := range theirs {
		for _, l := range h.Lines {
			if l.Op == change.Insert {
				added[l.New] = true
			}
		}
	}
	var out []change.Hunk
	for _, h := range hunks {
		lines := slices.Clone(h.Lines)
		adds := false
		for i, l := range lines {
			if l.Op == change.Insert && !added[l.New] {
				lines[i].Op = change.Keep
			}
			adds = adds || lines[i].Op == change.Insert
		}
		if h.Lines = lines; adds {
			out = append(out, h)
		}
	}
	return out
}
