package fakehub

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGitData(t *testing.T) {
	w := newWorld(t)
	main := w.commit("main", map[string]string{"go.mod": "old\n", "dir/b": "b\n", "c": "c\n"})
	tree := w.do("GET", shop+"/git/commits/"+main, nil).get("tree", "sha").(string)
	blob := w.do("POST", shop+"/git/blobs", m{"content": base64.StdEncoding.EncodeToString([]byte("new\n")), "encoding": "base64"})
	require.Equal(t, 201, blob.status)
	read := w.do("GET", shop+"/git/blobs/"+blob.get("sha").(string), nil)
	assert.Equal(t, "bmV3Cg==\n", read.get("content"))
	assert.Equal(t, 422, w.do("POST", shop+"/git/blobs", m{"content": "?", "encoding": "base64"}).status)
	assert.Equal(t, 404, w.do("GET", shop+"/git/blobs/"+main, nil).status, "a commit is no blob")

	entry := func(path string, more m) m { return with(m{"path": path, "mode": "100644", "type": "blob"}, more) }
	put := func(base any, entries ...any) result {
		body := m{"tree": entries}
		if base != nil {
			body["base_tree"] = base
		}
		return w.do("POST", shop+"/git/trees", body)
	}
	for name, res := range map[string]result{
		"deleting what is not there": put(tree, entry("none", m{"sha": nil})),
		"sha and content":            put(tree, entry("a", m{"sha": blob.get("sha"), "content": "x"})),
		"neither":                    put(tree, entry("a", nil)),
		"unknown sha":                put(tree, entry("a", m{"sha": strings.Repeat("1", 40)})),
		"a commit's sha":             put(tree, entry("a", m{"sha": main})),
		"mode":                       put(tree, entry("a", m{"content": "x", "mode": "100664"})),
		"type":                       put(tree, entry("a", m{"content": "x", "type": "tree"})),
		"path going up":              put(tree, entry("../a", m{"content": "x"})),
		"path into .git":             put(tree, entry("x/.GIT/a", m{"content": "x"})),
		"absolute path":              put(tree, entry("/a", m{"content": "x"})),
		"path twice":                 put(tree, entry("a", m{"content": "x"}), entry("a", m{"content": "y"})),
		"no entries":                 put(tree),
		"unknown base":               put(strings.Repeat("1", 40), entry("a", m{"content": "x"})),
		"a commit as base":           put(main, entry("a", m{"content": "x"})),
	} {
		assert.Equal(t, 422, res.status, name)
	}
	assert.Len(t, put(nil, entry("only", m{"content": "x"})).get("tree"), 1, "without a base the rest vanishes")
	made := put(tree, entry("go.mod", m{"sha": blob.get("sha")}), entry("new/go.sum", m{"content": "sum\n"}), entry("c", m{"sha": nil}))
	require.Equal(t, 201, made.status, made.text)
	sha := made.get("sha").(string)

	commit := func(body m) result { return w.do("POST", shop+"/git/commits", body) }
	assert.Equal(t, 422, commit(m{"tree": sha}).status, "no message")
	assert.Equal(t, 422, commit(m{"message": "m", "tree": main}).status)
	assert.Equal(t, 422, commit(m{"message": "m", "tree": sha, "parents": l{sha}}).status)
	signed := commit(m{"message": "Upgrade x\n\nbody", "tree": sha, "parents": l{main}})
	require.Equal(t, 201, signed.status)
	assert.Equal(t, true, signed.get("verification", "verified"))
	assert.Equal(t, "pullwarden[bot]", signed.get("author", "name"))
	named := commit(m{"message": "m", "tree": sha, "parents": l{main}, "author": m{"name": "x", "email": "x@example.com"}})
	assert.Equal(t, false, named.get("verification", "verified"), "GitHub signs for the App alone")

	at := signed.get("sha").(string)
	ref := func(name, sha string) int { return w.do("POST", shop+"/git/refs", m{"ref": name, "sha": sha}).status }
	assert.Equal(t, 422, ref("heads/up", at), "not in full")
	assert.Equal(t, 422, ref("refs/up", at), "one slash")
	assert.Equal(t, 422, ref("refs/heads/a..b", at))
	assert.Equal(t, 422, ref("refs/heads/up", strings.Repeat("1", 40)))
	assert.Equal(t, 422, ref("refs/heads/up", sha), "a tree")
	assert.Equal(t, 422, ref("refs/pull/1/head", at))
	assert.Equal(t, 201, ref("refs/heads/up/x", at))
	assert.Equal(t, 422, ref("refs/heads/up/x", at), "exists")
	assert.Equal(t, 422, ref("refs/heads/up", at), "up/x is in the way")
	assert.Equal(t, "commit", w.do("GET", shop+"/git/ref/heads/up/x", nil).get("object", "type"))
	assert.Equal(t, 404, w.do("GET", shop+"/git/ref/heads/up", nil).status)
	assert.Len(t, w.do("GET", shop+"/git/matching-refs/heads/up", nil).value, 1)
	assert.Equal(t, at, w.do("GET", shop+"/branches/up%2Fx", nil).get("commit", "sha"))
	assert.Equal(t, at, w.do("GET", shop+"/branches/up/x", nil).get("commit", "sha"))
	assert.Equal(t, 404, w.do("GET", shop+"/branches/none", nil).status)
	patch := func(name string, body m) int { return w.do("PATCH", shop+"/git/refs/"+name, body).status }
	assert.Equal(t, 422, patch("heads/up/x", m{"sha": named.get("sha")}), "no fast forward")
	assert.Equal(t, 200, patch("heads/up/x", m{"sha": named.get("sha"), "force": true}))
	assert.Equal(t, 422, patch("heads/none", m{"sha": at}))
	content, err := w.repo.File("up/x", "new/go.sum")
	require.NoError(t, err)
	assert.Equal(t, "sum\n", string(content))
	_, err = w.repo.File("up/x", "c")
	assert.Error(t, err)
	assert.Equal(t, 204, w.do("DELETE", shop+"/git/refs/heads/up/x", nil).status)
	assert.Equal(t, 422, w.do("DELETE", shop+"/git/refs/heads/up/x", nil).status)
	assert.Equal(t, 422, w.do("DELETE", shop+"/git/refs/heads/main", nil).status, "the default branch")
	assert.Equal(t, []string{`commit acme/shop "Upgrade x"`, `commit acme/shop "m"`, `ref acme/shop create refs/heads/up/x`,
		`ref acme/shop force refs/heads/up/x`, `ref acme/shop delete refs/heads/up/x`}, w.hub.Log())
}

