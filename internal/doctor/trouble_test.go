package doctor_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/doctor"
	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge/github"
)

// A case is a set-up in which something is wrong: just the lines that want
// names are not ok, and what the first of them say and advise has the words of seen.
type trial struct {
	name    string
	hub     func(*fakehub.Options)
	spoil   func(w *world)
	want    []string // "check: status"
	seen    []string
	verdict string // "" means problem if there is one
}

func play(t *testing.T, trials []trial) {
	for _, c := range trials {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var change []func(*fakehub.Options)
			if c.hub != nil {
				change = append(change, c.hub)
			}
			w := newWorld(t, change...)
			w.deliver(w.hook)
			if c.spoil != nil {
				c.spoil(w)
			}
			r, text := w.look()
			assert.Equal(t, c.want, trouble(r), text)
			said := ""
			for _, l := range r.Lines {
				if l.Status != doctor.OK {
					said += l.Seen + " " + l.Do + "\n"
				}
			}
			for _, word := range c.seen {
				assert.Contains(t, said, word)
			}
			verdict := "ok"
			switch {
			case r.Counts[doctor.Problem] > 0:
				verdict = "problem"
			case r.Counts[doctor.Unseen] > 0:
				verdict = "incomplete"
			}
			assert.Equal(t, verdict, r.Verdict)
		})
	}
}

const (
	problem = ": problem"
	warning = ": warning"
	note    = ": note"
	unseen  = ": not looked at"
)

// notAsked is what cannot be looked at without being known as the App.
func notAsked(first ...string) []string {
	return append(first, "github.permissions"+unseen, "github.installations"+unseen, "github.consent"+unseen, "github.rate_limit"+unseen,
		"github.repositories"+unseen, "github.required_check"+unseen, "webhook.config"+unseen, "webhook.certificate"+unseen, "webhook.deliveries"+unseen)
}

func TestSettings(t *testing.T) {
	play(t, []trial{
		{name: "invalid", spoil: func(w *world) {
			w.o.File, w.o.Settings = "pullwarden.yml", []string{"review.workers: 0 is not between 1 and 256", "keep_days: 0 is under one day"}
		}, want: []string{"settings.values" + problem, "settings.values" + problem}, seen: []string{"review.workers: 0", "keep_days", "set it in pullwarden.yml"}},
		{name: "admin address open to the network", spoil: func(w *world) { w.o.AdminAddress = "0.0.0.0" + w.o.AdminAddress[len("127.0.0.1"):] },
			want: []string{"settings.admin_address" + warning}, seen: []string{"127.0.0.1:9090"}},
		{name: "old secret left in place", spoil: func(w *world) { w.o.OldSecret = true },
			want: []string{"settings.old_secret" + warning}, seen: []string{"GITHUB_APP_OLD_WEBHOOK_SECRET"}},
		{name: "old fingerprint key left in place", spoil: func(w *world) { w.o.OldKey = true },
			want: []string{"settings.old_key" + note}, seen: []string{"PULLWARDEN_OLD_FINGERPRINT_KEY"}},
		{name: "proxy", spoil: func(w *world) {
			w.o.Env = func(k string) string {
				return map[string]string{"HTTPS_PROXY": "http://dev:" + password + "@proxy.example:3128"}[k]
			}
			w.o.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(w.o.Env("HTTPS_PROXY")) }
		}, want: []string{"settings.proxy" + note}, seen: []string{"through the proxy http://proxy.example:3128: HTTPS_PROXY set"}},
		{name: "proxy that is no address", spoil: func(w *world) {
			w.o.Env = func(k string) string { return map[string]string{"https_proxy": "%%" + password}[k] }
			w.o.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(w.o.Env("https_proxy")) }
		}, want: []string{"settings.proxy" + problem}, seen: []string{"https_proxy"}},
	})
}

