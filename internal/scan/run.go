package scan

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan/coverage"
)

// rounds is how often scanners may ask for more: a module may name another,
// which may name a third. Beyond that a change is too twisted to wait for.
const rounds = 3

// Run runs the scanners side by side over c and keeps what c brought in. A
// scanner that fails, panics or runs out of time fails alone; its Status says so.
func Run(ctx context.Context, scanners []Scanner, c *change.Change, o Options) finding.Result {
	views := newViews(c)
	fetched := gather(ctx, scanners, c, views)
	outcomes := make([]outcome, len(scanners))
	var wg sync.WaitGroup
	for i, s := range scanners {
		wg.Go(func() {
			outcomes[i] = alone(ctx, s, views, o, fetched[s.Name()])
			if o.Done != nil {
				o.Done(s.Name())
			}
		})
	}
	wg.Wait()

	r := finding.Result{Scanned: account(c)}
	r.Scanned.Uncovered = uncovered(ctx, scanners, views, o)
	var matched []finding.Finding
	for i, s := range scanners {
		out := outcomes[i]
		r.Findings = append(r.Findings, out.brought...)
		r.Packages = append(r.Packages, out.packages...)
		r.Statuses = append(r.Statuses, finding.Status{Scanner: s.Name(), Took: out.took, Err: out.err, Incomplete: out.skipped})
		matched = append(matched, out.matched...)
	}
	slices.SortStableFunc(r.Findings, byPlace)
	noteMarkers(ctx, scanners, c, o, &r)
	r.Redactor = finding.NewRedactor(matched...)
	return r
}

// maxGrace is how long a scanner whose time is up may take to hand over what it has.
const maxGrace = 2 * time.Second

// gather brings what scanners want beyond the change within reach, in one
// batch a round. It returns an error for each scanner that cannot go on.
func gather(ctx context.Context, scanners []Scanner, c *change.Change, v *views) map[string]error {
	failed := map[string]error{}
	asked := map[string]bool{}
	if ids := v.beforeBlobs(); len(ids) > 0 {
		if err := c.Contents.Load(ctx, ids...); err != nil {
			for _, s := range scanners {
				failed[s.Name()] = fmt.Errorf("fetch the state before: %w", err)
			}
			return failed
		}
	}
	for round := 0; ; round++ {
		var ids []string
		wanting := map[string]bool{}
		for _, s := range scanners {
			if failed[s.Name()] != nil {
				continue
			}
			paths, err := wants(s, c)
			if err != nil {
				failed[s.Name()] = err
				continue
			}
			for _, id := range v.blobs(paths) {
				if !asked[id] {
					wanting[s.Name()] = true
					ids = append(ids, id)
				}
			}
		}
		if len(ids) == 0 && !change.Unreached(c.Contents) {
			return failed
		}
		if round == rounds {
			for name := range wanting {
				failed[name] = fmt.Errorf("asked for more files after %d rounds", rounds)
			}
			return failed
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		for _, id := range ids {
			asked[id] = true
		}
		if err := c.Contents.Load(ctx, ids...); err != nil {
			for _, s := range scanners { // of directories that are missing nobody knows who misses them
				if wanting[s.Name()] || len(ids) == 0 {
					failed[s.Name()] = cmp.Or(failed[s.Name()], fmt.Errorf("fetch what is wanted beside the change: %w", err))
				}
			}
			return failed
		}
	}
}

func wants(s Scanner, c *change.Change) (paths []string, err error) {
	defer recovered(&err)
	return s.Wants(c), nil
}

// An outcome is what one scanner made of a change.
type outcome struct {
	brought  []finding.Finding // that the change brought in, sealed
	matched  []finding.Finding // every finding on any side, for the redactor
	packages []finding.Package
	skipped  []change.Skip // that the scanner could not understand
	took     time.Duration
	err      error
}

// alone runs one scanner so that whatever happens to it is its own outcome. A
// scanner that ignores its deadline is left behind.
func alone(ctx context.Context, s Scanner, v *views, o Options, failed error) outcome {
	if failed != nil {
		return outcome{err: failed}
	}
	start := time.Now()
	if o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Timeout)
		defer cancel()
	}
	done := make(chan outcome, 1)
	go func() {
		var out outcome
		defer func() { done <- out }()
		defer recovered(&out.err)
		out = inspect(ctx, s, v, o)
	}()
	var out outcome
	select {
	case out = <-done:
	case <-ctx.Done():
		// What was found until now counts: padding must not hide it.
		select {
		case out = <-done:
		case <-time.After(min(o.Timeout/4, maxGrace)):
		}
		out.err = cmp.Or(out.err, ctx.Err())
	}
	if out.err != nil && ctx.Err() != nil {
		out.err = fmt.Errorf("stopped after %v: %w", time.Since(start).Round(time.Millisecond), context.Cause(ctx))
	}
	if o.Limit > 0 && len(out.brought) > o.Limit {
		slices.SortStableFunc(out.brought, func(a, b finding.Finding) int { return cmp.Compare(b.Severity, a.Severity) })
		out.err = cmp.Or(out.err, fmt.Errorf("%d findings; only the worst %d are shown", len(out.brought), o.Limit))
		out.brought = out.brought[:o.Limit]
	}
	out.took = time.Since(start)
	return out
}

