package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/pullwarden/pullwarden/config"
)

func none(string) string { return "" }

func TestTheExampleFileIsTheDefaults(t *testing.T) {
	b, err := os.ReadFile("pullwarden.example.yml")
	require.NoError(t, err)
	c, err := config.Parse(b)
	require.NoError(t, err)
	got, err := yaml.Marshal(c)
	require.NoError(t, err)
	want, err := yaml.Marshal(config.Default())
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
}

func TestUnknownConfigKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yml")
	require.NoError(t, os.WriteFile(path, []byte("address: 127.0.0.1:1\nreviw:\n  workers: 3\n"), 0o600))
	_, err := config.Load(path, none)
	assert.ErrorContains(t, err, "c.yml")
	assert.ErrorContains(t, err, "line 2: reviw: there is no such setting; there are address, admin_address, ")
}

// Errors name the line and the key in plain words, and no value.
func TestSettingsOfTheWrongKind(t *testing.T) {
	for text, want := range map[string]string{
		"review:\n  workers: many-zq7\n":                    "line 2: review.workers must be a whole number",
		"review:\n  workers: 2.5\n":                         "line 2: review.workers must be a whole number",
		"github:\n  app:\n    integration_id: my-zq7-app\n": "line 3: github.app.integration_id must be a whole number",
		"review: {deadline: soon-zq7}\n":                    "line 1: review.deadline must be a duration such as 30s, 5m or 72h",
		"upgrades: {enabled: maybe-zq7}\n":                  "line 1: upgrades.enabled must be true or false",
		"address: [a-zq7]\n":                                "line 1: address must be a text",
		"webhook:\n  senders: zq7\n":                        "line 2: webhook.senders must be a list, each entry of which is a text",
		"verify: {installations: [zq7]}\n":                  "line 1: verify.installations must be a list, each entry of which is a whole number",
		"verify: {providers: zq7}\n":                        "line 1: verify.providers must be a mapping of names to values, each of which is a text",
		"review: zq7\n":                                     "line 1: review must be a mapping of settings to values",
		"- zq7\n":                                           "line 1: the file must be a mapping of settings to values",
		"review: {worker: 1}\n":                             "line 1: review.worker: there is no such setting; there are deadline, lease, ",
		"address: a\nkeep_days: 1\naddress: b\n":            "line 3: address is set twice; the first time on line 1",
		"review: {workers: x}\nkeep_days: y\n":              "line 1: review.workers must be a whole number\nline 2: keep_days must be a whole number",
		"address: [\n":                                      "not valid YAML: line 1: did not find expected node content",
		"a: b: c-zq7\n":                                     "not valid YAML: mapping values are not allowed in this context",
	} {
		_, err := config.Parse([]byte(text))
		require.ErrorContains(t, err, want, text)
		for _, no := range []string{"unmarshal", "!!", "struct", "type config", "int64", "zq7"} {
			assert.NotContains(t, err.Error(), no, text)
		}
	}
	for _, text := range []string{"", "# nothing\n", "~\n", "review:\n", "fetch: &f {objects: 7}\nlimits: {points: &p 9, concurrent: *p}\n", "review:\n  <<: {workers: 7}\n"} {
		_, err := config.Parse([]byte(text))
		assert.NoError(t, err, text)
	}
	c, err := config.Parse([]byte("limits: {points: &p 9, concurrent: *p}\nreview: {<<: {workers: 7}, lease: 4s}\n"))
	require.NoError(t, err)
	assert.Equal(t, []int{9, 9, 7}, []int{c.Limits.Points, c.Limits.Concurrent, c.Review.Workers})
	assert.Equal(t, 4*time.Second, c.Review.Lease)
}

