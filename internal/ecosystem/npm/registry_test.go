package npm_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/ecosystem/npm"
)

func TestVersions(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.EscapedPath() {
		case "/npm/@acme%2Fkit":
			assert.Contains(t, r.Header.Get("Accept"), "application/vnd.npm.install-v1+json")
			fmt.Fprint(w, `{"versions":{"1.10.0":{},"1.9.0":{},"2.0.0-rc.1":{},"nonsense":{}}}`)
		case "/npm/broken":
			fmt.Fprint(w, `{"versions":[`)
		case "/npm/busy":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	e := npm.Ecosystem{Registry: npm.Registry{Base: s.URL + "/npm/"}}
	got, err := e.Versions(t.Context(), "@acme/kit")
	require.NoError(t, err)
	assert.Equal(t, []string{"1.9.0", "1.10.0", "2.0.0-rc.1"}, got)

	for name, text := range map[string]string{
		"broken": "read what the npm registry says of broken",
		"busy":   "it answered 503", "none": "does not have none", "../x": "not the name of an npm package",
	} {
		_, err = e.Versions(t.Context(), name)
		assert.ErrorContains(t, err, text)
	}
}

func TestNoRegistry(t *testing.T) {
	_, err := npm.Ecosystem{}.Versions(t.Context(), "kit")
	assert.ErrorIs(t, err, ecosystem.ErrNoRegistry)
	_, err = npm.Ecosystem{Registry: npm.Registry{Base: "file:///tmp"}}.Versions(t.Context(), "kit")
	assert.ErrorContains(t, err, "not an http or https URL")
}

// An address can hold a password: no error shows any part of it.
func TestErrorsDoNotShowTheAddress(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	base := strings.Replace(s.URL, "http://", "http://dev:pass"+"word@", 1)
	for _, base := range []string{base, base + "/%zz"} {
		_, err := npm.Ecosystem{Registry: npm.Registry{Base: base}}.Versions(t.Context(), "kit")
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "pass"+"word")
		assert.NotContains(t, err.Error(), "dev:")
	}
}
