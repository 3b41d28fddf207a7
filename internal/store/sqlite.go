package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// settings of each SQLite connection: an answer 202 must survive a power cut,
// hence FULL; a transaction takes its lock when it begins, so that two
// processes wait for one another and do not fail halfway.
const settings = "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
	"&_pragma=foreign_keys(1)&_txlock=immediate"

// openSQLite opens file, or ":memory:", for this process alone: the queue takes
// what is marked as under way for the leavings of a process that is gone. The
// pool has a single connection: with more, writers wait for one another in
// SQLite's slow way.
func openSQLite(ctx context.Context, file string) (_ *sql.DB, held io.Closer, err error) {
	name := "file::memory:"
	if file != ":memory:" {
		if err := create(file); err != nil {
			return nil, nil, err
		}
		held, err = lock(file + ".lock")
		if errors.Is(err, errLocked) {
			return nil, nil, errInUse
		}
		if err != nil {
			return nil, nil, fmt.Errorf("lock the file: %w", err)
		}
		name = "file:" + (&url.URL{Path: file}).EscapedPath()
	}
	pool, err := poolSQLite(ctx, name)
	if err != nil && held != nil {
		err = errors.Join(err, held.Close())
	}
	return pool, held, err
}

var (
	errLocked = errors.New("the file is locked")
	errInUse  = errors.New("the file is in use: another pullwarden works on this database, and a SQLite file serves one at a time" +
		" (stop that one, give this one a file of its own, or let both use postgres://…)")
)

// A NoDirectoryError means that the file of a database can be nowhere.
type NoDirectoryError struct{ Dir string }

func (e *NoDirectoryError) Error() string {
	return fmt.Sprintf("the directory %s does not exist", e.Dir)
}

func (e *NoDirectoryError) Unwrap() error { return fs.ErrNotExist }

// MakeDirectory makes the directory of the file that url names, for its owner
// alone. Where there is no file, or the directory exists, it does nothing.
func MakeDirectory(url string) error {
	scheme, file, err := split(url)
	if err != nil || scheme != "sqlite" || file == ":memory:" {
		return err
	}
	return os.MkdirAll(filepath.Dir(file), 0o700)
}

func poolSQLite(ctx context.Context, name string) (*sql.DB, error) {
	pool, err := sql.Open("sqlite", name+"?"+settings)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	pool.SetMaxIdleConns(1) // and never closed: a database in memory lives in its connection
	pool.SetConnMaxIdleTime(0)
	pool.SetConnMaxLifetime(0)
	if err := migrate(ctx, pool, goose.DialectSQLite3, "migrations/sqlite"); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return pool, nil
}

// create makes file if it is missing, for its owner alone: our keys are in it.
// What exists keeps the mode that the operator gave it. A directory that is
// missing is an error: a mistyped path must not become a new, empty database.
func create(file string) error {
	dir := filepath.Dir(file)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return &NoDirectoryError{dir}
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make the file: %w", err)
	}
	return f.Close()
}