func TestGitHubOutOfReach(t *testing.T) {
	all := notAsked("github.api"+problem, "github.clock"+unseen, "github.app"+unseen)
	play(t, []trial{
		{name: "down", spoil: func(w *world) { w.o.APIURL = "http://" + nowhere(t) + "/api/v3" }, want: all, seen: []string{"connection refused", "firewall"}},
		{name: "error", spoil: func(w *world) { w.hub.Fail(fakehub.Fault{Match: "GET /meta", Status: 503}) }, want: all, seen: []string{"answers 503"}},
		{name: "a page to sign in at", spoil: func(w *world) { w.o.APIURL = w.answers(200) }, want: all, seen: []string{"something that is not GitHub answers 200"}},
		{name: "GraphQL", spoil: func(w *world) { w.hub.Fail(fakehub.Fault{Match: "POST /graphql", Status: 502}) },
			want: []string{"github.graphql" + problem}, seen: []string{"502", "github.v4_api_url"}},
		{name: "git", spoil: func(w *world) { w.hub.Fail(fakehub.Fault{Match: "GET /acme/shop.git/info/refs", Status: 403}) },
			want: []string{"github.git" + problem}, seen: []string{"acme/shop cannot be fetched", "github.web_url"}},
		{name: "git, without an installation to try", spoil: func(w *world) {
			w.hub.Uninstall("acme")
			w.o.WebURL, w.o.GraphQLURL = w.answers(200), w.answers(401)
		}, want: []string{"github.installations" + warning, "github.graphql" + problem, "github.git" + problem}, seen: []string{"is not GitHub"}},
	})
}

func TestClock(t *testing.T) {
	off := func(d time.Duration) func(*world) {
		return func(w *world) { w.o.Now = func() time.Time { return time.Now().Add(d) } }
	}
	late := func(o *fakehub.Options) { o.Now = func() time.Time { return time.Now().Add(10 * time.Minute) } }
	play(t, []trial{
		{name: "a little off", spoil: off(15 * time.Second), want: []string{"github.clock" + warning}, seen: []string{"ahead of GitHub's"}},
		{name: "ahead", spoil: off(45 * time.Second), want: []string{"github.clock" + problem}, seen: []string{"timedatectl"}},
		{name: "behind", spoil: off(-2 * time.Minute), want: []string{"github.clock" + problem}, seen: []string{"behind GitHub's"}},
		{name: "so far off that the App is refused", hub: late, want: notAsked("github.clock"+problem, "github.app"+problem), seen: []string{"set the clock first"}},
	})
}

func TestApp(t *testing.T) {
	play(t, []trial{
		{name: "wrong key", spoil: func(w *world) {
			other, err := rsa.GenerateKey(rand.Reader, 2048)
			require.NoError(t, err)
			w.app.PrivateKey = []byte(pemOf(other))
			w.inspector()
		}, want: notAsked("github.app" + problem), seen: []string{"private key is not one of App 7", "401", "generate a private key"}},
		{name: "wrong id", spoil: func(w *world) {
			w.app.AppID, w.o.AppID = 8, 8
			w.listen(8)
			w.inspector()
		}, want: notAsked("github.app" + problem), seen: []string{"knows no App 8", "GITHUB_APP_INTEGRATION_ID"}},
		{name: "key that cannot be read", spoil: func(w *world) { w.o.GitHub, w.o.Unasked = nil, errors.New("no RSA key in PEM") },
			want: notAsked("github.app" + problem), seen: []string{"no RSA key in PEM", "GITHUB_APP_PRIVATE_KEY"}},
		{name: "no key in the settings", spoil: func(w *world) {
			w.o.GitHub, w.o.Unasked, w.o.Settings = nil, errors.New("no key"), []string{"github.app.private_key: is required"}
		}, want: notAsked("settings.values"+problem, "github.app"+unseen)},
		{name: "no answer", spoil: func(w *world) { w.hub.Fail(fakehub.Fault{Match: "GET /app", Status: 500}) },
			want: notAsked("github.app" + unseen), seen: []string{"500"}},
	})
}

// asks changes what the App asks for, and has every account accept it.
func asks(w *world, change map[string]string, events func([]string) []string) {
	w.Helper()
	permissions := map[string]string{}
	for name, level := range w.o.Want.Permissions {
		permissions[name] = level
	}
	for name, level := range change {
		permissions[name] = level
		if level == "" {
			delete(permissions, name)
		}
	}
	list := w.o.Want.Events
	if events != nil {
		list = events(append([]string{}, list...))
	}
	w.hub.Ask(permissions, list)
	require.NoError(w, w.hub.Accept("acme"))
}

func without(name string) func([]string) []string {
	return func(list []string) (rest []string) {
		for _, e := range list {
			if e != name {
				rest = append(rest, e)
			}
		}
		return rest
	}
}

