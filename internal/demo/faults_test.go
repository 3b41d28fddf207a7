package demo_test

import (
	"flag"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

// A mishap is what goes wrong with one request.
type mishap struct {
	name  string
	fault fakehub.Fault
}

// mishaps are all that pass: the same request goes through later.
func mishaps(hub *fakehub.Hub) []mishap {
	soon := map[string]string{"Retry-After": "1"}
	return []mishap{
		{"500", fakehub.Fault{Status: 500}},
		{"502 with a page", fakehub.Fault{Status: 502, Body: "<html>Bad gateway</html>"}},
		{"503 with Retry-After", fakehub.Fault{Status: 503, Header: soon}},
		{"403 secondary limit with Retry-After", fakehub.Fault{Status: 403, Header: soon}},
		{"403 secondary limit", fakehub.Fault{Status: 403}},
		{"403 limit spent", fakehub.Fault{Status: 403, Header: map[string]string{"X-RateLimit-Remaining": "0",
			"X-RateLimit-Reset": fmt.Sprint(time.Now().Add(time.Minute).Unix())}}},
		{"429 with Retry-After", fakehub.Fault{Status: 429, Header: soon}},
		{"429", fakehub.Fault{Status: 429}},
		{"timeout", fakehub.Fault{Delay: time.Minute}},
		// Twice: a request that was dropped on a connection in use is sent again by net/http itself.
		{"connection dropped", fakehub.Fault{Drop: true, Times: 2}},
		{"answer lost", fakehub.Fault{Lose: true}},
		{"502 instead of the answer", fakehub.Fault{Lose: true, Status: 502}},
		{"answer cut", fakehub.Fault{Cut: 20}},
		{"truncated JSON", fakehub.Fault{Trim: 20}},
		{"401", fakehub.Fault{Status: 401}},
		{"tokens revoked", fakehub.Fault{Before: func() { hub.Revoke() }}},
	}
}

// A job is work of the product on a repository of its own.
type job struct {
	name    string
	prepare func(w *world) // before anything goes wrong
	deliver func(w *world) // returns once the server has the delivery
	again   func(w *world) // delivers the same once more
	from    string         // the first request to disturb; "" for all
}

func jobs() []job {
	key := madeUpSecrets()["AWS_KEY"]
	bad, good := "example-ledger==4.1.2\n", "example-ledger==4.1.3\n"
	review := func(w *world) {
		w.put("topic", map[string]string{"mail.go": "package mail\n\nconst key = \"" + key + "\"\n"})
		w.put("topic", map[string]string{"mail.go": "package mail\n", "a/requirements.txt": bad, "b/requirements.txt": bad})
		_, err := w.repo.OpenPull("Change", "", "main", "topic", "dev")
		require.NoError(w.t, err)
		w.deliver(1, "opened")
	}
	synchronize := func(w *world) { w.deliver(1, "synchronize") }
	push := func(w *world) {
		require.NoError(w.t, w.Deliver(w.t.Context(), w.repo.PushEvent("main", "", w.repo.Tip("main"), "dev")))
	}
	return []job{
		{
			name:    "a first review",
			prepare: func(w *world) { w.put("main", map[string]string{"README": "The shop.\n"}) },
			deliver: review, again: synchronize,
		},
		{
			name: "a push that fixes and brings in",
			prepare: func(w *world) {
				w.put("main", map[string]string{"README": "The shop.\n"})
				review(w)
			},
			deliver: func(w *world) {
				w.put("topic", map[string]string{"a/requirements.txt": good, "c/requirements.txt": bad})
				synchronize(w)
			},
			again: synchronize,
			from:  "POST /graphql", // what comes before is as in the first
		},
		{
			name:    "more findings than one request takes",
			prepare: func(w *world) { w.put("main", map[string]string{"README": "The shop.\n"}) },
			deliver: func(w *world) {
				files := map[string]string{}
				for i := range 120 {
					files[fmt.Sprintf("%d/requirements.txt", i)] = bad
				}
				w.put("topic", files)
				_, err := w.repo.OpenPull("Change", "", "main", "topic", "dev")
				require.NoError(w.t, err)
				w.deliver(1, "opened")
			},
			again: synchronize,
			from:  "POST /repos/*/check-runs",
		},
		{
			name:    "an upgrade",
			prepare: func(w *world) { w.put("main", map[string]string{"README": "The shop.\n"}) },
			deliver: func(w *world) {
				sums, err := w.Sums("example.com/markdown", "v1.2.0")
				require.NoError(w.t, err)
				w.put("main", map[string]string{
					"go.mod": "module example.com/shop\n\ngo 1.22\n\nrequire example.com/markdown v1.2.0\n", "go.sum": sums + "\n",
					".github/pullwarden.yml": "version: 1\nupgrades: {labels: [dependencies]}\n",
				})
				push(w)
			},
			again: push,
		},
	}
}

func (w *world) put(branch string, files map[string]string) {
	w.t.Helper()
	_, err := w.repo.Commit(branch, "Change", files)
	require.NoError(w.t, err)
}

// A request is one of a job, by its form and how many of that form came before.
type request struct {
	form string
	nth  int
}

func (r request) String() string {
	if r.nth == 0 {
		return r.form
	}
	return fmt.Sprintf("%s, no. %d", r.form, r.nth+1)
}

var (
	repoNames = regexp.MustCompile(`^(/repos)?/acme-\d+/shop`)
	values    = regexp.MustCompile(`\b([0-9a-f]{40}|\d+)\b`)
)

// requests are those among calls that are made for a job, whatever the server does besides.
func requests(calls []fakehub.Call) []request {
	seen := map[string]int{}
	var out []request
	for _, c := range calls {
		if strings.HasPrefix(c.Path, "/app/hook/") || strings.HasPrefix(c.Path, "/app/installations?") {
			continue
		}
		form := c.Method + " " + values.ReplaceAllString(repoNames.ReplaceAllString(c.Path, "$1/*"), "*")
		out = append(out, request{form, seen[form]})
		seen[form]++
	}
	return out
}

// A matrix plays jobs with faults on one stage, each on a repository of its own.
type matrix struct {
	*world
	n int
}

// pace makes the minute that an unspecific limit asks for half a second.
const pace = 120

func newMatrix(t *testing.T, database string, slow bool) *matrix {
	return &matrix{world: newWorld(t, demo.StageOptions{
		Pace: pace,
		HTTP: &http.Client{Timeout: 2 * time.Second},
		Settings: func(c *config.Config) {
			// Time runs fast: a review may take longer than it does.
			c.Review.Deadline, c.Review.ScannerTimeout = 24*time.Hour, time.Hour
			c.Review.Patience = time.Hour
			if slow {
				c.Review.Patience = 0
			}
			c.FingerprintKey = "the same " + "in every stage"
			if database != "" {
				c.DatabaseURL = database
			}
		},
	})}
}

// fresh makes a repository in an account of its own, so that every token is asked for anew.
func (m *matrix) fresh() {
	m.n++
	var err error
	m.repo, err = m.Install(m.t.Context(), fmt.Sprintf("acme-%d", m.n), "shop")
	require.NoError(m.t, err)
	m.settle()
}

// play does a job and returns what GitHub shows in the end, and the requests for it.
func (m *matrix) play(j job, faults ...fakehub.Fault) (string, []request) {
	m.t.Helper()
	m.fresh()
	j.prepare(m.world)
	m.settle()
	for _, f := range faults {
		m.Hub.Fail(f)
	}
	before := len(m.Hub.Calls())
	j.deliver(m.world)
	m.settle()
	return shown(m.t, m.repo, m.repo.Tip("topic")), requests(m.Hub.Calls()[before:])
}

// disturb plays a job with a mishap at one of its requests.
func (m *matrix) disturb(j job, at request, f fakehub.Fault) string {
	m.t.Helper()
	var played atomic.Bool
	then := f.Before
	f.Match, f.Skip = at.form, at.nth
	f.Before = func() {
		played.Store(true)
		if then != nil {
			then()
		}
	}
	out, _ := m.play(j, f)
	require.True(m.t, played.Load(), "the request did not come")
	m.Hub.Mend()
	return out
}

// of runs a part of the matrix as a test of its own.
func (m *matrix) of(t *testing.T, name string, f func()) {
	t.Run(name, func(t *testing.T) {
		outer := m.t
		m.t = t
		defer func() { m.t = outer }()
		f()
	})
}

var allFaults = flag.Bool("faults.all", false, "play every fault at every request; without it a part, in which each fault and each request occurs")

// TestFaults: whatever goes wrong at whichever request of a review or of an
// upgrade, GitHub shows in the end what it shows when nothing does.
func TestFaults(t *testing.T) {
	share := 3
	if raced {
		share = 15
	}
	t.Run("SQLite", func(t *testing.T) { playFaults(t, func(testing.TB) string { return "" }, share) })
	t.Run("PostgreSQL", func(t *testing.T) { playFaults(t, storetest.Postgres, 4*share) })
}

// An undisturbed run is what comes of the jobs when nothing goes wrong.
type undisturbed struct {
	shows map[string]string    // by job
	asks  map[string][]request // by job, as far as they are to be disturbed
	once  []request            // of the first job, once in a server's life
}

func playUndisturbed(t *testing.T, database string, slow bool) undisturbed {
	m := newMatrix(t, database, slow)
	c := undisturbed{map[string]string{}, map[string][]request{}, nil}
	for i, j := range jobs() {
		shows, first := m.play(j)
		again, list := m.play(j)
		require.Equal(t, shows, again, "the same is shown of the same")
		if i == 0 {
			for _, r := range first {
				if !slices.Contains(list, r) {
					c.once = append(c.once, r)
				}
			}
		}
		// A slow one is begun first, and then completed.
		if from := slices.IndexFunc(list, func(r request) bool { return r.form == j.from }); j.from != "" {
			require.GreaterOrEqual(t, from, 0)
			list = list[from:]
		}
		c.shows[j.name], c.asks[j.name] = shows, list
		t.Logf("%s:\n%sasks %v", j.name, shows, list)
	}
	return c
}

// playFaults plays one in share of the matrix: each mishap, and each request.
// Every other mishap happens to reviews so slow that the check tells that they
// are under way.
func playFaults(t *testing.T, database func(testing.TB) string, share int) {
	references := map[bool]undisturbed{false: playUndisturbed(t, database(t), false), true: playUndisturbed(t, database(t), true)}
	var wg sync.WaitGroup
	lanes := make(chan bool, 6)
	var cases atomic.Int64
	for i, x := range mishaps(nil) {
		for _, slow := range []bool{false, true} {
			if slow != (i%2 == 1) && !*allFaults {
				continue
			}
			name := x.name
			if slow {
				name += ", slow"
			}
			wg.Go(func() {
				lanes <- true
				defer func() { <-lanes }()
				t.Run(name, func(t *testing.T) {
					m, c := newMatrix(t, database(t), slow), references[slow]
					f := mishaps(m.Hub)[i].fault
					if len(c.once) > 0 {
						m.of(t, "once/"+c.once[i%len(c.once)].String(), func() {
							assert.Equal(m.t, c.shows[jobs()[0].name], m.disturb(jobs()[0], c.once[i%len(c.once)], f))
						})
					}
					for _, j := range jobs() {
						for k, at := range c.asks[j.name] {
							if (i/2+k)%share != 0 && !*allFaults {
								continue
							}
							m.of(t, j.name+"/"+at.String(), func() {
								cases.Add(1)
								assert.Equal(m.t, c.shows[j.name], m.disturb(j, at, f))
							})
						}
					}
				})
			})
		}
	}
	wg.Wait()
	t.Logf("%d faults, each at one request of a job", cases.Load())
}
