package advisory

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"go.etcd.io/bbolt"
)

const (
	indexFile = "advisories.db"
	format    = "2" // of what is stored
	formerly  = "1" // is read too; any other one is refused
)

var (
	metaBucket    = []byte("meta")
	packageBucket = []byte("packages")
	infoKey       = []byte("info")
	formatKey     = []byte("format")
)

// write makes a new index beside the old one and puts it in its place.
func write(ctx context.Context, dir string, info Info, entries map[pkg][]entry) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+indexFile+"-*")
	if err != nil {
		return err
	}
	temp := f.Name()
	defer func() {
		if err != nil {
			os.Remove(temp)
		}
	}()
	// Others than who imports may read it: nothing in it is secret.
	if err := errors.Join(f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	if err := fill(ctx, temp, info, entries); err != nil {
		return err
	}
	if err := os.Rename(temp, filepath.Join(dir, indexFile)); err != nil {
		return err
	}
	return syncDir(dir)
}

func fill(ctx context.Context, path string, info Info, entries map[pkg][]entry) error {
	db, err := bbolt.Open(path, 0o644, &bbolt.Options{NoFreelistSync: true})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucket(metaBucket)
		if err != nil {
			return err
		}
		about, err := json.Marshal(info)
		if err != nil {
			return err
		}
		if err := errors.Join(meta.Put(infoKey, about), meta.Put(formatKey, []byte(format))); err != nil {
			return err
		}
		packages, err := tx.CreateBucket(packageBucket)
		if err != nil {
			return err
		}
		packages.FillPercent = 1 // keys come in order and none is added later
		inOrder := slices.SortedFunc(maps.Keys(entries), func(a, b pkg) int {
			return cmp.Or(strings.Compare(a.ecosystem, b.ecosystem), strings.Compare(a.name, b.name))
		})
		for _, p := range inOrder {
			value, err := json.Marshal(entries[p])
			if err != nil {
				return err
			}
			if err := errors.Join(packages.Put(p.key(), value), ctx.Err()); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
		return nil
	})
	return errors.Join(err, db.Close())
}

// syncDir makes a rename survive a crash.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// An Index is the DB in a directory that Import fills. Without a file there it
// is empty. It takes up a new file by itself: each call asks the file system
// whether the file is still the one it has open.
type Index struct {
	path string

	mu   sync.RWMutex
	db   *bbolt.DB   // nil if there is no file
	file os.FileInfo // of what db was opened from; nil if there is none
	info Info
}

var _ DB = (*Index)(nil)

// Open opens the index in a directory. An index that is there but cannot be
// read is an error: it is never taken for an empty one.
func Open(dir string) (*Index, error) {
	i := &Index{path: filepath.Join(dir, indexFile)}
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := i.reopen(); err != nil {
		return nil, err
	}
	return i, nil
}

// Close lets go of the file. The index must not be used afterwards.
func (i *Index) Close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.db == nil {
		return nil
	}
	db := i.db
	i.db, i.file = nil, nil
	return db.Close()
}

// Info describes what the index holds now. An index that can no longer be
// read is described as it was.
func (i *Index) Info() Info {
	if i.rlock() == nil {
		defer i.mu.RUnlock()
		return i.info
	}
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.info
}

// Affecting implements DB.
func (i *Index) Affecting(ctx context.Context, ecosystem, name, version string, compare func(a, b string) int) ([]Advisory, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := i.rlock(); err != nil {
		return nil, err
	}
	defer i.mu.RUnlock()
	if i.db == nil || version == "" {
		return nil, nil
	}
	entries, err := i.entries(ecosystem, name)
	if err != nil {
		return nil, err
	}
	return concerning(entries, version, compare), nil
}

// entries reads what is known of one package; i is locked.
func (i *Index) entries(ecosystem, name string) ([]entry, error) {
	var entries []entry
	err := i.db.View(func(tx *bbolt.Tx) error {
		value := tx.Bucket(packageBucket).Get(pkg{ecosystem, canonical(ecosystem, name)}.key())
		if value == nil {
			return nil
		}
		return json.Unmarshal(value, &entries)
	})
	if err != nil {
		return nil, fmt.Errorf("look up %s in the advisory index: %w", name, err)
	}
	return entries, nil
}

// concerning returns those of entries that concern version, worst first.
func concerning(entries []entry, version string, compare func(a, b string) int) []Advisory {
	var out []Advisory
	for n := range entries {
		e := &entries[n]
		if !e.affects(version, compare) {
			continue
		}
		a := Advisory{
			ID: e.ID, Aliases: e.Aliases, Summary: e.Summary, Severity: e.Rating.Severity, Source: e.Rating.Source,
			Introduced: e.introducedBelow(version, compare), Fixed: e.fixedAbove(version, compare),
			Imports: e.Imports, URLs: e.URLs, Published: e.Published,
		}
		if a.Fixed == "" {
			a.LastAffected = e.lastAbove(version, compare)
		}
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b Advisory) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), b.Published.Compare(a.Published), strings.Compare(a.ID, b.ID))
	})
	return out
}

// rlock locks i for reading with the file of now open, unless it fails.
func (i *Index) rlock() error {
	for {
		i.mu.RLock()
		if i.current() {
			return nil
		}
		i.mu.RUnlock()
		i.mu.Lock()
		err := error(nil)
		if !i.current() {
			err = i.reopen()
		}
		i.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// current reports whether the file at the path is the one that is open. One
// that was removed still serves.
func (i *Index) current() bool {
	now, err := os.Stat(i.path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return i.file != nil && os.SameFile(now, i.file) && now.ModTime().Equal(i.file.ModTime())
}

// reopen opens the file at the path in place of what is open; i.mu is held.
func (i *Index) reopen() error {
	// Asked for before opening: if the file is replaced in between, the next call sees it.
	file, err := os.Stat(i.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the advisory index: %w", err)
	}
	db, err := bbolt.Open(i.path, 0, &bbolt.Options{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("open the advisory index %s: %w", i.path, err)
	}
	info, err := about(db)
	if err != nil {
		return errors.Join(fmt.Errorf("open the advisory index %s: %w", i.path, err), db.Close())
	}
	old := i.db
	i.db, i.file, i.info = db, file, info
	if old != nil {
		return old.Close()
	}
	return nil
}

func about(db *bbolt.DB) (info Info, err error) {
	err = db.View(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(metaBucket)
		if meta == nil || tx.Bucket(packageBucket) == nil {
			return errors.New("not an index of ours")
		}
		f := string(meta.Get(formatKey))
		if f != format && f != formerly {
			return fmt.Errorf("its format is %.20q and not %q: import the advisories again", f, format)
		}
		info.Format = f
		return json.Unmarshal(meta.Get(infoKey), &info)
	})
	return info, err
}