// inspect looks at all sides and subtracts what was there before.
func inspect(ctx context.Context, s Scanner, v *views, o Options) outcome {
	var out outcome
	same := func(path string) string { return path }
	look := func(snap Snapshot, at func(string) string) ([]finding.Finding, error) {
		report, err := cached(ctx, s, snap, o)
		out.matched = append(out.matched, report.Findings...)
		out.packages = append(out.packages, report.Packages...)
		if snap.Side != Before {
			out.skipped = append(out.skipped, report.Incomplete...)
		}
		slices.SortStableFunc(report.Findings, byPlace)
		return o.Key.Seal(report.Findings, at), err
	}

	after, err := look(v.after, same)
	out.err = err
	var past []finding.Finding
	if s.EveryCommit() {
		past = steps(ctx, v, look, after, &out.err)
	}
	if len(after)+len(past) == 0 {
		return out
	}
	if ctx.Err() != nil && !s.EveryCommit() {
		return out // without the state before nobody can say what is new in a tree
	}
	// An error in the state before only means that less is subtracted.
	before, _ := look(v.readable(), func(path string) string { return v.renamed(path, o.Ignored) })
	known := map[finding.Fingerprint][]string{} // the places it had
	for _, f := range before {
		known[f.Same()] = append(known[f.Same()], pathsOf(f)...)
	}
	for i, f := range append(after, past...) {
		had, ok := known[f.Same()]
		if !ok || f.ByValue() && i < len(after) && copied(ctx, s, v, o, f, had) {
			out.brought = append(out.brought, f)
		}
	}
	var words func([]finding.Finding) finding.Finding
	if j, ok := s.(Joiner); ok {
		words = j.Join
	}
	out.brought = finding.Join(out.brought, words)
	return out
}

// copied reports whether a secret that was there before stands in more places
// now. Moved, it is no news; copied, also out of a path that policy ignores, it is.
func copied(ctx context.Context, s Scanner, v *views, o Options, f finding.Finding, had []string) bool {
	old := map[string]bool{}
	for _, p := range had {
		old[v.renamed(p, nil)] = true
	}
	var fresh int
	for _, p := range pathsOf(f) {
		if !old[p] {
			fresh++
		}
	}
	if fresh == 0 {
		return false
	}
	// Each place that it left may have become one of the new ones.
	still, err := s.Inspect(ctx, v.whole(old))
	if err != nil {
		return true
	}
	stands := v.untouched(old)
	for _, g := range o.Key.Seal(still.Findings, func(p string) string { return p }) {
		if g.Same() == f.Same() {
			for _, p := range pathsOf(g) {
				stands[p] = true
			}
		}
	}
	for p := range old {
		if !stands[p] && (o.Ignored == nil || !o.Ignored(p)) {
			fresh--
		}
	}
	return fresh > 0
}

