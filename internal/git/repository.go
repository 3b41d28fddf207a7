package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

// A repository is one on this machine, read through go-git.
type repository struct {
	*gogit.Repository
	bare bool
	mu   sync.Mutex // go-git's object storage is not safe for concurrent use
}

// open finds the repository at or above dir.
func open(dir string) (*repository, error) {
	dotGit, bare, err := find(dir)
	if err != nil {
		return nil, err
	}
	dot := osfs.New(dotGit)
	at := dot
	if b, err := os.ReadFile(filepath.Join(dotGit, "commondir")); err == nil {
		// A linked work tree: objects and branches are in the main one.
		common := strings.TrimSpace(string(b))
		if !filepath.IsAbs(common) {
			common = filepath.Join(dotGit, common)
		}
		at = dotgit.NewRepositoryFilesystem(dot, osfs.New(common))
	}
	r, err := gogit.Open(storage{filesystem.NewStorage(at, cache.NewObjectLRUDefault())}, nil)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dotGit, err)
	}
	return &repository{Repository: r, bare: bare}, nil
}

// find returns the git directory of the repository at or above dir.
func find(dir string) (dotGit string, bare bool, err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", false, err
	}
	if _, err := os.Stat(abs); err != nil {
		return "", false, err
	}
	for at := abs; ; at = filepath.Dir(at) {
		dot := filepath.Join(at, ".git")
		info, err := os.Stat(dot)
		switch {
		case err == nil && info.IsDir():
			return dot, false, nil
		case err == nil:
			b, err := os.ReadFile(dot)
			to, ok := strings.CutPrefix(strings.TrimSpace(string(b)), "gitdir: ")
			if err != nil || !ok {
				return "", false, errors.Join(fmt.Errorf("%s names no git directory", dot), err)
			}
			if !filepath.IsAbs(to) {
				to = filepath.Join(at, to)
			}
			return to, false, nil
		case isBare(at):
			return at, true, nil
		case filepath.Dir(at) == at:
			return "", false, fmt.Errorf("%s is not in a git repository: %w", dir, gogit.ErrRepositoryNotExists)
		}
	}
}

func isBare(dir string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// storage opens repositories with extensions that do not change how objects
// and branches are stored; go-git refuses all extensions that it does not know.
type storage struct{ *filesystem.Storage }

func (s storage) Config() (*config.Config, error) {
	cfg, err := s.Storage.Config()
	if err == nil && cfg.Raw != nil && cfg.Raw.HasSection("extensions") {
		section := cfg.Raw.Section("extensions")
		for _, name := range []string{"partialClone", "preciousObjects", "worktreeConfig", "relativeWorktrees"} {
			section.RemoveOption(name)
		}
	}
	return cfg, err
}

// read returns any object; errNotAtHand if the clone lacks it.
func (r *repository) read(h plumbing.Hash) (plumbing.EncodedObject, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, err := r.Storer.EncodedObject(plumbing.AnyObject, h)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		err = errNotAtHand
	}
	return e, err
}

// tooLarge reports whether an object is larger than limit, without reading it.
func (r *repository) tooLarge(h plumbing.Hash, limit int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := r.Storer.EncodedObjectSize(h)
	return err == nil && n > limit
}

// resolve returns the commit that a user means by rev.
func (r *repository) resolve(rev string) (plumbing.Hash, error) {
	if rev == "" || strings.ContainsAny(rev[:1], "^~:@") && rev != "@" || strings.Contains(rev, "@{") {
		return plumbing.ZeroHash, fmt.Errorf("%q is not a revision that is understood here", rev)
	}
	h, err := r.ResolveRevision(plumbing.Revision(rev))
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("there is no revision %q in this repository", rev)
	}
	return *h, nil
}

// defaultBranch returns the name of the default branch and its tip. Of a
// repository that was cloned it is what origin has; without an origin, main or
// master; without these, whatever is checked out.
func (r *repository) defaultBranch() (name string, tip plumbing.Hash, err error) {
	const origin = "refs/remotes/origin/"
	if ref, err := r.Storer.Reference(origin + "HEAD"); err == nil && ref.Type() == plumbing.SymbolicReference {
		if tip, err := r.Reference(ref.Target(), true); err == nil {
			return strings.TrimPrefix(ref.Target().String(), origin), tip.Hash(), nil
		}
	}
	for _, prefix := range []string{origin, "refs/heads/"} {
		for _, name := range []string{"main", "master"} {
			if ref, err := r.Reference(plumbing.ReferenceName(prefix+name), true); err == nil {
				return name, ref.Hash(), nil
			}
		}
	}
	head, err := r.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return "", plumbing.ZeroHash, fmt.Errorf("the repository has no commit yet: %w", fs.ErrNotExist)
	}
	if err != nil {
		return "", plumbing.ZeroHash, err
	}
	return head.Name().Short(), head.Hash(), nil
}

// DefaultBranch returns the name of the default branch of the repository at or
// above dir: origin's if it has one, else main or master, else what is checked
// out ("HEAD" if that is no branch). A repository without a commit is
// fs.ErrNotExist.
func DefaultBranch(dir string) (string, error) {
	r, err := open(dir)
	if err != nil {
		return "", err
	}
	name, _, err := r.defaultBranch()
	return name, err
}

// ReadLocal returns the file at a path of the repository at or above dir, at
// rev; "" means the default branch. A file that is not there is
// fs.ErrNotExist; what is there and no file is another error. Symbolic links
// are not followed.
func ReadLocal(dir, rev, path string) ([]byte, error) {
	r, err := open(dir)
	if err != nil {
		return nil, err
	}
	var at plumbing.Hash
	if rev == "" {
		_, at, err = r.defaultBranch()
	} else {
		at, err = r.resolve(rev)
	}
	if err != nil {
		return nil, err
	}
	o := r.objects(Limits{}.forLocal())
	c, err := o.commit(at)
	if err != nil {
		return nil, err
	}
	t := treeFS{o, c.tree}
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

func kind(s side) string {
	switch s.mode & typeMask {
	case typeDir:
		return "a directory"
	case typeLink:
		return "a symbolic link"
	}
	return "a submodule"
}
