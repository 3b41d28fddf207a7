package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// An answer is what came back of a plain request. Its error has no address in
// it: that may hold a password.
type answer struct {
	status int
	header http.Header
	body   string // its first kilobyte
	took   time.Duration
}

// ask sends a request without any credentials of ours and follows no redirect.
func (o *Options) ask(ctx context.Context, method, address string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return answer{}, errors.New("it is no address")
	}
	return o.send(req, o.HTTP)
}

func (o *Options) send(req *http.Request, over http.RoundTripper) (answer, error) {
	client := http.Client{Transport: over, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req.Header.Set("User-Agent", "pullwarden")
	start := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		var address *url.Error
		if errors.As(err, &address) {
			err = address.Err
		}
		return answer{}, err
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	return answer{resp.StatusCode, resp.Header, string(body), time.Since(start)}, nil
}

// isGitHub tells GitHub from what may stand in between: a proxy that refuses,
// or a page to sign in at.
func (a answer) isGitHub() bool { return a.header.Get("X-GitHub-Request-Id") != "" }

const unreached = "GitHub's API cannot be reached"

// api sees whether GitHub's API can be reached at all, and what time it is there.
func api(ctx context.Context, o *Options, f facts) (facts, []Line) {
	address := plainAddress(o.APIURL)
	u, err := url.Parse(o.APIURL)
	if err != nil || u.Host == "" {
		return f, unseen("github.v3_api_url is no address", "")
	}
	let := fmt.Sprintf("let this machine reach %s: look at the firewall, the proxy and DNS, and at github.v3_api_url", u.Host)
	got, err := o.ask(ctx, http.MethodGet, u.JoinPath("meta").String())
	switch {
	case err != nil:
		return f, one(Problem, fmt.Sprintf("%s cannot be reached: %s", address, reason(err)), let)
	case got.status >= 500:
		return f, one(Problem, fmt.Sprintf("%s answers %d", address, got.status), "look at https://www.githubstatus.com, or at your own server, and "+let)
	case !got.isGitHub():
		return f, one(Problem, fmt.Sprintf("something that is not GitHub answers %d for %s", got.status, address), let)
	}
	f.reached = true
	if date, err := http.ParseTime(got.header.Get("Date")); err == nil {
		f.date = date
	}
	return f, one(OK, fmt.Sprintf("%s answers (%v)", address, got.took.Round(time.Millisecond)), "")
}

const (
	// What we sign says that it was made 30 s ago and is good for 90 s from now.
	aheadLimit, behindLimit = 30 * time.Second, 90 * time.Second
	// A time in whole seconds that is some time old says no more than this.
	clockError = 5 * time.Second
)

// clock compares ours with GitHub's, which refuses what was signed in its
// future, or has run out.
func clock(_ context.Context, o *Options, f facts) (facts, []Line) {
	if !f.reached {
		return f, blind("the clock", unreached)
	}
	if f.date.IsZero() {
		return f, unseen("the clock: GitHub did not tell the time", "")
	}
	off := o.Now().Sub(f.date).Round(time.Second)
	direction := "ahead of"
	if off < 0 {
		direction = "behind"
	}
	seen := fmt.Sprintf("this machine's clock is %v %s GitHub's", off.Abs(), direction)
	const set = "keep the clock with NTP: timedatectl set-ntp true"
	switch {
	case off >= aheadLimit || off <= -behindLimit+clockError:
		f.skewed = true
		return f, one(Problem, seen+", so that GitHub refuses what the App signs", set)
	case off.Abs() > clockError:
		return f, one(Warning, seen+fmt.Sprintf("; at %v ahead or %v behind, GitHub refuses what the App signs", aheadLimit, behindLimit), set)
	}
	return f, one(OK, "the clock agrees with GitHub's", "")
}

// graphQL asks through an installation, or, where there is none, sees only
// whether somebody answers.
func graphQL(ctx context.Context, o *Options, f facts) (facts, []Line) {
	address := plainAddress(o.GraphQLURL)
	let := "let this machine reach " + address + ", and look at github.v4_api_url"
	if o.GitHub == nil || len(f.active) == 0 {
		return f, o.answers(ctx, o.GraphQLURL, address, let)
	}
	if err := o.GitHub.GraphQL(ctx, f.active[0].ID); err != nil {
		return f, one(Problem, fmt.Sprintf("%s: %s", address, reason(err)), let)
	}
	return f, one(OK, address+" answers", "")
}

// git asks for a repository as git does before it fetches.
func git(ctx context.Context, o *Options, f facts) (facts, []Line) {
	address := plainAddress(o.WebURL)
	let := "let this machine reach " + address + ", from where pull requests are fetched, and look at github.web_url"
	if o.GitHub == nil || len(f.repos) == 0 {
		return f, o.answers(ctx, o.WebURL, address, let)
	}
	repo := f.repos[0]
	if err := o.GitHub.Git(ctx, repo); err != nil {
		return f, one(Problem, fmt.Sprintf("%v cannot be fetched from %s: %s", repo, address, reason(err)), let)
	}
	return f, one(OK, fmt.Sprintf("%s lets git fetch %v", address, repo), "")
}

func (o *Options) answers(ctx context.Context, url, address, let string) []Line {
	got, err := o.ask(ctx, http.MethodGet, url)
	switch {
	case err != nil:
		return one(Problem, fmt.Sprintf("%s cannot be reached: %s", address, reason(err)), let)
	case !got.isGitHub() || got.status >= 500:
		return one(Problem, fmt.Sprintf("what answers %d for %s is not GitHub", got.status, address), let)
	}
	return one(OK, address+" answers", "")
}
