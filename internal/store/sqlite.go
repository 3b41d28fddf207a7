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

// create makes file and its directory if they are missing, for their owner
// alone: our keys are in it. What exists keeps the mode that the operator gave it.
func create(file string) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the directory: %w", err)
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
