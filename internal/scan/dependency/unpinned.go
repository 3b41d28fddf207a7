package dependency

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/version"
)

// A locker is an ecosystem with files that pin what a manifest asks for.
type locker interface {
	// Locks names those that may stand beside the manifest at path.
	Locks(path string) []string
}

func locked(tree fs.FS, e ecosystem.Ecosystem, manifest string) bool {
	l, ok := e.(locker)
	return ok && slices.ContainsFunc(l.Locks(manifest), func(p string) bool {
		_, err := fs.Stat(tree, p)
		return err == nil
	})
}

// A looseness is why a package without a version is worth a note.
type looseness struct {
	spec       string // what is admitted, and what is known of it
	vulnerable bool   // the highest known release has an advisory
}

// admitted says what becomes of a package that a manifest states without a
// version: each version that it admits has the advisories in known, or it is
// worth a note, or neither.
func (s *Scanner) admitted(ctx context.Context, e ecosystem.Ecosystem, p ecosystem.Package, r *releases) (known []advisory.Advisory, note *looseness, err error) {
	spec := cmp.Or(p.Constraint, "any version")
	intervals, err := e.Scheme().Intervals(p.Constraint)
	if err != nil {
		return nil, &looseness{spec: spec + ", which is not a range that can be read"}, nil
	}
	db, ok := s.db.(advisory.Ranges)
	if !ok {
		return nil, nil, nil
	}
	got, err := db.Admitting(ctx, e.Name(), p.Name, p.Constraint, nil, e.Scheme())
	if err == nil && len(got.Known) > 0 {
		// The registry is asked of packages that have advisories only.
		if published := r.of(ctx, e, p.Name); len(published) > 0 {
			got, err = db.Admitting(ctx, e.Name(), p.Name, p.Constraint, published, e.Scheme())
		}
	}
	switch {
	case err != nil:
		return nil, nil, err
	case got.Only:
		return got.Known, nil, s.released(ctx, e, p.Name, got.Known, r)
	case len(got.Known) > 0:
		return nil, &looseness{fmt.Sprintf("%s, of which the highest known release, %s, has %s", spec, got.Highest, got.Known[0].ID), true}, nil
	case !version.Bounded(intervals):
		return nil, &looseness{spec: spec}, nil
	}
	return nil, nil, nil
}

// unpinned is the rule of manifests that leave the version open.
func unpinned() finding.Rule {
	return finding.Rule{
		ID:    "dependency/unpinned",
		Title: "Dependency without a pinned version",
		Why:   "Which version is installed is decided at each installation, so nobody can tell whether it has known vulnerabilities.",
		How:   "Pin the version, or add a lockfile.",
		// It is no vulnerability by itself.
		Severity: finding.Info,
	}
}

// unpinnedName is the cause that the unpinned packages of one manifest share.
const unpinnedName = "unpinned"

// unpinnedFinding is of one package; Join makes one of those of a manifest,
// those with an advisory first.
func unpinnedFinding(p ecosystem.Package, l looseness) finding.Finding {
	f := finding.New(unpinned(), p.At, placeOf(p).identity(p.Constraint), clean(p.Name+" ("+l.spec+")", messageRunes))
	f.Note = "the version that is installed is not known"
	if l.vulnerable {
		f.Severity = finding.Low
	}
	f.Because(unpinned().ID, unpinnedName, "")
	return f
}

// unpinnedTold are named one by one.
const unpinnedTold = 5

// joinUnpinned names how many packages of a manifest are not pinned, and the first.
func joinUnpinned(found []finding.Finding) finding.Finding {
	f := found[0]
	var names []string
	for _, g := range found[:min(len(found), unpinnedTold)] {
		names = append(names, g.Message)
	}
	list := strings.Join(names, "; ")
	switch n := len(found); {
	case n == 1:
		f.Message = "The version of a package is not pinned: " + list
	case n <= unpinnedTold:
		f.Message = fmt.Sprintf("The versions of %d packages are not pinned: %s", n, list)
	default:
		f.Message = fmt.Sprintf("The versions of %d packages are not pinned: %s; and %d more", n, list, n-unpinnedTold)
	}
	return f
}
