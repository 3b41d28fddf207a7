package git

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
)

// wide commits many directories, and returns base and head of a change to one
// file three levels down.
func wide(r *repo) (base, head string) {
	for i := range 150 {
		r.write(fmt.Sprintf("dir%03d/f", i), fmt.Sprint("f ", i, "\n"))
		r.write(fmt.Sprintf("dir%03d/sub/module.tf", i), fmt.Sprint("m ", i, "\n"))
	}
	base = r.commit("base", "dir007/sub/deep/main.tf", "one\n", "dir007/sub/deep/beside.tf", "b\n")
	return base, r.commit("head", "dir007/sub/deep/main.tf", "one\ntwo\n")
}

// Trees that are heavy are fetched only where something differs, one request a
// level; the second time without looking first.
func TestHeavyTrees(t *testing.T) {
	r := newRepo(t)
	base, head := wide(r)
	s := r.serve()
	f := &Fetcher{Limits: Limits{Trees: 10_000}}
	var sent [2]int64
	for i, requests := range []int{7, 6} {
		before, n := s.bytes(), s.count()
		c, err := f.Change(context.Background(), s.remote(r), base, head, 1)
		require.NoError(t, err)
		assert.Equal(t, requests, s.count()-n, "commits, four levels and blobs, and at first one that was cut short")
		sent[i] = s.bytes() - before
		assert.Equal(t, []string{"modified dir007/sub/deep/main.tf"}, brief(c.Files))
		assert.Equal(t, []string{"two"}, added(&c.Commits[0].Files[0]))
		assert.False(t, change.Unreached(c.Contents))

		// Beside the change all is listed; elsewhere what is missed can be had.
		for j, tree := range []fs.FS{c.Before, c.After} {
			far := fmt.Sprintf("dir%03d/", 140+j)
			list, err := fs.ReadDir(tree, "dir007/sub/deep")
			require.NoError(t, err)
			assert.Len(t, list, 2)
			_, err = fs.Stat(tree, far+"sub/module.tf")
			var missing *change.MissingError
			require.ErrorAs(t, err, &missing)
			assert.Equal(t, far+"sub/module.tf: was not fetched", missing.Error())
			require.True(t, change.Unreached(c.Contents))
			n := s.count()
			require.NoError(t, c.Contents.Load(context.Background()))
			assert.Equal(t, 2, s.count()-n, "a request a level")
			assert.False(t, change.Unreached(c.Contents))
			info, err := fs.Stat(tree, far+"sub/module.tf")
			require.NoError(t, err)
			require.NoError(t, c.Contents.Load(context.Background(), string(info.Sys().(change.BlobID))))
			b, err := fs.ReadFile(tree, far+"sub/module.tf")
			require.NoError(t, err)
			assert.Equal(t, fmt.Sprint("m ", 140+j, "\n"), string(b))
			_, err = fs.Stat(tree, far+"none")
			require.ErrorIs(t, err, fs.ErrNotExist)
		}
	}
	assert.Less(t, sent[1], sent[0])
	assert.Less(t, sent[1], int64(12_000))

	c, err := f.Tree(context.Background(), s.remote(r), head)
	require.NoError(t, err)
	all := 0
	require.NoError(t, fs.WalkDir(c.After, ".", func(string, fs.DirEntry, error) error { all++; return nil }))
	assert.Greater(t, all, 450, "a tree that is asked for is whole")
}

// Walking everything brings everything, some levels a Load.
func TestHeavyTreesWalked(t *testing.T) {
	r := newRepo(t)
	base, head := wide(r)
	c, _ := r.fetch(&Fetcher{Limits: Limits{Trees: 1}}, base, head)
	for range 4 {
		_ = fs.WalkDir(c.After, ".", func(string, fs.DirEntry, error) error { return nil })
		if !change.Unreached(c.Contents) {
			break
		}
		require.NoError(t, c.Contents.Load(context.Background()))
	}
	var ids []string
	require.NoError(t, fs.WalkDir(c.After, ".", func(_ string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		if info, err := d.Info(); assert.NoError(t, err) && !d.IsDir() {
			ids = append(ids, string(info.Sys().(change.BlobID)))
		}
		return nil
	}))
	require.NoError(t, c.Contents.Load(context.Background(), ids...))
	require.NoError(t, fstest.TestFS(c.After, "dir007/sub/deep/main.tf"))
}

