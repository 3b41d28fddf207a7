package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// PutReview makes our threads on p what r says and reports which findings
// have one, also beside an error.
//
// A thread that stands keeps its words; one that a person resolved is left so
// and counts as placed. Of two threads with one key the older one is kept. A
// comment that GitHub refuses is left out, and the rest still posts.
func (f *Forge) PutReview(ctx context.Context, p forge.Pull, r forge.Review) (forge.Placed, error) {
	what := fmt.Sprintf("put the review of %v at %s", p.PullRef, r.SHA)
	c, err := f.client(p.Repo, grant{pulls: write})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	place := fmt.Sprintf("review/%d/%d", p.Repo.ID, p.Number)
	release, err := f.locks.take(ctx, place)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer release()
	seen, current := f.sightOf(r.Seen, place)
	defer f.writes.note(place)
	threads, others := seen.threads, seen.others
	if !current || !seen.whole {
		if threads, others, err = f.threads(ctx, c, p.PullRef); err != nil {
			return nil, f.wrap(err, "%s", what)
		}
	}
	slices.SortFunc(threads, func(a, b thread) int { return cmp.Compare(a.comment, b.comment) })
	put := reviewPut{Forge: f, client: c, pull: p.PullRef, review: r, placed: forge.Placed{}, others: others,
		resolver: &resolver{Forge: f, repo: p.Repo}}
	return put.placed, f.wrap(put.run(ctx, threads), "%s", what)
}

type reviewPut struct {
	*Forge
	client   *gh.Client
	resolver *resolver
	pull     forge.PullRef
	review   forge.Review
	placed   forge.Placed
	others   []remark
}

func (p *reviewPut) run(ctx context.Context, threads []thread) error {
	if err := p.signAnew(ctx, threads); err != nil {
		return fmt.Errorf("sign a comment with the present key: %w", err)
	}
	stale, dormant, open := p.sort(threads)
	for _, t := range stale {
		note := cmp.Or(p.review.Because[t.mark.key], p.review.Settled)
		if err := p.settle(ctx, p.client, p.resolver, p.pull, t, note); err != nil {
			return fmt.Errorf("settle a thread: %w", err)
		}
	}
	var post []forge.Comment
	seen := map[string]bool{}
	for _, c := range p.review.Comments {
		if _, there := p.placed[c.Key]; there || seen[c.Key] {
			continue
		}
		if open >= p.review.Limit {
			break
		}
		seen[c.Key] = true
		if t, was := dormant[c.Key]; was {
			err := p.reopen(ctx, p.client, p.resolver, p.pull, t)
			if err == nil {
				p.placed[c.Key] = t.comment
				open++
				continue
			}
			if !errors.Is(err, forge.ErrDenied) && !errors.Is(err, forge.ErrNotFound) {
				return fmt.Errorf("reopen a thread: %w", err)
			}
		}
		if c.At.Start < 1 || !takesPath(c.At.Path) || p.said(c) {
			continue // a comment needs a line of the diff, and is there once whoever wrote it
		}
		post = append(post, c)
		open++
	}
	return p.post(ctx, post)
}

// said reports whether another bot has told the same at the same lines: two
// that say one thing are one too many. What it says is only looked through for
// our names of the problem.
func (p *reviewPut) said(c forge.Comment) bool {
	return slices.ContainsFunc(p.others, func(r remark) bool {
		return r.path == c.At.Path && r.line >= c.At.Start && r.line <= max(c.At.End, c.At.Start) &&
			slices.ContainsFunc(c.Names, func(name string) bool { return mentions(r.body, name) })
	})
}

// mentions reports whether name stands in text as a word of its own, in any case.
func mentions(text, name string) bool {
	if name == "" {
		return false
	}
	inName := func(r byte) bool {
		return r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z'
	}
	text, name = strings.ToLower(text), strings.ToLower(name)
	for from := 0; ; from++ {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return false
		}
		from += i
		end := from + len(name)
		if (from == 0 || !inName(text[from-1])) && (end == len(text) || !inName(text[end])) {
			return true
		}
	}
}

// sort finds what stands, what is to be settled, and what was settled but may
// be wanted again; open counts the threads that go on asking.
func (p *reviewPut) sort(threads []thread) (stale []thread, dormant map[string]thread, open int) {
	wanted := map[string]bool{}
	for _, key := range p.review.Standing {
		wanted[key] = true
	}
	for _, c := range p.review.Comments {
		wanted[c.Key] = true
	}
	dormant = map[string]thread{}
	// A crash right after posting can leave two of one key: the oldest open one stands.
	slices.SortStableFunc(threads, func(a, b thread) int { return rank(a) - rank(b) })
	seen := map[string]bool{}
	for _, t := range threads {
		key := t.mark.key
		spare := seen[key]
		seen[key] = true
		switch {
		case t.open() && (spare || !wanted[key]):
			stale = append(stale, t)
		case spare || !wanted[key]:
		case t.open():
			p.placed[key] = t.comment
			open++
		case t.closed():
			p.placed[key] = t.comment
		default:
			dormant[key] = t
		}
	}
	return stale, dormant, open
}

