package fakehub

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const threadsQuery = `query($after:String$n:Int!$name:String!$owner:String!){repository(owner: $owner, name: $name){pullRequest(number: $n){
	reviewThreads(first: 1, after: $after){nodes{id,isResolved,comments(first: 10){nodes{id,databaseId,body,author{login,__typename},path,line}}},
	pageInfo{hasNextPage,endCursor}}}}}`

func (w *world) graph(token, query string, variables m) result {
	w.Helper()
	res := w.send("POST", "/api/graphql", "bearer "+token, m{"query": query, "variables": variables})
	require.Equal(w, 200, res.status, res.text)
	return res
}

func (w *world) reviewed() {
	w.Helper()
	head := w.pull()
	res := w.do("POST", shop+"/pulls/1/reviews", m{"commit_id": head, "event": "COMMENT", "body": "b", "comments": l{at("a.txt", 20), at("dir/new.txt", 1)}})
	require.Equal(w, 200, res.status, res.text)
}

func TestThreads(t *testing.T) {
	w := newWorld(t)
	w.reviewed()
	vars := m{"owner": "acme", "name": "shop", "n": 1, "after": nil}
	first := w.graph(w.token, threadsQuery, vars)
	path := []any{"data", "repository", "pullRequest", "reviewThreads"}
	in := func(r result, more ...any) any { return r.get(append(append([]any{}, path...), more...)...) }
	assert.Equal(t, m{"login": "pullwarden", "__typename": "Bot"}, in(first, "nodes", 0, "comments", "nodes", 0, "author"), "no [bot] in GraphQL")
	assert.Len(t, in(first, "nodes", 0), 3, "only what was asked for")
	assert.Equal(t, 20.0, in(first, "nodes", 0, "comments", "nodes", 0, "line"))
	assert.Equal(t, true, in(first, "pageInfo", "hasNextPage"))
	vars["after"] = in(first, "pageInfo", "endCursor")
	second := w.graph(w.token, threadsQuery, vars)
	assert.Equal(t, "dir/new.txt", in(second, "nodes", 0, "comments", "nodes", 0, "path"))
	assert.Equal(t, false, in(second, "pageInfo", "hasNextPage"))

	id := in(second, "nodes", 0, "id")
	resolve := `mutation($input:ResolveReviewThreadInput!){resolveReviewThread(input: $input){thread{id,isResolved}}}`
	weak := w.mint(m{"permissions": m{"pull_requests": "write"}})
	denied := w.graph(weak, resolve, m{"input": m{"threadId": id}})
	assert.Equal(t, "FORBIDDEN", denied.get("errors", 0, "type"), "it needs contents: write")
	assert.Equal(t, "Resource not accessible by integration", denied.get("errors", 0, "message"))
	assert.Nil(t, denied.get("data", "resolveReviewThread"))
	done := w.graph(w.token, resolve, m{"input": m{"threadId": id}})
	assert.Equal(t, true, done.get("data", "resolveReviewThread", "thread", "isResolved"))
	p, err := w.repo.Pull(1)
	require.NoError(t, err)
	assert.Equal(t, []bool{false, true}, []bool{p.Threads[0].Resolved, p.Threads[1].Resolved})
	assert.Equal(t, "pullwarden[bot]", p.Threads[1].ResolvedBy)
	assert.Equal(t, "NOT_FOUND", w.graph(w.token, resolve, m{"input": m{"threadId": "PRRT_none"}}).get("errors", 0, "type"))
	undo := `mutation{x:unresolveReviewThread(input:{threadId:"` + id.(string) + `"}){thread{isResolved}}}`
	assert.Equal(t, false, w.graph(w.token, undo, nil).get("data", "x", "thread", "isResolved"))
	assert.Contains(t, w.hub.Log(), "thread acme/shop#1 dir/new.txt:1 resolve")
	assert.Contains(t, w.hub.Log(), "thread acme/shop#1 dir/new.txt:1 unresolve")
}

