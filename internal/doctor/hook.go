package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// hookConfig sees how GitHub has our webhook.
func hookConfig(ctx context.Context, o *Options, f facts) (facts, []Line) {
	if lines := noApp(o, f, "the webhook"); lines != nil {
		return f, lines
	}
	at := "on " + f.app.SettingsPage + ", below Webhook, "
	hook, err := o.GitHub.Hook(ctx)
	if errors.Is(err, forge.ErrNotFound) || err == nil && hook.URL == "" {
		return f, one(Problem, "the App has no webhook, so that nothing is delivered", at+"set it active, with the URL https://YOUR-HOST"+o.Route)
	}
	if err != nil {
		return f, unseen("the webhook: "+reason(err), "")
	}
	f.hook = &hook
	var lines []Line
	add := func(s Status, seen, do string) { lines = append(lines, Line{Status: s, Seen: seen, Do: at + do}) }
	u, err := url.Parse(hook.URL)
	switch {
	case err != nil || u.Host == "":
		add(Problem, "the URL of the webhook cannot be read", "set it to https://YOUR-HOST"+o.Route)
	case u.Scheme != "https" && !loopback(u.Hostname()):
		add(Warning, "deliveries come unencrypted, to "+plainAddress(hook.URL), "set an https URL: a proxy in front of the server can speak TLS")
	}
	if err == nil && u.Host != "" && strings.TrimSuffix(u.Path, "/") != o.Route {
		add(Warning, fmt.Sprintf("deliveries go to %s; the server takes them at %s", plainAddress(hook.URL), o.Route),
			"end the URL with "+o.Route+", unless a proxy changes the path")
	}
	if hook.ContentType != "json" {
		add(Problem, fmt.Sprintf("deliveries are of content type %q, which the server refuses", hook.ContentType), "choose application/json")
	}
	if !hook.Secret {
		add(Problem, "GitHub signs deliveries with no secret, so that the server refuses them", "set the secret that GITHUB_APP_WEBHOOK_SECRET has")
	}
	if hook.Insecure {
		add(Warning, "GitHub does not verify the certificate of the webhook", "enable SSL verification")
	}
	if lines == nil {
		lines = one(OK, "GitHub delivers to "+plainAddress(hook.URL)+", as signed JSON", "")
	}
	return f, lines
}

// yesterday is how long a failure concerns an operator once deliveries arrive again.
const yesterday = 24 * time.Hour

// deliveries judges by what the latest ones were answered.
func deliveries(ctx context.Context, o *Options, f facts) (facts, []Line) {
	if lines := noApp(o, f, "deliveries"); lines != nil {
		return f, lines
	}
	list, err := o.GitHub.Attempts(ctx)
	if err != nil {
		return f, unseen("deliveries: "+reason(err), "")
	}
	f.attempts = list
	if len(list) == 0 {
		return f, one(Note, "GitHub has delivered nothing lately, so that there is nothing to judge by", "open a pull request, or have GitHub send a ping: "+f.app.DeliveriesPage)
	}
	newest, now := list[0], o.Now()
	failures := map[string]int{}
	failed, last := 0, time.Time{}
	for _, a := range list {
		if !arrived(a) {
			failed++
			failures[outcome(a)]++
			if a.At.After(last) {
				last = a.At
			}
		}
	}
	switch {
	case failed == 0 && len(list) == 1:
		return f, one(OK, "the one delivery lately arrived, "+ago(now, newest.At), "")
	case failed == 0:
		return f, one(OK, fmt.Sprintf("the last %d deliveries all arrived, the newest %s", len(list), ago(now, newest.At)), "")
	case failed == len(list):
		return f, one(Problem, fmt.Sprintf("every delivery lately failed (%s), the newest %s", tally(failures), ago(now, newest.At)), o.remedy(newest, f.app))
	}
	share := fmt.Sprintf("%d of the last %d deliveries failed (%s)", failed, len(list), tally(failures))
	if !arrived(newest) {
		return f, one(Problem, share+fmt.Sprintf(", the newest, %s, among them", ago(now, newest.At)), o.remedy(newest, f.app))
	}
	status := Note
	if now.Sub(last) < yesterday {
		status = Warning
	}
	return f, one(status, share+fmt.Sprintf(", the latest of these %s; since then they arrive", ago(now, last)),
		"what failed can be sent again from "+f.app.DeliveriesPage)
}

