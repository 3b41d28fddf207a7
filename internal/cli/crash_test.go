package cli_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
)

func newKey(t *testing.T) (*rsa.PrivateKey, string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

func privateKey(t *testing.T) string {
	_, text := newKey(t)
	return text
}

// crash is a server in a process of its own that can be killed, and its GitHub.
type crash struct {
	t    *testing.T
	hub  *fakehub.Hub
	repo *fakehub.Repo
	env  map[string]string
	args []string // of serve
	log  bytes.Buffer
	cmd  *exec.Cmd

	mu     sync.Mutex
	before func(call string) // called for each request to GitHub, before and
	after  func(call string) // after it is done but not yet answered
}

func newCrash(t *testing.T) *crash {
	t.Helper()
	key, text := newKey(t)
	c := &crash{t: t}
	var err error
	c.hub, err = fakehub.New(fakehub.Options{Dir: t.TempDir(), Key: &key.PublicKey, Secret: "hush, hush, hush"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.hub.Close() })
	srv := httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(srv.Close)
	c.env = map[string]string{
		"GITHUB_APP_INTEGRATION_ID": "1", "GITHUB_APP_WEBHOOK_SECRET": "hush, hush, hush", "GITHUB_APP_PRIVATE_KEY": text,
		"GITHUB_WEB_URL": srv.URL, "GITHUB_V3_API_URL": srv.URL + "/api/v3/", "GITHUB_V4_API_URL": srv.URL + "/api/graphql",
		"PULLWARDEN_DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "p.db"), "PULLWARDEN_ADVISORIES_DIR": t.TempDir(),
		"PULLWARDEN_ADDRESS": freeAddress(t), "PULLWARDEN_ADMIN_ADDRESS": freeAddress(t),
	}
	c.repo, err = c.hub.AddRepo("acme", "shop")
	require.NoError(t, err)
	_, err = c.repo.Commit("main", "Begin", map[string]string{"README": "x\n"})
	require.NoError(t, err)
	t.Cleanup(func() {
		c.kill()
		if t.Failed() {
			t.Log(c.log.String())
		}
	})
	return c
}

// freeAddress returns an address that nobody listens on. Its port is below those
// that systems give to clients, so that it is still free when a server that was
// killed starts again.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		port, err := rand.Int(rand.Reader, big.NewInt(10_000))
		require.NoError(t, err)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+port.Int64()))
		if err == nil {
			require.NoError(t, l.Close())
			return l.Addr().String()
		}
	}
	t.Fatal("no address is free")
	return ""
}

func (c *crash) serve(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	before, after := c.before, c.after
	c.mu.Unlock()
	call := r.Method + " " + r.URL.Path
	if before != nil {
		before(call)
	}
	held := httptest.NewRecorder()
	c.hub.ServeHTTP(held, r)
	if after != nil {
		after(call)
	}
	for k, v := range held.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(held.Code)
	_, _ = w.Write(held.Body.Bytes())
}

