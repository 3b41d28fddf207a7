package demo_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/demo"
)

// TestCalls: a first review asks GitHub's API for little, because each call
// costs time and a share of the installation's limit. Tokens and git are not counted.
func TestCalls(t *testing.T) {
	harmless := map[string]string{"README": "The shop is open.\n"}
	harmful := map[string]string{"requirements.txt": "example-ledger==4.1.2\n", "Dockerfile": "FROM registry.example/base:1.4.2\nUSER root\n"}
	const quick, slow = time.Minute, 0 // patience until the check tells that the review is under way
	for _, test := range []struct {
		name       string
		files      map[string]string
		patience   time.Duration
		conclusion string
		most       int
		writes     int // of which
	}{
		{"without findings", harmless, quick, "success", 5, 1},
		{"without findings, slow", harmless, slow, "success", 5, 2},
		{"with findings", harmful, quick, "failure", 7, 2},
		// Of these one is made once an hour: it asks whether the App may push fixes.
		{"with findings, slow", harmful, slow, "failure", 8, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, demo.StageOptions{Settings: func(c *config.Config) { c.Review.Patience = test.patience }})
			before := len(w.Hub.Calls())
			c, _ := w.review(test.files)
			require.Equal(t, test.conclusion, c.Conclusion)
			var calls []string
			writes := 0
			for _, c := range w.Hub.Calls()[before:] {
				if strings.HasSuffix(c.Path, "/access_tokens") || strings.Contains(c.Path, ".git/") {
					continue
				}
				calls = append(calls, c.Method+" "+c.Path)
				if c.Method != "GET" && c.Path != "/graphql" {
					writes++
				}
			}
			t.Logf("%d calls: %s", len(calls), strings.Join(calls, ", "))
			assert.LessOrEqual(t, len(calls), test.most)
			assert.Equal(t, test.writes, writes)
		})
	}
}
