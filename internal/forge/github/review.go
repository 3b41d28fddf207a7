package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/forge"
)

// PutReview makes our threads on p what r says and reports which findings
// have one, also beside an error.
//
// A thread is open while one of its findings is there, and is edited when its
// words are others; GitHub tells nobody of that. A finding that is new at the place of an
// open thread joins it. What a person resolved is left so and counts as
// placed, unless a finding has a new advisory since. Of two open threads with
// one finding the older one keeps it. A comment that GitHub refuses is left out,
// and the rest still posts.
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
	put := reviewPut{Forge: f, client: c, pull: p.PullRef, review: r, placed: forge.Placed{}, others: others,
		resolver: &resolver{Forge: f, repo: p.Repo}}
	for i := range threads {
		put.threads = append(put.threads, &threads[i])
	}
	return put.placed, f.wrap(put.run(ctx), "%s", what)
}

type reviewPut struct {
	*Forge
	client   *gh.Client
	resolver *resolver
	pull     forge.PullRef
	review   forge.Review
	placed   forge.Placed
	others   []remark
	threads  []*thread
	open     []*thread // that go on asking, with the findings that they have now
	dormant  map[string]*thread
}

func (p *reviewPut) run(ctx context.Context) error {
	stale := p.sort()
	for _, s := range stale {
		if err := p.settle(ctx, s.thread, s.note, s.over); err != nil {
			return fmt.Errorf("settle a thread: %w", err)
		}
	}
	var post []forge.Comment
	for _, c := range p.review.Comments {
		left := slices.DeleteFunc(slices.Clone(c.Keys), func(key string) bool { _, there := p.placed[key]; return there })
		if len(left) == 0 {
			continue
		}
		if t := p.joins(c); t != nil {
			p.hold(t, p.unsaid(c, left))
			continue
		}
		if len(p.open)+len(post) >= p.review.Limit {
			continue
		}
		if i := slices.IndexFunc(left, func(key string) bool { return p.dormant[key] != nil }); i >= 0 {
			t := p.dormant[left[i]]
			err := p.reopen(ctx, t)
			if err == nil {
				again := slices.DeleteFunc(t.keys, func(key string) bool { return p.dormant[key] != t })
				_, more := split(left, again)
				t.keys = nil
				p.open = append(p.open, t)
				p.hold(t, append(again, p.unsaid(c, more)...))
				continue
			}
			if !refusedForGood(err) {
				return fmt.Errorf("reopen a thread: %w", err)
			}
		}
		if c.At.Start < 1 || !takesPath(c.At.Path) {
			continue // a comment needs a line of the diff
		}
		if c.Keys = p.unsaid(c, left); len(c.Keys) > 0 {
			post = append(post, c)
			p.set(c.Keys, 0) // not again in another comment
		}
	}
	maps.DeleteFunc(p.placed, func(_ string, id int64) bool { return id == 0 })
	for _, t := range p.open {
		if err := p.renew(ctx, t); err != nil {
			return fmt.Errorf("bring a comment up to date: %w", err)
		}
	}
	if err := p.signAnew(ctx); err != nil {
		return fmt.Errorf("sign a comment: %w", err)
	}
	return p.post(ctx, post)
}

// joins returns the open thread that the findings of c belong in: one with
// another finding of c, or at its lines.
func (p *reviewPut) joins(c forge.Comment) *thread {
	for _, t := range p.open {
		shared, _ := split(c.Keys, t.keys)
		if (len(shared) > 0 || t.at == c.At) && len(t.keys)+len(c.Keys) <= forge.MostKeys {
			return t
		}
	}
	return nil
}

// hold makes keys those of t too.
func (p *reviewPut) hold(t *thread, keys []string) {
	t.keys = slices.Concat(t.keys, keys)
	p.set(keys, t.comment)
}

// split returns the keys that are among others, and the rest.
func split(keys, others []string) (in, out []string) {
	for _, key := range keys {
		if slices.Contains(others, key) {
			in = append(in, key)
		} else {
			out = append(out, key)
		}
	}
	return in, out
}

