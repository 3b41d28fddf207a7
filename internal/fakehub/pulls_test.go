package fakehub

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCreatePull(t *testing.T) {
	w := newWorld(t)
	w.pull()
	w.commit("main", map[string]string{"later": "1"})
	require.NoError(t, w.repo.Reset("same", w.repo.Tip("main")))
	w.commit("next", map[string]string{"n": "1"})
	post := func(body m) result { return w.do("POST", shop+"/pulls", body) }
	for name, c := range map[string]struct {
		body  m
		fault string
	}{
		"no head":        {m{"title": "t", "base": "main"}, "head"},
		"no base":        {m{"title": "t", "head": "next"}, "base"},
		"no title":       {m{"head": "next", "base": "main"}, "missing_field"},
		"blank title":    {m{"title": " ", "head": "next", "base": "main"}, "missing_field"},
		"long title":     {m{"title": strings.Repeat("x", 257), "head": "next", "base": "main"}, "too long"},
		"long body":      {m{"title": "t", "body": strings.Repeat("x", 65537), "head": "next", "base": "main"}, "too long"},
		"unknown head":   {m{"title": "t", "head": "none", "base": "main"}, `"field":"head"`},
		"unknown base":   {m{"title": "t", "head": "next", "base": "none"}, `"field":"base"`},
		"nothing new":    {m{"title": "t", "head": "same", "base": "main"}, "No commits between"},
		"head is base":   {m{"title": "t", "head": "main", "base": "main"}, "No commits between"},
		"already exists": {m{"title": "t", "head": "topic", "base": "main"}, "A pull request already exists for acme:topic."},
	} {
		t.Run(name, func(t *testing.T) {
			res := post(c.body)
			assert.Equal(t, 422, res.status)
			assert.Contains(t, res.text, c.fault)
		})
	}
	made := post(m{"title": "t", "body": "b", "head": "acme:next", "base": "main", "draft": true})
	require.Equal(t, 201, made.status, made.text)
	assert.Equal(t, 2.0, made.get("number"))
	assert.Equal(t, w.repo.Tip("next"), made.get("head", "sha"))
	assert.Equal(t, []string{`pull acme/shop next -> main "t"`}, w.hub.Log())

	for _, event := range []string{"APPROVE", "REQUEST_CHANGES"} {
		res := w.do("POST", shop+"/pulls/2/reviews", m{"event": event, "body": "b"})
		assert.Equal(t, 422, res.status, "its own pull request")
	}
	one := shop + "/pulls/2"
	assert.Equal(t, 422, w.do("PATCH", one, m{"base": "none"}).status)
	assert.Equal(t, 422, w.do("PATCH", one, m{"state": "shut"}).status)
	assert.Equal(t, 422, w.do("PATCH", one, m{"title": ""}).status)
	assert.Equal(t, "closed", w.do("PATCH", one, m{"state": "closed"}).get("state"))
	assert.Equal(t, 422, w.do("PATCH", one, m{"base": "topic"}).status, "closed")
	assert.Equal(t, "open", w.do("PATCH", one, m{"state": "open", "title": "u"}).get("state"))
}

func TestListPulls(t *testing.T) {
	w := newWorld(t)
	w.pull()
	for i := range 3 {
		w.commit(fmt.Sprint("b", i), map[string]string{"f": fmt.Sprint(i)})
		_, err := w.repo.OpenPull("t", "", "main", fmt.Sprint("b", i), "dev")
		require.NoError(t, err)
	}
	require.NoError(t, w.repo.ClosePull(4))
	count := func(query string) int { return len(w.do("GET", shop+"/pulls"+query, nil).value.([]any)) }
	assert.Equal(t, 3, count(""))
	assert.Equal(t, 4, count("?state=all"))
	assert.Equal(t, 1, count("?head=acme:b1"))
	assert.Equal(t, 3, count("?head=b1"), "a head without owner is ignored")
	assert.Equal(t, 0, count("?base=none"))
	page := w.do("GET", "/api/v3"+shop+"/pulls?per_page=2&page=1&state=all", nil)
	assert.Equal(t, 4.0, page.get(0, "number"), "newest first")
	assert.Contains(t, page.header.Get("Link"), `/api/v3/repos/acme/shop/pulls?page=2&per_page=2&state=all>; rel="next"`)
	assert.NotContains(t, w.do("GET", shop+"/pulls?per_page=2&page=2&state=all", nil).header.Get("Link"), "next")
}

