package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// Of one process. A server has 100 connections unless it was told otherwise,
// and several of us may share it.
const (
	mostConnections = 16
	idleConnections = 8
)

// openPostgres opens the database at url, "postgres://…", and migrates it.
func openPostgres(ctx context.Context, url string) (*sql.DB, error) {
	pool, err := poolPostgres(url, nil)
	if err != nil {
		return nil, err
	}
	if err := alone(ctx, pool, func() error { return migrate(ctx, pool, goose.DialectPostgres, "migrations/postgres") }); err != nil {
		return nil, errors.Join(plain(err), pool.Close())
	}
	return pool, nil
}

// poolPostgres prepares a pool for the database at url, with these settings of
// each session. No error shows any part of url that may be of a password.
func poolPostgres(url string, settings map[string]string) (*sql.DB, error) {
	// In front of its "@" a "/", "?" or "#" ends the host: the rest of a
	// password that has one would be taken for a name, and be told as such.
	if rest := url[strings.Index(url, ":")+1:]; !strings.HasPrefix(rest, "//") {
		return nil, errAddress
	} else if end := strings.IndexAny(rest[2:], "/?#"); end >= 0 && strings.Contains(rest[2+end:], "@") {
		return nil, errAddress
	}
	c, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errAddress // err quotes what it could not read
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "pullwarden"
	}
	maps.Copy(c.RuntimeParams, settings)
	pool := stdlib.OpenDB(*c, stdlib.OptionAfterConnect(bound))
	pool.SetMaxOpenConns(mostConnections)
	pool.SetMaxIdleConns(idleConnections)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(30 * time.Minute) // after a failover some would stay with the old server
	return pool, nil
}

var errAddress = errors.New("it is no address of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE" +
	" (what is neither a letter nor a digit in a password is written as %XX)")

// bound has the server end a transaction that a machine left open when it
// vanished: others wait for its locks. None of ours waits for anything but the database.
func bound(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `SET idle_in_transaction_session_timeout = '15s'`)
	return err
}

// plain is err without the settings of the connection, of which the password is one.
func plain(err error) error {
	var refused *pgconn.ConnectError
	if errors.As(err, &refused) {
		return fmt.Errorf("connect: %w", refused.Unwrap())
	}
	return err
}

// alone runs f while no other process does so on the same schema.
func alone(ctx context.Context, pool *sql.DB, f func() error) error {
	c, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	const lock, unlock = `SELECT pg_advisory_lock(1886745972, hashtext(current_schema()))`,
		`SELECT pg_advisory_unlock(1886745972, hashtext(current_schema()))`
	if _, err := c.ExecContext(ctx, lock); err != nil {
		return fmt.Errorf("wait for others that migrate: %w", err)
	}
	err = f()
	_, unlocked := c.ExecContext(context.WithoutCancel(ctx), unlock)
	return errors.Join(err, unlocked)
}

// gaveWay says whether err ended a transaction that may just be run again.
func gaveWay(err error) bool {
	const serialization, deadlock = "40001", "40P01"
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == serialization || e.Code == deadlock)
}
