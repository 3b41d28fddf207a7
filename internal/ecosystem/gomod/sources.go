package gomod

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Sources returns the paths of all Go files of the module whose go.mod is at
// p: below its directory, without nested modules, vendor and testdata. It fails
// if there are more than most, or a directory cannot be read.
func (Ecosystem) Sources(tree fs.FS, p string, most int) ([]string, error) {
	if path.Base(p) != "go.mod" {
		return nil, errors.New("a workspace has no sources of its own")
	}
	var out []string
	err := fs.WalkDir(tree, path.Dir(p), func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			if strings.HasSuffix(name, ".go") {
				out = append(out, name)
			}
			if len(out) > most {
				return fmt.Errorf("more than %d Go files", most)
			}
			return nil
		case name == path.Dir(p):
			return nil
		case d.Name() == "vendor" || d.Name() == "testdata" || d.Name() == ".git":
			return fs.SkipDir
		}
		if _, err := fs.Stat(tree, path.Join(name, "go.mod")); !errors.Is(err, fs.ErrNotExist) {
			return fs.SkipDir
		}
		return nil
	})
	return out, err
}

// Imports returns what a Go file imports from other modules, whatever its build tags are.
func (Ecosystem) Imports(source []byte) ([]string, error) {
	f, err := parser.ParseFile(token.NewFileSet(), "", source, parser.ImportsOnly)
	if err != nil {
		return nil, errors.New("not a Go file")
	}
	var out []string
	for _, spec := range f.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, errors.New("an import path that cannot be read")
		}
		if external(p) {
			out = append(out, p)
		}
	}
	return out, nil
}

// IsTest reports whether a Go file is compiled for tests only.
func (Ecosystem) IsTest(p string) bool { return strings.HasSuffix(p, "_test.go") }
