// Package gomod is the Go ecosystem: go.mod, go.work and go.sum.
//
// Since Go 1.17 a go.mod lists every module that takes part in a build, so
// reading it alone is reading the build list. It does not say which module
// brings an indirect one in, hence no Package of it has a Via. The Go
// toolchain is the package "stdlib". Of a go.work only what it replaces counts:
// the modules of the workspace state the rest.
package gomod

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	deps "deps.dev/util/semver"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/version"
)

const (
	// Stdlib is the name of the Go toolchain and standard library as a package.
	Stdlib = "stdlib"

	maxBytes = 4 << 20

	// maxText bounds what an error says of a file. It is long: a secret that
	// is cut in two is one that is no longer known.
	maxText = 1000
)

// An Ecosystem reads and upgrades Go modules.
type Ecosystem struct{ Registry Registry }

// Name returns OSV's name of the ecosystem.
func (Ecosystem) Name() string { return "Go" }

// PURLType is that of Go modules.
func (Ecosystem) PURLType() string { return "golang" }

// Match reports whether p is a go.mod or a go.work.
func (Ecosystem) Match(p string) bool {
	base := path.Base(p)
	return base == "go.mod" || base == "go.work"
}

// Companions returns the go.sum beside a go.mod.
func (Ecosystem) Companions(p string) []string {
	if path.Base(p) == "go.work" {
		return nil
	}
	return []string{path.Join(path.Dir(p), "go.sum")}
}

// Scheme is how versions are written.
func (Ecosystem) Scheme() version.Scheme { return version.Of(deps.Go, false) }

// Compare orders two versions: of modules with or without the leading "v", and
// of the toolchain ("1.22rc1", "go1.22.1"). An invalid version is below all others.
func (Ecosystem) Compare(a, b string) int { return semver.Compare(canonical(a), canonical(b)) }

// toolchain is a version as the go line states it, where it differs from a
// semantic one: "1.22rc1".
var toolchain = regexp.MustCompile(`^([0-9]+\.[0-9]+)(\.[0-9]+)?(alpha|beta|rc)([0-9]+)$`)

func canonical(version string) string {
	v := strings.TrimPrefix(strings.TrimPrefix(version, "go"), "v")
	if m := toolchain.FindStringSubmatch(v); m != nil {
		v = m[1] + cmp.Or(m[2], ".0") + "-" + m[3] + "." + m[4]
	}
	return "v" + v
}

// Packages returns the modules that the go.mod at p requires, the replaced
// ones as what they are replaced by. A module replaced by a directory is the
// repository's own code and left out.
//
// Of a go.work it returns what modules are replaced by: whether the workspace
// needs them cannot be told from there.
func (e Ecosystem) Packages(ctx context.Context, tree fs.FS, p string) ([]ecosystem.Package, error) {
	data, err := fs.ReadFile(tree, p)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", p, err)
	}
	if len(data) > maxBytes {
		return nil, &ecosystem.SyntaxError{Path: p, Text: "larger than 4 MiB"}
	}
	if path.Base(p) == "go.work" {
		return workspace(p, data)
	}
	f, err := parse(p, data)
	if err != nil {
		return nil, err
	}
	var out []ecosystem.Package
	if lib, ok := e.stdlib(p, f, data); ok {
		out = append(out, lib)
	}
	// Of a module required twice, the go command takes the higher version.
	chosen := map[string]*modfile.Require{}
	for _, r := range f.Require {
		if old := chosen[r.Mod.Path]; old == nil || semver.Compare(r.Mod.Version, old.Mod.Version) > 0 {
			chosen[r.Mod.Path] = r
		}
	}
	replaced := replacements(f)
	for _, r := range f.Require {
		if chosen[r.Mod.Path] != r {
			continue
		}
		mod, line, replaces := r.Mod, r.Syntax, ""
		if by := cmp.Or(replaced[r.Mod], replaced[module.Version{Path: r.Mod.Path}]); by != nil {
			if by.New.Version == "" {
				continue
			}
			mod, line = by.New, by.Syntax
			if mod.Path != r.Mod.Path {
				replaces = r.Mod.Path
			}
		}
		out = append(out, ecosystem.Package{Name: mod.Path, Version: mod.Version, Replaces: replaces, Direct: !r.Indirect, At: span(p, line)})
	}
	slices.SortStableFunc(out, func(a, b ecosystem.Package) int { return cmp.Compare(a.At.Start, b.At.Start) })
	return out, ctx.Err()
}

