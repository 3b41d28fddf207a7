package git

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/index"

	"github.com/pullwarden/pullwarden/internal/change"
)

// stage makes the tree of the index the side after the change. A repository
// without an index stays with the tree of its commit.
func (w *workspace) stage(s *span) error {
	idx, err := readIndex(w.index)
	if err != nil {
		return err
	}
	if len(idx.Entries) == 0 {
		return nil
	}
	var entries []*index.Entry
	for _, e := range idx.Entries {
		switch {
		case e.IntentToAdd:
			continue // a name without content
		case e.Stage == index.OurMode || e.Stage == index.TheirMode || e.Stage == index.AncestorMode:
			if skip := (change.Skip{Path: e.Name, Why: "its merge conflict is not resolved"}); !slices.Contains(s.skipped, skip) {
				s.skipped = append(s.skipped, skip)
			}
			if e.Stage != index.OurMode {
				continue
			}
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b *index.Entry) int { return strings.Compare(a.Name, b.Name) })
	s.after, err = w.objects.putTree(entries, 0, 0)
	return err
}

// readIndex reads an index file; one that does not exist has no entries.
func readIndex(path string) (*index.Index, error) {
	idx := new(index.Index)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return idx, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the index: %w", err)
	}
	// With index.skipHash, git writes no checksum, which go-git insists on.
	if n := len(b) - sha1.Size; n >= 0 && bytes.Equal(b[n:], make([]byte, sha1.Size)) {
		sum := sha1.Sum(b[:n])
		copy(b[n:], sum[:])
	}
	switch err := index.NewDecoder(bytes.NewReader(b)).Decode(idx); {
	case errors.Is(err, index.ErrUnknownExtension):
		return nil, errors.New("the index is split or sparse, which is not supported: run git update-index --no-split-index, or git sparse-checkout reapply --no-sparse-index")
	case err != nil:
		return nil, fmt.Errorf("read the index: %w", err)
	}
	return idx, nil
}

// putTree puts the trees that git would write for entries, which are sorted
// and share their first skip bytes.
func (o *objects) putTree(entries []*index.Entry, skip, depth int) (plumbing.Hash, error) {
	if depth > maxDepth {
		return plumbing.ZeroHash, &LimitError{What: "the depth of directories", Limit: fmt.Sprint(maxDepth)}
	}
	var tree []entry
	for len(entries) > 0 {
		name, _, isDir := strings.Cut(entries[0].Name[skip:], "/")
		n := 1
		e := entry{name, side{uint32(entries[0].Mode), entries[0].Hash}}
		if isDir {
			prefix := entries[0].Name[:skip+len(name)+1]
			for n < len(entries) && strings.HasPrefix(entries[n].Name, prefix) {
				n++
			}
			id, err := o.putTree(entries[:n], len(prefix), depth+1)
			if err != nil {
				return id, err
			}
			e.side = side{typeDir, id}
		}
		entries = entries[n:]
		tree = append(tree, e)
	}
	// Git sorts a directory as if its name ended in a slash.
	key := func(e entry) string {
		if e.isDir() {
			return e.name + "/"
		}
		return e.name
	}
	slices.SortFunc(tree, func(a, b entry) int { return strings.Compare(key(a), key(b)) })
	var b []byte
	for _, e := range tree {
		b = fmt.Appendf(b, "%o %s\x00", e.mode, e.name)
		b = append(b, e.id[:]...)
	}
	decoded, err := decodeTree(string(b))
	if err != nil {
		return plumbing.ZeroHash, errors.New("the index " + err.Error())
	}
	h := plumbing.ComputeHash(plumbing.TreeObject, b)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.trees[h] = decoded
	return h, nil
}
