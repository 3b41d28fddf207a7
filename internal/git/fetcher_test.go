package git

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
)

func TestTwoRequests(t *testing.T) {
	r := newRepo(t)
	r.commit("far", "README", "hello\n", "lib/a.go", "package a\n", "lib/b.go", "package b\n")
	base := r.commit("base", "main.go", "one\ntwo\nthree\n")
	r.commit("step", "main.go", "one\nsecret\ntwo\nthree\n", "new.txt", "new\n")
	head := r.commit("undo", "main.go", "one\ntwo\n2b\nthree\n", "lib/b.go", "-")

	c, s := r.fetch(&Fetcher{}, base, head)
	assert.Equal(t, 2, s.count(), "requests")
	assert.Equal(t, []string{"t0ken", "t0ken"}, s.auth)
	assert.Equal(t, base, c.Base)
	assert.Equal(t, head, c.Head)
	assert.Equal(t, []string{"deleted lib/b.go", "modified main.go", "added new.txt"}, brief(c.Files))
	assert.Equal(t, []string{"2b"}, added(c.File("main.go")))
	require.Len(t, c.Commits, 2)
	assert.Equal(t, "step", c.Commits[0].Subject)
	assert.Equal(t, "dev <dev@example.com>", c.Commits[0].Author)
	assert.Equal(t, []string{base}, c.Commits[0].Parents)
	assert.Equal(t, []string{"modified main.go", "added new.txt"}, brief(c.Commits[0].Files))
	assert.Equal(t, []string{"secret"}, added(&c.Commits[0].Files[0]))
	assert.Equal(t, []string{"deleted lib/b.go", "modified main.go"}, brief(c.Commits[1].Files))
	assert.Equal(t, 3, c.Blobs)
	assert.Empty(t, c.Skipped)
	assert.Equal(t, fs.FileMode(0o644), c.Files[1].Mode)

	// Both trees are listed whole; what was not fetched says so.
	_, err := fs.ReadFile(c.After, "lib/a.go")
	var missing *change.MissingError
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, "lib/a.go", missing.Path)
	info, err := fs.Stat(c.After, "lib/a.go")
	require.NoError(t, err)
	require.NoError(t, c.Contents.Load(context.Background(), string(info.Sys().(change.BlobID))))
	assert.Equal(t, 3, s.count(), "one request for what was missing")
	b, err := fs.ReadFile(c.After, "lib/a.go")
	require.NoError(t, err)
	assert.Equal(t, "package a\n", string(b))
	b, err = fs.ReadFile(c.Before, "main.go")
	require.NoError(t, err)
	assert.Equal(t, "one\ntwo\nthree\n", string(b))
	_, err = fs.Stat(c.After, "lib/b.go")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestTree(t *testing.T) {
	r := newRepo(t)
	r.commit("one", "a", "1\n")
	sha := r.commit("two", "a", "2\n", "dir/b", "b\n", "dir/sub/c", "c\n", "dir.txt", "d\n")
	s := r.serve()
	c, err := new(Fetcher).Tree(context.Background(), s.remote(r), sha)
	require.NoError(t, err)
	assert.Equal(t, 1, s.count())
	assert.Empty(t, c.Files)
	var ids []string
	require.NoError(t, fs.WalkDir(c.After, ".", func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		if info, err := d.Info(); assert.NoError(t, err) && !d.IsDir() {
			ids = append(ids, string(info.Sys().(change.BlobID)))
		}
		return nil
	}))
	require.NoError(t, c.Contents.Load(context.Background(), ids...))
	require.NoError(t, c.Contents.Load(context.Background(), ids...), "again, with nothing to do")
	assert.Equal(t, 2, s.count())
	require.NoError(t, fstest.TestFS(c.After, "a", "dir/b", "dir/sub/c", "dir.txt"))
	require.NoError(t, fstest.TestFS(c.Before))
	require.Error(t, c.Contents.Load(context.Background(), "not an id"))
}

// A branch that merged its base again: the server's cut of the history does
// not tell base's commits from the branch's, the count does.
func TestMerged(t *testing.T) {
	r := newRepo(t)
	fork := r.commit("one", "shared", lines(1, 40), "a", "a\n")
	for i := range 8 {
		r.commit(fmt.Sprint("main ", i), "main.txt", lines(1, i+2))
	}
	r.commit("main", "shared", "top of main\n"+lines(1, 40))
	r.git("checkout", "-q", "-b", "topic", fork)
	r.commit("topic", "shared", lines(1, 40)+"end of topic\n", "t", "t\n")
	r.now++
	r.git("merge", "-q", "--no-commit", "main")
	r.write("evil", "nobody had this\n")
	r.write("shared", "top of main\n"+lines(1, 20)+"evil line\n"+lines(21, 40)+"end of topic\n")
	r.git("add", "-A")
	merge := r.record("merge main")
	head := r.commit("last", "t", "t\nlast\n")

	for _, ahead := range []int{r.ahead("main", head), 0, 1, 50} {
		s := r.serve()
		c, err := new(Fetcher).Change(context.Background(), s.remote(r), r.mergeBase("main", head), head, ahead)
		require.NoError(t, err)
		require.Len(t, c.Commits, 3, "ahead %d", ahead)
		if ahead == 3 {
			assert.Equal(t, 2, s.count())
		}
		assert.Equal(t, []string{"topic", "merge main", "last"}, []string{c.Commits[0].Subject, c.Commits[1].Subject, c.Commits[2].Subject})
		assert.Equal(t, merge, c.Commits[1].SHA)
		assert.Equal(t, []string{"added evil", "modified shared"}, brief(c.Commits[1].Files), "what main brought is not the merge's")
		assert.Equal(t, []string{"evil line"}, added(&c.Commits[1].Files[1]))
		assert.Equal(t, []string{"evil line", "end of topic"}, added(c.File("shared")))
		assert.Nil(t, c.File("main.txt"))
	}
}