func TestGraphQLRules(t *testing.T) {
	w := newWorld(t)
	w.reviewed()
	repo := func(s string) string {
		return `{repository(owner:"acme",name:"shop"){pullRequest(number:1){` + s + `}}}`
	}
	message := func(query string) any { return w.graph(w.token, query, nil).get("errors", 0, "message") }
	assert.Equal(t, "Field 'colour' doesn't exist on type 'PullRequest'", message(repo("colour")))
	assert.Contains(t, message(repo("reviewThreads{nodes{id}}")), "`first` or `last`")
	assert.Contains(t, message(repo("reviewThreads(first:101){nodes{id}}")), "exceeds the `first` limit")
	assert.Contains(t, message(repo("author")), "must have selections")
	assert.Contains(t, message(repo("title{x}")), "scalars")
	assert.Contains(t, message("{"), "Expected")
	assert.Contains(t, message("query($n:Int!){viewer{login}}"), "$n")
	assert.Contains(t, message(`{repository(owner:"acme",name:"none"){id}}`), "Could not resolve to a Repository")
	narrow := w.mint(m{"permissions": m{"checks": "read"}})
	assert.Equal(t, "FORBIDDEN", w.graph(narrow, repo("title"), nil).get("errors", 0, "type"))
	assert.Equal(t, 401, w.send("POST", "/graphql", "bearer x", m{"query": "{viewer{login}}"}).status)

	full := `query Q($no: Boolean = false) { # words
		r: repository(owner: "acme", name: "shop") { ...F pullRequest(number: 1) {
			state skipped: title @include(if: $no) author { ... on User { login } ... on Bot { id } }
			reviewThreads(last: 1) { totalCount nodes { path } } } } }
		fragment F on Repository { nameWithOwner pullRequest(number: 1) { number } }`
	assert.Equal(t, m{"nameWithOwner": "acme/shop", "pullRequest": m{"number": 1.0, "state": "OPEN", "author": m{"login": "dev"},
		"reviewThreads": m{"totalCount": 2.0, "nodes": l{m{"path": "dir/new.txt"}}}}}, w.graph(w.token, full, nil).get("data", "r"))

	edit := `mutation($input:UpdatePullRequestReviewCommentInput!){updatePullRequestReviewComment(input:$input){pullRequestReviewComment{body}}}`
	id := w.graph(w.token, repo("reviewThreads(first:1){nodes{comments(first:1){nodes{id}}}}"), nil).
		get("data", "repository", "pullRequest", "reviewThreads", "nodes", 0, "comments", "nodes", 0, "id")
	edited := w.graph(w.token, edit, m{"input": m{"pullRequestReviewCommentId": id, "body": "Fixed."}})
	assert.Equal(t, "Fixed.", edited.get("data", "updatePullRequestReviewComment", "pullRequestReviewComment", "body"))
	assert.NotNil(t, w.graph(w.token, edit, m{"input": m{"pullRequestReviewCommentId": id, "body": ""}}).get("errors"))
}

func TestGraphQLCommits(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	for _, name := range []string{"pullwarden", "pullwarden", "other"} {
		require.Equal(t, 201, w.do("POST", shop+"/check-runs", m{"name": name, "head_sha": head, "status": "in_progress"}).status)
	}
	w.repo.AddForeignCheck(head, 15368, CheckRun{Name: "pullwarden", Status: "completed", Conclusion: "success"})
	object := func(s string) string {
		return `{repository(owner:"acme",name:"shop"){object(oid:"` + head + `"){... on Commit{` + s + `}}}}`
	}
	runs := func(filter string) l {
		got := w.graph(w.token, object(`checkSuites(first:5,filterBy:{appId:7}){nodes{checkRuns(first:9,filterBy:`+filter+`){nodes{name status externalId annotations(first:1){totalCount}}}}}`), nil)
		list, _ := got.get("data", "repository", "object", "checkSuites", "nodes", 0, "checkRuns", "nodes").([]any)
		return list
	}
	assert.Len(t, runs(`{checkType:ALL}`), 3, "of our App alone")
	assert.Len(t, runs(`{checkType:ALL,checkName:"pullwarden"}`), 2)
	assert.Len(t, runs(`{checkName:"pullwarden"}`), 1, "without ALL only the latest")
	assert.Equal(t, "IN_PROGRESS", runs(`{checkType:ALL}`)[0].(m)["status"])

	at := w.graph(w.token, object(`associatedPullRequests(first:5){nodes{number headRefOid}}`), nil)
	assert.Equal(t, 1.0, at.get("data", "repository", "object", "associatedPullRequests", "nodes", 0, "number"))
	none := w.graph(w.token, `{repository(owner:"acme",name:"shop"){object(oid:"`+noSHA+`"){oid}}}`, nil)
	assert.Nil(t, none.get("data", "repository", "object"))
	assert.Nil(t, none.get("errors"))

	file := func(path string) any {
		got := w.graph(w.token, `{repository(owner:"acme",name:"shop"){defaultBranchRef{target{... on Commit{file(path:"`+path+`"){mode type object{... on Blob{text isBinary isTruncated byteSize}}}}}}}}`, nil)
		return got.get("data", "repository", "defaultBranchRef", "target", "file")
	}
	assert.Equal(t, 33188.0, file("a.txt").(m)["mode"])
	assert.Equal(t, "blob", file("a.txt").(m)["type"])
	assert.NotEmpty(t, file("a.txt").(m)["object"].(m)["text"])
	assert.Nil(t, file("none"))

	narrow := w.mint(m{"permissions": m{"pull_requests": "read"}})
	assert.Equal(t, "FORBIDDEN", w.graph(narrow, object(`checkSuites(first:1){nodes{app{databaseId}}}`), nil).get("errors", 0, "type"))
	w.repo.Rename("store")
	assert.Equal(t, "acme/store", w.graph(w.token, `{repository(owner:"acme",name:"shop"){nameWithOwner}}`, nil).get("data", "repository", "nameWithOwner"))
	assert.Equal(t, "NOT_FOUND", w.graph(w.token, `{repository(owner:"acme",name:"shop",followRenames:false){id}}`, nil).get("errors", 0, "type"))
}
