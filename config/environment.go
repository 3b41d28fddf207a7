package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// fromEnvironment reads the variables of this process over what c has.
func (c *Config) fromEnvironment(getenv func(string) string) error {
	read := func(name, key string) (v string, ok bool) {
		if v = getenv(name); v != "" {
			c.set[key] = name
		}
		return v, v != ""
	}
	for _, s := range []struct {
		name, key string
		to        *string
	}{
		{"PULLWARDEN_ADDRESS", "address", &c.Address},
		{"PULLWARDEN_ADMIN_ADDRESS", "admin_address", &c.AdminAddress},
		{"PULLWARDEN_DATABASE_URL", "database_url", &c.DatabaseURL},
		{"PULLWARDEN_ADVISORIES_DIR", "advisories_dir", &c.AdvisoriesDir},
		{"PULLWARDEN_TEMPLATES_DIR", "templates_dir", &c.TemplatesDir},
		{"PULLWARDEN_SECRET_RULES", "secret_rules", &c.SecretRules},
		{"PULLWARDEN_REGISTRY_GO", "registries.go", &c.Registries.Go},
		{"PULLWARDEN_REGISTRY_NPM", "registries.npm", &c.Registries.NPM},
		{"PULLWARDEN_MODE", "review.mode", &c.Review.Mode},
		{"PULLWARDEN_FINGERPRINT_KEY", "fingerprint_key", &c.FingerprintKey},
		{"PULLWARDEN_OLD_FINGERPRINT_KEY", "old_fingerprint_key", &c.OldFingerprintKey},
		{"PULLWARDEN_LOG_LEVEL", "log.level", &c.Log.Level},
		{"PULLWARDEN_READY_ADVISORIES", "ready.advisories", &c.Ready.Advisories},
		{"GITHUB_V3_API_URL", "github.v3_api_url", &c.GitHub.V3APIURL},
		{"GITHUB_V4_API_URL", "github.v4_api_url", &c.GitHub.V4APIURL},
		{"GITHUB_WEB_URL", "github.web_url", &c.GitHub.WebURL},
		{"GITHUB_APP_WEBHOOK_SECRET", "github.app.webhook_secret", &c.GitHub.App.WebhookSecret},
		{"GITHUB_APP_OLD_WEBHOOK_SECRET", "old_webhook_secret", &c.OldWebhookSecret},
		{"GITHUB_APP_PRIVATE_KEY", "github.app.private_key", &c.GitHub.App.PrivateKey},
		{"PULLWARDEN_WRITER_PRIVATE_KEY", "writer.private_key", &c.Writer.PrivateKey},
		{"PULLWARDEN_WEBHOOK_PROXY_HEADER", "webhook.proxy_header", &c.Webhook.ProxyHeader},
		{"PULLWARDEN_TLS_CERTIFICATE", "tls.certificate", &c.TLS.Certificate},
		{"PULLWARDEN_TLS_KEY", "tls.key", &c.TLS.Key},
	} {
		if v, ok := read(s.name, s.key); ok {
			*s.to = v
		}
	}
	for _, s := range []struct {
		name, key string
		to        *[]string
	}{
		{"PULLWARDEN_WEBHOOK_SENDERS", "webhook.senders", &c.Webhook.Senders},
		{"PULLWARDEN_WEBHOOK_PROXIES", "webhook.proxies", &c.Webhook.Proxies},
		{"PULLWARDEN_REGISTRY_REDIRECTS", "registries.redirects", &c.Registries.Redirects},
	} {
		if v, ok := read(s.name, s.key); ok {
			*s.to = strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
		}
	}
	for _, s := range []struct {
		name, key string
		to        *time.Duration
	}{
		{"PULLWARDEN_CATCH_UP_DELIVERIES", "catch_up.deliveries", &c.CatchUp.Deliveries},
		{"PULLWARDEN_CATCH_UP_PULLS", "catch_up.pulls", &c.CatchUp.Pulls},
	} {
		if v, ok := read(s.name, s.key); ok {
			d, err := time.ParseDuration(v)
			if err != nil {
				return fmt.Errorf("%s: %q is no duration such as 30s or 5m", s.name, v)
			}
			*s.to = d
		}
	}
	for _, s := range []struct {
		name, key string
		to        *int64
	}{
		{"GITHUB_APP_INTEGRATION_ID", "github.app.integration_id", &c.GitHub.App.IntegrationID},
		{"PULLWARDEN_WRITER_INTEGRATION_ID", "writer.integration_id", &c.Writer.IntegrationID},
	} {
		if v, ok := read(s.name, s.key); ok {
			id, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return fmt.Errorf("%s: %q is no number", s.name, v)
			}
			*s.to = id
		}
	}
	return nil
}