// at sets what happens at requests to GitHub.
func (c *crash) at(before, after func(string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.before, c.after = before, after
}

// start starts the server and waits until it listens.
func (c *crash) start() {
	c.t.Helper()
	c.cmd = program(c.t, c.env, append([]string{"serve"}, c.args...)...)
	c.cmd.Stdout, c.cmd.Stderr = &c.log, &c.log
	require.NoError(c.t, c.cmd.Start())
	require.Eventually(c.t, func() bool {
		res, err := http.Get("http://" + c.env["PULLWARDEN_ADMIN_ADDRESS"] + "/healthz")
		if err != nil {
			return false
		}
		return res.Body.Close() == nil && res.StatusCode == http.StatusOK
	}, time.Minute, 20*time.Millisecond)
}

// kill ends the server as a power cut does, and waits until it is gone.
func (c *crash) kill() {
	if c.cmd == nil {
		return
	}
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
	c.cmd = nil
}

// open makes the n-th pull request, which brings a secret, and delivers it.
func (c *crash) open(n int) (number int, sha string) {
	c.t.Helper()
	branch := fmt.Sprintf("topic-%d", n)
	sha, err := c.repo.Commit(branch, "Pay by card", map[string]string{"pay.go": withSecret()})
	require.NoError(c.t, err)
	number, err = c.repo.OpenPull("Pay by card", "", "main", branch, "dev")
	require.NoError(c.t, err)
	return number, sha
}

func (c *crash) deliver(number int) {
	c.t.Helper()
	e, err := c.repo.PullEvent(number, "opened")
	require.NoError(c.t, err)
	d, err := c.hub.Deliver(c.t.Context(), "http://"+c.env["PULLWARDEN_ADDRESS"]+"/api/github/hook", e)
	require.NoError(c.t, err)
	require.Equal(c.t, http.StatusAccepted, d.Status)
}

func (c *crash) completed(sha string) bool {
	for _, r := range c.repo.CheckRuns(sha) {
		if r.Status == "completed" {
			return true
		}
	}
	return false
}

// reviewedOnce waits for the review and requires that everything is there once.
func (c *crash) reviewedOnce(number int, sha string) {
	c.t.Helper()
	require.Eventually(c.t, func() bool { return c.completed(sha) }, time.Minute, 20*time.Millisecond)
	runs := c.repo.CheckRuns(sha)
	require.Len(c.t, runs, 1)
	assert.Equal(c.t, "failure", runs[0].Conclusion)
	p, err := c.repo.Pull(number)
	require.NoError(c.t, err)
	require.Len(c.t, p.Threads, 1)
	assert.Len(c.t, p.Threads[0].Comments, 1)
	assert.False(c.t, p.Threads[0].Resolved)
}

// TestKillAfterAccept: once a delivery was answered with 202, its review comes, whatever happens.
func TestKillAfterAccept(t *testing.T) {
	c := newCrash(t)
	c.start()
	number, sha := c.open(1)
	// GitHub does not answer before the server is dead, so that nothing was done by then.
	dead := make(chan struct{})
	c.at(func(string) { <-dead }, nil)
	c.deliver(number)
	c.kill()
	close(dead)
	c.at(nil, nil)
	assert.Empty(t, c.repo.CheckRuns(sha))
	c.start()
	c.reviewedOnce(number, sha)
}

// TestKillInReview kills the server at the worst moments, and at some others.
func TestKillInReview(t *testing.T) {
	c := newCrash(t)
	moments := []struct {
		name  string
		when  string // the request to GitHub; "" for some time after the delivery
		after bool   // it was carried out, but never answered
		slow  bool   // the review takes so long that its check tells that it is under way
	}{
		{"the check was begun", "POST */check-runs", true, true},
		{"the review was posted", "POST */reviews", true, false},
		{"the check under way is about to be completed", "PATCH */check-runs/*", false, true},
		{"the check under way was completed", "PATCH */check-runs/*", true, true},
		{"the check is about to be posted", "POST */check-runs", false, false},
		{"the check was posted", "POST */check-runs", true, false},
		{"while fetching", "POST */git-upload-pack", false, false},
		{"at any time", "", false, false},
		{"at another time", "", false, false},
	}
	for i, m := range moments {
		t.Run(m.name, func(t *testing.T) {
			c.start()
			number, sha := c.open(i)
			// No delivery is killed before it is accepted, and the slow ones wait
			// for their check: the moments are events, whatever the machine is busy with.
			accepted, begun := make(chan struct{}), make(chan struct{})
			accept, begin := sync.OnceFunc(func() { close(accepted) }), sync.OnceFunc(func() { close(begun) })
			defer begin()
			defer accept()
			if m.when == "" {
				n, err := rand.Int(rand.Reader, big.NewInt(int64(400*time.Millisecond)))
				require.NoError(t, err)
				c.deliver(number)
				time.Sleep(time.Duration(n.Int64()))
				c.kill()
			} else {
				killed := make(chan struct{})
				var once sync.Once
				strike := func(call string) {
					if !matches(m.when, call) {
						return
					}
					once.Do(func() {
						<-accepted
						_ = c.cmd.Process.Kill()
						close(killed)
					})
					panic(http.ErrAbortHandler) // before: it is not carried out
				}
				before, after := func(string) {}, strike
				if !m.after {
					before, after = after, before
				}
				c.at(func(call string) {
					if m.slow && matches("POST */git-upload-pack", call) {
						<-begun
					}
					before(call)
				}, func(call string) {
					after(call)
					if matches("POST */check-runs", call) {
						begin()
					}
				})
				c.deliver(number)
				accept()
				select {
				case <-killed:
				case <-time.After(time.Minute):
					t.Fatal("the moment did not come")
				}
				c.kill()
				c.at(nil, nil)
			}
			c.start()
			c.reviewedOnce(number, sha)
			c.kill()
		})
	}
}

// matches reports whether call is of the form "METHOD */path/*".
func matches(pattern, call string) bool {
	method, rest, _ := strings.Cut(pattern, " ")
	if !strings.HasPrefix(call, method+" ") {
		return false
	}
	rest, prefix := strings.CutSuffix(strings.TrimPrefix(rest, "*"), "*")
	if prefix {
		return strings.Contains(call, rest)
	}
	return strings.HasSuffix(call, rest)
}