func TestPermissions(t *testing.T) {
	lack, more := []string{"github.permissions" + problem}, []string{"github.permissions" + warning}
	play(t, []trial{
		{name: "one is missing", spoil: func(w *world) { asks(w, map[string]string{"checks": "read"}, nil) }, want: lack, seen: []string{"checks: write", "/settings/apps/pullwarden/permissions"}},
		{name: "an event is missing", spoil: func(w *world) { asks(w, nil, without("merge_group")) }, want: lack, seen: []string{"event merge_group"}},
		{name: "upgrades lack theirs", spoil: func(w *world) { asks(w, map[string]string{"contents": "read"}, without("push")) },
			want: more, seen: []string{"contents: write, event push", "upgrades.enabled"}},
		{name: "too many", spoil: func(w *world) {
			asks(w, map[string]string{"administration": "write", "checks": "write"}, func(l []string) []string { return append(l, "issues") })
		}, want: more, seen: []string{"administration: write, event issues", "app.yml"}},
		{name: "more than it takes without upgrades", spoil: func(w *world) {
			w.o.Want, w.o.Manifest = github.Manifests()["app.no-upgrades.yml"], "app.no-upgrades.yml"
		},
			want: more, seen: []string{"contents: write, event push", "app.no-upgrades.yml"}},
		{name: "without upgrades", spoil: func(w *world) {
			asks(w, map[string]string{"contents": "read"}, without("push"))
			w.o.Want = github.Manifests()["app.no-upgrades.yml"]
		}},
	})
}

func TestInstallations(t *testing.T) {
	second := func(w *world) {
		_, err := w.hub.AddRepo("octo-org", "site")
		require.NoError(t, err)
	}
	play(t, []trial{
		{name: "none", spoil: func(w *world) { w.hub.Uninstall("acme") }, want: []string{"github.installations" + warning}, seen: []string{"/settings/apps/pullwarden/installations"}},
		{name: "suspended", spoil: func(w *world) { second(w); require.NoError(t, w.hub.Suspend("octo-org")) },
			want: []string{"github.installations" + note}, seen: []string{"on octo-org is suspended since " + time.Now().UTC().Format("2006-"), "/settings/installations/"}},
		{name: "not accepted what is needed", hub: func(o *fakehub.Options) {
			o.Permissions = map[string]string{"contents": "write", "pull_requests": "write", "merge_queues": "read"}
		},
			spoil: func(w *world) {
				second(w)
				asks(w, nil, nil) // octo-org does not accept
			}, want: []string{"github.consent" + problem, "github.required_check" + note}, seen: []string{"octo-org does not grant what the App asks for by now: checks: write", "/settings/installations/"}},
		{name: "not accepted what upgrades need", hub: func(o *fakehub.Options) {
			o.Permissions = map[string]string{"contents": "read", "checks": "write", "pull_requests": "write", "merge_queues": "read"}
		}, spoil: func(w *world) {
			second(w)
			asks(w, nil, nil)
		}, want: []string{"github.consent" + warning, "github.required_check" + note}, seen: []string{"contents: write"}},
		{name: "cannot be listed", spoil: func(w *world) { w.hub.Fail(fakehub.Fault{Match: "GET /app/installations", Status: 500}) },
			want: []string{"github.installations" + unseen, "github.consent" + unseen, "github.rate_limit" + unseen, "github.repositories" + unseen, "github.required_check" + unseen}},
		{name: "rate limit nearly spent", spoil: func(w *world) {
			w.hub.Fail(fakehub.Fault{Match: "GET /rate_limit", Status: 200, Body: `{"resources":{"core":{"limit":5000,"remaining":12,"used":4988,"reset":1790000000}}}`})
		}, want: []string{"github.rate_limit" + warning}, seen: []string{"acme has 12 of 5000 requests left until"}},
		{name: "rate limit not told", spoil: func(w *world) { w.hub.Fail(fakehub.Fault{Match: "GET /rate_limit", Status: 500}) },
			want: []string{"github.rate_limit" + unseen}, seen: []string{"acme"}},
		{name: "no rate limit", spoil: func(w *world) {
			w.hub.Fail(fakehub.Fault{Match: "GET /rate_limit", Status: 404, Body: `{"message": "Rate limiting is not enabled."}`})
		}},
	})
}

