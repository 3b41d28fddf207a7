// Package forge names the things on a code host, and the few verbs we use on them.
package forge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/git"
)

// Forge is the narrow door to a code host. Every Put is an upsert: calling it
// twice with the same arguments leaves the host as calling it once does, also
// when the first call was cut off in the middle.
//
// What does not exist or is not visible is ErrNotFound, what the App may not
// do is ErrDenied, and what may go through later is a *BusyError.
type Forge interface {
	// Pull returns a pull request as it stands now.
	Pull(ctx context.Context, ref PullRef) (Pull, error)
	// Begin returns at once what a review of ref starts from, with the files
	// at paths of the default branch's tip; of the last one, with when each line
	// was written.
	Begin(ctx context.Context, ref PullRef, paths ...string) (Opening, error)
	// BeginGroup returns at once what a review of the merge group at sha starts
	// from, as Begin does: an Opening whose Pull has nothing but the repository.
	BeginGroup(ctx context.Context, repo Repo, sha string, paths ...string) (Opening, error)
	// Look returns at once what stands on the head sha, and on pull request
	// number of repo unless that is 0.
	Look(ctx context.Context, repo Repo, number int, sha string) (Seen, error)
	// Compare returns where head left base; both are SHAs of repo or its forks.
	Compare(ctx context.Context, repo Repo, base, head string) (Comparison, error)
	// ReadFile returns a file at rev, a branch or a SHA. A directory in its
	// place is an *IrregularError. At most 1 MiB.
	ReadFile(ctx context.Context, repo Repo, rev, path string) ([]byte, error)
	// OwnersFiles returns files of the repository name of the owner of repo, at
	// the tip of its default branch, as they stood a minute ago at the most. One
	// that does not exist is ErrNotFound; ErrDenied is a repository that we do
	// not serve, or that is not there.
	OwnersFiles(ctx context.Context, repo Repo, name string, paths ...string) map[string]File
	// Tip returns the SHA of a branch.
	Tip(ctx context.Context, repo Repo, branch string) (string, error)
	// Remote returns where to fetch repo, with a token that can only read it.
	Remote(ctx context.Context, repo Repo) (git.Remote, error)
	PutCheck(ctx context.Context, repo Repo, c Check) (CheckID, error)
	// PutReview makes our threads on p what r says and reports which findings have one.
	PutReview(ctx context.Context, p Pull, r Review) (Placed, error)
	// RequestReview asks accounts and teams, "@acme/security" say, to review a
	// pull request. What the host does not let be asked is ErrDenied.
	RequestReview(ctx context.Context, ref PullRef, names []string) error
	// PutSummary makes our comment in the conversation what s says and returns its id.
	// One that somebody deleted is ErrNotFound.
	PutSummary(ctx context.Context, ref PullRef, s Summary) (id int64, err error)
	// PutIssue opens an issue, once for each Key. Where none can be opened it is ErrDenied.
	PutIssue(ctx context.Context, repo Repo, i Issue) error
	// PutProposal opens our pull request for p.Branch or brings it up to date.
	// A branch of that name that is not ours is ErrDenied.
	PutProposal(ctx context.Context, repo Repo, p Proposal) (PullRef, error)
	// Proposals returns our own open pull requests in repo, by their branch.
	Proposals(ctx context.Context, repo Repo) (map[string]PullRef, error)
}

var (
	ErrNotFound = errors.New("not found")
	ErrDenied   = errors.New("denied")
)

// A BusyError means: the same call may succeed after After.
type BusyError struct {
	After time.Duration
	Err   error
}

func (e *BusyError) Error() string { return fmt.Sprintf("busy, try again in %v: %v", e.After, e.Err) }
func (e *BusyError) Unwrap() error { return e.Err }

// An IrregularError means that there is something at a path, but no regular file.
type IrregularError struct{ Path, Type string }

func (e *IrregularError) Error() string {
	if e.Type == TooLarge {
		return e.Path + " is larger than 1 MiB"
	}
	return fmt.Sprintf("%s is a %s, not a file", e.Path, e.Type)
}

// TooLarge is the Type of a file that is not read because of its size.
const TooLarge = "large file"

// A Repo is a repository. Names get reused, so ID is what it is known by.
type Repo struct {
	ID           int64
	Installation int64
	Owner, Name  string
	Default      string // default branch; "" if the event did not say
}

func (r Repo) String() string { return r.Owner + "/" + r.Name }

// A User is an account, known by its ID.
type User struct {
	ID    int64
	Login string
}

// A PullRef names a pull request.
type PullRef struct {
	Repo   Repo
	Number int
}

func (p PullRef) String() string { return fmt.Sprintf("%v#%d", p.Repo, p.Number) }

// A Pull is a pull request as it stands.
type Pull struct {
	PullRef
	ID               int64
	Title            string
	Author           User
	BaseRef          string // branch name
	BaseSHA, HeadSHA string
	HeadRef          string
	Fork, Draft      bool
	Open, Merged     bool
	URL              string    // its page
	Updated          time.Time // of the last push or edit
}

// An Opening is what a review starts from.
type Opening struct {
	Pull  Pull            // as it stands now
	Files map[string]File // at the tip of the default branch, by path
	Seen  Seen            // on the head, without the threads
}

