package demo_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// TestCalls: a review asks GitHub's API for little, because each call costs time
// and a share of the installation's limit. Tokens and git are not counted.
func TestCalls(t *testing.T) {
	harmless := map[string]string{"README": "The shop is open.\n"}
	harmful := map[string]string{"requirements.txt": "example-ledger==4.1.2\n", "Dockerfile": "FROM registry.example/base:1.4.2\nUSER root\n"}
	secret := maps.Clone(harmful) // that is to be revoked: a comment in the conversation says so
	secret["mail.go"] = "package mail\n\nconst key = \"" + madeUpSecrets()["AWS_KEY"] + "\"\n"
	const quick, slow = time.Minute, 0 // patience until the check tells that the review is under way
	for _, test := range []struct {
		name       string
		files      map[string]string
		patience   time.Duration
		conclusion string
		most       int
		writes     int // of which
	}{
		{"without findings", harmless, quick, "success", 4, 1},
		{"without findings, slow", harmless, slow, "success", 5, 2},
		{"with findings", harmful, quick, "failure", 5, 2},
		{"with findings, slow", harmful, slow, "failure", 6, 3},
		{"with a secret in the history", secret, quick, "failure", 6, 3},
		{"with a secret in the history, slow", secret, slow, "failure", 7, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, demo.StageOptions{Settings: func(c *config.Config) { c.Review.Patience = test.patience }})
			number, sha := w.open(test.files)
			if test.files["mail.go"] != "" {
				w.put("topic-1", map[string]string{"mail.go": "package mail\n"})
				sha = w.repo.Tip("topic-1")
			}
			calls := w.counted(func() {
				w.deliver(number, "opened")
				w.settle()
			})
			require.Equal(t, test.conclusion, w.check(sha).Conclusion)
			assert.LessOrEqual(t, len(calls), test.most, "%v", calls)
			writes := 0
			for _, c := range calls {
				if c.Method != "GET" && c.Path != "/graphql" {
					writes++
				}
			}
			assert.Equal(t, test.writes, writes, "%v", calls)
		})
	}
}

// A merge group is reviewed for no more than a pull request.
func TestCallsOfAMergeGroup(t *testing.T) {
	for patience, most := range map[time.Duration]int{time.Minute: 4, 0: 5} {
		w := newWorld(t, demo.StageOptions{Settings: func(c *config.Config) { c.Review.Patience = patience }})
		_, p := w.review(map[string]string{"README": "The shop is open.\n"})
		head, base, branch, err := w.repo.Queue(p.Number)
		require.NoError(t, err)
		calls := w.counted(func() {
			require.NoError(t, w.Deliver(t.Context(), w.repo.GroupEvent(head, base, branch)))
			w.settle()
		})
		require.Equal(t, "success", w.check(head).Conclusion)
		assert.LessOrEqual(t, len(calls), most, "%v", calls)
	}
}

// A push that fixes one finding and brings another resolves a thread besides.
func TestCallsOfAPush(t *testing.T) {
	w := newWorld(t, demo.StageOptions{Settings: func(c *config.Config) { c.Review.Patience = 0 }})
	number, _ := w.open(map[string]string{"a/requirements.txt": "example-ledger==4.1.2\n"})
	w.deliver(number, "opened")
	w.settle()
	w.put("topic-1", map[string]string{"a/requirements.txt": "example-ledger==4.1.3\n", "Dockerfile": "FROM registry.example/base:1.4.2\nUSER root\n"})
	calls := w.counted(func() {
		w.deliver(number, "synchronize")
		w.settle()
	})
	assert.LessOrEqual(t, len(calls), 7, "%v", calls)
}

// The files of an organisation are one call more, once a minute.
func TestCallsOfAnOrganisation(t *testing.T) {
	w := newWorld(t, demo.StageOptions{Settings: func(c *config.Config) { c.Review.Patience = 0 }})
	org, err := w.Hub.AddRepo("acme", ".github")
	require.NoError(t, err)
	_, err = org.Commit("main", "Begin", map[string]string{"pullwarden.yml": "version: 1\nfloors: {block: high}\n"})
	require.NoError(t, err)
	for _, most := range []int{6, 5} {
		calls := w.counted(func() { w.review(map[string]string{"README": "The shop is open.\n"}) })
		assert.LessOrEqual(t, len(calls), most, "%v", calls)
	}
}

// counted returns the calls of the API that do leads to.
func (w *world) counted(do func()) (calls []fakehub.Call) {
	before := len(w.Hub.Calls())
	do()
	for _, c := range w.Hub.Calls()[before:] {
		if !strings.HasSuffix(c.Path, "/access_tokens") && !strings.Contains(c.Path, ".git/") {
			calls = append(calls, c)
		}
	}
	w.t.Logf("%d calls: %v", len(calls), calls)
	return calls
}
