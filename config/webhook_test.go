package config_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
)

func TestSenders(t *testing.T) {
	w := config.Webhook{Senders: []string{"192.0.2.7", "github", "2001:db8::/32", "10.1.2.3/8", "::ffff:192.0.2.9"}}
	list, github, err := w.SenderNetworks()
	require.NoError(t, err)
	assert.True(t, github)
	assert.Equal(t, []netip.Prefix{
		netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("2001:db8::/32"),
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.9/32"),
	}, list)
	list, github, err = config.Webhook{}.SenderNetworks()
	assert.True(t, list == nil && !github && err == nil)
	for _, bad := range []string{"hub.example", "192.0.2.0/33", "192.0.2", "fe80::1%eth0", ""} {
		_, _, err := config.Webhook{Senders: []string{bad}}.SenderNetworks()
		assert.Error(t, err, bad)
		_, err = config.Webhook{Proxies: []string{bad}}.ProxyNetworks()
		assert.Error(t, err, bad)
	}
	_, err = config.Webhook{Proxies: []string{"github"}}.ProxyNetworks()
	assert.Error(t, err)
}

func TestListsOfTheEnvironment(t *testing.T) {
	env := map[string]string{
		"PULLWARDEN_WEBHOOK_SENDERS": "github, 192.0.2.7", "PULLWARDEN_WEBHOOK_PROXIES": "10.0.0.0/8",
		"PULLWARDEN_WEBHOOK_PROXY_HEADER": "X-Forwarded-For",
	}
	c, err := config.Load("", func(k string) string { return env[k] })
	require.NoError(t, err)
	assert.Equal(t, []string{"github", "192.0.2.7"}, c.Webhook.Senders)
	assert.Equal(t, []string{"10.0.0.0/8"}, c.Webhook.Proxies)
	assert.Equal(t, "X-Forwarded-For", c.Webhook.ProxyHeader)
}
