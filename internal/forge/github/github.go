// Package github is the forge that is GitHub.
//
// Every call is made with a token that opens one repository and carries just
// the permissions of the step at hand. What stands on GitHub counts as ours
// only if our App wrote it and a marker keyed with our secret confirms it:
// text that somebody else wrote never steers us.
package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
)

// Options say which GitHub and which App.
type Options struct {
	AppID      int64
	PrivateKey []byte  // PEM
	Writer     *Writer // nil: the App writes to repositories itself, if it may
	APIURL     string  // REST, "https://host/api/v3" or GitHub's own
	GraphQLURL string
	WebURL     string      // where people look: "https://host"
	GitURL     string      // where git fetches from; WebURL if empty
	Key        finding.Key // signs the hidden markers
	HTTP       *http.Client
	Limits     Limits           // of each installation; zero for none
	UserAgent  string           // "pullwarden" if empty
	Now        func() time.Time // time.Now if nil
	Called     func(Call)       // told of each call to the API; may be nil
}

// Forge is one App on one GitHub. It is safe for concurrent use.
type Forge struct {
	appID         int64
	api           *url.URL
	graphqlURL    string
	git           string
	key           finding.Key
	agent         string
	timeout       time.Duration
	now           func() time.Time
	apps          *ghinstallation.AppsTransport
	tokens        *tokens
	answers       *answers
	ownersFiles   ownersFiles
	locks         locks
	writes        writes
	name          *appName
	reader        *installations
	writer        *writer
	repoName      *regexp.Regexp
	commentMarker *regexp.Regexp
	branchMarker  *regexp.Regexp
	fixMarker     *regexp.Regexp
}

var _ forge.Forge = (*Forge)(nil)

// callTimeout bounds one call, the minting of its token included.
const callTimeout = 30 * time.Second

// New returns the App of o. It makes no call.
func New(o Options) (*Forge, error) {
	if o.AppID <= 0 {
		return nil, errors.New("github: no App id")
	}
	api, err := endpoint("API", o.APIURL)
	if err != nil {
		return nil, err
	}
	graphql, err := endpoint("GraphQL", o.GraphQLURL)
	if err != nil {
		return nil, err
	}
	if o.GitURL == "" {
		o.GitURL = o.WebURL
	}
	git, err := endpoint("web", o.GitURL)
	if err != nil {
		return nil, err
	}
	f := &Forge{
		appID:         o.AppID,
		api:           api,
		graphqlURL:    graphql.String(),
		git:           strings.TrimSuffix(git.String(), "/"),
		key:           o.Key,
		agent:         o.UserAgent,
		timeout:       callTimeout,
		now:           o.Now,
		repoName:      regexp.MustCompile(`^[A-Za-z0-9._-]+$`),
		commentMarker: regexp.MustCompile(markPattern),
		branchMarker:  regexp.MustCompile(`(?m)^Pullwarden-Branch: ([0-9a-f]{32})$`),
		fixMarker:     regexp.MustCompile(`(?m)^Pullwarden-Fix: ([0-9a-f]{32})$`),
	}
	if f.agent == "" {
		f.agent = "pullwarden"
	}
	if f.now == nil {
		f.now = time.Now
	}
	wire := http.DefaultTransport
	if o.HTTP != nil {
		if o.HTTP.Transport != nil {
			wire = o.HTTP.Transport
		}
		if o.HTTP.Timeout > 0 {
			f.timeout = o.HTTP.Timeout
		}
	}
	wire = &headers{next: wire, agent: f.agent}
	if o.Called != nil {
		wire = &caller{next: wire, api: api, query: f.graphqlURL, called: o.Called}
	}
	f.answers = newAnswers()
	f.ownersFiles.kept = map[ownersKey]ownersAnswer{}
	limiter := newLimiter(o.Limits, f.now)
	identity := func(id int64, key []byte, setting string) (*ghinstallation.AppsTransport, *tokens, error) {
		apps, err := ghinstallation.NewAppsTransport(wire, id, key)
		if err != nil {
			return nil, nil, fmt.Errorf("github: the App's private key (%s) is no RSA key in PEM", setting)
		}
		apps.BaseURL = strings.TrimSuffix(api.String(), "/")
		return apps, newTokens(apps, wire, f.now, limiter, api, graphql), nil
	}
	if f.apps, f.tokens, err = identity(o.AppID, o.PrivateKey, "github.app.private_key"); err != nil {
		return nil, err
	}
	f.name = newAppName(f.appClient(f.apps))
	f.reader = newInstallations(f, "the App", f.appClient(f.apps))
	if o.Writer != nil {
		apps, tokens, err := identity(o.Writer.AppID, o.Writer.PrivateKey, "writer.private_key")
		if err != nil {
			return nil, err
		}
		f.writer = newWriter(f, f.appClient(apps), tokens)
	}
	return f, nil
}

