// Package iac looks for infrastructure code that opens what should be closed:
// Terraform modules, Dockerfiles and Kubernetes manifests, judged by the checks
// that trivy embeds.
//
// Nothing is executed, downloaded or read from the machine: the engine sees an
// in-memory tree of the files at hand, and no variable of the environment. What
// a repository says to the engine itself (trivy:ignore and the like, ignore
// files) is taken away first, on both sides of a change.
//
// A Terraform module is looked at as a whole, for a line in one file decides
// what another means: each touched directory is evaluated with its siblings,
// together with the local modules it calls, and once more through those that
// call it, wherever in the repository they are. Dockerfiles and manifests stand
// for themselves. Symbolic links are followed, but not out of the repository.
package iac

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// Files beyond these are not inspected, and said not to be. Hand-written code
// stays far below; generated manifests can be long.
const (
	maxFile      = 1 << 20
	maxManifests = 4 << 20
)

// A Scanner implements [scan.Scanner].
type Scanner struct {
	engine func() (*engine, error)
}

// New returns a scanner. Its checks are loaded when first needed.
func New() *Scanner {
	unhook()
	return &Scanner{engine: loadOnce()}
}

// Name implements [scan.Scanner].
func (*Scanner) Name() string { return "iac" }

// EveryCommit implements [scan.Scanner]: only what is deployed in the end counts.
func (*Scanner) EveryCommit() bool { return false }

// Rules implements [scan.Scanner]. It loads the checks, which takes a second
// the first time.
func (s *Scanner) Rules() []finding.Rule {
	e, err := s.engine()
	if err != nil {
		return nil
	}
	return e.all(e.ours)
}

// Wants implements [scan.Scanner]: the other files of touched Terraform modules,
// the local modules they call, and those that may call them; and what links
// lead to.
func (*Scanner) Wants(c *change.Change) []string {
	var touched, documents []string
	for _, f := range c.Files {
		touched = append(touched, f.Path)
		if f.OldPath != "" {
			touched = append(touched, f.OldPath)
		}
		if isDocument(f) {
			documents = append(documents, f.Path)
		}
	}
	dirs := terraformDirs(touched)
	wanted := map[string]bool{}
	for _, tree := range []fs.FS{c.Before, c.After} {
		r := newRepository(tree)
		var paths []string
		for _, dir := range r.wants(dirs, touched) {
			paths = append(paths, r.list(dir)...)
		}
		paths = append(paths, r.included()...)
		for _, p := range append(paths, documents...) {
			if to, err := r.target(p); err == nil && to != p {
				wanted[to] = true
			}
			r.inChart(p) // looks for a file, which the tree may have to bring
		}
		for _, p := range append(paths, r.links...) {
			wanted[p] = true
		}
	}
	out := make([]string, 0, len(wanted))
	for p := range wanted {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// Inspect implements [scan.Scanner]. Broken files are errors only in the state
// after the change: what was broken before is no news.
func (s *Scanner) Inspect(ctx context.Context, snap scan.Snapshot) (scan.Report, error) {
	dirs := terraformDirs(snap.Touched)
	if len(dirs) == 0 && !slices.ContainsFunc(snap.Files, isDocument) {
		return scan.Report{}, nil
	}
	in := &inspection{ctx: ctx, snap: snap, load: s.engine, repo: snapshot(snap)}
	for _, f := range snap.Files {
		if err := ctx.Err(); err != nil {
			in.fail(err)
			break
		}
		if isDocument(f) {
			in.file(f)
		}
	}
	in.terraform(dirs)
	in.follow()
	in.quote()
	return scan.Report{Findings: settle(snap.Side, in.hits), Incomplete: in.incomplete}, errors.Join(in.errs...)
}

// Join implements [scan.Joiner]: a repair of several places is all of their repairs.
func (*Scanner) Join(found []finding.Finding) finding.Finding {
	one := found[0]
	one.Fix.Edits = nil
	for _, f := range found {
		for _, e := range f.Fix.Edits {
			if !slices.Contains(one.Fix.Edits, e) {
				one.Fix.Edits = append(one.Fix.Edits, e)
			}
		}
	}
	return one
}

// quote gives hits their line as the file has it. They were found in a text
// with its waivers made void, and a repair is not to write that into the file.
func (in *inspection) quote() {
	for i := range in.hits {
		h := &in.hits[i]
		if h.line == "" {
			continue
		}
		text, err := in.repo.read(h.at.Path)
		if err != nil {
			h.line = "" // then there is no repair
			continue
		}
		if decoded, _, ok := change.Text(text); ok {
			text = decoded
		}
		h.line = lineOf(text, h.at)
	}
}

// An inspection is one call of Inspect.
type inspection struct {
	ctx        context.Context
	snap       scan.Snapshot
	load       func() (*engine, error)
	engine     *engine // nil until ready
	repo       *repository
	guessed    map[string]bool // modules of whose variables values are guessed
	hits       []hit
	incomplete []change.Skip
	errs       []error
}

// ready loads the engine, which only infrastructure code is worth.
func (in *inspection) ready() (err error) {
	if in.engine == nil {
		in.engine, err = in.load()
	}
	return err
}

// fail notes what makes the run incomplete: with its place if err names one.
func (in *inspection) fail(err error) {
	if err == nil || in.snap.Side == scan.Before {
		return
	}
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range all.Unwrap() {
			in.fail(e)
		}
		return
	}
	e := (*SyntaxError)(nil)
	if !errors.As(err, &e) {
		in.errs = append(in.errs, err)
	} else if skip := (change.Skip{Path: e.Path, Line: e.Line, Why: e.Why}); !slices.Contains(in.incomplete, skip) {
		in.incomplete = append(in.incomplete, skip)
	}
}

// file looks at f, or at what it leads to.
func (in *inspection) file(f change.File) {
	if in.repo.linked[f.Path] != "" {
		to, err := in.repo.target(f.Path)
		if err == nil && in.repo.known[to] != "" && kindOf(to) == kindOf(f.Path) {
			return // looked at there
		}
	}
	text, err := in.repo.read(f.Path)
	if err != nil {
		in.fail(err)
		return
	}
	if decoded, _, ok := change.Text(text); ok {
		text = decoded // from UTF-16, say
	}
	kind := kindOf(f.Path)
	if kind != docker && !hasManifest(text) {
		return
	}
	if len(text) > maxManifests || len(text) > maxFile && kind == docker {
		in.fail(tooLarge(f.Path))
		return
	}
	if text = withoutWaivers(text); kind == docker {
		in.fail(in.dockerfile(f.Path, text))
	} else {
		in.fail(in.manifests(f.Path, text))
	}
}

func tooLarge(path string) *SyntaxError {
	return &SyntaxError{Path: path, Why: "too large, not inspected"}
}

// A SyntaxError says where a file could not be understood. It quotes nothing
// of the file.
type SyntaxError struct {
	Path string
	Line int // 0 if not known
	Why  string
}

func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Path, e.Why)
	}
	return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Why)
}

func clean(s string) string { return strings.Join(strings.Fields(s), " ") }
