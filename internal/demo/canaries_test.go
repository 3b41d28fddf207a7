package demo_test

import (
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/report"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

// TestCanaries plays what brings secrets closest to the way out: a server that
// panics over what it looks at, and a GitHub that repeats in its errors what it
// was sent. All tests of this package are watched besides; see watch_test.go.
func TestCanaries(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { playCanaries(t, "") })
	t.Run("PostgreSQL", func(t *testing.T) {
		u, err := url.Parse(storetest.Postgres(t))
		require.NoError(t, err)
		if _, has := u.User.Password(); !has { // a server that trusts its own machine takes any
			u.User = url.UserPassword(u.User.Username(), rand.Text())
		}
		playCanaries(t, u.String())
	})
}

func playCanaries(t *testing.T, database string) {
	secret := madeUpSecrets()["STRIPE_KEY"]
	var panicked atomic.Bool
	front := &between{}
	w := newWorld(t, demo.StageOptions{
		Pace: 4 * pace, Through: front.through(t), Writer: map[string]string{"contents": "write", "pull_requests": "write"},
		Settings: func(c *config.Config) {
			c.FingerprintKey, c.OldFingerprintKey = rand.Text(), rand.Text()
			if database != "" {
				c.DatabaseURL = database
			}
		},
		Reviewed: func(p forge.Pull, r report.Report) {
			if !panicked.Swap(true) {
				panic(fmt.Sprintf("%+v %+v over %s", p, r, secret))
			}
		},
	})
	files := map[string]string{"pay.go": "package pay\n\nvar client = connect(\"" + secret + "\")\n"}
	check, pull := w.review(files)
	assert.Equal(t, "failure", check.Conclusion)
	assert.Len(t, pull.Threads, 1)
	require.True(t, panicked.Load())
	assert.Contains(t, w.log.String(), "the handler panicked")

	// Every request fails once, and its answer says what was sent.
	for _, status := range []int{http.StatusInternalServerError, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusUnauthorized, http.StatusTooManyRequests} {
		var forms sync.Map // two pieces of work may ask at a time
		var echoed atomic.Int32
		front.set(func(rw http.ResponseWriter, r *http.Request) bool {
			body, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			form := r.Method + values.ReplaceAllString(r.URL.Path, "*")
			if _, before := forms.LoadOrStore(form, true); before {
				return false
			}
			echoed.Add(1)
			said := fmt.Sprintf("%s %s with Authorization: %s and %s", r.Method, r.URL, r.Header.Get("Authorization"), body)
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(status)
			_, _ = fmt.Fprintf(rw, `{"message": %q, "errors": [{"message": %q}]}`, said, said)
			return true
		})
		number, _ := w.open(files)
		w.deliver(number, "opened")
		require.NoError(t, w.Deliver(t.Context(), w.repo.PushEvent("main", "", w.repo.Tip("main"), "dev")))
		w.settle()
		assert.Positive(t, echoed.Load())
	}
	front.set(nil)
	w.goesOn()
}

// TestWatch: a secret that is given out is seen, whichever it is and wherever.
func TestWatch(t *testing.T) {
	leaks := map[string]struct {
		leak func(t *testing.T, s *demo.Stage, log zerolog.Logger)
		want string
	}{
		"nothing": {func(*testing.T, *demo.Stage, zerolog.Logger) {}, ""},
		"the private key in the log": {func(_ *testing.T, s *demo.Stage, log zerolog.Logger) {
			log.Info().Interface("settings", s.Config).Msg("starting")
		}, "the private key in the log"},
		"a part of the private key in an error": {func(_ *testing.T, s *demo.Stage, log zerolog.Logger) {
			log.Error().Err(fmt.Errorf("no key: %.60q", strings.SplitN(s.Config.GitHub.App.PrivateKey, "\n", 2)[1])).Send()
		}, "the private key in the log"},
		"a header with a token": {func(_ *testing.T, s *demo.Stage, log zerolog.Logger) {
			basic := base64.StdEncoding.EncodeToString([]byte("x-access-token:" + s.Hub.Tokens()[0]))
			log.Debug().Strs("headers", []string{"Basic " + basic}).Msg("fetching")
		}, "a token in base64"},
		"the webhook secret in the database": {func(t *testing.T, s *demo.Stage, _ zerolog.Logger) {
			leakInto(t, s, s.Config.GitHub.App.WebhookSecret)
		}, "the webhook secret in the database"},
		"the old webhook secret in the database": {func(t *testing.T, s *demo.Stage, _ zerolog.Logger) {
			leakInto(t, s, s.Config.OldWebhookSecret)
		}, "the old webhook secret in the database"},
		"a secret of a repository in the database": {func(t *testing.T, s *demo.Stage, _ zerolog.Logger) {
			leakInto(t, s, madeUpSecrets()["AWS_KEY"])
		}, "an AWS key in the database"},
		"a secret of a repository in a comment": {func(t *testing.T, s *demo.Stage, _ zerolog.Logger) {
			res, err := http.Post(s.HubURL+"/api/v3/repos/acme/shop/issues/1/comments", "application/json", strings.NewReader(`{"body":"`+madeUpSecrets()["STRIPE_KEY"]+`"}`))
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
		}, "a Stripe key in the GitHub"},
		"the key that the database keeps": {func(t *testing.T, s *demo.Stage, log zerolog.Logger) {
			db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(s.Config.DatabaseURL, "sqlite:")+"?_pragma=busy_timeout(10000)")
			require.NoError(t, err)
			defer db.Close()
			var key []byte
			require.NoError(t, db.QueryRow(`SELECT value FROM keys WHERE name = 'fingerprints'`).Scan(&key))
			log.Info().Hex("key", key).Send()
		}, "the key that the database keeps in hexadecimal in the log"},
		"the App's signature": {func(_ *testing.T, _ *demo.Stage, log zerolog.Logger) {
			part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
			log.Info().Str("jwt", part(`{"alg":"RS256","typ":"JWT"}`)+"."+part(`{"iss":"1","exp":1799999999}`)+".c2lnbmF0dXJl").Send()
		}, "a JWT in the log"},
	}
	for name, l := range leaks {
		t.Run(name, func(t *testing.T) {
			o := demo.StageOptions{}
			w := watching(&o, io.Discard, zerolog.Disabled)
			stage, err := demo.NewStage(t.Context(), o)
			require.NoError(t, err)
			defer stage.Close()
			repo, err := stage.Install(t.Context(), "acme", "shop")
			require.NoError(t, err)
			_, err = repo.Commit("main", "Begin", map[string]string{"README": "The shop.\n"})
			require.NoError(t, err)
			require.NoError(t, stage.Deliver(t.Context(), repo.PushEvent("main", "", repo.Tip("main"), "dev")))
			require.NoError(t, stage.Settle(t.Context()))
			l.leak(t, stage, o.Log)
			seen := w.search(stage)
			if l.want == "" {
				assert.Empty(t, seen)
				for _, where := range []string{"log", "GitHub", "pages", "database"} {
					assert.NotZero(t, w.out[where].Len(), where)
				}
				return
			}
			assert.Contains(t, strings.Join(seen, "\n"), l.want)
		})
	}
}

// leakInto writes a secret into the database of a stage.
func leakInto(t *testing.T, s *demo.Stage, secret string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(s.Config.DatabaseURL, "sqlite:")+"?_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec(`UPDATE repositories SET name = $1`, secret)
	require.NoError(t, err)
	var n int
	require.NoError(t, db.QueryRow(`SELECT COUNT(*) FROM repositories WHERE name = $1`, secret).Scan(&n))
	require.Positive(t, n)
}
