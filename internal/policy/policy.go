// Package policy decides what is done about findings. It is pure: it reads no
// file and no clock.
package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// Path is where a repository keeps its policy.
const Path = ".github/pullwarden.yml"

// A Policy is what a repository asks of its pull requests.
// The zero Policy is not useful; start from Default.
type Policy struct {
	Mode    Mode
	Block   finding.Severity // findings this bad fail the check
	Comment finding.Severity // findings this bad get an inline comment
	// UnknownSeverity is how a finding counts whose severity no source states.
	UnknownSeverity finding.Severity
	OnScannerError  Action             // a scanner that did not finish: Block or Note
	Uncovered       Action             // a known kind of file that no scanner reads: Block or Note
	IgnorePaths     []string           // globs
	TestPaths       []string           // globs of test data: what is found there is a note, unless it is a secret
	Scanners        map[string]Scanner // by their name in the file: "secrets", "dependencies", "iac", "text"
	Sections        []Section          // for some paths
	Checks          Checks             // how many check runs there are
	Inline          int                // inline comments open at a time
	Ignore          []Exception
	Upgrades        Upgrades
	Security        Security
	Floors          Floors   // of the organisation; they are in the values above already
	Raised          []Raised // values that they changed
	Owners          Owners   // who answers for which path
	// Unsupported are the keys of the texts that nothing implements yet. They have no effect.
	Unsupported []Unsupported
	Hash        string // digest of the texts it was read from; "default" if there were none
}

// The layers that a policy is made of: two have a file, and exceptions are
// asked for in the conversation of a pull request.
const (
	Organisation = "organisation"
	Repository   = "repository"
	Conversation = "conversation"
)

// Security says who has a say in what blocks.
type Security struct {
	Reviewers []string // accounts and teams, such as "@acme/security"
	Request   bool     // they are asked to review a pull request that something blocks, once
}

// Mode says whether a verdict can fail a check; "" counts as Enforce.
type Mode string

const (
	Enforce Mode = "enforce"
	Observe Mode = "observe"
)

// Checks says which check runs a head gets; "" counts as OneCheck.
type Checks string

const (
	OneCheck        Checks = "one"
	CheckPerScanner Checks = "per-scanner" // and the one for all
)

// A Scanner is what a policy says of one scanner.
type Scanner struct {
	Enabled bool
	Profile Profile  // of infrastructure code only
	Skip    []string // rule ids, with or without the scanner's prefix
}

// A Profile says whose severities count; "" counts as Recommended.
type Profile string

const (
	Recommended Profile = "recommended" // ours: they block on what lets outsiders in, gives data away or grants everything
	All         Profile = "all"         // those of the checks' authors
)

// An Exception accepts a known finding for a while, and says why.
type Exception struct {
	Rule, Path  string // globs; "" matches all, but not both may be ""
	Fingerprint finding.Fingerprint
	Package     string    `json:",omitempty"` // glob of a dependency's name, or of its purl without version
	Advisories  []string  `json:",omitempty"` // that it covers; none: see Since
	Since       time.Time `json:",omitzero"`  // when it was written: it covers advisories published before; zero: all
	Reason      string    // required
	Owner       string    // required
	Until       time.Time // required; in force through the end of that day, UTC
	Line        int       // in the file of
	Layer       string    // Organisation, Conversation; "" is the repository
	Pending     bool      // nobody who may has approved it: it excuses nothing that blocks
	// Paths, if there are any, are all places that the finding may have.
	Paths []string `json:",omitempty"`
	Asked string   `json:",omitempty"` // of the Conversation: the command that asked for it
}

// ID tells exceptions apart by what they cover and when they end.
func (e Exception) ID() string {
	parts := []string{e.Layer, e.Rule, e.Path, string(e.Fingerprint), e.Until.Format(time.DateOnly)}
	if e.Package != "" || len(e.Advisories) > 0 { // those without keep the ID that they always had
		parts = append(parts, e.Package, strings.Join(e.Advisories, ","))
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// Upgrades is what a policy says of upgrade pull requests.
type Upgrades struct {
	Enabled bool
	Open    int // pull requests open at a time
	Major   bool
	Labels  []string
}

// A Verdict is the outcome for one change.
type Verdict struct {
	Outcome    Outcome
	Decisions  []Decision          // one per finding, in the order of the result
	Incomplete []string            // what was not looked at, a line each
	Uncovered  []finding.Uncovered // files of known kinds that no scanner reads
	Expired    []Exception
	TooLong    []Exception // that end later than the organisation allows: they count for nothing
	InForce    []Exception // that a finding was ignored by
	Pending    []Exception // that would excuse a finding that blocks, once somebody approves them
}

// A Decision says what becomes of one finding, and why.
type Decision struct {
	Finding  finding.Finding // with the advisories that are open
	Action   Action
	Severity finding.Severity // as the policy counts it: never Unrated
	Why      string           // "high, and this repository blocks high and above"
	Owners   []string         // of the place, such as "@acme/platform"
	By       *Exception       // that excuses it; nil if none does
	// NotCovered says which of its advisories an exception of the finding leaves open; "" if there is none.
	NotCovered string
	Marker     *finding.Marker // that excuses it; nil if none does
}

// Action is what is done about one finding, mildest first.
type Action uint8

const (
	Ignored Action = iota // an exception or a path: counted, not shown as a problem
	Note                  // in the check only
	Comment               // inline comment
	Block                 // inline comment, and the check fails
)

func (a Action) String() string { return [...]string{"ignored", "note", "comment", "block"}[a] }

// Outcome is a verdict in a word, best first.
type Outcome uint8

const (
	Pass       Outcome = iota // nothing that needs anybody
	Warn                      // findings, none of which blocks
	Incomplete                // something was not looked at: never "passed"
	Fail
)

func (o Outcome) String() string { return [...]string{"pass", "warn", "incomplete", "fail"}[o] }
