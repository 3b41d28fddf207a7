package fakehub

import (
	"fmt"
	"slices"
	"time"
)

// An Issue is one that is no pull request.
type Issue struct {
	Number  int       `json:"number"`
	Author  string    `json:"author"`
	Title   string    `json:"title"`
	Body    string    `json:"body"`
	Created time.Time `json:"created"`

	id int64
}

// Issues returns those of the repository, oldest first.
func (r *Repo) Issues() []Issue {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	return slices.Clone(r.issues)
}

// TurnOffIssues has the repository have none.
func (r *Repo) TurnOffIssues() {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	r.noIssues = true
}

// OpenIssue adds one of author.
func (r *Repo) OpenIssue(author, title, body string) int {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	return r.openIssue(r.hub.user(author), title, body).Number
}

func (r *Repo) openIssue(author *user, title, body string) Issue {
	r.numbers++
	i := Issue{Number: r.numbers, Author: author.Login, Title: title, Body: body, Created: r.hub.now(), id: r.hub.id()}
	r.issues = append(r.issues, i)
	return i
}

// listIssues knows the parameter creator, and one order: newest first.
func (c *call) listIssues() answer {
	if c.repo.noIssues {
		return problem(410, "Issues has been disabled in this repository.")
	}
	list := slices.Clone(c.repo.issues)
	slices.Reverse(list)
	if creator := c.r.FormValue("creator"); creator != "" {
		list = slices.DeleteFunc(list, func(i Issue) bool { return i.Author != creator })
	}
	return paged(c, list, func(i Issue) any { return c.issueJSON(i) })
}

func (c *call) createIssue() answer {
	var in struct{ Title, Body string }
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	if c.repo.noIssues {
		return problem(410, "Issues has been disabled in this repository.")
	}
	if bad := checkTexts("Issue", in.Title, in.Body); bad != nil {
		return *bad
	}
	i := c.repo.openIssue(c.bot(), in.Title, in.Body)
	c.hub.logf("issue %v#%d %s%s", c.repo, i.Number, i.Title, gist(i.Body))
	return created(c.issueJSON(i))
}

func (c *call) issueJSON(i Issue) map[string]any {
	self := fmt.Sprintf("%s/repos/%v/issues/%d", c.api, c.repo, i.Number)
	html := fmt.Sprintf("%s/%v/issues/%d", c.web, c.repo, i.Number)
	return map[string]any{"id": i.id, "node_id": fmt.Sprintf("I_%d", i.id), "number": i.Number, "title": i.Title, "body": i.Body, "state": "open",
		"user": userJSON(c.api, c.hub.user(i.Author)), "labels": []any{}, "assignee": nil, "assignees": []any{}, "milestone": nil, "locked": false,
		"comments": 0, "created_at": stamp(i.Created), "updated_at": stamp(i.Created), "closed_at": nil, "author_association": "NONE",
		"url": self, "html_url": html, "repository_url": fmt.Sprintf("%s/repos/%v", c.api, c.repo), "labels_url": self + "/labels{/name}",
		"comments_url": self + "/comments", "events_url": self + "/events"}
}