func TestWorkflowsNeedTheirOwnPermission(t *testing.T) {
	try := func(t *testing.T, permissions map[string]string) int {
		w := newWorld(t, func(o *Options) { o.Permissions = permissions })
		main := w.commit("main", map[string]string{"a": "1"})
		tree := w.do("GET", shop+"/git/commits/"+main, nil).get("tree", "sha")
		made := w.do("POST", shop+"/git/trees", m{"base_tree": tree, "tree": l{m{"path": ".github/workflows/ci.yml", "mode": "100644", "content": "on: push\n"}}})
		commit := w.do("POST", shop+"/git/commits", m{"message": "m", "tree": made.get("sha"), "parents": l{main}})
		return w.do("POST", shop+"/git/refs", m{"ref": "refs/heads/ci", "sha": commit.get("sha")}).status
	}
	assert.Equal(t, 403, try(t, map[string]string{"contents": "write"}))
	assert.Equal(t, 201, try(t, map[string]string{"contents": "write", "workflows": "write"}))
}

func TestContents(t *testing.T) {
	w := newWorld(t)
	assert.Equal(t, "This repository is empty.", w.do("GET", shop+"/contents/a", nil).get("message"))
	old := w.commit("main", map[string]string{"a b.txt": "old\n"})
	w.commit("main", map[string]string{"a b.txt": "hello\n", "dir/x": "1", "dir/y": "2", "link": "a b.txt", "out": "/etc/passwd",
		"big": strings.Repeat("x", 1<<20+1), "sub": strings.Repeat("a", 40)}, Mode("link", "120000"), Mode("out", "120000"), Mode("sub", "160000"))
	get := func(path string) result { return w.do("GET", shop+"/contents/"+path, nil) }
	file := get("a%20b.txt")
	assert.Equal(t, "aGVsbG8K\n", file.get("content"))
	assert.Equal(t, "file", file.get("type"))
	assert.Equal(t, "b2xkCg==\n", get("a%20b.txt?ref="+old).get("content"))
	assert.Len(t, get("dir").value, 2, "a directory is a list")
	assert.Equal(t, "dir/x", get("dir").get(0, "path"))
	assert.Len(t, get("").value, 6)
	assert.Equal(t, 404, get("none").status)
	assert.Equal(t, 404, get("a%20b.txt/x").status)
	assert.Equal(t, 404, get("a%20b.txt?ref=none").status)
	assert.Equal(t, "aGVsbG8K\n", get("link").get("content"), "followed")
	assert.Equal(t, "symlink", get("out").get("type"))
	assert.Equal(t, "/etc/passwd", get("out").get("target"))
	assert.Equal(t, "submodule", get("sub").get("type"))
	big := get("big")
	assert.Equal(t, "none", big.get("encoding"))
	assert.Equal(t, "", big.get("content"))
	assert.Equal(t, 1048577.0, big.get("size"))
}

func TestCommits(t *testing.T) {
	w := newWorld(t)
	w.commit("main", map[string]string{"a": "1"})
	sha := w.commit("main", map[string]string{"a": "2"})
	got := w.do("GET", shop+"/commits/main", nil)
	assert.Equal(t, sha, got.get("sha"))
	assert.Equal(t, "a", got.get("files", 0, "filename"))
	assert.Equal(t, "change main", got.get("commit", "message"))
	assert.Equal(t, 422, w.do("GET", shop+"/commits/none", nil).status)
	assert.Len(t, w.do("GET", shop+"/git/trees/main?recursive=1", nil).get("tree"), 1)

	again := newWorld(t)
	again.commit("main", map[string]string{"a": "1"})
	assert.Equal(t, sha, again.commit("main", map[string]string{"a": "2"}), "SHAs repeat from run to run")
}
