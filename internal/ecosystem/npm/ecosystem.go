// Package npm is the npm ecosystem: package-lock.json and npm-shrinkwrap.json.
//
// A lockfile of version 2 or 3 lists each installed copy of a package by its
// place under node_modules. Who brings a copy in follows from Node's own rule:
// a name is looked up in the node_modules of the package that asks, then of
// each one above it.
package npm

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"

	"deps.dev/util/semver"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/version"
)

// maxBytes bounds a lockfile; the largest known ones of real projects stay below a third of it.
const maxBytes = 16 << 20

// An Ecosystem reads and upgrades npm packages.
type Ecosystem struct{ Registry Registry }

// Name returns OSV's name of the ecosystem.
func (Ecosystem) Name() string { return "npm" }

// PURLType is that of npm packages.
func (Ecosystem) PURLType() string { return "npm" }

// Match reports whether p is a lockfile of npm.
func (Ecosystem) Match(p string) bool {
	base := path.Base(p)
	return base == "package-lock.json" || base == "npm-shrinkwrap.json"
}

// Companions returns the package.json beside a lockfile.
func (Ecosystem) Companions(p string) []string {
	return []string{path.Join(path.Dir(p), "package.json")}
}

// Scheme is how versions are written.
func (Ecosystem) Scheme() version.Scheme { return version.Of(semver.NPM, true) }

// Compare orders two versions. An invalid one is below all others.
func (Ecosystem) Compare(a, b string) int { return semver.NPM.Compare(a, b) }

// Packages returns every installed copy of a package that the lockfile at p
// lists. The project itself, its workspaces and links to them are left out; an
// alias has the name of what it stands for.
//
// An entry that says one thing and has npm install another, or of which nobody
// can tell what it installs, is a *ecosystem.SyntaxError; the packages are
// returned with it, as what npm would install.
func (Ecosystem) Packages(ctx context.Context, tree fs.FS, p string) ([]ecosystem.Package, error) {
	data, err := fs.ReadFile(tree, p)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", p, err)
	}
	nodes, err := readNodes(p, data)
	if err != nil {
		return nil, err
	}
	paths, err := trace(ctx, nodes)
	if err != nil {
		return nil, err
	}
	var out []ecosystem.Package
	var wrong *ecosystem.SyntaxError
	more := 0
	for i, n := range nodes {
		if n.origin.wrong != "" {
			if more++; wrong == nil {
				wrong = &ecosystem.SyntaxError{Path: p, Line: n.line, Text: n.origin.wrong}
			}
		}
		if n.own() || n.link || n.name == "" {
			continue
		}
		out = append(out, ecosystem.Package{
			Name: cmp.Or(n.origin.name, n.name), Version: cmp.Or(n.origin.version, n.version), Direct: paths.direct(i), Dev: n.dev,
			At: change.Span{Path: p, Start: n.line, End: n.line}, Via: paths.via(i),
			Place: n.path, Source: n.origin.source,
		})
	}
	if wrong == nil {
		return out, nil
	}
	if more > 1 {
		wrong.Text += fmt.Sprintf("; and %d more such entries", more-1)
	}
	return out, wrong
}

// label is how a Via names a package.
func (n *node) label() string {
	if n.version == "" {
		return cmp.Or(n.name, n.path)
	}
	return n.name + "@" + n.version
}
