package cli_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRules: the signal of the rules is read from the database of a server that runs, and of one that does not.
func TestRules(t *testing.T) {
	c := newCrash(t)
	code, _, errs := call(t, t.TempDir(), c.env, "rules")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "read the database of PULLWARDEN_DATABASE_URL: there is none yet: the server makes it when it starts")

	c.start()
	code, out, errs := call(t, t.TempDir(), c.env, "rules")
	require.Zero(t, code, errs)
	assert.Equal(t, "No finding was shown yet.\n", out)
	number, sha := c.open(1)
	c.deliver(number)
	c.reviewedOnce(number, sha)
	shown := func() {
		t.Helper()
		code, out, errs := call(t, t.TempDir(), c.env, "rules", "--format", "json")
		require.Zero(t, code, errs)
		var got struct {
			Rules []struct {
				Rule          string
				Shown, Judged int
				Quality       *float64
			}
		}
		require.NoError(t, json.Unmarshal([]byte(out), &got), out)
		require.Len(t, got.Rules, 1)
		assert.Contains(t, got.Rules[0].Rule, "secret/")
		assert.Equal(t, 1, got.Rules[0].Shown)
		assert.Zero(t, got.Rules[0].Judged)
		assert.Nil(t, got.Rules[0].Quality)
	}
	require.Eventually(t, func() bool { // that it was posted is kept after it was
		_, out, _ := call(t, t.TempDir(), c.env, "rules")
		return out != "No finding was shown yet.\n"
	}, time.Minute, 20*time.Millisecond)
	shown()
	c.kill()
	shown()

	code, _, errs = call(t, t.TempDir(), c.env, "rules", "--format", "xml")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, `invalid argument "xml" for "--format" flag: must be text or json`)
}
