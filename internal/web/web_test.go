package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/pullwarden/pullwarden/internal/web"
)

func TestPages(t *testing.T) {
	var down error
	h := web.Handler(func(context.Context) (web.State, error) {
		return web.State{Waiting: 3, Oldest: 7 * time.Second, Failed: 1}, down
	})
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	code, body := get("/readyz")
	assert.Equal(t, http.StatusOK, code)
	assert.Contains(t, body, "3 waiting, the first for 7s")
	_, body = get("/metrics")
	assert.Contains(t, body, "pullwarden_queue_depth 3")
	assert.Contains(t, body, "pullwarden_queue_oldest_seconds 7")
	assert.Contains(t, body, "pullwarden_queue_failed 1")

	down = errors.New("no such file: /secret/place")
	code, body = get("/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, code)
	assert.NotContains(t, body, "/secret/place")
	code, _ = get("/healthz")
	assert.Equal(t, http.StatusOK, code, "a restart would not mend the database")
}
