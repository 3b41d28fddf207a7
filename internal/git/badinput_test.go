package git

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
)

const someID = "1234567890123456789012345678901234567890"

// fakeServer answers every request with one pack.
func fakeServer(t testing.TB, pack []byte) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		_, _ = io.WriteString(w, "000dpackfile\n")
		for b := pack; len(b) > 0; {
			n := min(len(b), 60_000)
			fmt.Fprintf(w, "%04x\x01%s", n+5, b[:n])
			b = b[n:]
		}
		_, _ = io.WriteString(w, "0000")
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestHeadGone(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "a", "a\n")
	s := r.serve()
	_, err := new(Fetcher).Change(context.Background(), s.remote(r), base, someID, 1)
	require.ErrorIs(t, err, ErrGone)
	assert.False(t, Permanent(err))
	_, err = new(Fetcher).Tree(context.Background(), s.remote(r), someID)
	require.ErrorIs(t, err, ErrGone)
	_, err = new(Fetcher).Change(context.Background(), s.remote(r), base, "main", 1)
	require.ErrorContains(t, err, "is not the id of a git object")
}

// The head is there for the first request and gone for the second.
func TestForcePushDuringFetch(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "a", "a\n")
	head := r.commit("head", "a", "b\n")
	s := r.serve()
	inner := s.Config.Handler
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		inner.ServeHTTP(w, req)
		if s.count() == 1 {
			r.git("reset", "-q", "--hard", base)
			r.git("reflog", "expire", "--expire=now", "--all")
			r.git("prune", "--expire=now")
		}
	})
	_, err := new(Fetcher).Change(context.Background(), s.remote(r), base, head, 1)
	require.ErrorIs(t, err, ErrGone)
}

func TestRepositoryGone(t *testing.T) {
	r := newRepo(t)
	r.commit("base", "a", "a\n")
	s := r.serve()
	_, err := new(Fetcher).Tree(context.Background(), NewRemote(s.URL+"/nothing.git", "t0ken"), someID)
	require.ErrorIs(t, err, ErrGone)
	assert.NotContains(t, err.Error(), "t0ken")
}

func TestHTTPErrors(t *testing.T) {
	var status atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(int(status.Load()))
	}))
	defer s.Close()
	for _, code := range []int{200, 401, 403, 404, 429, 500} {
		status.Store(int64(code))
		_, err := new(Fetcher).Tree(context.Background(), NewRemote(s.URL, "t0ken"), someID)
		require.Error(t, err)
		assert.Equal(t, code == 404, errors.Is(err, ErrGone), code)
		assert.False(t, Permanent(err), code)
		assert.NotContains(t, err.Error(), "t0ken")
		var h *HTTPError
		if code != 200 && assert.ErrorAs(t, err, &h) {
			assert.Equal(t, 7*time.Second, h.After)
		}
	}
}

func TestRedirectToAnotherHost(t *testing.T) {
	var reached atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer other.Close()
	for _, code := range []int{301, 302, 307, 308} {
		s := httptest.NewServer(http.RedirectHandler(other.URL+"/r.git/git-upload-pack", code))
		_, err := new(Fetcher).Tree(context.Background(), NewRemote(s.URL+"/r.git", "t0ken"), someID)
		s.Close()
		require.ErrorContains(t, err, "another host")
		assert.True(t, Permanent(err))
		assert.False(t, reached.Load(), "nothing may be sent there")
	}
}

// A renamed repository: the request is made again, whole, at the same host.
func TestRedirectSameHost(t *testing.T) {
	r := newRepo(t)
	sha := r.commit("base", "a", "a\n")
	s := r.serve()
	inner := s.Config.Handler
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if rest, ok := strings.CutPrefix(req.URL.Path, "/old"); ok {
			http.Redirect(w, req, rest, http.StatusMovedPermanently)
			return
		}
		inner.ServeHTTP(w, req)
	})
	remote := s.remote(r)
	remote.URL = strings.Replace(remote.URL, s.URL, s.URL+"/old", 1)
	_, err := new(Fetcher).Tree(context.Background(), remote, sha)
	require.NoError(t, err)
	assert.Equal(t, []string{"t0ken"}, s.auth)
}

