package pypi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxFiles bounds what one requirements file takes in.
const maxFiles = 64

// An include is a file that a requirements file takes in with -r or -c.
type include struct {
	path   string // in the tree; "" if it is not in it
	stated string
	line   int
	limit  bool // it asks for nothing: it limits what others ask for
}

// beside returns the path of a file that the one at p names; "" if that does
// not lie in the tree.
func beside(p, name string) string {
	if scheme.MatchString(name) || strings.HasPrefix(name, "/") || strings.ContainsAny(name, "\\\x00") {
		return ""
	}
	if name = path.Join(path.Dir(p), name); !fs.ValidPath(name) || name == "." {
		return ""
	}
	return name
}

// Includable reports whether a requirements file may take in the file at p.
// One with any other ending is refused: so a change of it cannot go unnoticed.
func (Ecosystem) Includable(p string) bool {
	return slices.Contains([]string{"", ".txt", ".in", ".pip", ".req", ".reqs", ".lock", ".list", ".cfg"}, strings.ToLower(path.Ext(p)))
}

// allowed says why in cannot be read beside files; nil if it can.
func (in include) allowed(tree fs.FS, files []string) error {
	switch {
	case in.path == "":
		return fmt.Errorf("takes in %.1000q, which is not in the repository", in.stated)
	case !(Ecosystem{}).Includable(in.path):
		return fmt.Errorf("takes in %.1000q, which has no name of a requirements file", in.stated)
	case len(files) >= maxFiles:
		return fmt.Errorf("takes in more than %d files", maxFiles)
	case !present(tree, in.path):
		return fmt.Errorf("takes in %.1000q, which does not exist", in.stated)
	}
	return nil
}

func present(tree fs.FS, p string) bool {
	_, err := fs.ReadFile(tree, p)
	return !errors.Is(err, fs.ErrNotExist)
}

// Includes returns the paths of the files that the requirements file at p
// takes in, and those in turn, as far as they can be read. Which of them exist
// is left open.
func (e Ecosystem) Includes(ctx context.Context, tree fs.FS, p string) []string {
	files := []string{p}
	for i := 0; i < len(files) && len(files) < maxFiles; i++ {
		f, _ := read(ctx, tree, files[i]) // Packages has the error
		for _, in := range f.includes {
			if in.path != "" && e.Includable(in.path) && !slices.Contains(files, in.path) {
				files = append(files, in.path)
			}
		}
	}
	return files[1:]
}
