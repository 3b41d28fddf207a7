package app

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Who begins to send and does not end is not waited for: neither in the
// header, nor in the body, nor between two requests.
func TestSlowClientsAreNotWaitedFor(t *testing.T) {
	for name, p := range map[string]patience{"public": publicPatience(), "admin": adminPatience()} {
		for _, d := range []time.Duration{p.header, p.request, p.answer, p.idle} {
			assert.True(t, d > 0 && d <= time.Minute, "%s: %+v", name, p)
		}
	}
	handled := make(chan error, 9)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		handled <- err
		if r.URL.Path == "/large" {
			for err == nil {
				_, err = w.Write(make([]byte, 1<<20))
			}
			handled <- err
		}
	})
	const short = 50 * time.Millisecond
	s := newServer(h, patience{short, 2 * short, 4 * short, short}, nil, zerolog.Nop())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = serve(s, ln) }()
	t.Cleanup(func() { _ = s.Close() })
	send := func(text string) net.Conn {
		c, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		_, err = fmt.Fprint(c, text)
		require.NoError(t, err)
		return c
	}
	ends := func(c net.Conn) {
		_, err := io.Copy(io.Discard, c) // blocks for as long as the server waits
		assert.NoError(t, err)
	}
	ends(send(""))
	ends(send("POST / HTTP/1.1\r\nHost: a\r\nX-Slow: "))
	ends(send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"))
	assert.Error(t, <-handled)
	ends(send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
	assert.NoError(t, <-handled)
	send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n") // and does not read
	assert.NoError(t, <-handled)
	assert.Error(t, <-handled)
}

func TestHeadersAreBounded(t *testing.T) {
	s := newServer(http.NotFoundHandler(), publicPatience(), nil, zerolog.Nop())
	assert.LessOrEqual(t, s.MaxHeaderBytes, 64<<10)
}
