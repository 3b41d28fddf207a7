package github

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// Every review wants the file of its organisation, which hardly ever changes:
// it is kept for a while.
const (
	ownersFileLife = time.Minute
	ownersFileCap  = 10_000
)

type ownersFiles struct {
	mu   sync.Mutex
	kept map[ownersFileKey]ownersFile
}

type ownersFileKey struct {
	installation int64
	name, path   string
}

type ownersFile struct {
	text  []byte
	err   error // forge.ErrNotFound, forge.ErrDenied, or none
	until time.Time
}

// OwnersFile reads a file of another repository of the same installation. Its
// token is for that repository alone, by name: its id is not known.
func (f *Forge) OwnersFile(ctx context.Context, repo forge.Repo, name, path string) ([]byte, error) {
	if _, err := f.client(repo, grant{}); err != nil {
		return nil, fmt.Errorf("read %s of %s/%s: %w", path, repo.Owner, name, err)
	}
	k, all := ownersFileKey{repo.Installation, name, path}, ownersFileKey{repo.Installation, name, ""}
	f.ownersFiles.mu.Lock()
	kept, denied := f.ownersFiles.kept[k], f.ownersFiles.kept[all]
	f.ownersFiles.mu.Unlock()
	for _, one := range []ownersFile{kept, denied} {
		if f.now().Before(one.until) {
			return one.text, one.err
		}
	}
	text, err := f.ownersFile(ctx, repo, name, path)
	if err == nil || errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrDenied) {
		if errors.Is(err, forge.ErrDenied) {
			k = all // it is the repository that we are not shown
		}
		f.ownersFiles.mu.Lock()
		defer f.ownersFiles.mu.Unlock()
		if len(f.ownersFiles.kept) >= ownersFileCap {
			clear(f.ownersFiles.kept)
		}
		f.ownersFiles.kept[k] = ownersFile{text, err, f.now().Add(ownersFileLife)}
	}
	return text, err
}

func (f *Forge) ownersFile(ctx context.Context, repo forge.Repo, name, path string) ([]byte, error) {
	k := tokenKey{installation: repo.Installation, name: name, grant: grant{contents: read}}
	c := f.clientOver(conditional(&bearer{f.tokens, k}, f.answers.to(k)))
	file, _, _, err := c.Repositories.GetContents(ctx, repo.Owner, name, path, nil)
	if err != nil {
		return nil, f.wrap(err, "read %s of %s/%s", path, repo.Owner, name)
	}
	return content(file, path)
}
