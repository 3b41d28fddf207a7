package fakehub

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

func (c *call) listComments() answer {
	p := c.repo.pull(c.number("number"))
	if p == nil {
		return missing()
	}
	return paged(c, c.since(p.comments), func(x *Comment) any { return c.issueCommentJSON(p, x) })
}

func (c *call) createComment() answer {
	p := c.repo.pull(c.number("number"))
	if p == nil {
		return missing()
	}
	body, bad := c.commentBody()
	if bad != nil {
		return *bad
	}
	x := p.say(c.bot(), body)
	c.hub.logf("conversation %v#%d%s", c.repo, p.Number, gist(body))
	return created(c.issueCommentJSON(p, x))
}

func (p *pull) say(author *user, body string) *Comment {
	h := p.repo.hub
	x := &Comment{ID: h.id(), Author: author.Login, Body: body, Created: h.now()}
	p.comments = append(p.comments, x)
	return x
}

// Say adds a comment of author to the conversation of a pull request.
func (r *Repo) Say(n int, author, body string) (id int64, err error) {
	err = r.withPull(n, func(p *pull) error {
		id = p.say(r.hub.user(author), body).ID
		return nil
	})
	return id, err
}

func (c *call) commentBody() (string, *answer) {
	var in struct{ Body *string }
	if bad := c.decode(&in); bad != nil {
		return "", bad
	}
	if in.Body == nil {
		a := malformed("\"body\" wasn't supplied.")
		return "", &a
	}
	return *in.Body, checkBody("IssueComment", *in.Body)
}

func (c *call) findIssueComment() (*pull, *Comment) {
	for _, p := range c.repo.pulls {
		for _, x := range p.comments {
			if x.ID == c.id("comment") {
				return p, x
			}
		}
	}
	return nil, nil
}

func (c *call) getComment() answer {
	p, x := c.findIssueComment()
	if x == nil {
		return missing()
	}
	return ok(c.issueCommentJSON(p, x))
}

func (c *call) updateComment() answer {
	p, x := c.findIssueComment()
	if x == nil {
		return missing()
	}
	body, bad := c.commentBody()
	if bad != nil {
		return *bad
	}
	if x.Author != c.hub.Bot() {
		return forbidden()
	}
	x.Body, x.Edited = body, c.hub.now()
	c.hub.logf("conversation %v#%d update%s", c.repo, p.Number, gist(body))
	return ok(c.issueCommentJSON(p, x))
}

func (c *call) deleteComment() answer {
	p, x := c.findIssueComment()
	if x == nil {
		return missing()
	}
	if x.Author != c.hub.Bot() {
		return forbidden()
	}
	p.comments = slices.DeleteFunc(p.comments, func(y *Comment) bool { return x == y })
	c.hub.logf("conversation %v#%d delete%s", c.repo, p.Number, gist(x.Body))
	return nothing()
}

func (c *call) issueCommentJSON(p *pull, x *Comment) map[string]any {
	v := x.json(p, c.api, c.web)
	if x.Author == c.hub.Bot() {
		v["performed_via_github_app"] = c.hub.appJSON(c.api)
	}
	return v
}

func (x *Comment) json(p *pull, api, web string) map[string]any {
	return map[string]any{"id": x.ID, "node_id": fmt.Sprintf("IC_%d", x.ID), "user": userJSON(api, p.repo.hub.user(x.Author)), "body": x.Body,
		"created_at": stamp(x.Created), "updated_at": stamp(x.touched()), "author_association": "NONE", "performed_via_github_app": nil,
		"url":       fmt.Sprintf("%s/repos/%v/issues/comments/%d", api, p.repo, x.ID),
		"html_url":  fmt.Sprintf("%s/%v/pull/%d#issuecomment-%d", web, p.repo, p.Number, x.ID),
		"issue_url": fmt.Sprintf("%s/repos/%v/issues/%d", api, p.repo, p.Number)}
}

func (c *call) listLabels() answer {
	p := c.repo.pull(c.number("number"))
	if p == nil {
		return missing()
	}
	return paged(c, p.Labels, func(name string) any { return labelJSON(c.api, c.repo, name) })
}

// addLabels takes {"labels": [...]} or a bare list; labels that do not exist are made.
func (c *call) addLabels() answer {
	p := c.repo.pull(c.number("number"))
	if p == nil {
		return missing()
	}
	var in struct{ Labels []string }
	if strings.HasPrefix(strings.TrimSpace(string(c.body)), "[") {
		if err := json.Unmarshal(c.body, &in.Labels); err != nil {
			return malformed("%s", err)
		}
	} else if bad := c.decode(&in); bad != nil {
		return *bad
	}
	for _, name := range in.Labels {
		if strings.TrimSpace(name) == "" {
			return invalid("Label", "missing_field", "name", "")
		}
		if utf8.RuneCountInString(name) > 50 {
			return invalid("Label", "custom", "name", "name is too long (maximum is 50 characters)")
		}
	}
	var added []string
	for _, name := range in.Labels {
		if !slices.ContainsFunc(p.Labels, func(l string) bool { return strings.EqualFold(l, name) }) {
			p.Labels = append(p.Labels, name)
			added = append(added, name)
		}
	}
	c.hub.logf("labels %v#%d %s", c.repo, p.Number, strings.Join(added, ", "))
	list := []any{}
	for _, name := range p.Labels {
		list = append(list, labelJSON(c.api, c.repo, name))
	}
	return ok(list)
}

func labelJSON(api string, r *Repo, name string) map[string]any {
	id := r.labels[name]
	if id == 0 {
		id = r.hub.id()
		r.labels[name] = id
	}
	return map[string]any{"id": id, "node_id": fmt.Sprintf("LA_%d", id), "name": name, "color": "ededed", "default": false, "description": "",
		"url": fmt.Sprintf("%s/repos/%v/labels/%s", api, r, name)}
}
