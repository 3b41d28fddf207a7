package queue

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river/rivermigrate"
)

// Migrated reports whether the job tables in db are those that Open would
// make. It changes nothing.
func Migrated(ctx context.Context, db *sql.DB) (bool, error) {
	driver, _ := driver(db)
	m, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return false, fmt.Errorf("read the migrations of the job tables: %w", err)
	}
	res, err := m.Validate(ctx, nil)
	if err != nil {
		return false, fmt.Errorf("look at the job tables: %w", err)
	}
	return res.OK, nil
}
