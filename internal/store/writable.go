package store

import (
	"context"
	"crypto/rand"
	"fmt"
)

// tried is how many bytes TryWrite writes: more than a delivery.
const tried = 32 << 10

// TryWrite returns an error if the database takes no writes now. It commits a
// row, as a full disk may be found only then, and deletes it again.
func (db *DB) TryWrite(ctx context.Context) error {
	value := make([]byte, tried)
	_, _ = rand.Read(value) // zeros would be compressed; it never fails
	const name = "pullwarden tries to write"
	_, err := db.sql.ExecContext(ctx, `INSERT INTO keys (name, value, created) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value, created = excluded.created`, name, value, stamp(db.now()))
	if err == nil {
		_, err = db.sql.ExecContext(ctx, `DELETE FROM keys WHERE name = $1`, name)
	}
	if err != nil {
		return fmt.Errorf("try to write: %w", err)
	}
	return nil
}
