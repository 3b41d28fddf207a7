package fakehub

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

func (c *call) listPulls() answer {
	q := c.r.URL.Query()
	state := q.Get("state")
	if state == "" {
		state = "open"
	}
	var list []*pull
	for _, p := range c.repo.pulls {
		if state != "all" && p.State != state {
			continue
		}
		// A head without its owner is ignored, not an error.
		if head := q.Get("head"); strings.Contains(head, ":") && !strings.EqualFold(head, p.from.owner.Login+":"+p.Head) {
			continue
		}
		if base := q.Get("base"); base != "" && base != p.Base {
			continue
		}
		list = append(list, p)
	}
	slices.SortStableFunc(list, func(a, b *pull) int {
		if q.Get("sort") == "updated" {
			if n := a.Updated.Compare(b.Updated); n != 0 {
				return n
			}
		}
		return a.Number - b.Number
	})
	if dir := q.Get("direction"); dir == "desc" || dir == "" && (q.Get("sort") == "" || q.Get("sort") == "created") {
		slices.Reverse(list)
	}
	return paged(c, list, func(p *pull) any { return c.pullJSON(p) })
}

func (c *call) getPull() answer {
	p := c.repo.pull(c.number("number"))
	if p == nil {
		return missing()
	}
	return ok(c.pullJSON(p))
}

func (c *call) createPull() answer {
	var in struct {
		Title, Head, Base, Body *string
		Draft                   bool
	}
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	for name, v := range map[string]*string{"head": in.Head, "base": in.Base} {
		if v == nil || *v == "" {
			return malformed("\"%s\" wasn't supplied.", name)
		}
	}
	if in.Title == nil {
		return invalid("PullRequest", "missing_field", "title", "")
	}
	p, bad := c.repo.open(*in.Title, text(in.Body), *in.Base, *in.Head, c.bot())
	if bad != nil {
		return *bad
	}
	p.Draft = in.Draft
	c.hub.logf("pull %v %s -> %s %q", c.repo, p.Head, p.Base, p.Title)
	return created(c.pullJSON(p))
}

func (c *call) updatePull() answer {
	p := c.repo.pull(c.number("number"))
	if p == nil {
		return missing()
	}
	var in struct{ Title, Body, State, Base *string }
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	title, body := p.Title, p.Body
	if in.Title != nil {
		title = *in.Title
	}
	if in.Body != nil {
		body = *in.Body
	}
	if bad := checkTexts("PullRequest", title, body); bad != nil {
		return *bad
	}
	var did []string
	if in.Base != nil && *in.Base != p.Base {
		tip := c.repo.tip(*in.Base)
		if tip == "" {
			return invalid("PullRequest", "invalid", "base", fmt.Sprintf("Proposed base branch '%s' was not found", *in.Base))
		}
		if p.State != "open" {
			return invalid("PullRequest", "invalid", "base", "Cannot change base branch of closed pull request")
		}
		p.Base, p.BaseSHA = *in.Base, tip
		did = append(did, "base "+p.Base)
	}
	if in.State != nil && *in.State != p.State {
		switch {
		case *in.State != "open" && *in.State != "closed":
			return invalid("PullRequest", "invalid", "state", "")
		case *in.State == "closed":
			p.closed = c.hub.now()
		case p.Merged || p.from.gone || p.from.tip(p.Head) == "":
			return invalid("PullRequest", "invalid", "state", "state cannot be changed. The branch was deleted or merged.")
		default:
			p.closed = time.Time{}
			if err := p.moveHead(p.from.tip(p.Head)); err != nil {
				return problem(http.StatusInternalServerError, "Server Error")
			}
		}
		p.State = *in.State
		did = append(did, p.State)
	}
	if title != p.Title {
		did = append(did, fmt.Sprintf("title %q", title))
	}
	if body != p.Body {
		did = append(did, "body")
	}
	p.Title, p.Body, p.Updated = title, body, c.hub.now()
	c.hub.logf("pull %v#%d update: %s", c.repo, p.Number, strings.Join(did, ", "))
	return ok(c.pullJSON(p))
}

// pullsOfCommit answers the pull requests that brought a commit, or would.
func (c *call) pullsOfCommit() answer {
	sha := c.params["sha"]
	if c.repo.object(sha) != "commit" {
		return problem(http.StatusUnprocessableEntity, "No commit found for SHA: "+sha)
	}
	var list []*pull
	for _, p := range c.repo.pulls {
		if p.contains(sha) {
			list = append(list, p)
		}
	}
	return paged(c, list, func(p *pull) any { return c.pullJSON(p) })
}

// contains reports whether sha is a commit of p, or the one that merged it.
func (p *pull) contains(sha string) bool {
	return p.HeadSHA == sha || p.mergeSHA == sha || slices.Contains(p.commits(), sha)
}

