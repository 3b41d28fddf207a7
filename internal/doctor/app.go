package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pullwarden/pullwarden/internal/forge"
)

const (
	mostInstallations = 1000 // that are listed
	mostAsked         = 50   // that are asked about one by one
	mostNamed         = 10   // lines, or names in a line, of one kind
	atATime           = 4    // questions to GitHub
)

// app sees whether GitHub knows our App and takes its key.
func app(ctx context.Context, o *Options, f facts) (facts, []Line) {
	switch {
	case o.GitHub == nil && len(o.Settings) > 0, o.GitHub != nil && !f.reached:
		return f, noApp(o, f, "the App")
	case o.GitHub == nil:
		return f, one(Problem, fmt.Sprintf("nothing can be asked as the App: %s", reason(o.Unasked)),
			"set GITHUB_APP_PRIVATE_KEY (github.app.private_key) to the whole .pem file that GitHub gave you")
	}
	a, lines := o.identify(ctx, f, o.GitHub, o.AppID, "GITHUB_APP_INTEGRATION_ID", "GITHUB_APP_PRIVATE_KEY")
	if lines != nil {
		return f, lines
	}
	f.app = a
	return f, one(OK, fmt.Sprintf("GitHub takes the key of App %d, %q of %s", a.ID, a.Slug, a.Owner), "")
}

// identify asks an App who it is, or says why it cannot.
func (o *Options) identify(ctx context.Context, f facts, hub WriterApp, id int64, idSetting, keySetting string) (*forge.App, []Line) {
	a, err := hub.App(ctx)
	switch {
	case errors.Is(err, forge.ErrDenied) && f.skewed:
		return nil, one(Problem, "GitHub refuses what this machine signs, whose clock is wrong: "+reason(err), "set the clock first, then look again")
	case errors.Is(err, forge.ErrDenied):
		return nil, one(Problem, fmt.Sprintf("the private key is not one of App %d: %s", id, reason(err)),
			fmt.Sprintf("on the App's page, below %s/settings/apps or the organization's settings, compare the App ID with %s, "+
				"generate a private key, and set %s to it", plainAddress(o.WebURL), idSetting, keySetting))
	case errors.Is(err, forge.ErrNotFound):
		return nil, one(Problem, fmt.Sprintf("%s knows no App %d: %s", plainAddress(o.APIURL), id, reason(err)),
			fmt.Sprintf("set %s to the App ID on the App's page, and github.v3_api_url to the GitHub that it is registered with", idSetting))
	case err != nil:
		return nil, unseen(fmt.Sprintf("App %d: %s", id, reason(err)), "")
	}
	return &a, nil
}

// noApp is for what cannot be asked while we do not know our App.
func noApp(o *Options, f facts, what string) []Line {
	switch {
	case !f.reached:
		return blind(what, unreached)
	case o.GitHub == nil:
		return blind(what, "the settings do not name an App, or lack its key")
	case f.app == nil:
		return blind(what, "GitHub does not take us for the App")
	}
	return nil
}

// noList is for what cannot be asked while we do not know where the App is.
func noList(o *Options, f facts, what string) []Line {
	if lines := noApp(o, f, what); lines != nil {
		return lines
	}
	if !f.listed {
		return blind(what, "the installations could not be listed")
	}
	return nil
}

// permissions compares what the App asks for with what it needs: least
// privilege is neither less nor more.
func permissions(_ context.Context, o *Options, f facts) (facts, []Line) {
	if lines := noApp(o, f, "permissions and events"); lines != nil {
		return f, lines
	}
	a := f.app
	at := "on " + a.PermissionsPage
	var lines []Line
	if lack := lacks(a.Grant, o.Least); lack != nil {
		lines = append(lines, Line{Status: Problem, Seen: "the App does not ask for what it needs: " + strings.Join(lack, ", "),
			Do: at + ", add that; then each account has to accept it"})
	}
	if lack := lacks(a.Grant, without(o.Want, o.Least)); lack != nil {
		lines = append(lines, Line{Status: Warning, Seen: "the App does not ask for what upgrades or commands need: " + strings.Join(lack, ", "),
			Do: at + ", add that, or do without them (upgrades.enabled: false)"})
	}
	if more := lacks(o.Want, a.Grant); more != nil {
		lines = append(lines, Line{Status: Warning, Seen: "the App asks for more than it uses: " + strings.Join(more, ", "),
			Do: at + ", reduce it to what " + o.Manifest + " has"})
	}
	if lines == nil {
		lines = one(OK, fmt.Sprintf("the App asks for what %s has, no more and no less", o.Manifest), "")
	}
	return f, lines
}

// lacks lists what want has and have does not.
func lacks(have, want forge.Grant) (lack []string) {
	for _, name := range slices.Sorted(maps.Keys(want.Permissions)) {
		if rank(have.Permissions[name]) < rank(want.Permissions[name]) {
			lack = append(lack, name+": "+want.Permissions[name])
		}
	}
	for _, e := range slices.Sorted(slices.Values(want.Events)) {
		if !slices.Contains(have.Events, e) && !unasked(e) {
			lack = append(lack, "event "+e)
		}
	}
	return lack
}

// unasked events reach every App: GitHub lists none of them, whatever is ticked.
func unasked(event string) bool {
	return slices.Contains([]string{"installation", "installation_repositories", "ping"}, event)
}

// without is what of g goes beyond less.
func without(g, less forge.Grant) forge.Grant {
	out := forge.Grant{Permissions: map[string]string{}}
	for name, level := range g.Permissions {
		if rank(level) > rank(less.Permissions[name]) {
			out.Permissions[name] = level
		}
	}
	for _, e := range g.Events {
		if !slices.Contains(less.Events, e) {
			out.Events = append(out.Events, e)
		}
	}
	return out
}

