// Package scan runs scanners over a change, each alone in its failure, and
// decides once for all of them what the change brought in.
package scan

import (
	"context"
	"io/fs"
	"time"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
)

// A Scanner looks for one family of problems in one snapshot at a time. It
// does no input or output and knows nothing of "introduced": what was there
// before is taken away by Run.
//
// All methods must be safe for concurrent use.
type Scanner interface {
	// Name is the family: "secret"; also the prefix of its rule ids.
	Name() string
	// Rules are those that Inspect may report, as far as they are known beforehand.
	Rules() []finding.Rule
	// Wants names the paths, in either tree, that Inspect will read beyond the
	// files of c. It is asked again when they are at hand, three rounds at
	// most; what it reads of c must come from the listing or be at hand.
	Wants(c *change.Change) []string
	// EveryCommit says that Inspect also wants a Step for each commit, to see
	// what a later commit took away again.
	EveryCommit() bool
	// Inspect reports what is wrong in s, together with any error. An error
	// makes the run incomplete; so must any content that could not be read.
	// Of a file with hunks only findings that touch an added line are needed
	// if EveryCommit; others look at the state of the tree.
	Inspect(ctx context.Context, s Snapshot) (Report, error)
}

// A Joiner is a Scanner that says what findings with one cause come to, worst first.
type Joiner interface {
	Join(findings []finding.Finding) finding.Finding
}

// A Reader is a Scanner that understands files of some formats. The others
// look for something in each file, whatever it is.
type Reader interface {
	// Reads returns a function that reports whether Inspect reads the file at
	// path, in the state that s shows, as one of its formats, and all that it
	// declares. The path need not be of s.Files.
	Reads(ctx context.Context, s Snapshot) func(path string) bool
}

// A Side says what a snapshot shows.
type Side uint8

const (
	Before Side = iota // the tree at Base
	After              // the tree at Head
	Step               // what one commit adds
)

// A Snapshot is one state of what a change touches.
type Snapshot struct {
	Side   Side
	Commit string // SHA of the commit that is shown; "" if none
	// Files are the touched files that exist in this state, by the Path they
	// have in it; NewBlob is their content in it. Before has no Hunks: all of
	// a file counts. Files without content (submodules) and skipped ones are left out.
	Files []change.File
	// Touched are all paths that the change touches, whether they exist in
	// this state or not; sorted.
	Touched  []string
	Tree     fs.FS // the whole tree; nil for a Step
	Contents change.Contents
}

// Read returns the content of f, which must be one of s.Files.
func (s Snapshot) Read(f change.File) ([]byte, error) {
	b, err := s.Contents.Blob(f.NewBlob)
	if missing, ok := err.(*change.MissingError); ok && missing.Path == "" {
		return nil, &change.MissingError{Path: f.Path, Blob: f.NewBlob, Why: missing.Why}
	}
	return b, err
}

// A Report is what a scanner says of one snapshot.
type Report struct {
	Findings []finding.Finding
	// Incomplete are the files, with lines where known, that this scanner should
	// have understood and could not: the run is no pass. Of After and Steps only.
	Incomplete []change.Skip
	Packages   []finding.Package // of After only; nil for most scanners
}

// Options bound a run.
type Options struct {
	Timeout time.Duration // per scanner; 0 means none
	Limit   int           // findings kept per scanner, worst first; 0 means all
	Key     finding.Key
	// Ignored reports paths that policy does not look at; nil: none. What
	// stood there does not excuse the same thing elsewhere.
	Ignored func(path string) bool
	// Default reads a file at the tip of the repository's default branch; nil
	// and no error if it is not there. A marker counts only where it stands
	// there already. Nil: none counts.
	Default func(ctx context.Context, path string) ([]byte, error)
	// On reports whether the work of a scanner is asked for; nil: always. Files
	// that only a scanner would read which is off are not named as uncovered.
	On func(scanner string) bool
	// Cache spares looking again at additions that were clean under the same
	// Rules, a digest of the rules and settings in use. Nil, or no Rules: none.
	Cache Cache
	Rules string
	// Done is told each scanner that has ended, by several goroutines; nil: nobody is.
	Done func(scanner string)
}
