package git

import (
	"errors"
	"path/filepath"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/helper/mount"
	"github.com/go-git/go-billy/v5/helper/polyfill"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

// storage is go-git's, with what it lacks: objects that a clone by --shared or
// --reference borrows are found (go-git does not leave the git directory, and
// knows no alternates of alternates), and extensions that do not change how
// objects and branches are stored are accepted.
type storage struct {
	*filesystem.Storage
	borrowed []*filesystem.ObjectStorage
}

func newStorage(p place) storage {
	objects := cache.NewObjectLRUDefault()
	at := osfs.New(p.dotGit)
	if p.common != p.dotGit {
		at = dotgit.NewRepositoryFilesystem(at, osfs.New(p.common))
	}
	s := storage{Storage: filesystem.NewStorage(at, objects)}
	for _, dir := range p.borrowed {
		var fs billy.Filesystem = osfs.New(filepath.Dir(dir))
		if filepath.Base(dir) != "objects" {
			fs = polyfill.New(mount.New(fs, "objects", osfs.New(dir)))
		}
		s.borrowed = append(s.borrowed, filesystem.NewObjectStorage(dotgit.New(fs), objects))
	}
	return s
}

// first returns what the first of the object directories has.
func first[T any](s storage, get func(*filesystem.ObjectStorage) (T, error)) (T, error) {
	found, err := get(&s.ObjectStorage)
	for _, other := range s.borrowed {
		if !errors.Is(err, plumbing.ErrObjectNotFound) {
			break
		}
		found, err = get(other)
	}
	return found, err
}

func (s storage) EncodedObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	return first(s, func(o *filesystem.ObjectStorage) (plumbing.EncodedObject, error) { return o.EncodedObject(t, h) })
}

func (s storage) EncodedObjectSize(h plumbing.Hash) (int64, error) {
	return first(s, func(o *filesystem.ObjectStorage) (int64, error) { return o.EncodedObjectSize(h) })
}

func (s storage) HasEncodedObject(h plumbing.Hash) error {
	_, err := first(s, func(o *filesystem.ObjectStorage) (struct{}, error) { return struct{}{}, o.HasEncodedObject(h) })
	return err
}

// HashesWithPrefix is what go-git resolves abbreviated hashes with.
func (s storage) HashesWithPrefix(prefix []byte) ([]plumbing.Hash, error) {
	all, err := s.Storage.HashesWithPrefix(prefix)
	for _, other := range s.borrowed {
		if err != nil {
			break
		}
		var more []plumbing.Hash
		more, err = other.HashesWithPrefix(prefix)
		all = append(all, more...)
	}
	return all, err
}

// Config implements config.ConfigStorer.
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
