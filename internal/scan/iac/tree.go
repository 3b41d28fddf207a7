package iac

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aquasecurity/trivy/pkg/iac/types"

	"github.com/pullwarden/pullwarden/internal/change"
)

// maxModules bounds how often module directories are read in one evaluation:
// each call of a module reads its directory once, and a module may call others
// twice, which call others twice, or call itself.
const maxModules = 256

// A tree is the file system the engine sees: the files given to it and nothing
// else. The engine reads a directory for each module it loads, so this is
// also where an evaluation is stopped.
type tree struct {
	ctx   context.Context
	files map[string][]byte
	dirs  map[string][]fs.DirEntry // sorted by name
	reads atomic.Int32
}

func newTree(ctx context.Context, files map[string][]byte) *tree {
	t := &tree{ctx: ctx, files: files, dirs: map[string][]fs.DirEntry{".": nil}}
	for p, b := range files {
		t.add(p, entry{name: path.Base(p), size: int64(len(b))})
	}
	for _, entries := range t.dirs {
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return t
}

func (t *tree) add(p string, e entry) {
	dir := path.Dir(p)
	_, known := t.dirs[dir]
	t.dirs[dir] = append(t.dirs[dir], e)
	if !known {
		t.add(dir, entry{name: path.Base(dir), dir: true})
	}
}

// Format keeps the contents out of the key that the engine makes of its file
// system by printing it, once for every block.
func (t *tree) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "tree %p", t) }

// Open implements [fs.FS].
func (t *tree) Open(name string) (fs.File, error) {
	if b, ok := t.files[name]; ok {
		return &file{Reader: bytes.NewReader(b), entry: entry{name: path.Base(name), size: int64(len(b))}}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadFile implements [fs.ReadFileFS].
func (t *tree) ReadFile(name string) ([]byte, error) {
	if b, ok := t.files[name]; ok {
		return b, nil
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
}

// ReadDir implements [fs.ReadDirFS]. It fails once the evaluation should end.
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := t.ctx.Err(); err != nil {
		return nil, err
	}
	if t.reads.Add(1) > maxModules {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	if entries, ok := t.dirs[name]; ok {
		return entries, nil
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
}

// named returns the file that the engine calls name: its answers are JSON,
// which has no bytes that are not UTF-8.
func (t *tree) named(name string) (path string, text []byte, ok bool) {
	if b, ok := t.files[name]; ok {
		return name, b, true
	}
	for p, b := range t.files {
		if name != "" && string([]rune(p)) == name {
			return p, b, true
		}
	}
	return "", nil, false
}

// span returns the lines of what m is about and the text of their file, the
// zero span if they are in none of the tree's files.
func (t *tree) span(m types.Metadata) (change.Span, []byte) {
	r := m.Range()
	p, text, ok := t.named(r.GetFilename())
	if !ok || r.GetStartLine() < 1 {
		return change.Span{}, nil
	}
	return change.Span{Path: p, Start: r.GetStartLine(), End: max(r.GetStartLine(), r.GetEndLine())}, text
}

// exhausted reports whether modules were left out because there were too many.
func (t *tree) exhausted() bool { return t.reads.Load() > maxModules }

// Stat implements [fs.StatFS].
func (t *tree) Stat(name string) (fs.FileInfo, error) {
	if b, ok := t.files[name]; ok {
		return entry{name: path.Base(name), size: int64(len(b))}, nil
	}
	if _, ok := t.dirs[name]; ok {
		return entry{name: path.Base(name), dir: true}, nil
	}
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
}

// An entry is a file or directory of a tree.
type entry struct {
	name string
	size int64
	dir  bool
}

func (e entry) Name() string               { return e.name }
func (e entry) Size() int64                { return e.size }
func (e entry) IsDir() bool                { return e.dir }
func (e entry) Type() fs.FileMode          { return e.Mode().Type() }
func (e entry) Info() (fs.FileInfo, error) { return e, nil }
func (entry) ModTime() time.Time           { return time.Time{} }
func (entry) Sys() any                     { return nil }

func (e entry) Mode() fs.FileMode {
	if e.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

type file struct {
	*bytes.Reader
	entry entry
}

func (f *file) Stat() (fs.FileInfo, error) { return f.entry, nil }
func (*file) Close() error                 { return nil }

var _ io.ReaderAt = (*file)(nil)
