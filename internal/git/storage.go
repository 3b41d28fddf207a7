package git

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

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
// knows no alternates of alternates), and fewer configurations are refused.
type storage struct {
	*filesystem.Storage
	common   string
	borrowed []*filesystem.ObjectStorage
}

func newStorage(p place) storage {
	objects := cache.NewObjectLRUDefault()
	at := osfs.New(p.dotGit)
	if p.common != p.dotGit {
		at = dotgit.NewRepositoryFilesystem(at, osfs.New(p.common))
	}
	s := storage{Storage: filesystem.NewStorage(at, objects), common: p.common}
	for _, dir := range p.borrowed {
		var at billy.Filesystem = osfs.New(filepath.Dir(dir))
		if filepath.Base(dir) != "objects" {
			at = polyfill.New(mount.New(at, "objects", osfs.New(dir)))
		}
		s.borrowed = append(s.borrowed, filesystem.NewObjectStorage(dotgit.New(at), objects))
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

// section is the header of a section in a configuration file.
var section = regexp.MustCompile(`^\s*\[\s*([\w.-]+)\s*(?:"((?:[^"\\]|\\.)*)")?\s*\]`)

// Config implements config.ConfigStorer, with what decides how a repository is
// read: go-git refuses values of other sections that git accepts.
func (s storage) Config() (*config.Config, error) {
	var kept []byte
	remotes := map[string]*config.RemoteConfig{}
	text, err := os.ReadFile(filepath.Join(s.common, "config"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	keep := false
	for line := range bytes.Lines(text) {
		if m := section.FindSubmatch(line); m != nil {
			name := strings.ToLower(string(m[1]))
			keep = name == "core" || name == "extensions"
			if name == "remote" {
				remotes[string(m[2])] = &config.RemoteConfig{Name: string(m[2])}
			}
		}
		if keep {
			kept = append(kept, line...)
		}
	}
	cfg := config.NewConfig()
	if err := cfg.Unmarshal(kept); err != nil {
		return nil, err
	}
	cfg.Remotes = remotes
	// These do not change how objects and branches are stored.
	extensions := cfg.Raw.Section("extensions")
	for _, name := range []string{"partialClone", "preciousObjects", "worktreeConfig", "relativeWorktrees"} {
		extensions.RemoveOption(name)
	}
	for name, usual := range map[string]string{"objectFormat": "sha1", "refStorage": "files"} {
		if extensions.Option(name) == usual {
			extensions.RemoveOption(name)
		}
	}
	return cfg, nil
}
