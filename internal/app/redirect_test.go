package app_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/app"
)

// A registry of either kind may redirect to the hosts that the operator lists,
// whoever brings the client.
func TestRegistriesRedirectWhereTheOperatorLetsThem(t *testing.T) {
	asked := 0
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		assert.Empty(t, r.Header.Get("Authorization"))
		switch r.URL.Path {
		case "/go/example.com/lib/@v/list":
			_, _ = w.Write([]byte("v1.0.0\n"))
		case "/go/example.com/lib/@v/v1.0.0.mod":
			_, _ = w.Write([]byte("module example.com/lib\n"))
		case "/npm/kit":
			_, _ = w.Write([]byte(`{"versions":{"1.0.0":{}}}`))
		default:
			http.NotFound(w, r)
		}
	}))
	defer files.Close()
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, files.URL+r.URL.Path+"?signature=zq7", http.StatusTemporaryRedirect)
	}))
	defer registry.Close()
	host := strings.TrimPrefix(files.URL, "http://")
	base := strings.Replace(registry.URL, "http://", "http://dev:zq7@", 1)
	for _, client := range []*http.Client{nil, {}} {
		for ecosystem, name := range []string{"example.com/lib", "kit"} {
			r := config.Registries{Go: base + "/go", NPM: base + "/npm"}
			asked = 0
			_, err := app.Ecosystems(r, client)[ecosystem].Versions(t.Context(), name)
			require.ErrorContains(t, err, host)
			assert.ErrorContains(t, err, "registries.redirects")
			assert.NotContains(t, err.Error(), "zq7")
			assert.Zero(t, asked, "what is refused is not asked")

			r.Redirects = []string{host}
			got, err := app.Ecosystems(r, client)[ecosystem].Versions(t.Context(), name)
			require.NoError(t, err)
			assert.Len(t, got, 1)
		}
	}
}
