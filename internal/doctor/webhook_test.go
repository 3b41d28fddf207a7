package doctor_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
)

func TestWebhook(t *testing.T) {
	hook := func(change func(*fakehub.Hook)) func(*world) {
		return func(w *world) {
			h := fakehub.Hook{URL: w.hook, ContentType: "json"}
			change(&h)
			w.hub.SetHook(h)
		}
	}
	config := "webhook.config"
	play(t, []trial{
		{name: "none", spoil: hook(func(h *fakehub.Hook) { h.URL = "" }), want: []string{config + problem, "webhook.certificate" + unseen},
			seen: []string{"no webhook", "/settings/apps/pullwarden, below Webhook, set it active, with the URL https://YOUR-HOST/api/github/hook"}},
		{name: "form-encoded", spoil: hook(func(h *fakehub.Hook) { h.ContentType = "form" }), want: []string{config + problem}, seen: []string{"application/json"}},
		{name: "unsigned", hub: func(o *fakehub.Options) { o.Secret = "" }, want: []string{config + problem, "webhook.deliveries" + problem},
			seen: []string{"no secret", "GITHUB_APP_WEBHOOK_SECRET"}},
		{name: "not verified", spoil: hook(func(h *fakehub.Hook) { h.Insecure = true }), want: []string{config + warning}, seen: []string{"SSL verification"}},
		{name: "unencrypted", spoil: hook(func(h *fakehub.Hook) { h.URL = "http://bot.example" + route }), want: []string{config + warning}, seen: []string{"unencrypted, to http://bot.example"}},
		{name: "another path", spoil: hook(func(h *fakehub.Hook) { h.URL += "s?token=" + password }), want: []string{config + warning}, seen: []string{"/api/github/hooks; the server takes them at /api/github/hook"}},
		{name: "no address", spoil: hook(func(h *fakehub.Hook) { h.URL = "http://%zz" }), want: []string{config + problem}, seen: []string{"cannot be read"}},
		{name: "not told", spoil: func(w *world) { w.hub.Fail(fakehub.Fault{Match: "GET /app/hook/config", Status: 500}) },
			want: []string{config + unseen, "webhook.certificate" + unseen}},
	})
}

func TestDeliveries(t *testing.T) {
	fails := func(status int) func(*world) { return func(w *world) { w.deliver(w.answers(status)) } }
	failed := []string{"webhook.deliveries" + problem}
	play(t, []trial{
		{name: "another secret", hub: func(o *fakehub.Options) { o.Secret = "another" + "-one" }, want: failed, seen: []string{"every delivery lately failed (401: 1)", "the secret differs"}},
		{name: "unreachable", spoil: func(w *world) { w.deliver("http://" + nowhere(t) + "/") }, want: failed,
			seen: []string{"1 of the last 2 deliveries failed (failed to connect to host: 1)", "GitHub does not reach the server"}},
		{name: "502", spoil: fails(502), want: failed, seen: []string{"502: 1", "does not reach the server"}},
		{name: "503", spoil: fails(503), want: failed, seen: []string{"delivery not accepted"}},
		{name: "404", spoil: fails(404), want: failed, seen: []string{"lead to /api/github/hook"}},
		{name: "403", spoil: fails(403), want: failed, seen: []string{"refuses GitHub"}},
		{name: "413", spoil: fails(413), want: failed, seen: []string{"25 MiB"}},
		{name: "415", spoil: fails(415), want: failed, seen: []string{"application/json"}},
		{name: "redirected", spoil: fails(301), want: failed, seen: []string{"follows no redirect"}},
		{name: "failed before", spoil: func(w *world) { fails(502)(w); w.deliver(w.hook) }, want: []string{"webhook.deliveries" + warning}, seen: []string{"since then they arrive", "/advanced"}},
		{name: "not told", spoil: func(w *world) { w.hub.Fail(fakehub.Fault{Match: "GET /app/hook/deliveries", Status: 500}) }, want: []string{"webhook.deliveries" + unseen}},
		{name: "made again, and failed", spoil: func(w *world) {
			first := true
			again := w.serve(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				if !first {
					time.Sleep(500 * time.Millisecond) // the outcome is not there when it is first asked for
					rw.WriteHeader(http.StatusBadGateway)
				}
				first = false
			}))
			w.deliver(again)
			w.o.Redeliver = true
		}, want: []string{"webhook.redelivery" + problem}, seen: []string{"delivered a ping again, and it failed: 502"}},
		{name: "not made again", spoil: func(w *world) {
			w.hub.Fail(fakehub.Fault{Match: "POST /app/hook/deliveries/*", Status: 500})
			w.o.Redeliver = true
		}, want: []string{"webhook.redelivery" + unseen}},
	})
}

