package demo_test

import (
	"io"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/finding"
)

func TestTheOperatorsKeyMakesTheFingerprints(t *testing.T) {
	const key = "a key of sixteen characters and more"
	stage := watched(t, demo.StageOptions{Settings: func(c *config.Config) { c.FingerprintKey = key }}, io.Discard, zerolog.InfoLevel)
	repo, err := stage.Install(t.Context(), "acme", "shop")
	require.NoError(t, err)
	_, err = repo.Commit("main", "Begin", map[string]string{"README": "The shop.\n"})
	require.NoError(t, err)
	token := madeUpSecrets()["STRIPE_KEY"]
	_, err = repo.Commit("topic", "Pay", map[string]string{"pay.go": "var client = connect(\"" + token + "\")\n"})
	require.NoError(t, err)
	n, err := repo.OpenPull("Pay", "", "main", "topic", "dev")
	require.NoError(t, err)
	opened, err := repo.PullEvent(n, "opened")
	require.NoError(t, err)
	require.NoError(t, stage.Deliver(t.Context(), opened))
	require.NoError(t, stage.Settle(t.Context()))
	r, ok := stage.Report(n)
	require.True(t, ok)
	require.Len(t, r.Result.Findings, 1)
	f := r.Result.Findings[0]
	assert.Equal(t, finding.Fingerprint(finding.NewKey([]byte(key)).Sum("value", f.Rule.ID, token)), f.Print)
}
