package bot

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
)

// Bounds of one commit of ours.
const (
	patchFiles = 100
	patchFile  = 1 << 20 // bytes of a file
	patchBytes = 8 << 20 // of all files
)

// fixable returns what has a fix that a machine can make of what stands, worst first.
func fixable(v policy.Verdict) []policy.Decision {
	var out []policy.Decision
	for _, d := range v.Decisions {
		if d.Action != policy.Ignored && !d.Finding.Past && len(d.Finding.Fix.Edits) > 0 {
			out = append(out, d)
		}
	}
	slices.SortStableFunc(out, func(a, b policy.Decision) int {
		return cmp.Or(cmp.Compare(b.Action, a.Action), cmp.Compare(b.Finding.Severity, a.Finding.Severity))
	})
	return out
}

// A patch is what the fixes of findings make of files.
type patch struct {
	change *change.Change
	clean  func(string) string
	files  map[string]*patched
	bytes  int
	fixed  []policy.Decision
	left   []report.LeftOut
}

// patched is a file as it is, and what is to be done to it.
type patched struct {
	text       []byte
	executable bool
	edits      []change.Edit
}

// patchOf makes the fixes of wanted, each whole or not at all. Of two that
// change the same lines the first one is made.
func patchOf(ctx context.Context, r *report.Report, wanted []policy.Decision) *patch {
	p := &patch{change: r.Change, clean: r.Result.Redactor.Clean, files: map[string]*patched{}}
	for _, d := range wanted {
		if why := p.add(ctx, d.Finding.Fix.Edits); why != "" {
			p.left = append(p.left, report.LeftOut{Finding: d.Finding, Why: why})
		} else {
			p.fixed = append(p.fixed, d)
		}
	}
	return p
}

// contents returns the files as they become, those that change.
func (p *patch) contents() map[string]forge.Content {
	out := map[string]forge.Content{}
	for path, f := range p.files {
		text, err := change.Apply(f.text, f.edits...)
		if err == nil && !bytes.Equal(text, f.text) {
			out[path] = forge.Content{Text: text, Executable: f.executable}
		}
	}
	return out
}

// add takes edits in, all of them or none. It returns why not.
func (p *patch) add(ctx context.Context, edits []change.Edit) (why string) {
	next := map[string]*patched{}
	size, files := p.bytes, len(p.files)
	for _, e := range edits {
		path := e.Span.Path
		f := next[path]
		if f == nil {
			if known := p.files[path]; known != nil {
				f = &patched{known.text, known.executable, slices.Clone(known.edits)}
			} else {
				if f, why = p.read(ctx, path); why != "" {
					return why
				}
				size, files = size+len(f.text), files+1
			}
			next[path] = f
		}
		if size > patchBytes || files > patchFiles {
			return report.LeftTooLarge
		}
		if p.clean(e.Text) != e.Text {
			return report.LeftSecret
		}
		e = change.Fit(f.text, e)
		if slices.Contains(f.edits, e) {
			continue // several advisories, one upgrade
		}
		if _, err := change.Apply(f.text, e); err != nil || e.Span.Start == 0 {
			return report.LeftNoLines
		}
		for _, o := range f.edits {
			if e.Span.Start <= max(o.Span.End, o.Span.Start) && o.Span.Start <= max(e.Span.End, e.Span.Start) {
				return report.LeftOverlap
			}
		}
		f.edits = append(f.edits, e)
	}
	for path, f := range next {
		p.files[path] = f
	}
	p.bytes = size
	return ""
}

// read returns the file at path of the head, if it is one that may be changed.
func (p *patch) read(ctx context.Context, path string) (f *patched, why string) {
	info, why := regular(p.change.After, path)
	if why != "" {
		return nil, why
	}
	text, err := fs.ReadFile(p.change.After, path)
	var missing *change.MissingError
	if id, ok := info.Sys().(change.BlobID); ok && errors.As(err, &missing) {
		if err = p.change.Contents.Load(ctx, string(id)); err == nil {
			text, err = fs.ReadFile(p.change.After, path)
		}
	}
	switch {
	case err != nil:
		return nil, report.LeftUnread
	case len(text) > patchFile:
		return nil, report.LeftTooLarge
	case !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0:
		// Lines were counted in another text than the one that would be changed.
		return nil, report.LeftNoText
	}
	return &patched{text: text, executable: info.Mode()&0o111 != 0}, ""
}

// regular finds the regular file at path, below directories alone: a link is
// not followed, git's own files and another repository's are not reached.
func regular(tree fs.FS, path string) (fs.FileInfo, string) {
	if !fs.ValidPath(path) || path == "." || strings.Contains(path, `\`) {
		return nil, report.LeftNoFile
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		// On other people's machines the file system may take these for ".git".
		if plain := strings.ToLower(strings.TrimRight(part, ". ")); plain == ".git" || plain == "git~1" {
			return nil, report.LeftNoFile
		}
		if i == len(parts)-1 {
			break
		}
		if dir, err := fs.Lstat(tree, strings.Join(parts[:i+1], "/")); err != nil || !dir.IsDir() {
			return nil, report.LeftNoFile
		}
	}
	if len(parts) > 2 && strings.EqualFold(parts[0], ".github") && strings.EqualFold(parts[1], "workflows") {
		return nil, report.LeftWorkflow
	}
	info, err := fs.Lstat(tree, path)
	if err != nil || !info.Mode().IsRegular() {
		return nil, report.LeftNoFile
	}
	return info, ""
}