func TestCrissCross(t *testing.T) {
	r := newRepo(t)
	r.commit("root", "f", "f\n")
	r.git("branch", "topic")
	m1 := r.commit("m1", "m", "1\n")
	r.git("checkout", "-q", "topic")
	t1 := r.commit("t1", "t", "1\n")
	r.now++
	r.git("merge", "-q", "-m", "cross", m1)
	head := r.commit("t2", "t", "2\n")
	r.git("checkout", "-q", "main")
	r.now++
	r.git("merge", "-q", "-m", "criss", t1)
	tip := r.commit("m2", "m", "2\n")
	c, _ := r.fetch(&Fetcher{}, tip, head)
	subjects := map[string]bool{}
	for _, s := range c.Commits {
		subjects[s.Subject] = true
	}
	assert.True(t, subjects["t2"] && subjects["cross"], "%v", subjects)
}

func TestUnrelated(t *testing.T) {
	r := newRepo(t)
	r.commit("one", "a", "a\n")
	r.git("checkout", "-q", "--orphan", "other")
	r.commit("root", "b", "b\n")
	head := r.commit("next", "c", "c\n")
	s := r.serve()
	c, err := new(Fetcher).Change(context.Background(), s.remote(r), "", head, 0)
	require.NoError(t, err)
	assert.Equal(t, "", c.Base)
	assert.Equal(t, []string{"added a", "added b", "added c"}, brief(c.Files))
	require.Len(t, c.Commits, 2)
	assert.Equal(t, []string{"added a", "added b"}, brief(c.Commits[0].Files), "of a root, everything")
	list, err := fs.ReadDir(c.Before, ".")
	require.NoError(t, err)
	assert.Empty(t, list)
}

func TestNothingAhead(t *testing.T) {
	r := newRepo(t)
	old := r.commit("one", "a", "a\n")
	tip := r.commit("two", "a", "b\n")
	for _, head := range []string{old, tip} {
		c, _ := r.fetch(&Fetcher{}, tip, head)
		assert.Empty(t, c.Files)
		assert.Empty(t, c.Commits)
	}
}

func TestKinds(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "old/name.go", lines(1, 30), "same.txt", lines(50, 60), "tool.sh", "run\n",
		"link", "was a file\n", "dir", "was a file\n", "pic", "text\n", "gone", "gone\n")
	r.git("rm", "-q", "old/name.go", "same.txt", "link", "dir", "gone")
	r.git("update-index", "--chmod=+x", "tool.sh")
	sub := strings.Repeat("1", 40)
	target := r.blob(strings.NewReader("../../etc/passwd"))
	r.git("update-index", "--add", "--cacheinfo", "160000,"+sub+",module")
	r.git("update-index", "--add", "--cacheinfo", "120000,"+target+",link")
	for path, content := range map[string]string{
		"new/name.go": lines(1, 30) + "added\n", "moved.txt": lines(50, 60), "dir/inside": "x\n", "pic": "a\x00b",
	} {
		r.git("update-index", "--add", "--cacheinfo", "100644,"+r.blob(strings.NewReader(content))+","+path)
	}
	head := r.record("change")

	c, _ := r.fetch(&Fetcher{}, base, head)
	assert.Equal(t, []string{
		"deleted dir", "added dir/inside", "deleted gone", "modified link", "added module",
		"renamed moved.txt from same.txt", "renamed new/name.go from old/name.go", "modified pic", "modified tool.sh",
	}, brief(c.Files))
	link, module, pic, tool := c.File("link"), c.File("module"), c.File("pic"), c.File("tool.sh")
	assert.Equal(t, fs.ModeSymlink, link.Mode.Type())
	assert.Equal(t, []string{"../../etc/passwd"}, added(link))
	assert.Equal(t, fs.ModeIrregular, module.Mode.Type())
	assert.Empty(t, module.NewBlob)
	assert.True(t, pic.Binary)
	assert.Empty(t, pic.Hunks)
	assert.Equal(t, fs.FileMode(0o755), tool.Mode)
	assert.Equal(t, tool.OldBlob, tool.NewBlob)
	assert.Empty(t, tool.Hunks)
	assert.Empty(t, added(c.File("moved.txt")))
	assert.Equal(t, []string{"added"}, added(c.File("new/name.go")))
	assert.Equal(t, 4, c.Blobs, "link, new/name.go, dir/inside and pic are new; a move and a mode bring nothing")
	assert.Empty(t, c.Skipped)
}

func lines(from, to int) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		fmt.Fprintf(&b, "line %d\n", i)
	}
	return b.String()
}
