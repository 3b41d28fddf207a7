package hook

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRefused: what is no delivery for us gets the right 4xx and one line in
// the log, and makes no work.
func TestRefused(t *testing.T) {
	body := payloadFile(t, "pull_request.opened")
	// with is a genuine delivery but for what change does to it.
	with := func(change func(r *http.Request)) func() *http.Request {
		return func() *http.Request {
			r := deliver("pull_request", body)
			change(r)
			return r
		}
	}
	signed := func(event, body string) func() *http.Request {
		return func() *http.Request { return deliver(event, []byte(body)) }
	}
	header := func(name, value string) func() *http.Request {
		return with(func(r *http.Request) { r.Header.Set(name, value) })
	}
	good := sign(sha256.New, secret, body)
	token := "ghs_" + strings.Repeat("8kQ2", 9)
	for _, c := range []struct {
		name   string
		r      func() *http.Request
		want   int
		result string
	}{
		{"GET", with(func(r *http.Request) { r.Method = http.MethodGet }), 405, NotPosted},

		{"missing signature", with(func(r *http.Request) { r.Header.Del("X-Hub-Signature-256") }), 401, NoSignature},
		{"empty signature", header("X-Hub-Signature-256", "sha256="), 401, NoSignature},
		{"truncated signature", header("X-Hub-Signature-256", "sha256="+good[:62]), 401, NoSignature},
		{"half a digit less", header("X-Hub-Signature-256", "sha256="+good[:63]), 401, NoSignature},
		{"signature with something behind it", header("X-Hub-Signature-256", "sha256="+good+"00"), 401, NoSignature},
		{"signature of no kind", header("X-Hub-Signature-256", good), 401, NoSignature},
		{"SHA-1 only", with(func(r *http.Request) {
			r.Header.Del("X-Hub-Signature-256")
			r.Header.Set("X-Hub-Signature", "sha1="+sign(sha1.New, secret, body))
		}), 401, NoSignature},
		{"SHA-1 in its place", header("X-Hub-Signature-256", "sha1="+sign(sha1.New, secret, body)), 401, NoSignature},
		{"wrong secret", header("X-Hub-Signature-256", "sha256="+sign(sha256.New, "guess", body)), 401, BadSignature},
		{"wrong in the last digit", header("X-Hub-Signature-256", "sha256="+good[:63]+string("01"[1-strings.Count(good[63:], "1")])), 401, BadSignature},
		{"changed body", with(func(r *http.Request) {
			r.Body = io.NopCloser(bytes.NewReader(append(body[:len(body)-1:len(body)-1], ' ', '}')))
		}), 401, BadSignature},
		// Nothing here takes a token, whether it is still good or not.
		{"a stolen token in place of a signature", with(func(r *http.Request) {
			r.Header.Del("X-Hub-Signature-256")
			r.Header.Set("Authorization", "Bearer "+token)
		}), 401, NoSignature},
		{"a stolen token as the secret", header("X-Hub-Signature-256", "sha256="+sign(sha256.New, token, body)), 401, BadSignature},

		{"26 MB by its length", with(func(r *http.Request) {
			r.ContentLength, r.Body = 26<<20, io.NopCloser(unread{t})
		}), 413, TooLarge},
		{"26 MB without a length", with(func(r *http.Request) {
			r.ContentLength, r.Body = -1, io.NopCloser(io.LimitReader(zeros{}, 26<<20))
		}), 413, TooLarge},
		{"26 MB for its length", with(func(r *http.Request) { r.Body = io.NopCloser(io.LimitReader(zeros{}, 26<<20)) }), 413, TooLarge},
		{"cut off", with(func(r *http.Request) { r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:99]), broken{})) }), 400, Malformed},
		{"empty body", signed("pull_request", ""), 400, Malformed},
		{"malformed body", signed("pull_request", string(body[:len(body)/2])), 400, Malformed},
		{"JSON of no event", signed("pull_request", `"hello"`), 400, Malformed},
		{"no subject", signed("pull_request", `{"action":"opened"}`), 400, Malformed},
		{"form-encoded body", with(func(r *http.Request) {
			*r = *deliver("pull_request", []byte("payload=%7B%7D"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}), 415, NotJSON},
		{"form-encoded in spite of its type", signed("pull_request", "payload=%7B%7D"), 400, Malformed},
		{"no content type", with(func(r *http.Request) { r.Header.Del("Content-Type") }), 415, NotJSON},

		{"unknown event", signed("star", `{"action":"created"}`), 422, Unasked},
		{"event that is a page long", signed(strings.Repeat("push", 9999), "{}"), 422, Unasked},
		{"no event", with(func(r *http.Request) { r.Header.Del("X-GitHub-Event") }), 400, Malformed},
		{"no delivery id", with(func(r *http.Request) { r.Header.Del("X-GitHub-Delivery") }), 400, Malformed},
		{"delivery id that is a page long", header("X-GitHub-Delivery", strings.Repeat("7", 999)), 400, Malformed},
		{"another App", header("X-GitHub-Hook-Installation-Target-ID", "3"), 403, OtherApp},
		{"a repository's hook", header("X-GitHub-Hook-Installation-Target-Type", "repository"), 403, OtherApp},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := &inbox{}
			h, r := in.handler(t), c.r()
			label := "other"
			if r.Header.Get("X-GitHub-Event") == "pull_request" {
				label = "pull_request"
			}
			assert.Equal(t, c.want, serve(h, r))
			assert.Empty(t, in.got)
			assert.Equal(t, 1, in.lines(), in.log.String())
			assert.Less(t, in.log.Len(), 500)
			assert.Equal(t, []string{label + " " + c.result}, in.ends)
			for _, hidden := range []string{secret, token, good} {
				assert.NotContains(t, in.log.String(), hidden)
			}
		})
	}
}