func (c *call) listFiles() answer {
	p := c.repo.pull(c.number("number"))
	if p == nil {
		return missing()
	}
	files, err := c.repo.diff(p.mergeBase(), p.HeadSHA)
	if err != nil {
		return problem(http.StatusInternalServerError, "Server Error")
	}
	return paged(c, files[:min(len(files), listFiles)], func(f FileDiff) any { return c.fileJSON(p.HeadSHA, f) })
}

func (c *call) fileJSON(sha string, f FileDiff) map[string]any {
	self := c.api + "/repos/" + c.repo.String()
	v := map[string]any{"sha": f.blob, "filename": f.Path, "status": f.Status, "additions": f.Additions, "deletions": f.Deletions,
		"changes": f.Additions + f.Deletions, "blob_url": c.web + "/" + c.repo.String() + "/blob/" + sha + "/" + f.Path,
		"raw_url": c.web + "/" + c.repo.String() + "/raw/" + sha + "/" + f.Path, "contents_url": self + "/contents/" + f.Path + "?ref=" + sha}
	if f.OldPath != "" {
		v["previous_filename"] = f.OldPath
	}
	if len(f.Hunks) > 0 {
		v["patch"] = f.patch()
	}
	return v
}

func (c *call) listCommits() answer {
	p := c.repo.pull(c.number("number"))
	if p == nil {
		return missing()
	}
	list := p.commits()
	return paged(c, list[:min(len(list), 250)], func(sha string) any { return c.commitJSON(sha) })
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (c *call) pullJSON(p *pull) map[string]any { return p.json(c.api, c.web) }

// json renders the pull request as seen at the address api.
func (p *pull) json(api, web string) map[string]any {
	self := fmt.Sprintf("%s/repos/%v/pulls/%d", api, p.repo, p.Number)
	issue := fmt.Sprintf("%s/repos/%v/issues/%d", api, p.repo, p.Number)
	html := fmt.Sprintf("%s/%v/pull/%d", web, p.repo, p.Number)
	var head any
	if !p.from.gone {
		head = p.from.json(api, web)
	}
	labels := []any{}
	for _, name := range p.Labels {
		labels = append(labels, labelJSON(api, p.repo, name))
	}
	statuses := fmt.Sprintf("%s/repos/%v/statuses/%s", api, p.repo, p.HeadSHA)
	var body, merge any
	if p.Body != "" {
		body = p.Body
	}
	if p.mergeSHA != "" {
		merge = p.mergeSHA
	}
	href := func(s string) map[string]string { return map[string]string{"href": s} }
	files, _ := p.repo.diff(p.mergeBase(), p.HeadSHA) // only for the counts
	added, removed := 0, 0
	for _, f := range files {
		added, removed = added+f.Additions, removed+f.Deletions
	}
	comments := 0
	for _, t := range p.shown() {
		comments += len(t.comments)
	}
	return map[string]any{"id": p.id, "node_id": fmt.Sprintf("PR_%d", p.id), "number": p.Number, "state": p.State, "locked": false,
		"title": p.Title, "body": body, "user": userJSON(api, p.author), "draft": p.Draft, "labels": labels, "milestone": nil,
		"assignee": nil, "assignees": []any{}, "requested_reviewers": []any{}, "requested_teams": []any{}, "active_lock_reason": nil,
		"created_at": stamp(p.Created), "updated_at": stamp(p.Updated), "closed_at": stamp(p.closed), "merged_at": stamp(p.mergedAt),
		"merge_commit_sha": merge, "merged": p.Merged, "merged_by": nil, "mergeable": nil, "rebaseable": nil, "mergeable_state": "unknown",
		"auto_merge": nil, "author_association": "CONTRIBUTOR", "maintainer_can_modify": false, "comments": len(p.comments),
		"review_comments": comments, "commits": len(p.commits()), "additions": added, "deletions": removed, "changed_files": len(files),
		"url": self, "html_url": html, "diff_url": html + ".diff", "patch_url": html + ".patch", "issue_url": issue,
		"commits_url": self + "/commits", "review_comments_url": self + "/comments", "statuses_url": statuses,
		"review_comment_url": fmt.Sprintf("%s/repos/%v/pulls/comments{/number}", api, p.repo), "comments_url": issue + "/comments",
		"head": map[string]any{"label": p.from.owner.Login + ":" + p.Head, "ref": p.Head, "sha": p.HeadSHA, "user": userJSON(api, p.from.owner), "repo": head},
		"base": map[string]any{"label": p.repo.owner.Login + ":" + p.Base, "ref": p.Base, "sha": p.BaseSHA, "user": userJSON(api, p.repo.owner), "repo": p.repo.json(api, web)},
		"_links": map[string]any{"self": href(self), "html": href(html), "issue": href(issue), "comments": href(issue + "/comments"),
			"review_comments": href(self + "/comments"), "review_comment": href(fmt.Sprintf("%s/repos/%v/pulls/comments{/number}", api, p.repo)),
			"commits": href(self + "/commits"), "statuses": href(statuses)}}
}
