// Package config is what an operator may set: a file, then the environment.
// config/pullwarden.example.yml lists every setting with its default.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/palantir/go-githubapp/githubapp"
)

// Config is everything that an operator may set. Its zero value is not
// usable; start from Load.
type Config struct {
	Address      string           `yaml:"address"`       // PULLWARDEN_ADDRESS: webhooks
	AdminAddress string           `yaml:"admin_address"` // PULLWARDEN_ADMIN_ADDRESS: health and metrics
	DatabaseURL  string           `yaml:"database_url"`  // PULLWARDEN_DATABASE_URL: "sqlite:FILE" or "postgres://…"
	GitHub       githubapp.Config `yaml:"github"`        // GITHUB_…
	Writer       Writer           `yaml:"writer"`        // a second App; zero for none
	// OldWebhookSecret is accepted beside the present one while it is being
	// rotated: GITHUB_APP_OLD_WEBHOOK_SECRET.
	OldWebhookSecret string `yaml:"old_webhook_secret"`
	// FingerprintKey makes fingerprints equal to those of the command line:
	// PULLWARDEN_FINGERPRINT_KEY. Empty: one that the database keeps.
	FingerprintKey string `yaml:"fingerprint_key"`
	// OldFingerprintKey is the one before: what was made with it still counts.
	// PULLWARDEN_OLD_FINGERPRINT_KEY. Empty: the one that the database keeps.
	OldFingerprintKey string     `yaml:"old_fingerprint_key"`
	Webhook           Webhook    `yaml:"webhook"`
	TLS               TLS        `yaml:"tls"`
	AdvisoriesDir     string     `yaml:"advisories_dir"` // PULLWARDEN_ADVISORIES_DIR
	TemplatesDir      string     `yaml:"templates_dir"`  // PULLWARDEN_TEMPLATES_DIR; "" for our own texts
	SecretRules       string     `yaml:"secret_rules"`   // PULLWARDEN_SECRET_RULES: a file; "" for our own rules alone
	Verify            Verify     `yaml:"verify"`
	Registries        Registries `yaml:"registries"`
	Limits            Limits     `yaml:"limits"`
	Review            Review     `yaml:"review"`
	Fetch             Fetch      `yaml:"fetch"`
	Upgrades          Upgrades   `yaml:"upgrades"`
	Ready             Ready      `yaml:"ready"`
	CatchUp           CatchUp    `yaml:"catch_up"`
	// StopWithin is how long the server may take to end once it is asked to.
	StopWithin time.Duration `yaml:"stop_within"`
	KeepDays   int           `yaml:"keep_days"` // how long data of an uninstalled account is kept
	Log        Log           `yaml:"log"`

	set sources
}

// Writer is a second GitHub App that opens upgrades and resolves threads, so
// that the first one need not be allowed to write to repositories.
type Writer struct {
	IntegrationID int64  `yaml:"integration_id"` // PULLWARDEN_WRITER_INTEGRATION_ID; 0: the first App does all that it may
	PrivateKey    string `yaml:"private_key"`    // PULLWARDEN_WRITER_PRIVATE_KEY: PEM
}

// Registries are where versions of packages come from. Nothing else is ever
// asked, whatever a repository names.
type Registries struct {
	Go  string `yaml:"go"`  // PULLWARDEN_REGISTRY_GO, else as fromTools says
	NPM string `yaml:"npm"` // PULLWARDEN_REGISTRY_NPM, else as fromTools says
	// Redirects are the hosts, each HOST or HOST:PORT, to which a registry may
	// redirect beside its own. PULLWARDEN_REGISTRY_REDIRECTS.
	Redirects []string `yaml:"redirects"`
}

// Verify is which providers may be asked whether a secret that was found still
// works, which means that it is sent there. Nothing is where either is empty.
type Verify struct {
	Installations []int64           `yaml:"installations"` // whose secrets; ids of installations of the App
	Providers     map[string]string `yaml:"providers"`     // address of each, by name
}

