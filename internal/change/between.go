package change

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Empty is the tree without files.
func Empty() fs.FS { return empty{} }

type empty struct{}

func (e empty) Open(name string) (fs.File, error) {
	if name == "." {
		return e, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// Stat and what follows make it its own root directory, too.
func (e empty) Stat() (fs.FileInfo, error) { return e, nil }
func (empty) Close() error                 { return nil }
func (empty) Name() string                 { return "." }
func (empty) Size() int64                  { return 0 }
func (empty) Mode() fs.FileMode            { return fs.ModeDir | 0o755 }
func (empty) ModTime() time.Time           { return time.Time{} }
func (empty) IsDir() bool                  { return true }
func (empty) Sys() any                     { return nil }

func (empty) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: ".", Err: errors.New("is a directory")}
}

func (empty) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 {
		return nil, io.EOF
	}
	return nil, nil
}

// Between compares two trees whose files can be read at once. With an empty
// before, every line of after is added: that is how a whole tree is scanned.
func Between(ctx context.Context, before, after fs.FS) (*Change, error) {
	all := memory{}
	old, err := read(ctx, before, all)
	if err != nil {
		return nil, fmt.Errorf("read the tree before: %w", err)
	}
	new, err := read(ctx, after, all)
	if err != nil {
		return nil, fmt.Errorf("read the tree after: %w", err)
	}
	c := &Change{Before: before, After: after, Contents: all}
	brought := map[string]bool{}
	for path, id := range new {
		f := File{Path: path, Kind: Added, OldBlob: old[path], NewBlob: id}
		if f.OldBlob == f.NewBlob {
			continue
		}
		if f.OldBlob != "" {
			f.Kind = Modified
		}
		if info, err := fs.Stat(after, path); err == nil {
			f.Mode = info.Mode()
		}
		f.compare(all[f.OldBlob], all[id])
		f.LFS = Pointer(all[id])
		if f.LFS != "" {
			c.Skipped = append(c.Skipped, Skip{Path: path, Why: WhyPointer})
		}
		brought[id] = true
		c.Files = append(c.Files, f)
	}
	for path, id := range old {
		if _, kept := new[path]; !kept {
			f := File{Path: path, Kind: Deleted, OldBlob: id}
			if info, err := fs.Stat(before, path); err == nil {
				f.Mode = info.Mode()
			}
			f.compare(all[id], nil)
			c.Files = append(c.Files, f)
		}
	}
	slices.SortFunc(c.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(c.Skipped, func(a, b Skip) int { return strings.Compare(a.Path, b.Path) })
	c.Blobs = len(brought)
	return c, nil
}

// Words is a change that brings in a text which is no file of any tree: it is
// read by its blob alone.
func Words(name, text string) *Change {
	b := []byte(text)
	f := File{Path: name, Kind: Added, NewBlob: HashBlob(b), Mode: 0o644}
	f.compare(nil, b)
	return &Change{Before: Empty(), After: Empty(), Contents: memory{f.NewBlob: b}, Files: []File{f}, Blobs: 1}
}

func (f *File) compare(before, after []byte) {
	var text bool
	f.Hunks, f.Encoding, text = DiffText(before, after)
	f.Binary = !text
}

func read(ctx context.Context, tree fs.FS, into memory) (map[string]string, error) {
	ids := map[string]string{}
	if tree == (empty{}) {
		return ids, nil
	}
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			return nil
		}
		b, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		id := HashBlob(b)
		into[id] = b
		ids[path] = id
		return nil
	})
	return ids, err
}

// HashBlob returns git's id of a blob.
func HashBlob(b []byte) string {
	h := sha1.New()
	h.Write([]byte("blob " + strconv.Itoa(len(b)) + "\x00"))
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil))
}

// memory holds contents that need no loading.
type memory map[string][]byte

func (m memory) Blob(id string) ([]byte, error) {
	b, ok := m[id]
	if !ok {
		return nil, &MissingError{Blob: id, Why: "not part of the change"}
	}
	return b, nil
}

func (m memory) Load(context.Context, ...string) error { return nil }
