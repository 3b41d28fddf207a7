package doctor

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
)

// running sees whether the server runs here, and can work.
func running(ctx context.Context, o *Options, f facts) (facts, []Line) {
	address, why := dial(o.AdminAddress)
	if why != "" {
		return f, unseen("whether the server runs: admin_address "+why, "")
	}
	got, err := o.local(ctx, http.MethodGet, "http://"+address+"/readyz", nil, nil)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return f, unseen("whether the server works: none runs here, nobody listens on "+address, "start it with pullwarden serve, then look again")
	case err != nil:
		return f, unseen(fmt.Sprintf("whether the server works: %s does not answer: %s", address, reason(err)), "")
	case got.status == http.StatusServiceUnavailable:
		return f, one(Problem, "the server runs, and is not ready: "+state(got.body), "look at its log")
	case got.status != http.StatusOK:
		return f, one(Problem, fmt.Sprintf("what listens on %s is not this server: it answers %d", address, got.status), "see what else uses the address, or set another admin_address")
	}
	return f, one(OK, "the server runs and is ready: "+state(got.body), "")
}

// state is what /readyz says, a reason a line, in one line.
func state(body string) string {
	var parts []string
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		for _, head := range []string{"not ready: ", "note: ", "ok, "} {
			line = strings.TrimPrefix(line, head)
		}
		if line != "" && line != "ok" {
			parts = append(parts, line)
		}
	}
	return strings.Join(parts, "; ")
}

// ping delivers a ping of our own to the server that runs here: it sees that
// the route is there and that the running server has the secret of these settings.
func ping(ctx context.Context, o *Options, f facts) (facts, []Line) {
	address, why := dial(o.Address)
	if why != "" {
		return f, unseen("the server's webhook: address "+why, "")
	}
	if o.WebhookSecret == "" {
		return f, unseen("the server's webhook: there is no secret to sign with", "")
	}
	at := "http://" + address + o.Route
	if o.TLS {
		at = "https://" + address + o.Route
	}
	got, err := o.deliver(ctx, at)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return f, unseen("the server's webhook: nobody listens on "+address, "start the server with pullwarden serve, then look again")
	case err != nil:
		return f, unseen(fmt.Sprintf("the server's webhook: %s does not answer: %s", address, reason(err)), "")
	case got.status == http.StatusUnauthorized:
		return f, one(Problem, "the server that runs here has another webhook secret than these settings: it refuses a ping of ours", "restart it, with the same settings that doctor is given")
	case got.status == http.StatusForbidden && o.Senders:
		// What GitHub delivered tells more than a ping of ours.
		if len(f.attempts) > 0 && arrived(f.attempts[0]) {
			return f, one(Note, "the server takes deliveries from the senders that the operator named alone, so no ping of ours; GitHub's arrive", "")
		}
		return f, unseen("the server's webhook: it takes deliveries from the senders that the operator named alone, and no ping of ours",
			"have GitHub deliver something, or --redeliver, then look again")
	case got.status == http.StatusForbidden:
		return f, one(Problem, "the server that runs here refuses a ping of ours: "+got.body, "restart it, with the same settings that doctor is given")
	case got.status == http.StatusServiceUnavailable:
		return f, one(Problem, "the server takes no deliveries at the moment: "+got.body, "look at its log")
	case got.status != http.StatusOK:
		return f, one(Problem, fmt.Sprintf("what listens on %s does not take deliveries: it answers %d to a ping at %s", address, got.status, o.Route),
			"see what else uses the address, and whether the server was started with these settings")
	}
	return f, one(OK, "a signed ping of ours is taken at "+at, "")
}

// deliver posts a ping, signed as GitHub signs.
func (o *Options) deliver(ctx context.Context, at string) (answer, error) {
	body := []byte(`{"zen":"Who looks, sees.","hook_id":1}`)
	mac := hmac.New(sha256.New, []byte(o.WebhookSecret))
	mac.Write(body)
	return o.local(ctx, http.MethodPost, at, body, map[string]string{
		"Content-Type": "application/json", "X-GitHub-Event": "ping", "X-GitHub-Delivery": "doctor-" + rand.Text(),
		"X-Hub-Signature-256":                  "sha256=" + hex.EncodeToString(mac.Sum(nil)),
		"X-GitHub-Hook-Installation-Target-ID": strconv.FormatInt(o.AppID, 10),
	})
}

// dial is where to reach this machine's own listener, or why that cannot be said.
func dial(listen string) (address, why string) {
	host, port, err := net.SplitHostPort(listen)
	switch {
	case err != nil:
		return "", "is no address"
	case port == "0":
		return "", "leaves the port to chance"
	case host == "" || host == "0.0.0.0":
		host = "127.0.0.1"
	case host == "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port), ""
}

// local asks a listener of this machine: never through a proxy, and whatever
// name its certificate has.
func (o *Options) local(ctx context.Context, method, address string, body []byte, header map[string]string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return answer{}, errors.New("it is no address")
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	got, err := o.send(req, &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}})
	got.body = strings.TrimSpace(got.body)
	return got, err
}