func TestTokenIsNotPrinted(t *testing.T) {
	r := NewRemote("http://127.0.0.1:1/r.git", "t0ken")
	j, err := json.Marshal(r)
	require.NoError(t, err)
	_, err = new(Fetcher).Tree(context.Background(), r, someID)
	require.Error(t, err)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s %q %s %v", r, r, r, r, r, j, err), "t0ken")
}

// A server that trickles bytes holds us no longer than our deadline.
func TestTrickle(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		for req.Context().Err() == nil {
			_, _ = io.WriteString(w, "0005x")
			w.(http.Flusher).Flush()
			time.Sleep(time.Millisecond)
		}
	}))
	defer s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := new(Fetcher).Tree(ctx, Remote{URL: s.URL}, someID)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Less(t, time.Since(start), 5*time.Second)
}

// A blob of 200 MiB that compresses to almost nothing, between others.
func TestHugeBlob(t *testing.T) {
	r := newRepo(t)
	r.git("config", "core.bigFileThreshold", "1m") // git streams it, which is faster
	base := r.commit("base", "a", "a\n")
	huge := r.blob(io.LimitReader(zeros{}, 200*mib))
	r.write("b", "b\n")
	r.write("z", "z\n")
	r.git("add", "-A")
	r.git("update-index", "--add", "--cacheinfo", "100644,"+huge+",huge.bin")
	head := r.record("huge")

	c, s := r.fetch(&Fetcher{}, base, head)
	want := change.Skip{Path: "huge.bin", Why: "larger than 4 MiB"}
	assert.Equal(t, []change.Skip{want}, c.Skipped)
	assert.Equal(t, want.Why, c.File("huge.bin").Skip)
	assert.Equal(t, want.Why, c.Commits[0].Files[1].Skip)
	assert.Equal(t, []string{"b"}, added(c.File("b")))
	assert.Equal(t, []string{"z"}, added(c.File("z")))
	assert.Equal(t, 3, c.Blobs)
	assert.LessOrEqual(t, s.count(), 4)
	_, err := fs.ReadFile(c.After, "huge.bin")
	var missing *change.MissingError
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, "huge.bin: larger than 4 MiB", missing.Error())
	n := s.count()
	require.NoError(t, c.Contents.Load(context.Background(), huge), "what was skipped is not asked for again")
	assert.Equal(t, n, s.count())
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// One that does not compress is dropped at its header, not read to its end.
func TestHugeBlobIsNotDownloaded(t *testing.T) {
	r := newRepo(t)
	r.git("config", "core.compression", "0")
	r.git("config", "core.bigFileThreshold", "1m")
	base := r.commit("base", "a", "a\n")
	const n = 48 * mib
	r.git("update-index", "--add", "--cacheinfo", "100644,"+r.blob(io.LimitReader(rand.New(rand.NewSource(1)), n))+",huge.bin")
	head := r.record("huge")
	c, s := r.fetch(&Fetcher{}, base, head)
	require.Len(t, c.Skipped, 1)
	s.Close() // waits for the handlers
	assert.Less(t, s.sent, int64(n/2))
}

