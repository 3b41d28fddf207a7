package hook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/forge"
)

const secret = "of the " + "webhook"

func sign(h func() hash.Hash, secret string, body []byte) string {
	mac := hmac.New(h, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// deliver makes a genuine delivery.
func deliver(event string, body []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/github/hook", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", "d-1")
	r.Header.Set("X-GitHub-Hook-Installation-Target-ID", "2")
	r.Header.Set("X-Hub-Signature-256", "sha256="+sign(sha256.New, secret, body))
	return r
}

// inbox accepts events, or refuses them with err.
type inbox struct {
	err  error
	keys []string
	got  []forge.Event
	log  bytes.Buffer
	ends []string // event and result of each delivery
}

func (in *inbox) Accept(ctx context.Context, e forge.Event, key string) error {
	if e.SHA == "panic" {
		panic("boom")
	}
	if in.err != nil {
		return in.err
	}
	in.keys, in.got = append(in.keys, key), append(in.got, e)
	return nil
}

func (in *inbox) handler(t *testing.T, more ...string) http.Handler {
	t.Helper()
	return in.with(t, Options{Secrets: more})
}

// with is a handler of which only some options are not the usual ones.
func (in *inbox) with(t *testing.T, o Options) http.Handler {
	t.Helper()
	o.Secret, o.AppID, o.Accept, o.Log = secret, 2, in.Accept, zerolog.New(&in.log)
	if o.Now == nil {
		o.Now = func() time.Time { return received }
	}
	o.Counted = func(event, result string) { in.ends = append(in.ends, event+" "+result) }
	h, err := Handler(o)
	require.NoError(t, err)
	return h
}

// lines counts what was logged.
func (in *inbox) lines() int { return strings.Count(in.log.String(), "\n") }

func serve(h http.Handler, r *http.Request) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func TestAccepted(t *testing.T) {
	in := &inbox{}
	h := in.handler(t)
	body := payloadFile(t, "pull_request.opened")
	assert.Equal(t, http.StatusAccepted, serve(h, deliver("pull_request", body)))
	require.Len(t, in.got, 1)
	assert.Equal(t, []string{"pull/186853002/2"}, in.keys)
	assert.Equal(t, forge.PullChanged, in.got[0].Kind)
	assert.Equal(t, "d-1", in.got[0].Delivery)
	assert.Equal(t, received, in.got[0].Received)
	assert.Equal(t, 1, in.lines(), in.log.String())
	assert.Equal(t, []string{"pull_request accepted"}, in.ends)
}

// Nothing is acknowledged that was not accepted.
func TestNotAccepted(t *testing.T) {
	in := &inbox{err: errors.New("disk full")}
	h := in.handler(t)
	assert.Equal(t, http.StatusServiceUnavailable, serve(h, deliver("pull_request", payloadFile(t, "pull_request.opened"))))
	assert.Contains(t, in.log.String(), "disk full")
	assert.Equal(t, []string{"pull_request failed"}, in.ends)

	in.err = nil
	assert.Equal(t, http.StatusServiceUnavailable,
		serve(h, deliver("pull_request", payloadFile(t, "pull_request.opened", "pull_request.head.sha", "panic"))))
	assert.Empty(t, in.got)
}

func TestNoWork(t *testing.T) {
	for event, want := range map[string]struct {
		body string
		code int
	}{
		"pull_request": {`{"action":"labeled"}`, http.StatusAccepted},
		"ping":         {`{"zen":"Keep it logically awesome.","hook_id":1}`, http.StatusOK},
		// GitHub sends it to every App; refused, it would stand there as a failure.
		"github_app_authorization": {`{"action":"revoked"}`, http.StatusAccepted},
	} {
		in := &inbox{}
		assert.Equal(t, want.code, serve(in.handler(t), deliver(event, []byte(want.body))), event)
		assert.Empty(t, in.got, event)
		assert.Equal(t, 1, in.lines(), in.log.String())
		assert.Equal(t, []string{event + " no_work"}, in.ends)
	}
}

func TestRotation(t *testing.T) {
	body := payloadFile(t, "pull_request.opened")
	r := func(secret string) *http.Request {
		r := deliver("pull_request", body)
		r.Header.Set("X-Hub-Signature-256", "sha256="+sign(sha256.New, secret, body))
		return r
	}
	in := &inbox{}
	h := in.handler(t, "the new one", " ")
	assert.Equal(t, http.StatusAccepted, serve(h, r(secret)))
	assert.Equal(t, http.StatusAccepted, serve(h, r("the new one")))
	assert.Equal(t, http.StatusUnauthorized, serve(h, r(" ")))
	assert.Equal(t, http.StatusUnauthorized, serve(h, r("")))
	assert.Len(t, in.got, 2)
}

func TestNoSecretNoHandler(t *testing.T) {
	in := &inbox{}
	for _, o := range []Options{{}, {Secret: " "}, {Secrets: []string{""}}} {
		o.Accept = in.Accept
		_, err := Handler(o)
		assert.Error(t, err)
	}
	_, err := Handler(Options{Secret: secret})
	assert.Error(t, err)
}
