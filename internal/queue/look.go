package queue

import (
	"context"
	"fmt"
)

// Waiting reports whether accepted work of key is outstanding: it waits, or is
// worked on.
func (q *Queue) Waiting(ctx context.Context, key string) (bool, error) {
	var is bool
	err := q.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM queue_items WHERE key = $1 AND state = 'waiting')`, key).Scan(&is)
	if err != nil {
		return false, fmt.Errorf("look whether %s waits: %w", key, err)
	}
	return is, nil
}

// Accepted reports whether an event of that delivery was ever accepted.
func (q *Queue) Accepted(ctx context.Context, delivery string) (bool, error) {
	var is bool
	err := q.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM deliveries WHERE guid = $1)`, delivery).Scan(&is)
	if err != nil {
		return false, fmt.Errorf("look whether delivery %s was accepted: %w", delivery, err)
	}
	return is, nil
}
