package fakehub

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRefusals has the rules that no other test is about.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	main := w.repo.Tip("main")
	other := strings.Repeat("1", 40)
	thread, err := w.repo.Remark(1, "", "dev", "a.txt", 20, "theirs")
	require.NoError(t, err)
	said, err := w.repo.Say(1, "dev", "theirs")
	require.NoError(t, err)
	done := w.do("POST", shop+"/pulls/1/reviews", m{"event": "COMMENT", "body": "b"}).id()
	review := fmt.Sprintf("%s/pulls/1/reviews/%d", shop, done)
	inline := func(more m) m {
		return with(m{"commit_id": head, "path": "a.txt", "line": 20, "side": "RIGHT", "body": "b"}, more)
	}
	require.Equal(t, 201, w.do("POST", shop+"/git/refs", m{"ref": "refs/heads/r", "sha": main}).status)
	for name, c := range map[string]struct {
		method, path string
		body         any
		status       int
	}{
		"blank check name":           {"POST", "/check-runs", m{"name": " ", "head_sha": head}, 422},
		"null annotation":            {"POST", "/check-runs", m{"name": "x", "head_sha": head, "output": m{"title": "t", "summary": "s", "annotations": l{nil}}}, 422},
		"another's comment, edit":    {"PATCH", fmt.Sprintf("/issues/comments/%d", said), m{"body": "x"}, 403},
		"another's comment, delete":  {"DELETE", fmt.Sprintf("/issues/comments/%d", said), nil, 403},
		"comment without body":       {"POST", "/issues/1/comments", m{}, 422},
		"blank label":                {"POST", "/issues/1/labels", l{" "}, 422},
		"review update, no body":     {"PUT", strings.TrimPrefix(review, shop), m{}, 422},
		"review update, long":        {"PUT", strings.TrimPrefix(review, shop), m{"body": strings.Repeat("x", 65537)}, 422},
		"review update":              {"PUT", strings.TrimPrefix(review, shop), m{"body": "new"}, 200},
		"deleting a sent review":     {"DELETE", strings.TrimPrefix(review, shop), nil, 422},
		"inline without body":        {"POST", "/pulls/1/comments", inline(m{"body": nil}), 422},
		"inline with blank body":     {"POST", "/pulls/1/comments", inline(m{"body": " "}), 422},
		"inline without commit":      {"POST", "/pulls/1/comments", inline(m{"commit_id": nil}), 422},
		"inline without path":        {"POST", "/pulls/1/comments", inline(m{"path": nil}), 422},
		"inline on a foreign commit": {"POST", "/pulls/1/comments", inline(m{"commit_id": main}), 422},
		"inline range backwards":     {"POST", "/pulls/1/comments", inline(m{"start_line": 21}), 422},
		"inline side":                {"POST", "/pulls/1/comments", inline(m{"side": "BOTH"}), 422},
		"blob without content":       {"POST", "/git/blobs", m{}, 422},
		"blob encoding":              {"POST", "/git/blobs", m{"content": "x", "encoding": "latin1"}, 422},
		"short blob sha":             {"GET", "/git/blobs/abc", nil, 422},
		"author without address":     {"POST", "/git/commits", m{"message": "m", "tree": other, "author": m{"name": "x"}}, 422},
		"ref without sha":            {"POST", "/git/refs", m{"ref": "refs/heads/z"}, 422},
		"ref update without sha":     {"PATCH", "/git/refs/heads/r", m{}, 422},
		"ref update, unknown sha":    {"PATCH", "/git/refs/heads/r", m{"sha": other, "force": true}, 422},
		"pull ref update":            {"PATCH", "/git/refs/pull/1/head", m{"sha": main, "force": true}, 422},
		"pull ref delete":            {"DELETE", "/git/refs/pull/1/head", nil, 422},
		"suites of nothing":          {"GET", "/commits/none/check-suites", nil, 422},
		"path going up":              {"GET", "/contents/a/../../x", nil, 422},
		"fast forward":               {"PATCH", "/git/refs/heads/r", m{"sha": head}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			res := w.do(c.method, shop+c.path, c.body)
			assert.Equal(t, c.status, res.status, res.text)
		})
	}
	range2 := w.do("POST", shop+"/pulls/1/comments", inline(m{"start_line": 21}))
	assert.Equal(t, "pull_request_review_thread.start_line", range2.get("errors", 0, "field"))
	assert.Equal(t, 401, w.send("GET", shop, "Basic "+w.token, nil).status)
	assert.Equal(t, 422, w.send("GET", "/app/hook/deliveries?cursor=x", "Bearer "+w.jwt(nil), nil).status)

	p, err := w.repo.Pull(1)
	require.NoError(t, err)
	edit := `mutation($input:UpdatePullRequestReviewCommentInput!){updatePullRequestReviewComment(input:$input){pullRequestReviewComment{body}}}`
	theirs := w.graph(w.token, edit, m{"input": m{"pullRequestReviewCommentId": fmt.Sprintf("PRRC_%d", p.Threads[0].Comments[0].ID), "body": "x"}})
	assert.Equal(t, "FORBIDDEN", theirs.get("errors", 0, "type"))
	reply := `mutation($input:AddPullRequestReviewThreadReplyInput!){addPullRequestReviewThreadReply(input:$input){comment{body author{login}}}}`
	input := m{"input": m{"pullRequestReviewThreadId": thread, "body": "ours"}}
	assert.Equal(t, "ours", w.graph(w.token, reply, input).get("data", "addPullRequestReviewThreadReply", "comment", "body"))
	assert.Equal(t, "FORBIDDEN", w.graph(w.mint(m{"permissions": m{"pull_requests": "read"}}), reply, input).get("errors", 0, "type"))
	resolve := `mutation{resolveReviewThread(input:{threadId:"` + thread + `"}){thread{id}}}`
	assert.Equal(t, "FORBIDDEN", w.graph(w.mint(m{"permissions": m{"contents": "write", "pull_requests": "read"}}), resolve, nil).get("errors", 0, "type"))
}

