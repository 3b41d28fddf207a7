package queue

import (
	"context"
	"fmt"
	"time"
)

// pruned is how many rows go at a time: whoever accepts or works in between
// waits for no more than that.
const pruned = 500

// Prune forgets what was settled, and which deliveries came, before then. What
// waits stays, however old it is. A key that was forgotten begins anew with its
// next event.
func (q *Queue) Prune(ctx context.Context, before time.Time) error {
	for _, statement := range []string{
		// What waits is not settled. A row that is wanted again meanwhile is
		// looked at again, by the first condition, and stays.
		`DELETE FROM queue_items WHERE settled < $1 AND key IN (
			SELECT key FROM queue_items WHERE settled < $1 ORDER BY settled LIMIT $2)`,
		`DELETE FROM deliveries WHERE last_received < $1 AND (guid, key) IN (
			SELECT guid, key FROM deliveries WHERE last_received < $1 ORDER BY last_received LIMIT $2)`,
	} {
		for {
			res, err := q.db.ExecContext(ctx, statement, before.UnixMicro(), pruned)
			if err != nil {
				return fmt.Errorf("forget what was settled before %v: %w", before.UTC(), err)
			}
			n, err := res.RowsAffected()
			if err != nil {
				return fmt.Errorf("forget what was settled before %v: %w", before.UTC(), err)
			}
			if n == 0 {
				break
			}
		}
	}
	return nil
}
