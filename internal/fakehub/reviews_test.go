package fakehub

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func at(path string, line int, more ...m) m {
	c := m{"path": path, "line": line, "side": "RIGHT", "body": "fix this"}
	for _, x := range more {
		c = with(c, x)
	}
	return c
}

func TestReviewLines(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	for name, c := range map[string]struct {
		comment m
		fault   string // "" if it goes through
	}{
		"changed line":           {at("a.txt", 20), ""},
		"context above":          {at("a.txt", 17), ""},
		"beyond context above":   {at("a.txt", 16), "line must be part of the diff"},
		"context below":          {at("a.txt", 23), ""},
		"beyond context below":   {at("a.txt", 24), "line must be part of the diff"},
		"removed line":           {at("a.txt", 20, m{"side": "LEFT"}), ""},
		"left of the new file":   {at("dir/new.txt", 1, m{"side": "LEFT"}), "line must be part of the diff"},
		"past the end":           {at("dir/new.txt", 3), "line must be part of the diff"},
		"line 0":                 {at("dir/new.txt", 0), "line must be part of the diff"},
		"file not touched":       {at("gone.txt", 1), "path is invalid"},
		"no such file":           {at("none.txt", 1), "path is invalid"},
		"no line":                {m{"path": "a.txt", "body": "b"}, "line can't be blank"},
		"position":               {m{"path": "a.txt", "body": "b", "position": 1}, "line can't be blank"},
		"range":                  {at("a.txt", 21, m{"start_line": 19}), ""},
		"range of one line":      {at("a.txt", 20, m{"start_line": 20}), "start line must precede the end line"},
		"range backwards":        {at("a.txt", 20, m{"start_line": 21}), "start line must precede the end line"},
		"range from outside":     {at("a.txt", 20, m{"start_line": 10}), "same hunk"},
		"side":                   {at("a.txt", 20, m{"side": "right"}), "RIGHT"},
		"no body":                {m{"path": "a.txt", "line": 20}, "body"},
		"blank body":             {at("a.txt", 20, m{"body": " "}), "blank"},
		"body of 65536":          {at("a.txt", 20, m{"body": strings.Repeat("é", 65536)}), ""},
		"body of 65537":          {at("a.txt", 20, m{"body": strings.Repeat("x", 65537)}), "too long"},
		"subject_type in review": {m{"path": "a.txt", "body": "b", "subject_type": "file"}, "subject_type"},
	} {
		t.Run(name, func(t *testing.T) {
			res := w.do("POST", shop+"/pulls/1/reviews", m{"commit_id": head, "event": "COMMENT", "body": "b", "comments": l{c.comment}})
			if c.fault == "" {
				assert.Equal(t, 200, res.status, res.text)
				return
			}
			assert.Equal(t, 422, res.status)
			assert.Contains(t, res.text, c.fault)
		})
	}
}

func TestReviewIsAllOrNothing(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	review := m{"commit_id": head, "event": "COMMENT", "body": "two", "comments": l{at("a.txt", 20), at("a.txt", 40)}}
	res := w.do("POST", shop+"/pulls/1/reviews", review)
	assert.Equal(t, 422, res.status)
	assert.Equal(t, "Unprocessable Entity", res.get("message"))
	assert.Contains(t, res.get("errors", 0), "Pull request review thread line must be part of the diff")
	p, err := w.repo.Pull(1)
	require.NoError(t, err)
	assert.Empty(t, p.Reviews)
	assert.Empty(t, p.Threads)
	assert.Empty(t, w.hub.Log())
}

func TestReviewEvents(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	base := w.repo.Tip("main")
	post := func(body m) result { return w.do("POST", shop+"/pulls/1/reviews", body) }
	assert.Equal(t, 422, post(m{"event": "COMMENT"}).status, "nothing said")
	assert.Equal(t, 422, post(m{"event": "REQUEST_CHANGES"}).status, "no body")
	assert.Equal(t, 422, post(m{"event": "SHOUT", "body": "b"}).status)
	assert.Equal(t, 422, post(m{"event": "COMMENT", "body": strings.Repeat("x", 65537)}).status)
	assert.Equal(t, 422, post(m{"event": "COMMENT", "body": "b", "commit_id": base}).status, "not of the pull request")
	assert.Equal(t, 404, w.do("POST", shop+"/pulls/2/reviews", m{"event": "COMMENT", "body": "b"}).status)

	pending := post(m{"commit_id": head, "comments": l{at("a.txt", 20)}})
	assert.Equal(t, "PENDING", pending.get("state"), "no event")
	assert.Empty(t, w.do("GET", shop+"/pulls/1/comments", nil).value, "only its author sees it")
	p, err := w.repo.Pull(1)
	require.NoError(t, err)
	assert.Empty(t, p.Threads)
	assert.Equal(t, 422, post(m{"commit_id": head}).status, "a second pending one")
	submit := fmt.Sprintf("%s/pulls/1/reviews/%d/events", shop, pending.id())
	assert.Equal(t, 200, w.do("POST", submit, m{"event": "COMMENT"}).status)
	assert.Equal(t, 422, w.do("POST", submit, m{"event": "COMMENT"}).status, "no longer pending")
	assert.Len(t, w.do("GET", shop+"/pulls/1/comments", nil).value, 1)
	assert.Len(t, w.do("GET", shop+"/pulls/1/reviews", nil).value, 1)
}

