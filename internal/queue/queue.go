// Package queue keeps accepted work until it is done, on River.
//
// What is kept is not a list of deliveries but the state that is wanted: for
// each key one row with a generation that every delivery raises, and at most
// one job that works on it. A job that finds the generation raised when it is
// done goes round again, so no push is lost and no two workers meet on one key.
// On SQLite one process has the database to itself. On PostgreSQL several may
// share the work; see lease.go.
package queue

import (
	"context"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// A Handler works one event off. It must be safe to repeat: a crash repeats it.
type Handler func(ctx context.Context, e forge.Event) error
