package github

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// Every review wants the files of its organisation, which hardly ever change:
// they are kept for a while.
const (
	ownersFileLife = time.Minute
	ownersFileCap  = 10_000
)

type ownersFiles struct {
	mu   sync.Mutex
	kept map[ownersKey]ownersAnswer
}

type ownersKey struct {
	installation int64
	name, paths  string
}

type ownersAnswer struct {
	files map[string]forge.File
	until time.Time
}

// OwnersFiles reads files of another repository of the same installation. Its
// token is for that repository alone, by name: its id is not known.
func (f *Forge) OwnersFiles(ctx context.Context, repo forge.Repo, name string, paths ...string) map[string]forge.File {
	k := ownersKey{repo.Installation, name, strings.Join(paths, "\n")}
	f.ownersFiles.mu.Lock()
	kept := f.ownersFiles.kept[k]
	f.ownersFiles.mu.Unlock()
	if f.now().Before(kept.until) {
		return kept.files
	}
	files, err := f.readOwners(ctx, repo, name, paths)
	if err != nil {
		files = map[string]forge.File{}
		for _, path := range paths {
			files[path] = forge.File{Err: err}
		}
	}
	if settled(files) {
		f.ownersFiles.mu.Lock()
		defer f.ownersFiles.mu.Unlock()
		if len(f.ownersFiles.kept) >= ownersFileCap {
			clear(f.ownersFiles.kept)
		}
		f.ownersFiles.kept[k] = ownersAnswer{files, f.now().Add(ownersFileLife)}
	}
	return files
}

// settled reports whether nothing went wrong that may go right the next time.
func settled(files map[string]forge.File) bool {
	for _, file := range files {
		if file.Err != nil && !errors.Is(file.Err, forge.ErrNotFound) && !errors.Is(file.Err, forge.ErrDenied) {
			return false
		}
	}
	return true
}

func (f *Forge) readOwners(ctx context.Context, repo forge.Repo, name string, paths []string) (map[string]forge.File, error) {
	fail := func(err error) (map[string]forge.File, error) {
		return nil, f.wrap(err, "read %s of %s/%s", strings.Join(paths, " and "), repo.Owner, name)
	}
	if _, err := f.client(repo, grant{}); err != nil { // checks the owner's name
		return fail(err)
	}
	k := tokenKey{installation: repo.Installation, name: name, grant: grant{contents: read}}
	c := f.clientOver(conditional(&bearer{f.tokens, k}, f.answers.to(k)))
	var a struct{ Repository *repositoryAnswer }
	parameters, part := filesPart(len(paths))
	query := `query($owner: String!, $name: String!` + parameters + `) { repository(owner: $owner, name: $name) { ` + part + ` } }`
	variables := map[string]any{"owner": repo.Owner, "name": name}
	if err := f.ask(ctx, c, query, withPaths(variables, paths), &a); err != nil || a.Repository == nil {
		if err == nil || errors.Is(err, forge.ErrNotFound) { // the repository; its files are null
			err = fmt.Errorf("%w: it is not shown to us", forge.ErrDenied)
		}
		return fail(err)
	}
	return a.Repository.files(paths, func(path string) ([]byte, error) {
		file, _, _, err := c.Repositories.GetContents(ctx, repo.Owner, name, path, nil)
		if err != nil {
			return nil, f.wrap(err, "read %s of %s/%s", path, repo.Owner, name)
		}
		return content(file, path)
	})
}