func TestReviewComments(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	all := shop + "/pulls/1/comments"
	made := w.do("POST", all, m{"commit_id": head, "path": "a.txt", "line": 21, "start_line": 20, "side": "RIGHT", "start_side": "RIGHT", "body": "hm"})
	require.Equal(t, 201, made.status, made.text)
	assert.Contains(t, made.get("diff_hunk"), "+changed 20")
	assert.Equal(t, "Bot", made.get("user", "type"))
	bad := w.do("POST", all, m{"commit_id": head, "path": "a.txt", "line": 1, "body": "hm"})
	assert.Equal(t, 422, bad.status)
	assert.Equal(t, "pull_request_review_thread.line", bad.get("errors", 0, "field"))
	assert.Equal(t, 201, w.do("POST", all, m{"commit_id": head, "path": "a.txt", "subject_type": "file", "body": "hm"}).status)

	reply := w.do("POST", fmt.Sprintf("%s/%d/replies", all, made.id()), m{"body": "yes"})
	require.Equal(t, 201, reply.status)
	assert.Equal(t, float64(made.id()), reply.get("in_reply_to_id"))
	assert.Equal(t, 422, w.do("POST", fmt.Sprintf("%s/%d/replies", all, reply.id()), m{"body": "no"}).status, "no reply to a reply")

	one := fmt.Sprintf("%s/pulls/comments/%d", shop, made.id())
	assert.Equal(t, "new", w.do("PATCH", one, m{"body": "new"}).get("body"))
	assert.Equal(t, 422, w.do("PATCH", one, m{"body": ""}).status)
	assert.Equal(t, 422, w.do("PATCH", one, m{"body": strings.Repeat("x", 65537)}).status)
	thread, err := w.repo.Remark(1, "", "dev", "a.txt", 20, "mine")
	require.NoError(t, err)
	p, err := w.repo.Pull(1)
	require.NoError(t, err)
	require.Len(t, p.Threads, 3)
	assert.Equal(t, thread, p.Threads[2].ID)
	theirs := fmt.Sprintf("%s/pulls/comments/%d", shop, p.Threads[2].Comments[0].ID)
	assert.Equal(t, 403, w.do("PATCH", theirs, m{"body": "x"}).status, "somebody else's")
	assert.Equal(t, 403, w.do("DELETE", theirs, nil).status)
	assert.Equal(t, 204, w.do("DELETE", fmt.Sprintf("%s/pulls/comments/%d", shop, reply.id()), nil).status)
	assert.Equal(t, 404, w.do("DELETE", fmt.Sprintf("%s/pulls/comments/%d", shop, reply.id()), nil).status)
	assert.Equal(t, []string{
		`comment acme/shop#1 a.txt:20-21 "hm"`, `comment acme/shop#1 a.txt "hm"`, `reply acme/shop#1 a.txt:20-21 "yes"`,
		`comment acme/shop#1 a.txt:20-21 update "new"`, `comment acme/shop#1 a.txt:20-21 delete`}, w.hub.Log())
}

func TestCommentsMoveAndOutdate(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	review := m{"commit_id": head, "event": "COMMENT", "body": "b", "comments": l{at("a.txt", 20), at("dir/new.txt", 2)}}
	require.Equal(t, 200, w.do("POST", shop+"/pulls/1/reviews", review).status)
	w.commit("topic", map[string]string{"a.txt": "first\n" + numbered(40, 20), "dir/new.txt": "one\nother\n"})
	p, err := w.repo.Pull(1)
	require.NoError(t, err)
	assert.Equal(t, 21, p.Threads[0].Line)
	assert.False(t, p.Threads[0].Outdated)
	assert.Equal(t, 0, p.Threads[1].Line)
	assert.True(t, p.Threads[1].Outdated)
	list := w.do("GET", shop+"/pulls/1/comments", nil)
	assert.Equal(t, 21.0, list.get(0, "line"))
	assert.Nil(t, list.get(1, "line"))
	assert.Equal(t, 2.0, list.get(1, "original_line"))
}

func TestConversation(t *testing.T) {
	w := newWorld(t)
	w.pull()
	all := shop + "/issues/1/comments"
	made := w.do("POST", all, m{"body": "<!-- mark -->\nSummary"})
	require.Equal(t, 201, made.status)
	assert.Equal(t, 7.0, made.get("performed_via_github_app", "id"))
	one := fmt.Sprintf("%s/issues/comments/%d", shop, made.id())
	assert.Equal(t, "new", w.do("PATCH", one, m{"body": "new"}).get("body"))
	assert.Equal(t, 422, w.do("POST", all, m{"body": ""}).status)
	assert.Equal(t, 422, w.do("POST", all, m{"body": strings.Repeat("x", 65537)}).status)
	_, err := w.repo.Say(1, "dev", "hello")
	require.NoError(t, err)
	assert.Len(t, w.do("GET", all, nil).value, 2)
	assert.Equal(t, 204, w.do("DELETE", one, nil).status)
	assert.Equal(t, []string{`conversation acme/shop#1 "Summary"`, `conversation acme/shop#1 update "new"`, `conversation acme/shop#1 delete "new"`}, w.hub.Log())

	labels := w.do("POST", shop+"/issues/1/labels", l{"dependencies"})
	assert.Equal(t, "dependencies", labels.get(0, "name"))
	assert.Len(t, w.do("POST", shop+"/issues/1/labels", m{"labels": l{"dependencies", "go"}}).value, 2)
	assert.Equal(t, 422, w.do("POST", shop+"/issues/1/labels", l{strings.Repeat("x", 51)}).status)
}
