package gomod

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

var _ ecosystem.Ecosystem = Ecosystem{}

// Versions returns the tagged versions of a module, lowest first, without
// those that its authors retracted. The standard library is a *ecosystem.RefusalError.
func (e Ecosystem) Versions(ctx context.Context, name string) ([]string, error) {
	return e.Registry.versions(ctx, name)
}

// Upgrade returns go.mod and go.sum as the go command would leave them after
// raising the direct dependency p to version to. A requirement that nothing
// imports any more stays: only the module's own sources could tell.
//
// A checksum in go.sum that the registry contradicts is an error, not a refusal.
func (e Ecosystem) Upgrade(ctx context.Context, tree fs.FS, p ecosystem.Package, to string) (map[string][]byte, error) {
	u, err := read(tree, p.At.Path)
	if err != nil {
		return nil, err
	}
	u.registry = e.Registry
	if u.registry.mods == nil {
		u.registry = NewRegistry(e.Registry.Base, e.Registry.Client)
	}
	if err := u.accept(p, to); err != nil {
		return nil, err
	}
	if err := u.solve(ctx, p.Name, to); err != nil {
		return nil, fmt.Errorf("upgrade %s to %s in %s: %w", p.Name, to, p.At.Path, err)
	}
	if err := u.editSums(ctx); err != nil {
		return nil, fmt.Errorf("upgrade %s to %s in %s: %w", p.Name, to, p.At.Path, err)
	}
	mod, err := u.editMod()
	if err != nil {
		return nil, fmt.Errorf("edit %s: %w", p.At.Path, err)
	}
	return map[string][]byte{p.At.Path: mod, path.Join(u.dir, "go.sum"): u.sums.format()}, nil
}

func refusal(format string, args ...any) error {
	return &ecosystem.RefusalError{Why: fmt.Sprintf(format, args...)}
}

// An upgrade is one change of a main module, from its files as they stand to
// the requirements that they should state.
type upgrade struct {
	tree     fs.FS
	dir      string // of the main module
	registry Registry

	file     *modfile.File
	sums     sums
	replace  map[module.Version]*modfile.Replace
	exclude  map[module.Version]bool
	indirect map[string]bool

	oldGo, newGo       string
	oldRoots, newRoots map[string]string // module path to version
	before, after      *graph
	brought            *walk
}

// read takes in the main module of a go.mod, or says why it cannot be edited.
func read(tree fs.FS, p string) (*upgrade, error) {
	u := &upgrade{
		tree: tree, dir: path.Dir(p), exclude: map[module.Version]bool{}, indirect: map[string]bool{},
		oldRoots: map[string]string{},
	}
	if exists(tree, path.Join(u.dir, "vendor", "modules.txt")) {
		return nil, refusal("dependencies are vendored: run go get and go mod vendor")
	}
	for d := u.dir; ; d = path.Dir(d) {
		if exists(tree, path.Join(d, "go.work")) {
			return nil, refusal("the module is part of a workspace (%s): run go get and go work sync", path.Join(d, "go.work"))
		}
		if d == "." {
			break
		}
	}
	data, err := fs.ReadFile(tree, p)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", p, err)
	}
	if u.file, err = parse(p, data); err != nil {
		return nil, err
	}
	if u.file.Go == nil || !atLeast(u.file.Go.Version, "1.17") {
		return nil, refusal("go.mod has no go line of 1.17 or later, so it does not list all that the build needs: run go mod tidy -go=1.17")
	}
	u.oldGo = u.file.Go.Version
	data, err = fs.ReadFile(tree, path.Join(u.dir, "go.sum"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, refusal("there is no go.sum: run go mod tidy")
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path.Join(u.dir, "go.sum"), err)
	}
	if u.sums, err = parseSums(data); err != nil {
		return nil, err
	}
	u.replace = replacements(u.file)
	for _, x := range u.file.Exclude {
		u.exclude[x.Mod] = true
	}
	// The editor of go.mod reuses what it was parsed into: nothing of it is kept here.
	for _, r := range u.file.Require {
		if u.oldRoots[r.Mod.Path] != "" {
			return nil, refusal("go.mod requires %s twice: run go mod tidy", r.Mod.Path)
		}
		u.oldRoots[r.Mod.Path] = r.Mod.Version
		u.indirect[r.Mod.Path] = r.Indirect
	}
	return u, nil
}

func exists(tree fs.FS, name string) bool {
	_, err := fs.Stat(tree, name)
	return err == nil
}

