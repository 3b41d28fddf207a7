package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
)

// MayPush reports whether the App that writes has contents: write in repo. It
// asks GitHub what was granted, so that no token that may write is made for it.
func (f *Forge) MayPush(ctx context.Context, repo forge.Repo) (bool, error) {
	what := fmt.Sprintf("ask whether the App may write to %v", repo)
	if _, err := f.client(repo, grant{}); err != nil { // checks the name
		return false, fmt.Errorf("%s: %w", what, err)
	}
	of := f.reader
	if f.writer != nil {
		of = f.writer.installations
	}
	in, err := of.on(ctx, repo)
	if errors.Is(err, forge.ErrDenied) {
		return false, nil
	}
	return in.writes, f.wrap(err, "%s", what)
}

// Pushed returns the commit that answered ask on the branch of p, "" if there
// is none among the latest hundred.
func (f *Forge) Pushed(ctx context.Context, p forge.Pull, ask string) (string, error) {
	what := fmt.Sprintf("look for our commit on %v", p.PullRef)
	c, err := f.client(p.Repo, grant{contents: read})
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	list, _, err := c.Repositories.ListCommits(ctx, p.Repo.Owner, p.Repo.Name,
		&gh.CommitsListOptions{SHA: p.HeadSHA, ListOptions: gh.ListOptions{PerPage: pageSize}})
	if err != nil {
		return "", f.wrap(err, "%s", what)
	}
	for _, made := range list {
		m := f.fixMarker.FindStringSubmatch(made.GetCommit().GetMessage())
		if len(m) == 2 && len(made.Parents) == 1 &&
			f.confirms(m[1], func(k finding.Key) string {
				return fixMAC(k, p, ask, made.GetCommit().GetTree().GetSHA(), made.Parents[0].GetSHA())
			}) {
			return made.GetSHA(), nil
		}
	}
	return "", nil
}

// Push puts one commit of ours onto the branch of p and returns its SHA. The
// branch must stand where p says, and moves forward only: otherwise
// forge.ErrMoved. Without contents: write it is forge.ErrDenied; a branch that
// GitHub does not let us change is a *forge.RefusedError. A fork's is never
// written to.
func (f *Forge) Push(ctx context.Context, p forge.Pull, c forge.Commit) (string, error) {
	what := fmt.Sprintf("push to the branch of %v", p.PullRef)
	if p.Fork || p.HeadRef == "" {
		return "", fmt.Errorf("%s: %w: it is a fork's", what, forge.ErrDenied)
	}
	client, err := f.writing(ctx, p.Repo, grant{contents: write})
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	release, err := f.locks.take(ctx, fmt.Sprintf("push/%d/%s", p.Repo.ID, p.HeadRef))
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	defer release()
	sha, err := f.push(ctx, client, p, c)
	return sha, f.wrap(err, "%s", what)
}

func (f *Forge) push(ctx context.Context, client *gh.Client, p forge.Pull, c forge.Commit) (string, error) {
	repo, name := p.Repo, "refs/heads/"+p.HeadRef
	// Without force GitHub moves a branch forward only. That alone would not
	// keep us from bringing back what somebody has just taken away with a
	// force-push to an older commit.
	ref, _, err := client.Git.GetRef(ctx, repo.Owner, repo.Name, name)
	if err = f.wrap(err, "read branch %s", p.HeadRef); errors.Is(err, forge.ErrNotFound) {
		return "", fmt.Errorf("%w: %w", forge.ErrMoved, err)
	} else if err != nil {
		return "", err
	}
	if ref.GetObject().GetSHA() != p.HeadSHA {
		return "", forge.ErrMoved
	}
	head, _, err := client.Git.GetCommit(ctx, repo.Owner, repo.Name, p.HeadSHA)
	if err != nil {
		return "", f.wrap(err, "read commit %s", p.HeadSHA)
	}
	files, executable := map[string][]byte{}, map[string]bool{}
	for path, content := range c.Files {
		files[path], executable[path] = content.Text, content.Executable
	}
	tree, err := f.tree(ctx, client, repo, head.GetTree().GetSHA(), files, executable)
	if err != nil {
		return "", err
	}
	if tree == head.GetTree().GetSHA() {
		return p.HeadSHA, nil // there is nothing to change
	}
	message := strings.TrimRight(clean(c.Message), " \t\r\n") + "\n\nPullwarden-Fix: " + fixMAC(f.key, p, c.Ask, tree, p.HeadSHA) + "\n"
	// Without an author GitHub names our App, and signs.
	made, _, err := client.Git.CreateCommit(ctx, repo.Owner, repo.Name, &gh.Commit{
		Message: &message, Tree: &gh.Tree{SHA: &tree}, Parents: []*gh.Commit{{SHA: &p.HeadSHA}},
	}, nil)
	if err != nil {
		return "", f.wrap(err, "make the commit")
	}
	_, _, err = client.Git.UpdateRef(ctx, repo.Owner, repo.Name, &gh.Reference{Ref: &name, Object: &gh.GitObject{SHA: made.SHA}}, false)
	if err != nil {
		return "", fmt.Errorf("move branch %s: %w", p.HeadRef, refusal(classify(err, f.now())))
	}
	return made.GetSHA(), nil
}

// refusal tells what it means that a branch was not moved.
func refusal(err error) error {
	var answer *statusError
	var busy *forge.BusyError
	if !errors.As(err, &answer) || errors.As(err, &busy) {
		return err
	}
	gone := strings.Contains(answer.Message, "not a fast forward") || strings.Contains(answer.Message, "Reference does not exist")
	switch code := answer.Code; {
	case code == http.StatusConflict, code == http.StatusUnprocessableEntity && gone:
		return fmt.Errorf("%w: %w", forge.ErrMoved, err)
	case code == http.StatusUnprocessableEntity, code == http.StatusForbidden:
		return &forge.RefusedError{Why: withoutTokens(answer.Message)}
	}
	return err
}
