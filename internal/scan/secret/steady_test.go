//go:build !race

package secret

import (
	"context"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSteadyPathAllocatesNothing: a text without a secret costs no memory. With
// the race detector a pool forgets what it was given, now and then.
func TestSteadyPathAllocatesNothing(t *testing.T) {
	e, err := newEngine()
	require.NoError(t, err)
	text := strings.Repeat("func token(key string) (secret string, err error) { return api.Get(ctx, key) } // AKIA, ghp_x, eyJ\n", 1000)
	ctx := context.Background()
	search := func() {
		if found, err := e.search(ctx, "a.go", text, 0, len(text), 0); err != nil || len(found) > 0 {
			panic("nothing is there")
		}
	}
	for range 100 {
		search()
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties the pools
	assert.Zero(t, testing.AllocsPerRun(100, search))
}