// What Check says of a value names the place that it was set in.
func TestCheckNamesThePlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yml")
	require.NoError(t, os.WriteFile(path, []byte("keep_days: 0\nreview:\n  workers: 0\n  mode: lax\ngithub:\n  app: {webhook_secret: hush}\n"), 0o600))
	env := map[string]string{"PULLWARDEN_MODE": "strict"}
	c, err := config.Load(path, func(k string) string { return env[k] })
	require.NoError(t, err)
	err = c.Check()
	assert.ErrorContains(t, err, "c.yml line 1: keep_days: 0 is under one day")
	assert.ErrorContains(t, err, "c.yml line 3: review.workers: 0 is not between 1 and 256")
	assert.ErrorContains(t, err, `PULLWARDEN_MODE: review.mode: "strict" is neither enforce nor observe`)
	assert.ErrorContains(t, err, "c.yml line 6: github.app.webhook_secret: is shorter than 16 characters")
	assert.NotContains(t, err.Error(), "hush")
	assert.Regexp(t, `(?m)^github.app.integration_id: the App's id is required`, err.Error(), "what is missing has no place")
	assert.Equal(t, "c.yml line 3", c.Source("review.workers"))
	assert.Empty(t, c.Source("address"))
}

func TestTheEnvironmentComesAfterTheFile(t *testing.T) {
	env := map[string]string{"PULLWARDEN_ADDRESS": "127.0.0.1:7", "GITHUB_APP_INTEGRATION_ID": "42", "GOPROXY": "http://registry.example"}
	c, err := config.Load("", func(k string) string { return env[k] })
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1:7", c.Address)
	assert.EqualValues(t, 42, c.GitHub.App.IntegrationID)
	assert.Equal(t, "http://registry.example", c.Registries.Go)

	env["PULLWARDEN_WRITER_INTEGRATION_ID"] = "43"
	c, err = config.Load("", func(k string) string { return env[k] })
	require.NoError(t, err)
	assert.EqualValues(t, 43, c.Writer.IntegrationID)
	env["PULLWARDEN_CATCH_UP_PULLS"], env["PULLWARDEN_CATCH_UP_DELIVERIES"] = "5m", "0"
	c, err = config.Load("", func(k string) string { return env[k] })
	require.NoError(t, err)
	assert.Equal(t, config.CatchUp{Pulls: 5 * time.Minute, Calls: config.Default().CatchUp.Calls}, c.CatchUp)
	env["PULLWARDEN_CATCH_UP_PULLS"] = "often"
	_, err = config.Load("", func(k string) string { return env[k] })
	assert.ErrorContains(t, err, "PULLWARDEN_CATCH_UP_PULLS")
	delete(env, "PULLWARDEN_CATCH_UP_PULLS")

	env["GITHUB_APP_INTEGRATION_ID"] = "forty"
	_, err = config.Load("", func(k string) string { return env[k] })
	assert.ErrorContains(t, err, "GITHUB_APP_INTEGRATION_ID")
}

