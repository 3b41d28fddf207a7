package github

import (
	"context"
	"errors"
	"fmt"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// pageSize is the most that GitHub gives at once.
const pageSize = 100

// Pull returns a pull request as it stands now.
func (f *Forge) Pull(ctx context.Context, ref forge.PullRef) (forge.Pull, error) {
	c, err := f.client(ref.Repo, grant{pulls: read})
	if err != nil {
		return forge.Pull{}, fmt.Errorf("get pull request %v: %w", ref, err)
	}
	p, _, err := c.PullRequests.Get(ctx, ref.Repo.Owner, ref.Repo.Name, ref.Number)
	if err != nil {
		return forge.Pull{}, f.wrap(err, "get pull request %v", ref)
	}
	if id := p.GetBase().GetRepo().GetID(); id != ref.Repo.ID {
		// The name belongs to another repository by now.
		return forge.Pull{}, fmt.Errorf("get pull request %v: %w: it is in repository %d, not %d", ref, forge.ErrNotFound, id, ref.Repo.ID)
	}
	return pullOf(ref.Repo, p), nil
}

// pullsAt returns the open pull requests of repo whose head is sha, however many.
func (f *Forge) pullsAt(ctx context.Context, repo forge.Repo, sha string) ([]forge.Pull, error) {
	c, err := f.client(repo, grant{pulls: read})
	if err != nil {
		return nil, fmt.Errorf("list pull requests at %s: %w", sha, err)
	}
	var out []forge.Pull
	for page := 1; page != 0; {
		list, resp, err := c.PullRequests.ListPullRequestsWithCommit(ctx, repo.Owner, repo.Name, sha,
			&gh.ListOptions{Page: page, PerPage: pageSize})
		if err != nil {
			return nil, f.wrap(err, "list pull requests of %v at %s", repo, sha)
		}
		for _, p := range list {
			if p.GetState() == "open" && p.GetHead().GetSHA() == sha && p.GetBase().GetRepo().GetID() == repo.ID {
				out = append(out, pullOf(repo, p))
			}
		}
		page = resp.NextPage
	}
	return out, nil
}

func pullOf(repo forge.Repo, p *gh.PullRequest) forge.Pull {
	base, head := p.GetBase(), p.GetHead()
	repo.Owner, repo.Name = base.GetRepo().GetOwner().GetLogin(), base.GetRepo().GetName()
	if d := base.GetRepo().GetDefaultBranch(); d != "" {
		repo.Default = d
	}
	return forge.Pull{
		PullRef: forge.PullRef{Repo: repo, Number: p.GetNumber()},
		ID:      p.GetID(),
		Title:   p.GetTitle(),
		Author:  forge.User{ID: p.GetUser().GetID(), Login: p.GetUser().GetLogin()},
		BaseRef: base.GetRef(), BaseSHA: base.GetSHA(),
		HeadRef: head.GetRef(), HeadSHA: head.GetSHA(),
		Fork:    head.GetRepo().GetID() != repo.ID, // also if the fork is gone
		Draft:   p.GetDraft(),
		Open:    p.GetState() == "open",
		Merged:  p.GetMerged() || !p.GetMergedAt().IsZero(),
		URL:     p.GetHTMLURL(),
		Updated: p.GetUpdatedAt().Time,
	}
}

// Compare returns where head left base; both are SHAs of repo or its forks.
func (f *Forge) Compare(ctx context.Context, repo forge.Repo, base, head string) (forge.Comparison, error) {
	c, err := f.client(repo, grant{contents: read})
	if err != nil {
		return forge.Comparison{}, fmt.Errorf("compare %s with %s: %w", base, head, err)
	}
	// Files come on the first page only, up to 300 of them with their patches.
	got, _, err := c.Repositories.CompareCommits(ctx, repo.Owner, repo.Name, base, head, &gh.ListOptions{Page: 2, PerPage: 1})
	if err != nil {
		err = f.wrap(err, "compare %s with %s in %v", base, head, repo)
		var e *statusError
		if errors.As(err, &e) && strings.Contains(e.Message, "No common ancestor") {
			return forge.Comparison{}, nil
		}
		return forge.Comparison{}, err
	}
	return forge.Comparison{MergeBase: got.GetMergeBaseCommit().GetSHA(), Ahead: got.GetAheadBy()}, nil
}
