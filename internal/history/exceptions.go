package history

import (
	"context"
	"time"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// An Exception is one that somebody asked for on a pull request. It holds for
// its finding in the whole repository.
type Exception struct {
	Asked string // key of the command that asked: the same one asks once
	Pull  int    // where it was asked for
	Print finding.Fingerprint
	KeyID string   // of the key that made Print
	Rule  string   // of the finding
	Paths []string // all that it had: what it has elsewhere is not excused
	// Advisories are all that it had, if it is about a dependency: what is
	// published later is not excused.
	Advisories []string
	Reason     string
	By         forge.User
	At         time.Time
	Until      time.Time // in force through the end of that day, UTC
	Approver   forge.User
	Approved   time.Time // zero: nobody has yet
	Approval   string    // key of the command that approved it
}

// Policy is e as the policy judges by it.
func (e Exception) Policy() policy.Exception {
	return policy.Exception{
		Fingerprint: e.Print, Reason: e.Reason, Owner: "@" + e.By.Login, Until: e.Until,
		Layer: policy.Conversation, Pending: e.Approved.IsZero(), Asked: e.Asked, Paths: e.Paths, Advisories: e.Advisories,
	}
}

// A Sighting is a finding as the latest run on a pull request saw it.
type Sighting struct {
	Print       finding.Fingerprint
	KeyID       string // of the key that made Print
	Rule        string
	Severity    string
	Path        string
	Line        int
	Paths       []string // of all its places, Path first
	Advisories  []string // ids, if it is about a dependency
	Action, Why string   // what was decided
	First       time.Time
	Head        string // that was judged
}

// Feedback is what somebody said of a finding.
type Feedback struct {
	Said   string // key of the command that said it: the same one says it once
	Pull   int
	Print  finding.Fingerprint
	KeyID  string
	Rule   string
	Reason string
	By     forge.User
	At     time.Time
}

// Conversations keep what people told us in comments. Their methods are safe
// for concurrent use, and called again with the same command they change
// nothing and answer the same.
type Conversations interface {
	// About returns the findings that a comment of ours is, or was, about: none
	// if it is not known.
	About(ctx context.Context, repo forge.Repo, comment int64) ([]finding.Fingerprint, error)
	// Names returns all fingerprints that a finding has or had: the given one
	// first. It may be one that nobody knows.
	Names(ctx context.Context, repo forge.Repo, print finding.Fingerprint) ([]finding.Fingerprint, error)
	// Sighted returns the latest sighting of a finding on a pull request; ok is
	// false if the latest run does not have it. Here and below, a finding is known
	// by each of its Names.
	Sighted(ctx context.Context, ref forge.PullRef, print finding.Fingerprint) (s Sighting, ok bool, err error)
	// With returns the open pull requests of repo in whose latest run a finding is.
	With(ctx context.Context, repo forge.Repo, print finding.Fingerprint) ([]int, error)
	// Except keeps an exception that was asked for. Another one that the same
	// account asked for before and that still waits is withdrawn.
	Except(ctx context.Context, repo forge.Repo, e Exception) error
	// Approve has the exception that asked named approved by the command, unless
	// it was withdrawn, and reports whether the command has approved it.
	Approve(ctx context.Context, repo forge.Repo, asked, command string, by forge.User, at time.Time) (bool, error)
	// Withdraw has the command end the exceptions of a finding, and returns how many it ended.
	Withdraw(ctx context.Context, repo forge.Repo, print finding.Fingerprint, command string, by forge.User, at time.Time) (int, error)
	// Exceptions returns those of repo that were not withdrawn and had not
	// ended the day before now, oldest first.
	Exceptions(ctx context.Context, repo forge.Repo, now time.Time) ([]Exception, error)
	// Tell keeps feedback; first is false if it was kept before.
	Tell(ctx context.Context, repo forge.Repo, f Feedback) (first bool, err error)
	// Weigh returns the signal of a rule in all repositories of repo's owner.
	// proposed is true if it should be demoted there and the command is the one
	// that has that proposed; no other is until the rule got better meanwhile.
	Weigh(ctx context.Context, repo forge.Repo, rule, command string, at time.Time) (s Signal, proposed bool, err error)
}

// A Use is what is known of an exception besides its words.
type Use struct {
	First               time.Time // when it was first seen
	Last                time.Time // when a verdict last rested on it; zero if none did
	ToldEnd, ToldUnused time.Time // when its owner was told; zero if not
}