func arrived(a forge.Attempt) bool { return a.Status >= 200 && a.Status < 300 }

// outcome is a failure in one or two words.
func outcome(a forge.Attempt) string {
	if a.Status == 0 {
		if a.Words != "" {
			return a.Words
		}
		return "no answer"
	}
	return fmt.Sprint(a.Status)
}

// tally is "502: 3" for each outcome, most frequent first.
func tally(n map[string]int) string {
	kinds := slices.SortedFunc(maps.Keys(n), func(a, b string) int {
		if n[a] != n[b] {
			return n[b] - n[a]
		}
		return strings.Compare(a, b)
	})
	for i, k := range kinds {
		kinds[i] = fmt.Sprintf("%s: %d", k, n[k])
	}
	return strings.Join(kinds, ", ")
}

// remedy is what to do about an attempt that failed.
func (o *Options) remedy(a forge.Attempt, app *forge.App) string {
	hook := app.SettingsPage + ", below Webhook"
	switch {
	case a.Status == http.StatusUnauthorized:
		return "the secret differs: set GITHUB_APP_WEBHOOK_SECRET and the one on " + hook + ", to the same, and restart the server"
	case a.Status == http.StatusForbidden:
		return "somebody in front of the server refuses GitHub, or the App is another one: look at the proxy, and at GITHUB_APP_INTEGRATION_ID"
	case a.Status == http.StatusNotFound || a.Status == http.StatusMethodNotAllowed:
		return "nothing takes deliveries there: let the URL on " + hook + ", lead to " + o.Route + " of the server"
	case a.Status == http.StatusUnsupportedMediaType:
		return "choose the content type application/json on " + hook
	case a.Status == http.StatusRequestEntityTooLarge:
		return "something in front of the server limits the size of requests: let 25 MiB pass"
	case a.Status >= 300 && a.Status < 400:
		return "GitHub follows no redirect: set the URL on " + hook + ", to where it leads"
	case a.Status == http.StatusServiceUnavailable:
		return "the server could not accept it, or nothing is behind the proxy: look at the server's log, \"delivery not accepted\""
	}
	return "GitHub does not reach the server: see that it runs, and that the URL on " + hook + ", leads to it from outside; " + app.DeliveriesPage + " has the details"
}

// redelivery has GitHub make the latest delivery again, which is harmless, and
// waits for the outcome: the way from GitHub to the server is seen to be open.
func redelivery(ctx context.Context, o *Options, f facts) (facts, []Line) {
	if !o.Redeliver {
		return f, nil
	}
	if lines := noApp(o, f, "a delivery made again"); lines != nil {
		return f, lines
	}
	if len(f.attempts) == 0 {
		return f, unseen("a delivery made again: there is none to make again", "open a pull request, then look again")
	}
	chosen := f.attempts[0]
	if i := slices.IndexFunc(f.attempts, func(a forge.Attempt) bool { return a.Event == "ping" }); i >= 0 {
		chosen = f.attempts[i]
	}
	known := map[int64]bool{}
	for _, a := range f.attempts {
		known[a.ID] = true
	}
	if err := o.GitHub.Redeliver(ctx, chosen.ID); err != nil {
		return f, unseen(fmt.Sprintf("a delivery made again (%s): %s", chosen.Event, reason(err)), "")
	}
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, 3*time.Second) {
		select {
		case <-ctx.Done():
			return f, unseen(fmt.Sprintf("a delivery made again (%s): GitHub has not told its outcome yet", chosen.Event), "see "+f.app.DeliveriesPage)
		case <-time.After(wait):
		}
		list, err := o.GitHub.Attempts(ctx)
		if err != nil {
			continue // until there is no time left
		}
		for _, a := range list {
			if known[a.ID] || !a.Again || a.Delivery != chosen.Delivery {
				continue
			}
			if arrived(a) {
				return f, one(OK, fmt.Sprintf("GitHub delivered a %s again, and the server answered %d", a.Event, a.Status), "")
			}
			return f, one(Problem, fmt.Sprintf("GitHub delivered a %s again, and it failed: %s", a.Event, outcome(a)), o.remedy(a, f.app))
		}
	}
}
