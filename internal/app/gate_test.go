package app_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/app"
)

// run runs a server until the test ends.
func run(t *testing.T, cfg config.Config, log *bytes.Buffer) *app.Server {
	t.Helper()
	s, err := app.New(t.Context(), cfg, app.Options{Log: zerolog.New(zerolog.SyncWriter(log))})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() { stop(); assert.NoError(t, <-ended) })
	return s
}

// ping is a genuine delivery from wherever change says.
func ping(t *testing.T, client *http.Client, url string, change func(http.Header)) int {
	t.Helper()
	mac := hmac.New(sha256.New, []byte("hush, hush, hush"))
	mac.Write([]byte("{}"))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("{}"))
	require.NoError(t, err)
	for k, v := range map[string]string{
		"Content-Type": "application/json", "X-GitHub-Event": "ping", "X-GitHub-Delivery": "d",
		"X-Hub-Signature-256": "sha256=" + hex.EncodeToString(mac.Sum(nil)),
	} {
		r.Header.Set(k, v)
	}
	if change != nil {
		change(r.Header)
	}
	res, err := client.Do(r)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}

func TestTLS(t *testing.T) {
	cfg, dir := settings(t), t.TempDir()
	// The certificate of httptest is for 127.0.0.1.
	lent := httptest.NewUnstartedServer(nil)
	lent.StartTLS()
	defer lent.Close()
	pair := lent.TLS.Certificates[0]
	cfg.TLS = config.TLS{Certificate: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(cfg.TLS.Certificate, pemOf("CERTIFICATE", pair.Certificate[0]), 0o600))
	require.NoError(t, os.WriteFile(cfg.TLS.Key, pemOf("PRIVATE KEY", key), 0o600))
	var log bytes.Buffer
	s := run(t, cfg, &log)
	require.True(t, strings.HasPrefix(s.WebhookURL(), "https://"), s.WebhookURL())
	assert.Equal(t, http.StatusOK, ping(t, lent.Client(), s.WebhookURL(), nil))
	assert.Equal(t, http.StatusBadRequest, ping(t, http.DefaultClient, "http"+strings.TrimPrefix(s.WebhookURL(), "https"), nil), "not in the clear")

	old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}}}
	_, err = old.Get(s.WebhookURL())
	assert.Error(t, err, "not by an outdated protocol")
}

func TestSendersBehindAProxy(t *testing.T) {
	cfg := settings(t)
	cfg.Webhook.Senders, cfg.Webhook.Proxies, cfg.Webhook.ProxyHeader = []string{"192.0.2.0/24"}, []string{"127.0.0.1"}, "X-Real-IP"
	cfg.Webhook.BadPerMinute = 2
	var log bytes.Buffer
	s := run(t, cfg, &log)
	from := func(address string, change func(http.Header)) int {
		return ping(t, http.DefaultClient, s.WebhookURL(), func(h http.Header) {
			h.Set("X-Real-IP", address)
			if change != nil {
				change(h)
			}
		})
	}
	unsigned := func(h http.Header) { h.Del("X-Hub-Signature-256") }
	assert.Equal(t, http.StatusOK, from("192.0.2.7", nil))
	assert.Equal(t, http.StatusForbidden, from("198.51.100.1", nil))
	assert.Equal(t, http.StatusForbidden, from("", nil), "the proxy itself is none of them")
	for range 2 {
		assert.Equal(t, http.StatusUnauthorized, from("192.0.2.7", unsigned))
	}
	assert.Equal(t, http.StatusTooManyRequests, from("192.0.2.7", unsigned))
	assert.Equal(t, http.StatusOK, from("192.0.2.7", nil))
}

// The addresses that GitHub names are asked for at the API that is set, also
// that of an Enterprise Server.
func TestSendersThatGitHubNames(t *testing.T) {
	var up atomic.Bool
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !up.Load() || r.URL.Path != "/api/v3/meta" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, `{"hooks":["127.0.0.0/30"]}`)
	}))
	defer hub.Close()
	cfg := settings(t)
	cfg.GitHub.V3APIURL, cfg.Webhook.Senders = hub.URL+"/api/v3/", []string{"github"}
	var log bytes.Buffer
	s := run(t, cfg, &log)
	assert.Equal(t, http.StatusServiceUnavailable, ping(t, http.DefaultClient, s.WebhookURL(), nil))
	assert.Equal(t, http.StatusServiceUnavailable, status(t, http.MethodGet, s.AdminURL()+"/readyz"))
	up.Store(true)
	require.Eventually(t, func() bool { return ping(t, http.DefaultClient, s.WebhookURL(), nil) == http.StatusOK }, time.Minute, 100*time.Millisecond)
	assert.Equal(t, http.StatusOK, status(t, http.MethodGet, s.AdminURL()+"/readyz"))
}
