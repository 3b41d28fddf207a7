package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// renewal is when a certificate should have been renewed: those that renew
// themselves do so 30 days before the end.
const renewal = 14 * 24 * time.Hour

// certificate looks at the one of the webhook's address, as GitHub does.
func certificate(ctx context.Context, o *Options, f facts) (facts, []Line) {
	if lines := noApp(o, f, "its certificate"); lines != nil {
		return f, lines
	}
	if f.hook == nil {
		return f, blind("its certificate", "the address of the webhook is not known")
	}
	u, err := url.Parse(f.hook.URL)
	if err != nil || u.Scheme != "https" {
		return f, nil // said where the webhook is looked at
	}
	host := u.Hostname()
	chain, got, err := o.certificates(ctx, f.hook.URL)
	if err != nil {
		return f, unseen(fmt.Sprintf("the certificate of %s: %s", u.Host, reason(err)),
			"if this machine is not meant to reach its own public address, look from another one")
	}
	const renew = "renew it, and let whoever speaks TLS for it load the new one"
	leaf, now := chain[0], o.Now()
	until := leaf.NotAfter.UTC().Format(time.DateOnly)
	pool := x509.NewCertPool()
	for _, c := range chain[1:] {
		pool.AddCert(c)
	}
	_, err = leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: o.Roots, Intermediates: pool, CurrentTime: now})
	var unknown x509.UnknownAuthorityError
	switch left := leaf.NotAfter.Sub(now); {
	case left <= 0:
		return f, one(Problem, fmt.Sprintf("the certificate of %s has expired on %s: GitHub delivers nothing", host, until), renew)
	case errors.As(err, &unknown):
		return f, one(f.untrusted(), fmt.Sprintf("the certificate of %s is of an authority that this machine does not trust", host),
			"use one that GitHub trusts, and let the server that has it send the intermediate ones too")
	case err != nil:
		return f, one(f.untrusted(), fmt.Sprintf("the certificate of %s does not hold: %s", host, reason(err)), "use one for "+host)
	case left < renewal:
		return f, one(Warning, fmt.Sprintf("the certificate of %s expires on %s", host, until), renew)
	}
	if got.status == http.StatusNotFound {
		return f, one(Warning, fmt.Sprintf("the certificate of %s is good until %s, but it answers 404 at %s", host, until, u.Path),
			"let the proxy pass "+o.Route+" on to the server")
	}
	return f, one(OK, fmt.Sprintf("the certificate of %s is good until %s", host, until), "")
}

// untrusted is how bad a certificate is that does not verify: GitHub may have been told not to.
func (f facts) untrusted() Status {
	if f.hook.Insecure {
		return Warning
	}
	return Problem
}

// certificates asks address and returns what it showed. Nothing is sent that
// would have to be kept from somebody who pretends to be it.
func (o *Options) certificates(ctx context.Context, address string) ([]*x509.Certificate, answer, error) {
	var chain []*x509.Certificate
	wire := &http.Transport{Proxy: o.Proxy, DisableKeepAlives: true, TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true, // it is verified afterwards, to tell what is wrong with it
		VerifyConnection: func(s tls.ConnectionState) error {
			chain = s.PeerCertificates
			return nil
		},
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, answer{}, errors.New("it is no address")
	}
	got, err := o.send(req, wire)
	if err != nil {
		return nil, answer{}, err
	}
	if len(chain) == 0 {
		return nil, answer{}, errors.New("it showed none")
	}
	return chain, got, nil
}
