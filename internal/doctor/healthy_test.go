package doctor_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/doctor"
	"github.com/pullwarden/pullwarden/internal/fakehub"
)

var update = flag.Bool("update", false, "rewrite testdata")

// TestHealthy: where all is well, each line says ok, and it reads well.
func TestHealthy(t *testing.T) {
	w := newWorld(t)
	w.deliver(w.hook)
	w.o.Redeliver = true
	log, calls := len(w.hub.Log()), len(w.hub.Calls())
	r, _ := w.look()
	assert.Empty(t, trouble(r))
	assert.Equal(t, "ok", r.Verdict)
	golden(t, "healthy.txt", w.shown(r))
	assert.Len(t, w.hub.Log(), log, "nothing was written")
	for _, c := range w.hub.Calls()[calls:] {
		assert.True(t, c.Method == "GET" || c.Path == "/graphql" || strings.HasSuffix(c.Path, "/access_tokens") || strings.HasSuffix(c.Path, "/attempts"), "%s %s", c.Method, c.Path)
	}
	for _, g := range w.hub.Grants() {
		for name, level := range g.Permissions {
			assert.Equal(t, "read", level, name)
		}
		if g.Repositories == nil {
			assert.Equal(t, map[string]string{"metadata": "read"}, g.Permissions, "what opens every repository tells next to nothing")
		}
	}
}

// TestUnwell shows how it reads where much is wrong.
func TestUnwell(t *testing.T) {
	w := newWorld(t)
	w.hub.Organize("acme")
	for name, q := range map[string]fakehub.Requirement{
		"blog":  {Branch: "main", Check: "pullwarden", Organization: true},
		"infra": {Branch: "main", Check: "pullwarden", App: 15368},
		"docs":  {Branch: "main", Check: "build"},
	} {
		repo, err := w.hub.AddRepo("acme", name)
		require.NoError(t, err)
		repo.Require(q)
	}
	for _, account := range []string{"octo-org", "quiet-org"} {
		_, err := w.hub.AddRepo(account, "site")
		require.NoError(t, err)
	}
	require.NoError(t, w.hub.Suspend("quiet-org"))
	ask := map[string]string{"contents": "write", "checks": "write", "pull_requests": "write", "merge_queues": "read", "issues": "write", "members": "read", "packages": "read"}
	w.hub.Ask(ask, []string{"check_run", "check_suite", "issue_comment", "issues", "merge_group", "pull_request", "pull_request_review_comment", "push", "repository"})
	require.NoError(t, w.hub.Accept("acme"))
	w.hub.SetHook(fakehub.Hook{URL: "http://bot.example/hook", Insecure: true})
	w.deliver(w.hook)
	w.o.Settings = []string{`review.mode: "lax" is neither enforce nor observe`}
	w.o.AdminAddress = nowhere(t)
	r, _ := w.look()
	assert.Equal(t, "problem", r.Verdict)
	golden(t, "unwell.txt", w.shown(r))
}

// TestCutOff shows how it reads without a network.
func TestCutOff(t *testing.T) {
	w := newWorld(t)
	gone := "http://" + nowhere(t)
	w.o.APIURL, w.o.GraphQLURL, w.o.WebURL = gone+"/api/v3", gone+"/api/graphql", gone
	w.o.Registries[0].Address = gone + "/go"
	r, _ := w.look()
	assert.Equal(t, "problem", r.Verdict)
	w.url = gone
	golden(t, "cut-off.txt", w.shown(r))
}

// shown is all lines, without what differs from run to run.
func (w *world) shown(r doctor.Report) string {
	var b strings.Builder
	for _, l := range r.Lines {
		fmt.Fprintf(&b, "%s: %s: %s\n", l.Check, l.Status, l.Seen)
		if l.Do != "" {
			fmt.Fprintf(&b, "  → %s\n", l.Do)
		}
	}
	text := strings.ReplaceAll(b.String(), w.o.Disks[0].Path, "DIR")
	for _, r := range [][2]string{{w.o.Registries[0].Address, "REGISTRY"}, {strings.TrimSuffix(w.hook, route), "SERVER"}, {w.url, "HUB"}, {address(w.url), "HUB"}} {
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	for pattern, with := range map[string]string{
		`\([\d.]+m?s\)`: "(TIME)", `127\.0\.0\.1:\d+`: "ADDRESS", `installations/\d+`: "installations/ID", `rules/\d+`: "rules/ID", `\d{4}-\d\d-\d\d`: "DAY",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, with)
	}
	return text
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}
