package git

import (
	"context"
	"fmt"
	"io/fs"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
)

// A Clone is a repository on this machine.
type Clone struct{ r *repository }

// Open finds the repository at or above dir. env has the variables by which
// git is told where a repository and its parts are (GIT_DIR, GIT_WORK_TREE,
// GIT_INDEX_FILE, …), as a hook has them; nil means that none is set.
func Open(dir string, env func(string) string) (*Clone, error) {
	r, err := open(dir, env)
	if err != nil {
		return nil, err
	}
	return &Clone{r}, nil
}

// Is reports whether both are the same repository and work tree.
func (c *Clone) Is(other *Clone) bool {
	a, errA := os.Stat(c.r.dotGit)
	b, errB := os.Stat(other.r.dotGit)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// DefaultBranch returns the name of the default branch and the commit at its
// tip, as in LocalOptions; both are empty if the clone does not have it.
func (c *Clone) DefaultBranch(told string) (name, commit string) {
	name, tip, ok := c.r.defaultBranch(told)
	if !ok {
		return "", ""
	}
	return name, tip.String()
}

// ReadFile returns the file at a path in a revision. A file that does not
// exist, or is in a repository without commits, is fs.ErrNotExist; what exists
// and is no file is another error. Symbolic links are not followed.
func (c *Clone) ReadFile(rev, path string) ([]byte, error) {
	at, err := c.r.resolve(rev)
	if rev == "HEAD" {
		w := workspace{repository: c.r}
		if at, err = w.headAt(""); err == nil && at.IsZero() {
			err = fmt.Errorf("the repository has no commit yet: %w", fs.ErrNotExist)
		}
	}
	if err != nil {
		return nil, err
	}
	o := c.r.objects(Limits{}.forLocal())
	commit, err := o.commit(at)
	if err != nil {
		return nil, err
	}
	t := treeFS{o, commit.tree}
	found, err := t.find("open", path)
	if err != nil {
		return nil, err
	}
	if found.mode&typeMask != typeFile {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("is %s and not a file", kind(found))}
	}
	if err := o.bring(context.Background(), []plumbing.Hash{found.id}); err != nil {
		return nil, err
	}
	return t.ReadFile(path)
}

// ReadLocal returns the file at a path of the repository at or above dir, at
// rev; "" means the default branch, or HEAD if it is not known which that is.
// A file that does not exist is fs.ErrNotExist; what exists and is no file is
// another error. Symbolic links are not followed.
func ReadLocal(dir, rev, path string) ([]byte, error) {
	c, err := Open(dir, nil)
	if err != nil {
		return nil, err
	}
	if rev == "" {
		_, rev = c.DefaultBranch("")
	}
	if rev == "" {
		rev = "HEAD"
	}
	return c.ReadFile(rev, path)
}

func kind(s side) string {
	switch s.mode & typeMask {
	case typeDir:
		return "a directory"
	case typeLink:
		return "a symbolic link"
	}
	return "a submodule"
}
