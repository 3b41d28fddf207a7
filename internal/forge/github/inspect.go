package github

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// An Inspector asks GitHub how our App is set up: what an operator would look
// up on GitHub's pages. All it ever changes is that a delivery is made again,
// if that is asked for. It is safe for concurrent use.
type Inspector struct {
	forge *Forge
	web   string
	app   func() *gh.Client // the App itself

	mu      sync.Mutex
	clients map[int64]*gh.Client // by installation, good for an hour
}

// NewInspector returns an Inspector of the App of o. It makes no call.
func NewInspector(o Options) (*Inspector, error) {
	f, err := New(o)
	if err != nil {
		return nil, err
	}
	return &Inspector{forge: f, web: strings.TrimSuffix(o.WebURL, "/"), app: f.appClient(f.apps), clients: map[int64]*gh.Client{}}, nil
}

// grantForm is how GitHub tells a forge.Grant. The library's type leaves out
// permissions that it does not know.
type grantForm struct {
	Permissions map[string]string `json:"permissions"`
	Events      []string          `json:"events"`
}

func (g grantForm) grant() forge.Grant {
	return forge.Grant{Permissions: g.Permissions, Events: g.Events}
}

// accountForm is a user or an organization; an enterprise has a slug and no login.
type accountForm struct{ Login, Slug, Type string }

func (a accountForm) name() string {
	if a.Login == "" {
		return a.Slug
	}
	return a.Login
}

// App returns our registration. A key or an id that GitHub does not know is
// forge.ErrDenied or forge.ErrNotFound.
func (i *Inspector) App(ctx context.Context) (forge.App, error) {
	var v struct {
		ID    int64
		Slug  string
		Owner accountForm
		grantForm
	}
	if _, err := i.get(ctx, i.app(), "app", &v); err != nil {
		return forge.App{}, i.forge.wrap(err, "ask for our App")
	}
	page := i.web
	if v.Owner.Type == "Organization" {
		page += "/organizations/" + url.PathEscape(v.Owner.Login)
	}
	page += "/settings/apps/" + url.PathEscape(v.Slug)
	return forge.App{ID: v.ID, Slug: v.Slug, Owner: v.Owner.name(), Grant: v.grant(),
		SettingsPage: page, PermissionsPage: page + "/permissions", DeliveriesPage: page + "/advanced"}, nil
}

// Installations returns at most most installations, and whether there are more.
func (i *Inspector) Installations(ctx context.Context, most int) (list []forge.Installation, more bool, err error) {
	for page := 1; page != 0; {
		var v []struct {
			ID        int64
			Account   accountForm
			Suspended time.Time `json:"suspended_at"`
			Page      string    `json:"html_url"`
			grantForm
		}
		resp, err := i.get(ctx, i.app(), fmt.Sprintf("app/installations?per_page=100&page=%d", page), &v)
		if err != nil {
			return nil, false, i.forge.wrap(err, "list the installations")
		}
		for _, in := range v {
			if len(list) == most {
				return list, true, nil
			}
			list = append(list, forge.Installation{ID: in.ID, Account: in.Account.name(), Grant: in.grant(), Suspended: in.Suspended, Page: in.Page})
		}
		page = resp.NextPage
	}
	return list, false, nil
}

// Hook returns how our webhook is set up; an App without one is forge.ErrNotFound.
func (i *Inspector) Hook(ctx context.Context) (forge.Hook, error) {
	var v struct {
		URL         string
		ContentType string `json:"content_type"`
		Insecure    any    `json:"insecure_ssl"` // "0", or 0
		Secret      string
	}
	if _, err := i.get(ctx, i.app(), "app/hook/config", &v); err != nil {
		return forge.Hook{}, i.forge.wrap(err, "ask for the webhook")
	}
	return forge.Hook{URL: v.URL, ContentType: v.ContentType, Insecure: fmt.Sprint(v.Insecure) != "0", Secret: v.Secret != ""}, nil
}

