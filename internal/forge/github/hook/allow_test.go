package hook

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
)

func TestOnlyAllowedAddressesDeliver(t *testing.T) {
	in := &inbox{}
	h := in.with(t, Options{Allowed: (&AllowList{Networks: networks("192.0.2.0/30", "2001:db8::/32")}).Allows})
	from := func(peer string) int {
		r := deliver("pull_request", payloadFile(t, "pull_request.opened"))
		r.RemoteAddr = peer
		return serve(h, r)
	}
	assert.Equal(t, http.StatusAccepted, from("192.0.2.3:1"))
	assert.Equal(t, http.StatusAccepted, from("[2001:db8::1]:1"))
	assert.Equal(t, http.StatusForbidden, from("192.0.2.4:1"))
	assert.Len(t, in.got, 2)
	assert.Equal(t, "pull_request foreign_address", in.ends[2])
	assert.Equal(t, 3, in.lines())
}

// hub is a GitHub that tells its addresses, or does not.
type hub struct {
	mu    sync.Mutex
	list  []netip.Prefix
	err   error
	asked []time.Duration // since the start
}

func (h *hub) ask(start time.Time) func(context.Context) ([]netip.Prefix, error) {
	return func(context.Context) ([]netip.Prefix, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.asked = append(h.asked, time.Since(start))
		return h.list, h.err
	}
}

func (h *hub) tells(list []netip.Prefix, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list, h.err = list, err
}

// times returns when it was asked.
func (h *hub) times() []time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.asked)
}

func TestGitHubsAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		ctx, stop := context.WithCancel(zerolog.New(&log).WithContext(t.Context()))
		gh := &hub{err: errors.New("no route")}
		l := &AllowList{Networks: networks("10.1.2.3/32"), GitHub: gh.ask(time.Now())}
		ours, theirs := netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("192.30.252.1")
		go l.Keep(ctx)
		synctest.Wait()

		// Nothing is known, so nothing but what the operator named is let in.
		_, err := l.Allows(theirs)
		assert.ErrorIs(t, err, errNoList)
		assert.Error(t, l.Known())
		ok, err := l.Allows(ours)
		assert.True(t, ok && err == nil)

		in := &inbox{}
		r := deliver("pull_request", payloadFile(t, "pull_request.opened"))
		r.RemoteAddr = "192.30.252.1:1"
		assert.Equal(t, http.StatusServiceUnavailable, serve(in.with(t, Options{Allowed: l.Allows}), r), "GitHub shows it as failed, and it can be sent again")
		assert.Empty(t, in.got)
		assert.Equal(t, []string{"pull_request no_list"}, in.ends)

		// It asks again, ever more seldom, until there is one.
		time.Sleep(time.Minute)
		assert.Equal(t, []time.Duration{0, 5 * time.Second, 15 * time.Second, 35 * time.Second}, gh.times())
		gh.tells(networks("192.30.252.0/22"), nil)
		time.Sleep(time.Minute)
		ok, err = l.Allows(theirs)
		assert.True(t, ok && err == nil)
		ok, err = l.Allows(netip.MustParseAddr("198.51.100.1"))
		assert.True(t, !ok && err == nil)

		// The last good list stands, whatever becomes of the next one.
		asked := len(gh.times())
		for _, err := range []error{errors.New("no route"), nil} {
			gh.tells(nil, err)
			time.Sleep(time.Hour)
			assert.Greater(t, len(gh.times()), asked)
			ok, err := l.Allows(theirs)
			assert.True(t, ok && err == nil)
		}

		// A new one is taken.
		gh.tells(networks("198.51.100.0/24"), nil)
		time.Sleep(time.Hour)
		ok, err = l.Allows(theirs)
		assert.True(t, !ok && err == nil)
		assert.Contains(t, log.String(), "GitHub names no addresses")
		assert.Equal(t, 2, strings.Count(log.String(), "deliveries are taken from"))
		stop()
		synctest.Wait()
	})
}

func TestNoListIsAskedForThatIsNotWanted(t *testing.T) {
	l := &AllowList{}
	l.Keep(t.Context())
	assert.NoError(t, l.Known())
	ok, err := l.Allows(netip.MustParseAddr("192.0.2.1"))
	assert.True(t, !ok && err == nil)
}
