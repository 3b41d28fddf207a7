package hook

import (
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stalled is a body that never ends: its sender holds what the gate gave it.
type stalled struct {
	reading *sync.WaitGroup
	once    *sync.Once
	end     chan struct{}
}

func (s stalled) Read([]byte) (int, error) {
	s.once.Do(s.reading.Done)
	<-s.end
	return 0, io.EOF
}

func TestManyLargeBodiesDoNotFillTheMemory(t *testing.T) {
	var in inbox
	h, err := Handler(Options{Secret: secret, Accept: in.Accept, Log: zerolog.Nop()})
	require.NoError(t, err)
	send := func(body io.Reader, length int64) int {
		r := httptest.NewRequest(http.MethodPost, "/", body)
		r.ContentLength = length
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Hub-Signature-256", "sha256="+sign(sha256.New, "guess", nil))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	const senders = maxBodies / maxBody
	var reading, done sync.WaitGroup
	end := make(chan struct{})
	reading.Add(senders)
	for range senders {
		done.Go(func() { send(stalled{&reading, new(sync.Once), end}, maxBody) })
	}
	reading.Wait()
	assert.Equal(t, http.StatusServiceUnavailable, send(unread{t}, maxBody), "what is full takes no more, and reads nothing of it")
	assert.Equal(t, http.StatusAccepted, serve(h, deliver("watch", []byte(`{}`))), "small ones still find room")
	close(end)
	done.Wait()
	assert.NotEqual(t, http.StatusServiceUnavailable, send(http.NoBody, maxBody), "room is given back")
}
