// Package pypi is the Python ecosystem: requirements files.
//
// Only a requirement that is pinned (== or ===) has a Version; any other says
// what would do, not what is installed. A requirement that is an address or a
// path has a Source and no Version. Files of the repository that a
// requirements file takes in (-r, -c) are read as part of it. The "# via"
// comments that pip-compile and uv write tell which packages are transitive.
//
// No line is passed over: one that is not understood is a
// *ecosystem.SyntaxError.
package pypi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"deps.dev/util/semver"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/version"
)

const (
	maxBytes = 4 << 20
	maxLines = 20_000 // logical ones; files of real projects stay below a tenth of it
)

// An Ecosystem reads Python requirements. It makes no upgrades.
type Ecosystem struct{}

var _ ecosystem.Ecosystem = Ecosystem{}

// Name returns OSV's name of the ecosystem.
func (Ecosystem) Name() string { return "PyPI" }

// PURLType is that of Python packages.
func (Ecosystem) PURLType() string { return "pypi" }

// Match reports whether p is a requirements file by its name:
// requirements-dev.txt, dev_requirements.in, requirements/dev.pip.
func (Ecosystem) Match(p string) bool {
	name := strings.ToLower(path.Base(p))
	end := path.Ext(name)
	stem := strings.TrimSuffix(name, end)
	return slices.Contains([]string{".txt", ".in", ".pip"}, end) && (strings.HasPrefix(stem, "requirements") || strings.HasSuffix(stem, "requirements") ||
		strings.EqualFold(path.Base(path.Dir(p)), "requirements"))
}

// Companions returns nothing: a requirements file stands alone.
func (Ecosystem) Companions(string) []string { return nil }

// Scheme is how versions are written.
func (Ecosystem) Scheme() version.Scheme { return version.Of(semver.PyPI, false) }

// Compare orders two versions by PEP 440. An invalid one is below all others.
func (Ecosystem) Compare(a, b string) int { return semver.PyPI.Compare(a, b) }

// Versions asks no registry: this ecosystem is read only.
func (Ecosystem) Versions(context.Context, string) ([]string, error) {
	return nil, ecosystem.ErrNoRegistry
}

// Upgrade refuses: this ecosystem is read only.
func (Ecosystem) Upgrade(_ context.Context, _ fs.FS, p ecosystem.Package, _ string) (map[string][]byte, error) {
	return nil, &ecosystem.RefusalError{Why: fmt.Sprintf("%s is a Python package, and upgrades cover Go modules and npm packages", p.Name)}
}

// Packages returns the requirements of the file at p, and of those that it
// takes in and that are not read by themselves, by canonical names.
// Directories of the repository are its own code and left out. With an error
// it returns what it could read. An .in file beside its .txt states nothing by
// itself: that is what pip installs from, whether compiled from the other or
// taking it in.
func (e Ecosystem) Packages(ctx context.Context, tree fs.FS, p string) ([]ecosystem.Package, error) {
	if compiled(tree, p) {
		return nil, ctx.Err()
	}
	var out []ecosystem.Package
	var wrong error
	files := []string{p}
	limits := map[string]bool{} // the files that only limit what others ask for
	for i := 0; i < len(files); i++ {
		f, err := read(ctx, tree, files[i])
		wrong = first(wrong, err)
		for _, p := range f.packages {
			p.Limit = limits[files[i]]
			out = append(out, p)
		}
		for _, in := range f.includes {
			if slices.Contains(files, in.path) || e.Match(in.path) && present(tree, in.path) && !compiled(tree, in.path) {
				continue
			}
			if err := in.allowed(tree, files); err != nil {
				wrong = first(wrong, &ecosystem.SyntaxError{Path: files[i], Line: in.line, Text: err.Error()})
				continue
			}
			files = append(files, in.path)
			limits[in.path] = in.limit || limits[files[i]]
		}
	}
	limit(out)
	return out, first(wrong, ctx.Err())
}

// compiled reports whether the file at p is an .in file beside its .txt.
func compiled(tree fs.FS, p string) bool {
	stem, ok := strings.CutSuffix(p, ".in")
	return ok && present(tree, stem+".txt")
}