// unsaid leaves out what another bot has told at the same lines: two that say
// one thing are one too many. What it says is only searched for our names of
// the problem.
func (p *reviewPut) unsaid(c forge.Comment, keys []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool {
		return slices.ContainsFunc(p.others, func(r remark) bool {
			return r.path == c.At.Path && r.line >= c.At.Start && r.line <= max(c.At.End, c.At.Start) &&
				slices.ContainsFunc(c.Names[key], func(name string) bool { return mentions(r.body, name) })
		})
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

// A stale thread asks for nothing any more.
type stale struct {
	*thread
	note string
	over bool // the note is written over the comment in any case
}

// sort finds the threads that are open, what is to be settled, and which were
// settled but may be wanted again.
func (p *reviewPut) sort() (out []stale) {
	wanted := map[string]bool{}
	for _, key := range p.review.Standing {
		wanted[key] = true
	}
	commented := map[string]bool{}
	for _, c := range p.review.Comments {
		for _, key := range c.Keys {
			wanted[key], commented[key] = true, true
		}
	}
	for _, t := range p.threads {
		t.keys = p.renamed(t.keys)
	}
	p.dormant = map[string]*thread{}
	// A crash right after posting can leave two with one key: the oldest open one keeps it.
	slices.SortFunc(p.threads, func(a, b *thread) int { return cmp.Or(rank(a)-rank(b), cmp.Compare(a.comment, b.comment)) })
	owner := map[string]*thread{}
	for _, t := range p.threads {
		var own, taken, gone []string
		for _, key := range t.keys {
			switch {
			case !wanted[key]:
				gone = append(gone, key)
			case owner[key] != nil:
				taken = append(taken, key)
			default:
				owner[key] = t
				own = append(own, key)
			}
		}
		switch {
		case t.open() && len(own) > 0:
			t.keys = nil
			p.open = append(p.open, t)
			p.hold(t, own)
		case t.open() && len(taken) > 0:
			s := stale{thread: t, note: p.review.Settled}
			if p.review.Superseded != nil {
				s.note, s.over = p.review.Superseded(owner[taken[0]].at), true
			}
			out = append(out, s)
		case t.open():
			s := stale{thread: t, note: p.review.Settled}
			for _, key := range gone {
				s.note = cmp.Or(p.review.Because[key], s.note)
			}
			out = append(out, s)
		case t.closed():
			news := slices.DeleteFunc(slices.Clone(own), func(key string) bool { return !commented[key] || len(p.fresh(t, key)) == 0 })
			if len(news) < len(own) { // a new comment asks about those, this one stays closed
				_, own = split(own, news)
				p.set(own, t.comment)
				continue
			}
			fallthrough
		default:
			for _, key := range own {
				p.dormant[key] = t
			}
		}
	}
	return out
}

// renamed returns what findings are called now, each once.
func (p *reviewPut) renamed(keys []string) (out []string) {
	for _, key := range keys {
		if now, renamed := p.review.Was[key]; renamed {
			key = now
		}
		if !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	return out
}

// fresh returns the advisories of a finding that came after t was written.
func (p *reviewPut) fresh(t *thread, key string) []string {
	return t.mark.news(key, p.review.Advisories[key])
}

// rank orders threads by their claim on a finding. What people closed under
// other names may have been only a part of it: one that we settled comes first.
func rank(t *thread) int {
	part := !t.mark.old && !slices.Equal(t.keys, t.mark.keys)
	switch {
	case t.open():
		return 0
	case t.closed() && !part:
		return 1
	case !t.closed():
		return 2
	}
	return 3
}

// reopen makes t ask again; a person who resolved it gets a line that says why.
// If the App may not, that is forge.ErrDenied.
func (p *reviewPut) reopen(ctx context.Context, t *thread) error {
	if t.resolved {
		if err := p.resolver.do(ctx, unresolveMutation, t.id); err != nil {
			return err
		}
	}
	t.reopened = true
	if t.closed() && p.review.News != nil {
		var ids []string
		for _, key := range t.keys {
			ids = append(ids, p.fresh(t, key)...)
		}
		err := replyTo(ctx, p.client, p.pull, t.comment, p.review.News(ids))
		if err = p.wrap(err, "answer comment %d", t.comment); err != nil && !refusedForGood(err) {
			return err
		}
	}
	return nil
}

// renew has the comment of an open thread say what its findings come to now.
// One of an older version is left as it is while its findings are the same.
func (p *reviewPut) renew(ctx context.Context, t *thread) error {
	if p.review.Words == nil || t.mark.words == "" && !t.reopened && slices.Equal(t.keys, t.mark.keys) {
		return nil
	}
	m, words, err := p.write(t.keys, t.at)
	if err != nil {
		return err
	}
	if !t.mark.settled && !t.mark.old && slices.Equal(m.keys, t.mark.keys) && m.words == t.mark.words && m.covers == t.mark.covers {
		return nil
	}
	err = p.edit(ctx, t, p.signed(p.pull, m, words))
	if refusedForGood(err) { // what is not told there is told in the check
		for _, key := range t.keys {
			if !slices.Contains(t.mark.keys, key) {
				delete(p.placed, key)
			}
		}
		return nil
	}
	return err
}

// write returns a comment at a place about findings, and what marks it.
func (p *reviewPut) write(keys []string, at change.Span) (mark, string, error) {
	keys = slices.Clone(keys)
	slices.SortStableFunc(keys, func(a, b string) int {
		return slices.Index(p.review.Standing, a) - slices.Index(p.review.Standing, b)
	})
	words, gist, err := p.review.Words(keys, at)
	return mark{keys: keys, words: digestOf(gist), covers: covering(keys, p.review.Advisories)}, words, err
}

// signAnew gives threads that are not open the keys that their findings have
// now. Where the key before the present one of ours signed them, nobody would
// know them for ours once that is forgotten; of what a person resolved, nobody
// would know which advisories it was about.
func (p *reviewPut) signAnew(ctx context.Context) error {
	for _, t := range p.threads {
		renamed := !slices.Equal(t.keys, t.mark.keys)
		unsaid := t.closed() && t.mark.words == "" && p.placed[t.keys[0]] == t.comment && covering(t.keys, p.review.Advisories) != ""
		if t.edited || !renamed || !t.mark.old && !unsaid {
			continue
		}
		m := t.mark
		m.keys = t.keys
		if m.words == "" {
			m.words, m.covers = digestOf(p.words(t.body)), covering(t.keys, p.review.Advisories)
		}
		if err := p.edit(ctx, t, p.signed(p.pull, m, p.words(t.body))); err != nil && !refusedForGood(err) {
			return err
		}
	}
	return nil
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
		m, words, err := p.write(c.Keys, c.At)
		if err != nil {
			return err
		}
		d := &gh.DraftReviewComment{Path: gh.String(c.At.Path), Side: gh.String("RIGHT"), Line: gh.Int(max(c.At.End, c.At.Start)),
			Body: gh.String(p.signed(p.pull, m, words))}
		if c.At.End > c.At.Start {
			d.StartLine, d.StartSide = gh.Int(c.At.Start), gh.String("RIGHT")
		}
		req.Comments = append(req.Comments, d)
	}
	repo := p.pull.Repo
	_, _, err := p.client.PullRequests.CreateReview(ctx, repo.Owner, repo.Name, p.pull.Number, req)
	err = p.refusal(err)
	switch {
	case err == nil:
		for i, c := range comments {
			p.set(c.Keys, -int64(i+1))
		}
		return nil
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
		p.set(comments[i].Keys, made.GetID())
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

func (p *reviewPut) set(keys []string, comment int64) {
	for _, key := range keys {
		p.placed[key] = comment
	}
}
