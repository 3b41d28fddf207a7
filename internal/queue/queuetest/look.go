package queuetest

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func looks(t *testing.T, db *sql.DB) {
	q, ctx := open(t, db, quick()), context.Background()
	began, release := make(chan struct{}), make(chan struct{})
	l := &log{then: func(_ context.Context, n int) error {
		if n > 1 {
			return errors.New("no luck")
		}
		close(began)
		<-release
		return nil
	}}
	key := push(1, "a").Key()
	waiting := func() bool {
		got, err := q.Waiting(ctx, key)
		require.NoError(t, err)
		return got
	}
	accepted := func(delivery string) bool {
		got, err := q.Accepted(ctx, delivery)
		require.NoError(t, err)
		return got
	}
	assert.False(t, waiting())
	assert.False(t, accepted("delivery-a"))
	accept(t, q, push(1, "a"))
	assert.True(t, waiting())
	assert.True(t, accepted("delivery-a"))
	start(t, q, l.handle)
	<-began
	assert.True(t, waiting(), "it is worked on")
	close(release)
	idle(t, q)
	assert.False(t, waiting(), "it is done")
	assert.True(t, accepted("delivery-a"), "for good")
	accept(t, q, push(1, "b"))
	idle(t, q)
	assert.False(t, waiting(), "it was given up")
	assert.True(t, accepted("delivery-b"))
}
