package gomod

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

// Sourced reports whether the file at p says where modules come from, or their hashes.
func (e Ecosystem) Sourced(p string) bool {
	base := path.Base(p)
	return e.Match(p) || base == "go.sum" || base == "go.work.sum"
}

// SourceChanges compares two states of such a file: replacements by another
// module or a directory, and hashes of versions that had another one. Before
// is nil if the file is new.
func (e Ecosystem) SourceChanges(p string, before, after []byte) []ecosystem.SourceChange {
	if !e.Match(p) {
		return hashChanges(p, before, after)
	}
	own, list, err := replaces(p, after)
	if err != nil {
		return nil // Packages has the error
	}
	old := map[module.Version]module.Version{}
	_, was, _ := replaces(p, before)
	for _, r := range was {
		old[r.Old] = r.New
	}
	var out []ecosystem.SourceChange
	for _, r := range list {
		// A module of this very repository is its own code.
		if r.New.Path == r.Old.Path || old[r.Old].Path == r.New.Path || r.New.Version == "" && sameRepository(own, r.Old.Path) {
			continue
		}
		// In a new manifest no source changes; a directory is code that the change itself shows.
		if r.New.Version == "" && len(before) == 0 {
			continue
		}
		c := ecosystem.SourceChange{At: span(p, r.Syntax), Key: "replace " + r.Old.Path + " " + r.New.Path}
		if r.New.Version == "" {
			c.What = "The module is replaced by a directory: no advisory tells anything of the code in it"
			c.Package, c.Source = r.Old.Path, r.New.Path
		} else {
			c.What = fmt.Sprintf("%s is replaced by %s", r.Old.Path, r.New.Path)
		}
		out = append(out, c)
	}
	return out
}

// replaces returns the module path and the replacements of a go.mod or go.work.
func replaces(p string, data []byte) (string, []*modfile.Replace, error) {
	if path.Base(p) == "go.work" {
		f, err := modfile.ParseWork("go.work", data, nil)
		if err != nil {
			return "", nil, err
		}
		return "", f.Replace, nil
	}
	f, err := parse(p, data)
	if err != nil {
		return "", nil, err
	}
	if f.Module == nil {
		return "", f.Replace, nil
	}
	return f.Module.Mod.Path, f.Replace, nil
}

// sameRepository reports whether two modules begin with the same host, owner and repository.
func sameRepository(a, b string) bool {
	first := func(p string) []string {
		parts := strings.Split(p, "/")
		return parts[:min(3, len(parts))]
	}
	return a != "" && slices.Equal(first(a), first(b))
}

// hashChanges compares two states of a go.sum.
func hashChanges(p string, before, after []byte) []ecosystem.SourceChange {
	old := map[[2]string][]string{}
	for line := range strings.Lines(string(before)) {
		if f := strings.Fields(line); len(f) == 3 {
			old[[2]string{f[0], f[1]}] = append(old[[2]string{f[0], f[1]}], f[2])
		}
	}
	var out []ecosystem.SourceChange
	n := 0
	for line := range strings.Lines(string(after)) {
		n++
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		known := old[[2]string{f[0], f[1]}]
		if len(known) == 0 || slices.Contains(known, f[2]) {
			continue
		}
		what := f[0] + " " + f[1]
		if version, ok := strings.CutSuffix(f[1], "/go.mod"); ok {
			what = "the go.mod of " + f[0] + " " + version
		}
		out = append(out, ecosystem.SourceChange{
			At: change.Span{Path: p, Start: n, End: n}, Key: "hash " + f[0] + " " + f[1], Kind: ecosystem.Tampered,
			What: "The hash of " + what + " is another one than before",
		})
	}
	return out
}

// Vendored returns the directory of copies that the file at p lies in, and the
// files of which one changes whenever the go command writes there. The first of
// them is always there.
func (Ecosystem) Vendored(p string) (dir string, manifests []string) {
	root, _, ok := strings.Cut("/"+p, "/vendor/")
	if !ok {
		return "", nil
	}
	root = strings.TrimPrefix(root, "/")
	for _, name := range []string{"vendor/modules.txt", "go.mod", "go.sum", "go.work", "go.work.sum"} {
		manifests = append(manifests, path.Join(root, name))
	}
	return path.Join(root, "vendor"), manifests
}
