package hook

import (
	"crypto/sha256"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stalled is a body of which some bytes come and then nothing: its sender
// holds what the gate gave it.
type stalled struct {
	rest    int
	arrived *sync.WaitGroup
	end     chan struct{}
	once    sync.Once
}

func (s *stalled) here() { s.once.Do(s.arrived.Done) }

func (s *stalled) Read(p []byte) (int, error) {
	if s.rest == 0 {
		s.here()
		<-s.end
		return 0, io.EOF
	}
	n := min(len(p), s.rest)
	clear(p[:n])
	s.rest -= n
	return n, nil
}

// crowd sends bodies that stall, from as many addresses as it is told.
type crowd struct {
	h             http.Handler
	arrived, done sync.WaitGroup
	end           chan struct{}
}

// huge is a request with a body that promises to be as large as may be.
func huge(address int, body io.Reader) *http.Request {
	r := deliver("push", nil)
	r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1", address)
	r.ContentLength, r.Body = maxBody, io.NopCloser(body)
	r.Header.Set("X-Hub-Signature-256", "sha256="+sign(sha256.New, "guess", nil))
	return r
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	var in inbox
	h, err := Handler(Options{Secret: secret, Accept: in.Accept, Log: zerolog.Nop()})
	require.NoError(t, err)
	return &crowd{h: h, end: make(chan struct{})}
}

// send has a body from each address arrive up to sent bytes, and waits for that.
func (c *crowd) send(addresses, sent int) {
	c.arrived.Add(addresses)
	for i := range addresses {
		body := &stalled{rest: sent, arrived: &c.arrived, end: c.end}
		c.done.Go(func() { serve(c.h, huge(i, body)); body.here() })
	}
	c.arrived.Wait()
}

func (c *crowd) stop() {
	close(c.end)
	c.done.Wait()
}

func TestManyLargeBodiesDoNotFillTheMemory(t *testing.T) {
	c := newCrowd(t)
	c.send(maxBodies/4*3/maxBody, maxBody-1)
	assert.Equal(t, http.StatusServiceUnavailable, serve(c.h, huge(200, io.LimitReader(zeros{}, maxBody))), "what is full takes no more")
	assert.Equal(t, http.StatusOK, serve(c.h, deliver("ping", []byte(`{}`))), "small ones still find room")
	held := &c.h.(*gate).room.all
	assert.LessOrEqual(t, held.all, maxBodies/4*3, "in the quarter that is theirs")
	c.stop()
	assert.NotEqual(t, http.StatusServiceUnavailable, serve(c.h, huge(200, http.NoBody)), "room is given back")
	room := &c.h.(*gate).room
	assert.Zero(t, room.all)
	assert.Empty(t, room.from)
}

// Who promises much and sends little keeps nobody else out.
func TestSlowSendersHoldLittle(t *testing.T) {
	c := newCrowd(t)
	c.send(100, 1000)
	assert.Less(t, c.h.(*gate).room.all.all, 100*firstTaken*2)
	assert.Equal(t, http.StatusUnauthorized, serve(c.h, huge(200, io.LimitReader(zeros{}, maxBody))), "there is room to read it")
	c.stop()
}

// One address does not get all of the memory.
func TestOneSenderHoldsItsShare(t *testing.T) {
	c := newCrowd(t)
	c.send(1, maxBody-1)
	assert.Equal(t, http.StatusServiceUnavailable, serve(c.h, huge(0, io.LimitReader(zeros{}, maxBody))))
	assert.Equal(t, http.StatusUnauthorized, serve(c.h, huge(1, io.LimitReader(zeros{}, maxBody))))
	c.stop()
}

func TestEverySecretIsCompared(t *testing.T) {
	g := &gate{doors: []door{{[]byte("a"), http.NotFoundHandler()}, {[]byte("b"), nil}}}
	body := []byte("{}")
	mac := func(secret string) []byte {
		r := deliver("push", body)
		r.Header.Set("X-Hub-Signature-256", "sha256="+sign(sha256.New, secret, body))
		return signature(r)
	}
	assert.NotNil(t, g.open(body, mac("a")))
	assert.Nil(t, g.open(body, mac("c")))
	assert.Nil(t, g.open(body, nil), "none is not the same as an empty one")
}

// No test can tell that a comparison takes the same time for every signature,
// so this one looks at what compares them.
func TestSignaturesAreComparedInConstantTime(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "gate.go", nil, 0)
	require.NoError(t, err)
	var calls []string
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != "open" {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				calls = append(calls, types.ExprString(c.Fun))
			}
			return true
		})
	}
	assert.Equal(t, []string{"hmac.New", "mac.Write", "hmac.Equal", "mac.Sum"}, calls)
}
