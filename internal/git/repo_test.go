package git

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
)

// A repo is a real repository, made with the git binary.
type repo struct {
	t   testing.TB
	dir string
	now int // commits so far, which is also the clock
}

func newRepo(t testing.TB) *repo {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git: install it with the system's package manager")
	}
	r := &repo{t: t, dir: t.TempDir()}
	r.git("init", "-q", "-b", "main", ".")
	for _, kv := range []string{"uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"} {
		r.git("config", kv, "true")
	}
	r.git("config", "gc.auto", "0")
	return r
}

func (r *repo) env() []string {
	at := time.Unix(1_700_000_000+int64(r.now)*60, 0).UTC().Format(time.RFC3339)
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
		"GIT_AUTHOR_NAME=dev", "GIT_AUTHOR_EMAIL=dev@example.com", "GIT_AUTHOR_DATE=" + at,
		"GIT_COMMITTER_NAME=dev", "GIT_COMMITTER_EMAIL=dev@example.com", "GIT_COMMITTER_DATE=" + at,
	}
}

func (r *repo) git(args ...string) string {
	r.t.Helper()
	return r.feed(nil, args...)
}

// feed runs git with input and returns its trimmed output.
func (r *repo) feed(in io.Reader, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = r.dir, r.env(), in
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	require.NoError(r.t, err, "git %v: %s", args, errs.String())
	return strings.TrimSpace(string(out))
}

func (r *repo) write(path, content string) {
	r.t.Helper()
	full := filepath.Join(r.dir, filepath.FromSlash(path))
	require.NoError(r.t, os.MkdirAll(filepath.Dir(full), 0o755))
	require.NoError(r.t, os.WriteFile(full, []byte(content), 0o644))
}

// commit commits files given as path, content, path, content …; a content of
// "-" deletes.
func (r *repo) commit(message string, files ...string) string {
	r.t.Helper()
	for i := 0; i < len(files); i += 2 {
		if files[i+1] == "-" {
			r.git("rm", "-q", files[i])
			continue
		}
		r.write(files[i], files[i+1])
	}
	r.git("add", "-A")
	return r.record(message)
}

// record commits what is staged.
func (r *repo) record(message string) string {
	r.t.Helper()
	r.now++
	r.git("commit", "-q", "--allow-empty", "-m", message)
	return r.git("rev-parse", "HEAD")
}

// tree makes a commit of a tree that is written byte for byte.
func (r *repo) tree(raw []byte, parents ...string) string {
	r.t.Helper()
	r.now++
	id := r.feed(bytes.NewReader(raw), "hash-object", "-t", "tree", "-w", "--literally", "--stdin")
	args := []string{"commit-tree", id, "-m", "tree"}
	for _, p := range parents {
		args = append(args, "-p", p)
	}
	return r.git(args...)
}

func (r *repo) blob(content io.Reader) string {
	r.t.Helper()
	return r.feed(content, "hash-object", "-w", "--stdin")
}

// rawEntry is one entry of a tree object.
func rawEntry(t testing.TB, mode, name, id string) []byte {
	h, err := parseHash(id)
	require.NoError(t, err)
	return append([]byte(mode+" "+name+"\x00"), h[:]...)
}

// A server serves a repo over loopback and counts.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string // bodies
	sent     int64
	auth     []string
}

func (r *repo) serve() *server {
	r.t.Helper()
	backend := filepath.Join(strings.TrimSpace(r.git("--exec-path")), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		r.t.Skip("needs git-http-backend, which comes with git")
	}
	h := &cgi.Handler{
		Logger: log.New(io.Discard, "", 0), // clients that hang up are part of the tests
		Path:   backend, Root: "/", Stderr: io.Discard,
		Env: []string{
			"GIT_PROJECT_ROOT=" + filepath.Dir(r.dir), "GIT_HTTP_EXPORT_ALL=1",
			"HOME=" + r.dir, "GIT_CONFIG_NOSYSTEM=1", "PATH=" + os.Getenv("PATH"),
		},
	}
	s := new(server)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		_, password, _ := req.BasicAuth()
		s.mu.Lock()
		s.requests = append(s.requests, string(body))
		s.auth = append(s.auth, password)
		s.mu.Unlock()
		req.Body = io.NopCloser(bytes.NewReader(body))
		req.ContentLength = int64(len(body))
		h.ServeHTTP(&counter{w, s}, req)
	}))
	r.t.Cleanup(s.Close)
	return s
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

func (s *server) bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

type counter struct {
	http.ResponseWriter
	s *server
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	if f, ok := c.ResponseWriter.(http.Flusher); ok {
		f.Flush() // what a server says while it works is not held back
	}
	c.s.mu.Lock()
	c.s.sent += int64(n)
	c.s.mu.Unlock()
	return n, err
}

func (s *server) remote(r *repo) Remote {
	return NewRemote(s.URL+"/"+filepath.Base(r.dir)+"/.git", "t0ken")
}

// fetch returns the change from base to head as a forge would state it.
func (r *repo) fetch(f *Fetcher, base, head string) (*change.Change, *server) {
	r.t.Helper()
	s := r.serve()
	c, err := f.Change(context.Background(), s.remote(r), r.mergeBase(base, head), head, r.ahead(base, head))
	require.NoError(r.t, err)
	return c, s
}

func (r *repo) mergeBase(a, b string) string { return r.git("merge-base", a, b) }

func (r *repo) ahead(base, head string) (n int) {
	_, err := fmt.Sscan(r.git("rev-list", "--count", base+".."+head), &n)
	require.NoError(r.t, err)
	return n
}

// brief writes files as "modified path", for comparison.
func brief(files []change.File) []string {
	out := []string{}
	for _, f := range files {
		text := f.Kind.String() + " " + f.Path
		if f.OldPath != "" {
			text += " from " + f.OldPath
		}
		out = append(out, text)
	}
	return out
}

func added(f *change.File) []string {
	out := []string{}
	for l := range f.Added() {
		out = append(out, l.Text)
	}
	return out
}
