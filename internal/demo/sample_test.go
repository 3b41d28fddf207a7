package demo_test

import (
	"io"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/report"
)

// TestSampleIsNotSpecial plays the sample with every name and every kind of
// secret replaced: what finds its mistakes does not know it.
func TestSampleIsNotSpecial(t *testing.T) {
	other := strings.NewReplacer(
		// files
		"internal/mail/mail.go", "services/post/send.go", "internal/pay/pay.go", "services/till/card.go",
		"infra/receipts.tf", "cloud/storage/bills.tf", "infra/site.tf", "cloud/storage/front.tf",
		"deploy/shop.yaml", "ops/cluster/kiosk.yml", "/Dockerfile", "/images/kiosk.dockerfile",
		"web/package", "frontend/app/package", "reports/requirements.txt", "jobs/requirements/nightly.txt", "cmd/shop/", "cmd/kiosk/",
		// secrets
		`"aws" 1`, `"github" 7`, `"stripe" 1`, `"gitlab" 3`, "accessKey", "robot",
		// packages and advisories
		"example.com/markdown", "example.org/prose", "package markdown", "package prose", "markdown.go", "prose.go", "markdown.HTML", "prose.HTML",
		"@example/font-reader", "@octo/glyphs", "@example/receipt-pdf", "@octo/print", "@example/table", "@octo/grid",
		"example-ledger", "octo-books", "example-charts", "octo-plots", "DEMO-2026", "OTHER-1999",
		// resources
		`"receipts"`, `"bills"`, ".receipts.", ".bills.", "shop-receipts", "kiosk-bills", `"site"`, `"front"`, ".site.", ".front.",
		"shop", "kiosk",
	)
	text := other.Replace(string(demo.SampleText))
	stage := watched(t, demo.StageOptions{Sample: []byte(text)}, io.Discard, zerolog.InfoLevel)
	repo, number, err := stage.OpenSample(t.Context())
	require.NoError(t, err)
	require.NoError(t, stage.Deliver(t.Context(), repo.PushEvent("main", "", repo.Tip("main"), "dev")))
	opened, err := repo.PullEvent(number, "opened")
	require.NoError(t, err)
	require.NoError(t, stage.Deliver(t.Context(), opened))
	require.NoError(t, stage.Settle(t.Context()))

	r, ok := stage.Report(number)
	require.True(t, ok)
	found := map[string]report.FindingJSON{}
	for _, f := range report.NewDocument(&r).Findings {
		found[f.Rule+" "+f.Path] = f
		assert.NotEmpty(t, f.Fix, f.Rule)
		assert.Positive(t, f.Start, f.Rule)
	}
	for _, want := range []string{
		"secret/github-pat services/post/send.go",
		"secret/gitlab-pat services/till/card.go",
		"dependency/vulnerable frontend/app/package-lock.json",
		"dependency/vulnerable jobs/requirements/nightly.txt",
		"iac/AWS-0092 cloud/storage/bills.tf",
		"iac/DS-0002 images/kiosk.dockerfile",
		"iac/KSV-0017 ops/cluster/kiosk.yml",
	} {
		assert.Contains(t, found, want)
	}
	var past []string
	for name, f := range found {
		if f.Past {
			past = append(past, name)
		}
	}
	assert.Equal(t, []string{"secret/github-pat services/post/send.go"}, past)

	pulls := repo.Pulls()
	require.Len(t, pulls, 2)
	assert.Equal(t, "Upgrade example.org/prose to v1.2.1", pulls[1].Title)
	pull, err := repo.Pull(number)
	require.NoError(t, err)
	assert.NotEmpty(t, pull.Threads)
}
