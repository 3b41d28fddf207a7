package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"time"
)

// Read opens the database at url to look at what is there: nothing is made,
// migrated, locked or written, and a server may be at work meanwhile. Its
// schema must be that of this program. Errors never show url.
func Read(ctx context.Context, url string) (*DB, error) {
	scheme, rest, err := split(url)
	if err != nil {
		return nil, err
	}
	db := &DB{now: time.Now, alone: newAloneness(), shared: true}
	has, folder := hasPostgres, "migrations/postgres"
	if scheme == "sqlite" {
		has, folder = hasSQLite, "migrations/sqlite"
		db.sql, err = readSQLite(rest)
	} else {
		db.sql, err = poolPostgres(url, map[string]string{"default_transaction_read_only": "on"})
	}
	if err != nil {
		return nil, fmt.Errorf("read the database of %s: %w", urlKey, err)
	}
	var c Condition
	err = plain(c.version(ctx, db.sql, has, folder))
	switch {
	case err != nil:
	case !c.Exists:
		err = errNoDatabase
	case c.Newer:
		err = errors.New("a later version of this program has changed its schema: use that one")
	case c.Pending > 0:
		err = errors.New("its schema is of an earlier version: the server brings it up to date when this version of it starts")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the database of %s: %w", urlKey, err), db.sql.Close())
	}
	return db, nil
}

var errNoDatabase = errors.New("there is none yet: the server makes it when it starts")

func readSQLite(file string) (*sql.DB, error) {
	if file == ":memory:" {
		return nil, errors.New("it lives in the memory of the server alone")
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, errNoDatabase
	} else if err != nil {
		return nil, err
	}
	// rw, since a file in WAL mode cannot be read without writing beside it.
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?mode=rw&_pragma=busy_timeout(3000)&_pragma=query_only(1)")
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	return pool, nil
}
