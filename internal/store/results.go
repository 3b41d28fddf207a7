package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	mostResults = 200_000 // kept over all repositories; the longest unused go first
	perQuery    = 500
)

// Results remembers which additions of one repository were clean, across restarts.
type Results struct {
	db         *DB
	repository int64
}

// Results returns what is remembered of the repository with this id.
func (db *DB) Results(repository int64) *Results { return &Results{db, repository} }

// Clean returns those of keys that are known to be clean.
func (r *Results) Clean(ctx context.Context, keys []string) (map[string]bool, error) {
	clean := map[string]bool{}
	err := r.db.tx(ctx, func(tx *sql.Tx) error {
		for part := range slices.Chunk(keys, perQuery) {
			where, args := among(part, r.db.now().UnixMicro(), r.repository)
			// Reading makes them young again.
			rows, err := tx.QueryContext(ctx, `UPDATE clean_results SET used = $1 WHERE repository = $2 AND key IN (`+where+`) RETURNING key`, args...)
			if err != nil {
				return err
			}
			for rows.Next() {
				var key string
				if err := rows.Scan(&key); err != nil {
					return err
				}
				clean[key] = true
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up earlier results: %w", err)
	}
	return clean, nil
}

// among returns placeholders for keys after the arguments that come first.
func among(keys []string, first ...any) (string, []any) {
	marks := make([]string, len(keys))
	for i, k := range keys {
		first = append(first, k)
		marks[i] = fmt.Sprintf("$%d", len(first))
	}
	return strings.Join(marks, ", "), first
}

// Keep remembers that keys are clean, and forgets what was not used for the longest time.
func (r *Results) Keep(ctx context.Context, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	now := r.db.now().UnixMicro()
	err := r.db.tx(ctx, func(tx *sql.Tx) error {
		for _, k := range slices.Sorted(slices.Values(keys)) { // in one order, so that two do not wait for each other
			if _, err := tx.ExecContext(ctx, `
				INSERT INTO clean_results (repository, key, used) VALUES ($1, $2, $3)
				ON CONFLICT (repository, key) DO UPDATE SET used = excluded.used`, r.repository, k, now); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `
			DELETE FROM clean_results WHERE (repository, key) IN (
				SELECT repository, key FROM clean_results ORDER BY used DESC LIMIT $2 OFFSET $1)`, mostResults, math.MaxInt32)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep results: %w", err)
	}
	return nil
}
