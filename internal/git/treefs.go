package git

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pullwarden/pullwarden/internal/change"
)

// treeFS is a tree as fs.FS. It follows no symbolic link: reading one gives
// its target's name. Names that fs.FS does not allow, those that are not
// UTF-8, are left out.
type treeFS struct {
	o    *objects
	root plumbing.Hash
}

var (
	_ fs.ReadDirFS  = treeFS{}
	_ fs.ReadFileFS = treeFS{}
	_ fs.StatFS     = treeFS{}
)

// fs returns a tree as fs.FS; the zero hash is the empty one.
func (o *objects) fs(root plumbing.Hash) fs.FS {
	if root.IsZero() {
		return change.Empty()
	}
	return treeFS{o, root}
}

// find returns what stands at name.
func (t treeFS) find(op, name string) (side, error) {
	if !fs.ValidPath(name) {
		return side{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	at := side{mode: typeDir, id: t.root}
	if name == "." {
		return at, nil
	}
	for rest, more := name, true; more; {
		if !at.isDir() {
			return side{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
		entries, err := t.entries(at.id, name, rest)
		if err != nil {
			return side{}, err
		}
		var first string
		first, rest, more = strings.Cut(rest, "/")
		if at = lookup(entries, first); !at.exists() {
			return side{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
	}
	return at, nil
}

// entries reads a directory on the way to name, to look for a path in it.
func (t treeFS) entries(dir plumbing.Hash, name, look string) ([]entry, error) {
	entries, err := t.o.tree(dir)
	if errors.Is(err, errNotAtHand) {
		t.o.miss(dir, look)
		return nil, &change.MissingError{Path: name, Why: "was not fetched"}
	}
	return entries, err
}

// Stat implements fs.StatFS. The size of a file that is not at hand is 0.
func (t treeFS) Stat(name string) (fs.FileInfo, error) {
	at, err := t.find("stat", name)
	if err != nil {
		return nil, err
	}
	return info{t.o, path.Base(name), at}, nil
}

// ReadDir implements fs.ReadDirFS.
func (t treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	at, err := t.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !at.isDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	entries, err := t.entries(at.id, name, "")
	if err != nil {
		return nil, err
	}
	list := make([]fs.DirEntry, 0, len(entries))
	for _, e := range entries {
		if fs.ValidPath(e.name) {
			list = append(list, info{t.o, e.name, e.side})
		}
	}
	return list, nil
}

// ReadFile implements fs.ReadFileFS. What was not fetched is a
// *change.MissingError.
func (t treeFS) ReadFile(name string) ([]byte, error) {
	b, _, err := t.content("read", name)
	return bytes.Clone(b), err
}

func (t treeFS) content(op, name string) ([]byte, side, error) {
	at, err := t.find(op, name)
	if err != nil {
		return nil, at, err
	}
	if at.blob() == "" {
		return nil, at, &fs.PathError{Op: op, Path: name, Err: errors.New("not a file")}
	}
	b, why := t.o.blob(at.id)
	if why != "" {
		return nil, at, &change.MissingError{Path: name, Blob: at.blob(), Why: why}
	}
	return b, at, nil
}

// Open implements fs.FS.
func (t treeFS) Open(name string) (fs.File, error) {
	at, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	if !at.isDir() {
		b, at, err := t.content("open", name)
		if err != nil {
			return nil, err
		}
		return &openFile{*bytes.NewReader(b), info{t.o, path.Base(name), at}}, nil
	}
	list, err := t.ReadDir(name)
	if err != nil {
		return nil, err
	}
	return &openDir{info{t.o, path.Base(name), at}, list}, nil
}

// info is fs.FileInfo and fs.DirEntry in one.
type info struct {
	o    *objects
	name string
	at   side
}

func (i info) Name() string               { return i.name }
func (i info) Mode() fs.FileMode          { return i.at.fileMode() }
func (i info) Type() fs.FileMode          { return i.Mode().Type() }
func (i info) ModTime() time.Time         { return time.Time{} }
func (i info) IsDir() bool                { return i.at.isDir() }
func (i info) Info() (fs.FileInfo, error) { return i, nil }
func (i info) String() string             { return fs.FormatFileInfo(i) }

func (i info) Size() int64 {
	b, _ := i.o.blob(i.at.id)
	return int64(len(b))
}

// Sys returns a change.BlobID, or nil for what has no content.
func (i info) Sys() any {
	if id := i.at.blob(); id != "" {
		return change.BlobID(id)
	}
	return nil
}

type openFile struct {
	bytes.Reader
	info info
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

type openDir struct {
	info info
	rest []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: errors.New("is a directory")}
}

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(d.rest) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.rest) {
		n = len(d.rest)
	}
	list := d.rest[:n:n]
	d.rest = d.rest[n:]
	return list, nil
}
