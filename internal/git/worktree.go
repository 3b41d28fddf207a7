package git

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"

	"github.com/pullwarden/pullwarden/internal/change"
)

// Unstaged returns the paths of the work tree that differ from the index,
// sorted: files that were changed or deleted and not staged, submodules that
// were moved, and untracked files that are not ignored. It is empty for a bare
// repository.
//
// As git does, it takes a file as unchanged if size and time are those that
// the index has. No filter is run: of content that one changed, only line ends
// and Git LFS are understood.
func (c *Clone) Unstaged(ctx context.Context, env func(string) string) ([]string, error) {
	if c.r.work == "" {
		return nil, nil
	}
	root, err := os.OpenRoot(c.r.work)
	if err != nil {
		return nil, fmt.Errorf("read the work tree: %w", err)
	}
	defer root.Close()
	idx, err := readIndex(c.r.index)
	if err != nil {
		return nil, err
	}
	t := worktree{c.r, ctx, root, map[string]bool{}, nil}
	for _, e := range idx.Entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !t.tracked[e.Name] && !e.SkipWorktree && t.differs(e) {
			t.found = append(t.found, e.Name)
		}
		for at := e.Name; at != "." && !t.tracked[at]; at = path.Dir(at) {
			t.tracked[at] = true
		}
	}
	if err := t.untracked(".", c.r.ignored(env)); err != nil {
		return nil, err
	}
	slices.Sort(t.found)
	return t.found, nil
}

type worktree struct {
	r       *repository
	ctx     context.Context
	root    *os.Root
	tracked map[string]bool // files of the index and their directories
	found   []string
}

// differs reports whether the file of an entry is not as it was staged.
func (t *worktree) differs(e *index.Entry) bool {
	info, err := t.root.Lstat(e.Name)
	switch {
	case err != nil || e.IntentToAdd || e.Stage != 0:
		return true
	case e.Mode == filemode.Submodule:
		return t.moved(e)
	case e.Mode == filemode.Symlink:
		to, err := t.root.Readlink(e.Name)
		return err != nil || plumbing.ComputeHash(plumbing.BlobObject, []byte(to)) != e.Hash
	case !info.Mode().IsRegular(), e.Size != 0 && e.Size != uint32(info.Size()):
		return true
	case e.Size != 0 && e.ModifiedAt.Equal(info.ModTime()) && !t.racy(info):
		return false
	}
	b, err := t.root.ReadFile(e.Name)
	if err != nil || plumbing.ComputeHash(plumbing.BlobObject, b) == e.Hash {
		return err != nil
	}
	if plumbing.ComputeHash(plumbing.BlobObject, bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))) == e.Hash {
		return false
	}
	staged, err := t.r.read(e.Hash)
	if err != nil || staged.Size() > 1024 {
		return true
	}
	pointer, err := contents(staged)
	return err != nil || change.Pointer(pointer) != fmt.Sprintf("sha256:%x", sha256.Sum256(b))
}

// racy reports whether a file may have been changed in the moment in which the
// index was written: its time then tells nothing.
func (t *worktree) racy(file fs.FileInfo) bool {
	idx, err := os.Stat(t.r.index)
	return err != nil || !file.ModTime().Before(idx.ModTime())
}

// moved reports whether another commit of a submodule is checked out.
func (t *worktree) moved(e *index.Entry) bool {
	dir := filepath.Join(t.r.work, filepath.FromSlash(e.Name))
	if _, err := os.Lstat(filepath.Join(dir, ".git")); err != nil {
		return false // not checked out
	}
	sub, err := open(dir, nil)
	if err != nil {
		return true
	}
	head, err := sub.Head()
	return err != nil || head.Hash() != e.Hash
}

// untracked adds the files in a directory that are neither tracked nor ignored.
func (t *worktree) untracked(dir string, rules ignoreRules) error {
	if err := t.ctx.Err(); err != nil {
		return err
	}
	entries, err := fs.ReadDir(t.root.FS(), dir)
	if err != nil {
		t.found = append(t.found, dir+"/") // it may have anything
		return nil
	}
	if text, err := t.root.ReadFile(path.Join(dir, ".gitignore")); err == nil {
		rules = rules.with(text, dir)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case strings.EqualFold(e.Name(), ".git"), !e.IsDir() && t.tracked[name]:
		case !t.tracked[name] && rules.match(name, e.IsDir()):
		case !e.IsDir():
			t.found = append(t.found, name)
		case t.nested(name):
			if !t.tracked[name] {
				t.found = append(t.found, name+"/")
			}
		default:
			if err := t.untracked(name, rules); err != nil {
				return err
			}
		}
	}
	return nil
}

// nested reports whether a directory is the work tree of another repository.
func (t *worktree) nested(dir string) bool {
	_, err := t.root.Lstat(path.Join(dir, ".git"))
	return err == nil
}
