package demo_test

import (
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
)

// TestLeastPrivilege: over the whole sample, with its review, its upgrade and
// its fix, every token opens one repository and does one kind of step. Only
// upgrades and resolving write to repositories.
func TestLeastPrivilege(t *testing.T) {
	w := watched(t, demo.StageOptions{}, io.Discard, zerolog.InfoLevel)
	repo, number, err := w.OpenSample(t.Context())
	require.NoError(t, err)
	opened, err := repo.PullEvent(number, "opened")
	require.NoError(t, err)
	require.NoError(t, w.Deliver(t.Context(), opened))
	require.NoError(t, w.Deliver(t.Context(), repo.PushEvent("main", "", repo.Tip("main"), "dev")))
	require.NoError(t, w.Settle(t.Context()))

	var kinds []string
	for _, g := range w.Hub.Grants() {
		var may []string
		for _, name := range slices.Sorted(maps.Keys(g.Permissions)) {
			if name != "metadata" {
				may = append(may, name+":"+g.Permissions[name])
			}
		}
		if len(may) > 0 { // a token that reads metadata alone lists what there is
			assert.Len(t, g.Repositories, 1, "%v", may)
		}
		kinds = append(kinds, strings.Join(may, " "))
	}
	slices.Sort(kinds)
	assert.Subset(t, []string{
		"",              // to list an installation's repositories
		"contents:read", // to fetch, and to read the policy for an upgrade
		"checks:read contents:read pull_requests:read",
		"checks:write", "pull_requests:write", // to post
		"contents:write pull_requests:write", // to propose an upgrade, and to resolve
		"pull_requests:read",                 // to list our own
	}, kinds)
	assert.Contains(t, kinds, "contents:write pull_requests:write")
}
