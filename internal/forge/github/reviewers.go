package github

import (
	"context"
	"fmt"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// RequestReview asks for all of names at once: GitHub refuses all if it does
// not know one, or if one is the author. A team of another owner is left out.
func (f *Forge) RequestReview(ctx context.Context, ref forge.PullRef, names []string) error {
	what := fmt.Sprintf("ask for a review of %v", ref)
	var who gh.ReviewersRequest
	for _, name := range names {
		name = strings.TrimPrefix(name, "@")
		org, team, isTeam := strings.Cut(name, "/")
		switch {
		case !isTeam:
			who.Reviewers = append(who.Reviewers, name)
		case strings.EqualFold(org, ref.Repo.Owner):
			who.TeamReviewers = append(who.TeamReviewers, team)
		}
	}
	if len(who.Reviewers)+len(who.TeamReviewers) == 0 {
		return fmt.Errorf("%s: nobody of this owner is named: %w", what, forge.ErrDenied)
	}
	client, err := f.client(ref.Repo, grant{pulls: write})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	_, _, err = client.PullRequests.RequestReviewers(ctx, ref.Repo.Owner, ref.Repo.Name, ref.Number, who)
	return f.refused(err, what)
}
