// Package upgrade plans upgrades: for each vulnerable direct dependency the
// smallest step that settles what is known of it, with the files that carry it out.
//
// It reads a tree, the advisories and the operator's registries. It runs
// nothing, and nothing in the tree has a say in where it asks.
package upgrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// A Plan is one upgrade, ready to be proposed.
type Plan struct {
	Ecosystem string // OSV's name
	Package   string
	From, To  string
	Manifest  string // path of the file that states the version
	Direct    bool   // always, so far
	Dev       bool
	Major     bool                // crosses a major version
	Settles   []advisory.Advisory // worst first; never empty
	Remains   []advisory.Advisory // known of To as well; worst first
	Files     map[string][]byte   // new contents by path
}

// A Refused is a package, or a manifest as a whole, that stays as it is.
type Refused struct {
	Ecosystem string
	Package   string // "" for the whole manifest
	From, To  string // To is "" if no version was chosen
	Manifest  string
	Known     []advisory.Advisory // worst first
	Why       string              // in words for the owner
}

// A Load brings the contents of files within reach, all in one batch. A path
// that does not exist is no error. A nil Load means that all are at hand.
type Load func(ctx context.Context, paths ...string) error

// Loader returns the Load of a tree whose contents are fetched on demand.
func Loader(tree fs.FS, contents change.Contents) Load {
	return func(ctx context.Context, paths ...string) error {
		var ids []string
		for _, p := range paths {
			info, err := fs.Stat(tree, p)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return fmt.Errorf("look up %s: %w", p, err)
			}
			if id, ok := info.Sys().(change.BlobID); ok {
				ids = append(ids, string(id))
			}
		}
		if len(ids) == 0 {
			return nil
		}
		return contents.Load(ctx, ids...)
	}
}

// A Planner finds the smallest step that settles each advisory.
type Planner struct {
	Advisories advisory.DB
	Ecosystems []ecosystem.Ecosystem
}

