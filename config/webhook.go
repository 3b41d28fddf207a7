package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// Webhook says who may deliver. A delivery must be signed, whatever is said here.
type Webhook struct {
	// Senders are the addresses and networks that deliveries may come from;
	// "github" among them stands for those that GitHub names. None: from any.
	Senders      []string `yaml:"senders"`        // PULLWARDEN_WEBHOOK_SENDERS, with commas
	BadPerMinute int      `yaml:"bad_per_minute"` // requests of one address that are no genuine delivery
	// ProxyHeader is where Proxies, and nobody else, tell who sent a request.
	ProxyHeader string   `yaml:"proxy_header"` // PULLWARDEN_WEBHOOK_PROXY_HEADER
	Proxies     []string `yaml:"proxies"`      // PULLWARDEN_WEBHOOK_PROXIES, with commas
}

// GitHub stands in Webhook.Senders for the addresses that GitHub names.
const GitHub = "github"

// TLS is the certificate of the webhook's address; without one it is plain HTTP.
type TLS struct {
	Certificate string `yaml:"certificate"` // PULLWARDEN_TLS_CERTIFICATE: file, PEM, the whole chain
	Key         string `yaml:"key"`         // PULLWARDEN_TLS_KEY: file, PEM
}

// SenderNetworks returns the networks that deliveries may come from, and
// whether GitHub's own are wanted too. Neither: they may come from any.
func (w Webhook) SenderNetworks() (list []netip.Prefix, github bool, err error) {
	var own []string
	for _, s := range w.Senders {
		if s == GitHub {
			github = true
		} else {
			own = append(own, s)
		}
	}
	list, err = networks(own)
	return list, github, err
}

// ProxyNetworks returns where the proxies are whose header is believed.
func (w Webhook) ProxyNetworks() ([]netip.Prefix, error) { return networks(w.Proxies) }

// networks reads addresses and networks.
func networks(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if a, addrErr := netip.ParseAddr(s); addrErr == nil && a.Zone() == "" {
			p, err = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network", s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func (c *Config) checkWebhook(bad func(key, format string, args ...any)) {
	w := c.Webhook
	if _, _, err := w.SenderNetworks(); err != nil {
		bad("webhook.senders", "%v, and not %q", err, GitHub)
	}
	if _, err := w.ProxyNetworks(); err != nil {
		bad("webhook.proxies", "%v", err)
	}
	switch {
	case w.ProxyHeader != "" && len(w.Proxies) == 0:
		bad("webhook.proxies", "are needed with webhook.proxy_header: anybody could write it")
	case w.ProxyHeader == "" && len(w.Proxies) > 0:
		bad("webhook.proxy_header", "is needed with webhook.proxies: the header in which they tell who sent a request")
	case strings.EqualFold(w.ProxyHeader, "Forwarded"):
		bad("webhook.proxy_header", "Forwarded is not understood: have the proxy write X-Forwarded-For or X-Real-IP")
	case strings.ContainsAny(w.ProxyHeader, " :\t\r\n"):
		bad("webhook.proxy_header", "%q is no name of a header", w.ProxyHeader)
	}
	if w.BadPerMinute < 1 || w.BadPerMinute > 100_000 {
		bad("webhook.bad_per_minute", "%d is not between 1 and 100000", w.BadPerMinute)
	}
	if c.TLS.Certificate == "" && c.TLS.Key != "" {
		bad("tls.certificate", "is needed with tls.key")
	}
	if c.TLS.Certificate != "" && c.TLS.Key == "" {
		bad("tls.key", "is needed with tls.certificate")
	}
}