// limit adds what limits say of a package to what each requirement of it admits.
func limit(packages []ecosystem.Package) {
	said := map[string][]string{}
	for _, p := range packages {
		if p.Limit && p.Constraint != "" {
			said[p.Name] = append(said[p.Name], p.Constraint)
		}
	}
	for i := range packages {
		p := &packages[i]
		if p.Version == "" && p.Source == "" && !p.Limit && len(said[p.Name]) > 0 {
			p.Constraint = strings.TrimPrefix(strings.Join(append([]string{p.Constraint}, said[p.Name]...), ","), ",")
		}
	}
}

// Locks returns the files that pin what the requirements file at p asks for,
// if they exist: what pip-compile makes of a ".in" file.
func (Ecosystem) Locks(p string) []string {
	if stem, ok := strings.CutSuffix(p, ".in"); ok {
		return []string{stem + ".txt"}
	}
	return nil
}

func first(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// A file is what one requirements file states.
type file struct {
	packages []ecosystem.Package
	includes []include
}

// read reads one file; with an error, as far as it can be read. Any error but
// of reading is a *ecosystem.SyntaxError.
func read(ctx context.Context, tree fs.FS, p string) (file, error) {
	data, err := fs.ReadFile(tree, p)
	if err != nil {
		return file{}, fmt.Errorf("read %s: %w", p, err)
	}
	if len(data) > maxBytes {
		return file{}, &ecosystem.SyntaxError{Path: p, Text: "larger than 4 MiB"}
	}
	if n, name := encoding(data); n > 0 {
		return file{}, &ecosystem.SyntaxError{Path: p, Line: n, Text: fmt.Sprintf("the encoding %.100q is not read", name)}
	}
	text, exact := decode(data)
	dev := devWord.MatchString(path.Base(p))
	var f file
	var wrong error
	var askers [][]string // of each package: who its comment says it is for
	lines := logical(text)
	if len(lines) > maxLines {
		wrong = &ecosystem.SyntaxError{Path: p, Line: lines[maxLines].start, Text: fmt.Sprintf("more than %d lines: the rest is not read", maxLines)}
		lines = lines[:maxLines]
	}
	for _, l := range lines {
		if l.text == "" { // a comment alone belongs to the requirement above
			if n := len(askers); n > 0 {
				askers[n-1] = append(askers[n-1], l.via...)
			}
			continue
		}
		r, err := l.requirement()
		if err != nil {
			wrong = first(wrong, &ecosystem.SyntaxError{Path: p, Line: l.start, Text: ecosystem.WithoutCredentials(err.Error())})
			continue
		}
		for _, name := range r.includes {
			f.includes = append(f.includes, include{path: beside(p, name), stated: name, line: l.start, limit: slices.Contains(r.limits, name)})
		}
		if r.name == "" {
			continue
		}
		pkg := ecosystem.Package{
			Name: r.name, Version: r.version, Constraint: r.constraint, Dev: dev, Source: r.source,
			At: change.Span{Path: p, Start: l.start, End: l.end},
		}
		// A hash would have to change too.
		if exact && l.raw != "" && !r.options && r.version != "" && strings.Count(l.raw, r.version) == 1 {
			pkg.Line = l.raw
		}
		f.packages, askers = append(f.packages, pkg), append(askers, l.via)
	}
	trace(f.packages, askers)
	return f, first(wrong, ctx.Err())
}

func (l line) requirement() (requirement, error) {
	switch {
	case len(l.text) > maxLine:
		return requirement{}, errors.New("a line longer than 64 KiB")
	case strings.HasPrefix(l.text, "<<<<<<<"):
		return requirement{}, errors.New("merge conflict marker")
	}
	return parse(l.text)
}

var devWord = regexp.MustCompile(`(?i)(^|[-_./])(dev|develop|development|tests?|testing|lint|docs?)([-_./]|$)`)

var runs = regexp.MustCompile(`[-_.]+`)

// Canonical returns a package's name as PEP 503 normalises it.
func Canonical(name string) string { return strings.ToLower(runs.ReplaceAllString(name, "-")) }
