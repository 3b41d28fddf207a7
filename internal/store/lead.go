package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
)

// A Lead is held by the one process that does something which one at a time
// should do.
type Lead struct {
	conn *sql.Conn // nil where one process has the database to itself
}

// leadClass sets our advisory locks apart: they are not alone on a server.
const leadClass = 1886745974

// Lead takes the lead in what name says, or returns nil while another process
// has it. It is kept until Close, or until the process or its connection is
// gone: no clock decides.
func (db *DB) Lead(ctx context.Context, name string) (*Lead, error) {
	if !db.shared {
		return &Lead{}, nil
	}
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("take the lead in %s: %w", name, err)
	}
	var ours bool
	err = conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1, hashtext(current_schema() || '/' || $2::TEXT))`, leadClass, name).Scan(&ours)
	if err != nil || !ours {
		_ = conn.Close()
		if err != nil {
			err = fmt.Errorf("take the lead in %s: %w", name, err)
		}
		return nil, err
	}
	return &Lead{conn}, nil
}

// Held reports whether the lead is still ours.
func (l *Lead) Held(ctx context.Context) bool {
	// The lock is the session's: if that answers, nobody else has it.
	return l.conn == nil || l.conn.PingContext(ctx) == nil
}

// Close gives the lead back: the lock ends with its session, which serves
// nobody else afterwards. That may take the server a moment.
func (l *Lead) Close() {
	if l.conn == nil {
		return
	}
	_ = l.conn.Raw(func(any) error { return driver.ErrBadConn }) // which has the pool end it
	_ = l.conn.Close()
}
