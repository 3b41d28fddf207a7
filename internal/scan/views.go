package scan

import (
	"bytes"
	"maps"
	"regexp"
	"slices"

	"github.com/pullwarden/pullwarden/internal/change"
)

// views are the snapshots of a change, made once for all scanners.
type views struct {
	change        *change.Change
	before, after Snapshot
	steps         []Snapshot
	newPath       map[string]string // of renamed files, by their old path
}

func newViews(c *change.Change) *views {
	v := &views{change: c, newPath: map[string]string{}}
	touched := map[string]bool{}
	base := map[string]change.File{}
	for _, f := range c.Files {
		old := f.Path
		if f.Kind == change.Renamed {
			old = f.OldPath
			v.newPath[old] = f.Path
			touched[old] = true
		}
		touched[f.Path] = true
		if f.OldBlob != "" {
			base[old] = change.File{Path: old, Mode: f.Mode, NewBlob: f.OldBlob}
		}
	}
	for _, commit := range c.Commits {
		for _, f := range commit.Files {
			for _, p := range []string{f.Path, f.OldPath} {
				if p == "" || touched[p] {
					continue
				}
				touched[p] = true
				// Nothing remains of it at head, but what base had there is no news.
				if id := blobOf(c.Before, p); id != "" {
					base[p] = change.File{Path: p, Mode: f.Mode, NewBlob: id}
				}
			}
		}
		v.steps = append(v.steps, Snapshot{Side: Step, Commit: commit.SHA, Files: present(commit.Files), Contents: c.Contents})
	}
	paths := slices.Sorted(maps.Keys(touched))
	v.after = Snapshot{Side: After, Commit: c.Head, Files: present(c.Files), Touched: paths, Tree: c.After, Contents: c.Contents}
	v.before = Snapshot{Side: Before, Commit: c.Base, Touched: paths, Tree: c.Before, Contents: c.Contents}
	for _, p := range slices.Sorted(maps.Keys(base)) {
		v.before.Files = append(v.before.Files, base[p])
	}
	for i := range v.steps {
		v.steps[i].Touched = paths
	}
	return v
}

// present returns the files that have content to look at on their new side.
func present(files []change.File) []change.File {
	var out []change.File
	for _, f := range files {
		if f.NewBlob != "" && f.Skip == "" {
			out = append(out, f)
		}
	}
	return out
}

// renamed is a path of the state before as Head calls it. A file that leaves
// an ignored path has nothing to subtract.
func (v *views) renamed(path string, ignored func(string) bool) string {
	p, ok := v.newPath[path]
	if !ok || ignored != nil && ignored(path) && !ignored(p) {
		return path
	}
	return p
}

// untouched returns those of paths that Head has as the state before had them.
func (v *views) untouched(paths map[string]bool) map[string]bool {
	out := maps.Clone(paths)
	for _, f := range v.change.Files {
		delete(out, f.Path)
		delete(out, f.OldPath)
	}
	return out
}

// whole shows the files at paths as they are at Head, all of each: as Before
// shows those of the state before.
func (v *views) whole(paths map[string]bool) Snapshot {
	snap := Snapshot{Side: Before, Touched: v.after.Touched, Tree: v.after.Tree, Contents: v.after.Contents}
	for _, f := range v.after.Files {
		if paths[f.Path] {
			f.Hunks = nil
			snap.Files = append(snap.Files, f)
		}
	}
	return snap
}

// blobs returns the ids at paths on both sides that are not at hand.
func (v *views) blobs(paths []string) []string {
	var ids []string
	for _, p := range paths {
		for _, id := range []string{blobOf(v.change.Before, p), blobOf(v.change.After, p)} {
			if id != "" && !v.atHand(id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// beforeBlobs returns the contents of the state before that are not at hand.
func (v *views) beforeBlobs() []string {
	var ids []string
	for _, f := range v.before.Files {
		if !v.atHand(f.NewBlob) {
			ids = append(ids, f.NewBlob)
		}
	}
	return ids
}

// readable is the state before without the files that could not be fetched.
func (v *views) readable() Snapshot {
	snap := v.before
	snap.Files = slices.DeleteFunc(slices.Clone(snap.Files), func(f change.File) bool { return !v.atHand(f.NewBlob) })
	return snap
}

func (v *views) atHand(id string) bool {
	_, err := v.change.Contents.Blob(id)
	return err == nil
}

var frame = regexp.MustCompile(`(?m)^\t.*/([^/\s]+/[^/\s]+\.go:\d+)`)

// where names the place of a panic from its stack: file and line of the frame
// that panicked, without addresses or arguments.
func where(stack []byte) string {
	if _, rest, ok := bytes.Cut(stack, []byte("panic.go")); ok {
		stack = rest
	}
	if m := frame.FindSubmatch(stack); m != nil {
		return string(m[1])
	}
	return "an unknown place"
}
