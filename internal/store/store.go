// Package store is the database: what the queue keeps and what the ledger
// remembers, in one place, so that both survive or neither does.
//
// Its SQL is written once for every dialect ($1, ON CONFLICT, RETURNING); only
// the migrations have a folder each. Times are whole microseconds in UTC. No
// webhook body and no secret that was found ever gets here: texts about a
// change go through its redactor on the way in.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/pullwarden/pullwarden/internal/history"
)

// urlKey is what the operator sets the address of the database with.
const urlKey = "PULLWARDEN_DATABASE_URL"

//go:embed migrations
var migrations embed.FS

// A DB is an open database. It is safe for concurrent use.
type DB struct {
	sql *sql.DB
	now func() time.Time
}

// Open opens the database at url, "sqlite:FILE", and brings its schema up to
// date. The file is made if it is missing, readable by its owner alone;
// "sqlite::memory:" lives as long as the DB. A nil now means time.Now.
//
// Errors about url name its key and never show it whole: it may have a password in it.
func Open(ctx context.Context, url string, now func() time.Time) (*DB, error) {
	if now == nil {
		now = time.Now
	}
	scheme, rest, found := strings.Cut(url, ":")
	switch {
	case url == "":
		return nil, fmt.Errorf("%s is empty: set it to sqlite:FILE", urlKey)
	case !found:
		return nil, fmt.Errorf("%s has no scheme: set it to sqlite:FILE", urlKey)
	case scheme != "sqlite":
		return nil, fmt.Errorf("%s: databases of scheme %q are not supported: set it to sqlite:FILE", urlKey, scheme)
	case rest == "":
		return nil, fmt.Errorf("%s names no file: set it to sqlite:FILE", urlKey)
	}
	pool, err := openSQLite(rest)
	if err != nil {
		return nil, fmt.Errorf("open the database of %s: %w", urlKey, err)
	}
	if err := migrate(ctx, pool, goose.DialectSQLite3, "migrations/sqlite"); err != nil {
		return nil, errors.Join(fmt.Errorf("migrate the database of %s: %w", urlKey, err), pool.Close())
	}
	return &DB{sql: pool, now: now}, nil
}

func migrate(ctx context.Context, pool *sql.DB, dialect goose.Dialect, folder string) error {
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, pool, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// SQL returns the pool itself, for the queue. On SQLite it has one connection:
// whoever holds a transaction must not ask the pool for another.
func (db *DB) SQL() *sql.DB { return db.sql }

// Ledger returns what is remembered in db.
func (db *DB) Ledger() history.Ledger { return &ledger{db} }

// Close closes db. Nothing that was committed is lost without it.
func (db *DB) Close() error { return db.sql.Close() }

// tx runs f in one transaction, which is committed only if f returns nil.
func (db *DB) tx(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// stamp is t as a column holds it: NULL for the zero time.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// moment is the inverse of stamp.
func moment(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}

// text is s as every dialect can hold it: valid UTF-8 without NUL.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
