package fakehub

import (
	"fmt"
	"strings"
)

func forbiddenGraph() *graphError {
	return &graphError{Type: "FORBIDDEN", Message: "Resource not accessible by integration"}
}

func (c *call) queryRoot() node {
	return node{kind: "Query", fields: map[string]field{
		"viewer": is(c.actor(c.bot())),
		"rateLimit": lazily(func() any {
			b := c.hub.budget(c.token.install)
			return node{kind: "RateLimit", fields: map[string]field{"limit": is(c.hub.opts.RateLimit), "cost": is(1), "used": is(b.used),
				"remaining": is(c.hub.opts.RateLimit - b.used), "resetAt": is(stamp(b.reset))}}
		}),
		"repository": func(args map[string]any) (any, *graphError) {
			r := c.named(args)
			if r == nil || !c.token.sees(r) {
				return nil, &graphError{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve to a Repository with the name '%v/%v'.", args["owner"], args["name"])}
			}
			return c.repositoryNode(r), nil
		},
		"node": func(args map[string]any) (any, *graphError) {
			id, _ := args["id"].(string)
			if t := c.visibleThread(id); t != nil && c.token.can("pull_requests:read") {
				return c.threadNode(t), nil
			}
			if x := c.visibleComment(id); x != nil && c.token.can("pull_requests:read") {
				return c.commentNode(x), nil
			}
			return nil, unresolved(id)
		},
	}}
}

func unresolved(id string) *graphError {
	return &graphError{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve to a node with the global id of '%s'.", id)}
}

// visibleThread finds a thread in any repository that the token sees.
func (c *call) visibleThread(id string) *Thread {
	for _, r := range c.hub.byID {
		if !c.token.sees(r) {
			continue
		}
		for _, p := range r.pulls {
			for _, t := range p.shown() {
				if t.ID == id {
					return t
				}
			}
		}
	}
	return nil
}

func (c *call) visibleComment(id string) *Comment {
	for _, r := range c.hub.byID {
		if !c.token.sees(r) {
			continue
		}
		for _, p := range r.pulls {
			for _, x := range p.inline() {
				if commentID(x) == id {
					return x
				}
			}
		}
	}
	return nil
}

func commentID(x *Comment) string { return fmt.Sprintf("PRRC_%d", x.ID) }

func (c *call) mutationRoot() node {
	return node{kind: "Mutation", fields: map[string]field{
		"resolveReviewThread":            c.mutation("ResolveReviewThreadPayload", c.settle(true)),
		"unresolveReviewThread":          c.mutation("UnresolveReviewThreadPayload", c.settle(false)),
		"updatePullRequestReviewComment": c.mutation("UpdatePullRequestReviewCommentPayload", c.editComment),
		"deletePullRequestReviewComment": c.mutation("DeletePullRequestReviewCommentPayload", c.dropComment),
		"addPullRequestReviewThreadReply": c.mutation("AddPullRequestReviewThreadReplyPayload",
			c.replyInThread),
	}}
}

// mutation reads the input and gives the payload what all have.
func (c *call) mutation(kind string, do func(input map[string]any) (map[string]field, *graphError)) field {
	return func(args map[string]any) (any, *graphError) {
		input, ok := args["input"].(map[string]any)
		if !ok {
			return nil, &graphError{Message: "Field is missing required arguments: input"}
		}
		fields, bad := do(input)
		if bad != nil {
			return nil, bad
		}
		fields["clientMutationId"] = is(input["clientMutationId"])
		return node{kind: kind, fields: fields}, nil
	}
}

// settle resolves a thread or takes that back. pull_requests: write is not
// enough for it: GitHub asks an App for contents: write.
func (c *call) settle(resolved bool) func(map[string]any) (map[string]field, *graphError) {
	return func(input map[string]any) (map[string]field, *graphError) {
		id, _ := input["threadId"].(string)
		t := c.visibleThread(id)
		if t == nil {
			return nil, unresolved(id)
		}
		if !c.token.can("contents:write") || !c.token.can("pull_requests:write") {
			return nil, forbiddenGraph()
		}
		if t.Resolved == resolved { // whoever did it
			return map[string]field{"thread": is(c.threadNode(t))}, nil
		}
		t.Resolved, t.ResolvedBy = resolved, ""
		verb := "unresolve"
		if resolved {
			t.ResolvedBy, verb = c.bot().Login, "resolve"
		}
		c.hub.logf("thread %v#%d %s %s", t.pull.repo, t.pull.Number, t.where(), verb)
		return map[string]field{"thread": is(c.threadNode(t))}, nil
	}
}

// ownComment finds a comment of ours that a mutation is about.
func (c *call) ownComment(id any) (*Comment, *graphError) {
	s, _ := id.(string)
	x := c.visibleComment(s)
	if x == nil {
		return nil, unresolved(s)
	}
	if !c.token.can("pull_requests:write") || x.Author != c.hub.Bot() {
		return nil, forbiddenGraph()
	}
	return x, nil
}

func (c *call) graphBody(input map[string]any) (string, *graphError) {
	body, _ := input["body"].(string)
	if checkBody("", body) != nil {
		return "", &graphError{Type: "UNPROCESSABLE", Message: "Body can't be blank and is at most 65536 characters"}
	}
	return body, nil
}

func (c *call) editComment(input map[string]any) (map[string]field, *graphError) {
	x, bad := c.ownComment(input["pullRequestReviewCommentId"])
	if bad != nil {
		return nil, bad
	}
	body, bad := c.graphBody(input)
	if bad != nil {
		return nil, bad
	}
	x.Body, x.Edited = body, c.hub.now()
	c.hub.logf("comment %v#%d %s update%s", x.thread.pull.repo, x.thread.pull.Number, x.thread.where(), gist(body))
	return map[string]field{"pullRequestReviewComment": is(c.commentNode(x))}, nil
}

func (c *call) dropComment(input map[string]any) (map[string]field, *graphError) {
	x, bad := c.ownComment(input["id"])
	if bad != nil {
		return nil, bad
	}
	c.dropInline(x)
	return map[string]field{"pullRequestReviewComment": is(nil)}, nil
}

func (c *call) replyInThread(input map[string]any) (map[string]field, *graphError) {
	id, _ := input["pullRequestReviewThreadId"].(string)
	t := c.visibleThread(id)
	if t == nil {
		return nil, unresolved(id)
	}
	if !c.token.can("pull_requests:write") {
		return nil, forbiddenGraph()
	}
	body, bad := c.graphBody(input)
	if bad != nil {
		return nil, bad
	}
	x := t.pull.answer(t, c.bot(), body)
	c.hub.logf("reply %v#%d %s%s", t.pull.repo, t.pull.Number, t.where(), gist(body))
	return map[string]field{"comment": is(c.commentNode(x))}, nil
}

// actor renders an account; a bot's login has no "[bot]" in GraphQL.
func (c *call) actor(u *user) *node {
	if u == nil {
		return nil
	}
	return &node{kind: u.Type, fields: map[string]field{"id": is(fmt.Sprintf("U_%d", u.ID)), "databaseId": is(u.ID),
		"login": is(strings.TrimSuffix(u.Login, "[bot]")), "url": is(c.web + "/" + u.Login), "avatarUrl": is(""), "resourcePath": is("/" + u.Login)}}
}

func (c *call) repositoryNode(r *Repo) node {
	return node{kind: "Repository", fields: map[string]field{"id": is(fmt.Sprintf("R_%d", r.id)), "databaseId": is(r.id), "name": is(r.name),
		"nameWithOwner": is(r.String()), "owner": is(c.actor(r.owner)), "isPrivate": is(true), "isFork": is(r.parent != nil), "url": is(c.web + "/" + r.String()),
		"defaultBranchRef": lazily(func() any {
			sha := r.tip(r.branch)
			if sha == "" {
				return nil
			}
			return node{kind: "Ref", fields: map[string]field{"name": is(r.branch), "target": lazily(func() any { return c.commitNode(r, sha) })}}
		}),
		"object": c.commitOf(r),
		"pullRequest": func(args map[string]any) (any, *graphError) {
			if !c.token.can("pull_requests:read") {
				return nil, forbiddenGraph()
			}
			n, _ := args["number"].(float64)
			p := r.pull(int(n))
			if p == nil {
				return nil, &graphError{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve to a PullRequest with the number of %v.", args["number"])}
			}
			return c.pullNode(p), nil
		}}}
}

func gitObject(sha string) node {
	return node{kind: "Commit", fields: map[string]field{"oid": is(sha), "id": is("C_" + sha), "abbreviatedOid": is(short(sha))}}
}

func (c *call) pullNode(p *pull) node {
	state := strings.ToUpper(p.State)
	if p.Merged {
		state = "MERGED"
	}
	var threads, reviews, comments []node
	for _, t := range p.shown() {
		threads = append(threads, c.threadNode(t))
	}
	for _, r := range p.reviews {
		if r.State != pendingReview {
			reviews = append(reviews, c.reviewNode(r))
		}
	}
	for _, x := range p.comments {
		comments = append(comments, node{kind: "IssueComment", fields: map[string]field{"id": is(fmt.Sprintf("IC_%d", x.ID)), "databaseId": is(x.ID),
			"body": is(x.Body), "author": is(c.actor(c.hub.user(x.Author))), "createdAt": is(stamp(x.Created)), "viewerDidAuthor": is(x.Author == c.hub.Bot())}})
	}
	return node{kind: "PullRequest", fields: map[string]field{"id": is(fmt.Sprintf("PR_%d", p.id)), "databaseId": is(p.id), "fullDatabaseId": is(fmt.Sprint(p.id)),
		"number": is(p.Number), "title": is(p.Title), "body": is(p.Body), "state": is(state), "isDraft": is(p.Draft), "merged": is(p.Merged),
		"closed": is(p.State == "closed"), "headRefOid": is(p.HeadSHA), "baseRefOid": is(p.BaseSHA), "headRefName": is(p.Head), "baseRefName": is(p.Base),
		"url": is(fmt.Sprintf("%s/%v/pull/%d", c.web, p.repo, p.Number)), "author": is(c.actor(p.author)), "createdAt": is(stamp(p.Created)),
		"updatedAt": is(stamp(p.Updated)), "isCrossRepository": is(p.from != p.repo), "repository": lazily(func() any { return c.repositoryNode(p.repo) }),
		"reviewThreads": connection("reviewThreads", "PullRequestReviewThread", threads), "reviews": connection("reviews", "PullRequestReview", reviews),
		"comments": connection("comments", "IssueComment", comments), "commits": c.commitsOf(p)}}
}

func (c *call) reviewNode(r *Review) node {
	return node{kind: "PullRequestReview", fields: map[string]field{"id": is(fmt.Sprintf("PRR_%d", r.ID)), "databaseId": is(r.ID), "fullDatabaseId": is(fmt.Sprint(r.ID)),
		"body": is(r.Body), "state": is(r.State), "author": is(c.actor(c.hub.user(r.Author))), "commit": is(gitObject(r.Commit)),
		"submittedAt": is(stamp(r.Time)), "viewerDidAuthor": is(r.Author == c.hub.Bot())}}
}

func positive(n int) any {
	if n <= 0 {
		return nil
	}
	return n
}

func (c *call) threadNode(t *Thread) node {
	subject := "LINE"
	if t.line == 0 {
		subject = "FILE"
	}
	may := c.token.can("contents:write") && c.token.can("pull_requests:write")
	var comments []node
	for _, x := range t.comments {
		comments = append(comments, c.commentNode(x))
	}
	line := func(pick int) field {
		return lazily(func() any {
			l, s := t.pull.place(t)
			return positive([]int{l, s}[pick])
		})
	}
	return node{kind: "PullRequestReviewThread", fields: map[string]field{"id": is(t.ID), "path": is(t.Path), "line": line(0), "startLine": line(1),
		"originalLine": is(positive(t.line)), "originalStartLine": is(positive(t.start)), "diffSide": is(t.Side), "startDiffSide": is(t.startSide),
		"subjectType": is(subject), "isResolved": is(t.Resolved), "isCollapsed": is(t.Resolved), "isOutdated": lazily(func() any { return t.outdated() }),
		"viewerCanResolve": is(may && !t.Resolved), "viewerCanUnresolve": is(may && t.Resolved), "viewerCanReply": is(c.token.can("pull_requests:write")),
		"resolvedBy": lazily(func() any {
			if t.ResolvedBy == "" {
				return nil
			}
			return c.actor(c.hub.user(t.ResolvedBy))
		}),
		"pullRequest": lazily(func() any { return c.pullNode(t.pull) }), "repository": lazily(func() any { return c.repositoryNode(t.pull.repo) }),
		"comments": connection("comments", "PullRequestReviewComment", comments)}}
}

func (t *Thread) outdated() bool {
	line, _ := t.pull.place(t)
	return t.line > 0 && line == 0
}

func (c *call) commentNode(x *Comment) node {
	t := x.thread
	own := x.Author == c.hub.Bot()
	return node{kind: "PullRequestReviewComment", fields: map[string]field{"id": is(commentID(x)), "databaseId": is(x.ID), "fullDatabaseId": is(fmt.Sprint(x.ID)),
		"body": is(x.Body), "author": is(c.actor(c.hub.user(x.Author))), "authorAssociation": is("NONE"), "path": is(t.Path),
		"line": lazily(func() any {
			line, _ := t.pull.place(t)
			return positive(line)
		}),
		"startLine": lazily(func() any {
			_, start := t.pull.place(t)
			return positive(start)
		}),
		"originalLine": is(positive(t.line)), "originalStartLine": is(positive(t.start)), "diffHunk": is(t.hunk), "outdated": lazily(func() any { return t.outdated() }),
		"createdAt": is(stamp(x.Created)), "updatedAt": is(stamp(x.touched())), "isMinimized": is(false), "viewerDidAuthor": is(own), "viewerCanUpdate": is(own),
		"viewerCanDelete": is(own), "url": is(fmt.Sprintf("%s/%v/pull/%d#discussion_r%d", c.web, t.pull.repo, t.pull.Number, x.ID)),
		"originalCommit": is(gitObject(t.commit)), "commit": is(gitObject(t.commit)), "pullRequestReview": is(c.reviewNode(x.review)),
		"replyTo": lazily(func() any {
			if t.comments[0] == x {
				return nil
			}
			return c.commentNode(t.comments[0])
		})}}
}