// Many large ones among small ones: each small one is found.
func TestManyLargeBlobs(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "a", "a\n")
	for i := range 30 {
		size := 100
		if i%6 == 3 {
			size = 3000
		}
		r.write(fmt.Sprintf("f%02d", i), strings.Repeat(fmt.Sprint(i, "\n"), size))
	}
	r.git("add", "-A")
	head := r.record("many")
	c, s := r.fetch(&Fetcher{Limits: Limits{Object: 1000}}, base, head)
	require.Len(t, c.Skipped, 5)
	assert.Equal(t, "larger than 1000 bytes", c.Skipped[0].Why)
	assert.LessOrEqual(t, s.count(), 16)
	for i := range c.Files {
		assert.Equal(t, i%6 == 3, c.Files[i].Skip != "", c.Files[i].Path)
		assert.Equal(t, i%6 == 3, len(c.Files[i].Hunks) == 0, c.Files[i].Path)
	}
	c, s = r.fetch(&Fetcher{Limits: Limits{Object: 1000, Requests: 3}}, base, head)
	assert.Equal(t, 4, s.count())
	assert.Greater(t, len(c.Skipped), 5)
	assert.Contains(t, c.Skipped, change.Skip{Path: "f29", Why: "was not fetched: too many files are too large"})
}

// Responses and the whole change are bounded, too; what does not fit is named.
func TestLargeChange(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "a", "a\n")
	rnd := rand.New(rand.NewSource(2))
	for i := range 20 {
		b := make([]byte, 5000)
		_, _ = rnd.Read(b)
		r.write(fmt.Sprintf("f%02d", i), fmt.Sprintf("%x", b))
	}
	r.git("add", "-A")
	head := r.record("large")
	c, s := r.fetch(&Fetcher{Limits: Limits{Response: 40_000}}, base, head)
	assert.Empty(t, c.Skipped)
	assert.Greater(t, s.count(), 3)
	c, _ = r.fetch(&Fetcher{Limits: Limits{Inflated: 80_000}}, base, head)
	assert.Len(t, c.Files, 20)
	assert.Greater(t, len(c.Skipped), 10)
	assert.Less(t, len(c.Skipped), 20)
	assert.Equal(t, "the change is larger than 78.1 KiB", c.Skipped[0].Why)
	_, err := new(Fetcher).Change(context.Background(), s.remote(r), base, head, 1)
	require.NoError(t, err)

	var limit *LimitError
	for _, lim := range []Limits{{Files: 30}, {Entries: 20}, {Response: 300}, {Objects: 2}, {Object: 100}} {
		_, err = (&Fetcher{Limits: lim}).Change(context.Background(), s.remote(r), base, head, 1)
		require.ErrorAs(t, err, &limit, "%+v", lim)
	}
}

// Names that are not UTF-8, or have control characters or Markdown in them,
// are files like any other.
func TestNameNotUTF8(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "a", "a\n")
	names := []string{"\xff\xfe.tf", "[x](e.example)\n# hi.md", "a\tb\x1b[31m", "back\\slash", "café"}
	var tree []byte
	for _, n := range names {
		tree = append(tree, rawEntry(t, "100644", n, r.blob(strings.NewReader("content of "+n+"\n")))...)
	}
	head := r.tree(tree, base)
	c, _ := r.fetch(&Fetcher{}, base, head)
	for _, n := range names {
		f := c.File(n)
		require.NotNil(t, f, "%q", n)
		b, err := c.Contents.Blob(f.NewBlob)
		require.NoError(t, err)
		assert.Equal(t, "content of "+n+"\n", string(b))
	}
	list, err := fs.ReadDir(c.After, ".")
	require.NoError(t, err)
	assert.Len(t, list, len(names)-1, "fs.FS has no place for the one that is not UTF-8")
	_, err = fs.Stat(c.After, names[0])
	require.ErrorIs(t, err, fs.ErrInvalid)
}