// signAnew gives threads the keys that their findings have now, and has the
// present key of ours sign them: once the one before is forgotten, nobody would
// know them for ours.
func (p *reviewPut) signAnew(ctx context.Context, threads []thread) error {
	for i := range threads {
		t := &threads[i]
		key, renamed := p.review.Was[t.mark.key]
		if !renamed || !t.mark.old {
			continue
		}
		t.mark.key = key
		err := p.edit(ctx, p.client, p.pull, *t, p.signed(p.pull, t.mark, t.body))
		if err != nil && !errors.Is(err, forge.ErrDenied) && !errors.Is(err, forge.ErrNotFound) {
			return err
		}
	}
	return nil
}

func rank(t thread) int {
	switch {
	case t.open():
		return 0
	case t.closed():
		return 1
	}
	return 2
}

// post sends the comments in one review. If GitHub refuses it, one bad
// comment is enough for that, they go one by one.
func (p *reviewPut) post(ctx context.Context, comments []forge.Comment) error {
	if len(comments) == 0 {
		return nil
	}
	body := cut(p.review.Body, maxComment)
	if strings.TrimSpace(body) == "" {
		body = "See the comments on the lines." // GitHub wants words
	}
	req := &gh.PullRequestReviewRequest{CommitID: &p.review.SHA, Body: &body, Event: gh.String("COMMENT")}
	for _, c := range comments {
		d := &gh.DraftReviewComment{Path: gh.String(c.At.Path), Side: gh.String("RIGHT"), Line: gh.Int(max(c.At.End, c.At.Start)),
			Body: gh.String(p.commentBody(p.pull, c.Key, c.Body))}
		if c.At.End > c.At.Start {
			d.StartLine, d.StartSide = gh.Int(c.At.Start), gh.String("RIGHT")
		}
		req.Comments = append(req.Comments, d)
	}
	repo := p.pull.Repo
	review, _, err := p.client.PullRequests.CreateReview(ctx, repo.Owner, repo.Name, p.pull.Number, req)
	err = p.refusal(err)
	switch {
	case err == nil:
		return p.collect(ctx, review.GetID())
	case unprocessable(err) && strings.Contains(err.Error(), "commit_id"):
		return nil // pushed over meanwhile: the next review looks at another head
	case unprocessable(err):
		return p.postEach(ctx, req.Comments, comments)
	}
	return fmt.Errorf("post the review: %w", err)
}

func (p *reviewPut) postEach(ctx context.Context, drafts []*gh.DraftReviewComment, comments []forge.Comment) error {
	repo := p.pull.Repo
	for i, d := range drafts {
		made, _, err := p.client.PullRequests.CreateComment(ctx, repo.Owner, repo.Name, p.pull.Number, &gh.PullRequestComment{
			CommitID: &p.review.SHA, Path: d.Path, Body: d.Body,
			Side: d.Side, Line: d.Line, StartSide: d.StartSide, StartLine: d.StartLine,
		})
		if err = p.refusal(err); err != nil {
			if unprocessable(err) {
				continue // not a line of the diff: it stays on the check
			}
			return fmt.Errorf("post a comment: %w", err)
		}
		p.placed[comments[i].Key] = made.GetID()
	}
	return nil
}

// refusal classifies err; a locked conversation is a denial, whatever its status.
func (p *reviewPut) refusal(err error) error {
	if err == nil {
		return nil
	}
	err = classify(err, p.now())
	var e *statusError
	if errors.As(err, &e) && e.Code == http.StatusUnprocessableEntity && strings.Contains(strings.ToLower(e.Message), "locked") {
		return fmt.Errorf("%w: %w", forge.ErrDenied, e)
	}
	return err
}

// collect learns the ids of the comments of a review.
func (p *reviewPut) collect(ctx context.Context, review int64) error {
	o := &gh.ListOptions{Page: 1, PerPage: pageSize}
	for o.Page != 0 {
		list, resp, err := p.client.PullRequests.ListReviewComments(ctx, p.pull.Repo.Owner, p.pull.Repo.Name, p.pull.Number, review, o)
		if err != nil {
			return p.wrap(err, "list the comments of review %d", review)
		}
		for _, c := range list {
			if m, ok := p.readMark(p.pull, c.GetBody()); ok {
				p.placed[m.key] = c.GetID()
			}
		}
		o.Page = resp.NextPage
	}
	return nil
}
