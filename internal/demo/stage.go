package demo

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/app"
	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/report"
)

// A Stage is a small GitHub and the real server, both on the loopback address.
// The demo plays on it, and so do the end-to-end scripts.
type Stage struct {
	Hub    *fakehub.Hub
	HubURL string
	Config config.Config

	options StageOptions
	began   time.Time
	sample  *sample
	dir     string
	http    []*http.Server

	mu      sync.Mutex
	server  *app.Server
	stop    context.CancelFunc
	ended   chan error
	reports map[int]report.Report // the latest of each pull request
}

// StageOptions say how a Stage is set up.
type StageOptions struct {
	Log    zerolog.Logger
	Sample []byte // in the form of sample.txtar; nil for the one of the demo
	// Bare leaves out what the sample's registries and advisories know: for a
	// repository of the user's, they would only stand in the way of the truth.
	Bare bool
	// Advisories is an index to use instead of the sample's.
	Advisories string
	// Through returns the address at which the server finds GitHub, given the
	// fake's: for something that stands in between. Nil: the fake itself.
	Through func(hubURL string) (string, error)
	// Permissions are those that installations of the App granted; nil means all that it asks for.
	Permissions map[string]string
	// Writer is what a second App may do, which writes for the first; nil for none.
	Writer map[string]string
	// Settings changes the server's settings before it starts.
	Settings func(*config.Config)
	// Hub changes how the fake GitHub is set up.
	Hub func(*fakehub.Options)
	// Pace is how many times faster than the machine's the server's clock runs,
	// so that nobody waits for what it puts off; 0 means 1.
	Pace float64
	// HTTP asks GitHub instead of the server's own client.
	HTTP *http.Client
	// Reviewed is called after each review was posted.
	Reviewed func(forge.Pull, report.Report)
	// Unattended leaves the server unstarted: Config is for one elsewhere.
	Unattended bool
}

// NewStage starts both. Close ends them and removes what they wrote.
func NewStage(ctx context.Context, o StageOptions) (_ *Stage, err error) {
	s := &Stage{options: o, began: time.Now(), reports: map[int]report.Report{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if o.Sample == nil {
		o.Sample = sampleText
	}
	if s.sample, err = parseSample(o.Sample); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "pullwarden-demo-"); err != nil {
		return nil, err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 16)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	hub := fakehub.Options{
		Dir: filepath.Join(s.dir, "hub"), AppID: 1, Key: &key.PublicKey, Secret: hex.EncodeToString(secret),
		Permissions: o.Permissions,
	}
	if o.Writer != nil {
		hub.Second = &fakehub.SecondApp{AppID: 2, Slug: "pullwarden-writer", Key: &key.PublicKey, Permissions: o.Writer}
	}
	if o.Hub != nil {
		o.Hub(&hub)
	}
	if s.Hub, err = fakehub.New(hub); err != nil {
		return nil, err
	}
	if s.HubURL, err = s.listen(s.Hub); err != nil {
		return nil, err
	}
	api := s.HubURL
	if o.Through != nil {
		if api, err = o.Through(s.HubURL); err != nil {
			return nil, err
		}
	}
	cfg := config.Default()
	cfg.Address, cfg.AdminAddress = "127.0.0.1:0", "127.0.0.1:0"
	cfg.DatabaseURL = "sqlite:" + filepath.Join(s.dir, "pullwarden.db")
	cfg.AdvisoriesDir = filepath.Join(s.dir, "advisories")
	cfg.GitHub.WebURL, cfg.GitHub.V3APIURL, cfg.GitHub.V4APIURL = api, api+"/api/v3/", api+"/api/graphql"
	cfg.GitHub.App.IntegrationID = 1
	cfg.GitHub.App.WebhookSecret = hex.EncodeToString(secret)
	cfg.GitHub.App.PrivateKey = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	if o.Writer != nil {
		cfg.Writer = config.Writer{IntegrationID: 2, PrivateKey: cfg.GitHub.App.PrivateKey}
	}
	cfg.Upgrades.FirstDay = 5
	cfg.Limits = config.Limits{} // the fake has none
	// What is played is told by webhooks, unless a play says otherwise: see Server.CatchUp.
	cfg.CatchUp.Deliveries, cfg.CatchUp.Pulls = 0, 0
	switch {
	case o.Advisories != "":
		cfg.AdvisoriesDir = o.Advisories
	case !o.Bare:
		registries, err := s.listen(s.sample.registries())
		if err != nil {
			return nil, err
		}
		cfg.Registries = config.Registries{Go: registries + "/go", NPM: registries + "/npm"}
		published := filepath.Join(s.dir, "published")
		if err := s.sample.writeAdvisories(published); err != nil {
			return nil, err
		}
		if _, err := advisory.Import(ctx, published, cfg.AdvisoriesDir, time.Now()); err != nil {
			return nil, fmt.Errorf("import the advisories: %w", err)
		}
	}
	if o.Settings != nil {
		o.Settings(&cfg)
	}
	s.Config = cfg
	if o.Unattended {
		return s, nil
	}
	return s, s.Start(ctx)
}

func (s *Stage) listen(h http.Handler) (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	s.http = append(s.http, srv)
	go func() { _ = srv.Serve(ln) }()
	return "http://" + ln.Addr().String(), nil
}

// Start starts the server, again if it was stopped: the database is the same.
func (s *Stage) Start(ctx context.Context) error {
	o := app.Options{Log: s.options.Log, Reviewed: s.keep, HTTP: s.options.HTTP}
	if s.options.Pace > 0 {
		o.Pace = s.options.Pace
		o.Now = func() time.Time { return s.began.Add(time.Duration(float64(time.Since(s.began)) * o.Pace)) }
	}
	server, err := app.New(ctx, s.Config, o)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server, s.stop, s.ended = server, stop, ended
	return nil
}

// Stop stops the server as an operator would.
func (s *Stage) Stop() error {
	s.mu.Lock()
	stop, ended := s.stop, s.ended
	s.stop = nil
	s.mu.Unlock()
	if stop == nil {
		return nil
	}
	stop()
	return <-ended
}

// Close ends everything and removes what was written.
func (s *Stage) Close() error {
	errs := []error{s.Stop()}
	for _, srv := range s.http {
		errs = append(errs, srv.Close())
	}
	if s.Hub != nil {
		errs = append(errs, s.Hub.Close())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// Server is the one that runs now.
func (s *Stage) Server() *app.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server
}

func (s *Stage) keep(p forge.Pull, r report.Report) {
	s.mu.Lock()
	s.reports[p.Number] = r
	s.mu.Unlock()
	if s.options.Reviewed != nil {
		s.options.Reviewed(p, r)
	}
}

// Report returns the latest review of a pull request.
func (s *Stage) Report(number int) (report.Report, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.reports[number]
	return r, ok
}

// Settle waits until the server has nothing left to do.
func (s *Stage) Settle(ctx context.Context) error {
	if err := s.Server().Idle(ctx); err != nil {
		return fmt.Errorf("wait for the server to finish: %w", err)
	}
	return nil
}
