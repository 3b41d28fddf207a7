package fakehub

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// git runs git as a user would, with an empty home.
func (w *world) git(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=dev", "GIT_AUTHOR_EMAIL=dev@example.com", "GIT_COMMITTER_NAME=dev", "GIT_COMMITTER_EMAIL=dev@example.com"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (w *world) remote(token string) string {
	return strings.Replace(w.url, "http://", "http://x-access-token:"+token+"@", 1) + "/acme/shop.git"
}

func TestPartialClone(t *testing.T) {
	w := newWorld(t)
	w.commit("main", map[string]string{"a.txt": "hello\n", "b.txt": "other\n"})
	dir := t.TempDir()
	out, err := w.git(dir, "clone", "--filter=blob:none", "--no-checkout", w.remote(w.token), "x")
	require.NoError(t, err, out)
	missing, err := w.git(filepath.Join(dir, "x"), "rev-list", "--objects", "--missing=print", "HEAD")
	require.NoError(t, err)
	assert.Equal(t, 2, strings.Count(missing, "\n?"), missing)
	out, err = w.git(filepath.Join(dir, "x"), "checkout")
	require.NoError(t, err, out)
	b, err := os.ReadFile(filepath.Join(dir, "x", "a.txt"))
	require.NoError(t, err)
	assert.Equal(t, "hello\n", string(b))
	for _, version := range []string{"0", "2"} {
		out, err = w.git(dir, "-c", "protocol.version="+version, "clone", "--depth=1", w.remote(w.token), "v"+version)
		require.NoError(t, err, out)
	}
	_, err = w.git(filepath.Join(dir, "x"), "push", "origin", "HEAD:refs/heads/new")
	assert.Error(t, err, "read only")
}

func TestGitAccess(t *testing.T) {
	w := newWorld(t)
	w.commit("main", map[string]string{"a.txt": "hello\n"})
	_, err := w.hub.AddRepo("acme", "other")
	require.NoError(t, err)
	refs := func(login, token string) *http.Response {
		req, err := http.NewRequest("GET", w.url+"/acme/shop.git/info/refs?service=git-upload-pack", nil)
		require.NoError(t, err)
		if login != "" {
			req.SetBasicAuth(login, token)
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res
	}
	assert.Equal(t, 200, refs("x-access-token", w.token).StatusCode)
	anonymous := refs("", "")
	assert.Equal(t, 401, anonymous.StatusCode)
	assert.Contains(t, anonymous.Header.Get("WWW-Authenticate"), "Basic")
	assert.Equal(t, 401, refs("x-access-token", "ghs_wrong").StatusCode)
	assert.Equal(t, 401, refs("dev", w.token).StatusCode)
	assert.Equal(t, 403, refs("x-access-token", w.mint(m{"permissions": m{"checks": "write"}})).StatusCode)
	assert.Equal(t, 404, refs("x-access-token", w.mint(m{"repositories": l{"other"}})).StatusCode)
	assert.Equal(t, 200, refs("x-access-token", w.mint(m{"permissions": m{"contents": "read"}})).StatusCode)
	assert.Equal(t, 401, w.send("GET", "/acme/shop.git/info/refs?service=git-upload-pack", "Bearer "+w.token, nil).status)
}

// fetch asks for a commit by protocol version 2.
func (w *world) fetch(sha string, squeeze bool) string {
	var in bytes.Buffer
	line := func(s string) { fmt.Fprintf(&in, "%04x%s", len(s)+4, s) }
	line("command=fetch\n")
	in.WriteString("0001")
	line("want " + sha + "\n")
	line("filter blob:none\n")
	line("deepen 1\n")
	line("done\n")
	in.WriteString("0000")
	body := in.Bytes()
	if squeeze {
		var z bytes.Buffer
		zw := gzip.NewWriter(&z)
		_, err := zw.Write(body)
		require.NoError(w, err)
		require.NoError(w, zw.Close())
		body = z.Bytes()
	}
	req, err := http.NewRequest("POST", w.url+"/acme/shop.git/git-upload-pack", bytes.NewReader(body))
	require.NoError(w, err)
	req.SetBasicAuth("x-access-token", w.token)
	req.Header.Set("Content-Type", "application/x-git-upload-pack-request")
	req.Header.Set("Git-Protocol", "version=2")
	if squeeze {
		req.Header.Set("Content-Encoding", "gzip")
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(w, err)
	defer res.Body.Close()
	require.Equal(w, 200, res.StatusCode)
	out, err := io.ReadAll(res.Body)
	require.NoError(w, err)
	return string(out)
}

func TestFetchByProtocol2(t *testing.T) {
	w := newWorld(t)
	old := w.pull()
	w.commit("topic", map[string]string{"x": "1"}, From(w.repo.Tip("main")))
	for _, squeeze := range []bool{false, true} {
		out := w.fetch(old, squeeze)
		assert.Contains(t, out, "packfile", "a forced push leaves the old head to be had")
		assert.Contains(t, out, "PACK")
	}
	require.NoError(t, w.repo.Prune())
	assert.Contains(t, w.fetch(old, false), "not our ref")
}

func TestImport(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	run := func(at string, args ...string) string {
		t.Helper()
		out, err := w.git(at, args...)
		require.NoError(t, err, out)
		return strings.TrimSpace(out)
	}
	src := filepath.Join(dir, "src")
	run(dir, "init", "--quiet", "--initial-branch=trunk", src)
	for i := range 3 {
		require.NoError(t, os.WriteFile(filepath.Join(src, "f"), []byte(fmt.Sprint(i)), 0o644))
		run(src, "add", "f")
		run(src, "commit", "--quiet", "-m", fmt.Sprint("c", i))
	}
	base, err := w.repo.Import(src, "HEAD~1", "main")
	require.NoError(t, err)
	head, err := w.repo.Import(src, "HEAD", "topic")
	require.NoError(t, err)
	assert.Equal(t, run(src, "rev-parse", "HEAD"), head)
	n, err := w.repo.OpenPull("t", "", "main", "topic", "dev")
	require.NoError(t, err)
	assert.Equal(t, 1.0, w.do("GET", shop+"/compare/"+base+"..."+head, nil).get("ahead_by"))
	assert.Equal(t, 1, n)

	shallow := filepath.Join(dir, "shallow")
	run(dir, "clone", "--quiet", "--depth=2", "file://"+src, shallow)
	second, err := w.hub.AddRepo("acme", "shallow")
	require.NoError(t, err)
	_, err = second.Import(shallow, "HEAD~1", "main")
	require.NoError(t, err)
	_, err = second.Import(shallow, "HEAD", "topic")
	require.NoError(t, err)
	_, err = second.OpenPull("t", "", "main", "topic", "dev")
	require.NoError(t, err)
	assert.Equal(t, 1.0, w.do("GET", "/repos/acme/shallow/pulls/1", nil).get("commits"))
	_, err = w.repo.Import(src, "none", "x")
	assert.Error(t, err)
}
