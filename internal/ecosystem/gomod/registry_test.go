package gomod_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/ecosystem/gomod"
)

func TestVersions(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/go/example.com/!lib/@v/list":
			fmt.Fprint(w, "v1.10.0\nv1.2.0\nv1.9.0\nnonsense\nv2.0.0\nv1.11.0-rc.1\nv1.3.0\n")
		case "/go/example.com/!lib/@v/v1.10.0.mod":
			fmt.Fprint(w, "module example.com/Lib\n\nretract [v1.3.0, v1.4.0] // broken\n")
		case "/go/example.com/empty/@v/list":
		case "/go/example.com/large/@v/list":
			fmt.Fprint(w, strings.Repeat("v1.0.0\n", 1<<20))
		case "/go/example.com/broken/@v/list":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	e := gomod.Ecosystem{Registry: gomod.NewRegistry(" off , direct|"+s.URL+"/go/,https://registry.example", nil)}

	got, err := e.Versions(t.Context(), "example.com/Lib")
	require.NoError(t, err)
	assert.Equal(t, []string{"v1.2.0", "v1.9.0", "v1.10.0", "v1.11.0-rc.1"}, got)

	got, err = e.Versions(t.Context(), "example.com/empty")
	require.NoError(t, err)
	assert.Empty(t, got)

	_, err = e.Versions(t.Context(), "example.com/large")
	assert.ErrorContains(t, err, "larger than")
	_, err = e.Versions(t.Context(), "example.com/broken")
	assert.ErrorContains(t, err, "answered 500")
	_, err = e.Versions(t.Context(), "example.com/none")
	assert.ErrorContains(t, err, "list versions of example.com/none")
	_, err = e.Versions(t.Context(), "../../etc")
	assert.Error(t, err)
	var refused *ecosystem.RefusalError
	_, err = e.Versions(t.Context(), gomod.Stdlib)
	assert.ErrorAs(t, err, &refused)
}

func TestNoRegistry(t *testing.T) {
	for _, base := range []string{"", "off", "direct", "direct,off", ",|"} {
		_, err := gomod.Ecosystem{Registry: gomod.NewRegistry(base, nil)}.Versions(t.Context(), "example.com/lib")
		assert.ErrorIs(t, err, ecosystem.ErrNoRegistry, base)
	}
	_, err := gomod.Ecosystem{}.Versions(t.Context(), "example.com/lib")
	assert.ErrorIs(t, err, ecosystem.ErrNoRegistry)
	_, err = gomod.Ecosystem{Registry: gomod.NewRegistry("ftp://registry.example", nil)}.Versions(t.Context(), "example.com/lib")
	assert.ErrorContains(t, err, "not an http, https or file URL")
}

// An address can hold a password: no error shows any part of it.
func TestErrorsDoNotShowTheAddress(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	base := strings.Replace(s.URL, "http://", "http://dev:pass"+"word@", 1)
	for _, base := range []string{base, base + "/%zz", "gopher" + base} {
		_, err := gomod.Ecosystem{Registry: gomod.NewRegistry(base, nil)}.Versions(t.Context(), "example.com/lib")
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "dev")
		assert.NotContains(t, err.Error(), "pass"+"word")
	}
}
