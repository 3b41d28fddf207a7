package demo_test

import (
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
)

// TestNumbers holds what reviewers get to see in the sample and in all scripts
// against what they put up with.
func TestNumbers(t *testing.T) {
	a := ofAllScripts(t)
	stage := watched(t, demo.StageOptions{}, io.Discard, zerolog.InfoLevel)
	repo, number, err := stage.OpenSample(t.Context())
	require.NoError(t, err)
	before := len(stage.Hub.Calls())
	opened, err := repo.PullEvent(number, "opened")
	require.NoError(t, err)
	require.NoError(t, stage.Deliver(t.Context(), opened))
	require.NoError(t, stage.Settle(t.Context()))
	a.look("the sample", stage.Hub, repo)
	a.reviewed("the sample", repo, number, writes(stage.Hub, before)-underWay(stage.Hub, before))

	t.Run("a comment is short", func(t *testing.T) {
		var all []int
		for family, bodies := range a.bodies(t) {
			var lengths []int
			for _, b := range bodies {
				lengths = append(lengths, utf8.RuneCountInString(b))
			}
			slices.Sort(lengths)
			t.Logf("%s: %d comments of %d to %d characters, %d at the median", family, len(lengths), lengths[0], lengths[len(lengths)-1], lengths[len(lengths)/2])
			assert.LessOrEqual(t, lengths[len(lengths)/2], 1300, "no family may be far above the others: %s", family)
			all = append(all, lengths...)
		}
		slices.Sort(all)
		t.Logf("all: %d comments, %d characters at the median", len(all), all[len(all)/2])
		assert.LessOrEqual(t, all[len(all)/2], 1200)
	})
	t.Run("a comment says what to do", func(t *testing.T) {
		families := a.bodies(t)
		for _, family := range []string{"secret", "dependency", "iac", "text"} {
			require.NotEmpty(t, families[family], "no %s comment was seen", family)
			for _, body := range families[family] {
				for _, part := range []string{"**Why it matters.** ", "**How to fix.** ", "Not a problem here?", "[about this rule](", "`/pullwarden ignore REASON until YYYY-MM-DD`", "fingerprint is `"} {
					if part == "[about this rule](" && strings.Contains(body, "<sub>`secret/custom/") {
						continue // an operator's rule, which we have no page about
					}
					assert.Contains(t, body, part)
				}
				title, _, _ := strings.Cut(body, "\n")
				assert.Regexp(t, `^\*\*\S+ (Critical|High|Medium): .*\S.*\*\*`, title)
			}
		}
	})
	t.Run("a first review is three writes at the most", func(t *testing.T) {
		assert.Greater(t, len(a.first), 10, "reviews that were counted")
		for where, n := range a.first {
			most := 3 // a review, a check, and the summary if something has no line
			if strings.HasPrefix(where, "checks-per-scanner ") {
				most += 4 // for who asks for them: one for each scanner
			}
			if where == "reviewers #3" {
				most += 2 // GitHub does not know one of the two that are to be asked: each is asked alone
			}
			assert.LessOrEqual(t, n, most, where)
			assert.GreaterOrEqual(t, n, 2, "%s: a check and a review", where)
		}
		assert.Contains(t, a.first, "the sample")
	})
	t.Run("ten comments at a time", func(t *testing.T) {
		most := 0
		for where, n := range a.open {
			assert.LessOrEqual(t, n, 10, where)
			most = max(most, n)
		}
		assert.Greater(t, most, 5, "reviews with many comments were seen")
	})
	t.Run("one summary at the most", func(t *testing.T) {
		for where, n := range a.remarks {
			assert.LessOrEqual(t, n, 1, where)
		}
	})
	t.Run("nothing about what is clean", func(t *testing.T) {
		assert.Greater(t, len(a.clean), 3, "clean pull requests that were looked at")
		for where, n := range a.clean {
			assert.Zero(t, n, where)
		}
	})
}
