package git

import (
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pullwarden/pullwarden/internal/change"
)

// maxCopyPairs is how many pairs of files are compared for one to be much like
// the other. Past it only files that are equal count as copies.
const maxCopyPairs = 4000

// copies notes in added files of the net change what they are copies of: a
// file with the same content anywhere in the tree before, or one much like it
// among those that the change touches.
func (b *builder) copies(files []change.File, before plumbing.Hash) {
	wanted := map[plumbing.Hash]string{} // content: a path that has it
	var added, touched []*change.File
	for i := range files {
		f := &files[i]
		switch {
		case f.Kind == change.Added && f.NewBlob != "" && f.NewBlob != change.HashBlob(nil):
			wanted[plumbing.NewHash(f.NewBlob)] = ""
			added = append(added, f)
		case f.OldBlob != "":
			touched = append(touched, f)
		}
	}
	if len(added) == 0 {
		return
	}
	b.findContents(before, "", wanted)
	for _, f := range added {
		f.CopyOf = wanted[plumbing.NewHash(f.NewBlob)]
	}
	olds := b.prints(touched, func(f *change.File) string { return f.OldBlob })
	news := b.prints(added, func(f *change.File) string { return f.NewBlob })
	for n := range news {
		f := added[news[n].at]
		if f.CopyOf != "" || len(olds)*len(news) > maxCopyPairs || b.ctx.Err() != nil {
			continue
		}
		best := alike - 1
		for o := range olds {
			if score := olds[o].alike(&news[n]); score > best {
				best, f.CopyOf = score, oldPath(touched[olds[o].at])
			}
		}
	}
}

func oldPath(f *change.File) string {
	if f.OldPath != "" {
		return f.OldPath
	}
	return f.Path
}

// prints are those of the contents at hand.
func (b *builder) prints(files []*change.File, id func(*change.File) string) []print {
	var out []print
	for i, f := range files {
		if content, _ := b.content(id(f)); len(content) > 0 && len(content) <= maxRenameBlob {
			out = append(out, print{at: i, content: content})
		}
	}
	return out
}

// findContents fills in the first path of each wanted content under a tree
// that was measured. Trees that are not at hand hold nothing.
func (b *builder) findContents(tree plumbing.Hash, at string, wanted map[plumbing.Hash]string) {
	entries, err := b.o.tree(tree)
	if err != nil || b.ctx.Err() != nil {
		return
	}
	for _, e := range entries {
		if e.isDir() {
			b.findContents(e.id, at+e.name+"/", wanted)
		} else if e.mode&typeMask == typeFile {
			if path, ok := wanted[e.id]; ok && path == "" {
				wanted[e.id] = at + e.name
			}
		}
	}
}