func TestRequiredChecks(t *testing.T) {
	add := func(w *world, name string, q ...fakehub.Requirement) {
		repo, err := w.hub.AddRepo("acme", name)
		require.NoError(t, err)
		_, err = repo.Commit("main", "Begin", map[string]string{"README": "x\n"})
		require.NoError(t, err)
		for _, one := range q {
			one.Branch, one.Check = "main", "pullwarden"
			repo.Require(one)
		}
	}
	type rule = fakehub.Requirement
	check := "github.required_check"
	play(t, []trial{
		{name: "not required", spoil: func(w *world) { add(w, "docs") }, want: []string{check + note}, seen: []string{"acme/docs", "Rulesets"}},
		{name: "from any source", spoil: func(w *world) { add(w, "blog", rule{}) }, want: []string{check + warning},
			seen: []string{"acme/blog requires the check pullwarden from any source", "/acme/blog/settings/rules/", `choose "pullwarden" instead`}},
		{name: "from any source, by branch protection", spoil: func(w *world) { add(w, "blog", rule{Classic: true}) }, want: []string{check + warning},
			seen: []string{"/acme/blog/settings/branches"}},
		{name: "from any source, and from us as well", spoil: func(w *world) { add(w, "blog", rule{}, rule{App: 7, Classic: true}) }},
		{name: "from another App", spoil: func(w *world) { add(w, "infra", rule{App: 15368, Organization: true}) }, want: []string{check + problem},
			seen: []string{"of App 15368, which is not this one (7)", "/organizations/acme/settings/rules/"}},
		{name: "from another App, and from us as well", spoil: func(w *world) { add(w, "infra", rule{App: 7}, rule{App: 15368}) }, want: []string{check + problem}},
		{name: "not to be seen", spoil: func(w *world) {
			w.hub.Fail(fakehub.Fault{Match: "GET /repos/acme/shop/rules/*", Status: 403, Body: `{"message": "Resource not accessible by integration"}`})
		}, want: []string{check + unseen}, seen: []string{"whether acme/shop requires the check"}},
		{name: "more repositories than are looked at", spoil: func(w *world) {
			add(w, "a", rule{App: 7})
			add(w, "b", rule{App: 7})
			w.o.Repositories = 1
		}, want: []string{"github.repositories" + note}, seen: []string{"2 further repositories of these were not looked at", "--repositories 3"}},
		{name: "more accounts than are looked at", spoil: func(w *world) {
			for _, account := range []string{"b-org", "c-org"} {
				_, err := w.hub.AddRepo(account, "x")
				require.NoError(t, err)
			}
			w.o.Repositories = 1
		}, want: []string{"github.repositories" + note}, seen: []string{"the repositories of 2 more accounts were not looked at"}},
		{name: "repositories not told", spoil: func(w *world) { w.hub.Fail(fakehub.Fault{Match: "GET /installation/repositories", Status: 500}) },
			want: []string{"github.repositories" + unseen, check + unseen}},
		{name: "in many", spoil: func(w *world) {
			for n := range 14 {
				add(w, fmt.Sprintf("blog-%02d", n), rule{})
			}
		}, want: repeat(check+warning, 14), seen: []string{"acme/blog-13"}},
	})
}

func repeat(s string, n int) (list []string) {
	for range n {
		list = append(list, s)
	}
	return list
}

