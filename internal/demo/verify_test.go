package demo_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/demo"
)

// A secret that its provider says is revoked is cleared, in the history too, and
// its thread resolved; nobody is asked about those of other installations.
func TestARotatedSecretIsCleared(t *testing.T) {
	var revoked atomic.Bool
	var asked atomic.Int32
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if revoked.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprint(w, `{"error":{"message":"Expired API Key provided: sk_l****","type":"invalid_request_error"}}`)
			return
		}
		http.Error(w, "not now", http.StatusServiceUnavailable)
	}))
	defer provider.Close()
	w := newWorld(t, demo.StageOptions{Settings: func(c *config.Config) {
		c.Verify = config.Verify{Installations: []int64{1<<32 + 3}, Providers: map[string]string{"stripe": provider.URL}}
	}})
	files := map[string]string{"pay.go": "package pay\n\nvar client = connect(\"" + madeUpSecrets()["STRIPE_KEY"] + "\")\n"}
	check, p := w.review(files)
	assert.Equal(t, "failure", check.Conclusion, "the provider did not say")
	require.EqualValues(t, 1, asked.Load(), "the hub gave its first installation this id")

	revoked.Store(true)
	w.deliver(p.Number, "synchronize")
	w.settle()
	check = w.check(check.HeadSHA)
	assert.Equal(t, "success", check.Conclusion)
	assert.Equal(t, "Nothing found but 1 secret that no longer opens anything", check.Title)
	p, err := w.repo.Pull(p.Number)
	require.NoError(t, err)
	require.Len(t, p.Threads, 1)
	assert.True(t, p.Threads[0].Resolved)

	// Taken out of the file, it is in the history, and as harmless.
	head, err := w.repo.Commit(fmt.Sprintf("topic-%d", w.pulls.Load()), "Ask the vault", map[string]string{"pay.go": "package pay\n"})
	require.NoError(t, err)
	w.deliver(p.Number, "synchronize")
	w.settle()
	assert.Equal(t, "success", w.check(head).Conclusion)
	assert.EqualValues(t, 2, asked.Load(), "what is revoked stays so")
}
