package finding

import (
	"time"

	"github.com/pullwarden/pullwarden/internal/change"
)

// A Result is what a set of scanners found in a change, and how each fared.
type Result struct {
	Findings []Finding // that the change brought in; sorted by path, line, rule; no two with one Print
	Packages []Package // the dependencies at Head of the manifests that were read
	Markers  []Marker  // that the change adds, wherever they stand
	Statuses []Status  // one per scanner, in the order given
	Scanned  Scanned
	Redactor *Redactor // knows every secret that was matched
}

// A Status tells how one scanner fared.
type Status struct {
	Scanner string
	Took    time.Duration
	Err     error // nil if the scanner finished; a timeout or a panic is an Err
	// Incomplete are files that the scanner should have understood and could not.
	Incomplete []change.Skip
}

// Scanned accounts for what was looked at. A blob is counted once, however
// many commits and paths have it.
type Scanned struct {
	Commits int           `json:"commits"`
	Blobs   int           `json:"blobs"`
	Of      int           `json:"of"`
	Skipped []change.Skip `json:"skipped"`
	// Uncovered are files of known kinds that no scanner reads: what they
	// declare was not checked, and nothing failed. Bytes are searched all the same.
	Uncovered []Uncovered `json:"uncovered"`
}

// Uncovered are the files of one known kind that the change adds or edits and
// that no scanner reads.
type Uncovered struct {
	Kind     string   `json:"kind"`     // "Bicep"
	Scanners []string `json:"scanners"` // whose work it would be: "iac"
	Paths    []string `json:"paths"`    // the first ones
	Count    int      `json:"count"`    // of all
	Label    string   `json:"-"`        // "3 Bicep files"
	Help     string   `json:"-"`        // a sentence: how to have them checked; "" if there is no way
}

// Complete reports whether all that the change brought in was looked at.
func (r *Result) Complete() bool {
	for _, s := range r.Statuses {
		if s.Err != nil || len(s.Incomplete) > 0 {
			return false
		}
	}
	return len(r.Scanned.Skipped) == 0 && r.Scanned.Blobs == r.Scanned.Of
}

// A Package is one dependency, as one manifest states it.
type Package struct {
	Ecosystem, Name, Version string
	Path                     string // of the manifest
	Line                     int
	Direct, Dev              bool
}
