package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// Answer reacts to a command on p and, with words, replies where it was
// written: once, however often it is called.
func (f *Forge) Answer(ctx context.Context, p forge.PullRef, c forge.Command, a forge.Answer) error {
	what := fmt.Sprintf("answer comment %d on %v", c.Comment, p)
	client, err := f.client(p.Repo, grant{pulls: write})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	release, err := f.locks.take(ctx, fmt.Sprintf("answer/%d/%d", p.Repo.ID, c.Comment))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer release()
	t := talk{Forge: f, client: client, pull: p, command: c}
	if a.Words != "" {
		if err := t.reply(ctx, "answer/"+strconv.FormatInt(c.Comment, 10), a.Words); err != nil {
			return f.refused(err, what)
		}
	}
	return f.refused(t.react(ctx, string(a.Reaction)), what)
}

// refused is wrap for what GitHub may refuse for good with a 422, because what
// it is about is locked, deleted or not to be had: that is forge.ErrDenied.
func (f *Forge) refused(err error, what string) error {
	if err == nil {
		return nil
	}
	if err := classify(err, f.now()); unprocessable(err) {
		return fmt.Errorf("%s: %w: %w", what, forge.ErrDenied, err)
	}
	return f.wrap(err, "%s", what)
}

// Say writes words in the conversation of p: once for each key, as far back as since.
func (f *Forge) Say(ctx context.Context, p forge.PullRef, key string, since time.Time, words string) error {
	what := fmt.Sprintf("say something on %v", p)
	client, err := f.client(p.Repo, grant{pulls: write})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	release, err := f.locks.take(ctx, fmt.Sprintf("say/%d/%d/%s", p.Repo.ID, p.Number, key))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer release()
	t := talk{Forge: f, client: client, pull: p, command: forge.Command{At: since}}
	return f.wrap(t.reply(ctx, "say/"+key, words), "%s", what)
}

type talk struct {
	*Forge
	client  *gh.Client
	pull    forge.PullRef
	command forge.Command
}

func (t *talk) react(ctx context.Context, content string) error {
	repo := t.pull.Repo
	var err error
	if t.command.Thread != 0 {
		_, _, err = t.client.Reactions.CreatePullRequestCommentReaction(ctx, repo.Owner, repo.Name, t.command.Comment, content)
	} else {
		_, _, err = t.client.Reactions.CreateIssueCommentReaction(ctx, repo.Owner, repo.Name, t.command.Comment, content)
	}
	return err
}

func (t *talk) reply(ctx context.Context, key, words string) error {
	there, err := t.said(ctx, key)
	if err != nil || there {
		return err
	}
	repo, body := t.pull.Repo, t.commentBody(t.pull, key, words)
	if t.command.Thread != 0 {
		err = replyTo(ctx, t.client, t.pull, t.command.Thread, body)
	} else {
		_, _, err = t.client.Issues.CreateComment(ctx, repo.Owner, repo.Name, t.pull.Number, &gh.IssueComment{Body: &body})
	}
	return err
}

// replyTo answers in the thread that comment begins. The library does it with
// the call that begins a thread, in a way that GitHub does not describe.
func replyTo(ctx context.Context, c *gh.Client, p forge.PullRef, comment int64, body string) error {
	address := fmt.Sprintf("repos/%s/%s/pulls/%d/comments/%d/replies", p.Repo.Owner, p.Repo.Name, p.Number, comment)
	req, err := c.NewRequest(http.MethodPost, address, map[string]string{"body": body})
	if err != nil {
		return err
	}
	_, err = c.Do(ctx, req, nil)
	return err
}

// said reports whether a comment of ours with that key was written since the command.
func (t *talk) said(ctx context.Context, key string) (bool, error) {
	repo, since := t.pull.Repo, t.command.At
	page := gh.ListOptions{Page: 1, PerPage: pageSize}
	for page.Page != 0 {
		var resp *gh.Response
		var bodies []string
		if t.command.Thread != 0 {
			list, r, err := t.client.PullRequests.ListComments(ctx, repo.Owner, repo.Name, t.pull.Number, &gh.PullRequestListCommentsOptions{Since: since, ListOptions: page})
			if err != nil {
				return false, err
			}
			for _, c := range list {
				bodies = append(bodies, t.ours(c.GetUser(), c.GetBody()))
			}
			resp = r
		} else {
			list, r, err := t.client.Issues.ListComments(ctx, repo.Owner, repo.Name, t.pull.Number, &gh.IssueListCommentsOptions{Since: &since, ListOptions: page})
			if err != nil {
				return false, err
			}
			for _, c := range list {
				bodies = append(bodies, t.ours(c.GetUser(), c.GetBody()))
			}
			resp = r
		}
		for _, body := range bodies {
			if m, ok := t.readMark(t.pull, body); ok && m.is(key) {
				return true, nil
			}
		}
		page.Page = resp.NextPage
	}
	return false, nil
}

// ours returns body if a bot wrote it; that the bot is us its marker tells.
func (t *talk) ours(u *gh.User, body string) string {
	if u.GetType() != "Bot" {
		return ""
	}
	return body
}

// About returns the keys of what a comment on the lines of p is about; none if
// it is not one of ours.
func (f *Forge) About(ctx context.Context, p forge.PullRef, comment int64) ([]string, error) {
	what := fmt.Sprintf("read what comment %d on %v is about", comment, p)
	client, err := f.client(p.Repo, grant{pulls: read})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	c, _, err := client.PullRequests.GetComment(ctx, p.Repo.Owner, p.Repo.Name, comment)
	if err = f.wrap(err, "%s", what); errors.Is(err, forge.ErrNotFound) {
		return nil, nil // deleted meanwhile
	}
	t := talk{Forge: f, pull: p}
	if m, ok := f.readMark(p, t.ours(c.GetUser(), c.GetBody())); ok && err == nil {
		return m.keys, nil
	}
	return nil, err
}

// InTeam reports whether u is in a team of the owner of repo, "acme/security"
// say. It goes by the name: MayWrite tells whether that is still u's.
// forge.ErrDenied means that the App may not ask.
func (f *Forge) InTeam(ctx context.Context, repo forge.Repo, team string, u forge.User) (bool, error) {
	what := fmt.Sprintf("ask whether %d is in a team of the owner of %v", u.ID, repo)
	org, slug, _ := strings.Cut(team, "/")
	if !strings.EqualFold(org, repo.Owner) || !f.repoName.MatchString(slug) || !f.repoName.MatchString(u.Login) {
		return false, nil
	}
	client, err := f.client(repo, grant{members: read})
	if err != nil {
		return false, fmt.Errorf("%s: %w", what, err)
	}
	m, _, err := client.Teams.GetTeamMembershipBySlug(ctx, repo.Owner, url.PathEscape(slug), u.Login)
	if err = f.wrap(err, "%s", what); errors.Is(err, forge.ErrNotFound) {
		return false, nil
	}
	return err == nil && m.GetState() == "active", err
}
