package github

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// installations knows where an App is installed, and asks again after a while.
type installations struct {
	*Forge
	app    string // what it is called in errors
	client func() *gh.Client

	mu      sync.Mutex
	known   map[int64]installed // by repository
	granted map[int64]installed // by installation: what GitHub told unasked
}

// installed is an App's installation on a repository.
type installed struct {
	id     int64
	writes bool      // it has contents: write
	until  time.Time // it may be another one after that
}

const (
	installedLife = time.Hour
	deniedLife    = time.Minute // of what may be granted at any moment
	installedCap  = 10_000
)

func newInstallations(f *Forge, app string, client func() *gh.Client) *installations {
	return &installations{Forge: f, app: app, client: client, known: map[int64]installed{}, granted: map[int64]installed{}}
}

// on returns the App's installation on repo, forge.ErrDenied if there is none.
func (i *installations) on(ctx context.Context, repo forge.Repo) (installed, error) {
	i.mu.Lock()
	known := []installed{i.granted[repo.Installation], i.known[repo.ID]}
	i.mu.Unlock()
	for _, in := range known {
		if i.now().Before(in.until) {
			return in, nil
		}
	}
	in, _, err := i.client().Apps.FindRepositoryInstallation(ctx, repo.Owner, repo.Name)
	err = i.wrap(err, "find the installation of %s on %v", i.app, repo)
	if errors.Is(err, forge.ErrNotFound) {
		return installed{}, fmt.Errorf("%w: %s is not installed on %v", forge.ErrDenied, i.app, repo)
	}
	if err != nil {
		return installed{}, err
	}
	found := installed{in.GetID(), in.GetPermissions().GetContents() == write, i.now().Add(installedLife)}
	if !found.writes {
		found.until = i.now().Add(deniedLife)
	}
	i.keep(i.known, repo.ID, found)
	return found, nil
}

func (i *installations) keep(in map[int64]installed, key int64, found installed) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(in) >= installedCap {
		clear(in)
	}
	in[key] = found
}

// Granted keeps what an installation lets the App do with the contents of its
// repositories, "read" or "write", as GitHub told it unasked.
func (f *Forge) Granted(installation int64, contents string) {
	f.reader.keep(f.reader.granted, installation, installed{installation, contents == write, f.now().Add(installedLife)})
}
