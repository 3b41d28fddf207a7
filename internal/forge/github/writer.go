package github

import (
	"context"

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
	*installations
	tokens *tokens
	name   *appName
}

func newWriter(f *Forge, client func() *gh.Client, t *tokens) *writer {
	return &writer{newInstallations(f, "the App that writes", client), t, newAppName(client)}
}

// writing returns a client that may write to repo. Where the App that writes is
// not installed or may not, that is forge.ErrDenied.
func (f *Forge) writing(ctx context.Context, repo forge.Repo, g grant) (*gh.Client, error) {
	c, err := f.client(repo, g) // checks the name as well
	if err != nil || f.writer == nil {
		return c, err
	}
	in, err := f.writer.on(ctx, repo)
	if err != nil {
		return nil, err
	}
	k := tokenKey{installation: in.id, repo: repo.ID, grant: g}
	return f.clientOver(conditional(&bearer{f.writer.tokens, k}, f.answers.to(k))), nil
}

// writerLogin returns the name under which GitHub shows what is written to repositories.
func (f *Forge) writerLogin(ctx context.Context) (string, error) {
	if f.writer == nil {
		return f.login(ctx)
	}
	slug, err := f.writer.name.get(ctx)
	return slug, f.wrap(err, "ask for the name of the App that writes")
}
