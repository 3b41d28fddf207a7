// Package bot is the product: it turns events into checks, comments and pull
// requests. Start with review.go.
package bot

import (
	"context"
	"sync"
	"time"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/git"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
	"github.com/pullwarden/pullwarden/internal/scan"
	"github.com/pullwarden/pullwarden/internal/upgrade"
)

// A Bot serves one forge.
type Bot struct {
	Forge    forge.Forge
	Source   source
	Ledger   history.Ledger
	Scanners []scan.Scanner
	Results  func(repository int64) scan.Cache // what need not be looked at again; nil: look at all
	Planner  *upgrade.Planner                  // nil: no upgrades
	Options  Options
	Now      func() time.Time
	Reviewed func(forge.Pull, report.Report) // called after a review was posted; may be nil

	heads locks // one verdict at a time is posted on a head
}

// Options are the operator's.
type Options struct {
	Key        finding.Key
	Deadline   time.Duration // of a review; past it the check completes as neutral
	Scanner    time.Duration // of one scanner
	Mode       policy.Mode   // where a repository's file names none
	FirstDay   int           // upgrade pull requests on the first day of an installation
	Rules      string        // digest of the rules in use, for the ledger
	Advisories func() string // digest of the advisories in use
}

// maxFindings bounds what one scanner may report on one change.
const maxFindings = 1000

// source is where changes come from; *git.Fetcher in production.
type source interface {
	Change(ctx context.Context, r git.Remote, base, head string, ahead int) (*change.Change, error)
	Tree(ctx context.Context, r git.Remote, sha string) (*change.Change, error)
}

// Handle does what e asks for. It may be called again with the same event.
func (b *Bot) Handle(ctx context.Context, e forge.Event) error {
	switch e.Kind {
	case forge.PullChanged:
		return b.review(ctx, e, forge.PullRef{Repo: e.Repo, Number: e.Number})
	case forge.PullClosed:
		return b.closed(ctx, e)
	case forge.CheckAsked:
		return b.again(ctx, e)
	case forge.GroupAsked:
		return b.reviewGroup(ctx, e)
	case forge.DefaultPushed:
		return b.upgrade(ctx, e)
	case forge.RepositoryMoved:
		return b.Ledger.Moved(ctx, e.Repo, e.Received)
	case forge.Installed, forge.Uninstalled:
		return b.Ledger.Installed(ctx, e)
	}
	return nil
}

// locks is a lock for each of many names.
type locks struct {
	mu   sync.Mutex
	held map[string]*held
}

type held struct {
	sync.Mutex
	users int
}

// Lock waits for name and returns what gives it back.
func (l *locks) Lock(name string) (unlock func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[string]*held{}
	}
	h := l.held[name]
	if h == nil {
		h = &held{}
		l.held[name] = h
	}
	h.users++
	l.mu.Unlock()
	h.Lock()
	return func() {
		h.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if h.users--; h.users == 0 {
			delete(l.held, name)
		}
	}
}
