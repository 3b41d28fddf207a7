package demo_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
)

// An account that left gets no work done, and one that comes back does.
func TestDeliveriesForAnAccountThatLeft(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	tell := func(action string) {
		e, err := w.Hub.InstallationEvent("acme", action)
		require.NoError(t, err)
		require.NoError(t, w.Deliver(t.Context(), e))
		w.settle()
	}
	number, sha := w.open(map[string]string{"a.txt": "a\n"})
	opened, err := w.repo.PullEvent(number, "opened")
	require.NoError(t, err)
	for _, ways := range [][2]string{{"suspend", "unsuspend"}, {"deleted", "created"}} {
		tell(ways[0])
		said, runs := strings.Count(w.log.String(), "\n"), len(w.repo.CheckRuns(sha))
		assert.ErrorContains(t, w.Deliver(t.Context(), opened), "the server answered 403")
		w.settle()
		lines := strings.Split(strings.TrimSpace(w.log.String()), "\n")[said:]
		require.Len(t, lines, 1)
		assert.Contains(t, lines[0], "uninstalled or suspended")
		assert.Len(t, w.repo.CheckRuns(sha), runs, "no work")

		tell(ways[1])
		require.NoError(t, w.Deliver(t.Context(), opened))
		w.settle()
		assert.Equal(t, "success", w.check(sha).Conclusion)
	}
}
