package load_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/store"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

const secret = "hush, hush, hush"

// key is the App's private key, in PEM form.
func key(tb testing.TB) (*rsa.PrivateKey, string) {
	tb.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(tb, err)
	return k, string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)}))
}

// databases runs f with a fresh database of each kind, by its address.
func databases(b *testing.B, f func(b *testing.B, url string)) {
	b.Run("sqlite", func(b *testing.B) { f(b, sqlite(b)) })
	b.Run("postgres", func(b *testing.B) { f(b, storetest.DurablePostgres(b)) })
}

func sqlite(tb testing.TB) string { return "sqlite:" + filepath.Join(tb.TempDir(), "p.db") }

// A server is the real one.
type server struct {
	*process
	url   string // of its database
	admin string
	env   []string
}

// serve starts the server on the database at url, with GitHub at hub and the
// App's private key.
func serve(tb testing.TB, url, hub, key string) *server {
	tb.Helper()
	address, admin := freeAddress(tb), freeAddress(tb)
	s := &server{url: url, admin: "http://" + admin, env: []string{
		asProgram + "=1", "PATH=" + os.Getenv("PATH"), "TMPDIR=" + tb.TempDir(),
		"GITHUB_APP_INTEGRATION_ID=1", "GITHUB_APP_WEBHOOK_SECRET=" + secret, "GITHUB_APP_PRIVATE_KEY=" + key,
		"GITHUB_WEB_URL=" + hub, "GITHUB_V3_API_URL=" + hub + "/api/v3/", "GITHUB_V4_API_URL=" + hub + "/api/graphql",
		"PULLWARDEN_DATABASE_URL=" + url, "PULLWARDEN_ADVISORIES_DIR=" + tb.TempDir(),
		"PULLWARDEN_ADDRESS=" + address, "PULLWARDEN_ADMIN_ADDRESS=" + admin,
	}}
	s.process = &process{tb: tb, hook: "http://" + address + "/api/github/hook"}
	s.again()
	return s
}

// again starts the server anew on the same database.
func (s *server) again() {
	s.tb.Helper()
	self, err := os.Executable()
	require.NoError(s.tb, err)
	cmd := exec.CommandContext(s.tb.Context(), self, "serve")
	cmd.Env = s.env
	s.process = start(s.tb, "pullwarden", cmd, s.hook, s.admin+"/healthz")
}

var gauge = regexp.MustCompile(`(?m)^pullwarden_queue_(depth|failed) ([0-9.e+]+)$`)

// queue asks the server how much waits and how much was given up.
func (s *server) queue() (depth, failed int) {
	s.tb.Helper()
	res, err := http.Get(s.admin + "/metrics")
	require.NoError(s.tb, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	require.NoError(s.tb, err)
	told := map[string]int{}
	for _, m := range gauge.FindAllStringSubmatch(string(text), -1) {
		n, err := strconv.ParseFloat(m[2], 64)
		require.NoError(s.tb, err)
		told[m[1]] = int(n)
	}
	require.Len(s.tb, told, 2, "the metrics of the queue")
	return told["depth"], told["failed"]
}

// drained waits until nothing waits, and requires that nothing was given up.
func (s *server) drained(patience time.Duration) {
	s.tb.Helper()
	for limit := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		depth, failed := s.queue()
		require.Zero(s.tb, failed, "work was given up")
		if depth == 0 {
			return
		}
		require.True(s.tb, time.Now().Before(limit), "%d keys still wait after %v", depth, patience)
	}
}

// settled stops the server and counts in its database: deliveries, and the keys
// that they were about by their state. The server gives itself other work, too.
func (s *server) settled() (keys map[string]int, deliveries int) {
	s.tb.Helper()
	s.stop()
	db, err := store.Open(context.Background(), s.url, nil)
	require.NoError(s.tb, err)
	defer func() { require.NoError(s.tb, db.Close()) }()
	rows, err := db.SQL().Query(`SELECT state, COUNT(*) FROM queue_items WHERE key IN (SELECT key FROM deliveries) GROUP BY state`)
	require.NoError(s.tb, err)
	defer func() { _ = rows.Close() }()
	keys = map[string]int{}
	for rows.Next() {
		var state string
		var n int
		require.NoError(s.tb, rows.Scan(&state, &n))
		keys[state] = n
	}
	require.NoError(s.tb, rows.Err())
	require.NoError(s.tb, db.SQL().QueryRow(`SELECT COUNT(*) FROM deliveries`).Scan(&deliveries))
	return keys, deliveries
}