// endpoint parses an address; paths below it resolve against the result.
func endpoint(what, address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("github: the %s address %q is no http or https URL", what, address)
	}
	if u.User != nil {
		return nil, fmt.Errorf("github: the %s address must not hold credentials", what)
	}
	if what == "API" && !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	return u, nil
}

// client returns a client for one repository that may do what g says. Names
// come from outside: one that could leave its place in a path is refused.
func (f *Forge) client(repo forge.Repo, g grant) (*gh.Client, error) {
	for _, part := range []string{repo.Owner, repo.Name} {
		if !f.repoName.MatchString(part) || part == "." || part == ".." {
			return nil, fmt.Errorf("repository %q: not a name: %w", repo.String(), forge.ErrNotFound)
		}
	}
	if repo.ID <= 0 || repo.Installation <= 0 {
		return nil, fmt.Errorf("repository %v: its id or installation is not known: %w", repo, forge.ErrNotFound)
	}
	k := tokenKey{installation: repo.Installation, repo: repo.ID, grant: g}
	return f.clientOver(conditional(&bearer{f.tokens, k}, f.answers.to(k))), nil
}

func (f *Forge) clientOver(wire http.RoundTripper) *gh.Client {
	c := gh.NewClient(&http.Client{Transport: wire, Timeout: f.timeout})
	c.BaseURL, c.UserAgent = f.api, f.agent
	return c
}

// appClient returns what makes clients for the questions of an App as such.
func (f *Forge) appClient(apps *ghinstallation.AppsTransport) func() *gh.Client {
	return func() *gh.Client {
		own := *apps // the library writes to it
		return f.clientOver(&own)
	}
}

// login returns the name of our App, under which GitHub shows what it wrote.
func (f *Forge) login(ctx context.Context) (string, error) {
	slug, err := f.name.get(ctx)
	return slug, f.wrap(err, "ask for the name of our App")
}

// An appName is what an App is called. It asks once.
type appName struct {
	client func() *gh.Client
	turn   chan struct{} // held while the name is asked for
	slug   string
}

func newAppName(client func() *gh.Client) *appName {
	return &appName{client: client, turn: make(chan struct{}, 1)}
}

func (n *appName) get(ctx context.Context) (string, error) {
	select {
	case n.turn <- struct{}{}:
		defer func() { <-n.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if n.slug != "" {
		return n.slug, nil
	}
	app, _, err := n.client().Apps.Get(ctx, "")
	if err != nil {
		return "", err
	}
	if app.GetSlug() == "" {
		return "", errors.New("the answer has none")
	}
	n.slug = app.GetSlug()
	return n.slug, nil
}

// isOurs reports whether a REST user is our App's bot.
func isOurs(u *gh.User, slug string) bool {
	return u.GetType() == "Bot" && u.GetLogin() == slug+"[bot]"
}

// headers adds what GitHub wants on every request, the library's own
// requests for tokens included.
type headers struct {
	next  http.RoundTripper
	agent string
}

func (h *headers) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", h.agent)
	if accept := req.Header.Get("Accept"); accept != "" {
		req.Header.Set("Accept", accept) // the library sets it twice
	} else {
		req.Header.Set("Accept", "application/vnd.github+json")
	}
	if req.Header.Get("X-GitHub-Api-Version") == "" {
		req.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	}
	return h.next.RoundTrip(req)
}

// locks lets one goroutine at a time work on one thing.
type locks struct {
	mu   sync.Mutex
	held map[string]*lock
}

type lock struct {
	turn  chan struct{}
	users int
}

// take waits for its turn at key. The caller must call release.
func (l *locks) take(ctx context.Context, key string) (release func(), err error) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[string]*lock{}
	}
	k := l.held[key]
	if k == nil {
		k = &lock{turn: make(chan struct{}, 1)}
		l.held[key] = k
	}
	k.users++
	l.mu.Unlock()
	leave := func() {
		l.mu.Lock()
		if k.users--; k.users == 0 {
			delete(l.held, key)
		}
		l.mu.Unlock()
	}
	select {
	case k.turn <- struct{}{}:
		return func() { <-k.turn; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
