package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// A Condition is how Inspect found a database.
type Condition struct {
	File   string // of SQLite; "" on PostgreSQL
	Exists bool   // false: the file, or the schema, is yet to be made
	InUse  bool   // a process of ours works on the file
	// Pending is how many migrations the server will apply when it starts.
	Pending int
	Newer   bool  // a later version of this program has migrated it
	Refuses error // why nothing can be written; nil if it can
}

// Inspect looks at the database at url and leaves it as it is: it migrates
// nothing, makes no database, and what it writes to see that it can is rolled
// back. A server may be at work meanwhile. One that starts on the same SQLite
// file in the very moment in which the lock is looked at is told that it is in use.
//
// also is asked, if there is a schema, whether it lacks anything else; nil
// means no. Errors never show url.
func Inspect(ctx context.Context, url string, also func(context.Context, *sql.DB) (lacks bool, err error)) (Condition, error) {
	scheme, rest, err := split(url)
	if err != nil {
		return Condition{}, err
	}
	var c Condition
	if scheme == "sqlite" {
		c, err = inspectSQLite(ctx, rest, also)
	} else {
		c, err = inspectPostgres(ctx, url, also)
	}
	if err != nil {
		return c, fmt.Errorf("look at the database of %s: %w", urlKey, err)
	}
	return c, nil
}

func inspectSQLite(ctx context.Context, file string, also func(context.Context, *sql.DB) (bool, error)) (Condition, error) {
	if file == ":memory:" {
		return Condition{File: file, Pending: len(versions("migrations/sqlite"))}, nil
	}
	c := Condition{File: file}
	// SQLite writes beside the file.
	c.Refuses = writable(filepath.Dir(file))
	_, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		c.Pending = len(versions("migrations/sqlite"))
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if c.InUse, err = locked(file + ".lock"); err != nil {
		return c, fmt.Errorf("look at the lock: %w", err)
	}
	// rw, since a file in WAL mode cannot be read without writing beside it; the
	// last one to close it leaves it tidy.
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?mode=rw&_pragma=busy_timeout(3000)&_txlock=immediate")
	if err != nil {
		return c, err
	}
	defer func() { _ = pool.Close() }()
	pool.SetMaxOpenConns(1)
	return c, c.look(ctx, pool, hasSQLite, "migrations/sqlite", also)
}

func inspectPostgres(ctx context.Context, url string, also func(context.Context, *sql.DB) (bool, error)) (Condition, error) {
	pool, err := poolPostgres(url, nil)
	if err != nil {
		return Condition{}, err
	}
	defer func() { _ = pool.Close() }()
	var c Condition
	return c, plain(c.look(ctx, pool, hasPostgres, "migrations/postgres", also))
}

// Whether there is a schema of ours.
const (
	hasSQLite   = `SELECT count(*) > 0 FROM sqlite_master WHERE name = 'goose_db_version'`
	hasPostgres = `SELECT to_regclass('goose_db_version') IS NOT NULL`
)

// look fills in what is the same for every dialect. has asks whether there is a schema of ours.
func (c *Condition) look(ctx context.Context, pool *sql.DB, has, folder string, also func(context.Context, *sql.DB) (bool, error)) error {
	if err := c.version(ctx, pool, has, folder); err != nil {
		return err
	}
	if err := tryWrite(ctx, pool, c.Exists && c.Pending == 0); refuses(err) {
		c.Refuses = err
		return nil
	} else if err != nil {
		return fmt.Errorf("write something to be rolled back: %w", err)
	}
	if also == nil || !c.Exists {
		return nil
	}
	lacks, err := also(ctx, pool)
	if lacks {
		c.Pending++
	}
	return err
}

// version fills in how the schema compares with what this program knows.
func (c *Condition) version(ctx context.Context, pool *sql.DB, has, folder string) error {
	if err := pool.QueryRowContext(ctx, has).Scan(&c.Exists); err != nil {
		return err
	}
	var at int64
	if c.Exists {
		const latest = `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied`
		if err := pool.QueryRowContext(ctx, latest).Scan(&at); err != nil {
			return fmt.Errorf("read the version of the schema: %w", err)
		}
	}
	newest := int64(0)
	for _, v := range versions(folder) {
		newest = max(newest, v)
		if v > at {
			c.Pending++
		}
	}
	c.Newer = at > newest
	return nil
}

// tryWrite writes and rolls back.
func tryWrite(ctx context.Context, pool *sql.DB, current bool) error {
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if current {
		const insert = `INSERT INTO keys (name, value, created) VALUES ('pullwarden inspect', $1, 0)`
		_, err = tx.ExecContext(ctx, insert, []byte{})
	} else { // as a migration would
		_, err = tx.ExecContext(ctx, `CREATE TABLE pullwarden_inspect (n BIGINT)`)
	}
	return err
}

// refuses tells a database that takes no writes from one that could not be asked.
func refuses(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_PERM:
			return true
		}
		return false
	}
	const readOnly, denied, full = "25006", "42501", "53100"
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == readOnly || pg.Code == denied || pg.Code == full)
}

// versions are those of the migrations that this program knows.
func versions(folder string) (all []int64) {
	files, err := fs.ReadDir(migrations, folder)
	if err != nil {
		return nil // they are part of the program
	}
	for _, f := range files {
		number, _, _ := strings.Cut(f.Name(), "_")
		if v, err := strconv.ParseInt(number, 10, 64); err == nil {
			all = append(all, v)
		}
	}
	return all
}

// writable returns why no file can be made in dir.
func writable(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return &NoDirectoryError{dir}
	}
	f, err := os.CreateTemp(dir, ".pullwarden-inspect-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