func rank(level string) int { return slices.Index([]string{"", "read", "write", "admin"}, level) }

// installations lists where the App is, and where it was suspended.
func installations(ctx context.Context, o *Options, f facts) (facts, []Line) {
	if lines := noApp(o, f, "the installations"); lines != nil {
		return f, lines
	}
	list, more, err := o.GitHub.Installations(ctx, mostInstallations)
	if err != nil {
		return f, unseen("the installations: "+reason(err), "")
	}
	f.listed = true
	f.active = nil
	var lines []Line
	for _, in := range list {
		if in.Suspended.IsZero() {
			f.active = append(f.active, in)
			continue
		}
		lines = append(lines, Line{Status: Note, Seen: fmt.Sprintf("the installation on %s is suspended since %s: nothing is reviewed there",
			in.Account, in.Suspended.UTC().Format(time.DateOnly)), Do: "if it should not be, unsuspend it on " + in.Page})
	}
	switch {
	case len(list) == 0:
		lines = one(Warning, "the App is installed nowhere, so that it reviews nothing", "install it from "+f.app.SettingsPage+"/installations")
	case more:
		lines = append(lines, Line{Status: Note, Seen: fmt.Sprintf("of the installations, only the first %d are looked at", mostInstallations)})
		fallthrough
	default:
		lines = append(one(OK, "the App is installed on "+count(len(list), "account"), ""), some(lines, "suspended installation")...)
	}
	return f, lines
}

// some is the first of many lines, and how many there are more.
func some(lines []Line, what string) []Line {
	if len(lines) <= mostNamed {
		return lines
	}
	rest := Line{Status: lines[mostNamed].Status, Seen: "the same for " + count(len(lines)-mostNamed, "more "+what), Do: "look again once those above are settled"}
	return append(slices.Clone(lines[:mostNamed]), rest)
}

// consent compares what each account accepted with what the App asks for:
// GitHub holds back a new permission until then, and says so to the account alone.
func consent(_ context.Context, o *Options, f facts) (facts, []Line) {
	if lines := noList(o, f, "what accounts accepted"); lines != nil {
		return f, lines
	}
	var lines []Line
	for _, in := range f.active {
		pending := without(f.app.Grant, in.Grant)
		lack := lacks(in.Grant, pending)
		if lack == nil {
			continue
		}
		status := Warning
		if lacks(in.Grant, both(pending, o.Least)) != nil {
			status = Problem
		}
		lines = append(lines, Line{Status: status, Seen: fmt.Sprintf("%s does not grant what the App asks for by now: %s", in.Account, strings.Join(lack, ", ")),
			Do: "have an owner of " + in.Account + " review the request on " + in.Page})
	}
	if lines == nil && len(f.active) > 0 {
		lines = one(OK, "every account grants all that the App asks for", "")
	}
	worst := func(l Line) bool { return l.Status == Problem }
	rest := slices.DeleteFunc(slices.Clone(lines), worst)
	lines = slices.DeleteFunc(lines, func(l Line) bool { return !worst(l) })
	return f, append(some(lines, "account"), some(rest, "account")...)
}

// both is what a and b have in common.
func both(a, b forge.Grant) forge.Grant {
	out := forge.Grant{Permissions: map[string]string{}}
	for name, level := range a.Permissions {
		if rank(b.Permissions[name]) < rank(level) {
			level = b.Permissions[name]
		}
		if level != "" {
			out.Permissions[name] = level
		}
	}
	for _, e := range a.Events {
		if slices.Contains(b.Events, e) {
			out.Events = append(out.Events, e)
		}
	}
	return out
}

// rateLimit asks what each installation may still ask for in this hour.
func rateLimit(ctx context.Context, o *Options, f facts) (facts, []Line) {
	if lines := noList(o, f, "the rate limits"); lines != nil {
		return f, lines
	}
	asked := f.active[:min(len(f.active), mostAsked)]
	if len(asked) == 0 {
		return f, nil
	}
	left := make([]forge.Allowance, len(asked))
	failed := make([]error, len(asked))
	var group errgroup.Group
	group.SetLimit(atATime)
	for i, in := range asked {
		group.Go(func() error {
			left[i], failed[i] = o.GitHub.Allowance(ctx, in.ID)
			return nil
		})
	}
	_ = group.Wait() // each has its own error
	var lines []Line
	least := -1
	for i, in := range asked {
		a := left[i]
		if errors.Is(failed[i], forge.ErrNotFound) { // a server that limits nothing
			continue
		}
		if failed[i] != nil {
			lines = append(lines, Line{Status: Unseen, Seen: fmt.Sprintf("the rate limit of %s: %s", in.Account, reason(failed[i]))})
			continue
		}
		if a.Left*10 < a.Limit {
			lines = append(lines, Line{Status: Warning,
				Seen: fmt.Sprintf("%s has %d of %d requests left until %s; after that its reviews wait", in.Account, a.Left, a.Limit, a.Reset.UTC().Format("15:04 MST")),
				Do:   "see what else uses this App's installation, and whether the account has far more pull requests than before"})
		}
		if least < 0 || a.Left < left[least].Left {
			least = i
		}
	}
	if lines == nil && least >= 0 {
		lines = one(OK, fmt.Sprintf("the rate limit is far: %s, the closest, has %d of %d requests left", asked[least].Account, left[least].Left, left[least].Limit), "")
	}
	lines = some(lines, "account")
	if rest := len(f.active) - len(asked); rest > 0 {
		lines = append(lines, Line{Status: Note, Seen: "the rate limit of " + count(rest, "more installation") + " was not looked at"})
	}
	return f, lines
}
