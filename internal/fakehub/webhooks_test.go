package fakehub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// receiver keeps what was delivered.
type receiver struct {
	mu     sync.Mutex
	heads  []http.Header
	bodies []string
	status int
	url    string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: 202}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		b, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.heads, r.bodies = append(r.heads, req.Header), append(r.bodies, string(b))
		w.WriteHeader(r.status)
	}))
	t.Cleanup(s.Close)
	r.url = s.URL
	return r
}

func TestDeliver(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	r := newReceiver(t)
	e, err := w.repo.PullEvent(1, "opened")
	require.NoError(t, err)
	d, err := w.hub.Deliver(context.Background(), r.url, e)
	require.NoError(t, err)
	assert.Equal(t, 202, d.Status)
	h := r.heads[0]
	assert.Equal(t, "pull_request", h.Get("X-GitHub-Event"))
	assert.Equal(t, d.GUID, h.Get("X-GitHub-Delivery"))
	assert.Equal(t, "7", h.Get("X-GitHub-Hook-Installation-Target-ID"))
	assert.Equal(t, "sha256="+sign(sha256.New, "hook"+"secret", []byte(r.bodies[0])), h.Get("X-Hub-Signature-256"))
	assert.Equal(t, "sha1="+sign(sha1.New, "hook"+"secret", []byte(r.bodies[0])), h.Get("X-Hub-Signature"))
	var p result
	require.NoError(t, json.Unmarshal([]byte(r.bodies[0]), &p.value))
	assert.Equal(t, []any{"opened", 1.0, head, float64(w.repo.ID()), float64(w.hub.Installation("acme"))},
		[]any{p.get("action"), p.get("number"), p.get("pull_request", "head", "sha"), p.get("repository", "id"), p.get("installation", "id")})
}

func TestRedelivery(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t)
	r.status = 500
	first, err := w.hub.Deliver(context.Background(), r.url, w.hub.PingEvent())
	require.NoError(t, err)
	r.status = 202
	_, err = w.hub.Deliver(context.Background(), r.url, w.hub.PingEvent())
	require.NoError(t, err)
	jwt := "Bearer " + w.jwt(nil)
	list := w.send("GET", "/app/hook/deliveries?per_page=1", jwt, nil)
	assert.Equal(t, 202.0, list.get(0, "status_code"), "newest first")
	next := fmt.Sprintf("/app/hook/deliveries?cursor=v1_%.0f&per_page=1", list.get(0, "id"))
	assert.Contains(t, list.header.Get("Link"), next)
	old := w.send("GET", next, jwt, nil)
	assert.Equal(t, float64(first.ID), old.get(0, "id"))
	assert.Equal(t, float64(first.ID), w.send("GET", "/app/hook/deliveries?status=failure", jwt, nil).get(0, "id"))
	assert.Equal(t, "ping", w.send("GET", fmt.Sprintf("/app/hook/deliveries/%d", first.ID), jwt, nil).get("event"))
	assert.Equal(t, 401, w.do("GET", "/app/hook/deliveries", nil).status, "the App's JWT only")

	again := w.send("POST", fmt.Sprintf("/app/hook/deliveries/%d/attempts", first.ID), jwt, nil)
	assert.Equal(t, 202, again.status)
	require.NoError(t, w.hub.Close()) // waits
	all := w.hub.Deliveries()
	require.Len(t, all, 3)
	assert.Equal(t, first.GUID, all[2].GUID, "the same GUID")
	assert.True(t, all[2].Again)
	assert.Equal(t, r.bodies[0], r.bodies[2])
	_, err = w.hub.Deliver(context.Background(), "http://127.0.0.1:1/", w.hub.PingEvent())
	assert.Error(t, err)
	assert.Equal(t, 0, w.hub.Deliveries()[3].Status)
}