func TestAccountThatUninstalled(t *testing.T) {
	in := &inbox{}
	var broken error
	h := in.with(t, Options{Left: func(_ context.Context, installation int64) (bool, error) { return installation == 1, broken }})
	body := payloadFile(t, "pull_request.opened") // of installation 1
	assert.Equal(t, http.StatusForbidden, serve(h, deliver("pull_request", body)))
	assert.Empty(t, in.got)
	assert.Equal(t, 1, in.lines(), in.log.String())
	assert.Equal(t, []string{"pull_request uninstalled"}, in.ends)

	// How it comes back, or leaves, is told all the same.
	for _, action := range []string{"unsuspend", "deleted"} {
		assert.Equal(t, http.StatusAccepted, serve(h, deliver("installation", payloadFile(t, "installation.created", "action", action, "installation.id", 1))))
	}
	assert.Len(t, in.got, 2)

	broken = errors.New("disk full")
	assert.Equal(t, http.StatusServiceUnavailable, serve(h, deliver("pull_request", body)), "nobody knows: to be sent again")
	assert.Len(t, in.got, 2)
}

// What a large body costs does not depend on how large it is.
func TestMemoryOfALargeBody(t *testing.T) {
	in := &inbox{}
	h := in.handler(t)
	cost := func(size, length int64) uint64 {
		r := deliver("pull_request", []byte("{}"))
		r.Body, r.ContentLength = io.NopCloser(io.LimitReader(zeros{}, size)), length
		w := httptest.NewRecorder()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		h.ServeHTTP(w, r)
		runtime.ReadMemStats(&after)
		require.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
		return after.TotalAlloc - before.TotalAlloc
	}
	const slack = 64 << 10
	assert.Less(t, cost(26<<20, 26<<20), uint64(slack), "refused by its length, nothing is read")
	small, large := cost(26<<20, -1), cost(1<<30, -1)
	assert.Less(t, small, uint64(5*maxBody/2), "of what grows by doubling, up to the limit")
	assert.InDelta(t, small, large, slack)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// unread fails the test when it is read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) { u.t.Error("the body was read"); return 0, io.EOF }
