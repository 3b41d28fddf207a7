package hook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
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
	h, err := Handler(Options{Secret: secret, Secrets: more, AppID: 2, Accept: in.Accept,
		Now: func() time.Time { return received }, Log: zerolog.New(&in.log)})
	require.NoError(t, err)
	return h
}

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
	assert.Equal(t, 1, strings.Count(in.log.String(), "\n"), in.log.String())
}

// Nothing is acknowledged that was not accepted.
func TestNotAccepted(t *testing.T) {
	in := &inbox{err: errors.New("disk full")}
	h := in.handler(t)
	assert.Equal(t, http.StatusServiceUnavailable, serve(h, deliver("pull_request", payloadFile(t, "pull_request.opened"))))
	assert.Contains(t, in.log.String(), "disk full")

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
		"star":         {`{"action":"created"}`, http.StatusAccepted},
		"pull_request": {`{"action":"labeled"}`, http.StatusAccepted},
		"ping":         {`{"zen":"Keep it logically awesome.","hook_id":1}`, http.StatusOK},
	} {
		in := &inbox{}
		assert.Equal(t, want.code, serve(in.handler(t), deliver(event, []byte(want.body))), event)
		assert.Empty(t, in.got, event)
		assert.Equal(t, 1, strings.Count(in.log.String(), "\n"), in.log.String())
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

func TestRefused(t *testing.T) {
	body := payloadFile(t, "pull_request.opened")
	endless := func() io.Reader { return io.LimitReader(zeros{}, maxBody+1) }
	for _, c := range []struct {
		name string
		r    func() *http.Request
		want int
	}{
		{"GET", func() *http.Request { r := deliver("push", body); r.Method = http.MethodGet; return r }, 405},
		{"no signature", func() *http.Request { r := deliver("push", body); r.Header.Del("X-Hub-Signature-256"); return r }, 401},
		{"SHA-1 only", func() *http.Request {
			r := deliver("push", body)
			r.Header.Del("X-Hub-Signature-256")
			r.Header.Set("X-Hub-Signature", "sha1="+sign(sha1.New, secret, body))
			return r
		}, 401},
		{"SHA-1 in its place", func() *http.Request {
			r := deliver("push", body)
			r.Header.Set("X-Hub-Signature-256", "sha1="+sign(sha1.New, secret, body))
			return r
		}, 401},
		{"other secret", func() *http.Request {
			r := deliver("push", body)
			r.Header.Set("X-Hub-Signature-256", "sha256="+sign(sha256.New, "guess", body))
			return r
		}, 401},
		{"empty signature", func() *http.Request {
			r := deliver("push", body)
			r.Header.Set("X-Hub-Signature-256", "sha256=")
			return r
		}, 401},
		{"changed body", func() *http.Request {
			r := deliver("push", body)
			r.Body = io.NopCloser(bytes.NewReader(append(body[:len(body)-1:len(body)-1], ' ', '}')))
			return r
		}, 401},
		{"too large by its length", func() *http.Request {
			r := deliver("push", body)
			r.ContentLength, r.Body = maxBody+1, io.NopCloser(unread{t})
			return r
		}, 413},
		{"too large without a length", func() *http.Request {
			r := deliver("push", body)
			r.ContentLength, r.Body = -1, io.NopCloser(endless())
			return r
		}, 413},
		{"too large for its length", func() *http.Request {
			r := deliver("push", body)
			r.Body = io.NopCloser(endless())
			return r
		}, 413},
		{"empty body", func() *http.Request { return deliver("push", nil) }, 400},
		{"no JSON", func() *http.Request { return deliver("push", body[:len(body)/2]) }, 400},
		{"JSON of no event", func() *http.Request { return deliver("push", []byte(`"hello"`)) }, 400},
		{"no subject", func() *http.Request { return deliver("pull_request", []byte(`{"action":"opened"}`)) }, 400},
		{"form", func() *http.Request {
			b := []byte("payload=%7B%7D")
			r := deliver("push", b)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return r
		}, 415},
		{"another App", func() *http.Request {
			r := deliver("push", body)
			r.Header.Set("X-GitHub-Hook-Installation-Target-ID", "3")
			return r
		}, 403},
		{"no event", func() *http.Request { r := deliver("push", body); r.Header.Del("X-GitHub-Event"); return r }, 400},
		{"no delivery", func() *http.Request { r := deliver("push", body); r.Header.Del("X-GitHub-Delivery"); return r }, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := &inbox{}
			assert.Equal(t, c.want, serve(in.handler(t), c.r()))
			assert.Empty(t, in.got)
			assert.NotContains(t, in.log.String(), secret)
		})
	}
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

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// unread fails the test when it is read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) { u.t.Error("the body was read"); return 0, io.EOF }
