// Package dependency finds known vulnerabilities that a change brings in: it
// reads the manifests that the change touches and asks the advisories about
// each package that they pin.
//
// What a change introduces is decided by manifest, package, scope, place and
// advisory, so going from one vulnerable version to another is nothing new, and another
// copy is. What is introduced of one package and version is then one finding,
// known again by manifest, package and scope.
package dependency

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

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
	imports    importCache
}

var _ scan.Scanner = (*Scanner)(nil)

// New returns a scanner of the manifests of es. A manifest belongs to the
// first ecosystem that matches it.
func New(db advisory.DB, es []ecosystem.Ecosystem) *Scanner { return &Scanner{db: db, ecosystems: es} }

// Name implements scan.Scanner.
func (*Scanner) Name() string { return "dependency" }

// Rules implements scan.Scanner. An advisory is no rule: a finding has several.
func (*Scanner) Rules() []finding.Rule {
	return []finding.Rule{vulnerable(), maliciousRule(), sourceChanged(), unpinned(), unchecked()}
}

// EveryCommit is false: a vulnerable version that a later commit replaced is gone.
func (*Scanner) EveryCommit() bool { return false }

// ecosystemOf returns the ecosystem of a manifest of the repository's own.
func (s *Scanner) ecosystemOf(p string) ecosystem.Ecosystem {
	if ecosystem.CopiedIn(p) != "" {
		return nil
	}
	for _, e := range s.ecosystems {
		if e.Match(p) {
			return e
		}
	}
	return nil
}

// Inspect implements scan.Scanner. A manifest that cannot be understood makes
// the report incomplete and does not keep the others from being read.
func (s *Scanner) Inspect(ctx context.Context, snap scan.Snapshot) (scan.Report, error) {
	var report scan.Report
	var errs []error
	tree := newView(snap)
	type copied struct {
		at          change.Span
		name, place string
	}
	seen := map[copied]bool{} // two manifests can take in the same file
	look := inspection{Scanner: s, side: snap.Side}
	if snap.Side == scan.After {
		look.releases = newReleases()
	}
	images := bases(snap)
	included := map[string]bool{}
	for _, p := range s.manifests(ctx, snap, tree) {
		e := s.ecosystemOf(p)
		if in, ok := e.(includer); ok {
			for _, part := range in.Includes(ctx, tree, p) {
				included[part] = true
			}
		}
		packages, err := e.Packages(ctx, tree, p)
		if err != nil {
			skipped, err := notUnderstood(err)
			report.Incomplete, errs = append(report.Incomplete, skipped...), append(errs, err)
		}
		packages = slices.DeleteFunc(packages, func(p ecosystem.Package) bool {
			c := copied{p.At, p.Name, p.Place}
			was := seen[c]
			seen[c] = true
			return was
		})
		packages, cut := bounded(packages)
		if cut != "" {
			report.Incomplete = append(report.Incomplete, change.Skip{Path: p, Why: cut})
		}
		if snap.Side == scan.After {
			report.Packages = append(report.Packages, inventory(e, packages)...)
			if s.db.Info().Ecosystems[e.Name()] == 0 {
				// Nothing can be known to be vulnerable: that is no pass.
				errs = append(errs, fmt.Errorf("%s: no advisories of %s are imported (pullwarden advisories import does that)", p, e.Name()))
			}
		}
		pin(e, packages, p, images)
		look.ecosystem, look.locked = e, locked(tree, e, p)
		look.uses = sync.OnceValues(func() (map[string]use, bool) { return s.uses(ctx, snap.Tree, e, p) })
		found, err := look.findings(ctx, packages)
		if err != nil {
			return report, errors.Join(append(errs, fmt.Errorf("%s: %w", p, err))...)
		}
		report.Findings = append(report.Findings, found...)
	}
	if snap.Side == scan.After {
		report.Findings = slices.Concat(report.Findings, s.sources(snap, included), s.copiedManifests(snap))
	}
	slices.SortStableFunc(report.Findings, func(a, b finding.Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	return report, errors.Join(errs...)
}

// Bounds on what is looked up of one manifest. The largest lockfiles of real
// projects stay below a tenth of them.
const (
	maxPackages = 200_000
	maxOfOne    = 5_000 // entries of one package
)

// bounded returns as many of packages as are looked up, and says what is not.
func bounded(packages []ecosystem.Package) (kept []ecosystem.Package, cut string) {
	count := map[string]int{}
	for _, p := range packages {
		switch count[p.Name]++; {
		case len(kept) == maxPackages:
			return kept, fmt.Sprintf("states more than %d packages: the others are not scanned", maxPackages)
		case count[p.Name] > maxOfOne:
			cut = clean(fmt.Sprintf("states %s more than %d times: the other entries are not scanned", p.Name, maxOfOne), messageRunes)
		default:
			kept = append(kept, p)
		}
	}
	return kept, cut
}

// manifests returns the paths to read: touched manifests, and those that a
// touched file is part of.
func (s *Scanner) manifests(ctx context.Context, snap scan.Snapshot, v view) []string {
	var out []string
	for _, f := range snap.Files {
		if s.ecosystemOf(f.Path) != nil {
			out = append(out, f.Path)
		}
	}
	if snap.Tree != nil {
		out = append(out, s.reach(ctx, v, snap.Tree, snap.Touched).paths...)
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
