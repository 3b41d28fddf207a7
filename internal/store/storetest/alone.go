package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func alone(t *testing.T, db DB) { Alone(t, db, db) }

// Alone is the test of one key between a and b, which are one database or two
// processes' sight of it.
func Alone(t *testing.T, a, b DB) {
	release, err := a.Ledger().Alone(ctx, "head 1")
	require.NoError(t, err)
	other, err := b.Ledger().Alone(ctx, "head 2")
	require.NoError(t, err, "another key is free")
	other()

	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err = b.Ledger().Alone(short, "head 1")
	require.ErrorIs(t, err, context.DeadlineExceeded)

	got := make(chan func())
	go func() {
		next, err := b.Ledger().Alone(ctx, "head 1")
		assert.NoError(t, err)
		got <- next
	}()
	select {
	case <-got:
		t.Fatal("two hold one key")
	case <-time.After(50 * time.Millisecond):
	}
	release()
	release() // a second time does nothing
	(<-got)()

	// More keys than connections, and each holder asks for more of the database.
	done := make(chan error)
	const many = 40
	for i := range many {
		go func() {
			release, err := a.Ledger().Alone(ctx, string(rune('a'+i)))
			if err == nil {
				_, err = a.Ledger().At(ctx, repo(), "sha")
				release()
			}
			done <- err
		}()
	}
	for range many {
		require.NoError(t, <-done)
	}
}
