package ecosystem_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

// place is a server that redirects /N/REST to its next /N-1/REST, and answers /0.
type place struct {
	*httptest.Server
	next  *place
	asked []*http.Request
}

func newPlace(t *testing.T, next *place, start func(http.Handler) *httptest.Server) *place {
	p := &place{next: next}
	p.Server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked = append(p.asked, r)
		left, err := strconv.Atoi(r.URL.Path[1:])
		assert.NoError(t, err)
		if left == 0 {
			fmt.Fprint(w, "here")
			return
		}
		to := p
		if p.next != nil {
			to = p.next
		}
		http.Redirect(w, r, to.URL+"/"+strconv.Itoa(left-1), http.StatusFound)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *place) host() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.URL, "http://"), "https://")
}

// get asks with credentials, on which an error of ours must be silent.
func get(t *testing.T, c *http.Client, p *place, redirects int) error {
	t.Helper()
	u, err := url.Parse(p.URL + "/" + strconv.Itoa(redirects) + "?token=zq7")
	require.NoError(t, err)
	u.User = url.UserPassword("dev", "zq7")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
	require.NoError(t, err)
	req.Header.Set("Cookie", "session=zq7")
	resp, err := c.Do(req)
	if err != nil {
		var inner *url.Error
		require.ErrorAs(t, err, &inner)
		assert.NotContains(t, inner.Err.Error(), "zq7")
		return inner.Err
	}
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	return resp.Body.Close()
}

func TestRedirectWithinTheHostIsFollowed(t *testing.T) {
	p := newPlace(t, nil, httptest.NewServer)
	assert.NoError(t, get(t, ecosystem.Client(nil, nil), p, 10))
	assert.Len(t, p.asked, 11)
}

func TestRedirectsThatDoNotEndAreRefused(t *testing.T) {
	p := newPlace(t, nil, httptest.NewServer)
	assert.ErrorContains(t, get(t, ecosystem.Client(nil, nil), p, 11), "more than 10 redirects")
	assert.Len(t, p.asked, 11)
}

func TestRedirectToAnotherHostIsRefused(t *testing.T) {
	other := newPlace(t, nil, httptest.NewServer)
	p := newPlace(t, other, httptest.NewServer)
	for _, listed := range [][]string{nil, {"127.0.0.1"}, {p.host()}, {"*"}, {""}} {
		err := get(t, ecosystem.Client(&http.Client{}, listed), p, 1)
		assert.EqualError(t, err, p.host()+" redirects to "+other.host()+", which is not asked: if it may be, add it to registries.redirects")
	}
	assert.Empty(t, other.asked)
}

func TestRedirectToAListedHostIsFollowedWithoutCredentials(t *testing.T) {
	within := newPlace(t, nil, httptest.NewServer)
	require.NoError(t, get(t, ecosystem.Client(nil, []string{within.host()}), newPlace(t, within, httptest.NewServer), 3))
	require.Len(t, within.asked, 3)
	for _, r := range within.asked {
		assert.Empty(t, r.Header.Get("Cookie"), "however it was led on there")
	}

	third := newPlace(t, nil, httptest.NewServer)
	other := newPlace(t, third, httptest.NewServer)
	p := newPlace(t, other, httptest.NewServer)
	c := ecosystem.Client(nil, []string{"files.example", other.host()})
	require.NoError(t, get(t, c, p, 1))
	assert.NotEmpty(t, p.asked[0].Header.Get("Authorization"))
	require.Len(t, other.asked, 1)
	for _, name := range []string{"Authorization", "Cookie", "Referer"} {
		assert.Empty(t, other.asked[0].Header.Get(name), name)
	}
	assert.ErrorContains(t, get(t, c, p, 2), third.host(), "what a listed host names is not listed by that")
	assert.Empty(t, third.asked)
}

func TestRedirectToAnUnencryptedAddressIsRefused(t *testing.T) {
	plain := newPlace(t, nil, httptest.NewServer)
	p := newPlace(t, plain, httptest.NewTLSServer)
	err := get(t, ecosystem.Client(p.Client(), []string{plain.host()}), p, 1)
	assert.EqualError(t, err, "a redirect to an unencrypted address")
	assert.Empty(t, plain.asked)
}

// The rules for addresses, without anybody who answers there.
func TestWhichHostIsWhich(t *testing.T) {
	for _, c := range []struct {
		from, to string
		listed   string
		follows  bool
	}{
		{"http://registry.example/a", "https://registry.example/a", "", true},
		{"https://registry.example", "https://REGISTRY.example:443/a", "", true},
		{"https://registry.example", "https://registry.example:8443/a", "", false},
		{"https://registry.example", "https://sub.registry.example/a", "", false},
		{"https://registry.example", "https://sub.registry.example/a", "registry.example", false},
		{"https://registry.example", "https://registry.example@other.example/", "", false},
		{"https://registry.example", "https://other.example/", "Other.example", true},
		{"https://registry.example", "https://other.example/", "other.example:443", true},
		{"https://registry.example", "https://other.example:444/", "other.example", false},
		{"http://registry.example", "http://other.example:443/", "other.example", false},
		{"https://registry.example", "http://registry.example/", "registry.example", false},
		{"http://registry.example", "ftp://registry.example/", "registry.example", false},
		{"https://[::1]", "https://[::1]:443/", "", true},
	} {
		from, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.from, nil)
		require.NoError(t, err)
		to, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.to, nil)
		require.NoError(t, err)
		err = ecosystem.Client(nil, []string{c.listed}).CheckRedirect(to, []*http.Request{from})
		assert.Equal(t, c.follows, err == nil, "%+v: %v", c, err)
	}
}
