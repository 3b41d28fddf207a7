package app

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/doctor"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/forge/github"
	"github.com/pullwarden/pullwarden/internal/queue"
	"github.com/pullwarden/pullwarden/internal/report"
	"github.com/pullwarden/pullwarden/internal/store"
	"github.com/pullwarden/pullwarden/internal/verify"
)

// Doctor returns what doctor.Run has to know of the settings. Settings that
// the server could not start with are part of it: the rest is looked at all the same.
func Doctor(cfg config.Config, env func(string) string) doctor.Options {
	o := doctor.Options{
		Secrets: secrets(cfg, env),
		AppID:   cfg.GitHub.App.IntegrationID,
		APIURL:  cfg.GitHub.V3APIURL, GraphQLURL: cfg.GitHub.V4APIURL, WebURL: cfg.GitHub.WebURL,
		Upgrades: cfg.Upgrades.Enabled,
		Address:  cfg.Address, AdminAddress: cfg.AdminAddress, Route: Webhook,
		TLS: cfg.TLS.Certificate != "", Senders: len(cfg.Webhook.Senders) > 0,
		WebhookSecret: cfg.GitHub.App.WebhookSecret, OldSecret: cfg.OldWebhookSecret != "", OldKey: cfg.OldFingerprintKey != "",
		Stale:      cfg.Ready.AdvisoryAge,
		Disks:      []doctor.Disk{{What: "the advisories", Path: absolute(cfg.AdvisoriesDir)}},
		Registries: Registries(cfg),
		Proxy:      http.ProxyFromEnvironment, Env: env, Now: time.Now,
	}
	if err := cfg.Check(); err != nil {
		o.Settings = eachOf(err)
	}
	o.Settings = append(o.Settings, unusable(cfg)...)
	o.Least, o.Want, o.Manifest = asked(cfg)
	if hub, err := inspector(cfg, cfg.GitHub.App.IntegrationID, cfg.GitHub.App.PrivateKey); err == nil {
		o.GitHub = hub
	} else {
		o.Unasked = err
	}
	if cfg.Writer.IntegrationID != 0 {
		o.Writer = &doctor.Writer{AppID: cfg.Writer.IntegrationID, Want: github.Manifests()["app.writer.yml"], Manifest: "app.writer.yml"}
		if hub, err := inspector(cfg, cfg.Writer.IntegrationID, cfg.Writer.PrivateKey); err == nil {
			o.Writer.GitHub = hub
		} else {
			o.Writer.Unasked = errors.New("the second App's private key (writer.private_key) is no RSA key in PEM")
		}
	}
	o.Database = func(ctx context.Context) (doctor.Database, error) { return inspect(ctx, cfg.DatabaseURL) }
	o.Advisories = func(context.Context) (doctor.Advisories, error) {
		db, err := advisory.Open(cfg.AdvisoriesDir)
		if err != nil {
			return doctor.Advisories{}, err
		}
		info := db.Info()
		return doctor.Advisories{Dir: absolute(cfg.AdvisoriesDir), Records: info.Records, Imported: info.Imported, Outdated: info.Outdated()}, db.Close()
	}
	if file, lite := strings.CutPrefix(cfg.DatabaseURL, "sqlite:"); lite && file != ":memory:" {
		o.Disks = append([]doctor.Disk{{What: "the database", Path: absolute(filepath.Dir(file))}}, o.Disks...)
	}
	return o
}

// unusable lists the settings that name something that cannot be used.
func unusable(cfg config.Config) (all []string) {
	wrong := func(key string, err error) {
		if err != nil {
			for _, e := range eachOf(err) {
				all = append(all, cfg.Place(key)+": "+e)
			}
		}
	}
	if cfg.TemplatesDir != "" {
		_, err := report.NewTexts(os.DirFS(cfg.TemplatesDir), nil)
		wrong("templates_dir", err)
	}
	own, err := ReadSecretRules(cfg.SecretRules)
	wrong("secret_rules", err)
	wrong("secret_rules", own.Wrong)
	_, err = verify.New(nil, cfg.Verify.Providers, nil)
	wrong("verify", err)
	return all
}

// asked returns what the first App cannot do without, what it should ask for
// as things are set up, and which file says so.
func asked(cfg config.Config) (least, want forge.Grant, manifest string) {
	const full, reduced = "app.yml", "app.no-upgrades.yml"
	all := github.Manifests()
	switch {
	case !cfg.Upgrades.Enabled:
		return github.Least(), all[reduced], reduced
	case cfg.Writer.IntegrationID == 0:
		return github.Least(), all[full], full
	}
	want = all[reduced]
	want.Events = append(slices.Clone(want.Events), "push") // it is told what the second App then writes
	return github.Least(), want, reduced + ", with the event push,"
}

// inspector asks as one of our Apps.
func inspector(cfg config.Config, id int64, key string) (*github.Inspector, error) {
	return github.NewInspector(github.Options{AppID: id, PrivateKey: []byte(key),
		APIURL: cfg.GitHub.V3APIURL, GraphQLURL: cfg.GitHub.V4APIURL, WebURL: cfg.GitHub.WebURL})
}

func inspect(ctx context.Context, url string) (doctor.Database, error) {
	c, err := store.Inspect(ctx, url, lacksJobTables)
	if inner := errors.Unwrap(err); inner != nil {
		err = inner // doctor says itself what it looks at
	}
	kind := "PostgreSQL"
	if strings.HasPrefix(url, "sqlite:") {
		kind = "SQLite"
	}
	if c.File != "" && c.File != ":memory:" {
		c.File = absolute(c.File) // where doctor was started, a relative one may be another than the server's
	}
	return doctor.Database{
		Kind: kind, File: c.File, Exists: c.Exists, InUse: c.InUse, Pending: c.Pending, Newer: c.Newer, Refuses: c.Refuses,
	}, err
}

// lacksJobTables is the queue's part of the question whether all is migrated.
func lacksJobTables(ctx context.Context, db *sql.DB) (bool, error) {
	done, err := queue.Migrated(ctx, db)
	return !done, err
}

// absolute is path as people find it.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// eachOf takes errors that were joined apart.
func eachOf(err error) (all []string) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			all = append(all, e.Error())
		}
		return all
	}
	return []string{err.Error()}
}

// secrets lists what must never be shown.
func secrets(cfg config.Config, env func(string) string) []string {
	all := []string{cfg.GitHub.App.WebhookSecret, cfg.OldWebhookSecret, cfg.FingerprintKey, cfg.OldFingerprintKey, cfg.GitHub.OAuth.ClientSecret}
	for line := range strings.Lines(cfg.GitHub.App.PrivateKey + "\n" + cfg.Writer.PrivateKey) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") {
			all = append(all, line)
		}
	}
	addresses := []string{cfg.DatabaseURL, cfg.Registries.Go, cfg.Registries.NPM}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		addresses = append(addresses, env(name))
	}
	for _, list := range addresses {
		for address := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == '|' }) {
			if u, err := url.Parse(address); err == nil && u.User != nil {
				if word, has := u.User.Password(); has {
					all = append(all, word, url.QueryEscape(word))
				}
			}
		}
	}
	return all
}
