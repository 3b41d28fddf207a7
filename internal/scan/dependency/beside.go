package dependency

import (
	"context"
	"io/fs"
	"path"
	"slices"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

// An includer is an ecosystem whose manifests can take in other files.
type includer interface {
	// Includable reports whether a manifest may take in the file at path.
	Includable(path string) bool
	// Includes returns the files that the manifest at path takes in, as far as
	// what tells it can be read. It leaves open which of them exist.
	Includes(ctx context.Context, tree fs.FS, path string) []string
}

// Wants names what touched manifests lead to or take in, and the manifests
// that lead to touched files, take them in or stand beside them.
func (s *Scanner) Wants(c *change.Change) []string {
	var touched []string
	for _, f := range c.Files {
		touched = append(touched, f.Path)
		if f.OldPath != "" {
			touched = append(touched, f.OldPath)
		}
	}
	slices.Sort(touched)
	var out []string
	for _, tree := range []fs.FS{c.Before, c.After} {
		r := s.reach(context.Background(), view{FS: tree}, tree, touched)
		for _, p := range touched {
			if s.ecosystemOf(p) != nil {
				r.read(p)
			}
		}
		out = append(out, r.wants...)
	}
	out = append(out, s.sourcesWanted(c)...)
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(p string) bool { _, found := slices.BinarySearch(touched, p); return found })
}

// A reach finds out which manifests of a tree a change concerns without
// touching them.
type reach struct {
	scanner *Scanner
	ctx     context.Context
	view    fs.FS // in which links are followed
	tree    fs.FS
	touched []string        // sorted
	takesIn map[string]bool // by ecosystem: whether a touched file may be part of a manifest
	paths   []string        // of the manifests
	wants   []string        // what was or should be read to find out, and to read them
}

// reach looks in the directories of touched files and those above them: a
// manifest that leads elsewhere with a link, or takes in a file of elsewhere,
// is seen when it is touched itself.
func (s *Scanner) reach(ctx context.Context, v, tree fs.FS, touched []string) *reach {
	r := &reach{scanner: s, ctx: ctx, view: v, tree: tree, touched: touched, takesIn: map[string]bool{}}
	for _, e := range s.ecosystems {
		if in, ok := e.(includer); ok {
			r.takesIn[e.Name()] = slices.ContainsFunc(touched, in.Includable)
		}
	}
	seen := map[string]bool{}
	for _, p := range touched {
		for dir := path.Dir(p); !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			r.directory(dir)
			r.directory(path.Join(dir, "requirements"))
		}
	}
	slices.Sort(r.paths)
	r.paths = slices.Compact(r.paths)
	return r
}

func (r *reach) isTouched(p string) bool {
	_, found := slices.BinarySearch(r.touched, p)
	return found
}

// directory looks at the manifests of one directory that are not touched.
func (r *reach) directory(dir string) {
	if !fs.ValidPath(dir) {
		return
	}
	entries, _ := fs.ReadDir(r.tree, dir) // none if it does not exist
	for _, e := range entries {
		m, link := path.Join(dir, e.Name()), e.Type()&fs.ModeSymlink != 0
		if of := r.scanner.ecosystemOf(m); of != nil && (link || e.Type().IsRegular()) && !r.isTouched(m) {
			r.manifest(of, m, link)
		}
	}
}

func (r *reach) manifest(of ecosystem.Ecosystem, m string, link bool) {
	concerned := slices.ContainsFunc(of.Companions(m), r.isTouched)
	if link {
		at, links, _ := follow(r.tree, m)
		r.wants = append(r.wants, links...)
		concerned = concerned || slices.ContainsFunc(append(links, at), r.isTouched)
	}
	if in, ok := of.(includer); ok && r.takesIn[of.Name()] {
		r.wants = append(r.wants, m)
		for _, p := range in.Includes(r.ctx, r.view, m) {
			at, links, _ := follow(r.tree, p)
			concerned = concerned || slices.ContainsFunc(append(links, p, at), r.isTouched)
		}
	}
	if concerned {
		r.paths = append(r.paths, m)
		r.read(m)
	}
}

// read notes what reading the manifest at m needs.
func (r *reach) read(m string) {
	files := []string{m}
	if in, ok := r.scanner.ecosystemOf(m).(includer); ok {
		files = append(files, in.Includes(r.ctx, r.view, m)...)
	}
	for _, p := range files {
		at, links, err := follow(r.tree, p)
		r.wants = append(r.wants, links...)
		if err == nil {
			r.wants = append(r.wants, at)
		}
	}
}
