package fakehub

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// comments of all threads that everybody sees, oldest first.
func (p *pull) inline() []*Comment {
	var list []*Comment
	for _, t := range p.shown() {
		list = append(list, t.comments...)
	}
	slices.SortFunc(list, func(a, b *Comment) int { return int(a.ID - b.ID) })
	return list
}

func (c *call) listReviewComments() answer {
	p := c.repo.pull(c.number("number"))
	if p == nil {
		return missing()
	}
	list := c.since(p.inline())
	if c.r.FormValue("direction") == "desc" && c.r.FormValue("sort") != "" {
		slices.Reverse(list) // without a sort the direction is ignored
	}
	return paged(c, list, func(x *Comment) any { return c.commentJSON(x) })
}

func (c *call) commentPage(list []*Comment) []any {
	from, to, _ := c.page(len(list))
	out := []any{}
	for _, x := range list[from:to] {
		out = append(out, c.commentJSON(x))
	}
	return out
}

// createReviewComment makes a thread of one comment, in a review of its own.
func (c *call) createReviewComment() answer {
	p := c.repo.pull(c.number("number"))
	if p == nil {
		return missing()
	}
	var in struct {
		remark
		Commit  *string `json:"commit_id"`
		ReplyTo *int64  `json:"in_reply_to"`
	}
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	if in.Body == nil {
		return malformed("\"body\" wasn't supplied.")
	}
	if bad := checkBody("PullRequestReviewComment", *in.Body); bad != nil {
		return *bad
	}
	if in.ReplyTo != nil {
		return c.reply(p, *in.ReplyTo, *in.Body)
	}
	for name, v := range map[string]*string{"commit_id": in.Commit, "path": in.Path} {
		if v == nil {
			return malformed("\"%s\" wasn't supplied.", name)
		}
	}
	if bad := checkSides(in.remark); bad != nil {
		return *bad
	}
	if !p.has(*in.Commit) {
		return invalid("PullRequestReviewComment", "custom", "commit_id", "commit_id is not part of the pull request")
	}
	t, errs := p.thread(*in.Commit, in.remark)
	if errs != nil {
		field, message, _ := strings.Cut(strings.TrimPrefix(errs[0], "Pull request review thread "), " ")
		if field == "start" {
			field, message = "start_line", strings.TrimPrefix(message, "line ")
		}
		field = "pull_request_review_thread." + field
		return invalid("PullRequestReviewComment", "custom", field, field+" "+message)
	}
	review := &Review{ID: c.hub.id(), Author: c.hub.Bot(), State: "COMMENTED", Commit: *in.Commit, Time: c.hub.now()}
	p.reviews = append(p.reviews, review)
	x := p.start(t, review, c.bot(), *in.Body)
	c.hub.logf("comment %v#%d %s%s", c.repo, p.Number, t.where(), gist(x.Body))
	return created(c.commentJSON(x))
}

func checkBody(resource, body string) *answer {
	var a answer
	switch {
	case strings.TrimSpace(body) == "":
		a = invalid(resource, "missing_field", "body", "body can't be blank")
	case utf8.RuneCountInString(body) > maxBody:
		a = tooLong(resource)
	default:
		return nil
	}
	return &a
}

func (c *call) replyToComment() answer {
	p := c.repo.pull(c.number("number"))
	if p == nil {
		return missing()
	}
	var in struct{ Body *string }
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	if in.Body == nil {
		return malformed("\"body\" wasn't supplied.")
	}
	if bad := checkBody("PullRequestReviewComment", *in.Body); bad != nil {
		return *bad
	}
	return c.reply(p, c.id("comment"), *in.Body)
}

// reply adds to a thread; only its first comment can be replied to.
func (c *call) reply(p *pull, to int64, body string) answer {
	first := p.comment(to)
	if first == nil || first.review.State == pendingReview {
		return missing()
	}
	if first.thread.comments[0] != first {
		return invalid("PullRequestReviewComment", "custom", "in_reply_to", "in_reply_to can't be a reply to a reply")
	}
	x := p.answer(first.thread, c.bot(), body)
	c.hub.logf("reply %v#%d %s%s", c.repo, p.Number, first.thread.where(), gist(body))
	return created(c.commentJSON(x))
}

func (p *pull) answer(t *Thread, author *user, body string) *Comment {
	h := p.repo.hub
	review := &Review{ID: h.id(), Author: author.Login, State: "COMMENTED", Commit: p.HeadSHA, Time: h.now()}
	p.reviews = append(p.reviews, review)
	x := &Comment{ID: h.id(), Author: author.Login, Body: body, Created: h.now(), thread: t, review: review}
	t.comments = append(t.comments, x)
	return x
}

func (p *pull) comment(id int64) *Comment {
	for _, t := range p.threads {
		for _, x := range t.comments {
			if x.ID == id {
				return x
			}
		}
	}
	return nil
}

// findComment finds the review comment that the path names.
func (c *call) findComment() *Comment {
	for _, p := range c.repo.pulls {
		if x := p.comment(c.id("comment")); x != nil {
			return x
		}
	}
	return nil
}

func (c *call) getReviewComment() answer {
	x := c.findComment()
	if x == nil {
		return missing()
	}
	return ok(c.commentJSON(x))
}