func TestPullFollowsItsBranch(t *testing.T) {
	w := newWorld(t)
	old := w.pull()
	head := w.commit("topic", map[string]string{"x": "1"})
	got := w.do("GET", shop+"/pulls/1", nil)
	assert.Equal(t, head, got.get("head", "sha"))
	assert.Equal(t, 2.0, got.get("commits"))
	of := func(sha string) any { return w.do("GET", shop+"/commits/"+sha+"/pulls", nil).get(0, "number") }
	assert.Equal(t, 1.0, of(head))
	assert.Equal(t, 1.0, of(old), "every commit of it")
	assert.Nil(t, of(w.repo.Tip("main")))
	assert.Equal(t, 422, w.do("GET", shop+"/commits/"+strings.Repeat("1", 40)+"/pulls", nil).status)

	forced := w.commit("topic", map[string]string{"y": "1"}, From(w.repo.Tip("main")))
	assert.Equal(t, forced, w.do("GET", shop+"/pulls/1", nil).get("head", "sha"))
	assert.Equal(t, 200, w.do("GET", shop+"/git/commits/"+head, nil).status, "still there")
	require.NoError(t, w.repo.Prune())
	assert.Equal(t, 404, w.do("GET", shop+"/git/commits/"+head, nil).status)
}

func TestFork(t *testing.T) {
	w := newWorld(t)
	w.commit("main", map[string]string{"a": "1"})
	fork, err := w.hub.Fork(w.repo, "guest")
	require.NoError(t, err)
	head, err := fork.Commit("topic", "m", map[string]string{"a": "2"})
	require.NoError(t, err)
	n, err := w.repo.OpenPull("t", "", "main", "guest:topic", "guest")
	require.NoError(t, err)
	one := fmt.Sprintf("%s/pulls/%d", shop, n)
	assert.Equal(t, "guest/shop", w.do("GET", one, nil).get("head", "repo", "full_name"))
	check := w.do("POST", shop+"/check-runs", m{"name": "x", "head_sha": head})
	assert.Equal(t, 201, check.status, "its commits are in the base repository")
	assert.Empty(t, check.get("pull_requests"), "forks are not told")
	assert.Equal(t, 1.0, w.do("GET", shop+"/compare/main...guest:topic", nil).get("ahead_by"))
	w.hub.Remove(fork)
	gone := w.do("GET", one, nil)
	assert.Nil(t, gone.get("head", "repo"))
	assert.Equal(t, head, gone.get("head", "sha"))
}

func TestDeletedBranchClosesPull(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	require.NoError(t, w.repo.DeleteBranch("topic"))
	p, err := w.repo.Pull(1)
	require.NoError(t, err)
	assert.Equal(t, []string{"closed", head}, []string{p.State, p.HeadSHA})
	assert.Equal(t, 422, w.do("PATCH", shop+"/pulls/1", m{"state": "open"}).status)
}

func TestMerge(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	group, base, _, err := w.repo.Queue(1)
	require.NoError(t, err)
	assert.Equal(t, w.repo.Tip("main"), base)
	assert.Equal(t, head, w.do("GET", shop+"/compare/"+base+"..."+group, nil).get("commits", 0, "sha"))
	sha, err := w.repo.MergePull(1)
	require.NoError(t, err)
	assert.Equal(t, sha, w.repo.Tip("main"))
	got := w.do("GET", shop+"/pulls/1", nil)
	assert.Equal(t, true, got.get("merged"))
	assert.Equal(t, "closed", got.get("state"))
	assert.Len(t, w.do("GET", shop+"/pulls/1/files", nil).value, 2, "its diff is still shown")
}

