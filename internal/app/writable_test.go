package app

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
)

func TestWritesAreTriedOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var full error
		tries := 0
		w := &writable{every: writeEvery, try: func(ctx context.Context) error {
			tries++
			if full == errSlow {
				<-ctx.Done()
				return ctx.Err()
			}
			return errors.Join(full, ctx.Err())
		}}
		gone, leave := context.WithCancel(t.Context())
		leave()
		ask := func() error { _, err := w.ask(gone); return err }
		for range 100 {
			assert.NoError(t, ask(), "that nobody waits says nothing about the database")
		}
		assert.Equal(t, 1, tries)
		full = errors.New("disk full")
		assert.NoError(t, ask(), "as it was")
		time.Sleep(writeEvery)
		assert.ErrorIs(t, ask(), full)
		full = nil
		assert.Error(t, ask(), "as it was")
		time.Sleep(writeEvery)
		assert.NoError(t, ask())
		assert.Equal(t, 3, tries)

		full = errSlow
		time.Sleep(writeEvery)
		start := time.Now()
		assert.ErrorIs(t, ask(), context.DeadlineExceeded)
		assert.Equal(t, writeTime, time.Since(start))
	})
}

var errSlow = errors.New("slow")

// A disk that is full takes the server out of readiness until there is room.
func TestReadyTriesAWrite(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der := x509.MarshalPKCS1PrivateKey(key)
	c := config.Default()
	c.Address, c.AdminAddress = "127.0.0.1:0", "127.0.0.1:0"
	c.DatabaseURL, c.AdvisoriesDir = "sqlite:"+filepath.Join(t.TempDir(), "p.db"), t.TempDir()
	c.GitHub.V3APIURL, c.GitHub.V4APIURL = "http://127.0.0.1:1/api/v3/", "http://127.0.0.1:1/api/graphql"
	c.GitHub.App.IntegrationID, c.GitHub.App.WebhookSecret = 1, "hush, hush, hush"
	c.GitHub.App.PrivateKey = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der}))
	s, err := New(t.Context(), c, Options{})
	require.NoError(t, err)
	s.writable.every = time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() {
		stop()
		assert.NoError(t, <-ended)
	}()
	ready := func() (int, string) {
		time.Sleep(2 * time.Millisecond)
		res, err := http.Get(s.AdminURL() + "/readyz")
		require.NoError(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(text)
	}
	code, _ := ready()
	assert.Equal(t, http.StatusOK, code)
	for _, c := range []struct{ refuse, allow string }{
		{`PRAGMA max_page_count = 1`, `PRAGMA max_page_count = 1000000`}, // 1: as many as there are
		{`PRAGMA query_only = 1`, `PRAGMA query_only = 0`},
	} {
		// What is free in the file is given back first, as deliveries would use it up.
		_, err = s.db.SQL().Exec(`VACUUM; ` + c.refuse)
		require.NoError(t, err)
		code, text := ready()
		assert.Equal(t, http.StatusServiceUnavailable, code, c.refuse)
		assert.Contains(t, text, "not ready: the database takes no writes")
		_, err = s.db.SQL().Exec(c.allow)
		require.NoError(t, err)
		code, _ = ready()
		assert.Equal(t, http.StatusOK, code, c.allow)
	}
}
