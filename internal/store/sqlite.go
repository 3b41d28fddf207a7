package store

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// settings of each SQLite connection: an answer 202 must survive a power cut,
// hence FULL; a transaction takes its lock when it begins, so that two
// processes wait for one another and do not fail halfway.
const settings = "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
	"&_pragma=foreign_keys(1)&_txlock=immediate"

// openSQLite opens file, or ":memory:". The pool has a single connection:
// with more, writers wait for one another in SQLite's slow way.
func openSQLite(file string) (*sql.DB, error) {
	name := "file::memory:"
	if file != ":memory:" {
		if err := create(file); err != nil {
			return nil, err
		}
		name = "file:" + (&url.URL{Path: file}).EscapedPath()
	}
	pool, err := sql.Open("sqlite", name+"?"+settings)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	pool.SetMaxIdleConns(1) // and never closed: a database in memory lives in its connection
	pool.SetConnMaxIdleTime(0)
	pool.SetConnMaxLifetime(0)
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
