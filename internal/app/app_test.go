package app_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/app"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

func settings(t *testing.T) config.Config {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	c := config.Default()
	c.Address, c.AdminAddress = "127.0.0.1:0", "127.0.0.1:0"
	c.DatabaseURL = "sqlite:" + filepath.Join(t.TempDir(), "p.db")
	c.AdvisoriesDir = t.TempDir()
	c.GitHub.V3APIURL, c.GitHub.V4APIURL = "http://127.0.0.1:1/api/v3/", "http://127.0.0.1:1/api/graphql" // nobody answers there
	c.GitHub.App.IntegrationID, c.GitHub.App.WebhookSecret = 1, "hush, hush, hush"
	c.GitHub.App.PrivateKey = string(pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)))
	return c
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestServerStartsAndStops(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { startsAndStops(t, settings(t)) })
	t.Run("PostgreSQL", func(t *testing.T) {
		cfg := settings(t)
		cfg.DatabaseURL = storetest.Postgres(t)
		startsAndStops(t, cfg)
	})
}

func startsAndStops(t *testing.T, cfg config.Config) {
	for range 2 { // again on the same database
		s, err := app.New(t.Context(), cfg, app.Options{})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()

		for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
			assert.Equal(t, http.StatusOK, status(t, http.MethodGet, s.AdminURL()+path), path)
		}
		assert.Equal(t, http.StatusNotFound, status(t, http.MethodGet, strings.TrimSuffix(s.WebhookURL(), app.Webhook)+"/metrics"), "not for the public")
		assert.Equal(t, 4, status(t, http.MethodPost, s.WebhookURL())/100, "an unsigned delivery")
		require.NoError(t, s.Idle(ctx))

		stop()
		select {
		case err := <-ended:
			require.NoError(t, err)
		case <-time.After(time.Minute):
			t.Fatal("it does not stop")
		}
		require.NoError(t, s.Close(), "closing what is closed is no mistake")
	}
}

func status(t *testing.T, method, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("{}"))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}

// A server says at its start and on its page which upgrades are off.
func TestUpgradesThatAreOffAreSaidSo(t *testing.T) {
	for _, c := range []struct {
		registries config.Registries
		enabled    bool
		want, no   []string
	}{
		{config.Registries{}, true, []string{"Go modules", "npm packages", "set registries.go (PULLWARDEN_REGISTRY_GO)"}, nil},
		{config.Registries{Go: "http://registry.example", NPM: "off"}, true, []string{"npm packages"}, []string{"Go modules"}},
		{config.Registries{Go: "direct", NPM: "http://registry.example"}, true, []string{"Go modules"}, []string{"npm packages"}},
		{config.Registries{}, false, nil, []string{"no registry"}},
	} {
		cfg := settings(t)
		cfg.Registries, cfg.Upgrades.Enabled = c.registries, c.enabled
		var log bytes.Buffer
		s, err := app.New(t.Context(), cfg, app.Options{Log: zerolog.New(&log)})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		page := body(t, s.AdminURL()+"/readyz")
		stop()
		require.NoError(t, <-ended)
		for _, want := range c.want {
			assert.Contains(t, page, want)
		}
		for _, no := range c.no {
			assert.NotContains(t, page, no)
		}
		assert.Equal(t, strings.Count(page, "no registry is configured for"), strings.Count(log.String(), "no registry is configured: upgrades of this ecosystem are off"))
	}
}

func body(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(text)
}

// A server that cannot start lets go of all that it took.
func TestServerThatCannotStart(t *testing.T) {
	good := settings(t)
	for name, spoil := range map[string]func(*config.Config){
		"webhook_secret": func(c *config.Config) { c.GitHub.App.WebhookSecret = "" },
		"private_key":    func(c *config.Config) { c.GitHub.App.PrivateKey = "-----BEGIN RSA PRIVATE KEY-----\nx" },
		"database_url":   func(c *config.Config) { c.DatabaseURL = "sqlite:" + t.TempDir() },
		"address":        func(c *config.Config) { c.Address = "203.0.113.1:1" },
		"admin_address":  func(c *config.Config) { c.AdminAddress = "203.0.113.1:1" },
		"tls.certificate": func(c *config.Config) {
			c.TLS = config.TLS{Certificate: filepath.Join(t.TempDir(), "none.pem"), Key: "key.pem"}
		},
	} {
		bad := good
		spoil(&bad)
		_, err := app.New(t.Context(), bad, app.Options{})
		assert.ErrorContains(t, err, name)
		assert.NotContains(t, err.Error(), "hush, hush, hush")
	}
	s, err := app.New(t.Context(), good, app.Options{})
	require.NoError(t, err)
	_, err = app.New(t.Context(), good, app.Options{})
	require.ErrorContains(t, err, "database_url")
	assert.ErrorContains(t, err, "in use: another pullwarden")
	require.NoError(t, s.Close())
}

// TestOldWorkIsForgotten: a running server forgets what was done long ago, so
// that its database does not grow for ever.
func TestOldWorkIsForgotten(t *testing.T) {
	cfg := settings(t)
	s, err := app.New(t.Context(), cfg, app.Options{}) // makes the tables
	require.NoError(t, err)
	require.NoError(t, s.Close())
	db, err := sql.Open("sqlite", strings.TrimPrefix(cfg.DatabaseURL, "sqlite:")+"?_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	for name, age := range map[string]time.Duration{"old": 8 * 24 * time.Hour, "young": 6 * 24 * time.Hour} {
		at := time.Now().Add(-age).UnixMicro()
		_, err = db.Exec(`INSERT INTO deliveries (guid, key, kind, installation, repository, first_received, last_received, times)
			VALUES ($1, $1, '', 1, 1, $2, $2, 1)`, name, at)
		require.NoError(t, err)
		_, err = db.Exec(`INSERT INTO queue_items (key, generation, state, event, since, settled, installation, repository)
			VALUES ($1, 1, 'done', '{}', $2, $2, 1, 1)`, name, at)
		require.NoError(t, err)
	}
	s, err = app.New(t.Context(), cfg, app.Options{})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	left := func() string {
		var names sql.NullString
		err := db.QueryRow(`SELECT GROUP_CONCAT(n) FROM (SELECT guid AS n FROM deliveries UNION ALL SELECT key FROM queue_items)`).Scan(&names)
		assert.NoError(t, err)
		return names.String
	}
	assert.Eventually(t, func() bool { return left() == "young,young" }, time.Minute, 20*time.Millisecond)
	stop()
	require.NoError(t, <-ended)
}

func TestScannersAndEcosystems(t *testing.T) {
	var names []string
	for _, s := range app.Scanners(nil, app.Ecosystems(config.Registries{}, nil), app.SecretRules{}) {
		names = append(names, s.Name())
		for _, r := range s.Rules() {
			assert.True(t, strings.HasPrefix(r.ID, s.Name()+"/"), r.ID)
		}
	}
	assert.Equal(t, []string{"secret", "dependency", "iac", "text"}, names)
	assert.Len(t, app.RulesDigest(), 16)
	assert.Equal(t, app.RulesDigest(), app.RulesDigest())
}