func TestEvents(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	value := func(e Event, path ...any) any {
		t.Helper()
		b, err := json.Marshal(e.Payload)
		require.NoError(t, err)
		var r result
		require.NoError(t, json.Unmarshal(b, &r.value))
		return r.get(path...)
	}
	must := func(e Event, err error) Event {
		t.Helper()
		require.NoError(t, err)
		return e
	}
	run := w.do("POST", shop+"/check-runs", m{"name": "pullwarden", "head_sha": head,
		"actions": []m{{"label": "Fix it", "description": "Fix it", "identifier": "fix"}}})
	again := must(w.repo.CheckRunEvent(run.id(), "rerequested", "", "dev"))
	assert.Equal(t, 1.0, value(again, "check_run", "pull_requests", 0, "number"))
	assert.Equal(t, "topic", value(again, "check_run", "check_suite", "head_branch"))
	assert.Equal(t, "fix", value(must(w.repo.CheckRunEvent(run.id(), "requested_action", "fix", "dev")), "requested_action", "identifier"))
	_, err := w.repo.CheckRunEvent(run.id(), "requested_action", "another", "dev")
	require.Error(t, err, "there is no such button")
	assert.Equal(t, head, value(w.repo.CheckSuiteEvent(head, "rerequested", "dev"), "check_suite", "head_sha"))
	push := w.repo.PushEvent("topic", w.repo.Tip("main"), head, "dev")
	assert.Equal(t, "refs/heads/topic", value(push, "ref"))
	assert.Equal(t, head, value(push, "head_commit", "id"))
	assert.Equal(t, false, value(push, "forced"))
	assert.Equal(t, true, value(w.repo.PushEvent("topic", head, w.repo.Tip("main"), "dev"), "forced"))
	require.NoError(t, w.repo.SetBase(1, "main"))
	assert.Equal(t, "old", value(must(w.repo.BaseEvent(1, "old", head)), "changes", "base", "ref", "from"))
	assert.Equal(t, head, value(must(w.repo.SynchronizeEvent(1, noSHA, head)), "after"))
	var sha, base, branch string
	sha, base, branch, err = w.repo.Queue(1)
	require.NoError(t, err)
	assert.Equal(t, sha, value(w.repo.GroupEvent(sha, base, branch), "merge_group", "head_sha"))
	comment, err := w.repo.Say(1, "dev", "/pullwarden")
	require.NoError(t, err)
	assert.Equal(t, "/pullwarden", value(must(w.repo.CommentEvent(1, comment)), "comment", "body"))
	assert.Equal(t, "acme/shop", value(must(w.hub.InstallationEvent("acme", "created")), "repositories", 0, "full_name"))
	assert.Equal(t, "removed", value(must(w.hub.RepositoriesEvent("acme", nil, []*Repo{w.repo})), "action"))
	assert.Equal(t, "shop", value(w.repo.Rename("store"), "changes", "repository", "name", "from"))
	moved := w.repo.Transfer("octo-org")
	assert.Equal(t, "acme", value(moved, "changes", "owner", "from", "user", "login"))
	assert.Equal(t, "octo-org/store", value(moved, "repository", "full_name"))
	assert.Equal(t, 404, w.do("GET", "/repos/octo-org/store", nil).status, "the token was for acme")
}

// What was missed is in the list, with its failure, and can be asked for.
func TestMiss(t *testing.T) {
	w := newWorld(t)
	w.pull()
	r := newReceiver(t)
	e, err := w.repo.PullEvent(1, "opened")
	require.NoError(t, err)
	missed, err := w.hub.Miss(r.url, e, 502)
	require.NoError(t, err)
	assert.Empty(t, r.bodies)
	jwt := "Bearer " + w.jwt(nil)
	list := w.send("GET", "/app/hook/deliveries", jwt, nil)
	assert.Equal(t, []any{502.0, missed.GUID, "opened"}, []any{list.get(0, "status_code"), list.get(0, "guid"), list.get(0, "action")})
	assert.Equal(t, 202, w.send("POST", fmt.Sprintf("/app/hook/deliveries/%d/attempts", missed.ID), jwt, nil).status)
	w.hub.pending.Wait()
	require.Len(t, r.heads, 1)
	assert.Equal(t, missed.GUID, r.heads[0].Get("X-GitHub-Delivery"))
}

func TestArchived(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	assert.Equal(t, 1.0, w.do("GET", shop, nil).get("open_issues_count"))
	w.repo.Archive(true)
	assert.Equal(t, true, w.do("GET", shop, nil).get("archived"))
	run := w.do("POST", shop+"/check-runs", m{"name": "pullwarden", "head_sha": head})
	assert.Equal(t, 403, run.status)
	assert.Equal(t, "Repository was archived so is read-only.", run.get("message"))
	assert.Equal(t, 200, w.do("GET", shop+"/pulls/1", nil).status)
	w.repo.Archive(false)
	assert.Equal(t, 201, w.do("POST", shop+"/check-runs", m{"name": "pullwarden", "head_sha": head}).status)
	before := w.do("GET", shop, nil).get("pushed_at")
	w.now = w.now.Add(time.Hour)
	w.commit("topic", map[string]string{"more.txt": "x\n"})
	assert.NotEqual(t, before, w.do("GET", shop, nil).get("pushed_at"))
}
