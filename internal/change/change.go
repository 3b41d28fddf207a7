// Package change describes what a pull request changes: commits, files, hunks
// and lines, and the trees on both sides. It knows no forge and no git library.
//
// A whole tree is scanned as a change from the empty tree; there is no second way.
package change

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"time"
)

// A Change is everything between two revisions of one repository.
// It does not change once it was made; only the set of blobs at hand grows.
type Change struct {
	Base, Head string   // commit SHAs; Base is the merge base, "" for a whole tree
	Files      []File   // net difference Base..Head, sorted by Path
	Commits    []Commit // reachable from Head and not from Base, parents before children
	Before     fs.FS    // whole tree at Base; empty, never nil
	After      fs.FS    // whole tree at Head; never nil
	Contents   Contents // blobs by id; never nil
	Skipped    []Skip   // what could not be looked at
	Elsewhere  []Skip   // submodules that move: a review of this repository names them, and lacks nothing
	Blobs      int      // distinct blobs that Files and Commits bring in, the skipped ones included
}

// Contents holds the blobs of a change. It is safe for concurrent use.
//
// The trees of a Change read from the same place: reading a path whose blob is
// not at hand fails with a *MissingError and never goes to the network.
type Contents interface {
	// Blob returns a blob, which the caller must not modify. A blob that is
	// not at hand is a *MissingError.
	Blob(id string) ([]byte, error)
	// Load brings blobs within reach, in one batch. A blob that it skips on
	// purpose (too large) is no error: reading it says why.
	Load(ctx context.Context, ids ...string) error
}

// A Reacher is what Contents also are where a repository is so large that of
// its trees only the directories that something was changed in were fetched.
type Reacher interface {
	// Unreached reports whether somebody looked for a directory that is not
	// at hand, which is a *MissingError. The next Load brings it, with
	// whatever blobs it is given or none.
	Unreached() bool
}

// Unreached reports whether c has directories to Load.
func Unreached(c Contents) bool {
	r, ok := c.(Reacher)
	return ok && r.Unreached()
}

// A BlobID is what the Sys method of a tree's fs.FileInfo returns: the id to
// give to Contents. Trees that need no loading return anything else.
type BlobID string

// A MissingError says that a blob is not at hand, and why.
type MissingError struct {
	Path string // "" if only the id is known
	Blob string
	Why  string
}

func (e *MissingError) Error() string {
	what := e.Path
	if what == "" {
		what = "blob " + e.Blob
	}
	return fmt.Sprintf("%s: %s", what, e.Why)
}

// A Skip is a blob that was not looked at.
type Skip struct {
	Path string `json:"path"`
	Line int    `json:"line,omitempty"` // 1-based; 0 for the file as a whole
	Why  string `json:"why"`            // for people: "larger than 4 MiB"
}

// A Commit is one step of a Change. Its Files show lines that a later
// commit of the same pull request took away again.
type Commit struct {
	SHA, Author, Subject string
	When                 time.Time
	Parents              []string
	Files                []File // against the first parent; of a merge, only what differs from all parents
}

// A File is the difference in one path.
type File struct {
	Path    string // slash-separated, at the new side; at the old side if Kind is Deleted. Any bytes but NUL.
	OldPath string // set only if Kind is Renamed
	Kind    Kind
	Mode    fs.FileMode // type and permission bits at the side of Path
	OldBlob string      // "" if Kind is Added
	NewBlob string      // "" if Kind is Deleted, or the file is a submodule
	Binary  bool        // no Hunks
	Skip    string      // why the content is not at hand; "" if it is
	Hunks   []Hunk

	// Encoding is that of the new side if it is not UTF-8, as Text names it.
	// Hunks are then of the decoded text, which forges do not show.
	Encoding string
	// LFS is the id of the content that this file, a pointer of Git LFS,
	// stands for. The pointer is looked at like any file; the content is Skipped.
	LFS string
	// Submodule is where a submodule moved, "old..new" with two commits of
	// the other repository; one of them is missing if there was or is none.
	Submodule string
	// CopyOf is a path at the old side that an Added file is a copy of, or
	// much like. All its lines count as added nevertheless.
	CopyOf string
}

// Kind says what happened to a file.
type Kind uint8

const (
	Modified Kind = iota
	Added
	Deleted
	Renamed
)

func (k Kind) String() string {
	return [...]string{"modified", "added", "deleted", "renamed"}[k]
}

// A Hunk is a run of lines with its context.
type Hunk struct {
	OldStart, NewStart int // 1-based; the line before which it stands if that side is empty
	Lines              []Line
}

// A Line is one line of a hunk, without its newline.
type Line struct {
	Op   Op
	Old  int // 1-based line at the old side; 0 if Op is Insert
	New  int // 1-based line at the new side; 0 if Op is Delete
	Text string
}

// Op is what a diff does with a line.
type Op uint8

const (
	Keep Op = iota
	Insert
	Delete
)

// A Span is a range of lines in one file.
type Span struct {
	Path       string
	Start, End int // 1-based, inclusive; 0, 0 means the whole file
}

// Overlaps reports whether line n lies in s.
func (s Span) Overlaps(n int) bool { return s.Start == 0 || s.Start <= n && n <= s.End }

func (s Span) String() string {
	switch {
	case s.Start == 0:
		return s.Path
	case s.End <= s.Start:
		return fmt.Sprintf("%s:%d", s.Path, s.Start)
	}
	return fmt.Sprintf("%s:%d-%d", s.Path, s.Start, s.End)
}

// Added iterates over the lines that f adds.
func (f *File) Added() iter.Seq[Line] {
	return func(yield func(Line) bool) {
		for i := range f.Hunks {
			for _, l := range f.Hunks[i].Lines {
				if l.Op == Insert && !yield(l) {
					return
				}
			}
		}
	}
}

// Touches reports whether s overlaps a line that f adds. A binary file that
// was added or modified is touched as a whole.
func (f *File) Touches(s Span) bool {
	if f.Kind == Deleted {
		return false
	}
	if f.Binary {
		return true
	}
	for l := range f.Added() {
		if s.Overlaps(l.New) {
			return true
		}
	}
	return false
}

// File returns the net difference in path at Head, or nil.
func (c *Change) File(path string) *File {
	for i := range c.Files {
		if c.Files[i].Path == path && c.Files[i].Kind != Deleted {
			return &c.Files[i]
		}
	}
	return nil
}

// Place returns where in s a forge takes a comment: the first run of added
// lines of s within one hunk, which is all of s if all of it was added. It
// reports false if s has no added line, or the file is in an encoding that
// forges show no lines of.
func (c *Change) Place(s Span) (Span, bool) {
	f := c.File(s.Path)
	if f == nil || s.Start == 0 || f.Encoding != "" {
		return Span{}, false
	}
	var at Span
	for i := range f.Hunks {
		for _, l := range f.Hunks[i].Lines {
			switch {
			case l.Op != Insert || !s.Overlaps(l.New):
			case at.Start == 0:
				at = Span{s.Path, l.New, l.New}
			case at.End == l.New-1:
				at.End = l.New
			default:
				return at, true
			}
		}
		if at.Start > 0 {
			break
		}
	}
	return at, at.Start > 0
}
