package queue

import (
	"context"
	"database/sql"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// AcceptAtOnce accepts all events in one transaction, or none.
func (q *Queue) AcceptAtOnce(ctx context.Context, events ...forge.Event) error {
	in := intake{write: func(ctx context.Context, batch []*arrival) error {
		return q.tx(ctx, func(tx *sql.Tx) error { return q.acceptIn(ctx, tx, batch) })
	}}
	var batch []*arrival
	for _, e := range events {
		batch = append(batch, &arrival{event: e, key: e.Key()})
	}
	return in.try(ctx, batch)
}

// OneByOne has q accept each event in a transaction of its own.
func (q *Queue) OneByOne() { q.intake.most = 1 }
