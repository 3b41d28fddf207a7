package hook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// A lobby is a handler behind a real listener, all of whose senders are behind one proxy.
type lobby struct {
	t        *testing.T
	gate     *gate
	url      string
	accepted atomic.Int64
	slow     []net.Conn
}

func newLobby(t *testing.T, firstWithin time.Duration) *lobby {
	t.Helper()
	l := &lobby{t: t}
	h, err := Handler(Options{Secret: secret, AppID: 2, Log: zerolog.Nop(), Accept: func(context.Context, forge.Event, string) error {
		l.accepted.Add(1)
		return nil
	}})
	require.NoError(t, err)
	l.gate = h.(*gate)
	l.gate.firstWithin = firstWithin
	srv := httptest.NewServer(h)
	l.url = srv.URL
	t.Cleanup(srv.Close)
	t.Cleanup(l.leave)
	return l
}

func (l *lobby) leave() {
	for _, c := range l.slow {
		_ = c.Close()
	}
	l.slow = nil
}

// come opens connections that promise a body of length, send some of it and then nothing.
func (l *lobby) come(connections, length, sent int) {
	l.t.Helper()
	address := strings.TrimPrefix(l.url, "http://")
	head := fmt.Sprintf("POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"+
		"X-GitHub-Event: push\r\nX-GitHub-Delivery: slow\r\nX-Hub-Signature-256: sha256=%s\r\n\r\n", address, length, sign(sha256.New, "guess", nil))
	for range connections {
		c, err := net.Dial("tcp", address)
		require.NoError(l.t, err)
		l.slow = append(l.slow, c)
		_, err = c.Write([]byte(head + strings.Repeat(" ", sent)))
		require.NoError(l.t, err)
	}
}

// hold waits until so many bytes have come.
func (l *lobby) hold(n int) {
	l.t.Helper()
	require.Eventually(l.t, func() bool { return l.held() >= n }, time.Minute, 10*time.Millisecond)
}

func (l *lobby) held() int {
	l.gate.room.mu.Lock()
	defer l.gate.room.mu.Unlock()
	return l.gate.room.all.all
}

// post makes a genuine delivery of that size and returns how it is answered.
func (l *lobby) post(size int) int {
	l.t.Helper()
	body := payloadFile(l.t, "pull_request.opened")
	body = append(body, bytes.Repeat([]byte(" "), max(0, size-len(body)))...)
	r := deliver("pull_request", body)
	r.RequestURI, r.URL.Scheme, r.URL.Host = "", "http", strings.TrimPrefix(l.url, "http://")
	res, err := http.DefaultClient.Do(r)
	require.NoError(l.t, err)
	require.NoError(l.t, res.Body.Close())
	return res.StatusCode
}

// Slow connections from the address of a proxy keep no ordinary delivery out.
func TestSlowConnectionsOfAProxy(t *testing.T) {
	for name, test := range map[string]struct{ connections, length, sent int }{
		"that promise much":               {1500, maxBody, 1},
		"that promise little":             {1500, ordinary, 1},
		"that sent some":                  {1500, ordinary, 20 << 10},
		"that promise much and sent more": {1500, maxBody, firstBytes + 1},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLobby(t, time.Minute)
			l.come(test.connections, test.length, test.sent)
			l.hold(min(test.connections*test.sent, maxShare/2))
			for i := range 10 {
				require.Equal(t, http.StatusAccepted, l.post(ordinary), "delivery %d", i)
			}
			assert.EqualValues(t, 10, l.accepted.Load())
			if test.sent > firstBytes {
				assert.Equal(t, http.StatusServiceUnavailable, l.post(4<<20), "a large one finds no room")
			}
			l.leave()
			assert.Eventually(t, func() bool { return l.held() == 0 }, time.Minute, 10*time.Millisecond, "room is given back")
		})
	}
}

// The first bytes of a body are not waited for as long as all of it.
func TestFirstBytesComeSoon(t *testing.T) {
	assert.Equal(t, 10*time.Second, firstWithin)
	l := newLobby(t, 2*time.Second)
	l.come(20, maxBody, firstBytes-1)
	for _, c := range l.slow {
		require.NoError(t, c.SetReadDeadline(time.Now().Add(wholeWithin/2)))
		answer := make([]byte, 40)
		n, err := c.Read(answer)
		require.NoError(t, err)
		assert.Contains(t, string(answer[:n]), "408")
	}
	assert.Eventually(t, func() bool { return l.held() == 0 }, time.Minute, 10*time.Millisecond)

	l.come(1, maxBody, firstBytes)
	l.hold(firstBytes)
	time.Sleep(l.gate.firstWithin + time.Second/2)
	assert.NotZero(t, l.held(), "who has sent them has more time")
}
