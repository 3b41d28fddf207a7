package doctor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// settings tells what Check said of each value. The other checks go on as far
// as what is left allows.
func settings(_ context.Context, o *Options, f facts) (facts, []Line) {
	where := "the environment"
	if o.File != "" {
		where = o.File + " or in the environment"
	}
	var lines []Line
	for _, s := range o.Settings {
		lines = append(lines, Line{Status: Problem, Seen: s,
			Do: "set it in " + where + "; config/pullwarden.example.yml tells what it is"})
	}
	if lines == nil {
		lines = one(OK, "every value is one that the server can start with", "")
	}
	return f, lines
}

func adminAddress(_ context.Context, o *Options, f facts) (facts, []Line) {
	host, _, err := net.SplitHostPort(o.AdminAddress)
	if err != nil {
		return f, unseen("admin_address is no address", "")
	}
	if loopback(host) {
		return f, one(OK, fmt.Sprintf("health and metrics are on %s, for this machine alone", o.AdminAddress), "")
	}
	return f, one(Warning, fmt.Sprintf("health and metrics are on %s, which others can reach", o.AdminAddress),
		"they are not for the public: set admin_address to 127.0.0.1:9090, or let a firewall keep others away")
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// oldSecret reminds of a rotation that was not ended: whoever knows the old
// secret can still deliver.
func oldSecret(_ context.Context, o *Options, f facts) (facts, []Line) {
	if !o.OldSecret {
		return f, nil
	}
	return f, one(Warning, "deliveries signed with the old webhook secret are still accepted",
		"once GitHub signs with the new one, remove old_webhook_secret (GITHUB_APP_OLD_WEBHOOK_SECRET) and restart the server")
}

// oldKey reminds of another: comments and exceptions that nobody touches keep it.
func oldKey(_ context.Context, o *Options, f facts) (facts, []Line) {
	if !o.OldKey {
		return f, nil
	}
	return f, one(Note, "fingerprints and comments made with the old fingerprint key still count",
		"once the pull requests that were open then are closed, and policies name exceptions by the new fingerprints, remove old_fingerprint_key (PULLWARDEN_OLD_FINGERPRINT_KEY) and restart the server")
}

func proxy(_ context.Context, o *Options, f facts) (facts, []Line) {
	var set []string
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"} {
		for _, n := range []string{name, strings.ToLower(name)} {
			if o.Env(n) != "" {
				set = append(set, n)
			}
		}
	}
	by := "no proxy is set in the environment"
	if set != nil {
		by = names(set, len(set)) + " set in the environment"
	}
	req, err := http.NewRequest(http.MethodGet, o.APIURL, nil)
	if err != nil {
		return f, unseen("github.v3_api_url is no address", "")
	}
	through, err := o.Proxy(req)
	switch {
	case err != nil:
		return f, one(Problem, by+", but not to an address of a proxy", "set "+names(set, len(set))+" to http://HOST:PORT, or unset it")
	case through == nil:
		return f, one(OK, fmt.Sprintf("%s is asked directly: %s", req.URL.Host, by), "")
	}
	return f, one(Note, fmt.Sprintf("%s is asked through the proxy %s: %s", req.URL.Host, (&url.URL{Scheme: through.Scheme, Host: through.Host}).String(), by), "")
}