func TestHeavyTreesTooDeep(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "a", "a\n")
	head := r.commit("head", "1/2/3/4/5/6/7/8/9/f", "f\n")
	s := r.serve()
	_, err := (&Fetcher{Limits: Limits{Trees: 1, Requests: 5}}).Change(context.Background(), s.remote(r), base, head, 1)
	var limit *LimitError
	require.ErrorAs(t, err, &limit)
	assert.Contains(t, limit.Error(), "depth of directories")
	assert.LessOrEqual(t, s.count(), 8)
}

// A path that two commits touched and that ends as it began is listed, too.
func TestHeavyTreesUndone(t *testing.T) {
	r := newRepo(t)
	wide(r)
	base := r.git("rev-parse", "HEAD")
	r.commit("do", "dir003/sub/secret", "s\n")
	head := r.commit("undo", "dir003/sub/secret", "-", "top", "t\n")
	c, _ := r.fetch(&Fetcher{Limits: Limits{Trees: 1}}, base, head)
	assert.Equal(t, []string{"added top"}, brief(c.Files))
	for _, tree := range []fs.FS{c.Before, c.After} {
		list, err := fs.ReadDir(tree, "dir003/sub")
		require.NoError(t, err)
		assert.Len(t, list, 1)
	}
}

func TestWeight(t *testing.T) {
	w := weight{limit: 1000, left: 100}
	assert.False(t, w.over(1, 5000), "a commit")
	for range enoughTrees - 1 {
		require.False(t, w.over(2, 11))
	}
	assert.True(t, w.over(7, 11), "99 of them would be 1089 bytes")
	w = weight{left: 1}
	assert.False(t, w.over(2, 1<<40), "without a limit")
	w = weight{limit: 1000, left: 2}
	assert.True(t, w.over(2, 1001))
}

// A server that counts many trees is not waited for: it is asked level by
// level at once.
func TestCountedTrees(t *testing.T) {
	objects, base, head := little()
	var asked []string
	client := &http.Client{Transport: roundTrip(func(req *http.Request) *http.Response {
		body, _ := io.ReadAll(req.Body)
		text := string(body)
		var answer io.Reader
		switch {
		case strings.Contains(text, "filter blob:none"):
			asked = append(asked, "outline")
			assert.NotContains(t, text, "no-progress")
			// What follows would never come.
			answer = io.MultiReader(strings.NewReader("000dpackfile\n002f\x02Enumerating objects: 123456, done.       \n"), &stuck{req.Context()})
		case strings.Contains(text, "deepen"):
			asked = append(asked, "commits")
			answer = bytes.NewReader(band(pack(objects[3], objects[7])))
		case strings.Contains(text, "filter tree:0"):
			asked = append(asked, "trees")
			answer = bytes.NewReader(band(pack(objects[1], objects[2], objects[5], objects[6])))
		default:
			asked = append(asked, "blobs")
			answer = bytes.NewReader(band(pack(objects[0], objects[4])))
		}
		return &http.Response{
			StatusCode: http.StatusOK, Request: req, Body: io.NopCloser(answer),
			Header: http.Header{"Content-Type": {"application/x-git-upload-pack-result"}},
		}
	})}
	f := &Fetcher{Client: client}
	r := Remote{URL: "http://forge.example/r.git"}
	for _, want := range [][]string{{"outline", "commits", "trees", "blobs"}, {"commits", "trees", "blobs"}} {
		asked = nil
		c, err := f.Change(t.Context(), r, base.String(), head.String(), 1)
		require.NoError(t, err)
		assert.Equal(t, want, asked)
		assert.Equal(t, []string{"two"}, added(c.File("d/f")))
	}
}

type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// stuck is a stream on which nothing more comes.
type stuck struct{ ctx context.Context }

func (s *stuck) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}
