// Package history names what is remembered: runs, findings over time, and
// what was proposed.
package history

import (
	"context"
	"time"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// A Run is one judged scan, with all that its judgement rested on.
type Run struct {
	Repo       forge.Repo
	Pull       forge.Pull // zero for a merge group
	SHA        string     // head
	BaseRef    string
	MergeBase  string
	Policy     policy.Policy // as it was in force
	Rules      string        // digest of the scanners' rules and the program's version
	Advisories string        // digest of the advisory snapshot
	KeyID      string        // of the key that made the fingerprints
	OldKeyID   string        // of the one before, whose findings go on under the present one; "" if there is none
	Result     finding.Result
	Verdict    policy.Verdict
	Pushed     time.Time // as the host tells; zero if it does not
	Received   time.Time // delivery accepted
	Started    time.Time
	Finished   time.Time // the time that Judge was given
}

// A Delta compares a run with the one before it on the same pull request.
type Delta struct {
	Previous        string // head of the run before; "" if there was none
	New, Same, Gone []finding.Fingerprint
	Shown           bool `json:"-"` // it was recorded before, and its verdict was posted
}

// A Leak is a secret that was pushed to a pull request and is in none of its
// commits any more. Whoever fetched it meanwhile has it.
type Leak struct{ Rule, Path string }

// A Standing is the latest verdict of one open pull request on a head.
type Standing struct {
	Pull      int // number; 0 for a merge group
	Outcome   policy.Outcome
	Title     string
	BaseRef   string // branch it was judged for
	MergeBase string // SHA
}

// A Summary is what is known of our comment in the conversation of a pull request.
type Summary struct {
	Begun  bool   // one was posted, or was about to be
	ID     int64  // the host's; 0 if it is not known
	Digest string // of what it says
}

// Unposted is s before it is known to be posted.
func (s Summary) Unposted() Summary { return Summary{Begun: s.Begun, ID: s.ID} }

// A Ledger remembers. Its methods are safe for concurrent use.
type Ledger interface {
	// Record keeps r and says what changed since the run before. Recording the
	// same run again (same pull request, head, and verdict) adds nothing.
	Record(ctx context.Context, r Run) (Delta, error)
	// Leaked returns the secrets that changes took out of the open pull requests
	// with this head, unless they were excused, called no use or revoked, oldest first.
	Leaked(ctx context.Context, repo forge.Repo, sha string) ([]Leak, error)
	// At returns the latest verdict on sha of each pull request of repo that
	// is not known to be closed.
	At(ctx context.Context, repo forge.Repo, sha string) ([]Standing, error)
	// Past returns the latest result of each of the last n pull requests of
	// repo, newest first, as far as judging it again needs.
	Past(ctx context.Context, repo forge.Repo, n int) ([]finding.Result, error)
	// Begun keeps that a check is about to be shown as under way, until it was
	// posted or has ended otherwise: nothing that we began is forgotten.
	Begun(ctx context.Context, b Begun) error
	// Ended takes back what Begun kept.
	Ended(ctx context.Context, repo forge.Repo, pull int, sha string) error
	// UnderWay returns what was begun on a pull request (0: for merge groups) and
	// is not known to be completed.
	UnderWay(ctx context.Context, repo forge.Repo, pull int) ([]Begun, error)
	// Posted keeps which check run and comments a run was shown as.
	Posted(ctx context.Context, repo forge.Repo, pull int, sha string, check forge.CheckID, comments forge.Placed, at time.Time) error
	// Uses returns what is known of the exceptions of repo, by their ID.
	Uses(ctx context.Context, repo forge.Repo) (map[string]Use, error)
	// Reminded keeps that the owners of exceptions were told: that these end, and
	// that nothing needs those.
	Reminded(ctx context.Context, repo forge.Repo, ending, unused []string, at time.Time) error
	// Summary returns what is known of our comment in the conversation of a
	// pull request, and KeepSummary keeps it.
	Summary(ctx context.Context, ref forge.PullRef) (Summary, error)
	KeepSummary(ctx context.Context, ref forge.PullRef, s Summary) error
	// ReviewAsked reports whether people were asked to review a pull request,
	// and AskedReview keeps that they were.
	ReviewAsked(ctx context.Context, ref forge.PullRef) (bool, error)
	AskedReview(ctx context.Context, ref forge.PullRef, at time.Time) error
	// Closed marks a pull request as closed or merged.
	Closed(ctx context.Context, p forge.Pull, at time.Time) error
	// LastPolicy returns the policy text that last was valid in repo; ok is false if none was.
	LastPolicy(ctx context.Context, repo forge.Repo) (text []byte, ok bool, err error)
	// KeepPolicy keeps a valid policy text.
	KeepPolicy(ctx context.Context, repo forge.Repo, text []byte, at time.Time) error
	// LastOrganisation and KeepOrganisation are the same for a file of the
	// account that an installation is on; an empty text is one that says nothing.
	LastOrganisation(ctx context.Context, installation int64, path string) (text []byte, ok bool, err error)
	KeepOrganisation(ctx context.Context, installation int64, path string, text []byte, at time.Time) error
	// Moved keeps the present name of a repository; its id stays what it is known by.
	Moved(ctx context.Context, repo forge.Repo, at time.Time) error
	// Installed and Uninstalled keep which accounts and repositories we serve.
	Installed(ctx context.Context, e forge.Event) error
	// InstalledAt returns when repo was first served; zero if it is not known.
	InstalledAt(ctx context.Context, repo forge.Repo) (time.Time, error)
	// Left reports whether an account is known to have uninstalled or suspended
	// the App. One that nobody heard of has not.
	Left(ctx context.Context, installation int64) (bool, error)
	// Proposed keeps an upgrade: opened as ref, or not made and why.
	Proposed(ctx context.Context, repo forge.Repo, u Upgrade) error
	// Alone waits until nobody else holds key, in any process that shares the
	// ledger, and returns what gives it back. It is meant for the seconds in
	// which something is posted.
	Alone(ctx context.Context, key string) (release func(), err error)
	// Purge deletes what belongs to accounts that were uninstalled before then.
	Purge(ctx context.Context, before time.Time) error
}

// An Upgrade is one plan and what became of it.
type Upgrade struct {
	Ecosystem, Package, From, To string
	Advisories                   []string
	Pull                         int    // number of our pull request; 0 if none was opened
	Why                          string // why none was opened
	At                           time.Time
}
