// Package dependency finds known vulnerabilities that a change brings in: it
// reads the manifests that the change touches and asks the advisories about
// each package that they pin.
//
// A package and an advisory make one finding a manifest, however many copies
// of the package there are. It is known again by these two, so going from one
// vulnerable version to another is nothing new.
package dependency

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// A Scanner looks up the packages of manifests in a set of advisories.
type Scanner struct {
	db         advisory.DB
	ecosystems []ecosystem.Ecosystem
}

var _ scan.Scanner = (*Scanner)(nil)

// New returns a scanner of the manifests of es. A manifest belongs to the
// first ecosystem that matches it.
func New(db advisory.DB, es []ecosystem.Ecosystem) *Scanner { return &Scanner{db, es} }

// Name implements scan.Scanner.
func (*Scanner) Name() string { return "dependency" }

// Rules returns none: each advisory is a rule, and they are as many as there are records.
func (*Scanner) Rules() []finding.Rule { return nil }

// EveryCommit is false: a vulnerable version that a later commit replaced is gone.
func (*Scanner) EveryCommit() bool { return false }

// Wants names the companions of touched manifests, and the manifests whose companion is touched.
func (s *Scanner) Wants(c *change.Change) []string {
	touched := map[string]bool{}
	for _, f := range c.Files {
		touched[f.Path] = true
		if f.OldPath != "" {
			touched[f.OldPath] = true
		}
	}
	var out []string
	for _, tree := range []fs.FS{c.Before, c.After} {
		dirs := listing{tree: tree}
		for p := range touched {
			for _, name := range dirs.names(path.Dir(p)) {
				beside := path.Join(path.Dir(p), name)
				if !touched[beside] && (s.companion(p, beside) || s.companion(beside, p)) {
					out = append(out, beside)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// companion reports whether p is a companion of the manifest m.
func (s *Scanner) companion(m, p string) bool {
	e := s.ecosystemOf(m)
	return e != nil && slices.Contains(e.Companions(m), p)
}

func (s *Scanner) ecosystemOf(p string) ecosystem.Ecosystem {
	for _, e := range s.ecosystems {
		if e.Match(p) {
			return e
		}
	}
	return nil
}

// Inspect implements scan.Scanner. A manifest that cannot be read is part of
// the error and does not keep the others from being looked at.
func (s *Scanner) Inspect(ctx context.Context, snap scan.Snapshot) (scan.Report, error) {
	var report scan.Report
	var errs []error
	tree := newView(snap)
	for _, p := range s.manifests(snap) {
		e := s.ecosystemOf(p)
		packages, err := e.Packages(ctx, tree, p)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if snap.Side == scan.After {
			report.Packages = append(report.Packages, inventory(e, packages)...)
			if s.db.Info().Ecosystems[e.Name()] == 0 {
				// Nothing can be known to be vulnerable: that is no pass.
				errs = append(errs, fmt.Errorf("%s: no advisories of %s are imported", p, e.Name()))
			}
		}
		found, err := s.findings(ctx, e, packages)
		if err != nil {
			return report, errors.Join(append(errs, fmt.Errorf("%s: %w", p, err))...)
		}
		report.Findings = append(report.Findings, found...)
	}
	slices.SortStableFunc(report.Findings, func(a, b finding.Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	return report, errors.Join(errs...)
}

// manifests returns the paths to read: touched manifests, and those whose
// companion is touched. A symbolic link is no manifest: what it leads to counts.
func (s *Scanner) manifests(snap scan.Snapshot) []string {
	var out []string
	for _, f := range snap.Files {
		if f.Mode&fs.ModeSymlink == 0 && s.ecosystemOf(f.Path) != nil {
			out = append(out, f.Path)
		}
	}
	dirs := listing{tree: snap.Tree}
	for _, p := range snap.Touched {
		for _, name := range dirs.names(path.Dir(p)) {
			if m := path.Join(path.Dir(p), name); s.companion(m, p) {
				if _, touched := slices.BinarySearch(snap.Touched, m); !touched {
					out = append(out, m)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func inventory(e ecosystem.Ecosystem, packages []ecosystem.Package) []finding.Package {
	out := make([]finding.Package, len(packages))
	for i, p := range packages {
		out[i] = finding.Package{
			Ecosystem: e.Name(), Name: p.Name, Version: p.Version,
			Path: p.At.Path, Line: p.At.Start, Direct: p.Direct, Dev: p.Dev,
		}
	}
	return out
}

// A listing reads each directory of a tree once.
type listing struct {
	tree fs.FS
	read map[string][]string
}

// names returns the regular files of a directory; none if it does not exist.
func (l *listing) names(dir string) []string {
	if names, ok := l.read[dir]; ok || l.tree == nil || !fs.ValidPath(dir) {
		return names
	}
	if l.read == nil {
		l.read = map[string][]string{}
	}
	entries, _ := fs.ReadDir(l.tree, dir)
	names := []string{}
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	l.read[dir] = names
	return names
}

// A view is the tree of a snapshot in which touched files are read by their
// blob: their names may be such that no fs.FS takes them.
type view struct {
	fs.FS
	snap  scan.Snapshot
	files map[string]change.File
}

func newView(snap scan.Snapshot) view {
	v := view{snap.Tree, snap, make(map[string]change.File, len(snap.Files))}
	for _, f := range snap.Files {
		v.files[f.Path] = f
	}
	return v
}

// ReadFile implements fs.ReadFileFS.
func (v view) ReadFile(name string) ([]byte, error) {
	if f, ok := v.files[name]; ok {
		return v.snap.Read(f)
	}
	return fs.ReadFile(v.FS, name)
}
