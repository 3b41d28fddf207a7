package load_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// silent is a GitHub that does not answer before the test ends: work waits for
// it, and takes nothing away from those who accept.
func silent(tb testing.TB) string {
	held := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-held:
		case <-r.Context().Done():
		}
	}))
	tb.Cleanup(srv.Close)
	tb.Cleanup(func() { close(held) })
	return srv.URL
}

// A hub is a fakehub with open pull requests, spread over owners as they are
// over an organisation's repositories: every owner has an installation, whose
// limits are its own.
type hub struct {
	tb    testing.TB
	hub   *fakehub.Hub
	url   string
	key   string
	base  map[string]any // of payloads
	pulls []*pull
}

type pull struct {
	repo   *fakehub.Repo
	number int
	branch string

	mu   sync.Mutex
	head string // that was pushed last
	body []byte // which tells of it
	told string // the head that was delivered last
	n    int    // pushes
}

// perRepository is how many pull requests a repository has.
const perRepository = 4

// newHub makes that many pull requests.
func newHub(tb testing.TB, pulls int) *hub {
	tb.Helper()
	private, text := key(tb)
	f, err := fakehub.New(fakehub.Options{Dir: tb.TempDir(), Key: &private.PublicKey, Secret: secret, RateLimit: 1_000_000})
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = f.Close() })
	srv := httptest.NewServer(f)
	tb.Cleanup(srv.Close)
	h := &hub{tb: tb, hub: f, url: srv.URL, key: text, base: example(tb)}
	for n := range pulls {
		if n%perRepository == 0 {
			repo, err := f.AddRepo(fmt.Sprintf("team-%d", n/perRepository), "service")
			require.NoError(tb, err)
			_, err = repo.Commit("main", "Begin", sources(0))
			require.NoError(tb, err)
			h.pulls = append(h.pulls, &pull{repo: repo})
		} else {
			h.pulls = append(h.pulls, &pull{repo: h.pulls[n-1].repo})
		}
		p := h.pulls[n]
		p.branch = fmt.Sprintf("topic-%d", n)
		h.commit(p)
		p.number, err = p.repo.OpenPull("Change", "", "main", p.branch, "dev")
		require.NoError(tb, err)
		h.tell(p)
	}
	return h
}

// sources are the files of the n-th change: a few, most of which it leaves as
// they were, and now and then one with something wrong in it.
func sources(n int) map[string]string {
	files := map[string]string{}
	for i := range 12 {
		var b strings.Builder
		fmt.Fprintf(&b, "package service\n\n// Part %d of the service.\n", i)
		for f := range 20 {
			times := f
			if i < 3 {
				times = f + n
			}
			fmt.Fprintf(&b, "func part%dStep%d(n int) int {\n\treturn n * %d\n}\n\n", i, f, times)
		}
		files[fmt.Sprintf("service/part%d.go", i)] = b.String()
	}
	files["go.mod"] = "module service.example\n\ngo 1.26\n"
	files["Dockerfile"] = "FROM registry.example/base:1.4.2\nHEALTHCHECK CMD [\"/service\"]\nUSER service\n"
	if n > 0 && n%4 == 0 {
		files["Dockerfile"] = strings.Replace(files["Dockerfile"], "USER service", "USER root", 1)
	}
	return files
}

// commit puts another commit on the branch of p.
func (h *hub) commit(p *pull) {
	h.tb.Helper()
	p.n++
	head, err := p.repo.Commit(p.branch, fmt.Sprintf("Change %d", p.n), sources(p.n))
	require.NoError(h.tb, err)
	p.head = head
}

// tell makes the payload that tells of the head of p.
func (h *hub) tell(p *pull) {
	h.tb.Helper()
	e, err := p.repo.PullEvent(p.number, "synchronize")
	require.NoError(h.tb, err)
	b, err := json.Marshal(e.Payload)
	require.NoError(h.tb, err)
	p.body = full(h.tb, over(h.base, unmarshal(h.tb, b)))
}

// push moves the head of a pull request. A delivery must follow: what was told
// before is old.
func (h *hub) push(p *pull) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h.commit(p)
	h.tell(p)
}

// delivery tells of the present head of p.
func (p *pull) delivery() delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = p.head
	return delivery{"pull_request", p.body}
}

// nothingLost requires that every pull request of which anything was delivered
// has its check on its present head, completed, once.
func (h *hub) nothingLost() {
	h.tb.Helper()
	lost := 0
	for _, p := range h.pulls {
		if p.told == "" {
			continue
		}
		require.Equal(h.tb, p.head, p.told, "every push must be followed by a delivery")
		runs := p.repo.CheckRuns(p.told)
		if len(runs) != 1 || runs[0].Status != "completed" {
			lost++
			assert.Failf(h.tb, "lost", "%v#%d at %s has %v", p.repo, p.number, p.told, runs)
			continue
		}
		assert.NotEqual(h.tb, "neutral", runs[0].Conclusion, "%v#%d was not looked at: %s", p.repo, p.number, runs[0].Title)
	}
	assert.Zero(h.tb, lost, "of %d pull requests", len(h.pulls))
}