func TestHostileTrees(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "a", "a\n")
	blob := r.blob(strings.NewReader("x"))
	for name, c := range map[string]struct {
		tree []byte
		want string
	}{
		"dot dot":    {rawEntry(t, "100644", "..", blob), "not allowed"},
		"slash":      {rawEntry(t, "100644", "a/b", blob), "not allowed"},
		"empty":      {rawEntry(t, "100644", "", blob), "not allowed"},
		"twice":      {bytes.Repeat(rawEntry(t, "100644", "a", blob), 2), "twice"},
		"no mode":    {rawEntry(t, "0", "a", blob), "mode"},
		"not octal":  {rawEntry(t, "9", "a", blob), "mode"},
		"cut off":    {rawEntry(t, "100644", "a", blob)[:20], "cut off"},
		"commit":     {rawEntry(t, "40000", "a", base), "is a commit where a tree belongs"},
		"not octal2": {rawEntry(t, "-40000", "a", blob), "mode"},
	} {
		t.Run(name, func(t *testing.T) {
			// Git itself refuses to send most of these.
			o := newObjects(Limits{}.orDefaults())
			h, err := parseHash(someID)
			require.NoError(t, err)
			o.put(h, 2, c.tree)
			at, err := parseHash(base)
			require.NoError(t, err)
			o.put(at, 1, []byte("tree "))
			err = o.measure(context.Background(), h, 10)
			require.ErrorContains(t, err, c.want)
			assert.True(t, Permanent(err))
		})
	}
}

// 30 trees, each naming the next one ten times: 10^30 paths in 12 KiB.
func TestTreeBomb(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "a", "a\n")
	at := rawEntry(t, "100644", "f", r.blob(strings.NewReader("x")))
	for range 30 {
		id := r.feed(bytes.NewReader(at), "hash-object", "-t", "tree", "-w", "--literally", "--stdin")
		at = nil
		for i := range 10 {
			at = append(at, rawEntry(t, "40000", fmt.Sprint(i), id)...)
		}
	}
	head := r.tree(at, base)
	s := r.serve()
	start := time.Now()
	_, err := new(Fetcher).Change(context.Background(), s.remote(r), base, head, 1)
	var limit *LimitError
	require.ErrorAs(t, err, &limit)
	assert.Equal(t, "the tree is larger than 1000000 files", limit.Error())
	assert.Less(t, time.Since(start), 5*time.Second)
}

func TestDeepDirectory(t *testing.T) {
	o := newObjects(Limits{}.orDefaults())
	blob := rawEntry(t, "100644", "f", someID)
	h := putRaw(o, blob)
	for range maxDepth + 10 {
		h = putRaw(o, rawEntry(t, "40000", "d", h))
	}
	at, err := parseHash(h)
	require.NoError(t, err)
	err = o.measure(context.Background(), at, 100)
	require.ErrorContains(t, err, "depth of directories")
	d := &differ{ctx: context.Background(), o: o, left: 100, limit: 100}
	_, err = d.trees([20]byte{}, at)
	require.ErrorContains(t, err, "depth of directories")
}

func putRaw(o *objects, tree []byte) string {
	h := plumbing.ComputeHash(plumbing.TreeObject, tree)
	o.put(h, 2, tree)
	return h.String()
}

// A tree of a million entries is refused before it is built.
func TestMillionEntries(t *testing.T) {
	tree := bytes.Repeat([]byte("100644 a\x00"+someID[:20]), 1_000_000)
	_, err := new(Fetcher).Tree(context.Background(), Remote{URL: fakeServer(t, pack(whole(2, tree)))}, someID)
	var limit *LimitError
	require.ErrorAs(t, err, &limit)
}

func TestServerLies(t *testing.T) {
	// A pack without what was asked for, no pack at all, and no git.
	_, err := new(Fetcher).Tree(context.Background(), Remote{URL: fakeServer(t, pack(whole(3, []byte("other"))))}, someID)
	require.ErrorContains(t, err, "not at hand")
	_, err = new(Fetcher).Tree(context.Background(), Remote{URL: fakeServer(t, pack())}, someID)
	require.Error(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/git-upload-pack", []byte("<html>"), 0o644))
	s := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer s.Close()
	_, err = new(Fetcher).Tree(context.Background(), Remote{URL: s.URL}, someID)
	require.Error(t, err)
	_, err = new(Fetcher).Tree(context.Background(), Remote{URL: "not a URL"}, someID)
	require.Error(t, err)
}
