// Package app puts the parts together. It is the only place that knows them all.
package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/bot"
	"github.com/pullwarden/pullwarden/internal/doctor"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/forge/github"
	"github.com/pullwarden/pullwarden/internal/forge/github/hook"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/queue"
	"github.com/pullwarden/pullwarden/internal/report"
	"github.com/pullwarden/pullwarden/internal/scan"
	"github.com/pullwarden/pullwarden/internal/store"
	"github.com/pullwarden/pullwarden/internal/upgrade"
	"github.com/pullwarden/pullwarden/internal/verify"
	"github.com/pullwarden/pullwarden/internal/web"
)

// writer is the second App, if there is one.
func writer(w config.Writer) *github.Writer {
	if w.IntegrationID == 0 {
		return nil
	}
	return &github.Writer{AppID: w.IntegrationID, PrivateKey: []byte(w.PrivateKey)}
}

// Webhook is the path that deliveries are posted to.
const Webhook = "/api/github/hook"

// Options are what a program around the server may want; the zero value is a plain server.
type Options struct {
	Log      zerolog.Logger
	Create   bool                                // the directory of the database, if it does not exist
	Now      func() time.Time                    // nil means time.Now
	Pace     float64                             // how many times faster than the machine's the clock of Now runs, for tests; 0 means 1
	HTTP     *http.Client                        // asks GitHub, git included; nil means one with the usual patience
	Reviewed func(p forge.Pull, r report.Report) // called after each review was posted
}

// A Server is the bot with its webhook, its queue and its database.
type Server struct {
	cfg        config.Config
	log        zerolog.Logger
	now        func() time.Time
	db         *store.DB
	writable   writable
	queue      *queue.Queue
	bot        *bot.Bot
	public     http.Handler
	admin      http.Handler
	advisories func() advisory.Info
	off        []doctor.Registry // whose upgrades are off
	allow      *hook.AllowList   // nil: deliveries may come from anywhere
	cert       *certificate      // nil: plain HTTP
	hookLn     net.Listener
	admLn      net.Listener
	stopping   atomic.Bool
	closing    sync.Mutex

	// catchUp is used by whoever has put something into catching.
	catchUp  *bot.CatchUp
	catching chan struct{}
	pace     float64 // of now; 1 is the machine's
}

