package gomod

import (
	"context"
	"path"
	"slices"

	"golang.org/x/mod/module"
)

// A walk follows the imports that an upgrade brings into a build.
//
// What the main module uses is not looked up in its sources. Since go.mod lists
// all modules that its build needs, and go.sum those that the tests of its
// packages need besides, a package of an old version that imports from elsewhere
// is not in use; all others are taken to be.
type walk struct {
	u    *upgrade
	seen map[string]role
	need map[string]bool         // modules that go.mod has to require
	sums map[module.Version]bool // modules whose sources are read
}

// A role is what a package is to the main module.
type role uint8

const (
	unused  role = iota
	forTest      // imported by a test of a package of the build, at some remove
	inBuild
)

// follow compares the old and the new sources of all modules that change.
func (u *upgrade) follow(ctx context.Context) (*walk, error) {
	w := &walk{u: u, seen: map[string]role{}, need: map[string]bool{}, sums: map[module.Version]bool{}}
	for p, v := range u.before.selected {
		old, m := module.Version{Path: p, Version: v}, module.Version{Path: p, Version: u.after.selected[p]}
		if m.Version == "" || old == m || u.replaced(m) != m || u.replaced(old) != old || !u.inSums(old) {
			continue
		}
		as := forTest
		if u.oldRoots[p] != "" {
			as = inBuild
		}
		if closed, err := u.closed(ctx, m, as); closed || err != nil {
			if err != nil {
				return nil, err
			}
			continue
		}
		if err := w.compare(ctx, old, m, as); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *walk) compare(ctx context.Context, old, m module.Version, as role) error {
	was, err := w.u.source(ctx, old)
	if err != nil {
		return err
	}
	is, err := w.u.source(ctx, m)
	if err != nil {
		return err
	}
	for pkg := range was.imports {
		r := as
		for r > unused && !w.u.used(old.Path, was, pkg, r, map[string]bool{}) {
			r--
		}
		if r == unused {
			continue
		}
		for _, imp := range is.imports[pkg] {
			if slices.Contains(was.imports[pkg], imp) {
				continue
			}
			if err := w.visit(ctx, imp, r); err != nil {
				return err
			}
		}
		if r < inBuild {
			continue
		}
		for _, imp := range is.tests[pkg] {
			if slices.Contains(was.tests[pkg], imp) {
				continue
			}
			if err := w.visit(ctx, imp, forTest); err != nil {
				return err
			}
		}
	}
	return nil
}

// used reports whether pkg of the old source s may have had the role as.
func (u *upgrade) used(mod string, s *source, pkg string, as role, seen map[string]bool) bool {
	if seen[pkg] {
		return true
	}
	seen[pkg] = true
	for _, imp := range s.imports[pkg] {
		of := owner(u.before.selected, imp)
		switch {
		case of == mod:
			if !u.used(mod, s, imp, as, seen) {
				return false
			}
		case of == "" || u.oldRoots[of] != "":
		case as == inBuild || !u.inSums(module.Version{Path: of, Version: u.before.selected[of]}):
			return false
		}
	}
	return true
}

// inSums reports whether go.sum as it stood has the sources of m.
func (u *upgrade) inSums(m module.Version) bool {
	r := u.replaced(m)
	return r.Version == "" || len(u.sums[r]) > 0
}

// visit takes in that pkg is part of the build or of a test now.
func (w *walk) visit(ctx context.Context, pkg string, as role) error {
	if w.seen[pkg] >= as {
		return nil
	}
	w.seen[pkg] = as
	u := w.u
	of := owner(u.after.selected, pkg)
	if of == "" || of == u.file.Module.Mod.Path {
		return nil
	}
	m := module.Version{Path: of, Version: u.after.selected[of]}
	root := u.newRoots[of] != ""
	if as == inBuild && !root {
		w.need[of] = true
	}
	// The go command also looks into every other module that may hold pkg.
	for p := pkg; p != "."; p = path.Dir(p) {
		if v := u.after.selected[p]; v != "" && (!root || u.newRoots[p] != "") {
			w.sums[u.replaced(module.Version{Path: p, Version: v})] = true
		}
	}
	if u.replaced(m) != m {
		if !root {
			return refusal("%s is newly needed, and a replace directive of go.mod decides on it", of)
		}
		return nil
	}
	if closed, err := u.closed(ctx, m, as); err != nil || closed {
		return err
	}
	s, err := u.source(ctx, m)
	if err != nil {
		return err
	}
	for _, imp := range s.imports[pkg] {
		if err := w.visit(ctx, imp, as); err != nil {
			return err
		}
	}
	if as == inBuild {
		for _, imp := range s.tests[pkg] {
			if err := w.visit(ctx, imp, forTest); err != nil {
				return err
			}
		}
	}
	return nil
}

// closed reports whether nothing that m can import is new to the role as.
func (u *upgrade) closed(ctx context.Context, m module.Version, as role) (bool, error) {
	f, err := u.load(ctx, m)
	if err != nil {
		return false, err
	}
	// Before go 1.17 a module did not list what it needs only indirectly.
	if !atLeast(f.goVersion, "1.17") {
		return len(f.require) == 0, nil
	}
	return !slices.ContainsFunc(f.require, func(r module.Version) bool {
		if u.oldRoots[r.Path] != "" {
			return false
		}
		return as == inBuild || u.before.selected[r.Path] == "" ||
			!u.inSums(module.Version{Path: r.Path, Version: u.before.selected[r.Path]})
	}), nil
}

// owner returns the module with the longest path that may hold package pkg, or "".
func owner(selected map[string]string, pkg string) string {
	for p := pkg; p != "." && p != "/"; p = path.Dir(p) {
		if selected[p] != "" {
			return p
		}
	}
	return ""
}
