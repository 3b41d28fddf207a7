package storetest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// postgresKey is what the address of another server than the usual one is set with.
const postgresKey = "PULLWARDEN_TEST_DATABASE_URL"

// Postgres returns the address of an empty schema on a PostgreSQL server,
// which is dropped when the test ends. Without a server the test is skipped,
// unless one was named. What is committed survives the end of our process and
// not that of the server's machine: nobody pulls its plug here.
func Postgres(t testing.TB) string {
	return DurablePostgres(t) + "&synchronous_commit=off"
}

// DurablePostgres is Postgres with commits that take as long as in production:
// for benchmarks.
func DurablePostgres(t testing.TB) string {
	named := os.Getenv(postgresKey)
	address := named
	if address == "" {
		address = "postgres://postgres@127.0.0.1:5432/test?sslmode=disable"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, address)
	if err != nil && named == "" {
		t.Skipf("no PostgreSQL server answers on 127.0.0.1:5432 with a database \"test\": set %s to another one", postgresKey)
	}
	require.NoError(t, err)
	schema := "t_" + strings.ToLower(rand.Text())
	_, err = c.Exec(ctx, `CREATE SCHEMA `+schema)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := c.Exec(context.Background(), `DROP SCHEMA `+schema+` CASCADE`)
		assert.NoError(t, err)
		assert.NoError(t, c.Close(context.Background()))
	})
	u, err := url.Parse(address)
	require.NoError(t, err)
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}
