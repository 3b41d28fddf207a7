package store_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/store"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

func TestPostgres(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.DB { return open(t, storetest.Postgres(t)) })
}

// TestAloneAmongServers: a key is held among all servers, not just in one.
func TestAloneAmongServers(t *testing.T) {
	url := storetest.Postgres(t)
	storetest.Alone(t, open(t, url), open(t, url))
}

// TestOneSchema: what is added to one dialect must be added to the other.
func TestOneSchema(t *testing.T) {
	columns := func(db *store.DB, query string) []string {
		rows, err := db.SQL().Query(query)
		require.NoError(t, err)
		defer func() { _ = rows.Close() }()
		var all []string
		for rows.Next() {
			var name string
			require.NoError(t, rows.Scan(&name))
			all = append(all, name)
		}
		require.NoError(t, rows.Err())
		return all
	}
	postgres := columns(open(t, storetest.Postgres(t)), `
		SELECT table_name || '.' || column_name || CASE WHEN is_nullable = 'YES' THEN ' NULL' ELSE '' END
		FROM information_schema.columns WHERE table_schema = current_schema() AND table_name <> 'goose_db_version'`)
	sqlite := columns(open(t, "sqlite::memory:"), `
		SELECT m.name || '.' || c.name || CASE WHEN c."notnull" = 0 AND c.pk = 0 THEN ' NULL' ELSE '' END
		FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type IN ('table', 'view') AND m.name NOT IN ('goose_db_version', 'sqlite_sequence')`)
	assert.ElementsMatch(t, sqlite, postgres)
	assert.Contains(t, postgres, "queue_items.lease_until NULL")
}

// TestOpenAtOnce: servers that are started together migrate one after the other.
func TestOpenAtOnce(t *testing.T) {
	url := storetest.Postgres(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			db, err := store.Open(context.Background(), url, nil)
			if assert.NoError(t, err) {
				assert.NoError(t, db.Close())
			}
		})
	}
	all.Wait()
}

// TestGivesWay: of two transactions that wait for each other the database ends
// one. That is no error of ours: it is run again.
func TestGivesWay(t *testing.T) {
	db := open(t, storetest.Postgres(t))
	ctx := context.Background()
	repo := forge.Repo{ID: 7, Owner: "acme", Name: "site"}
	e := forge.Event{Kind: forge.Installed, Installation: 3, Account: forge.User{ID: 5, Login: "acme"}, Added: []forge.Repo{repo}}
	require.NoError(t, db.Ledger().Installed(ctx, e))

	other, err := db.SQL().BeginTx(ctx, nil)
	require.NoError(t, err)
	defer func() { _ = other.Rollback() }()
	_, err = other.Exec(`SET LOCAL deadlock_timeout = '1min'`) // so that it is not this one that looks for whom to end
	require.NoError(t, err)
	_, err = other.Exec(`UPDATE repositories SET named = named`)
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- db.Ledger().Installed(ctx, e) }() // has the account, waits for the repository
	time.Sleep(200 * time.Millisecond)
	_, err = other.Exec(`UPDATE accounts SET named = named`)
	require.NoError(t, err, "the one that has been waiting for longer gives way")
	require.NoError(t, other.Commit())
	require.NoError(t, <-ended)
}

// TestPostgresAddress: no address and no part of a password is ever told.
func TestPostgresAddress(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	silent := free.Addr().String()
	require.NoError(t, free.Close())
	for url, want := range map[string]string{
		"postgres://dev:pass-word@" + silent + "/x":            "connect: ",
		"postgresql://dev:pass-word@" + silent + "/x":          "connect: ",
		"postgres://dev:1/pass-word@" + silent + "/x":          "is no address",
		"postgres://dev:1#pass-word@" + silent + "/x":          "is no address",
		"postgres://dev:1?pass-word@" + silent + "/x":          "is no address",
		"postgres://dev:pass-word@" + silent + "/x?sslmode=no": "is no address",
		"postgres:dev:pass-word@" + silent:                     "is no address",
		"postgres://dev:%zzpass-word@" + silent + "/x":         "is no address",
	} {
		_, err := store.Open(context.Background(), url, nil)
		require.ErrorContains(t, err, want, url)
		assert.ErrorContains(t, err, "PULLWARDEN_DATABASE_URL")
		assert.NotContains(t, err.Error(), "pass-word")
		assert.NotContains(t, err.Error(), "postgres://dev")
	}
}
