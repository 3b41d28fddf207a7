package fakehub

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestContract checks our answers against GitHub's published description, with
// the proxy that CONTRACT_PROXY names (its proxy.mjs).
func TestContract(t *testing.T) {
	proxy := os.Getenv("CONTRACT_PROXY")
	if proxy == "" {
		t.Skip("set CONTRACT_PROXY to the contract proxy's proxy.mjs")
	}
	w := newWorld(t, func(o *Options) { o.Now = nil })
	head := w.pull()
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listen.Addr().String()
	require.NoError(t, listen.Close())
	cmd := exec.Command("node", proxy, "--listen", address, "--upstream", w.url, "--git", w.url, "--graphql-upstream=1", "--check-responses", "--no-graphql", "--quiet")
	require.NoError(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	w.url = "http://" + address
	require.Eventually(t, func() bool {
		res, err := http.Get(w.url + "/_contract/health")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return true
	}, 20*time.Second, 50*time.Millisecond)

	w.hub.SetHook(Hook{URL: "https://bot.example/hook", ContentType: "json"})
	w.repo.Require(Requirement{Branch: "up", Check: "pullwarden", App: 7})
	w.repo.Require(Requirement{Branch: "up", Check: "pullwarden", Classic: true})
	jwt := "Bearer " + w.jwt(nil)
	for _, path := range []string{"/app", "/app/hook/config", "/app/installations", fmt.Sprintf("/app/installations/%d", w.hub.Installation("acme")), shop + "/installation", "/app/hook/deliveries"} {
		require.Equal(t, 200, w.send("GET", path, jwt, nil).status, path)
	}
	w.token = w.mint(m{"repositories": l{"shop"}})
	must := func(status int, method, path string, body any) result {
		t.Helper()
		res := w.do(method, path, body)
		require.Equal(t, status, res.status, res.text)
		return res
	}
	run := must(201, "POST", shop+"/check-runs", m{"name": "pullwarden", "head_sha": head, "status": "in_progress"})
	must(200, "PATCH", fmt.Sprintf("%s/check-runs/%d", shop, run.id()), m{"conclusion": "failure", "output": m{"title": "t", "summary": "s", "annotations": notes(2)}})
	review := must(200, "POST", shop+"/pulls/1/reviews", m{"commit_id": head, "event": "COMMENT", "body": "b", "comments": l{at("a.txt", 20)}})
	must(200, "GET", fmt.Sprintf("%s/pulls/1/reviews/%d/comments", shop, review.id()), nil)
	comment := must(201, "POST", shop+"/pulls/1/comments", m{"commit_id": head, "path": "a.txt", "line": 21, "side": "RIGHT", "body": "c"})
	must(200, "PATCH", fmt.Sprintf("%s/pulls/comments/%d", shop, comment.id()), m{"body": "d"})
	must(201, "POST", shop+"/issues/1/comments", m{"body": "c"})
	must(200, "POST", shop+"/issues/1/labels", l{"go"})
	main := must(200, "GET", shop+"/git/ref/heads/main", nil).get("object", "sha")
	tree := must(200, "GET", fmt.Sprint(shop, "/git/commits/", main), nil).get("tree", "sha")
	blob := must(201, "POST", shop+"/git/blobs", m{"content": "x", "encoding": "utf-8"}).get("sha")
	must(200, "GET", fmt.Sprint(shop, "/git/blobs/", blob), nil)
	made := must(201, "POST", shop+"/git/trees", m{"base_tree": tree, "tree": l{m{"path": "x", "mode": "100644", "type": "blob", "sha": blob}}}).get("sha")
	commit := must(201, "POST", shop+"/git/commits", m{"message": "m", "tree": made, "parents": l{main}}).get("sha")
	must(201, "POST", shop+"/git/refs", m{"ref": "refs/heads/up", "sha": commit})
	must(201, "POST", shop+"/pulls", m{"title": "t", "head": "up", "base": "main", "body": "b"})
	must(200, "PATCH", shop+"/pulls/2", m{"state": "closed"})
	for _, path := range []string{"", "/branches/up", "/rules/branches/up", "/pulls?state=all", "/pulls/1", "/pulls/1/files", "/pulls/1/commits", "/pulls/1/reviews", "/pulls/1/comments",
		"/issues/1/comments", "/commits/" + head, "/commits/" + head + "/pulls", "/commits/" + head + "/check-runs", "/commits/" + head + "/check-suites",
		"/compare/main...topic", "/contents/a.txt", "/contents/dir?ref=topic", "/git/matching-refs/heads/", "/git/trees/" + made.(string),
		fmt.Sprintf("/check-runs/%d/annotations", run.id()), "/collaborators/dev/permission"} {
		must(200, "GET", shop+path, nil)
	}
	must(200, "GET", "/installation/repositories", nil)
	must(200, "GET", "/rate_limit", nil)

	res, err := http.Get(w.url + "/_contract/report")
	require.NoError(t, err)
	defer res.Body.Close()
	var report struct {
		Violations []struct{ Level, Rule, Op, Where, Text string }
		Deviations []string `json:"upstream_deviations"`
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&report))
	for _, v := range report.Violations {
		assert.NotEqual(t, "ERROR", v.Level, "%s %s %s: %s", v.Op, v.Rule, v.Where, v.Text)
	}
	for _, d := range report.Deviations {
		// The description asks for an account that is a user and an enterprise at once.
		if !strings.HasPrefix(d, "apps/list-installations 200 response[].account: required") {
			assert.Fail(t, d)
		}
	}
}
