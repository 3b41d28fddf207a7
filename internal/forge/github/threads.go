package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/forge"
)

// A thread is one of ours on a pull request.
type thread struct {
	id       string      // GraphQL's
	comment  int64       // id of its first comment
	body     string      // of its first comment
	at       change.Span // where it is now; no lines if what it is about is gone
	mark     mark
	keys     []string // of mark, as the findings are called now
	resolved bool
	byPerson bool // a person resolved it
	asked    bool // a person had the last word in it
	reopened bool // by this review
	edited   bool // likewise
}

// open reports whether the thread still asks for something.
func (t thread) open() bool { return !t.resolved && !t.mark.settled }

// closed reports whether a person decided that there is nothing to do: that
// stays so. A comment that we wrote over ourselves was settled by us.
func (t thread) closed() bool { return t.resolved && t.byPerson && !t.mark.settled }

const threadsOnPage = `pageInfo { hasNextPage endCursor }
nodes {
  id path startLine line isResolved resolvedBy { login }
  comments(first: 1) { nodes { fullDatabaseId body author { __typename login } } }
  last: comments(last: 1) { nodes { author { __typename login } } }
}`

const threadsPart = `reviewThreads(first: 100) { ` + threadsOnPage + ` }`

const threadsQuery = `query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewThreads(first: 100, after: $after) { ` + threadsOnPage + ` }
    }
  }
}`

type threadsAnswer struct {
	Repository *struct{ PullRequest *threadsOfPull }
}

type threadsOfPull struct {
	ReviewThreads struct {
		PageInfo page
		Nodes    []threadNode
	}
}

type threadNode struct {
	ID, Path       string
	Line           int // 0 if what it is about is gone
	StartLine      int // 0 if it is about one line
	IsResolved     bool
	ResolvedBy     *struct{ Login string }
	Comments, Last struct{ Nodes []commentNode }
}

type commentNode struct {
	FullDatabaseID bigInt `json:"fullDatabaseId"`
	Body           string
	Author         *struct {
		Typename string `json:"__typename"`
		Login    string
	}
}

// by reports whether an account of that kind wrote it.
func (c commentNode) by(kind string) bool { return c.Author != nil && c.Author.Typename == kind }

// A remark is what another bot said at a line.
type remark struct {
	path string
	line int
	body string
}

// remarks are the open threads of nodes that other bots began.
func (f *Forge) remarks(p forge.PullRef, slug string, nodes []threadNode) []remark {
	var out []remark
	for _, n := range nodes {
		if n.IsResolved || n.Line == 0 || len(n.Comments.Nodes) == 0 || !n.Comments.Nodes[0].by("Bot") {
			continue
		}
		if _, ours := f.threadOf(p, slug, n); !ours {
			out = append(out, remark{n.Path, n.Line, n.Comments.Nodes[0].Body})
		}
	}
	return out
}

// A bigInt comes as a string or as a number.
type bigInt int64

func (b *bigInt) UnmarshalJSON(text []byte) error {
	s := string(text)
	if s == "null" {
		return nil
	}
	if len(s) > 1 && s[0] == '"' {
		s = s[1 : len(s)-1]
	}
	n, err := strconv.ParseInt(s, 10, 64)
	*b = bigInt(n)
	return err
}

// threads returns our threads on p, and what other bots said there.
func (f *Forge) threads(ctx context.Context, c *gh.Client, p forge.PullRef) ([]thread, []remark, error) {
	slug, err := f.login(ctx)
	if err != nil {
		return nil, nil, err
	}
	var out []thread
	var others []remark
	variables := map[string]any{"owner": p.Repo.Owner, "name": p.Repo.Name, "number": p.Number, "after": nil}
	for {
		var a threadsAnswer
		if err := f.ask(ctx, c, threadsQuery, variables, &a); err != nil {
			return nil, nil, fmt.Errorf("list the review threads: %w", err)
		}
		if a.Repository == nil || a.Repository.PullRequest == nil {
			return nil, nil, fmt.Errorf("list the review threads: %w", forge.ErrNotFound)
		}
		page := a.Repository.PullRequest.ReviewThreads
		own, err := f.ownThreads(ctx, p, slug, page.Nodes)
		if err != nil {
			return nil, nil, err
		}
		out, others = append(out, own...), append(others, f.remarks(p, slug, page.Nodes)...)
		if !page.PageInfo.HasNextPage {
			break
		}
		variables["after"] = page.PageInfo.EndCursor
	}
	return out, others, nil
}

