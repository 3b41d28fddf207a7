package policy_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// TestNothingUnscannedPasses tries results that lack something, in every
// combination, under policies as lax as they come: none is a success.
func TestNothingUnscannedPasses(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	// A scanner that the policy turned off does not run: what became of it does not matter.
	const off = "version: 1\nscanners: {secrets: {enabled: false}, dependencies: {enabled: false}, iac: {enabled: false}}\n"
	texts := []string{off, "", "version: 1\n", "version: 1\nmode: observe\nblock: never\n", "version: 1\nblock: never\ncomment: never\non_scanner_error: note\npaths: {ignore: ['**']}\n",
		"version: 1\non_scanner_error: block\n"}
	for range 5000 {
		p := policy.Default()
		text := texts[r.IntN(len(texts))]
		if text != "" {
			var err error
			p, err = policy.Parse([]byte(text))
			require.NoError(t, err)
		}
		result := finding.Result{Scanned: finding.Scanned{Blobs: 3, Of: 3}, Statuses: []finding.Status{{Scanner: "secret"}, {Scanner: "iac"}}}
		if r.IntN(2) == 0 {
			result.Findings = []finding.Finding{finding.New(finding.Rule{ID: "iac/x", Severity: finding.Severity(r.IntN(5))}, change.Span{Path: "a", Start: 1, End: 1}, finding.InFile("x"), "x")}
		}
		lacking := 1 + r.IntN(7)
		if text == off {
			lacking = 1 + r.IntN(3)
		}
		if lacking&1 != 0 {
			result.Scanned.Blobs = r.IntN(3)
		}
		if lacking&2 != 0 {
			result.Scanned.Skipped = []change.Skip{{Path: "b", Why: "larger than 4 MiB"}}
		}
		if lacking&4 != 0 {
			result.Statuses[r.IntN(2)].Err = errors.New("timeout")
		}
		require.False(t, result.Complete())
		v := p.Judge(result, time.Unix(0, 0))
		require.NotEqual(t, "success", p.Conclusion(v.Outcome), "%+v under %+v", result, p)
		require.NotEmpty(t, v.Incomplete, "and it says so")
	}
}
