package app_test

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/app"
	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

// callers notes which server asks for what.
type callers struct {
	mu  sync.Mutex
	all []string
}

func (c *callers) note(who string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, who)
}

// count returns how often who asked since the n-th call.
func (c *callers) count(who string, since int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, w := range c.all[since:] {
		if w == who {
			n++
		}
	}
	return n
}

func (c *callers) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all)
}

// Of several servers on one database one catches up, and another one once that
// one has ended.
func TestOneServerCatchesUp(t *testing.T) {
	cfg := settings(t)
	cfg.DatabaseURL = storetest.Postgres(t)
	cfg.CatchUp = config.CatchUp{Deliveries: time.Second, Pulls: time.Second, Calls: 20}
	block, _ := pem.Decode([]byte(cfg.GitHub.App.PrivateKey))
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	require.NoError(t, err)
	hub := newHub(t, &key.PublicKey)
	var asked callers
	start := func(name string) (stop func()) {
		c := cfg
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/api/v3/app/") && r.Method == http.MethodGet {
				asked.note(name)
			}
			hub.ServeHTTP(w, r)
		}))
		t.Cleanup(srv.Close)
		c.GitHub.V3APIURL, c.GitHub.V4APIURL, c.GitHub.WebURL = srv.URL+"/api/v3/", srv.URL+"/api/graphql", srv.URL
		s, err := app.New(t.Context(), c, app.Options{})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		stop = sync.OnceFunc(func() { cancel(); assert.NoError(t, <-ended) })
		t.Cleanup(stop)
		return stop
	}
	rounds := func(who string, since, n int) {
		t.Helper()
		require.Eventually(t, func() bool { return asked.count(who, since) >= 2*n }, time.Minute, 10*time.Millisecond)
	}
	stop := start("first")
	rounds("first", 0, 1)
	began := asked.len()
	start("second")
	rounds("first", began, 4)
	assert.Zero(t, asked.count("second", 0))
	stop()
	began = asked.len()
	rounds("second", began, 2)
	assert.Zero(t, asked.count("first", began))
}

func newHub(t *testing.T, key *rsa.PublicKey) *fakehub.Hub {
	t.Helper()
	hub, err := fakehub.New(fakehub.Options{Dir: t.TempDir(), AppID: 1, Key: key, Secret: "hush, hush, hush"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, hub.Close()) })
	return hub
}
