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

// A Writer is a second App that writes to repositories: it opens upgrades and
// resolves threads. The first one then need not have contents: write, so who
// gets hold of its key can change no code.
type Writer struct {
	AppID      int64
	PrivateKey []byte // PEM
}

type writer struct {
	*Forge
	client func() *gh.Client
	tokens *tokens
	name   *appName

	mu sync.Mutex
	on map[int64]installed // by repository
}

// installed is the writer's installation on a repository.
type installed struct {
	id    int64
	until time.Time // it may be another one after that
}

const (
	installedLife = time.Hour
	installedCap  = 10_000
)

func newWriter(f *Forge, client func() *gh.Client, t *tokens) *writer {
	return &writer{Forge: f, client: client, tokens: t, name: newAppName(client), on: map[int64]installed{}}
}

// writing returns a client that may write to repo. Where the App that writes is
// not installed or may not, that is forge.ErrDenied.
func (f *Forge) writing(ctx context.Context, repo forge.Repo, g grant) (*gh.Client, error) {
	c, err := f.client(repo, g) // checks the name as well
	if err != nil || f.writer == nil {
		return c, err
	}
	id, err := f.writer.installation(ctx, repo)
	if err != nil {
		return nil, err
	}
	k := tokenKey{installation: id, repo: repo.ID, grant: g}
	return f.clientOver(conditional(&bearer{f.writer.tokens, k}, f.answers.to(k))), nil
}

// installation returns the id of the writer's installation on repo.
func (w *writer) installation(ctx context.Context, repo forge.Repo) (int64, error) {
	w.mu.Lock()
	known, ok := w.on[repo.ID]
	w.mu.Unlock()
	if ok && w.now().Before(known.until) {
		return known.id, nil
	}
	in, _, err := w.client().Apps.FindRepositoryInstallation(ctx, repo.Owner, repo.Name)
	err = w.wrap(err, "find the writing App's installation on %v", repo)
	if errors.Is(err, forge.ErrNotFound) {
		return 0, fmt.Errorf("%w: the App that writes is not installed on %v", forge.ErrDenied, repo)
	}
	if err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.on) >= installedCap {
		clear(w.on)
	}
	w.on[repo.ID] = installed{in.GetID(), w.now().Add(installedLife)}
	return in.GetID(), nil
}

// writerLogin returns the name under which GitHub shows what is written to repositories.
func (f *Forge) writerLogin(ctx context.Context) (string, error) {
	if f.writer == nil {
		return f.login(ctx)
	}
	slug, err := f.writer.name.get(ctx)
	return slug, f.wrap(err, "ask for the name of the App that writes")
}
