// Package store is the database: what the queue keeps and what the ledger
// remembers, in one place, so that both survive or neither does.
//
// Its SQL is written once for every dialect ($1, ON CONFLICT, RETURNING); only
// the migrations have a folder each, with the same schema. Times are whole microseconds in UTC. No
// webhook body and no secret that was found ever gets here: texts about a
// change go through its redactor on the way in.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
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
	sql  *sql.DB
	now  func() time.Time
	held io.Closer // the lock on a SQLite file; nil elsewhere

	shared bool // other processes may have the database open
	alone  *aloneness
}

// Open opens the database at url, "sqlite:FILE" or "postgres://…", and brings
// its schema up to date. The file is made if it is missing, readable by its
// owner alone, and serves one process at a time; "sqlite::memory:" lives as
// long as the DB. On PostgreSQL any number of processes may have the same
// database open. A nil now means time.Now.
//
// Errors about url name its key and never show it: it may have a password in it.
func Open(ctx context.Context, url string, now func() time.Time) (*DB, error) {
	if now == nil {
		now = time.Now
	}
	scheme, rest, err := split(url)
	if err != nil {
		return nil, err
	}
	db := &DB{now: now, alone: newAloneness()}
	if scheme == "sqlite" {
		db.sql, db.held, err = openSQLite(ctx, rest)
	} else {
		db.shared = true
		db.sql, err = openPostgres(ctx, url)
	}
	if err != nil {
		return nil, fmt.Errorf("open the database of %s: %w", urlKey, err)
	}
	return db, nil
}

// split tells which database url names: "sqlite" and its file, or "postgres".
func split(url string) (scheme, rest string, err error) {
	scheme, rest, found := strings.Cut(url, ":")
	switch {
	case url == "":
		return "", "", fmt.Errorf("%s is empty: %s", urlKey, setTo)
	case !found:
		return "", "", fmt.Errorf("%s has no scheme: %s", urlKey, setTo)
	case scheme == "postgres" || scheme == "postgresql":
		return "postgres", rest, nil
	case scheme != "sqlite":
		return "", "", fmt.Errorf("%s: databases of scheme %q are not supported: %s", urlKey, scheme, setTo)
	case rest == "":
		return "", "", fmt.Errorf("%s names no file: %s", urlKey, setTo)
	}
	return scheme, rest, nil
}

const setTo = "set it to sqlite:FILE or postgres://USER:PASSWORD@HOST/DATABASE"

func migrate(ctx context.Context, pool *sql.DB, dialect goose.Dialect, folder string) error {
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, pool, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	if _, err = p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// SQL returns the pool itself, for the queue. On SQLite it has one connection:
// whoever holds a transaction must not ask the pool for another.
func (db *DB) SQL() *sql.DB { return db.sql }

// Ledger returns what is remembered in db.
func (db *DB) Ledger() history.Ledger { return &ledger{db} }

// Close closes db. Nothing that was committed is lost without it, and a second
// call does nothing.
func (db *DB) Close() error {
	err := db.sql.Close()
	if db.held != nil {
		if e := db.held.Close(); !errors.Is(e, fs.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// tx runs f in one transaction, which is committed only if f returns nil. It
// runs f again if the database chose it to give way to another transaction, so
// f must not rest on what an earlier call left behind.
func (db *DB) tx(ctx context.Context, f func(tx *sql.Tx) error) error {
	const most = 10
	for n := 1; ; n++ {
		err := db.once(ctx, f)
		if n == most || !gaveWay(err) {
			return err
		}
	}
}

func (db *DB) once(ctx context.Context, f func(tx *sql.Tx) error) error {
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
