package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// Git's file types, as in the mode of a tree's entry.
const (
	typeMask = 0o170000
	typeDir  = 0o040000
	typeFile = 0o100000
	typeLink = 0o120000
	typeSub  = 0o160000 // a submodule: the id is a commit of another repository
)

// An entry is one name in a tree.
type entry struct {
	name string
	side
}

// A side is what stands at a path; the zero value is nothing.
type side struct {
	mode uint32
	id   plumbing.Hash
}

func (s side) exists() bool { return s.mode != 0 }
func (s side) isDir() bool  { return s.mode&typeMask == typeDir }

// blob returns the id of the content, "" if there is none.
func (s side) blob() string {
	if t := s.mode & typeMask; t == typeFile || t == typeLink {
		return s.id.String()
	}
	return ""
}

// submodule returns the commit that a submodule is at, "" if it is none.
func (s side) submodule() string {
	if s.mode&typeMask == typeSub {
		return s.id.String()
	}
	return ""
}

func (s side) fileMode() fs.FileMode {
	switch s.mode & typeMask {
	case typeDir:
		return fs.ModeDir | 0o755
	case typeLink:
		return fs.ModeSymlink | 0o777
	case typeSub:
		return fs.ModeIrregular
	}
	if s.mode&0o111 != 0 {
		return 0o755
	}
	return 0o644
}

// decodeTree reads a tree object. What git itself would not check out is an
// error. The names share memory with b.
func decodeTree(b string) ([]entry, error) {
	const idSize = len(plumbing.Hash{})
	const least = len("1 a\x00") + idSize
	entries := make([]entry, 0, min(strings.Count(b, "\x00"), len(b)/least+1))
	for len(b) > 0 {
		head, _, ok := strings.Cut(b[:min(len(b), 64*kib)], "\x00")
		octal, name, ok2 := strings.Cut(head, " ")
		if !ok || !ok2 || len(b)-len(head)-1 < idSize || len(octal) > 7 {
			return nil, errors.New("is cut off or damaged")
		}
		e := entry{name: name}
		for _, c := range []byte(octal) {
			if c < '0' || c > '7' {
				return nil, errors.New("has a damaged mode")
			}
			e.mode = e.mode<<3 | uint32(c-'0')
		}
		switch e.mode & typeMask {
		case typeDir, typeFile, typeLink, typeSub:
		default:
			return nil, fmt.Errorf("has the mode %o, which does not exist", e.mode)
		}
		if name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
			return nil, fmt.Errorf("has the name %q, which is not allowed", name)
		}
		b = b[len(head)+1:]
		copy(e.id[:], b[:idSize])
		b = b[idSize:]
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	for i := 1; i < len(entries); i++ {
		if entries[i].name == entries[i-1].name {
			return nil, fmt.Errorf("has the name %q twice", entries[i].name)
		}
	}
	return entries, nil
}

// lookup returns what has a name among sorted entries.
func lookup(entries []entry, name string) side {
	i, ok := sort.Find(len(entries), func(i int) int { return strings.Compare(name, entries[i].name) })
	if !ok {
		return side{}
	}
	return entries[i].side
}

// measure counts the names under a tree, each as often as it has a path, and
// refuses a tree that is too large or too deep to walk. A small repository can
// hold a tree of billions of paths, for equal subtrees are stored once.
func (o *objects) measure(ctx context.Context, root plumbing.Hash, limit int) error {
	type size struct{ files, depth int }
	known := map[plumbing.Hash]size{}
	var walk func(h plumbing.Hash, depth int) (size, error)
	walk = func(h plumbing.Hash, depth int) (size, error) {
		s, ok := known[h]
		if !ok {
			if err := ctx.Err(); err != nil {
				return s, err
			}
			if depth > maxDepth {
				return s, &LimitError{What: "the depth of directories", Limit: fmt.Sprint(maxDepth)}
			}
			entries, err := o.tree(h)
			if o.bringTrees != nil && errors.Is(err, errNotAtHand) {
				err = nil // it is not walked either
			}
			if err != nil {
				return s, err
			}
			for _, e := range entries {
				s.files++
				if !e.isDir() {
					continue
				}
				sub, err := walk(e.id, depth+1)
				if err != nil {
					return s, err
				}
				s.files, s.depth = s.files+sub.files, max(s.depth, sub.depth+1)
				if s.files > limit {
					break
				}
			}
			known[h] = s
		}
		if s.files > limit {
			return s, &LimitError{What: "the tree", Limit: fmt.Sprintf("%d files", limit)}
		}
		if depth+s.depth > maxDepth {
			return s, &LimitError{What: "the depth of directories", Limit: fmt.Sprint(maxDepth)}
		}
		return s, nil
	}
	_, err := walk(root, 0)
	return err
}

// A delta is what happened at one path.
type delta struct {
	path     string
	oldPath  string // of a rename, else ""
	old, new side
	others   []side // of a merge: what the other parents have
}

// differ compares trees by their ids alone. It stops with a *LimitError after
// as many differences as it may find in all.
type differ struct {
	ctx   context.Context
	o     *objects
	left  int
	limit int
	// missing collects the trees that are not at hand; nil makes them an error.
	missing map[plumbing.Hash]bool
}

// trees returns the differences between two trees, sorted by path.
func (d *differ) trees(a, b plumbing.Hash) ([]delta, error) {
	var out []delta
	if err := d.dir(a, b, "", 0, &out); err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b delta) int { return strings.Compare(a.path, b.path) })
	return out, nil
}

func (d *differ) dir(a, b plumbing.Hash, at string, depth int, out *[]delta) error {
	if a == b {
		return nil
	}
	if err := d.ctx.Err(); err != nil {
		return err
	}
	if depth > maxDepth {
		return &LimitError{What: "the depth of directories", Limit: fmt.Sprint(maxDepth)}
	}
	x, err := d.tree(a)
	y, err2 := d.tree(b)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	if d.missing[a] || d.missing[b] {
		return nil
	}
	for len(x) > 0 || len(y) > 0 {
		var old, new side
		var name string
		if len(y) == 0 || len(x) > 0 && x[0].name <= y[0].name {
			name = x[0].name
		} else {
			name = y[0].name
		}
		if len(x) > 0 && x[0].name == name {
			old, x = x[0].side, x[1:]
		}
		if len(y) > 0 && y[0].name == name {
			new, y = y[0].side, y[1:]
		}
		if err := d.pair(old, new, at+name, depth, out); err != nil {
			return err
		}
	}
	return nil
}

func (d *differ) tree(h plumbing.Hash) ([]entry, error) {
	entries, err := d.o.tree(h)
	if d.missing != nil && errors.Is(err, errNotAtHand) {
		d.missing[h] = true
		return nil, nil
	}
	return entries, err
}

// pair compares what has one path. A file that became a directory is a file
// less and files more.
func (d *differ) pair(old, new side, path string, depth int, out *[]delta) error {
	if old == new {
		return nil
	}
	var oldDir, newDir plumbing.Hash
	if old.isDir() {
		oldDir, old = old.id, side{}
	}
	if new.isDir() {
		newDir, new = new.id, side{}
	}
	if old != new {
		if d.left--; d.left < 0 {
			return &LimitError{What: "the change", Limit: fmt.Sprintf("%d files", d.limit)}
		}
		*out = append(*out, delta{path: path, old: old, new: new})
	}
	if oldDir == newDir {
		return nil
	}
	return d.dir(oldDir, newDir, path+"/", depth+1, out)
}