// Partial reports whether the go.mod at p is of a Go before 1.17 and requires
// modules: what those need in turn is then not in it.
func (Ecosystem) Partial(tree fs.FS, p string) bool {
	data, err := fs.ReadFile(tree, p)
	if err != nil || len(data) > maxBytes || path.Base(p) != "go.mod" {
		return false
	}
	f, err := parse(p, data)
	if err != nil || len(f.Require) == 0 {
		return false
	}
	return f.Go == nil || !atLeast(f.Go.Version, "1.17")
}

// workspace returns what the go.work at p replaces modules by.
func workspace(p string, data []byte) ([]ecosystem.Package, error) {
	f, err := modfile.ParseWork("go.work", data, nil)
	if err != nil {
		return nil, syntax(p, data, err)
	}
	var out []ecosystem.Package
	for _, r := range f.Replace {
		if r.New.Version != "" {
			out = append(out, ecosystem.Package{Name: r.New.Path, Version: r.New.Version, Direct: true, At: span(p, r.Syntax)})
		}
	}
	slices.SortStableFunc(out, func(a, b ecosystem.Package) int { return cmp.Compare(a.At.Start, b.At.Start) })
	return out, nil
}

func replacements(f *modfile.File) map[module.Version]*modfile.Replace {
	out := map[module.Version]*modfile.Replace{}
	for _, r := range f.Replace {
		out[r.Old] = r
	}
	return out
}

// Builds returns the package and version that a build in a container image
// takes from it: "golang:1.22.1-alpine" has the standard library of Go 1.22.1. A tag that names no
// release, such as "1.22", pins nothing.
func (Ecosystem) Builds(image string) (name, version string, ok bool) {
	if m := builder.FindStringSubmatch(image); m != nil {
		return Stdlib, m[1], true
	}
	return "", "", false
}

var builder = regexp.MustCompile(`(?:^|/)golang:(1\.[0-9]+(?:\.[0-9]+|(?:alpha|beta|rc)[0-9]+))(?:-[A-Za-z0-9._-]+)?(?:@sha256:[0-9a-f]+)?$`)

// stdlib is the toolchain that f asks for: the toolchain line if it is above
// the go line, which is only the least version that will do.
func (e Ecosystem) stdlib(p string, f *modfile.File, data []byte) (ecosystem.Package, bool) {
	lib := ecosystem.Package{Name: Stdlib, Direct: true, Minimum: true}
	if f.Go != nil {
		lib.Version, lib.At = f.Go.Version, span(p, f.Go.Syntax)
	}
	if f.Toolchain != nil {
		// A name may carry a suffix of who built it: "go1.22.1-custom".
		name, _, _ := strings.Cut(strings.TrimPrefix(f.Toolchain.Name, "go"), "-")
		if semver.IsValid(canonical(name)) && (lib.Version == "" || e.Compare(name, lib.Version) > 0) {
			lib.Version, lib.At, lib.Minimum = name, span(p, f.Toolchain.Syntax), false
		}
	}
	if lib.Version == "" {
		return lib, false
	}
	if lines := strings.Split(string(data), "\n"); lib.At.Start == lib.At.End {
		lib.Line = strings.TrimSuffix(lines[lib.At.Start-1], "\r")
	}
	return lib, true
}

func span(p string, l *modfile.Line) change.Span {
	return change.Span{Path: p, Start: l.Start.Line, End: l.End.Line}
}

// parse reads a go.mod; an error of it is a *ecosystem.SyntaxError.
func parse(p string, data []byte) (*modfile.File, error) {
	f, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		return nil, syntax(p, data, err)
	}
	return f, nil
}

// syntax says where a file of the go command cannot be read, and why.
func syntax(p string, data []byte, err error) error {
	bad := &ecosystem.SyntaxError{Path: p, Text: "not a " + path.Base(p)}
	var list modfile.ErrorList
	if errors.As(err, &list) && len(list) > 0 {
		bad.Line = list[0].Pos.Line
		bad.Text = plain(list[0].Err.Error())
	}
	lines := strings.Split(string(data), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "<<<<<<< ") {
			bad.Line, bad.Text = i+1, "merge conflict marker"
			break
		}
	}
	return bad
}

// plain makes a parser's message, which may quote the file, fit for one line.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxText {
		s = string(r[:maxText]) + "…"
	}
	return s
}
