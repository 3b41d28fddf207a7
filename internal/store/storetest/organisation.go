package storetest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/forge"
)

func organisations(t *testing.T, db DB) {
	l := db.Ledger()
	last := func(installation int64) any {
		text, ok, err := l.LastOrganisation(ctx, installation, "a.yml")
		require.NoError(t, err)
		if !ok {
			return nil
		}
		return string(text)
	}
	assert.Nil(t, last(3))
	require.NoError(t, l.KeepOrganisation(ctx, 3, "a.yml", []byte("version: 1\n"), day(1)))
	require.NoError(t, l.KeepOrganisation(ctx, 3, "a.yml", []byte("version: 1\n"), day(2)))
	assert.EqualValues(t, day(1).UnixMicro(), count(t, db, `SELECT kept FROM organisations`), "it is not written again")
	require.NoError(t, l.KeepOrganisation(ctx, 3, "b.yml", []byte("another"), day(2)))
	assert.Equal(t, "version: 1\n", last(3), "each file by itself")
	require.NoError(t, l.KeepOrganisation(ctx, 3, "a.yml", nil, day(3)))
	assert.Equal(t, "", last(3), "one that was taken away says nothing, and is known to")
	assert.Nil(t, last(4))

	require.NoError(t, l.Installed(ctx, forge.Event{Kind: forge.Uninstalled, Installation: 3, Received: day(4)}))
	require.NoError(t, l.Purge(ctx, day(5)))
	assert.Nil(t, last(3))
}