func TestCheckNamesKeyAndReason(t *testing.T) {
	good := func() config.Config {
		c := config.Default()
		c.GitHub.App.IntegrationID = 1
		c.GitHub.App.WebhookSecret = "sixteen letters."
		c.GitHub.App.PrivateKey = "-----BEGIN RSA PRIVATE KEY-----"
		return c
	}
	c := good()
	require.NoError(t, c.Check())
	for key, spoil := range map[string]func(*config.Config){
		"github.app.integration_id":                     func(c *config.Config) { c.GitHub.App.IntegrationID = 0 },
		"github.app.webhook_secret":                     func(c *config.Config) { c.GitHub.App.WebhookSecret = "" },
		"webhook_secret: is shorter than 16 characters": func(c *config.Config) { c.GitHub.App.WebhookSecret = "fifteen letters" },
		"github.app.private_key":                        func(c *config.Config) { c.GitHub.App.PrivateKey = "key" },
		"writer.integration_id":                         func(c *config.Config) { c.Writer.PrivateKey = c.GitHub.App.PrivateKey },
		"writer.private_key":                            func(c *config.Config) { c.Writer.IntegrationID = 2 },
		"limits.writes_hour":                            func(c *config.Config) { c.Limits.WritesHour = -1 },
		"review.patience":                               func(c *config.Config) { c.Review.Patience = time.Hour },
		"github.v3_api_url":                             func(c *config.Config) { c.GitHub.V3APIURL = "api" },
		"address":                                       func(c *config.Config) { c.Address = "8080" },
		"admin_address":                                 func(c *config.Config) { c.AdminAddress = c.Address },
		"database_url":                                  func(c *config.Config) { c.DatabaseURL = "mysql:x" },
		"review.workers":                                func(c *config.Config) { c.Review.Workers = 0 },
		"review.deadline":                               func(c *config.Config) { c.Review.Deadline = 1 },
		"review.scanner_timeout":                        func(c *config.Config) { c.Review.ScannerTimeout = 0 },
		"review.lease":                                  func(c *config.Config) { c.Review.Lease = time.Second },
		"review.mode":                                   func(c *config.Config) { c.Review.Mode = "lax" },
		"webhook.senders":                               func(c *config.Config) { c.Webhook.Senders = []string{"github.example"} },
		"webhook.proxies":                               func(c *config.Config) { c.Webhook.ProxyHeader = "X-Real-IP" },
		"webhook.proxy_header":                          func(c *config.Config) { c.Webhook.Proxies = []string{"10.0.0.1"} },
		"is not understood": func(c *config.Config) {
			c.Webhook.Proxies, c.Webhook.ProxyHeader = []string{"10.0.0.1"}, "forwarded"
		},
		"is no name of a header": func(c *config.Config) {
			c.Webhook.Proxies, c.Webhook.ProxyHeader = []string{"10.0.0.1"}, "X-Real-IP:"
		},
		"registries.redirects":   func(c *config.Config) { c.Registries.Redirects = []string{"*.files.example"} },
		"webhook.bad_per_minute": func(c *config.Config) { c.Webhook.BadPerMinute = 0 },
		"tls.certificate":        func(c *config.Config) { c.TLS.Key = "key.pem" },
		"tls.key":                func(c *config.Config) { c.TLS.Certificate = "cert.pem" },
		"fetch.object_mib":       func(c *config.Config) { c.Fetch.ObjectMiB = 0 },
		"fingerprint_key":        func(c *config.Config) { c.FingerprintKey = "short" },
		"old_fingerprint_key":    func(c *config.Config) { c.OldFingerprintKey = "short" },
		"ready.queue_age":        func(c *config.Config) { c.Ready.QueueAge = -1 },
		"ready.advisory_age":     func(c *config.Config) { c.Ready.AdvisoryAge = -1 },
		"ready.advisories":       func(c *config.Config) { c.Ready.Advisories = "ignore" },
		"stop_within":            func(c *config.Config) { c.StopWithin = time.Millisecond },
		"keep_days":              func(c *config.Config) { c.KeepDays = 0 },
		"upgrades.first_day":     func(c *config.Config) { c.Upgrades.FirstDay = -1 },
		"catch_up.deliveries":    func(c *config.Config) { c.CatchUp.Deliveries = time.Millisecond },
		"catch_up.pulls":         func(c *config.Config) { c.CatchUp.Pulls = -time.Second },
		"catch_up.calls":         func(c *config.Config) { c.CatchUp.Calls = 0 },
	} {
		c := good()
		spoil(&c)
		assert.ErrorContains(t, c.Check(), key)
	}
}

func TestDatabaseURL(t *testing.T) {
	for url, good := range map[string]bool{
		"sqlite:x.db": true, "postgres://dev@db.example/x": true, "postgresql://dev@db.example/x": true,
		"": false, "sqlite:": false, "x.db": false, "postgres": false, "postgres:x": false, "mysql://dev:pass-word@db.example/x": false,
	} {
		c := config.Default()
		c.DatabaseURL = url
		err := c.Check() // about the App as well
		require.Error(t, err)
		assert.Equal(t, !good, strings.Contains(err.Error(), "database_url"), url)
		assert.NotContains(t, err.Error(), "pass-word")
	}
}