func TestServer(t *testing.T) {
	foreign := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		http.Error(rw, "deliveries do not come from this address", http.StatusForbidden)
	})
	run, hook := "server.running", "server.webhook"
	play(t, []trial{
		{name: "does not run", spoil: func(w *world) { w.o.Address, w.o.AdminAddress = nowhere(t), nowhere(t) },
			want: []string{run + unseen, hook + unseen}, seen: []string{"pullwarden serve"}},
		{name: "not ready", spoil: func(w *world) {
			w.o.AdminAddress = address(w.serve(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				http.Error(rw, "not ready: the database does not answer\nnot ready: work has waited for 1h0m0s", http.StatusServiceUnavailable)
			})))
		}, want: []string{run + problem}, seen: []string{"is not ready: the database does not answer; work has waited for 1h0m0s"}},
		{name: "something else listens", spoil: func(w *world) {
			w.o.AdminAddress = address(w.answers(404))
			w.o.Address = address(w.answers(404))
		}, want: []string{run + problem, hook + problem}, seen: []string{"is not this server", "does not take deliveries"}},
		{name: "runs with another secret", spoil: func(w *world) { w.sign = "another" + "-one"; w.listen(7) },
			want: []string{hook + problem}, seen: []string{"another webhook secret", "restart it"}},
		{name: "runs for another App", spoil: func(w *world) { w.listen(8) }, want: []string{hook + problem}, seen: []string{"for another App"}},
		{name: "port left to chance", spoil: func(w *world) { w.o.Address, w.o.AdminAddress = "127.0.0.1:0", "127.0.0.1:0" },
			want: []string{run + unseen, hook + unseen}, seen: []string{"leaves the port to chance"}},
		{name: "on every address", spoil: func(w *world) { w.o.Address = w.o.Address[len("127.0.0.1"):] }},
		{name: "speaks TLS by itself", spoil: func(w *world) {
			s := httptest.NewUnstartedServer(w.handler(7))
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.StartTLS()
			w.Cleanup(s.Close)
			w.o.Address, w.o.TLS = strings.TrimPrefix(s.URL, "https://"), true
		}},
		{name: "takes deliveries of others alone", spoil: func(w *world) { w.o.Address, w.o.Senders = address(w.serve(foreign)), true },
			want: []string{hook + note}, seen: []string{"GitHub's arrive"}},
		{name: "takes deliveries of others alone, and there are none", spoil: func(w *world) {
			w.o.Address, w.o.Senders = address(w.serve(foreign)), true
			w.deliver("http://" + nowhere(t))
		}, want: []string{"webhook.deliveries" + problem, hook + unseen}, seen: []string{"--redeliver"}},
		{name: "takes none at the moment", spoil: func(w *world) { w.o.Address = address(w.answers(503)) },
			want: []string{hook + problem}, seen: []string{"at the moment"}},
		{name: "no secret", spoil: func(w *world) { w.o.WebhookSecret = "" }, want: []string{hook + unseen}},
	})
}

func TestDatabase(t *testing.T) {
	is := func(db doctor.Database, err error) func(*world) {
		if db.Kind == "" {
			db.Kind, db.File = "SQLite", "/var/lib/pullwarden/p.db"
		}
		return func(w *world) { w.o.Database = func(context.Context) (doctor.Database, error) { return db, err } }
	}
	bad, odd, fine := []string{"server.database" + problem}, []string{"server.database" + warning}, []string{"server.database" + note}
	play(t, []trial{
		{name: "does not answer", spoil: is(doctor.Database{}, errors.New("connect: "+password+" refused")), want: bad, seen: []string{"connect: (secret) refused", "PULLWARDEN_DATABASE_URL"}},
		{name: "not for this user", spoil: is(doctor.Database{}, fmt.Errorf("open: %w", fs.ErrPermission)), want: bad, seen: []string{fmt.Sprintf("runs as user %d", os.Getuid())}},
		{name: "in memory", spoil: is(doctor.Database{Kind: "SQLite", File: ":memory:"}, nil), want: odd, seen: []string{"is lost when the server stops"}},
		{name: "of a later version", spoil: is(doctor.Database{Exists: true, Newer: true}, nil), want: bad, seen: []string{"later version"}},
		{name: "takes no writes", spoil: is(doctor.Database{Exists: true, Refuses: errors.New("disk is full")}, nil), want: bad, seen: []string{"/var/lib/pullwarden/p.db cannot be written to: disk is full"}},
		{name: "may not be written to", spoil: is(doctor.Database{Exists: true, Refuses: fs.ErrPermission}, nil), want: bad, seen: []string{"run doctor as the server's"}},
		{name: "nowhere", spoil: is(doctor.Database{Refuses: fmt.Errorf("/var/lib/pulwarden: %w", fs.ErrNotExist)}, nil), want: bad, seen: []string{"/var/lib/pulwarden", "--create"}},
		{name: "not made yet", spoil: is(doctor.Database{}, nil), want: fine, seen: []string{"the server makes it when it starts"}},
		{name: "lacks migrations", spoil: is(doctor.Database{Exists: true, Pending: 2}, nil), want: fine, seen: []string{"lacks 2 migrations", "back it up"}},
		{name: "lacks migrations at work", spoil: is(doctor.Database{Exists: true, Pending: 1, InUse: true}, nil), want: odd, seen: []string{"lacks 1 migration,", "restart the server"}},
		{name: "at work", spoil: is(doctor.Database{Exists: true, InUse: true}, nil)},
	})
}