func TestWorkflowUpdateNeedsItsPermission(t *testing.T) {
	w := newWorld(t)
	main := w.commit("main", map[string]string{".github/workflows/ci.yml": "on: push\n"})
	topic := w.commit("topic", map[string]string{".github/workflows/ci.yml": "on: pull_request\n"})
	commit := func(path string) any {
		tree := w.do("GET", shop+"/git/commits/"+main, nil).get("tree", "sha")
		made := w.do("POST", shop+"/git/trees", m{"base_tree": tree, "tree": l{m{"path": path, "mode": "100644", "content": path}}})
		return w.do("POST", shop+"/git/commits", m{"message": "m", "tree": made.get("sha"), "parents": l{main}}).get("sha")
	}
	point := func(sha any) int { return w.do("PATCH", shop+"/git/refs/heads/main", m{"sha": sha}).status }
	assert.Equal(t, 403, point(commit(".github/workflows/ci.yml")))
	assert.Equal(t, 200, point(commit("go.mod")))
	assert.Equal(t, 201, w.do("POST", shop+"/git/refs", m{"ref": "refs/heads/same", "sha": topic}).status, "what others pushed is theirs")
}

func TestRoles(t *testing.T) {
	w := newWorld(t)
	w.pull()
	w.repo.SetRole("dev", "maintain")
	role := func(login string) result { return w.do("GET", shop+"/collaborators/"+login+"/permission", nil) }
	assert.Equal(t, "write", role("dev").get("permission"))
	assert.Equal(t, "maintain", role("dev").get("role_name"))
	assert.Equal(t, "admin", role("acme").get("permission"))
	assert.Equal(t, 404, role("nobody").status)
	assert.Equal(t, "Bot", w.do("GET", "/users/pullwarden%5Bbot%5D", nil).get("type"))
}

func TestPageOfFiles(t *testing.T) {
	w := newWorld(t)
	w.commit("main", map[string]string{"x": "file\n", "y": "1"})
	sha := w.commit("topic", map[string]string{"x": "y"}, Mode("x", "120000"), Replace(), Author("guest"))
	_, err := w.repo.OpenPull("t", "", "main", "topic", "dev")
	require.NoError(t, err)
	files, err := w.repo.Diff(1)
	require.NoError(t, err)
	require.Len(t, files, 2)
	assert.Equal(t, []string{"modified", "removed"}, []string{files[0].Status, files[1].Status})
	assert.Equal(t, 2, len(files[0].Hunks), "a file that became a link")
	assert.Equal(t, "guest", w.do("GET", shop+"/commits/"+sha, nil).get("commit", "author", "name"))
	assert.Equal(t, []string{"main", "topic"}, w.repo.Branches())
	assert.Len(t, w.repo.Pulls(), 1)
}

func TestNotModified(t *testing.T) {
	w := newWorld(t)
	req, err := http.NewRequest("GET", w.url+shop, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "token "+w.token)
	req.Header.Set("If-None-Match", w.do("GET", shop, nil).header.Get("ETag"))
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, 304, res.StatusCode)
}

func TestOwnDirectory(t *testing.T) {
	hub, err := New(Options{})
	require.NoError(t, err)
	r, err := hub.AddRepo("acme", "shop")
	require.NoError(t, err)
	_, err = hub.AddRepo("Acme", "Shop")
	assert.Error(t, err, "names differ in more than case")
	found, err := hub.Repo("ACME", "shop")
	require.NoError(t, err)
	assert.Same(t, r, found)
	require.NoError(t, hub.Close())
	assert.NoDirExists(t, r.Dir())
}
