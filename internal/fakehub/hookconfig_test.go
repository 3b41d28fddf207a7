package fakehub

import (
	"crypto/sha256"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHookConfig(t *testing.T) {
	w := newWorld(t)
	jwt := "Bearer " + w.jwt(nil)
	assert.Equal(t, 404, w.send("GET", "/app/hook/config", jwt, nil).status, "none was set up")
	w.hub.SetHook(Hook{URL: "https://bot.example/hook", ContentType: "json"})
	got := w.send("GET", "/app/hook/config", jwt, nil)
	assert.Equal(t, map[string]any{"url": "https://bot.example/hook", "content_type": "json", "insecure_ssl": "0", "secret": "********"}, got.value)
	assert.Equal(t, 401, w.do("GET", "/app/hook/config", nil).status, "the App's JWT only")

	open := newWorld(t, func(o *Options) { o.Secret = "" })
	open.hub.SetHook(Hook{Insecure: true})
	got = open.send("GET", "/app/hook/config", "Bearer "+open.jwt(nil), nil)
	assert.Equal(t, map[string]any{"url": "", "content_type": "form", "insecure_ssl": "1"}, got.value)
}

func TestFormEncodedDeliveries(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t)
	w.hub.SetHook(Hook{URL: r.url})
	_, err := w.hub.Deliver(t.Context(), r.url, w.hub.PingEvent())
	require.NoError(t, err)
	assert.Equal(t, "application/x-www-form-urlencoded", r.heads[0].Get("Content-Type"))
	form, err := url.ParseQuery(r.bodies[0])
	require.NoError(t, err)
	assert.Contains(t, form.Get("payload"), `"hook_id":1`)
	assert.Equal(t, "sha256="+sign(sha256.New, "hook"+"secret", []byte(r.bodies[0])), r.heads[0].Get("X-Hub-Signature-256"))
}
