package github

import (
	"context"
	"fmt"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// summaryKey marks the one comment of ours in a conversation that answers nobody.
const summaryKey = "summary"

// PutSummary makes our comment in the conversation of ref say s.Body, and
// returns its id. It is looked for where its id is not known, unless it is the first.
func (f *Forge) PutSummary(ctx context.Context, ref forge.PullRef, s forge.Summary) (int64, error) {
	what := fmt.Sprintf("put the summary of %v", ref)
	client, err := f.client(ref.Repo, grant{pulls: write})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	release, err := f.locks.take(ctx, fmt.Sprintf("summary/%d/%d", ref.Repo.ID, ref.Number))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	defer release()
	id := s.ID
	if id == 0 && !s.First {
		if id, err = f.findSummary(ctx, client, ref); err != nil {
			return 0, f.wrap(err, "%s", what)
		}
	}
	comment := &gh.IssueComment{Body: gh.String(f.commentBody(ref, summaryKey, s.Body))}
	if id != 0 {
		_, _, err = client.Issues.EditComment(ctx, ref.Repo.Owner, ref.Repo.Name, id, comment)
		return id, f.refused(err, what)
	}
	made, _, err := client.Issues.CreateComment(ctx, ref.Repo.Owner, ref.Repo.Name, ref.Number, comment)
	return made.GetID(), f.refused(err, what)
}

func (f *Forge) findSummary(ctx context.Context, client *gh.Client, ref forge.PullRef) (int64, error) {
	slug, err := f.login(ctx)
	if err != nil {
		return 0, err
	}
	o := &gh.IssueListCommentsOptions{ListOptions: gh.ListOptions{Page: 1, PerPage: pageSize}}
	for o.Page != 0 {
		list, resp, err := client.Issues.ListComments(ctx, ref.Repo.Owner, ref.Repo.Name, ref.Number, o)
		if err != nil {
			return 0, err
		}
		for _, c := range list {
			if m, ok := f.readMark(ref, c.GetBody()); ok && m.is(summaryKey) && isOurs(c.GetUser(), slug) {
				return c.GetID(), nil
			}
		}
		o.Page = resp.NextPage
	}
	return 0, nil
}
