package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/store"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

func lead(t *testing.T, db *store.DB, name string) *store.Lead {
	l, err := db.Lead(context.Background(), name)
	require.NoError(t, err)
	return l
}

// leads waits until db has the lead: the database may need a moment.
func leads(t *testing.T, db *store.DB) (l *store.Lead) {
	require.Eventually(t, func() bool {
		l = lead(t, db, "catch-up")
		return l != nil
	}, 10*time.Second, 10*time.Millisecond)
	return l
}

// TestLead: of several servers one has the lead, until it gives it back or its
// connection is gone.
func TestLead(t *testing.T) {
	ctx, url := context.Background(), storetest.Postgres(t)
	one, two := open(t, url), open(t, url)
	first := lead(t, one, "catch-up")
	require.NotNil(t, first)
	assert.Nil(t, lead(t, two, "catch-up"))
	assert.Nil(t, lead(t, one, "catch-up"), "also within one process")
	other := lead(t, two, "something else")
	require.NotNil(t, other)
	other.Close()
	elsewhere := lead(t, open(t, storetest.Postgres(t)), "catch-up")
	require.NotNil(t, elsewhere, "another schema is another installation of ours")
	elsewhere.Close()

	first.Close()
	second := leads(t, two)
	assert.True(t, second.Held(ctx))

	// As after a crash, or when the server lost sight of the database.
	_, err := one.SQL().Exec(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
		AND classid = 1886745974 AND objid::BIGINT = hashtext(current_schema() || '/catch-up')::BIGINT & 4294967295`)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !second.Held(ctx) }, 10*time.Second, 10*time.Millisecond)
	third := leads(t, one)
	second.Close()
	assert.True(t, third.Held(ctx), "what was lost takes nothing from who has it now")
	third.Close()
	assert.Zero(t, one.SQL().Stats().InUse, "no connection stays behind")
	assert.Zero(t, two.SQL().Stats().InUse)
}

// TestLeadAlone: a SQLite file has one process.
func TestLeadAlone(t *testing.T) {
	l := lead(t, open(t, "sqlite::memory:"), "catch-up")
	require.NotNil(t, l)
	assert.True(t, l.Held(context.Background()))
	l.Close()
}