// Attempts returns the latest deliveries, up to a hundred, newest first.
func (i *Inspector) Attempts(ctx context.Context) ([]forge.Attempt, error) {
	list, _, err := i.app().Apps.ListHookDeliveries(ctx, &gh.ListCursorOptions{PerPage: 100})
	if err != nil {
		return nil, i.forge.wrap(err, "list the deliveries")
	}
	var out []forge.Attempt
	for _, d := range list {
		out = append(out, attemptOf(d))
	}
	return out, nil
}

// Redeliver asks GitHub to make a delivery again. The outcome is another Attempt, some time later.
func (i *Inspector) Redeliver(ctx context.Context, attempt int64) error {
	return i.forge.Redeliver(ctx, attempt)
}

// Allowance returns what is left to an installation of GitHub's hourly limit.
// Asking costs nothing of it.
func (i *Inspector) Allowance(ctx context.Context, installation int64) (forge.Allowance, error) {
	c, err := i.asInstallation(ctx, installation)
	if err != nil {
		return forge.Allowance{}, err
	}
	limits, _, err := c.RateLimit.Get(ctx)
	if err != nil {
		return forge.Allowance{}, i.forge.wrap(err, "ask for the rate limit")
	}
	core := limits.GetCore()
	if core == nil { // GitHub Enterprise Server may have none
		return forge.Allowance{}, fmt.Errorf("ask for the rate limit: %w", forge.ErrNotFound)
	}
	return forge.Allowance{Limit: core.Limit, Left: core.Remaining, Reset: core.Reset.Time}, nil
}

// Repositories returns at most most repositories of an installation that are
// neither archived nor disabled, and how many it has of all.
func (i *Inspector) Repositories(ctx context.Context, installation int64, most int) (list []forge.Repo, total int, err error) {
	c, err := i.asInstallation(ctx, installation)
	if err != nil {
		return nil, 0, err
	}
	for page := 1; page != 0; {
		answer, resp, err := c.Apps.ListRepos(ctx, &gh.ListOptions{Page: page, PerPage: 100})
		if err != nil {
			return nil, 0, i.forge.wrap(err, "list the repositories")
		}
		total = answer.GetTotalCount()
		for _, r := range answer.Repositories {
			if r.GetArchived() || r.GetDisabled() {
				total--
				continue
			}
			if len(list) < most {
				list = append(list, forge.Repo{ID: r.GetID(), Installation: installation,
					Owner: r.GetOwner().GetLogin(), Name: r.GetName(), Default: r.GetDefaultBranch()})
			}
		}
		if page = resp.NextPage; len(list) == most {
			break
		}
	}
	return list, total, nil
}

// asInstallation is a client that may read metadata of an installation's
// repositories, all of them, and nothing else.
func (i *Inspector) asInstallation(ctx context.Context, id int64) (*gh.Client, error) {
	i.mu.Lock()
	c := i.clients[id]
	i.mu.Unlock()
	if c != nil {
		return c, nil
	}
	token, _, err := i.app().Apps.CreateInstallationToken(ctx, id, &gh.InstallationTokenOptions{Permissions: grant{}.permissions()})
	if err != nil {
		return nil, i.forge.wrap(err, "get a token for installation %d", id)
	}
	c = i.forge.clientOver(&anInstallation{i.forge.tokens, token.GetToken()})
	i.mu.Lock()
	defer i.mu.Unlock()
	i.clients[id] = c
	return c, nil
}

func (i *Inspector) get(ctx context.Context, c *gh.Client, path string, into any) (*gh.Response, error) {
	req, err := c.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	return c.Do(ctx, req, into)
}

// anInstallation sends requests with one token, to GitHub's API alone.
type anInstallation struct {
	tokens *tokens
	value  string
}

func (t *anInstallation) RoundTrip(req *http.Request) (*http.Response, error) {
	if !t.tokens.hosts[req.URL.Host] {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, fmt.Errorf("%s is not GitHub's API: not asked", req.URL.Host)
	}
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "token "+t.value)
	return t.tokens.wire.RoundTrip(req)
}