func TestNoDeliveries(t *testing.T) {
	w := newWorld(t)
	w.o.Redeliver = true
	r, _ := w.look()
	require.Equal(t, []string{"webhook.deliveries" + note, "webhook.redelivery" + unseen}, trouble(r))
}

func TestCertificate(t *testing.T) {
	day := 24 * time.Hour
	// secure serves the webhook over TLS with a certificate, whose authority is trusted unless that is asked for.
	secure := func(for_ string, left time.Duration, trusted bool, status int) func(*world) {
		return func(w *world) {
			cert, roots := certificate(w, for_, left)
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(status) }))
			s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
			s.StartTLS()
			w.Cleanup(s.Close)
			w.o.Roots = x509.NewCertPool()
			if trusted {
				w.o.Roots = roots
			}
			w.hub.SetHook(fakehub.Hook{URL: s.URL + route, ContentType: "json"})
		}
	}
	const ours, posted = "127.0.0.1", http.StatusMethodNotAllowed
	cert := "webhook.certificate"
	play(t, []trial{
		{name: "good", spoil: secure(ours, 60*day, true, posted)},
		{name: "about to expire", spoil: secure(ours, 5*day, true, posted), want: []string{cert + warning}, seen: []string{"expires on " + time.Now().Add(5*day).UTC().Format(time.DateOnly), "renew it"}},
		{name: "expired", spoil: secure(ours, -day, true, posted), want: []string{cert + problem}, seen: []string{"has expired on"}},
		{name: "of an unknown authority", spoil: secure(ours, 60*day, false, posted), want: []string{cert + problem}, seen: []string{"does not trust"}},
		{name: "for another host", spoil: secure("127.0.0.2", 60*day, true, posted), want: []string{cert + problem}, seen: []string{"use one for 127.0.0.1"}},
		{name: "unknown, and not verified", spoil: func(w *world) {
			secure(ours, 60*day, false, posted)(w)
			hook, err := w.o.GitHub.Hook(w.Context())
			require.NoError(t, err)
			w.hub.SetHook(fakehub.Hook{URL: hook.URL, ContentType: "json", Insecure: true})
		}, want: []string{"webhook.config" + warning, cert + warning}},
		{name: "behind it nothing", spoil: secure(ours, 60*day, true, http.StatusNotFound), want: []string{cert + warning}, seen: []string{"answers 404 at /api/github/hook"}},
		{name: "not reachable from here", spoil: func(w *world) { w.hub.SetHook(fakehub.Hook{URL: "https://" + nowhere(t) + route, ContentType: "json"}) },
			want: []string{cert + unseen}, seen: []string{"connection refused"}},
		{name: "no TLS there", spoil: func(w *world) {
			w.hub.SetHook(fakehub.Hook{URL: strings.Replace(w.hook, "http:", "https:", 1), ContentType: "json"})
		}, want: []string{cert + unseen}},
	})
}

// certificate is one for an address, with the authority that signed it.
func certificate(w *world, address string, left time.Duration) (tls.Certificate, *x509.CertPool) {
	w.Helper()
	key := appKey()
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().AddDate(-1, 0, 0),
		NotAfter: time.Now().AddDate(1, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: address}, NotBefore: time.Now().AddDate(0, -6, 0),
		NotAfter: time.Now().Add(left), IPAddresses: []net.IP{net.ParseIP(address)}}
	sign := func(c, by *x509.Certificate, k *rsa.PrivateKey) []byte {
		der, err := x509.CreateCertificate(rand.Reader, c, by, &k.PublicKey, key)
		require.NoError(w, err)
		return der
	}
	authority, err := x509.ParseCertificate(sign(root, root, key))
	require.NoError(w, err)
	pool := x509.NewCertPool()
	pool.AddCert(authority)
	return tls.Certificate{Certificate: [][]byte{sign(leaf, authority, key)}, PrivateKey: key}, pool
}