// New opens the database, and listens; nothing is answered or worked on before Run.
func New(ctx context.Context, cfg config.Config, o Options) (_ *Server, err error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	ctx = o.Log.WithContext(ctx)
	s := &Server{cfg: cfg, log: o.Log, now: o.Now, catching: make(chan struct{}, 1), pace: max(o.Pace, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if o.Create {
		if err := store.MakeDirectory(cfg.DatabaseURL); err != nil {
			return nil, fmt.Errorf("%s: %w", cfg.Place("database_url"), err)
		}
	}
	var missing *store.NoDirectoryError
	if s.db, err = store.Open(ctx, cfg.DatabaseURL, o.Now); errors.As(err, &missing) {
		return nil, fmt.Errorf("%s: %w: correct the path, or have `pullwarden serve --create` make it", cfg.Place("database_url"), missing)
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Place("database_url"), err)
	}
	s.writable = writable{try: s.db.TryWrite, every: writeEvery}
	secret, err := s.db.Secret(ctx, "fingerprints")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Place("database_url"), err)
	}
	key := fingerprintKey(cfg, secret)
	s.queue, err = queue.Open(ctx, s.db.SQL(), queue.Options{
		Workers: cfg.Review.Workers, Timeout: cfg.Review.Deadline + time.Minute, Attempts: attempts, Backoff: backoff,
		Drain: drain(cfg.StopWithin), Lease: cfg.Review.Lease, Now: o.Now, Pace: o.Pace,
	})
	if err != nil {
		return nil, fmt.Errorf("open the queue: %w", err)
	}
	advisories, err := advisory.Open(cfg.AdvisoriesDir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Place("advisories_dir"), err)
	}
	if advisories.Info().Outdated() {
		o.Log.Warn().Str("dir", cfg.AdvisoriesDir).Msg("an older version made the advisory index: import the advisories again (pullwarden advisories import)")
	}
	metrics := web.NewMetrics(Version(), o.Now)
	hub, err := github.New(github.Options{
		Writer: writer(cfg.Writer), AppID: cfg.GitHub.App.IntegrationID, PrivateKey: []byte(cfg.GitHub.App.PrivateKey),
		APIURL: cfg.GitHub.V3APIURL, GraphQLURL: cfg.GitHub.V4APIURL, WebURL: cfg.GitHub.WebURL, Key: key,
		Limits: github.Limits(cfg.Limits), HTTP: o.HTTP, Now: o.Now, Called: called(metrics),
	})
	if err != nil {
		return nil, err
	}
	var texts *report.Texts
	if cfg.TemplatesDir != "" {
		texts, err = report.NewTexts(os.DirFS(cfg.TemplatesDir), func(name string, err error) {
			o.Log.Error().Err(err).Str("template", name).Msg("a text of the operator failed: ours stands in")
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", cfg.Place("templates_dir"), err)
		}
	}
	own, err := ReadSecretRules(cfg.SecretRules)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Place("secret_rules"), err)
	}
	if own.Wrong != nil {
		o.Log.Error().Err(own.Wrong).Msg("rules of the operator for secrets are left out")
	}
	verifier, err := verify.New(http.DefaultTransport, cfg.Verify.Providers, cfg.Verify.Installations)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	ecosystems := Ecosystems(cfg.Registries, nil)
	s.bot = &bot.Bot{
		Forge: hub, Source: fetcher(cfg.Fetch, o.HTTP, metrics), Ledger: s.db.Ledger(), Meter: metrics,
		Scanners: Scanners(advisories, ecosystems, own), Results: func(id int64) scan.Cache { return s.db.Results(id) }, Now: o.Now, Reviewed: o.Reviewed,
		OrganisationRules: organisationSecrets(own), Verifier: verifier,
		Access: hub, Talk: hub, Pushes: hub, Conversations: s.db.Conversations(), Accept: s.queue.Accept,
		Options: bot.Options{
			Key: key, Deadline: cfg.Review.Deadline, Patience: cfg.Review.Patience, Scanner: cfg.Review.ScannerTimeout,
			Texts: texts, Mode: policy.Mode(cfg.Review.Mode), FirstDay: cfg.Upgrades.FirstDay,
			Rules: RulesDigest() + own.Sum, Advisories: func() string { return advisories.Info().Snapshot },
		},
	}
	if cfg.Upgrades.Enabled && cfg.Writer.IntegrationID == 0 {
		o.Log.Info().Msg("no second App: upgrades, fixes and resolved threads need contents: write of the first")
	}
	s.off = upgradesOff(cfg)
	for _, r := range s.off {
		o.Log.Info().Str("ecosystem", r.Ecosystem).Str("setting", r.Setting).Msg("no registry is configured: upgrades of this ecosystem are off")
	}
	if cfg.Upgrades.Enabled {
		s.bot.Planner = &upgrade.Planner{Advisories: advisories, Ecosystems: ecosystems}
	}
	s.catchUp = s.newCatchUp(hub)
	s.advisories = advisories.Info
	receive, err := s.gate(hub, metrics)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle(Webhook, receive)
	s.public = mux
	if cfg.TLS.Certificate != "" {
		if s.cert, err = openCertificate(cfg.TLS, o.Now, o.Log); err != nil {
			return nil, err
		}
	}
	s.admin = web.Handler(web.Options{
		State: s.state, Metrics: metrics, Now: o.Now,
		Bounds: web.Bounds{QueueAge: cfg.Ready.QueueAge, AdvisoryAge: cfg.Ready.AdvisoryAge, RequireAdvisories: cfg.Ready.Advisories == "require"},
	})
	if s.hookLn, err = net.Listen("tcp", cfg.Address); err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Place("address"), err)
	}
	if s.admLn, err = net.Listen("tcp", cfg.AdminAddress); err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Place("admin_address"), err)
	}
	return s, nil
}

