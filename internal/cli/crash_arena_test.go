package cli_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// An arena is a small GitHub, a database, and one or several servers in
// processes of their own, that are killed as a power cut would.
type arena struct {
	t       *testing.T
	stage   *demo.Stage
	db      *sql.DB
	random  *rand.Rand
	servers []*process
	log     outputBuffer

	mu     sync.Mutex
	strike *strike       // the next kill, nil for none
	asked  chan struct{} // if set, requests wait for ever after they said so here
}

// A process is a server, or its place while it is dead.
type process struct {
	arena *arena
	front *httptest.Server // where it finds GitHub
	cfg   config.Config

	mu  sync.Mutex
	cmd *exec.Cmd
}

// A strike is one kill to come: of whoever makes the n-th request, before it is
// carried out or after it was but not answered, or by somebody else's clock.
type strike struct {
	request int // from 1; 0 for none
	after   bool
	seen    int
	dead    chan struct{} // closed once it has struck
}

// newArena sets up as many servers on one database; url is "" for a SQLite file.
func newArena(t *testing.T, url string, servers int, random *rand.Rand) *arena {
	t.Helper()
	a := &arena{t: t, random: random}
	var err error
	a.stage, err = demo.NewStage(t.Context(), demo.StageOptions{Unattended: true, Settings: func(c *config.Config) {
		c.Review.Lease = 3 * time.Second
		if url != "" {
			c.DatabaseURL = url
		}
	}})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, a.stage.Close()) })
	driver, source := "pgx", url
	if url == "" {
		driver, source = "sqlite", "file:"+strings.TrimPrefix(a.stage.Config.DatabaseURL, "sqlite:")
	}
	a.db, err = sql.Open(driver, source)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, a.db.Close()) })
	for range servers {
		p := &process{arena: a, cfg: a.stage.Config}
		p.front = httptest.NewServer(http.HandlerFunc(p.serve))
		t.Cleanup(p.front.Close)
		p.cfg.Address, p.cfg.AdminAddress = freeAddress(t), freeAddress(t)
		p.cfg.GitHub.WebURL, p.cfg.GitHub.V3APIURL, p.cfg.GitHub.V4APIURL = p.front.URL, p.front.URL+"/api/v3/", p.front.URL+"/api/graphql"
		a.servers = append(a.servers, p)
	}
	t.Cleanup(func() {
		for _, p := range a.servers {
			p.kill()
		}
		assert.Empty(t, a.leaks())
		if t.Failed() {
			t.Log(a.log.String())
		}
	})
	return a
}

// start starts a server and waits until it serves. Half of all times its
// checks tell at once that a review is under way.
func (p *process) start() {
	t := p.arena.t
	t.Helper()
	p.cfg.Review.Patience = time.Duration(p.arena.random.IntN(2)) * 2 * time.Second
	b, err := yaml.Marshal(p.cfg)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "pullwarden.yml")
	require.NoError(t, os.WriteFile(file, b, 0o600))
	cmd := program(t, map[string]string{"GOTRACEBACK": "all"}, "serve", "--config", file)
	cmd.Stdout, cmd.Stderr = &p.arena.log, &p.arena.log
	require.NoError(t, cmd.Start())
	p.mu.Lock()
	p.cmd = cmd
	p.mu.Unlock()
}

func (p *process) serves() bool {
	res, err := http.Get("http://" + p.cfg.AdminAddress + "/healthz")
	return err == nil && res.Body.Close() == nil && res.StatusCode == http.StatusOK
}

func (p *process) dead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd == nil
}

// kill ends the process and waits until it is gone.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.cmd = nil
}

// arm prepares a kill.
func (a *arena) arm(s *strike) {
	s.dead = make(chan struct{})
	a.mu.Lock()
	defer a.mu.Unlock()
	a.strike = s
}

// disarm gives a kill up, unless it came.
func (a *arena) disarm(s *strike) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.strike == s {
		a.strike = nil
	}
}

// hold makes all requests to GitHub wait until their client is gone. It returns
// where they say so.
func (a *arena) hold() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = make(chan struct{}, 100)
	return a.asked
}

func (a *arena) wait(r *http.Request) {
	a.mu.Lock()
	asked := a.asked
	a.mu.Unlock()
	if asked != nil {
		_, _ = io.Copy(io.Discard, r.Body) // only then it is noticed that the client is gone
		asked <- struct{}{}
		<-r.Context().Done()
	}
}

// requested counts a request; it returns the strike that is due at it.
func (a *arena) requested() *strike {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.strike
	if s == nil || s.request == 0 {
		return nil
	}
	if s.seen++; s.seen < s.request {
		return nil
	}
	a.strike = nil
	return s
}

// serve is GitHub as one process sees it.
func (p *process) serve(w http.ResponseWriter, r *http.Request) {
	p.arena.wait(r)
	s := p.arena.requested()
	if s != nil && !s.after {
		p.kill()
		close(s.dead)
		panic(http.ErrAbortHandler)
	}
	held := httptest.NewRecorder()
	p.arena.stage.Hub.ServeHTTP(held, r)
	if s != nil {
		p.kill()
		close(s.dead)
		panic(http.ErrAbortHandler)
	}
	for k, v := range held.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(held.Code)
	_, _ = w.Write(held.Body.Bytes())
}

// A parcel is an event to be delivered.
type parcel struct {
	event fakehub.Event
	last  int64 // the latest attempt; 0 if there was none
}

// deliver posts an event to a server and reports whether it was accepted. What
// was posted before goes where it went then, under the same GUID, as GitHub
// does it: it may have been accepted without an answer.
func (a *arena) deliver(p *process, m *parcel) bool {
	var d fakehub.Delivery
	var err error
	if m.last == 0 {
		d, err = a.stage.Hub.Deliver(a.t.Context(), "http://"+p.cfg.Address+"/api/github/hook", m.event)
	} else {
		d, err = a.stage.Hub.Redeliver(a.t.Context(), m.last)
	}
	m.last = d.ID
	return err == nil && d.Status == http.StatusAccepted
}

// waiting counts what was accepted and is neither done nor given up, and what was given up.
func (a *arena) waiting() (waiting, failed int, err error) {
	err = a.db.QueryRow(`SELECT COUNT(CASE WHEN state = 'waiting' THEN 1 END), COUNT(CASE WHEN state = 'failed' THEN 1 END) FROM queue_items`).
		Scan(&waiting, &failed)
	return waiting, failed, err
}

// outputBuffer keeps what processes print.
type outputBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *outputBuffer) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *outputBuffer) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func (s *strike) String() string {
	switch {
	case s.request == 0:
		return "by the clock"
	case s.after:
		return fmt.Sprintf("after request %d, which is not answered", s.request)
	}
	return fmt.Sprintf("before request %d", s.request)
}
