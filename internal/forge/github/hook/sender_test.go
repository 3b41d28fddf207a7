package hook

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func networks(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func TestSender(t *testing.T) {
	proxies := Proxies{Header: "X-Forwarded-For", Networks: networks("10.0.0.0/8", "fd00::/8")}
	for _, c := range []struct {
		name, peer string
		proxies    Proxies
		said       []string
		want       string
	}{
		{"no proxy", "192.0.2.7:1", Proxies{}, nil, "192.0.2.7"},
		{"IPv6", "[2001:db8::7%eth0]:1", Proxies{}, nil, "2001:db8::7"},
		{"IPv4 in IPv6", "[::ffff:192.0.2.7]:1", Proxies{}, nil, "192.0.2.7"},
		{"a header that nobody asked for", "10.0.0.1:1", Proxies{}, []string{"198.51.100.1"}, "10.0.0.1"},
		{"a header of a stranger", "192.0.2.7:1", proxies, []string{"198.51.100.1"}, "192.0.2.7"},
		{"behind a proxy", "10.0.0.1:1", proxies, []string{"198.51.100.1"}, "198.51.100.1"},
		{"with a port", "10.0.0.1:1", proxies, []string{"198.51.100.1:443"}, "198.51.100.1"},
		{"IPv6 behind a proxy", "[fd00::1]:1", proxies, []string{"[2001:db8::7]:443"}, "2001:db8::7"},
		{"forged before the proxy's word", "10.0.0.1:1", proxies, []string{"203.0.113.9, 198.51.100.1"}, "198.51.100.1"},
		{"forged in a header of its own", "10.0.0.1:1", proxies, []string{"203.0.113.9", "198.51.100.1"}, "198.51.100.1"},
		{"behind two proxies", "10.0.0.1:1", proxies, []string{"203.0.113.9, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"from a proxy itself", "10.0.0.1:1", proxies, []string{"10.0.0.3"}, "10.0.0.3"},
		{"no word", "10.0.0.1:1", proxies, nil, "10.0.0.1"},
		{"no address", "10.0.0.1:1", proxies, []string{"198.51.100.1, unknown"}, "10.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.said}}
			assert.Equal(t, c.want, c.proxies.sender(r).String())
		})
	}
}

// limitedWorld is a handler with a limit of 3, and a clock.
func limitedWorld(t *testing.T, o Options) (*inbox, func(from string, r *http.Request) int, *time.Time) {
	in, now := &inbox{}, received
	o.BadPerMinute, o.Now = 3, func() time.Time { return now }
	h := in.with(t, o)
	return in, func(from string, r *http.Request) int {
		r.RemoteAddr = from
		return serve(h, r)
	}, &now
}

func unsigned() *http.Request {
	r := deliver("push", []byte("{}"))
	r.Header.Del("X-Hub-Signature-256")
	return r
}

func forged() *http.Request {
	r := deliver("push", []byte("{}"))
	r.Header.Set("X-Hub-Signature-256", "sha256="+fmt.Sprintf("%064x", 7))
	return r
}

func TestInvalidRequestsAreLimitedByAddress(t *testing.T) {
	for name, bad := range map[string]func() *http.Request{"by headers": unsigned, "by the body": forged} {
		t.Run(name, func(t *testing.T) {
			in, send, now := limitedWorld(t, Options{})
			for range 3 {
				assert.Equal(t, http.StatusUnauthorized, send("192.0.2.7:1", bad()))
			}
			for range 5 {
				assert.Equal(t, http.StatusTooManyRequests, send("192.0.2.7:2", bad()), "another port is not another sender")
			}
			assert.Equal(t, 4, in.lines(), "the limit is told once:\n%s", in.log.String())
			assert.Equal(t, []string{"push limited"}, in.ends[7:])

			// Nobody else is limited.
			assert.Equal(t, http.StatusUnauthorized, send("192.0.2.8:1", bad()))
			assert.Equal(t, http.StatusAccepted, send("192.0.2.9:1", deliver("pull_request", payloadFile(t, "pull_request.opened"))))

			// It ends by itself, as it was used up, and begins again.
			*now = now.Add(20 * time.Second)
			assert.Equal(t, http.StatusUnauthorized, send("192.0.2.7:1", bad()))
			assert.Equal(t, http.StatusTooManyRequests, send("192.0.2.7:1", bad()))
			*now = now.Add(time.Hour)
			for range 3 {
				assert.Equal(t, http.StatusUnauthorized, send("192.0.2.7:1", bad()))
			}
			assert.Equal(t, http.StatusTooManyRequests, send("192.0.2.7:1", bad()))
		})
	}
}

// A limited address is not read any more.
func TestALimitedBodyIsNotRead(t *testing.T) {
	_, send, _ := limitedWorld(t, Options{})
	for range 3 {
		send("192.0.2.7:1", forged())
	}
	for _, length := range []int64{-1, ordinary + 1, maxBody} {
		r := forged()
		r.ContentLength, r.Body = length, io.NopCloser(unread{t})
		assert.Equal(t, http.StatusTooManyRequests, send("192.0.2.7:1", r))
	}
}

// Strangers that share an address with GitHub, behind a proxy that nobody told
// us of, do not keep its deliveries out.
func TestAGenuineDeliveryComesThroughFromALimitedAddress(t *testing.T) {
	in, send, _ := limitedWorld(t, Options{})
	for range 9 {
		send("192.0.2.7:1", forged())
	}
	said := in.lines()
	assert.Equal(t, http.StatusAccepted, send("192.0.2.7:1", deliver("pull_request", payloadFile(t, "pull_request.opened"))))
	assert.Equal(t, said+1, in.lines())
	assert.Equal(t, http.StatusTooManyRequests, send("192.0.2.7:1", forged()))
}

// Who has GitHub deliver hooks of his own to us, from the addresses that ours
// come from, does not keep ours out.
func TestHooksOfOthersDoNotLimitOurs(t *testing.T) {
	in, send, _ := limitedWorld(t, Options{})
	for range 10 {
		r := forged()
		r.Header.Set("X-GitHub-Hook-Installation-Target-ID", "3")
		send("192.0.2.7:1", r)
	}
	assert.Equal(t, "push limited", in.ends[9])
	assert.Equal(t, http.StatusAccepted, send("192.0.2.7:1", deliver("pull_request", payloadFile(t, "pull_request.opened"))))
	assert.Equal(t, http.StatusTooManyRequests, send("192.0.2.7:1", unsigned()), "who is still limited where it does no harm")
}

// Genuine deliveries are never counted, however many there are or however they end.
func TestGenuineDeliveriesAreNotLimited(t *testing.T) {
	_, send, _ := limitedWorld(t, Options{})
	for range 10 {
		assert.Equal(t, http.StatusAccepted, send("192.0.2.7:1", deliver("pull_request", payloadFile(t, "pull_request.opened"))))
		assert.Equal(t, http.StatusBadRequest, send("192.0.2.7:1", deliver("pull_request", []byte("{"))))
	}
}

func TestAnIPv6CustomerIsOneSender(t *testing.T) {
	_, send, _ := limitedWorld(t, Options{})
	for i := range 3 {
		assert.Equal(t, http.StatusUnauthorized, send(fmt.Sprintf("[2001:db8:1:2::%x]:1", i), unsigned()))
	}
	assert.Equal(t, http.StatusTooManyRequests, send("[2001:db8:1:2:ffff::]:1", unsigned()))
	assert.Equal(t, http.StatusUnauthorized, send("[2001:db8:1:3::]:1", unsigned()))
}

func TestBehindAProxyEachSenderHasItsOwnLimit(t *testing.T) {
	_, send, _ := limitedWorld(t, Options{Proxies: Proxies{Header: "X-Real-Ip", Networks: networks("10.0.0.1/32")}})
	from := func(client string) *http.Request {
		r := unsigned()
		r.Header.Set("X-Real-Ip", client)
		return r
	}
	for range 3 {
		assert.Equal(t, http.StatusUnauthorized, send("10.0.0.1:1", from("192.0.2.7")))
	}
	assert.Equal(t, http.StatusTooManyRequests, send("10.0.0.1:1", from("192.0.2.7")))
	assert.Equal(t, http.StatusUnauthorized, send("10.0.0.1:1", from("192.0.2.8")))
}

func TestSendersThatAreRememberedAreBounded(t *testing.T) {
	s := newStrikes(1, time.Now)
	for i := range 3 * maxSenders {
		a := netip.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 1})
		wait, _ := s.strike(a, byBody)
		assert.Zero(t, wait)
		s.wait(netip.AddrFrom4([4]byte{99, byte(i >> 8), byte(i), 1}), byBody) // looking remembers nobody
	}
	assert.Equal(t, maxSenders, s.of.Len())
}
