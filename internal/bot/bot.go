// Package bot is the product: it turns events into checks, comments and pull
// requests. Start with review.go.
package bot

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

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
	Verifier verifier                          // nil: no provider of a secret is asked
	Planner  *upgrade.Planner                  // nil: no upgrades
	Options  Options
	Now      func() time.Time
	Reviewed func(forge.Pull, report.Report) // called after a review was posted; may be nil
	Meter    Meter                           // nil: nothing is counted
	Access   access                          // who may press buttons and give commands; nil: nobody
	Talk     talk                            // nil: no command is obeyed
	Pushes   pushes                          // nil: nothing is fixed for anybody
	// OrganisationRules returns the scanner that stands in for the one of its name
	// and looks for the rules in the text of an organisation's file too, and what
	// is wrong with some of them; no scanner if there is none to use. Nil:
	// organisations bring none.
	OrganisationRules func(file string, text []byte) (scan.Scanner, error)
	// Conversations keep what commands come to; nil: no command is obeyed.
	Conversations history.Conversations
	strangers     strangers
	// Accept returns nil once it is certain that e will be handled.
	Accept func(ctx context.Context, e forge.Event, key string) error
}

// Options are the operator's.
type Options struct {
	Key        finding.Key
	Deadline   time.Duration // of a review; past it the check completes as neutral
	Patience   time.Duration // before the check shows that a review is under way
	Scanner    time.Duration // of one scanner
	Texts      *report.Texts // nil: our own
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

// verifier asks the providers of secrets whether these still work; *verify.Verifier in production.
type verifier interface {
	Verify(ctx context.Context, installation int64, findings []finding.Finding)
}

// Handle does what e asks for. It may be called again with the same event. An
// error that is forge.ErrNotFound or forge.ErrDenied is final.
func (b *Bot) Handle(ctx context.Context, e forge.Event) error {
	if gone, err := b.gone(ctx, e); err != nil || gone {
		return err
	}
	err := b.handle(ctx, e)
	if errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrDenied) {
		b.abandon(ctx, e, err)
	}
	return err
}

// gone reports whether e is about a repository where the App may do nothing any
// more, or for now: then nothing is asked there either.
func (b *Bot) gone(ctx context.Context, e forge.Event) (bool, error) {
	switch e.Kind {
	case forge.Installed, forge.Uninstalled, forge.RepositoryMoved:
		return false, nil
	}
	gone, err := b.Ledger.Left(ctx, e.Repo.Installation)
	if gone {
		zerolog.Ctx(ctx).Info().Str("kind", string(e.Kind)).Msg("ignored: the App was uninstalled or suspended")
	}
	return gone, err
}

func (b *Bot) handle(ctx context.Context, e forge.Event) error {
	switch e.Kind {
	case forge.PullChanged:
		return b.review(ctx, e, forge.PullRef{Repo: e.Repo, Number: e.Number})
	case forge.PullClosed:
		return b.closed(ctx, e)
	case forge.CheckAsked:
		return b.again(ctx, e)
	case forge.ButtonPressed:
		return b.pressed(ctx, e)
	case forge.Commanded:
		return b.commanded(ctx, e)
	case forge.GroupAsked:
		return b.reviewGroup(ctx, e)
	case forge.DefaultPushed:
		return b.upgrade(ctx, e)
	case forge.RemindersDue:
		return b.remind(ctx, e)
	case forge.RepositoryMoved:
		return b.Ledger.Moved(ctx, e.Repo, e.Received)
	case forge.Installed, forge.Uninstalled:
		if b.Pushes != nil && e.Kind == forge.Installed && e.Contents != "" {
			b.Pushes.Granted(e.Installation, e.Contents)
		}
		return b.Ledger.Installed(ctx, e)
	}
	return nil
}
