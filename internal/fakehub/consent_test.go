package fakehub

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConsent(t *testing.T) {
	w := newWorld(t)
	jwt := "Bearer " + w.jwt(nil)
	one := fmt.Sprintf("/app/installations/%d", w.hub.Installation("acme"))
	at := func(path string, keys ...any) any {
		t.Helper()
		return w.send("GET", path, jwt, nil).get(keys...)
	}
	mint := func(permission, level string) int {
		return w.send("POST", one+"/access_tokens", jwt, m{"permissions": m{permission: level}}).status
	}
	require.Equal(t, 201, mint("issues", "read"))

	w.hub.Ask(map[string]string{"contents": "read", "checks": "write", "pull_requests": "write", "merge_queues": "read"}, []string{"merge_group", "pull_request"})
	assert.Equal(t, map[string]any{"metadata": "read", "contents": "read", "checks": "write", "pull_requests": "write", "merge_queues": "read"}, at("/app", "permissions"))
	assert.Equal(t, map[string]any{"metadata": "read", "contents": "read", "checks": "write", "pull_requests": "write"}, at(one, "permissions"),
		"less holds at once, more only once it was accepted")
	assert.Equal(t, []any{"merge_group", "pull_request"}, at(one, "events"))
	assert.Equal(t, 422, mint("issues", "read"))
	assert.Equal(t, 422, mint("contents", "write"))
	assert.Equal(t, 422, mint("merge_queues", "read"))

	require.NoError(t, w.hub.Accept("acme"))
	assert.Equal(t, 201, mint("merge_queues", "read"))
	assert.Equal(t, at("/app", "permissions"), at(one, "permissions"))
	assert.Error(t, w.hub.Accept("nobody"))
}

func TestSuspended(t *testing.T) {
	w := newWorld(t)
	w.commit("main", map[string]string{"a": "1"})
	w.hub.Organize("acme")
	jwt := "Bearer " + w.jwt(nil)
	id := w.hub.Installation("acme")
	one := fmt.Sprintf("/app/installations/%d", id)
	require.NoError(t, w.hub.Suspend("acme"))
	in := w.send("GET", one, jwt, nil)
	assert.Equal(t, w.now.Format(time.RFC3339), in.get("suspended_at"))
	assert.Equal(t, fmt.Sprintf("%s/organizations/acme/settings/installations/%d", w.url, id), in.get("html_url"))
	assert.Equal(t, float64(id), w.send("GET", "/app/installations", jwt, nil).get(0, "id"), "it is still listed")
	for _, refused := range []result{w.send("POST", one+"/access_tokens", jwt, nil), w.do("GET", shop, nil)} {
		assert.Equal(t, 403, refused.status)
		assert.Equal(t, "This installation has been suspended", refused.get("message"))
	}
	_, err := w.git(t.TempDir(), "ls-remote", w.remote(w.token))
	assert.Error(t, err)

	require.NoError(t, w.hub.Unsuspend("acme"))
	assert.Equal(t, 200, w.do("GET", shop, nil).status)
	assert.Nil(t, w.send("GET", one, jwt, nil).get("suspended_at"))
	out, err := w.git(t.TempDir(), "ls-remote", w.remote(w.token))
	assert.NoError(t, err, out)
}

// A client compares its clock with ours.
func TestDate(t *testing.T) {
	w := newWorld(t)
	assert.Equal(t, "Fri, 02 Jan 2026 03:04:05 GMT", w.send("GET", "/meta", "", nil).header.Get("Date"))
}
