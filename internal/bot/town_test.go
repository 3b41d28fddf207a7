package bot

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/store"
)

// A town is a host as it is, the database that remembers it, and a queue that
// works off what it accepted when it is told to. It has a clock of its own.
type town struct {
	*CatchUp
	t   *testing.T
	ctx context.Context
	db  *store.DB
	at  time.Time
	log *lines

	// The host.
	installs   []forge.Installation
	repos      map[int64][]forge.Listed // by installation
	open       map[int64][]forge.Pull   // by repository
	checks     map[string]bool          // by SHA; true is completed
	deliveries []forge.Attempt          // newest first
	asked      []int64                  // deliveries that were asked for again
	fail       map[string]error         // by name of a call
	calls      []string

	// The queue.
	waiting  map[string]forge.Event
	accepted map[string]bool // by GUID
	reviewed []string        // heads
	stuck    bool            // what is accepted stays waiting
	vain     bool            // what is worked off comes to nothing
}

// lines is a log.
type lines struct{ all []string }

func (l *lines) Write(b []byte) (int, error) {
	l.all = append(l.all, string(b))
	return len(b), nil
}

func newTown(t *testing.T) *town {
	db, err := store.Open(t.Context(), "sqlite::memory:", nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	w := &town{t: t, db: db, at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), log: &lines{},
		repos: map[int64][]forge.Listed{}, open: map[int64][]forge.Pull{}, checks: map[string]bool{}, fail: map[string]error{},
		waiting: map[string]forge.Event{}, accepted: map[string]bool{}}
	w.ctx = zerolog.New(w.log).WithContext(t.Context())
	w.restart()
	return w
}

// restart is what becomes of a CatchUp when the process is another one.
func (w *town) restart() {
	w.CatchUp = &CatchUp{Host: w, Queue: w, Survey: w.db.Survey(), Calls: 20, Late: 6 * time.Minute, Now: func() time.Time { return w.at }}
}

func (w *town) pass(d time.Duration) { w.at = w.at.Add(d) }

// round catches up and has worked off what was found. It returns what was accepted.
func (w *town) round() []string {
	w.t.Helper()
	require.NoError(w.t, w.Reconcile(w.ctx))
	return w.work()
}

func (w *town) work() []string {
	w.t.Helper()
	did := slices.Sorted(maps.Keys(w.waiting))
	for i, key := range did {
		e := w.waiting[key]
		did[i] = string(e.Kind) + " " + key
		if w.stuck {
			continue
		}
		delete(w.waiting, key)
		if !w.vain {
			w.handle(e)
		}
	}
	return did
}

// handle does what the bot would, as far as the ledger sees it.
func (w *town) handle(e forge.Event) {
	l := w.db.Ledger()
	switch e.Kind {
	case forge.Installed, forge.Uninstalled:
		require.NoError(w.t, l.Installed(w.ctx, e))
	case forge.RepositoryMoved:
		require.NoError(w.t, l.Moved(w.ctx, e.Repo, e.Received))
	case forge.PullClosed:
		require.NoError(w.t, l.Closed(w.ctx, forge.Pull{PullRef: forge.PullRef{Repo: e.Repo, Number: e.Number}}, w.at))
	case forge.PullChanged:
		for _, p := range w.open[e.Repo.ID] {
			if p.Number == e.Number {
				w.review(p)
			}
		}
	case forge.GroupAsked:
		w.reviewed = append(w.reviewed, e.SHA+" on "+e.Base)
		require.NoError(w.t, l.Posted(w.ctx, e.Repo, 0, e.SHA, 9, nil, w.at))
	}
}

// review records a verdict on p and that it was shown.
func (w *town) review(p forge.Pull) {
	l := w.db.Ledger()
	run := history.Run{Repo: p.Repo, Pull: p, SHA: p.HeadSHA, BaseRef: p.BaseRef, Finished: w.at, Verdict: policy.Verdict{Outcome: policy.Pass}}
	_, err := l.Record(w.ctx, run)
	require.NoError(w.t, err)
	require.NoError(w.t, l.Posted(w.ctx, p.Repo, p.Number, p.HeadSHA, 9, nil, w.at))
	w.reviewed = append(w.reviewed, p.HeadSHA)
	w.checks[p.HeadSHA] = true
}

// install puts the App on an account, with repositories numbered from id*1000,
// and tells nobody.
func (w *town) install(id int64, repos int) forge.Installation {
	in := forge.Installation{ID: id, AccountID: 50 + id, Account: fmt.Sprintf("acme%d", id), Created: w.at, All: true}
	w.installs = append(w.installs, in)
	for n := range repos {
		w.repos[id] = append(w.repos[id], w.newRepo(id, int64(n)))
	}
	return in
}

