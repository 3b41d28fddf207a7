package git

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	gogit "github.com/go-git/go-git/v5"
)

// maxBorrowing is how often one object directory may lead to another, as in git.
const maxBorrowing = 5

// A place is where the parts of a repository are on disk.
type place struct {
	dotGit   string   // the git directory
	common   string   // the git directory that linked work trees share; dotGit if there is none
	work     string   // top of the work tree; "" if the repository is bare
	index    string   // the index file
	borrowed []string // object directories besides that of common
}

// locate finds the repository at or above dir. env holds the variables that
// git itself reads (GIT_DIR and others); nil means none. They win over dir.
func locate(dir string, env func(string) string) (place, error) {
	if env == nil {
		env = func(string) string { return "" }
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return place{}, err
	}
	if _, err := os.Stat(abs); err != nil {
		return place{}, err
	}
	p, err := find(abs)
	if named := env("GIT_DIR"); named != "" {
		p, err = gitDir(join(abs, named), abs)
	}
	if err != nil {
		return place{}, err
	}
	p.common = p.dotGit
	if b, err := os.ReadFile(filepath.Join(p.dotGit, "commondir")); err == nil {
		p.common = join(p.dotGit, strings.TrimSpace(string(b)))
	}
	if named := env("GIT_COMMON_DIR"); named != "" {
		p.common = join(abs, named)
	}
	if named := env("GIT_WORK_TREE"); named != "" {
		p.work = join(abs, named)
	}
	p.index = filepath.Join(p.dotGit, "index")
	if named := env("GIT_INDEX_FILE"); named != "" {
		p.index = join(abs, named)
	}
	p.borrow(filepath.Join(p.common, "objects"), 0)
	for _, dir := range append([]string{env("GIT_OBJECT_DIRECTORY")}, filepath.SplitList(env("GIT_ALTERNATE_OBJECT_DIRECTORIES"))...) {
		if dir != "" {
			p.borrowed = append(p.borrowed, join(abs, unquote(dir)))
			p.borrow(join(abs, unquote(dir)), 1)
		}
	}
	return p, nil
}

// borrow adds the object directories that objects names as its alternates,
// and those that they name. One that does not exist is left out, as in git:
// an object that is in none of them is an error where it is needed.
func (p *place) borrow(objects string, depth int) {
	b, err := os.ReadFile(filepath.Join(objects, "info", "alternates"))
	if err != nil || depth > maxBorrowing {
		return
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		dir := join(objects, unquote(line))
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue
		}
		p.borrowed = append(p.borrowed, dir)
		p.borrow(dir, depth+1)
	}
}

// find returns the repository at or above a directory.
func find(dir string) (place, error) {
	for at := dir; ; at = filepath.Dir(at) {
		dot := filepath.Join(at, ".git")
		_, err := os.Stat(dot)
		switch {
		case err == nil:
			return gitDir(dot, at)
		case isBare(at):
			return place{dotGit: at}, nil
		case filepath.Dir(at) == at:
			return place{}, fmt.Errorf("%s is not in a git repository: %w", dir, gogit.ErrRepositoryNotExists)
		}
	}
}

// gitDir returns the repository of a git directory, or of the file that names
// one: submodules and linked work trees have such a file.
func gitDir(path, work string) (place, error) {
	info, err := os.Stat(path)
	if err != nil {
		return place{}, err
	}
	if info.IsDir() {
		return place{dotGit: path, work: work}, nil
	}
	b, err := os.ReadFile(path)
	to, ok := strings.CutPrefix(strings.TrimSpace(string(b)), "gitdir: ")
	if err != nil || !ok {
		return place{}, errors.Join(fmt.Errorf("%s names no git directory", path), err)
	}
	return place{dotGit: join(filepath.Dir(path), to), work: work}, nil
}

func isBare(dir string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// join returns path as seen from dir.
func join(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// unquote reads a path that git wrote like a string of C.
func unquote(path string) string {
	if s, err := strconv.Unquote(path); err == nil && path[0] == '"' {
		return s
	}
	return path
}
