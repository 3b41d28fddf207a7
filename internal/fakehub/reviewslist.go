package fakehub

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// findReview finds the review that the path names; nil if there is none.
func (c *call) findReview() (*pull, *Review) {
	p := c.repo.pull(c.number("number"))
	if p == nil {
		return nil, nil
	}
	for _, r := range p.reviews {
		if r.ID == c.id("review") {
			return p, r
		}
	}
	return p, nil
}

func (c *call) listReviews() answer {
	p := c.repo.pull(c.number("number"))
	if p == nil {
		return missing()
	}
	// All reviews through the API are the App's own, so it sees its pending one.
	return paged(c, p.reviews, func(r *Review) any { return c.reviewJSON(p, r) })
}

func (c *call) getReview() answer {
	p, r := c.findReview()
	if r == nil {
		return missing()
	}
	return ok(c.reviewJSON(p, r))
}

func (c *call) updateReview() answer {
	p, r := c.findReview()
	if r == nil {
		return missing()
	}
	var in struct{ Body *string }
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	if in.Body == nil {
		return malformed("\"body\" wasn't supplied.")
	}
	if r.Author != c.hub.Bot() {
		return forbidden()
	}
	if utf8.RuneCountInString(*in.Body) > maxBody {
		return unprocessable("Body is too long (maximum is 65536 characters)")
	}
	r.Body = *in.Body
	c.hub.logf("review %v#%d update%s", c.repo, p.Number, gist(r.Body))
	return ok(c.reviewJSON(p, r))
}

func (c *call) submitReview() answer {
	p, r := c.findReview()
	if r == nil {
		return missing()
	}
	var in struct{ Event, Body *string }
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	if in.Event == nil || *in.Event == "" {
		return malformed("\"event\" wasn't supplied.")
	}
	if r.State != pendingReview {
		return unprocessable("Can not submit a review that is not pending")
	}
	body := r.Body
	if in.Body != nil {
		body = *in.Body
	}
	state, bad := reviewState(p, c.bot(), *in.Event, body, 1)
	if bad != nil {
		return *bad
	}
	r.State, r.Body, r.Time = state, body, c.hub.now()
	c.hub.logf("review %v#%d submit %s", c.repo, p.Number, strings.ToLower(state))
	return ok(c.reviewJSON(p, r))
}

func (c *call) deleteReview() answer {
	p, r := c.findReview()
	if r == nil {
		return missing()
	}
	if r.State != pendingReview {
		return unprocessable("Can not delete a non-pending pull request review")
	}
	out := c.reviewJSON(p, r)
	p.reviews = slices.DeleteFunc(p.reviews, func(x *Review) bool { return x == r })
	p.threads = slices.DeleteFunc(p.threads, func(t *Thread) bool { return t.comments[0].review == r })
	c.hub.logf("review %v#%d delete", c.repo, p.Number)
	return ok(out)
}

func (c *call) reviewJSON(p *pull, r *Review) map[string]any {
	html := fmt.Sprintf("%s/%v/pull/%d#pullrequestreview-%d", c.web, c.repo, p.Number, r.ID)
	self := fmt.Sprintf("%s/repos/%v/pulls/%d", c.api, c.repo, p.Number)
	v := map[string]any{"id": r.ID, "node_id": fmt.Sprintf("PRR_%d", r.ID), "user": userJSON(c.api, c.hub.user(r.Author)), "body": r.Body,
		"state": r.State, "commit_id": r.Commit, "author_association": "NONE", "html_url": html, "pull_request_url": self,
		"_links": map[string]any{"html": map[string]string{"href": html}, "pull_request": map[string]string{"href": self}}}
	if r.State != pendingReview {
		v["submitted_at"] = stamp(r.Time)
	}
	return v
}

func (c *call) reviewComments() answer {
	p, r := c.findReview()
	if r == nil {
		return missing()
	}
	var list []*Comment
	for _, t := range p.threads {
		for _, x := range t.comments {
			if x.review == r {
				list = append(list, x)
			}
		}
	}
	return answer{status: http.StatusOK, body: c.commentPage(list)}
}
