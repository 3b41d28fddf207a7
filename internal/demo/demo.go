// Package demo plays the main job on the loopback address: a small GitHub, the
// real server, a pull request, its signed webhook, and what comes of it.
package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// Options say what to review.
type Options struct {
	// Repo is the directory of a repository of the user's, of which the
	// commits Base to Head become the pull request; "" means the built-in sample.
	Repo, Base, Head string
	Advisories       string // index to use for Repo; "" for none
	Log              zerolog.Logger
}

// patience is how long the whole play may take.
const patience = 15 * time.Minute

// Run plays once and returns what stands on the fake GitHub in the end.
// Everything that it started has ended when it returns.
func Run(ctx context.Context, o Options) (_ *Show, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s, err := NewStage(ctx, StageOptions{Log: o.Log, Bare: o.Repo != "", Advisories: o.Advisories})
	if err != nil {
		return nil, fmt.Errorf("set up the demo: %w", err)
	}
	defer func() {
		if closeErr := s.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("end the demo: %w", closeErr)
		}
	}()
	if o.Repo == "" {
		return s.playSample(ctx)
	}
	return s.playRepository(ctx, o)
}

// playSample opens the sample's pull request and moves its default branch.
func (s *Stage) playSample(ctx context.Context) (*Show, error) {
	repo, number, err := s.OpenSample(ctx)
	if err != nil {
		return nil, err
	}
	push := repo.PushEvent("main", "", repo.Tip("main"), "dev")
	if err := s.Deliver(ctx, push); err != nil {
		return nil, err
	}
	return s.review(ctx, repo, number)
}

// OpenSample installs the App on the sample's repository and opens its pull
// request; nothing of the latter was delivered yet.
func (s *Stage) OpenSample(ctx context.Context) (*fakehub.Repo, int, error) {
	repo, err := s.Install(ctx, "acme", "shop")
	if err != nil {
		return nil, 0, err
	}
	base, err := repo.Commit("main", "Open the shop", s.sample.base)
	if err != nil {
		return nil, 0, fmt.Errorf("make the sample's default branch: %w", err)
	}
	parent := base
	for _, c := range s.sample.commits {
		if parent, err = repo.Commit("receipts", c.message, c.files, fakehub.From(parent), fakehub.Delete(c.gone...)); err != nil {
			return nil, 0, fmt.Errorf("make the sample's commit %q: %w", c.message, err)
		}
	}
	number, err := repo.OpenPull("Receipts, and payment by card", "Customers asked for receipts.", "main", "receipts", "dev")
	if err != nil {
		return nil, 0, fmt.Errorf("open the sample's pull request: %w", err)
	}
	return repo, number, nil
}

// playRepository makes the pull request from commits of the user's.
func (s *Stage) playRepository(ctx context.Context, o Options) (*Show, error) {
	repo, err := s.Install(ctx, "local", "repository")
	if err != nil {
		return nil, err
	}
	for branch, rev := range map[string]string{"main": o.Base, "change": o.Head} {
		if _, err := repo.Import(o.Repo, rev, branch); err != nil {
			return nil, fmt.Errorf("read %s of the repository at %s: %w", rev, o.Repo, err)
		}
	}
	number, err := repo.OpenPull(o.Head+" onto "+o.Base, "", "main", "change", "you")
	if err != nil {
		return nil, fmt.Errorf("open the pull request: %w", err)
	}
	return s.review(ctx, repo, number)
}

// Install makes a repository with the App on it, and tells the server.
func (s *Stage) Install(ctx context.Context, owner, name string) (*fakehub.Repo, error) {
	repo, err := s.Hub.AddRepo(owner, name)
	if err != nil {
		return nil, err
	}
	e, err := s.Hub.InstallationEvent(owner, "created")
	if err != nil {
		return nil, err
	}
	return repo, s.Deliver(ctx, e)
}

// Deliver posts an event to the server, signed; anything but 2xx is an error.
func (s *Stage) Deliver(ctx context.Context, e fakehub.Event) error {
	d, err := s.Hub.Deliver(ctx, s.Server().WebhookURL(), e)
	if err != nil {
		return fmt.Errorf("deliver %s: %w", e.Name, err)
	}
	if d.Status/100 != 2 {
		return fmt.Errorf("deliver %s: the server answered %d", e.Name, d.Status)
	}
	return nil
}

// review delivers that a pull request was opened and waits for what comes of it.
func (s *Stage) review(ctx context.Context, repo *fakehub.Repo, number int) (*Show, error) {
	opened, err := repo.PullEvent(number, "opened")
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := s.Deliver(ctx, opened); err != nil {
		return nil, err
	}
	if err := s.Settle(ctx); err != nil {
		return nil, err
	}
	return s.read(repo, number, time.Since(start))
}
