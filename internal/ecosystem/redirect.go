package ecosystem

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const maxRedirects = 10

// Client returns a copy of c, nil for a new one, that follows the redirects of
// a registry as far as its operator chose where they may lead: to the host that
// was asked first, and to the others that are listed as HOST or HOST:PORT.
// Another host is sent no credentials, nor the address that led there.
func Client(c *http.Client, others []string) *http.Client {
	client := *cmp.Or(c, &http.Client{})
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		asked, to := host(via[0].URL), host(req.URL)
		switch {
		case len(via) > maxRedirects:
			return fmt.Errorf("more than %d redirects", maxRedirects)
		case req.URL.Scheme != "https" && (req.URL.Scheme != "http" || via[len(via)-1].URL.Scheme == "https"):
			return errors.New("a redirect to an unencrypted address")
		case strings.EqualFold(asked, to):
			return nil
		case !slices.ContainsFunc(others, func(h string) bool { return strings.EqualFold(h, to) || strings.EqualFold(h, withPort(req.URL)) }):
			return fmt.Errorf("%s redirects to %s, which is not asked: if it may be, add it to registries.redirects", asked, to)
		}
		req.URL.User = nil
		for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie", "Cookie2", "Www-Authenticate", "Referer"} {
			req.Header.Del(name)
		}
		return nil
	}
	return &client
}

var defaultPorts = map[string]string{"http": "80", "https": "443"}

// withPort is the host and port of an address.
func withPort(u *url.URL) string {
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), defaultPorts[u.Scheme]))
}

// host is withPort, which leaves out the port that the scheme implies.
func host(u *url.URL) string { return strings.TrimSuffix(withPort(u), ":"+defaultPorts[u.Scheme]) }