// Review is how pull requests are looked at.
type Review struct {
	Workers        int           `yaml:"workers"`
	Patience       time.Duration `yaml:"patience"` // before a check shows that a review is under way
	Deadline       time.Duration `yaml:"deadline"`
	ScannerTimeout time.Duration `yaml:"scanner_timeout"`
	Lease          time.Duration `yaml:"lease"` // until the work of a server that died is taken over by another
	Mode           string        `yaml:"mode"`  // enforce or observe, where a repository names none
}

// Fetch bounds what is read of a repository for one review. What is beyond an
// object's bound is named and not looked at; beyond the others, nothing is.
type Fetch struct {
	ResponseMiB int64 `yaml:"response_mib"` // bytes of one response
	ObjectMiB   int64 `yaml:"object_mib"`   // of one file
	InflatedMiB int64 `yaml:"inflated_mib"` // of all that one review holds
	Objects     int   `yaml:"objects"`      // in one response
}

// Limits bound what one installation of the App is asked for, by each server.
// They are GitHub's own; 0 is no bound, for a GitHub that has none.
type Limits struct {
	Points       int `yaml:"points"`        // a minute: a read is 1, a write is 5
	Concurrent   int `yaml:"concurrent"`    // requests at a time
	WritesMinute int `yaml:"writes_minute"` // requests that write, a minute
	WritesHour   int `yaml:"writes_hour"`   // and an hour
}

// CatchUp is how often the server looks for what webhooks did not tell.
type CatchUp struct {
	Deliveries time.Duration `yaml:"deliveries"` // PULLWARDEN_CATCH_UP_DELIVERIES: failed ones are asked for again; 0 for never
	Pulls      time.Duration `yaml:"pulls"`      // PULLWARDEN_CATCH_UP_PULLS: those without a check are looked for; 0 for never
	Calls      int           `yaml:"calls"`      // that it may make in a minute, in each installation
}

// Upgrades is what the operator allows beyond a repository's own settings.
type Upgrades struct {
	Enabled  bool `yaml:"enabled"`
	FirstDay int  `yaml:"first_day"` // pull requests a repository may get on its first day
}

// Ready is when /readyz says no.
type Ready struct {
	QueueAge    time.Duration `yaml:"queue_age"`    // accepted work has waited longer; 0: never
	AdvisoryAge time.Duration `yaml:"advisory_age"` // advisories imported longer ago count as stale; 0: never
	Advisories  string        `yaml:"advisories"`   // stale or missing ones: note or require
}

// Log is how the server writes its log.
type Log struct {
	Level string `yaml:"level"`
}

// Default returns the settings that hold where nothing is said.
func Default() Config {
	return Config{
		Address: "127.0.0.1:8080", AdminAddress: "127.0.0.1:9090",
		DatabaseURL: "sqlite:pullwarden.db", AdvisoriesDir: "advisories",
		GitHub: githubapp.Config{
			WebURL: "https://github.com", V3APIURL: "https://api.github.com", V4APIURL: "https://api.github.com/graphql",
		},
		Webhook:  Webhook{Senders: []string{}, Proxies: []string{}, BadPerMinute: 60},
		Review:   Review{Workers: 4, Patience: 2 * time.Second, Deadline: 5 * time.Minute, ScannerTimeout: 2 * time.Minute, Lease: 30 * time.Second, Mode: "enforce"},
		Fetch:    Fetch{ResponseMiB: 64, ObjectMiB: 4, InflatedMiB: 256, Objects: 200_000},
		Limits:   Limits{Points: 900, Concurrent: 100, WritesMinute: 80, WritesHour: 500},
		Upgrades: Upgrades{Enabled: true},
		Verify:   Verify{Installations: []int64{}, Providers: map[string]string{}},
		Ready:    Ready{QueueAge: 15 * time.Minute, AdvisoryAge: 72 * time.Hour, Advisories: "note"},
		CatchUp:  CatchUp{Deliveries: 30 * time.Second, Pulls: time.Minute, Calls: 20},
		KeepDays: 30, StopWithin: 30 * time.Second,
		Log: Log{Level: "info"},
	}
}