// pathsOf returns the paths that f stands at, each once.
func pathsOf(f finding.Finding) []string {
	paths := []string{f.At.Path}
	for _, at := range f.Also {
		paths = append(paths, at.Path)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// steps looks at every commit. It notes in the findings of after which commit
// brought them in, and how certain a secret is where it was before, and
// returns those that a later commit took away again: with the places of all commits, at that of the first.
func steps(ctx context.Context, v *views, look func(Snapshot, func(string) string) ([]finding.Finding, error), after []finding.Finding, failed *error) []finding.Finding {
	atHead := map[finding.Fingerprint]int{}
	for i, f := range after {
		atHead[f.Same()] = i
	}
	gone := map[finding.Fingerprint]int{}
	var past [][]finding.Finding
	for _, snap := range v.steps {
		found, err := look(snap, func(path string) string { return path })
		*failed = cmp.Or(*failed, err)
		for _, f := range found {
			if i, ok := atHead[f.Same()]; ok {
				at := &after[i]
				at.Commit = cmp.Or(at.Commit, snap.Commit)
				at.Severity, at.Confidence = max(at.Severity, f.Severity), max(at.Confidence, f.Confidence)
				continue
			}
			f.Commit, f.Past = snap.Commit, true
			i, ok := gone[f.Same()]
			if !ok {
				i = len(past)
				gone[f.Same()] = i
				past = append(past, nil)
			}
			past[i] = append(past[i], f)
		}
		if ctx.Err() != nil {
			*failed = cmp.Or(*failed, ctx.Err())
			break
		}
	}
	var out []finding.Finding
	for _, p := range past {
		f := p[0].Merge(p[1:]...)
		if len(p) > 1 {
			f.Details = append(slices.Clone(f.Details), furtherCommits(p[1:]))
		}
		out = append(out, f)
	}
	return out
}

// maxCommits of those that have a secret are named; the others are counted.
const maxCommits = 10

// furtherCommits names the commits that must be rewritten besides the first.
func furtherCommits(found []finding.Finding) finding.Detail {
	var names []string
	for _, f := range found[:min(len(found), maxCommits)] {
		names = append(names, f.Commit[:min(len(f.Commit), 7)])
	}
	text := strings.Join(names, ", ")
	if more := len(found) - maxCommits; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return finding.Detail{Name: "Also in commits", Text: text}
}

// recovered turns a panic into an error of the scanner it happened in. The
// panic's value may hold repository content, even a secret: only where it
// happened is kept.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic (%T) at %s", p, where(debug.Stack()))
	}
}

func byPlace(a, b finding.Finding) int {
	return cmp.Or(
		cmp.Compare(a.At.Path, b.At.Path), cmp.Compare(a.At.Start, b.At.Start),
		cmp.Compare(a.Rule.ID, b.Rule.ID), cmp.Compare(a.Message, b.Message),
	)
}

func account(c *change.Change) finding.Scanned {
	skipped := map[string]bool{}
	note := func(files []change.File) {
		for _, f := range files {
			if f.Skip != "" && f.NewBlob != "" {
				skipped[f.NewBlob] = true
			}
		}
	}
	note(c.Files)
	for _, commit := range c.Commits {
		note(commit.Files)
	}
	return finding.Scanned{
		Commits: len(c.Commits), Blobs: max(0, c.Blobs-len(skipped)), Of: c.Blobs,
		Skipped: append([]change.Skip{}, c.Skipped...),
	}
}

// uncovered returns the files of known kinds that none of scanners reads.
func uncovered(ctx context.Context, scanners []Scanner, v *views, o Options) []finding.Uncovered {
	if o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Timeout)
		defer cancel()
	}
	var reads []func(string) bool
	for _, s := range scanners {
		if reader, ok := s.(Reader); ok {
			reads = append(reads, sure(sync.OnceValue(func() func(string) bool { return reader.Reads(ctx, v.after) })))
		}
	}
	return coverage.Of(v.change, coverage.Options{
		Ignored: o.Ignored, On: o.On,
		Read: func(p string) bool {
			return slices.ContainsFunc(reads, func(read func(string) bool) bool { return read(p) })
		},
	})
}

// sure returns what reads does, without panics: a file that makes a scanner panic is not read.
func sure(reads func() func(string) bool) func(string) bool {
	return func(p string) (yes bool) {
		defer func() {
			if recover() != nil {
				yes = false
			}
		}()
		return reads()(p)
	}
}

// blobOf returns the id of the blob at path, "" if there is none or it needs no loading.
func blobOf(tree fs.FS, path string) string {
	if !fs.ValidPath(path) {
		return ""
	}
	info, err := fs.Stat(tree, path)
	if err != nil || info.IsDir() {
		return ""
	}
	id, _ := info.Sys().(change.BlobID)
	return string(id)
}
