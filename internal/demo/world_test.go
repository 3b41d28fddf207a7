package demo_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// world is a stage with one repository, for tests that need more than a script.
type world struct {
	*demo.Stage
	t     *testing.T
	repo  *fakehub.Repo
	log   *logBuffer
	pulls atomic.Int64 // branches made
}

// newWorld installs the App on acme/shop, which has a first commit.
func newWorld(t *testing.T, o demo.StageOptions) *world {
	t.Helper()
	w := &world{t: t, log: &logBuffer{}}
	t.Cleanup(func() {
		if t.Failed() || testing.Verbose() {
			t.Log(w.log)
		}
	})
	w.Stage = watched(t, o, w.log, zerolog.InfoLevel)
	var err error
	w.repo, err = w.Install(t.Context(), "acme", "shop")
	require.NoError(t, err)
	_, err = w.repo.Commit("main", "Begin", map[string]string{"README": "The shop.\n"})
	require.NoError(t, err)
	return w
}

// open makes a pull request of its own that brings files.
func (w *world) open(files map[string]string) (number int, sha string) {
	w.t.Helper()
	branch := fmt.Sprintf("topic-%d", w.pulls.Add(1))
	sha, err := w.repo.Commit(branch, "Change", files)
	require.NoError(w.t, err)
	number, err = w.repo.OpenPull("Change", "", "main", branch, "dev")
	require.NoError(w.t, err)
	return number, sha
}

// deliver tells that action happened to a pull request.
func (w *world) deliver(number int, action string) {
	w.t.Helper()
	e, err := w.repo.PullEvent(number, action)
	require.NoError(w.t, err)
	require.NoError(w.t, w.Deliver(w.t.Context(), e))
}

func (w *world) settle() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Minute) // other suites keep the machine busy
	defer cancel()
	require.NoError(w.t, w.Settle(ctx))
}

// review opens a pull request that brings files and returns the check that it gets.
func (w *world) review(files map[string]string) (fakehub.CheckRun, fakehub.Pull) {
	w.t.Helper()
	number, sha := w.open(files)
	w.deliver(number, "opened")
	w.settle()
	p, err := w.repo.Pull(number)
	require.NoError(w.t, err)
	return w.check(sha), p
}

// check is the newest check run on a commit, which must be completed.
func (w *world) check(sha string) fakehub.CheckRun {
	w.t.Helper()
	runs := w.repo.CheckRuns(sha)
	require.NotEmpty(w.t, runs)
	last := runs[len(runs)-1]
	require.Equal(w.t, "completed", last.Status)
	return last
}

// goesOn requires that an ordinary pull request is reviewed as ever.
func (w *world) goesOn() {
	w.t.Helper()
	c, p := w.review(map[string]string{"requirements.txt": "example-ledger==4.1.2\n"})
	require.Equal(w.t, "failure", c.Conclusion)
	require.Len(w.t, p.Threads, 1)
}

// between puts handler in front of the hub; what it does not answer goes through.
type between struct {
	mu      sync.Mutex
	handler func(http.ResponseWriter, *http.Request) bool
}

func (b *between) set(f func(http.ResponseWriter, *http.Request) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handler = f
}

func (b *between) through(t *testing.T) func(string) (string, error) {
	return func(hub string) (string, error) {
		target, err := url.Parse(hub)
		if err != nil {
			return "", err
		}
		proxy := httputil.NewSingleHostReverseProxy(target)
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b.mu.Lock()
			f := b.handler
			b.mu.Unlock()
			if f == nil || !f(w, r) {
				proxy.ServeHTTP(w, r)
			}
		}))
		t.Cleanup(srv.Close)
		return srv.URL, nil
	}
}

// logBuffer keeps a log.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
