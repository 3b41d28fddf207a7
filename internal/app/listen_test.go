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
// header, nor in the body, nor between two requests, nor when it is answered.
func TestSlowClientsAreNotWaitedFor(t *testing.T) {
	for name, p := range map[string]patience{"public": publicPatience(), "admin": adminPatience()} {
		for _, d := range []time.Duration{p.header, p.request, p.answer, p.idle} {
			assert.True(t, d > 0 && d <= time.Minute, "%s: %+v", name, p)
		}
	}
	const short = 100 * time.Millisecond
	long := patience{time.Hour, time.Hour, time.Hour, time.Hour}
	for name, c := range map[string]struct {
		shorten func(p *patience) // only that
		send    string
		read    bool // its body was read without an error
		ends    bool // the connection is closed
	}{
		"nothing at all":              {func(p *patience) { p.header = short }, "", false, true},
		"half a header":               {func(p *patience) { p.header = short }, "POST / HTTP/1.1\r\nHost: a\r\nX-Slow: ", false, true},
		"half a body":                 {func(p *patience) { p.request = short }, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", false, true},
		"no second request":           {func(p *patience) { p.idle = short }, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, true},
		"an answer that nobody takes": {func(p *patience) { p.answer = short }, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read, written := make(chan error, 1), make(chan error, 1)
			p := long
			c.shorten(&p)
			s := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, err := io.ReadAll(r.Body)
				read <- err
				for err == nil && r.URL.Path == "/large" {
					if _, err = w.Write(make([]byte, 1<<20)); err != nil {
						written <- err
					}
				}
			}), p, nil, zerolog.Nop())
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			go func() { _ = serve(s, ln) }()
			t.Cleanup(func() { _ = s.Close() })
			conn, err := net.Dial("tcp", ln.Addr().String())
			require.NoError(t, err)
			t.Cleanup(func() { _ = conn.Close() })
			require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute))) // of a test that fails
			_, err = fmt.Fprint(conn, c.send)
			require.NoError(t, err)
			if c.ends {
				_, err := io.Copy(io.Discard, conn) // for as long as the server waits
				require.NoError(t, err)
			} else {
				select {
				case err := <-written:
					require.Error(t, err)
				case <-time.After(time.Minute):
					t.Fatal("it waits for ever")
				}
			}
			select {
			case err := <-read:
				assert.Equal(t, c.read, err == nil, "%v", err)
			default:
				assert.False(t, c.read, "it was not read")
			}
		})
	}
}

func TestHeadersAreBounded(t *testing.T) {
	s := newServer(http.NotFoundHandler(), publicPatience(), nil, zerolog.Nop())
	assert.LessOrEqual(t, s.MaxHeaderBytes, 64<<10)
}
