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

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/scan"
)

const (
	maxDepth  = 2        // calls followed from a directory: as many as there are rounds of fetching
	maxInHand = 8        // the same where all of a module is at hand
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
	tree       fs.FS
	known      map[string]string // blobs of files at hand whatever their names, by path
	linked     map[string]string // the same of links
	links      []string          // that have to be read first
	blob       func(id string) ([]byte, error)
	lists      map[string][]string
	sources    map[string]source
	widest     int      // items of the longest literal of a variable
	missing    []error  // what could not be read
	searched   []string // directories that may hold callers
	unsearched []error  // where callers were not searched for
}

func newRepository(tree fs.FS) *repository {
	return &repository{tree: tree, lists: map[string][]string{}, sources: map[string]source{}}
}

// snapshot returns the repository in the state that s shows. Where the tree
// and the change do not agree on what is a link, it was one on one side only.
func snapshot(s scan.Snapshot) *repository {
	r := newRepository(s.Tree)
	if r.tree == nil {
		r.tree = change.Empty()
	}
	r.blob, r.known, r.linked = s.Contents.Blob, map[string]string{}, map[string]string{}
	for _, f := range s.Files {
		mode := f.Mode
		if m, err := r.mode(f.Path); err == nil && s.Side == scan.Before {
			mode = m
		}
		switch {
		case mode.IsRegular():
			r.known[f.Path] = f.NewBlob
		case mode&fs.ModeSymlink != 0:
			r.linked[f.Path] = f.NewBlob
		}
	}
	return r
}

// here reports whether p is a file or link of the change that exists.
func (r *repository) here(p string) bool { return r.known[p] != "" || r.linked[p] != "" }

// list returns the paths of the Terraform files in dir, sorted; none if there
// is no such directory.
func (r *repository) list(dir string) []string {
	if paths, ok := r.lists[dir]; ok {
		return paths
	}
	var paths []string
	for _, known := range []map[string]string{r.known, r.linked} {
		for p := range known {
			if path.Dir(p) == dir && (isTerraform(p) || isVariables(p)) {
				paths = append(paths, p)
			}
		}
	}
	if fs.ValidPath(dir) {
		to, err := r.resolve(dir)
		var entries []fs.DirEntry
		if err == nil {
			entries, err = fs.ReadDir(r.tree, to)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			r.missing = append(r.missing, err)
		}
		for _, e := range entries {
			if (e.Type().IsRegular() || e.Type() == fs.ModeSymlink) && (isTerraform(e.Name()) || isVariables(e.Name())) {
				paths = append(paths, path.Join(dir, e.Name()))
			}
		}
	}
	slices.Sort(paths)
	r.lists[dir] = slices.Compact(paths)
	return r.lists[dir]
}

// read returns the content of the file at p, through links.
func (r *repository) read(p string) ([]byte, error) {
	if _, ok := r.known[p]; !ok {
		to, err := r.target(p)
		if err != nil {
			return nil, err
		}
		p = to
	}
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
		s := source{path: p}
		if !errors.As(err, &s.problem) {
			r.missing = append(r.missing, err)
		}
		r.sources[p] = s
		return s
	}
	r.sources[p] = parse(p, text, r.read)
	return r.sources[p]
}

// wants returns the directories whose files are needed to judge the modules in dirs.
func (r *repository) wants(dirs, touched []string) []string {
	if len(dirs) == 0 {
		return nil
	}
	callers := r.callers(dirs)
	for _, p := range touched {
		if isVariables(p) {
			callers = append(callers, r.home(p))
		}
	}
	return slices.Concat(r.reach(dirs), r.searched, r.reach(callers))
}

// included returns the files whose content the Terraform files read so far take in.
func (r *repository) included() []string {
	var out []string
	for _, s := range r.sources {
		out = append(out, s.files...)
	}
	return out
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
	for depth := 0; depth <= maxInHand && len(next) > 0; depth++ {
		var calls []string
		for _, dir := range next {
			if seen[dir] || depth > maxDepth && !r.atHand(dir) {
				continue
			}
			seen[dir] = true
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
	if refused := refuse(p, text); refused != nil {
		return refused
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
		if len(g.nests) > 0 {
			continue
		}
		r.widest = max(r.widest, g.widest)
		if v, diags := a.Expr.Value(nil); !diags.HasErrors() {
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
