// Package ecosystem reads and edits dependency manifests, one ecosystem a subpackage.
package ecosystem

import (
	"context"
	"errors"
	"io/fs"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/version"
)

// An Ecosystem understands one family of manifests. It never runs a package
// manager and never takes a setting or an address from a repository.
// Its methods are safe for concurrent use.
type Ecosystem interface {
	// Name is OSV's name of the ecosystem: "Go", "npm", "PyPI".
	Name() string
	// PURLType is its type of package URLs: "golang", "npm", "pypi".
	PURLType() string
	// Match reports whether path is a manifest that Packages reads.
	Match(path string) bool
	// Companions are paths beside a manifest that Packages and Upgrade need too.
	Companions(path string) []string
	// Packages returns what the manifest at path states, with lines, in the
	// order of the file. A manifest that cannot be read is a *SyntaxError.
	Packages(ctx context.Context, tree fs.FS, path string) ([]Package, error)
	// Scheme is how it writes versions and constraints.
	Scheme() version.Scheme
	// Compare orders two versions as this ecosystem does: negative if a < b.
	Compare(a, b string) int
	// Versions returns the published versions of a package, lowest first,
	// from the operator's registry.
	Versions(ctx context.Context, name string) ([]string, error)
	// Upgrade returns the new contents of the files that bring the direct
	// dependency p to version to. What cannot be done exactly is a *RefusalError.
	Upgrade(ctx context.Context, tree fs.FS, p Package, to string) (map[string][]byte, error)
}

// A Package is one dependency, as one manifest states it.
type Package struct {
	Name, Version string
	// Constraint is what the manifest admits where nothing pins a Version, as
	// it writes it: ">=2,<3". With neither, anything is admitted.
	Constraint string
	// Replaces is the name that code and other manifests use, where the
	// manifest puts this package in its place; "" if it is Name.
	Replaces string
	// Limit says that the manifest does not ask for the package, but limits the
	// version that others get, as a constraints file of pip does.
	Limit bool
	// Minimum says that Version is the least that the manifest asks for: what
	// is in use may be newer.
	Minimum bool
	// Pinned is what pins Version other than At, such as a builder image; zero
	// if nothing does.
	Pinned      change.Span
	Direct, Dev bool
	At          change.Span // where the manifest states the version; in a file that it takes in, that one
	// Place tells the copies of a package in one manifest apart: the path
	// under node_modules. It is empty where there is one copy only.
	Place string
	// Source says where a package comes from that is not taken from the
	// ecosystem's index: "git", "a file", "an address". Its Version is then
	// only what the manifest claims, or empty.
	Source string
	// Via is a shortest path that brings a transitive package in: names (with
	// versions where known) from the direct dependency down to the one that
	// requires it; empty if Direct or not known.
	Via []string
	// Line is the whole text of the line(s) At if a version can be edited
	// there alone without touching another file; "" otherwise.
	Line string
}

// A SyntaxError says where a manifest cannot be read.
type SyntaxError struct {
	Path string
	Line int // 0 if not known
	Text string
}

func (e *SyntaxError) Error() string {
	return change.Span{Path: e.Path, Start: e.Line, End: e.Line}.String() + ": " + e.Text
}

// A RefusalError says why an upgrade cannot be made, in words for the owner.
type RefusalError struct{ Why string }

func (e *RefusalError) Error() string { return e.Why }

// ErrNoRegistry means that the operator named no registry for an ecosystem.
var ErrNoRegistry = errors.New("no registry is configured for this ecosystem")
