package dependency

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// A sourcer is an ecosystem with files that say where packages come from.
// Nothing of what they say is ever used to fetch.
type sourcer interface {
	// Sourced reports whether the file at path is one.
	Sourced(path string) bool
	// SourceChanges compares two states of it; before is nil if it is new.
	SourceChanges(path string, before, after []byte) []ecosystem.SourceChange
}

// A vendorer is an ecosystem whose packages can be copied into a repository.
type vendorer interface {
	// Vendored returns the directory of copies that path lies in, and the files
	// of which one changes whenever its tool writes there; the first is always
	// there. The directory is "" if path lies in none.
	Vendored(path string) (dir string, manifests []string)
}

// sourceChanged is the rule of packages that come from elsewhere than before.
func sourceChanged() finding.Rule {
	return finding.Rule{
		ID:    "dependency/source-changed",
		Title: "Source of dependencies changed",
		Why:   "Whoever serves a package decides what it does. Names and versions stay the same if it comes from another place or with other contents.",
		How: "Make sure that the new source is meant, and by whom it is run. If a hash of a published version changed, restore the old one " +
			"and install again: if the tool then reports a mismatch, somebody has replaced the package.",
		Severity: finding.Medium,
	}
}

// sources finds what a change does to where packages come from. It compares
// both sides itself: of the state before there is nothing to subtract.
func (s *Scanner) sources(snap scan.Snapshot, included map[string]bool) []finding.Finding {
	var out []finding.Finding
	for _, f := range snap.Files {
		for _, e := range s.ecosystems {
			of, ok := e.(sourcer)
			if !ok || !of.Sourced(f.Path) || ecosystem.CopiedIn(f.Path) != "" {
				continue
			}
			// A text file may be anything: it counts if a manifest takes it in.
			if in, ok := e.(includer); ok && in.Includable(f.Path) && !e.Match(f.Path) && !included[f.Path] {
				continue
			}
			after, err := snap.Read(f)
			if err != nil {
				continue // a skipped file is named by itself
			}
			var before []byte
			if f.OldBlob != "" {
				before, _ = snap.Contents.Blob(f.OldBlob)
			}
			for _, c := range of.SourceChanges(f.Path, before, after) {
				out = append(out, sourceFinding(c))
			}
		}
	}
	return append(out, s.vendored(snap)...)
}

// copiedManifests names the touched manifests that are those of copied
// packages: they are not read, and what is not read is said.
func (s *Scanner) copiedManifests(snap scan.Snapshot) []finding.Finding {
	found := map[string][]string{}
	for _, f := range snap.Files {
		dir := ecosystem.CopiedIn(f.Path)
		if dir != "" && slices.ContainsFunc(s.ecosystems, func(e ecosystem.Ecosystem) bool { return e.Match(f.Path) }) {
			found[dir] = append(found[dir], f.Path)
		}
	}
	var out []finding.Finding
	for _, dir := range slices.Sorted(maps.Keys(found)) {
		paths := found[dir]
		what := fmt.Sprintf("%s belongs to a package that is copied into %s, so it is not scanned as a project of its own", paths[0], dir)
		if n := len(paths) - 1; n > 0 {
			what = fmt.Sprintf("%s and %d more manifests belong to packages that are copied into %s, so they are not scanned as projects of their own", paths[0], n, dir)
		}
		out = append(out, finding.New(unchecked(), change.Span{Path: paths[0], Start: 1, End: 1}, finding.InFile("copied "+dir), clean(what, messageRunes)))
	}
	return out
}

func sourceFinding(c ecosystem.SourceChange) finding.Finding {
	f := finding.New(sourceChanged(), c.At, finding.InFile(c.Key), clean(c.What, messageRunes))
	if c.Package != "" {
		f.Details = []finding.Detail{{Name: "Package", Text: clean(c.Package, detailRunes)}, {Name: "Source", Text: clean(c.Source, detailRunes)}}
	}
	switch c.Kind {
	case ecosystem.Tampered:
		f.Severity = finding.High
	case ecosystem.Undecided:
		f.Severity, f.Note = finding.Info, "nothing before the change tells where packages should come from"
	}
	return f
}

// vendored finds copies of packages that change although no manifest does.
func (s *Scanner) vendored(snap scan.Snapshot) []finding.Finding {
	if snap.Tree == nil {
		return nil
	}
	type copies struct {
		first change.File
		count int
	}
	at := map[string]*copies{}
	var dirs []string
	for _, f := range snap.Files {
		for _, e := range s.ecosystems {
			of, ok := e.(vendorer)
			if !ok {
				continue
			}
			dir, manifests := of.Vendored(f.Path)
			if dir == "" || touches(snap, manifests) {
				continue
			}
			if _, err := fs.Stat(snap.Tree, manifests[0]); err != nil {
				continue
			}
			if at[dir] == nil {
				at[dir] = &copies{first: f}
				dirs = append(dirs, dir)
			}
			at[dir].count++
		}
	}
	slices.Sort(dirs)
	var out []finding.Finding
	for _, dir := range dirs {
		c := at[dir]
		what := fmt.Sprintf("%s changes in %s, and no manifest does", c.first.Path, dir)
		if c.count > 1 {
			what = fmt.Sprintf("%s and %d more files change in %s, and no manifest does", c.first.Path, c.count-1, dir)
		}
		out = append(out, finding.New(sourceChanged(), firstAdded(c.first), finding.InFile("vendored "+dir), clean(what, messageRunes)))
	}
	return out
}

func touches(snap scan.Snapshot, paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool {
		_, found := slices.BinarySearch(snap.Touched, p)
		return found
	})
}

// firstAdded is the first line that a change adds to f.
func firstAdded(f change.File) change.Span {
	for l := range f.Added() {
		return change.Span{Path: f.Path, Start: l.New, End: l.New}
	}
	return change.Span{Path: f.Path, Start: 1, End: 1}
}