func (c *call) updateReviewComment() answer {
	x := c.findComment()
	if x == nil {
		return missing()
	}
	var in struct{ Body *string }
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	if in.Body == nil {
		return malformed("\"body\" wasn't supplied.")
	}
	if x.Author != c.hub.Bot() {
		return forbidden()
	}
	if bad := checkBody("PullRequestReviewComment", *in.Body); bad != nil {
		return *bad
	}
	x.Body, x.Edited = *in.Body, c.hub.now()
	c.hub.logf("comment %v#%d %s update%s", c.repo, x.thread.pull.Number, x.thread.where(), gist(x.Body))
	return ok(c.commentJSON(x))
}

func (c *call) deleteReviewComment() answer {
	x := c.findComment()
	if x == nil {
		return missing()
	}
	if x.Author != c.hub.Bot() {
		return forbidden()
	}
	c.dropInline(x)
	return nothing()
}

// dropInline deletes a comment, and its thread if it was the last.
func (c *call) dropInline(x *Comment) {
	t := x.thread
	c.hub.logf("comment %v#%d %s delete", t.pull.repo, t.pull.Number, t.where())
	t.comments = slices.DeleteFunc(t.comments, func(y *Comment) bool { return x == y })
	if len(t.comments) == 0 {
		t.pull.threads = slices.DeleteFunc(t.pull.threads, func(u *Thread) bool { return t == u })
	}
}

func (c *call) commentJSON(x *Comment) map[string]any {
	t, p := x.thread, x.thread.pull
	number := fmt.Sprintf("%s/repos/%v/pulls/%d", c.api, c.repo, p.Number)
	self := fmt.Sprintf("%s/repos/%v/pulls/comments/%d", c.api, c.repo, x.ID)
	html := fmt.Sprintf("%s/%v/pull/%d#discussion_r%d", c.web, c.repo, p.Number, x.ID)
	href := func(s string) map[string]string { return map[string]string{"href": s} }
	v := map[string]any{"id": x.ID, "node_id": fmt.Sprintf("PRRC_%d", x.ID), "pull_request_review_id": x.review.ID, "url": self,
		"html_url": html, "pull_request_url": number, "diff_hunk": t.hunk, "path": t.Path, "commit_id": t.commit, "original_commit_id": t.commit,
		"user": userJSON(c.api, c.hub.user(x.Author)), "body": x.Body, "created_at": stamp(x.Created), "updated_at": stamp(x.touched()),
		"author_association": "NONE", "side": t.Side, "subject_type": "line", "position": nil, "original_position": 1, "line": nil,
		"original_line": nil, "start_line": nil, "original_start_line": nil, "start_side": nil,
		"_links": map[string]any{"self": href(self), "html": href(html), "pull_request": href(number)}}
	if t.line == 0 {
		v["subject_type"], v["commit_id"] = "file", p.HeadSHA
	} else {
		v["original_line"] = t.line
		if t.start > 0 {
			v["original_start_line"], v["start_side"] = t.start, t.startSide
		}
		if line, start := p.place(t); line > 0 {
			v["line"], v["position"], v["commit_id"] = line, 1, p.HeadSHA // positions are closing down: any will do
			if start > 0 {
				v["start_line"] = start
			}
		}
	}
	if first := t.comments[0]; first != x {
		v["in_reply_to_id"] = first.ID
	}
	return v
}

// Remark adds a comment of author to a thread, or begins one at a line of the
// present head if thread is "". It returns the thread's id.
func (r *Repo) Remark(n int, thread, author, path string, line int, body string) (id string, err error) {
	err = r.withPull(n, func(p *pull) error {
		u := r.hub.user(author)
		if thread != "" {
			t := p.findThread(thread)
			if t == nil {
				return fmt.Errorf("thread %s of %v#%d: %w", thread, r, n, errNotFound)
			}
			id = thread
			p.answer(t, u, body)
			return nil
		}
		t, errs := p.thread(p.HeadSHA, remark{Path: &path, Line: &line})
		if errs != nil {
			return fmt.Errorf("comment on %s:%d of %v#%d: %s", path, line, r, n, sentence(errs))
		}
		review := &Review{ID: r.hub.id(), Author: author, State: "COMMENTED", Commit: p.HeadSHA, Time: r.hub.now()}
		p.reviews = append(p.reviews, review)
		p.start(t, review, u, body)
		id = t.ID
		return nil
	})
	return id, err
}

// Resolve has login resolve a thread that is not yet.
func (r *Repo) Resolve(n int, thread, login string) error {
	return r.withPull(n, func(p *pull) error {
		t := p.findThread(thread)
		if t == nil {
			return fmt.Errorf("thread %s of %v#%d: %w", thread, r, n, errNotFound)
		}
		if !t.Resolved {
			t.Resolved, t.ResolvedBy = true, r.hub.user(login).Login
		}
		return nil
	})
}

// DeleteInline deletes a comment at a line, as whoever may write to the repository can.
func (r *Repo) DeleteInline(n int, comment int64) error {
	return r.withPull(n, func(p *pull) error {
		x := p.comment(comment)
		if x == nil {
			return fmt.Errorf("comment %d of %v#%d: %w", comment, r, n, errNotFound)
		}
		(&call{hub: r.hub}).dropInline(x)
		return nil
	})
}

func (p *pull) findThread(id string) *Thread {
	for _, t := range p.threads {
		if t.ID == id {
			return t
		}
	}
	return nil
}