// accept checks that raising p to version to is possible at all.
func (u *upgrade) accept(p ecosystem.Package, to string) error {
	if p.Name == Stdlib {
		return refusal("the standard library comes with the Go toolchain: raise the go or toolchain line")
	}
	for _, r := range u.replace {
		if r.Old.Path == p.Name || r.New.Path == p.Name && r.New.Version != "" {
			return refusal("a replace directive of go.mod decides on the version of %s", p.Name)
		}
	}
	from := u.oldRoots[p.Name]
	switch {
	case from == "":
		return refusal("go.mod does not require %s", p.Name)
	case u.indirect[p.Name]:
		return refusal("%s is an indirect dependency", p.Name)
	case module.Check(p.Name, to) != nil:
		return refusal("%s is not a version of %s", to, p.Name)
	case semver.Compare(from, to) >= 0:
		return refusal("go.mod requires %s %s already", p.Name, from)
	case u.exclude[module.Version{Path: p.Name, Version: to}]:
		return refusal("an exclude directive of go.mod rules out %s %s", p.Name, to)
	}
	return nil
}

// solve finds the new requirements: those versions that minimal version
// selection picks once target is raised, and what newly imported packages need.
func (u *upgrade) solve(ctx context.Context, target, to string) (err error) {
	if u.before, err = selectVersions(ctx, u, u.oldRoots, true); err != nil {
		return err
	}
	u.newGo, u.newRoots = u.oldGo, maps.Clone(u.oldRoots)
	u.newRoots[target] = to
	for range 50 {
		if u.after, err = selectVersions(ctx, u, u.newRoots, true); err != nil {
			return err
		}
		settled := true
		if g := u.after.goLine; g != "" && !atLeast(u.newGo, g) {
			u.newGo, settled = g, false
		}
		for p, v := range u.newRoots {
			if s := u.after.selected[p]; s != v {
				u.newRoots[p], settled = s, false
			}
		}
		if !settled {
			continue
		}
		if u.brought, err = u.follow(ctx); err != nil {
			return err
		}
		if len(u.brought.need) == 0 {
			return nil
		}
		for p := range u.brought.need {
			u.newRoots[p] = u.after.selected[p]
		}
	}
	return refusal("the requirements of %s do not settle: run go get", target)
}

// editSums adds what the new build reads and drops what only the old one did.
func (u *upgrade) editSums(ctx context.Context) error {
	before, after := u.before.loaded, u.after.loaded
	if !atLeast(u.oldGo, "1.18") {
		// Such a module stays usable with go 1.16, which prunes nothing.
		for _, g := range []struct {
			roots map[string]string
			into  map[module.Version]bool
		}{{u.oldRoots, before}, {u.newRoots, after}} {
			full, err := selectVersions(ctx, u, g.roots, false)
			if err != nil {
				return err
			}
			maps.Copy(g.into, full.loaded)
		}
	}
	zips := u.brought.sums
	for p, v := range u.before.selected {
		m := u.replaced(module.Version{Path: p, Version: v})
		now := u.replaced(module.Version{Path: p, Version: u.after.selected[p]})
		if len(u.sums[m]) == 0 || now == m {
			continue
		}
		delete(u.sums, m)
		before[m] = true
		if u.after.selected[p] != "" {
			zips[now] = true
		}
	}
	for m := range before {
		if !after[m] {
			delete(u.sums, goMod(m))
		}
	}
	for m := range zips {
		if m.Version == "" {
			continue
		}
		s, err := u.source(ctx, m)
		if err != nil {
			return err
		}
		u.sums.add(m, s.hash)
	}
	if atLeast(u.newGo, "1.21") {
		// From there on the go command also reads the go line of what it compiles.
		for p, v := range u.after.selected {
			if m := u.replaced(module.Version{Path: p, Version: v}); len(u.sums[m]) > 0 {
				after[m] = true
			}
		}
	}
	for m := range after {
		if len(u.sums[goMod(m)]) > 0 {
			continue
		}
		f, err := u.registry.mod(ctx, m)
		if err != nil {
			return err
		}
		u.sums.add(goMod(m), f.hash)
	}
	return nil
}

// editMod writes the new requirements into go.mod, and comments stay with theirs.
func (u *upgrade) editMod() ([]byte, error) {
	f := u.file
	if u.newGo != u.oldGo {
		if err := f.AddGoStmt(u.newGo); err != nil {
			return nil, err
		}
		// A toolchain line that the go line implies is none that the go command would keep.
		if t := f.Toolchain; t != nil && atLeast(u.newGo, toolchainVersion(t.Name)) {
			f.DropToolchainStmt()
		}
	}
	paths := slices.Sorted(maps.Keys(u.newRoots))
	if len(u.newRoots) == len(u.oldRoots) {
		for _, p := range paths {
			if u.newRoots[p] == u.oldRoots[p] {
				continue
			}
			if err := f.AddRequire(p, u.newRoots[p]); err != nil {
				return nil, err
			}
		}
	} else {
		var all []*modfile.Require
		for _, p := range paths {
			indirect := u.indirect[p] || u.oldRoots[p] == ""
			all = append(all, &modfile.Require{Mod: module.Version{Path: p, Version: u.newRoots[p]}, Indirect: indirect})
		}
		f.SetRequireSeparateIndirect(all)
	}
	f.Cleanup()
	return f.Format()
}

func toolchainVersion(name string) string {
	v, _, _ := strings.Cut(strings.TrimPrefix(name, "go"), "-")
	return v
}
