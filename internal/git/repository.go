package git

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
)

// A repository is one on this machine, read through go-git.
type repository struct {
	*gogit.Repository
	place
	absent int        // blobs that were wanted and are not in the clone
	mu     sync.Mutex // go-git's object storage is not safe for concurrent use
}

// open finds the repository at or above dir; env is as locate takes it.
func open(dir string, env func(string) string) (*repository, error) {
	p, err := locate(dir, env)
	if err != nil {
		return nil, err
	}
	r, err := gogit.Open(newStorage(p), nil)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", p.dotGit, err)
	}
	cfg, err := r.Config()
	if err != nil {
		return nil, fmt.Errorf("read the configuration of %s: %w", p.dotGit, err)
	}
	named := env != nil && env("GIT_WORK_TREE") != ""
	switch {
	case named || p.common != p.dotGit:
	case cfg.Core.IsBare:
		p.work = ""
	case cfg.Core.Worktree != "":
		p.work = join(p.dotGit, cfg.Core.Worktree)
	}
	return &repository{Repository: r, place: p}, nil
}

// shallow reports whether the history of the clone was cut.
func (r *repository) shallow() bool {
	info, err := os.Stat(filepath.Join(r.common, "shallow"))
	return err == nil && info.Size() > 0
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
		return plumbing.ZeroHash, &BaseError{Problem: NotInClone, Base: rev, Shallow: r.shallow()}
	}
	return *h, nil
}

// branch returns the tip of a branch: the one that the remote has, else ours.
func (r *repository) branch(name string) (plumbing.Hash, bool) {
	name = strings.TrimPrefix(name, "refs/heads/")
	for _, prefix := range []string{r.remote(), "refs/heads/"} {
		if tip, ok := r.tip(prefix + name); prefix != "" && ok {
			return tip, true
		}
	}
	return plumbing.ZeroHash, false
}

func (r *repository) tip(ref string) (plumbing.Hash, bool) {
	found, err := r.Reference(plumbing.ReferenceName(ref), true)
	if err != nil {
		return plumbing.ZeroHash, false
	}
	return found.Hash(), true
}

// remote returns where the branches of origin are kept, or those of the only
// remote; "" if there is no remote.
func (r *repository) remote() string {
	cfg, err := r.Config()
	if err != nil || len(cfg.Remotes) == 0 {
		return ""
	}
	name := "origin"
	if len(cfg.Remotes) == 1 {
		for name = range cfg.Remotes {
		}
	}
	return "refs/remotes/" + name + "/"
}

// defaultBranch returns the name of the default branch and its tip: the branch
// that told names; else the one that the remote's HEAD names; else main or
// master; else the only branch of a repository without a remote. It reports
// false if the clone does not have it; name is then what told said, or "".
func (r *repository) defaultBranch(told string) (name string, tip plumbing.Hash, ok bool) {
	if told != "" {
		tip, ok := r.branch(told)
		return told, tip, ok
	}
	remote := r.remote()
	if ref, err := r.Storer.Reference(plumbing.ReferenceName(remote + "HEAD")); remote != "" && err == nil && ref.Type() == plumbing.SymbolicReference {
		if tip, ok := r.tip(ref.Target().String()); ok {
			return strings.TrimPrefix(ref.Target().String(), remote), tip, true
		}
	}
	for _, prefix := range []string{remote, "refs/heads/"} {
		for _, name := range []string{"main", "master"} {
			if tip, ok := r.tip(prefix + name); prefix != "" && ok {
				return name, tip, true
			}
		}
	}
	branches, err := r.Branches()
	if remote != "" || err != nil {
		return "", plumbing.ZeroHash, false
	}
	n := 0
	err = branches.ForEach(func(ref *plumbing.Reference) error {
		name, tip, n = ref.Name().Short(), ref.Hash(), n+1
		return nil
	})
	if err != nil || n != 1 {
		return "", plumbing.ZeroHash, false
	}
	return name, tip, true
}
