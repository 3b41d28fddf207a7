package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// PutIssue opens an issue unless one of our latest has its Key. A repository
// without issues is forge.ErrDenied.
func (f *Forge) PutIssue(ctx context.Context, repo forge.Repo, i forge.Issue) error {
	what := fmt.Sprintf("open an issue in %v", repo)
	slug, err := f.login(ctx)
	if err != nil {
		return err
	}
	client, err := f.client(repo, grant{issues: write})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	release, err := f.locks.take(ctx, fmt.Sprintf("issue/%d", repo.ID))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer release()
	key, here := "issue/"+i.Key, forge.PullRef{Repo: repo}
	latest, _, err := client.Issues.ListByRepo(ctx, repo.Owner, repo.Name, &gh.IssueListByRepoOptions{
		Creator: slug + "[bot]", State: "all", Sort: "created", Direction: "desc", ListOptions: gh.ListOptions{PerPage: pageSize}})
	if err != nil {
		return f.denied(err, what)
	}
	there := slices.ContainsFunc(latest, func(x *gh.Issue) bool {
		m, ok := f.readMark(here, x.GetBody())
		return ok && m.is(key) && isOurs(x.GetUser(), slug)
	})
	if there {
		return nil
	}
	body := f.commentBody(here, key, i.Body)
	_, _, err = client.Issues.Create(ctx, repo.Owner, repo.Name, &gh.IssueRequest{Title: gh.String(cutLine(i.Title, maxTitle)), Body: &body})
	return f.denied(err, what)
}

// denied is wrap for a repository that may have its issues turned off: that is 410.
func (f *Forge) denied(err error, what string) error {
	var e *gh.ErrorResponse
	if errors.As(err, &e) && e.Response != nil && e.Response.StatusCode == http.StatusGone {
		return fmt.Errorf("%s: issues are turned off: %w", what, forge.ErrDenied)
	}
	return f.wrap(err, "%s", what)
}