// Load reads the file at path ("" for none), then the environment. Its errors
// name the place, the key and the reason and never a value that may be secret.
func Load(path string, getenv func(string) string) (Config, error) {
	c := Default()
	c.set = sources{}
	if path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("read the settings: %w", err)
		}
		name := filepath.Base(path)
		if c, err = parse(b, name); err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := c.fromEnvironment(getenv); err != nil {
		return c, err
	}
	c.fromTools(getenv)
	return c, nil
}

// Check returns an error for each value that the server cannot start with.
func (c *Config) Check() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", c.Place(key), fmt.Sprintf(format, args...)))
	}
	if c.GitHub.App.IntegrationID <= 0 {
		bad("github.app.integration_id", "the App's id is required (GITHUB_APP_INTEGRATION_ID)")
	}
	switch n := len(c.GitHub.App.WebhookSecret); {
	case n == 0:
		bad("github.app.webhook_secret", "a secret is required: without one anybody could send events (GITHUB_APP_WEBHOOK_SECRET)")
	case n < minSecret:
		bad("github.app.webhook_secret", "is shorter than %d characters: who guesses it could send events (set a longer one here and on the App's page)", minSecret)
	}
	if !strings.Contains(c.GitHub.App.PrivateKey, "PRIVATE KEY-----") {
		bad("github.app.private_key", "the App's private key in PEM form is required (GITHUB_APP_PRIVATE_KEY)")
	}
	switch w := c.Writer; {
	case w.IntegrationID < 0:
		bad("writer.integration_id", "%d is negative", w.IntegrationID)
	case w.IntegrationID == 0 && w.PrivateKey != "":
		bad("writer.integration_id", "there is a private key, but no App that it belongs to (PULLWARDEN_WRITER_INTEGRATION_ID)")
	case w.IntegrationID != 0 && !strings.Contains(w.PrivateKey, "PRIVATE KEY-----"):
		bad("writer.private_key", "the second App's private key in PEM form is required (PULLWARDEN_WRITER_PRIVATE_KEY)")
	case w.IntegrationID != 0 && w.IntegrationID == c.GitHub.App.IntegrationID:
		bad("writer.integration_id", "is that of the first App: leave it out, or name another")
	}
	for key, v := range map[string]string{"github.v3_api_url": c.GitHub.V3APIURL, "github.v4_api_url": c.GitHub.V4APIURL, "github.web_url": c.GitHub.WebURL} {
		if !webAddress(v) {
			bad(key, "%q is no http(s) address", v)
		}
	}
	for key, v := range map[string]string{"address": c.Address, "admin_address": c.AdminAddress} {
		if _, _, err := net.SplitHostPort(v); err != nil {
			bad(key, "%q is not HOST:PORT", v)
		}
	}
	if c.Address == c.AdminAddress && !strings.HasSuffix(c.Address, ":0") {
		bad("admin_address", "must differ from address: it is not for the public")
	}
	c.checkWebhook(bad)
	c.checkRegistries(bad)
	if !database(c.DatabaseURL) {
		bad("database_url", "must be sqlite:FILE or postgres://USER:PASSWORD@HOST:PORT/DATABASE") // may be secret: not shown
	}
	if c.Review.Workers < 1 || c.Review.Workers > 256 {
		bad("review.workers", "%d is not between 1 and 256", c.Review.Workers)
	}
	if c.Review.Patience < 0 || c.Review.Patience > c.Review.Deadline {
		bad("review.patience", "%v is not between 0 and review.deadline", c.Review.Patience)
	}
	if c.Review.Deadline < time.Second {
		bad("review.deadline", "%v is under one second", c.Review.Deadline)
	}
	if c.Review.ScannerTimeout <= 0 || c.Review.ScannerTimeout > c.Review.Deadline {
		bad("review.scanner_timeout", "%v is not between 0 and review.deadline", c.Review.ScannerTimeout)
	}
	if c.Review.Lease < 3*time.Second || c.Review.Lease > 10*time.Minute {
		bad("review.lease", "%v is not between 3s and 10m", c.Review.Lease)
	}
	if c.Review.Mode != "enforce" && c.Review.Mode != "observe" {
		bad("review.mode", "%q is neither enforce nor observe", c.Review.Mode)
	}
	for key, v := range map[string]int64{
		"fetch.response_mib": c.Fetch.ResponseMiB, "fetch.object_mib": c.Fetch.ObjectMiB,
		"fetch.inflated_mib": c.Fetch.InflatedMiB, "fetch.objects": int64(c.Fetch.Objects),
	} {
		if v < 1 || v > 1<<30 {
			bad(key, "%d is not between 1 and %d", v, 1<<30)
		}
	}
	for key, v := range map[string]int{
		"limits.points": c.Limits.Points, "limits.concurrent": c.Limits.Concurrent,
		"limits.writes_minute": c.Limits.WritesMinute, "limits.writes_hour": c.Limits.WritesHour,
	} {
		if v < 0 {
			bad(key, "%d is negative; 0 is no limit", v)
		}
	}
	for key, v := range map[string]time.Duration{"catch_up.deliveries": c.CatchUp.Deliveries, "catch_up.pulls": c.CatchUp.Pulls} {
		if v != 0 && (v < time.Second || v > 24*time.Hour) {
			bad(key, "%v is neither 0 nor between 1s and 24h", v)
		}
	}
	if c.CatchUp.Calls < 1 || c.CatchUp.Calls > 1000 {
		bad("catch_up.calls", "%d is not between 1 and 1000", c.CatchUp.Calls)
	}
	if c.Upgrades.FirstDay < 0 {
		bad("upgrades.first_day", "%d is negative", c.Upgrades.FirstDay)
	}
	for key, k := range map[string]string{"fingerprint_key": c.FingerprintKey, "old_fingerprint_key": c.OldFingerprintKey} {
		if k != "" && len(k) < minSecret {
			bad(key, "is shorter than %d characters: what it stands for could be guessed", minSecret)
		}
	}
	if c.Ready.QueueAge < 0 {
		bad("ready.queue_age", "%v is negative", c.Ready.QueueAge)
	}
	if c.Ready.AdvisoryAge < 0 {
		bad("ready.advisory_age", "%v is negative", c.Ready.AdvisoryAge)
	}
	if c.Ready.Advisories != "note" && c.Ready.Advisories != "require" {
		bad("ready.advisories", "%q is neither note nor require", c.Ready.Advisories)
	}
	if c.StopWithin < time.Second || c.StopWithin > time.Hour {
		bad("stop_within", "%v is not between 1s and 1h", c.StopWithin)
	}
	if c.KeepDays < 1 {
		bad("keep_days", "%d is under one day", c.KeepDays)
	}
	return errors.Join(errs...)
}

// Source names what a setting was taken from: a line of the file, or a
// variable; "" for its default.
func (c Config) Source(key string) string { return c.set[key] }

// Place is the name of a setting for an error, with what it was taken from:
// "pullwarden.yml line 3: review.mode".
func (c Config) Place(key string) string {
	if source := c.set[key]; source != "" {
		return source + ": " + key
	}
	return key
}

// minSecret is how many characters a secret has at least.
const minSecret = 16

func database(s string) bool {
	scheme, rest, _ := strings.Cut(s, ":")
	switch scheme {
	case "sqlite":
		return rest != ""
	case "postgres", "postgresql":
		return strings.HasPrefix(rest, "//")
	}
	return false
}

func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
