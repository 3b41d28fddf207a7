package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// driver returns River's driver for db, and whether other processes may work
// on the same database.
func driver(db *sql.DB) (_ riverdriver.Driver[*sql.Tx], shared bool) {
	if _, postgres := db.Driver().(*stdlib.Driver); postgres {
		return riverdatabasesql.New(db), true
	}
	return riversqlite.New(db), false
}

// alone runs f while no other process does so on the same schema: River's
// migrations do not wait for one another.
func alone(ctx context.Context, db *sql.DB, f func() error) error {
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	const lock, unlock = `SELECT pg_advisory_lock(1886745973, hashtext(current_schema()))`,
		`SELECT pg_advisory_unlock(1886745973, hashtext(current_schema()))`
	if _, err := c.ExecContext(ctx, lock); err != nil {
		return fmt.Errorf("wait for others that migrate: %w", err)
	}
	err = f()
	_, unlocked := c.ExecContext(context.WithoutCancel(ctx), unlock)
	return errors.Join(err, unlocked)
}
