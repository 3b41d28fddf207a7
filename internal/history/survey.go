package history

import (
	"context"
	"time"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// A Begun is a check that was shown as under way.
type Begun struct {
	Repo forge.Repo
	Pull int // number; 0 for a merge group
	SHA  string
	Base string // SHA
	At   time.Time
}

// Knowledge is what the ledger knows of the head of a pull request.
type Knowledge int

const (
	Unknown Knowledge = iota
	Stale             // a verdict was shown on it, for another base, or before it was closed or made ready
	Settled           // a verdict for its base was shown, or it was passed over
)

// A Survey tells what is believed of the host, so that catching up can compare
// it with what is there, and keeps how far catching up has come. Its methods
// are safe for concurrent use.
type Survey interface {
	// Installations returns every installation that is known; true means that
	// it is known to be uninstalled or suspended.
	Installations(ctx context.Context) (gone map[int64]bool, err error)
	// Repositories returns what an installation is believed to cover, by id.
	Repositories(ctx context.Context, installation int64) (map[int64]forge.Repo, error)
	// InstalledAt returns when repo was first served; zero if it is not known.
	InstalledAt(ctx context.Context, repo forge.Repo) (time.Time, error)
	// Open returns the numbers of the pull requests of repo that are known and
	// not known to be closed.
	Open(ctx context.Context, repo forge.Repo) ([]int, error)
	// Known tells what is known of the present head of p.
	Known(ctx context.Context, p forge.Pull) (Knowledge, error)
	// PassOver has the present head of p left alone.
	PassOver(ctx context.Context, p forge.Pull, at time.Time) error
	// Overdue returns the checks that were begun before then and are not known
	// to be completed, of repositories that are served.
	Overdue(ctx context.Context, before time.Time) ([]Begun, error)
	// Excepting returns the repositories that are served and may have exceptions.
	Excepting(ctx context.Context) ([]forge.Repo, error)
	// Lapsed returns the open pull requests in whose latest run an exception
	// counted that ended after from and no later than to.
	Lapsed(ctx context.Context, from, to time.Time) ([]forge.PullRef, error)
	// Position returns how far name has come; zero if it never began.
	Position(ctx context.Context, name string) (time.Time, error)
	SetPosition(ctx context.Context, name string, at time.Time) error
	// Asked returns how often the delivery was asked for again, and when last.
	Asked(ctx context.Context, guid string) (times int, last time.Time, err error)
	// Ask counts that it is asked for again.
	Ask(ctx context.Context, guid string, at time.Time) error
	// Forget drops what is known of deliveries that were last asked for before then.
	Forget(ctx context.Context, before time.Time) error
}
