package dependency

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/scan"
)

const (
	maxHops = 16 // symbolic links on the way to a file
	maxLink = 4096
)

// follow resolves the symbolic links in name, a path in tree: where it leads
// to, and the links on the way. It never leaves the tree. A link whose text is
// not at hand is among the links, and the error is a *change.MissingError.
func follow(tree fs.FS, name string) (at string, links []string, err error) {
	if !fs.ValidPath(name) {
		return "", nil, &fs.PathError{Op: "follow", Path: name, Err: fs.ErrInvalid}
	}
	at = "."
	for rest := strings.Split(name, "/"); len(rest) > 0; {
		next := rest[0]
		rest = rest[1:]
		switch next {
		case "", ".":
			continue
		case "..":
			if at == "." {
				return "", links, errors.New("it leads out of the repository")
			}
			at = path.Dir(at)
			continue
		}
		at = path.Join(at, next)
		if !fs.ValidPath(at) {
			return "", links, errors.New("it leads to no name of a file")
		}
		info, err := fs.Lstat(tree, at)
		if err != nil {
			return "", links, err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		if links = append(links, at); len(links) > maxHops {
			return "", links, fmt.Errorf("more than %d links", maxHops)
		}
		text, err := readLink(tree, at)
		if err != nil {
			return "", links, err
		}
		if strings.HasPrefix(text, "/") || len(text) > maxLink || text == "" {
			return "", links, errors.New("it leads out of the repository")
		}
		rest = append(strings.Split(text, "/"), rest...)
		at = path.Dir(at)
	}
	return at, links, nil
}

// readLink returns the text of a link: a git tree has it as the content.
func readLink(tree fs.FS, name string) (string, error) {
	if _, ok := tree.(fs.ReadLinkFS); ok {
		return fs.ReadLink(tree, name)
	}
	b, err := fs.ReadFile(tree, name)
	return string(b), err
}

// isLink reports whether a touched file is a symbolic link in tree.
func isLink(tree fs.FS, f change.File) bool {
	if tree != nil && fs.ValidPath(f.Path) {
		if info, err := fs.Lstat(tree, f.Path); err == nil {
			return info.Mode()&fs.ModeSymlink != 0
		}
	}
	return f.Mode&fs.ModeSymlink != 0
}

// A view is the tree of a snapshot in which symbolic links are followed and
// touched files are read by their blob: their names may be such that no fs.FS
// takes them.
type view struct {
	fs.FS
	snap  scan.Snapshot
	files map[string]change.File
}

func newView(snap scan.Snapshot) view {
	v := view{snap.Tree, snap, make(map[string]change.File, len(snap.Files))}
	for _, f := range snap.Files {
		v.files[f.Path] = f
	}
	return v
}

// ReadFile implements fs.ReadFileFS. A link that leads to nothing is no file
// that does not exist: it is an error that names the link.
func (v view) ReadFile(name string) ([]byte, error) {
	f, touched := v.files[name]
	if touched && !isLink(v.FS, f) {
		return v.snap.Read(f)
	}
	at, links, err := follow(v.FS, name)
	if err != nil {
		if !touched && len(links) == 0 {
			return nil, err
		}
		if missing := (*change.MissingError)(nil); errors.As(err, &missing) {
			return nil, fmt.Errorf("follow the symbolic link %s: %w", name, err)
		}
		return nil, fmt.Errorf("follow the symbolic link %s: %v", name, err)
	}
	if f, ok := v.files[at]; ok {
		return v.snap.Read(f)
	}
	return fs.ReadFile(v.FS, at)
}
