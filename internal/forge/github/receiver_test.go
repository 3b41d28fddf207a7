package github

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// A receiver takes deliveries and keeps their GUIDs.
type receiver struct {
	url string

	mu    sync.Mutex
	guids []string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.guids = append(r.guids, req.Header.Get("X-GitHub-Delivery"))
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(s.Close)
	r.url = s.URL
	return r
}

func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.guids...)
}
