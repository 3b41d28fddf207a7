package doctor_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/doctor"
	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/forge/github"
	"github.com/pullwarden/pullwarden/internal/forge/github/hook"
	"github.com/pullwarden/pullwarden/internal/store"
)

const (
	route    = "/api/github/hook"
	secret   = "hook" + "-canary-of-the-tests"
	password = "pass" + "word-canary-of-the-tests"
)

// appKey is the App's key of all tests: making one takes long.
var appKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func pemOf(k *rsa.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)}))
}

// A world is a set-up that is well: a GitHub with our App, and a server.
type world struct {
	*testing.T
	hub  *fakehub.Hub
	repo *fakehub.Repo
	url  string // of GitHub
	hook string // where deliveries go
	app  github.Options
	o    doctor.Options
	sign string   // what the server that runs takes for its secret
	bare *url.URL // where registries are
}

func newWorld(t *testing.T, change ...func(*fakehub.Options)) *world {
	t.Helper()
	w := &world{T: t, sign: secret}
	o := fakehub.Options{AppID: 7, Key: &appKey().PublicKey, Secret: secret}
	for _, f := range change {
		f(&o)
	}
	var err error
	w.hub, err = fakehub.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, w.hub.Close()) })
	w.url = w.serve(w.hub)
	w.repo, err = w.hub.AddRepo("acme", "shop")
	require.NoError(t, err)
	_, err = w.repo.Commit("main", "Open the shop", map[string]string{"README": "shop\n"})
	require.NoError(t, err)
	w.repo.Require(fakehub.Requirement{Branch: "main", Check: "pullwarden", App: 7})

	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "x.db"), nil)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	w.o = doctor.Options{
		AppID: 7, APIURL: w.url + "/api/v3", GraphQLURL: w.url + "/api/graphql", WebURL: w.url,
		Least: github.Least(), Want: github.Manifests()["app.yml"], Manifest: "app.yml", Upgrades: true,
		Route: route, WebhookSecret: secret, Secrets: []string{secret, password},
		Database: func(context.Context) (doctor.Database, error) {
			return doctor.Database{Kind: "PostgreSQL", Exists: true}, nil
		},
		Advisories: func(context.Context) (doctor.Advisories, error) {
			return doctor.Advisories{Dir: "/advisories", Records: 12, Imported: time.Now()}, nil
		},
		Stale:      72 * time.Hour,
		Disks:      []doctor.Disk{{What: "the advisories", Path: t.TempDir()}},
		Free:       func(string) (uint64, error) { return 5 << 30, nil },
		Registries: []doctor.Registry{{Of: "Go modules", Setting: "registries.go", From: "GOPROXY", Address: w.serve(http.NotFoundHandler()) + "/go"}},
		Proxy:      func(*http.Request) (*url.URL, error) { return nil, nil },
		Env:        func(string) string { return "" },
		Now:        time.Now,
	}
	w.app = github.Options{AppID: 7, PrivateKey: []byte(pemOf(appKey())), APIURL: w.o.APIURL, GraphQLURL: w.o.GraphQLURL, WebURL: w.url}
	w.o.AdminAddress = address(w.serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			http.NotFound(rw, r)
			return
		}
		fmt.Fprint(rw, "ok\nnote: 3 waiting, the first for 2s\nnote: advisories imported 5m0s ago\n")
	})))
	w.listen(7)
	w.hub.SetHook(fakehub.Hook{URL: w.hook, ContentType: "json"})
	w.inspector()
	return w
}

// serve serves h until the test ends.
func (w *world) serve(h http.Handler) string {
	s := httptest.NewServer(h)
	w.Cleanup(s.Close)
	return s.URL
}

func address(url string) string { return strings.TrimPrefix(url, "http://") }

// handler takes what is signed with w.sign, for App app.
func (w *world) handler(app int64) http.Handler {
	w.Helper()
	h, err := hook.Handler(hook.Options{Secret: w.sign, AppID: app, Accept: func(context.Context, forge.Event, string) error { return nil }})
	require.NoError(w, err)
	mux := http.NewServeMux()
	mux.Handle(route, h)
	return mux
}

// listen starts the server's webhook.
func (w *world) listen(app int64) {
	w.Helper()
	server := w.serve(w.handler(app))
	w.hook, w.o.Address = server+route, address(server)
}

// inspector asks as w.app says.
func (w *world) inspector() {
	w.Helper()
	i, err := github.NewInspector(w.app)
	require.NoError(w, err)
	w.o.GitHub = i
}

func (w *world) deliver(to string) {
	w.Helper()
	_, _ = w.hub.Deliver(w.Context(), to, w.hub.PingEvent()) // whether it arrives is what tests are about
}

// answers is a receiver that answers everything with a status.
func (w *world) answers(status int) string {
	return w.serve(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Location", "https://bot.example/")
		rw.WriteHeader(status)
	}))
}

// nowhere is an address that nobody listens on.
func nowhere(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

// look runs all checks. Whatever they see, no secret is in what they say.
func (w *world) look() (doctor.Report, string) {
	w.Helper()
	var text, data bytes.Buffer
	p := doctor.Printer{W: &text}
	r := doctor.Run(w.Context(), w.o, p.Line)
	require.NoError(w, p.Sum(r))
	require.NoError(w, r.JSON(&data))
	for _, out := range []string{text.String(), data.String()} {
		assert.NotContains(w, out, "canary")
		assert.NotContains(w, out, "ghs_")
		assert.NotContains(w, out, "PRIVATE KEY")
		for line := range strings.Lines(string(w.app.PrivateKey)) {
			assert.NotContains(w, out, strings.TrimSpace(line))
		}
	}
	for _, l := range r.Lines {
		if l.Status == doctor.Problem || l.Status == doctor.Warning {
			assert.NotEmpty(w, l.Do, "%s: %s", l.Check, l.Seen)
		}
	}
	return r, text.String()
}

// trouble lists the lines that are not ok as "check: status", without those
// that only say that an earlier one stands in the way.
func trouble(r doctor.Report) (list []string) {
	for _, l := range r.Lines {
		if l.Status != doctor.OK {
			list = append(list, fmt.Sprintf("%s: %s", l.Check, l.Status))
		}
	}
	return list
}

// told is everything that the lines of a check say.
func told(r doctor.Report, check string) string {
	var b strings.Builder
	for _, l := range r.Lines {
		if l.Check == check {
			fmt.Fprintf(&b, "%s\n→ %s\n", l.Seen, l.Do)
		}
	}
	return b.String()
}
