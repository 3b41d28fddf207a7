package store

import (
	"context"
	"crypto/rand"
	"fmt"
)

// Secret returns the random secret of 32 bytes that belongs to name. The first
// call makes it, whoever else calls at the same time; it stays the same then.
// It keys what must not be guessed or forged, and is worth as much as the file it is in.
func (db *DB) Secret(ctx context.Context, name string) ([]byte, error) {
	fresh := make([]byte, 32)
	if _, err := rand.Read(fresh); err != nil {
		return nil, fmt.Errorf("make the secret %s: %w", name, err)
	}
	_, err := db.sql.ExecContext(ctx,
		`INSERT INTO keys (name, value, created) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING`,
		name, fresh, stamp(db.now()))
	if err != nil {
		return nil, fmt.Errorf("keep the secret %s: %w", name, err)
	}
	var kept []byte
	if err := db.sql.QueryRowContext(ctx, `SELECT value FROM keys WHERE name = $1`, name).Scan(&kept); err != nil {
		return nil, fmt.Errorf("read the secret %s: %w", name, err)
	}
	return kept, nil
}
