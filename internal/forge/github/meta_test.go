package github

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
)

func TestHookNetworks(t *testing.T) {
	w := newWorld(t, nil)
	list, err := w.HookNetworks(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, list)

	answer := func(status int, body string) ([]netip.Prefix, error) {
		w.hub.Fail(fakehub.Fault{Match: "GET /meta", Status: status, Body: body})
		return w.HookNetworks(t.Context())
	}
	list, err = answer(http.StatusOK, `{"hooks":["192.30.252.0/22","2a0a:a440::/29"]}`)
	require.NoError(t, err)
	assert.Len(t, list, 2)
	list, err = answer(http.StatusOK, `{"installed_version":"3.18.0"}`)
	assert.True(t, len(list) == 0 && err == nil, "GitHub Enterprise Server may name none")
	_, err = answer(http.StatusOK, `{"hooks":["192.30.252.0/22","everywhere"]}`)
	assert.ErrorContains(t, err, `"everywhere" is no network`, "half a list is none")
	_, err = answer(http.StatusUnauthorized, "")
	assert.ErrorIs(t, err, forge.ErrDenied, "an Enterprise Server in private mode")
	_, err = answer(http.StatusOK, `{"hooks":`)
	assert.Error(t, err)
}