// Plan returns the upgrades for tree, most urgent first, each made against
// tree as it stands, and what was refused, in the order of the tree.
//
// It does not look at want.Enabled or want.Open: the caller decides how many to
// propose. With an error, such as that of a registry that does not answer, what
// is returned besides is complete for all other packages.
func (p *Planner) Plan(ctx context.Context, tree fs.FS, want policy.Upgrades, load Load) ([]Plan, []Refused, error) {
	if load == nil {
		load = func(context.Context, ...string) error { return nil }
	}
	r := &run{Planner: p, tree: tree, want: want, load: load, versions: map[string]published{}}
	manifests, err := r.find(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range manifests {
		if err := r.manifest(ctx, m); err != nil {
			r.errs = append(r.errs, fmt.Errorf("plan upgrades of %s: %w", m.path, err))
		}
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
	}
	slices.SortStableFunc(r.plans, func(a, b Plan) int {
		return cmp.Or(
			cmp.Compare(b.Settles[0].Severity, a.Settles[0].Severity),
			cmp.Compare(len(b.Settles), len(a.Settles)),
			strings.Compare(a.Manifest, b.Manifest),
			strings.Compare(a.Package, b.Package),
		)
	})
	return r.plans, r.refused, errors.Join(r.errs...)
}

// A run is one call of Plan.
type run struct {
	*Planner
	tree fs.FS
	want policy.Upgrades
	load Load

	versions map[string]published // by ecosystem and package
	plans    []Plan
	refused  []Refused
	errs     []error
}

type published struct {
	versions []string
	err      error
}

type manifest struct {
	path string
	of   ecosystem.Ecosystem
}

// find lists the manifests of the project itself and brings their contents.
func (r *run) find(ctx context.Context) ([]manifest, error) {
	var out []manifest
	var paths []string
	err := fs.WalkDir(r.tree, ".", func(p string, d fs.DirEntry, err error) error {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if d.IsDir() {
			if path.Base(p) == ".git" || ecosystem.Foreign(p+"/") {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		for _, e := range r.Ecosystems {
			if e.Match(p) {
				out = append(out, manifest{p, e})
				paths = append(paths, p)
				paths = append(paths, e.Companions(p)...)
				break
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for manifests: %w", err)
	}
	slices.Sort(paths)
	if paths = slices.Compact(paths); len(paths) == 0 {
		return nil, nil
	}
	if err := r.load(ctx, paths...); err != nil {
		return nil, fmt.Errorf("load manifests: %w", err)
	}
	return out, nil
}

// manifest plans for the direct dependencies of one manifest.
func (r *run) manifest(ctx context.Context, m manifest) error {
	packages, err := m.of.Packages(ctx, r.tree, m.path)
	if why, ok := refusal(err); ok {
		r.refused = append(r.refused, Refused{Ecosystem: m.of.Name(), Manifest: m.path, Why: why})
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	seen := map[string]bool{}
	for _, p := range packages {
		if !p.Direct || seen[p.Name] {
			continue
		}
		known, err := r.Advisories.Affecting(ctx, m.of.Name(), p.Name, p.Version, m.of.Compare)
		if err != nil {
			return err
		}
		if len(known) == 0 {
			continue
		}
		seen[p.Name] = true
		if err := r.upgrade(ctx, m, p, known); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.Name, err))
		}
	}
	return errors.Join(errs...)
}

// upgrade plans for one package, or notes why not.
func (r *run) upgrade(ctx context.Context, m manifest, p ecosystem.Package, known []advisory.Advisory) error {
	no := Refused{Ecosystem: m.of.Name(), Package: p.Name, From: p.Version, Manifest: m.path, Known: known}
	refuse := func(err error) error {
		why, ok := refusal(err)
		if !ok {
			return err
		}
		no.Why = why
		r.refused = append(r.refused, no)
		return nil
	}
	versions, err := r.published(ctx, m.of, p.Name)
	if err != nil {
		return refuse(err)
	}
	c := chooser{db: r.Advisories, of: m.of, pkg: p, known: known, major: r.want.Major}
	to, err := c.choose(ctx, versions)
	if err != nil {
		return refuse(err)
	}
	no.To = to.version
	files, err := r.edit(ctx, m.of, p, to.version)
	if err != nil {
		return refuse(err)
	}
	r.plans = append(r.plans, Plan{
		Ecosystem: m.of.Name(), Package: p.Name, From: p.Version, To: to.version, Manifest: m.path,
		Direct: true, Dev: p.Dev, Major: breaking(m.of.Name(), p.Version, to.version),
		Settles: to.settles, Remains: to.remains, Files: files,
	})
	return nil
}

func (r *run) published(ctx context.Context, e ecosystem.Ecosystem, name string) ([]string, error) {
	key := e.Name() + "\x00" + name
	v, ok := r.versions[key]
	if !ok {
		v.versions, v.err = e.Versions(ctx, name)
		r.versions[key] = v
	}
	return v.versions, v.err
}

// edit makes the files, and brings what else the ecosystem turns out to read.
func (r *run) edit(ctx context.Context, e ecosystem.Ecosystem, p ecosystem.Package, to string) (map[string][]byte, error) {
	asked := map[string]bool{}
	for {
		files, err := e.Upgrade(ctx, r.tree, p, to)
		var missing *change.MissingError
		if err == nil || !errors.As(err, &missing) || missing.Path == "" || asked[missing.Path] || len(asked) == 50 {
			return files, err
		}
		asked[missing.Path] = true
		if err := r.load(ctx, missing.Path); err != nil {
			return nil, err
		}
	}
}

// refusal returns the words of an error that no second attempt changes.
func refusal(err error) (string, bool) {
	var refused *ecosystem.RefusalError
	var syntax *ecosystem.SyntaxError
	var missing *change.MissingError
	switch {
	case errors.As(err, &refused):
		return refused.Why, true
	case errors.As(err, &syntax):
		return syntax.Error(), true
	case errors.As(err, &missing):
		return missing.Error(), true
	case errors.Is(err, ecosystem.ErrNoRegistry):
		return ecosystem.ErrNoRegistry.Error(), true
	}
	return "", false
}