// ownThreads are those of nodes that are ours; slug is our App's name.
func (f *Forge) ownThreads(ctx context.Context, p forge.PullRef, slug string, nodes []threadNode) ([]thread, error) {
	var out []thread
	for _, n := range nodes {
		t, ok := f.threadOf(p, slug, n)
		if !ok {
			continue
		}
		if t.byPerson && f.writer != nil { // or by the App that writes for us
			login, err := f.writerLogin(ctx)
			if err != nil {
				return nil, err
			}
			t.byPerson = !isBot(n.ResolvedBy.Login, login)
		}
		out = append(out, t)
	}
	return out, nil
}

// isBot reports whether login is that of the App slug, as GraphQL shows it.
func isBot(login, slug string) bool { return login == slug || login == slug+"[bot]" }

func (f *Forge) threadOf(p forge.PullRef, slug string, n threadNode) (thread, bool) {
	if len(n.Comments.Nodes) == 0 {
		return thread{}, false
	}
	first := n.Comments.Nodes[0]
	if !first.by("Bot") || !isBot(first.Author.Login, slug) {
		return thread{}, false
	}
	m, ok := f.readMark(p, first.Body)
	if !ok {
		return thread{}, false
	}
	return thread{
		id: n.ID, comment: int64(first.FullDatabaseID), body: first.Body, mark: m, keys: m.keys, resolved: n.IsResolved,
		at: change.Span{Path: n.Path, Start: cmp.Or(n.StartLine, n.Line), End: n.Line},
		// GitHub has no user to show for an App.
		byPerson: n.ResolvedBy != nil && !isBot(n.ResolvedBy.Login, slug),
		asked:    len(n.Last.Nodes) > 0 && n.Last.Nodes[0].by("User"),
	}, true
}

const (
	resolveMutation   = `mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { id isResolved } } }`
	unresolveMutation = `mutation($id: ID!) { unresolveReviewThread(input: {threadId: $id}) { thread { id isResolved } } }`
)

// A resolver resolves threads for as long as the App may: GitHub wants
// contents: write for it, which an installation need not have granted.
type resolver struct {
	*Forge
	repo   forge.Repo
	denied error
}

func (r *resolver) do(ctx context.Context, mutation, thread string) error {
	if r.denied != nil {
		return r.denied
	}
	c, err := r.writing(ctx, r.repo, grant{contents: write, pulls: write})
	if err == nil {
		err = r.ask(ctx, c, mutation, map[string]any{"id": thread}, nil)
	}
	if errors.Is(err, forge.ErrDenied) {
		r.denied = err
	}
	return err
}

// settle says that t is done: it resolves the thread, or writes note over it;
// over means both. A person who wrote in it gets a line in answer; what was
// resolved without one would look like a brush-off.
func (p *reviewPut) settle(ctx context.Context, t *thread, note string, over bool) error {
	if t.asked {
		err := replyTo(ctx, p.client, p.pull, t.comment, note)
		if err = p.wrap(err, "answer comment %d", t.comment); err != nil && !refusedForGood(err) {
			return err
		}
	}
	err := p.resolver.do(ctx, resolveMutation, t.id)
	if over && err == nil || errors.Is(err, forge.ErrDenied) {
		m := t.mark
		m.keys = t.keys
		err = p.edit(ctx, t, p.settledBody(p.pull, m, note, t.body))
	}
	if errors.Is(err, forge.ErrNotFound) {
		return nil // deleted meanwhile: it asks for nothing
	}
	return err
}

// refusedForGood reports whether trying again would not help.
func refusedForGood(err error) bool {
	return errors.Is(err, forge.ErrDenied) || errors.Is(err, forge.ErrNotFound)
}

func (p *reviewPut) edit(ctx context.Context, t *thread, body string) error {
	t.edited = true
	_, _, err := p.client.PullRequests.EditComment(ctx, p.pull.Repo.Owner, p.pull.Repo.Name, t.comment, &gh.PullRequestComment{Body: &body})
	return p.wrap(err, "edit comment %d", t.comment)
}
