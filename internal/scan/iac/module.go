package iac

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
)

const (
	maxDepth  = 2        // calls followed from a directory: as many as there are rounds of fetching
	maxAbove  = 4        // directories above a touched one that are searched for callers
	maxValues = 64 << 20 // bytes that the locals of a module may grow to
)

// terraformDirs returns the directories of the Terraform files among paths, sorted.
func terraformDirs(paths []string) []string {
	var dirs []string
	for _, p := range paths {
		if isTerraform(p) || isVariables(p) {
			dirs = append(dirs, path.Dir(p))
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// above returns the nearest directories above dirs, sorted.
func above(dirs []string) []string {
	var out []string
	for _, dir := range dirs {
		out = append(out, nearest(dir)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// nearest returns the directories above dir, the nearest first.
func nearest(dir string) []string {
	var out []string
	for n := 0; n < maxAbove && dir != "."; n++ {
		dir = path.Dir(dir)
		out = append(out, dir)
	}
	return out
}

// A repository reads Terraform modules of one tree, each file once.
type repository struct {
	tree    fs.FS
	known   map[string]string // blobs of files at hand whatever their names, by path
	blob    func(id string) ([]byte, error)
	lists   map[string][]string
	sources map[string]source
	missing []error // what could not be read
}

func newRepository(tree fs.FS) *repository {
	return &repository{tree: tree, lists: map[string][]string{}, sources: map[string]source{}}
}

// list returns the paths of the Terraform files in dir, sorted; none if there
// is no such directory.
func (r *repository) list(dir string) []string {
	if paths, ok := r.lists[dir]; ok {
		return paths
	}
	var paths []string
	for p := range r.known {
		if path.Dir(p) == dir && (isTerraform(p) || isVariables(p)) {
			paths = append(paths, p)
		}
	}
	if fs.ValidPath(dir) {
		entries, err := fs.ReadDir(r.tree, dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			r.missing = append(r.missing, err)
		}
		for _, e := range entries {
			if e.Type().IsRegular() && (isTerraform(e.Name()) || isVariables(e.Name())) {
				paths = append(paths, path.Join(dir, e.Name()))
			}
		}
	}
	slices.Sort(paths)
	r.lists[dir] = slices.Compact(paths)
	return r.lists[dir]
}

func (r *repository) read(p string) ([]byte, error) {
	if id, ok := r.known[p]; ok {
		return r.blob(id)
	}
	return fs.ReadFile(r.tree, p)
}

// source returns the Terraform file at p; without text if it cannot be had.
func (r *repository) source(p string) source {
	if s, ok := r.sources[p]; ok {
		return s
	}
	text, err := r.read(p)
	if err != nil {
		r.missing = append(r.missing, err)
		r.sources[p] = source{path: p}
		return r.sources[p]
	}
	r.sources[p] = parse(p, text)
	return r.sources[p]
}

// module returns the files of dir that are Terraform.
func (r *repository) module(dir string) []source {
	var out []source
	for _, p := range r.list(dir) {
		if isTerraform(p) {
			out = append(out, r.source(p))
		}
	}
	return out
}

// reach returns dirs and the modules that they call, directly and indirectly, sorted.
func (r *repository) reach(dirs []string) []string {
	seen := map[string]bool{}
	next := dirs
	for depth := 0; depth <= maxDepth && len(next) > 0; depth++ {
		var calls []string
		for _, dir := range next {
			if seen[dir] {
				continue
			}
			seen[dir] = true
			if depth == maxDepth {
				continue
			}
			for _, s := range r.module(dir) {
				for _, c := range s.calls {
					calls = append(calls, c.dir)
				}
			}
		}
		next = calls
	}
	out := make([]string, 0, len(seen))
	for dir := range seen {
		out = append(out, dir)
	}
	slices.Sort(out)
	return out
}

// circles returns, by directory among dirs, the modules that it must not call,
// for they call it in the end.
func (r *repository) circles(dirs []string) map[string]map[string]bool {
	cut := map[string]map[string]bool{}
	const open, done = 1, 2
	state := map[string]int{}
	var visit func(dir string)
	visit = func(dir string) {
		state[dir] = open
		for _, s := range r.module(dir) {
			for _, c := range s.calls {
				switch {
				case state[c.dir] == open:
					if cut[dir] == nil {
						cut[dir] = map[string]bool{}
					}
					cut[dir][c.dir] = true
				case state[c.dir] != done && slices.Contains(dirs, c.dir):
					visit(c.dir)
				}
			}
		}
		state[dir] = done
	}
	for _, dir := range dirs {
		if state[dir] == 0 {
			visit(dir)
		}
	}
	return cut
}

// callers returns the directories above dirs whose modules call one of dirs.
func (r *repository) callers(dirs []string) []string {
	var out []string
	for _, dir := range above(dirs) {
		if slices.Contains(dirs, dir) || len(r.list(dir)) == 0 {
			continue
		}
		called := r.reach([]string{dir})
		if slices.ContainsFunc(dirs, func(d string) bool { return slices.Contains(called, d) }) {
			out = append(out, dir)
		}
	}
	return out
}

// home returns the directory of the module that the file of variables at p is
// for: its own, or the nearest above that has one.
func (r *repository) home(p string) string {
	for _, dir := range append([]string{path.Dir(p)}, nearest(path.Dir(p))...) {
		if slices.ContainsFunc(r.list(dir), isTerraform) {
			return dir
		}
	}
	return path.Dir(p)
}

// inputs returns values for the variables of the module in dir: those of the
// files Terraform reads unasked, then those of also, and for the rest that
// they are not known.
func (r *repository) inputs(dir, also string) (map[string]cty.Value, error) {
	// The engine takes variables from the environment if it is given none.
	values := map[string]cty.Value{"_": cty.StringVal("")}
	for _, s := range r.module(dir) {
		for name, ty := range s.inputs {
			values[name] = cty.UnknownVal(ty)
		}
	}
	var files, automatic []string
	for _, p := range r.list(dir) {
		switch {
		case !isVariables(p) || p == also:
		case strings.HasPrefix(path.Base(p), "terraform.tfvars"):
			files = append(files, p)
		case setsItself(p):
			automatic = append(automatic, p)
		}
	}
	files = append(files, automatic...)
	if also != "" {
		files = append(files, also)
	}
	var errs []error
	for _, p := range files {
		errs = append(errs, r.variables(p, values))
	}
	return values, errors.Join(errs...)
}

// variables adds what the file at p sets to values.
func (r *repository) variables(p string, values map[string]cty.Value) error {
	text, err := r.read(p)
	if err != nil {
		return err
	}
	if len(text) > maxFile {
		return tooLarge(p)
	}
	if line := tooDeep(text); line > 0 {
		return &SyntaxError{Path: p, Line: line, Why: "nested too deeply"}
	}
	var file *hcl.File
	var diags hcl.Diagnostics
	if strings.HasSuffix(p, ".json") {
		file, diags = hcljson.Parse(text, p)
	} else {
		file, diags = hclsyntax.ParseConfig(text, p, hcl.InitialPos)
	}
	if diags.HasErrors() {
		return syntaxError(p, diags)
	}
	attrs, diags := file.Body.JustAttributes()
	for name, a := range attrs {
		g := guard{}
		if n, ok := a.Expr.(hclsyntax.Node); ok {
			_ = hclsyntax.Walk(n, &g)
		}
		if v, diags := a.Expr.Value(nil); !g.looped && !diags.HasErrors() {
			values[name] = v
		}
	}
	if diags.HasErrors() {
		return syntaxError(p, diags)
	}
	return nil
}

// explodes returns the local value of the module in dir that would grow
// beyond bounds, "" if none: one that names another twice, which names
// another twice, and so on.
func (r *repository) explodes(dir string) (file, name string) {
	type local struct {
		expr hcl.Expression
		file string
	}
	locals := map[string]local{}
	for _, s := range r.module(dir) {
		for n, e := range s.locals {
			locals[n] = local{e, s.path}
		}
	}
	sizes := map[string]int{}
	var size func(n string) int
	size = func(n string) int {
		if known, ok := sizes[n]; ok {
			return known
		}
		sizes[n] = 0 // a circle is an error of its own
		l, ok := locals[n]
		if !ok {
			return 0
		}
		rng := l.expr.Range()
		sum := rng.End.Byte - rng.Start.Byte
		for _, v := range l.expr.Variables() {
			if len(v) < 2 || v.RootName() != "local" {
				continue
			}
			if attr, ok := v[1].(hcl.TraverseAttr); ok && sum <= maxValues {
				sum += size(attr.Name)
			}
		}
		sizes[n] = sum
		return sum
	}
	for n, l := range locals {
		if size(n) > maxValues {
			return l.file, n
		}
	}
	return "", ""
}