func (w *town) newRepo(installation, n int64) forge.Listed {
	return forge.Listed{Created: w.at, Pushed: w.at, Repo: forge.Repo{ID: installation*1000 + n, Installation: installation,
		Owner: fmt.Sprintf("acme%d", installation), Name: fmt.Sprintf("shop%d", n), Default: "main"}}
}

// installed does the same and tells it, as webhooks do.
func (w *town) installed(id int64, repos int) forge.Installation {
	in := w.install(id, repos)
	e := forge.Event{Kind: forge.Installed, Installation: id, Account: account(in), Received: w.at}
	for _, r := range w.repos[id] {
		e.Added = append(e.Added, r.Repo)
	}
	w.handle(e)
	return in
}

// push opens a pull request in the repository, or moves its head.
func (w *town) push(repo int64, number int, head string) forge.Pull {
	in := repo / 1000
	i := slices.IndexFunc(w.repos[in], func(l forge.Listed) bool { return l.ID == repo })
	w.repos[in][i].Pushed = w.at
	p := forge.Pull{PullRef: forge.PullRef{Repo: w.repos[in][i].Repo, Number: number}, ID: repo + int64(number), BaseRef: "main",
		HeadSHA: head, Open: true, Updated: w.at}
	for j, old := range w.open[repo] {
		if old.Number == number {
			w.open[repo][j] = p
			return p
		}
	}
	w.open[repo] = append(w.open[repo], p)
	w.repos[in][i].Open++
	return p
}

func (w *town) call(name string) error {
	w.calls = append(w.calls, name)
	return w.fail[name]
}

// made returns the calls of one name and forgets all.
func (w *town) made(name string) int {
	n := 0
	for _, c := range w.calls {
		if c == name {
			n++
		}
	}
	return n
}

func (w *town) Deliveries(_ context.Context, since time.Time) ([]forge.Attempt, error) {
	if err := w.call("deliveries"); err != nil {
		return nil, err
	}
	var out []forge.Attempt
	for _, d := range w.deliveries {
		if !d.At.Before(since) {
			out = append(out, d)
		}
	}
	return out, nil
}

func (w *town) Redeliver(_ context.Context, id int64) error {
	if err := w.call("redeliver"); err != nil {
		return err
	}
	w.asked = append(w.asked, id)
	return nil
}

// delivered notes an attempt at an event.
func (w *town) delivered(guid string, status int) {
	w.deliveries = append([]forge.Attempt{{ID: int64(len(w.deliveries) + 1), Delivery: guid, Event: "pull_request", Action: "opened", At: w.at, Status: status}}, w.deliveries...)
}

func (w *town) Installations(context.Context) ([]forge.Installation, error) {
	return slices.Clone(w.installs), w.call("installations")
}

func (w *town) Installed(_ context.Context, id int64) (bool, error) {
	return slices.ContainsFunc(w.installs, func(in forge.Installation) bool { return in.ID == id }) || w.fail["gap"] != nil, w.call("installed")
}

func (w *town) Repositories(_ context.Context, installation int64) ([]forge.Listed, error) {
	for range pages(len(w.repos[installation])) {
		if err := w.call(fmt.Sprintf("in %d", installation)); err != nil {
			return nil, err
		}
	}
	return slices.Clone(w.repos[installation]), w.call("repositories")
}

func (w *town) OpenPulls(_ context.Context, repo forge.Repo) ([]forge.Pull, error) {
	if err := w.call(fmt.Sprintf("pulls of %d", repo.ID)); err != nil {
		return nil, err
	}
	return slices.Clone(w.open[repo.ID]), w.call(fmt.Sprintf("in %d", repo.Installation))
}

func (w *town) Checked(_ context.Context, repo forge.Repo, sha string) (bool, error) {
	w.calls = append(w.calls, fmt.Sprintf("in %d", repo.Installation))
	return w.checks[sha], w.call("checked")
}

func (w *town) Accept(_ context.Context, e forge.Event, key string) error {
	if err := w.fail["accept"]; err != nil {
		return err
	}
	require.Equal(w.t, e.Key(), key)
	_, waits := w.waiting[key]
	require.False(w.t, waits, "%s waits already: its deadline would begin anew", key)
	w.waiting[key] = e
	return nil
}

func (w *town) Waiting(_ context.Context, key string) (bool, error) {
	_, waits := w.waiting[key]
	return waits, nil
}

func (w *town) Accepted(_ context.Context, guid string) (bool, error) { return w.accepted[guid], nil }