func TestMachine(t *testing.T) {
	free := func(n uint64, err error) func(*world) {
		return func(w *world) { w.o.Free = func(string) (uint64, error) { return n, err } }
	}
	index := func(a doctor.Advisories, err error) func(*world) {
		return func(w *world) { w.o.Advisories = func(context.Context) (doctor.Advisories, error) { return a, err } }
	}
	registry := func(address func(*world) string) func(*world) {
		return func(w *world) { w.o.Registries[0].Address = address(w) }
	}
	disk, adv, reg := "server.disk", "server.advisories", "server.registries"
	play(t, []trial{
		{name: "little space", spoil: free(700<<20, nil), want: []string{disk + warning}, seen: []string{"only 700 MiB free"}},
		{name: "no space", spoil: free(3<<20, nil), want: []string{disk + problem}, seen: []string{"only 3 MiB", "make room"}},
		{name: "space not told", spoil: free(0, errors.ErrUnsupported), want: []string{disk + unseen}},
		{name: "no advisories", spoil: index(doctor.Advisories{Dir: "/a"}, nil), want: []string{adv + problem}, seen: []string{"no advisories in /a", "pullwarden advisories import"}},
		{name: "old advisories", spoil: index(doctor.Advisories{Records: 5, Imported: time.Now().AddDate(0, 0, -9)}, nil), want: []string{adv + warning}, seen: []string{"imported 9 days ago"}},
		{name: "advisories of an older version", spoil: index(doctor.Advisories{Records: 5, Imported: time.Now(), Outdated: true}, nil), want: []string{adv + warning}, seen: []string{"by an older version", "import them again"}},
		{name: "advisories that never get old", spoil: func(w *world) {
			index(doctor.Advisories{Records: 5, Imported: time.Now().AddDate(-1, 0, 0)}, nil)(w)
			w.o.Stale = 0
		}},
		{name: "broken advisories", spoil: index(doctor.Advisories{}, errors.New("not an index of ours")), want: []string{adv + problem}, seen: []string{"not an index of ours"}},
		{name: "no registry", spoil: registry(func(*world) string { return "" }), want: []string{reg + note}, seen: []string{"no registry is configured for Go modules", "registries.go"}},
		{name: "registry down", spoil: registry(func(w *world) string { return "http://dev:" + password + "@" + nowhere(t) + "/go" }), want: []string{reg + warning}, seen: []string{"connection refused"}},
		{name: "registry refuses", spoil: registry(func(w *world) string { return w.answers(401) }), want: []string{reg + warning}, seen: []string{"refuses us: 401"}},
		{name: "registry broken", spoil: registry(func(w *world) string { return w.answers(502) }), want: []string{reg + warning}, seen: []string{"answers 502"}},
		{name: "registry in a directory", spoil: registry(func(*world) string { return "file://" + t.TempDir() })},
		{name: "registry in no directory", spoil: registry(func(*world) string { return "file:///nowhere/at/all" }), want: []string{reg + warning}, seen: []string{"registries.go"}},
	})
}

// Of many accounts with the same trouble the first are named, the worst of all.
func TestManyAccounts(t *testing.T) {
	w := newWorld(t, func(o *fakehub.Options) {
		o.Permissions = map[string]string{"contents": "read", "checks": "write", "pull_requests": "write", "merge_queues": "read"}
	})
	w.deliver(w.hook)
	for n := range 60 {
		_, err := w.hub.AddRepo(fmt.Sprintf("org-%02d", n), "x")
		require.NoError(t, err)
	}
	asks(w, nil, nil)
	r, _ := w.look()
	said := told(r, "github.consent")
	assert.Contains(t, said, "org-09 does not grant")
	assert.NotContains(t, said, "org-10")
	assert.Contains(t, said, "the same for 50 more accounts")
	assert.Contains(t, told(r, "github.rate_limit"), "the rate limit of 11 more installations was not looked at")
	assert.Contains(t, told(r, "github.repositories"), "the repositories of 11 more accounts were not looked at")
}
