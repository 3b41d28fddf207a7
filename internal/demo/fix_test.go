package demo_test

import (
	"bytes"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
)

// TestFixSample presses the button on the demo's sample: what it fixes is gone
// in the review that follows, and nothing else has changed.
func TestFixSample(t *testing.T) {
	w := watched(t, demo.StageOptions{}, io.Discard, zerolog.InfoLevel)
	repo, number, err := w.OpenSample(t.Context())
	require.NoError(t, err)
	tell := func(action string) (rules []string, head string) {
		t.Helper()
		e, err := repo.PullEvent(number, action)
		require.NoError(t, err)
		require.NoError(t, w.Deliver(t.Context(), e))
		require.NoError(t, w.Settle(t.Context()))
		r, ok := w.Report(number)
		require.True(t, ok)
		for _, f := range r.Result.Findings {
			rules = append(rules, f.Rule.ID+" "+f.At.Path)
		}
		slices.Sort(rules)
		return rules, r.Change.Head
	}
	before, first := tell("opened")
	repo.SetRole("dev", "write")
	runs := repo.CheckRuns(first)
	require.Len(t, runs[len(runs)-1].Actions, 1)
	pressed, err := repo.CheckRunEvent(runs[len(runs)-1].ID, "requested_action", "fix", "dev")
	require.NoError(t, err)
	require.NoError(t, w.Deliver(t.Context(), pressed))
	require.NoError(t, w.Settle(t.Context()))

	after, second := tell("synchronize")
	require.NotEqual(t, first, second)
	fixed := []string{"dependency/vulnerable reports/requirements.txt", "iac/AWS-0092 infra/receipts.tf", "iac/KSV-0017 deploy/shop.yaml"}
	for _, f := range fixed {
		assert.Contains(t, before, f)
		assert.NotContains(t, after, f)
	}
	assert.Subset(t, before, after, "it brings nothing new")
	out, err := exec.Command("git", "-C", repo.Dir(), "diff", "--unified=0", first, second).Output()
	require.NoError(t, err)
	var lines []string
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "+") || strings.HasPrefix(line, "-") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	assert.Equal(t, []string{
		"--- a/deploy/shop.yaml", "+++ b/deploy/shop.yaml", "-            privileged: true", "+            privileged: false",
		"--- a/infra/receipts.tf", "+++ b/infra/receipts.tf", `-  acl    = "public-read"`, `+  acl    = "private"`,
		"--- a/reports/requirements.txt", "+++ b/reports/requirements.txt", "-example-ledger==4.1.2", "+example-ledger==4.1.3",
	}, lines)
}

func TestDemoShowsTheButton(t *testing.T) {
	show, err := demo.Run(t.Context(), demo.Options{})
	require.NoError(t, err)
	var text, page bytes.Buffer
	show.Text(&text)
	assert.Contains(t, text.String(), "\n  button Fix it: Commit what can be fixed automatically\n")
	assert.Contains(t, text.String(), "High: aws_s3_bucket_acl.receipts: Bucket has a public ACL", "no markup on a terminal")
	assert.NotRegexp(t, `&#|\\_|\*\*`, text.String())
	require.NoError(t, show.Page(&page))
	assert.Contains(t, page.String(), `<span class="button">Fix it</span>`)
}
