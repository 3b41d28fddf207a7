package gomod

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"
)

// maxFile bounds what is read of one source file; imports come first.
const maxFile = 4 << 20

// A source is what the zip of a module tells.
type source struct {
	hash    string              // as in go.sum
	imports map[string][]string // by import path of the package; all packages are there
	tests   map[string][]string // what its tests import
}

// load returns the go.mod that stands for m in this main module.
func (u *upgrade) load(ctx context.Context, m module.Version) (*modFile, error) {
	r := u.replaced(m)
	if r.Version != "" {
		f, err := u.registry.mod(ctx, r)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, refusal("the registry does not have %s %s", r.Path, r.Version)
		}
		if err != nil {
			return nil, err
		}
		return f, u.sums.check(goMod(r), f.hash)
	}
	name := path.Join(u.dir, r.Path, "go.mod")
	if !fs.ValidPath(name) || path.IsAbs(r.Path) {
		return nil, refusal("go.mod replaces %s by a directory outside the repository", m.Path)
	}
	b, err := fs.ReadFile(u.tree, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, refusal("go.mod replaces %s by a directory without a go.mod", m.Path)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return parseMod(name, b)
}

func (u *upgrade) replaced(m module.Version) module.Version {
	if r := u.replace[m]; r != nil {
		return r.New
	}
	if r := u.replace[module.Version{Path: m.Path}]; r != nil {
		return r.New
	}
	return m
}

func (u *upgrade) excluded(m module.Version) bool { return u.exclude[m] }

// source returns what is in the zip of m, which is checked against go.sum.
func (u *upgrade) source(ctx context.Context, m module.Version) (*source, error) {
	s, err := u.registry.source(ctx, m)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, refusal("the registry does not have the source of %s %s", m.Path, m.Version)
	}
	if err != nil {
		return nil, err
	}
	return s, u.sums.check(m, s.hash)
}

func (r Registry) source(ctx context.Context, m module.Version) (*source, error) {
	if s := r.mods.source(m); s != nil {
		return s, nil
	}
	name, err := r.download(ctx, m)
	if err != nil {
		return nil, fmt.Errorf("download %v: %w", m, err)
	}
	defer os.Remove(name)
	s, err := readZip(m, name)
	if err != nil {
		return nil, fmt.Errorf("read the zip of %v: %w", m, err)
	}
	r.mods.putSource(m, s)
	return s, nil
}

func readZip(m module.Version, name string) (*source, error) {
	// This bounds the size unpacked, too.
	if _, err := modzip.CheckZip(m, name); err != nil {
		return nil, err
	}
	hash, err := dirhash.HashZip(name, dirhash.Hash1)
	if err != nil {
		return nil, err
	}
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	s := &source{hash: hash, imports: map[string][]string{}, tests: map[string][]string{}}
	for _, f := range z.File {
		rel := strings.TrimPrefix(f.Name, m.String()+"/")
		if !strings.HasSuffix(rel, ".go") || hidden(rel) {
			continue
		}
		src, err := f.Open()
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(io.LimitReader(src, maxFile))
		if err = errors.Join(err, src.Close()); err != nil {
			return nil, err
		}
		pkg := path.Join(m.Path, path.Dir(rel))
		into := s.imports
		if strings.HasSuffix(rel, "_test.go") {
			into = s.tests
		}
		into[pkg] = append(into[pkg], imports(b)...)
	}
	return s, nil
}

// hidden reports whether the go command passes a file over.
func hidden(rel string) bool {
	for e := range strings.SplitSeq(rel, "/") {
		if e == "testdata" || strings.HasPrefix(e, "_") || strings.HasPrefix(e, ".") {
			return true
		}
	}
	return false
}

// imports returns what a file imports from other modules under any build tags. A broken file has no say.
func imports(src []byte) []string {
	f, err := parser.ParseFile(token.NewFileSet(), "", src, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return nil
	}
	for _, c := range f.Comments {
		if c.Pos() > f.Package {
			break
		}
		for _, l := range c.List {
			if x, err := constraint.Parse(l.Text); err == nil && constraint.IsGoBuild(l.Text) && !possible(x, true) {
				return nil
			}
		}
	}
	var out []string
	for _, spec := range f.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil && external(p) {
			out = append(out, p)
		}
	}
	return out
}

// possible reports whether x can come out as want, with any tag but "ignore" set or not.
func possible(x constraint.Expr, want bool) bool {
	switch x := x.(type) {
	case *constraint.TagExpr:
		return x.Tag != "ignore" || !want
	case *constraint.NotExpr:
		return possible(x.X, !want)
	case *constraint.AndExpr:
		if !want {
			return possible(x.X, want) || possible(x.Y, want)
		}
		return possible(x.X, want) && possible(x.Y, want)
	case *constraint.OrExpr:
		if !want {
			return possible(x.X, want) && possible(x.Y, want)
		}
		return possible(x.X, want) || possible(x.Y, want)
	}
	return true
}

// external reports whether an import path is not of the standard library.
func external(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return strings.Contains(first, ".")
}
