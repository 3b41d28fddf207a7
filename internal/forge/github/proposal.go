package github

import (
	"context"
	"fmt"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
)

const (
	maxPullTitle = 256 // characters
	maxLabel     = 50  // characters
)

// PutProposal opens our pull request for p.Branch or brings it up to date. One
// that was closed without being merged stays closed, and its branch untouched:
// somebody said no.
func (f *Forge) PutProposal(ctx context.Context, repo forge.Repo, p forge.Proposal) (forge.PullRef, error) {
	what := fmt.Sprintf("put the proposal %s to %v", p.Branch, repo)
	none := forge.PullRef{}
	c, err := f.writing(ctx, repo, grant{contents: write, pulls: write})
	if err != nil {
		return none, fmt.Errorf("%s: %w", what, err)
	}
	release, err := f.locks.take(ctx, fmt.Sprintf("proposal/%d/%s", repo.ID, p.Branch))
	if err != nil {
		return none, fmt.Errorf("%s: %w", what, err)
	}
	defer release()
	ours, err := f.ownPulls(ctx, c, repo, gh.PullRequestListOptions{
		State: "all", Head: repo.Owner + ":" + p.Branch, Sort: "created", Direction: "desc"})
	if err != nil {
		return none, f.wrap(err, "%s", what)
	}
	var open *gh.PullRequest
	for _, pr := range ours {
		if pr.GetState() == "open" {
			open = pr
			break
		}
	}
	if open == nil && len(ours) > 0 && ours[0].GetMergedAt().IsZero() {
		return forge.PullRef{Repo: repo, Number: ours[0].GetNumber()}, nil
	}
	if err := f.putBranch(ctx, c, repo, p); err != nil {
		return none, f.wrap(err, "%s", what)
	}
	open, err = f.putPull(ctx, c, repo, open, p)
	if err != nil {
		return none, f.wrap(err, "%s", what)
	}
	ref := forge.PullRef{Repo: repo, Number: open.GetNumber()}
	return ref, f.wrap(f.putLabels(ctx, c, ref, open, p.Labels), "%s", what)
}

// Proposals returns our own open pull requests in repo, by their branch.
func (f *Forge) Proposals(ctx context.Context, repo forge.Repo) (map[string]forge.PullRef, error) {
	c, err := f.writing(ctx, repo, grant{pulls: read})
	if err != nil {
		return nil, fmt.Errorf("list the proposals to %v: %w", repo, err)
	}
	ours, err := f.ownPulls(ctx, c, repo, gh.PullRequestListOptions{State: "open"})
	if err != nil {
		return nil, f.wrap(err, "list the proposals to %v", repo)
	}
	out := map[string]forge.PullRef{}
	for _, pr := range ours {
		out[pr.GetHead().GetRef()] = forge.PullRef{Repo: repo, Number: pr.GetNumber()}
	}
	return out, nil
}

// ownPulls lists the pull requests of o that our App opened from a branch of repo.
func (f *Forge) ownPulls(ctx context.Context, c *gh.Client, repo forge.Repo, o gh.PullRequestListOptions) ([]*gh.PullRequest, error) {
	slug, err := f.writerLogin(ctx)
	if err != nil {
		return nil, err
	}
	var ours []*gh.PullRequest
	o.Page, o.PerPage = 1, pageSize
	for o.Page != 0 {
		list, resp, err := c.PullRequests.List(ctx, repo.Owner, repo.Name, &o)
		if err != nil {
			return nil, f.wrap(err, "list pull requests")
		}
		for _, pr := range list {
			if isOurs(pr.GetUser(), slug) && fromHere(pr, repo) {
				ours = append(ours, pr)
			}
		}
		o.Page = resp.NextPage
	}
	slices.SortFunc(ours, func(a, b *gh.PullRequest) int { return b.GetNumber() - a.GetNumber() })
	return ours, nil
}

// fromHere reports whether pr's branch is in repo; a deleted branch may have
// taken the name of its repository along.
func fromHere(pr *gh.PullRequest, repo forge.Repo) bool {
	id := pr.GetHead().GetRepo().GetID()
	return id == repo.ID || id == 0 && pr.GetState() == "closed"
}

// putPull opens a pull request, or edits open where it differs from p.
func (f *Forge) putPull(ctx context.Context, c *gh.Client, repo forge.Repo, open *gh.PullRequest, p forge.Proposal) (*gh.PullRequest, error) {
	title, body := cutLine(p.Title, maxPullTitle), cut(p.Body, maxComment)
	if open == nil {
		made, _, err := c.PullRequests.Create(ctx, repo.Owner, repo.Name, &gh.NewPullRequest{
			Title: &title, Head: &p.Branch, Base: &p.Base, Body: &body})
		return made, f.wrap(err, "open the pull request")
	}
	if open.GetTitle() == title && plain(open.GetBody()) == plain(body) && open.GetBase().GetRef() == p.Base {
		return open, nil
	}
	change := &gh.PullRequest{Title: &title, Body: &body}
	if open.GetBase().GetRef() != p.Base {
		change.Base = &gh.PullRequestBranch{Ref: &p.Base}
	}
	made, _, err := c.PullRequests.Edit(ctx, repo.Owner, repo.Name, open.GetNumber(), change)
	return made, f.wrap(err, "edit pull request %d", open.GetNumber())
}

// plain is a body without what GitHub may do to its line ends.
func plain(body string) string { return strings.TrimSpace(strings.ReplaceAll(body, "\r\n", "\n")) }

// putLabels adds the labels that open lacks; those of others stay.
func (f *Forge) putLabels(ctx context.Context, c *gh.Client, ref forge.PullRef, open *gh.PullRequest, labels []string) error {
	has := map[string]bool{}
	for _, l := range open.Labels {
		has[strings.ToLower(l.GetName())] = true
	}
	var missing []string
	for _, l := range labels {
		if l = cutLine(l, maxLabel); l != "" && !has[strings.ToLower(l)] {
			has[strings.ToLower(l)] = true
			missing = append(missing, l)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, _, err := c.Issues.AddLabelsToIssue(ctx, ref.Repo.Owner, ref.Repo.Name, ref.Number, missing)
	return f.wrap(err, "label pull request %d", ref.Number)
}