// fingerprintKey is the operator's, or the one that the database keeps. What
// was made with the old one, which before the first of the operator was that of
// the database, is still known.
func fingerprintKey(cfg config.Config, kept []byte) finding.Key {
	key := finding.NewKey(kept)
	if cfg.FingerprintKey != "" {
		key = finding.NewKey([]byte(cfg.FingerprintKey)).After(key)
	}
	if cfg.OldFingerprintKey != "" {
		key = key.After(finding.NewKey([]byte(cfg.OldFingerprintKey)))
	}
	return key
}

// gate is what lets deliveries in, as the operator wants it.
func (s *Server) gate(hub *github.Forge, metrics *web.Metrics) (http.Handler, error) {
	w := s.cfg.Webhook
	proxies, err := w.ProxyNetworks()
	if err != nil {
		return nil, fmt.Errorf("webhook.proxies: %w", err)
	}
	senders, wantGitHub, err := w.SenderNetworks()
	if err != nil {
		return nil, fmt.Errorf("webhook.senders: %w", err)
	}
	o := hook.Options{
		Secret: s.cfg.GitHub.App.WebhookSecret, Secrets: []string{s.cfg.OldWebhookSecret}, AppID: s.cfg.GitHub.App.IntegrationID,
		Proxies: hook.Proxies{Header: w.ProxyHeader, Networks: proxies}, BadPerMinute: w.BadPerMinute,
		Accept: s.queue.Accept, Left: s.db.Ledger().Left, Counted: metrics.Delivery, Now: s.now, Log: s.log,
	}
	if len(w.Senders) > 0 {
		s.allow = &hook.AllowList{Networks: senders}
		if wantGitHub {
			s.allow.GitHub = hub.HookNetworks
		}
		o.Allowed = s.allow.Allows
	}
	return hook.Handler(o)
}

// WebhookURL is where deliveries go.
func (s *Server) WebhookURL() string {
	scheme := "http"
	if s.cert != nil {
		scheme = "https"
	}
	return scheme + "://" + s.hookLn.Addr().String() + Webhook
}

// AdminURL is where health and metrics are.
func (s *Server) AdminURL() string { return "http://" + s.admLn.Addr().String() }

// Idle waits until no accepted work is outstanding.
func (s *Server) Idle(ctx context.Context) error { return s.queue.Idle(ctx) }

// attempts is how often work is tried at the most: more than fit into any
// deadline, so that a review ends with a completed check and not with its last attempt.
const attempts = 1000

// backoff is short beside a review's deadline.
func backoff(attempt int) time.Duration {
	return min(2*time.Second<<min(attempt-1, 10), 30*time.Second)
}

// work hands an event to the bot. What GitHub does not know or does not let us
// do will not come right by trying again.
func (s *Server) work(ctx context.Context, e forge.Event) error {
	err := s.bot.Handle(ctx, e)
	if errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrDenied) {
		return queue.Permanent(err)
	}
	return err
}

// state is what the admin pages tell.
func (s *Server) state(ctx context.Context) (web.State, error) {
	state := web.State{Advisories: s.advisories().Imported}
	for _, r := range s.off {
		state.Notes = append(state.Notes, fmt.Sprintf("no registry is configured for %s: their upgrades are off; set %s", r.Of, r.Setting))
	}
	if s.stopping.Load() {
		state.Trouble = append(state.Trouble, "the server is stopping")
	}
	if s.allow != nil {
		if err := s.allow.Known(); err != nil {
			state.Trouble = append(state.Trouble, err.Error())
		}
	}
	stats, err := s.queue.Stats(ctx)
	if err != nil {
		s.log.Error().Err(err).Msg("the database does not answer")
	} else if fresh, err := s.writable.ask(ctx); err != nil {
		state.Trouble = append(state.Trouble, "the database takes no writes, as when the disk is full: deliveries get 503")
		if fresh {
			s.log.Error().Err(err).Msg("the database takes no writes")
		}
	}
	state.Waiting, state.Oldest, state.Failed = stats.Depth, stats.Oldest, stats.Failed
	return state, err
}