func TestDiff(t *testing.T) {
	w := newWorld(t)
	w.commit("main", map[string]string{"a.txt": numbered(40, 0), "old name": numbered(9, 0), "bin": "\x00\x01", "run": "x\n", "end": "no newline", "gone": "bye\n"})
	w.commit("topic", map[string]string{"a.txt": numbered(40, 20), "new name": numbered(9, 9), "bin": "\x00\x02", "run": "x\n", "end": "now\n", "link": "a.txt",
		"caf\xe9 \"q\"\n": "coffee\n"}, Delete("old name", "gone"), Mode("run", "100755"), Mode("link", "120000"))
	_, err := w.repo.OpenPull("t", "", "main", "topic", "dev")
	require.NoError(t, err)
	files, err := w.repo.Diff(1)
	require.NoError(t, err)
	by := map[string]FileDiff{}
	for _, f := range files {
		by[f.Path] = f
	}
	assert.Len(t, files, 8)
	assert.Equal(t, "old name", by["new name"].OldPath)
	assert.Equal(t, "renamed", by["new name"].Status)
	assert.True(t, by["bin"].Binary)
	assert.Equal(t, "changed", by["run"].Status)
	assert.Equal(t, "removed", by["gone"].Status)
	assert.Equal(t, "added", by["caf\xe9 \"q\"\n"].Status)
	hunk := by["a.txt"].Hunks[0]
	assert.Equal(t, []int{17, 7, 17, 7}, []int{hunk.OldStart, hunk.OldLines, hunk.NewStart, hunk.NewLines})
	assert.Equal(t, DiffLine{Kind: "+", New: 20, Text: "changed 20"}, hunk.Lines[4])
	list := w.do("GET", shop+"/pulls/1/files", nil)
	assert.Equal(t, "a.txt", list.get(0, "filename"))
	assert.True(t, strings.HasPrefix(list.get(0, "patch").(string), "@@ -17,7 +17,7 @@"))
	assert.Nil(t, list.get(1, "patch"), "binary")
	assert.Contains(t, by["end"].patch(), "-no newline\n\\ No newline at end of file\n+now")
}

func TestLargeDiffHasNoLines(t *testing.T) {
	many := map[string]string{}
	for i := range shownFiles + 1 {
		many[fmt.Sprintf("f%04d", i)] = fmt.Sprintf("%d\n", i)
	}
	for name, c := range map[string]struct {
		files      map[string]string
		hide, show string
	}{
		"lines": {map[string]string{"a": "x\n", "big": numbered(shownLines, 0)}, "big", "a"},
		"bytes": {map[string]string{"a": "x\n", "big": strings.Repeat("x", shownBytes) + "\n"}, "big", "a"},
		"files": {many, "f0300", "f0299"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.commit("main", map[string]string{"start": "1"})
			head := w.commit("topic", c.files)
			_, err := w.repo.OpenPull("t", "", "main", "topic", "dev")
			require.NoError(t, err)
			files, err := w.repo.Diff(1)
			require.NoError(t, err)
			assert.True(t, files[len(files)-1].Hidden)
			assert.Empty(t, files[len(files)-1].Hunks)
			on := func(path string) int {
				return w.do("POST", shop+"/pulls/1/reviews", m{"commit_id": head, "event": "COMMENT", "body": "b", "comments": l{at(path, 1)}}).status
			}
			assert.Equal(t, 422, on(c.hide))
			assert.Equal(t, 200, on(c.show))
		})
	}
}

func TestCompare(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	w.commit("topic", map[string]string{"z": "1"})
	base := w.repo.Tip("main")
	w.commit("main", map[string]string{"b.txt": "1"})
	got := w.do("GET", shop+"/compare/main...topic", nil)
	assert.Equal(t, base, got.get("merge_base_commit", "sha"))
	assert.Equal(t, []any{2.0, 1.0, "diverged"}, []any{got.get("ahead_by"), got.get("behind_by"), got.get("status")})
	assert.Equal(t, head, got.get("commits", 0, "sha"), "oldest first")
	assert.Len(t, got.get("files"), 3)
	second := w.do("GET", shop+"/compare/"+base+"..."+head+"?page=2&per_page=1", nil)
	assert.Nil(t, second.get("files"), "only on the first page")
	assert.Equal(t, 1.0, second.get("ahead_by"))
	assert.Equal(t, 404, w.do("GET", shop+"/compare/main...none", nil).status)
	assert.Equal(t, 404, w.do("GET", shop+"/compare/main.."+head, nil).status)
	_, err := w.repo.Commit("main", "m", map[string]string{"x": "1"})
	require.NoError(t, err)
	lone, err := w.hub.AddRepo("acme", "lone")
	require.NoError(t, err)
	_, err = lone.Commit("main", "m", map[string]string{"x": "1"})
	require.NoError(t, err)
	_, err = w.repo.Import(lone.Dir(), "main", "lone")
	require.NoError(t, err)
	assert.Contains(t, w.do("GET", shop+"/compare/main...lone", nil).get("message"), "No common ancestor")
}