// A File is what is told of one, as ReadFile does.
type File struct {
	Text    []byte
	Written []time.Time // by line: when the commit was made that it is from; nil if that is not known
	Err     error
}

// Seen is what stood on a head when somebody looked. With it a Put need not
// look again, unless this process has written there since; that no other one
// has is the caller's business.
type Seen struct {
	Pulls     []Pull // open pull requests of the repository with that head; not in an Opening
	Completed bool   // a check of ours is
	Ours      any    // check runs and threads, in the host's own terms
}

// A Comparison says where two commits parted.
type Comparison struct {
	MergeBase string // "" if the histories share nothing
	Ahead     int    // commits of head that base lacks
}

// CheckName is the name of our check run.
const CheckName = "pullwarden"

// CheckID is the host's number of a check run.
type CheckID int64

// A Check is a check run, whole. A Check without Conclusion is under way.
type Check struct {
	SHA            string
	Part           string `json:",omitempty"` // "" is our check; else one beside it, for a part of what that one says
	Title, Summary string // Markdown
	Conclusion     Conclusion
	Notes          []Note // any number; the host's limits are the forge's business
	DetailsURL     string
	// Digest identifies the outcome: a completed check of ours on SHA with
	// the same Digest is left as it stands; another outcome is a new check run.
	Digest string
	// Again asks for a new check run even though one is completed, unless Ask
	// says that this one answers the same.
	Again bool
	// Ask identifies the request to check again that this check answers, if
	// somebody pressed "re-run": one answer to each, whatever is replayed.
	Ask  string
	Seen *Seen // nil: look first
	// Actions are buttons on the completed check, three at most. The host does
	// not say who may press them.
	Actions []Action `json:",omitempty"`
	// Leftover completes what is under way and nothing else: where no check of
	// ours is under way, what stands is left as it is.
	Leftover bool `json:",omitempty"`
}

// Name is what the check run is called.
func (c Check) Name() string {
	if c.Part == "" {
		return CheckName
	}
	return CheckName + partOf + c.Part
}

// IsCheckName reports whether a check run of that name is ours, if our App posted it.
func IsCheckName(name string) bool {
	return name == CheckName || strings.HasPrefix(name, CheckName+partOf)
}

const partOf = " / "

// An Action is a button on a check.
type Action struct {
	Label       string // 20 characters at most
	Description string // 40 characters at most
	Identifier  string // what the event says that was pressed; 20 characters at most
}

// A Conclusion is how a check run ends.
type Conclusion string

const (
	Success Conclusion = "success"
	Failure Conclusion = "failure"
	Neutral Conclusion = "neutral"
)

// Worse reports whether c is worse than another conclusion.
func (c Conclusion) Worse(than Conclusion) bool {
	rank := map[Conclusion]int{Success: 0, Neutral: 1, Failure: 2}
	return rank[c] > rank[than]
}

// A Note is an annotation of a check.
type Note struct {
	At          change.Span
	Level       string // notice, warning or failure
	Title, Text string
}

// A Review is what our inline comments on a pull request should be.
type Review struct {
	SHA      string            // head that was looked at
	Body     string            // of the review itself, if one has to be posted
	Comments []Comment         // wanted, most important first
	Standing []string          // keys of all findings that are still there; other threads of ours are settled
	Limit    int               // open threads of ours at a time
	Settled  string            // what to write over a comment whose thread cannot be resolved: "Fixed in abc1234."
	Because  map[string]string // by key, what to write instead of Settled
	Was      map[string]string // keys by those that threads may still have in their place; several may have become one
	// Words returns the Markdown of a comment at that place about some of the
	// findings in Standing. Gist is the same for words that need not be said
	// again where others were said. It must be set if there are any Comments.
	Words func(keys []string, at change.Span) (words, gist string, err error)
	// Advisories are those of findings, by key, each with all its names. A thread
	// that a person resolved is reopened if its finding has another one since.
	Advisories map[string][][]string
	// Superseded is what to write over the comment of a thread whose findings
	// another thread has, and News what to reply in one that is reopened because
	// of new advisories. Nil: nothing.
	Superseded func(by change.Span) string
	News       func(advisories []string) string
	Seen       *Seen // nil: look first
}

// MostKeys is how many findings one comment can be about.
const MostKeys = 400

// A Comment is an inline remark about findings that one edit fixes, known again by their keys.
type Comment struct {
	Keys []string // the findings' fingerprints, worst first; the forge hides them in the body, signed
	At   change.Span
	// Names are what others know a finding by, by key: where another bot uses
	// one of them at these lines, ours does not tell it again.
	Names map[string][]string
}

// Placed maps the key of each finding that has an open thread of ours to the
// id of its comment, which several may share. A comment that was just posted
// has a number below 0: its id costs a call, and the next look tells it.
type Placed map[string]int64

// Comments is how many comments p has.
func (p Placed) Comments() int {
	ids := map[int64]bool{}
	for _, id := range p {
		ids[id] = true
	}
	return len(ids)
}

// A Proposal is a pull request of ours that we open or bring up to date.
type Proposal struct {
	Branch, Base string
	BaseSHA      string // commit the change was made for
	Title, Body  string // Body is Markdown
	Message      string // of the commit
	Labels       []string
	Files        map[string][]byte // whole contents by path
}
