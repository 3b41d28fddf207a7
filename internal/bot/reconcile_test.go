package bot

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
)

func TestWhatNobodyToldIsFound(t *testing.T) {
	w := newTown(t)
	w.installed(1, 1)
	w.pass(time.Hour)
	w.push(1000, 1, "a1")
	assert.Equal(t, []string{"pull-changed pull/1000/1"}, w.round(), "opened")
	assert.Empty(t, w.round())

	w.pass(time.Minute)
	w.push(1000, 1, "a2")
	assert.Equal(t, []string{"pull-changed pull/1000/1"}, w.round(), "pushed to")

	w.pass(time.Minute)
	w.open[1000][0].BaseRef = "release"
	w.calls = nil
	assert.Equal(t, []string{"pull-changed pull/1000/1"}, w.round(), "another base")
	assert.Zero(t, w.made("checked"), "that there is a check says nothing about another base")

	w.pass(time.Minute)
	w.open[1000][0].Draft = true
	assert.Empty(t, w.round(), "a draft is checked as well")
	w.push(1000, 1, "a3")
	w.open[1000][0].Draft, w.open[1000][0].BaseRef = true, "release"
	assert.Equal(t, []string{"pull-changed pull/1000/1"}, w.round())
	w.open[1000][0].Draft = false
	assert.Equal(t, []string{"pull-changed pull/1000/1"}, w.round(), "ready for review")
	assert.Empty(t, w.round())

	w.pass(time.Minute)
	w.open[1000] = nil
	assert.Equal(t, []string{"pull-closed pull/1000/1"}, w.round(), "closed")
	w.pass(time.Minute)
	w.push(1000, 1, "a3")
	w.open[1000][0].BaseRef = "release"
	w.calls = nil
	assert.Equal(t, []string{"pull-changed pull/1000/1"}, w.round(), "reopened")
	assert.Equal(t, []string{"a1", "a2", "a2", "a3", "a3", "a3"}, w.reviewed)
	assert.Zero(t, w.made("checked"), "its check stands, but it counts again")
	for range 10 {
		w.pass(time.Hour)
		assert.Empty(t, w.round())
	}
}

// Nothing is posted but on what changed after the App came.
func TestWhatWasThereBeforeIsLeftAlone(t *testing.T) {
	w := newTown(t)
	w.install(1, 1)
	p := w.push(1000, 1, "old")
	w.pass(time.Second)
	w.installs[0].Created = w.at
	w.handle(forge.Event{Kind: forge.Installed, Installation: 1, Received: w.at.Add(700 * time.Millisecond), Added: []forge.Repo{p.Repo}})
	w.push(1000, 2, "same second")
	assert.Equal(t, []string{"pull-changed pull/1000/2"}, w.round())
	w.pass(time.Hour)
	w.open[1000][0].Updated = w.at // somebody said something
	w.restart()
	assert.Empty(t, w.round(), "it did not change, whatever was said")
	w.pass(time.Hour)
	w.push(1000, 1, "pushed")
	assert.Equal(t, []string{"pull-changed pull/1000/1"}, w.round())
	assert.Equal(t, []string{"same second", "pushed"}, w.reviewed)
}

// A database that was lost knows of no review. GitHub has the checks.
func TestALostDatabase(t *testing.T) {
	w := newTown(t)
	w.install(1, 1)
	w.pass(time.Hour)
	w.push(1000, 1, "done")
	w.push(1000, 2, "under way")
	w.push(1000, 3, "none")
	w.checks["done"], w.checks["under way"] = true, false
	w.pass(time.Hour)
	assert.Equal(t, []string{"installed installation/1"}, w.round(), "first of all, whose it is")
	w.calls = nil
	assert.Equal(t, []string{"pull-changed pull/1000/2", "pull-changed pull/1000/3"}, w.round())
	assert.Equal(t, 3, w.made("checked"))
	w.calls = nil
	w.pass(time.Minute)
	assert.Empty(t, w.round())
	assert.Zero(t, w.made("checked"), "once is enough")
}

func TestWhatWaitsIsNotAskedForAgain(t *testing.T) {
	w := newTown(t)
	w.installed(1, 1)
	w.push(1000, 1, "a1")
	w.stuck = true
	assert.Len(t, w.round(), 1)
	for range 5 {
		w.pass(time.Hour)
		w.restart()
		require.NoError(t, w.Reconcile(w.ctx)) // Accept would complain
	}
	assert.Equal(t, 1, w.made("checked"))
}

func TestWhatIsTriedInVainIsNotTriedForEver(t *testing.T) {
	w := newTown(t)
	w.installed(1, 1)
	w.push(1000, 1, "a1")
	w.vain = true
	times := 0
	for range 3 * 24 * 60 { // three days
		times += len(w.round())
		w.pass(time.Minute)
	}
	assert.Equal(t, mostTries, times)
	w.push(1000, 1, "a2")
	assert.Len(t, w.round(), 1, "but something new is")
	w.vain = false
	w.pass(firstWait)
	assert.Len(t, w.round(), 1)
	assert.Equal(t, []string{"a2"}, w.reviewed)
}

func TestInstallationsComeAndGoUnnoticed(t *testing.T) {
	w := newTown(t)
	w.install(1, 2)
	made := w.at
	w.pass(time.Hour)
	assert.Equal(t, []string{"installed installation/1"}, w.round())
	at, err := w.Survey.InstalledAt(w.ctx, w.repos[1][1].Repo)
	require.NoError(t, err)
	assert.Equal(t, made, at, "it counts from when it was made")
	assert.Empty(t, w.round())

	w.pass(time.Hour)
	w.installs[0].Suspended = w.at
	w.calls = nil
	assert.Equal(t, []string{"uninstalled installation/1"}, w.round())
	w.pass(time.Minute)
	assert.Empty(t, w.round())
	assert.Zero(t, w.made("in 1"), "nothing is asked there")
	w.push(1000, 1, "while suspended")

	w.pass(time.Hour)
	w.installs[0].Suspended = time.Time{}
	assert.Equal(t, []string{"installed installation/1"}, w.round())
	assert.Equal(t, []string{"pull-changed pull/1000/1"}, w.round(), "what happened meanwhile is caught up with")

	w.pass(time.Hour)
	all := w.installs
	w.installs, w.fail["gap"] = nil, errors.New("")
	delete(w.fail, "installed")
	assert.Empty(t, w.round(), "a gap in the list is not enough")
	w.installs = all
	delete(w.fail, "gap")
	w.installs = nil
	assert.Equal(t, []string{"uninstalled installation/1"}, w.round())
	assert.Empty(t, w.round())
}

func TestRepositoriesComeAndGoUnnoticed(t *testing.T) {
	w := newTown(t)
	w.installed(1, 2)
	w.installed(2, 1)
	w.pass(time.Hour)
	assert.Empty(t, w.round())

	w.pass(time.Minute)
	w.repos[1][0].Name = "store"
	assert.Equal(t, []string{"repository-moved repository/1000"}, w.round(), "renamed")
	assert.Empty(t, w.round())

	w.pass(time.Minute)
	w.repos[1][0].Default = "trunk"
	assert.Equal(t, []string{"repository-moved repository/1000"}, w.round(), "another default branch")

	w.pass(time.Minute)
	w.repos[1] = append(w.repos[1], w.newRepo(1, 7))
	w.push(1007, 1, "early")
	w.pass(time.Hour)
	assert.Equal(t, []string{"installed installation/1"}, w.round(), "made")
	w.pass(time.Minute)
	assert.Equal(t, []string{"pull-changed pull/1007/1"}, w.round(), "it was covered from its first day")

	w.pass(time.Minute)
	moved := w.repos[1][1]
	w.repos[1] = append(w.repos[1][:1:1], w.repos[1][2:]...)
	moved.Installation, moved.Owner = 2, "acme2"
	w.repos[2] = append(w.repos[2], moved)
	assert.Equal(t, []string{"installed installation/2"}, w.round(), "it did not go, it came elsewhere")
	w.pass(time.Minute)
	assert.Empty(t, w.round())
	for in, want := range map[int64]int{1: 2, 2: 2} {
		known, err := w.Survey.Repositories(w.ctx, in)
		require.NoError(t, err)
		assert.Len(t, known, want, "transferred")
	}

	w.pass(time.Minute)
	w.repos[2] = w.repos[2][:1]
	assert.Equal(t, []string{"installed installation/2"}, w.round(), "taken off")
	w.pass(time.Minute)
	assert.Empty(t, w.round())
	known, err := w.Survey.Repositories(w.ctx, 2)
	require.NoError(t, err)
	assert.Len(t, known, 1)
}

// Taken into a selection, a repository counts from then on.
func TestASelectedRepositoryCountsFromWhenItIsFound(t *testing.T) {
	w := newTown(t)
	w.installed(1, 1)
	w.installs[0].All = false
	w.repos[1] = append(w.repos[1], w.newRepo(1, 7))
	w.push(1007, 1, "old")
	w.pass(time.Hour)
	assert.Equal(t, []string{"installed installation/1"}, w.round())
	w.pass(time.Minute)
	assert.Empty(t, w.round(), "what was there before is left alone")
	w.push(1007, 1, "new")
	assert.Equal(t, []string{"pull-changed pull/1007/1"}, w.round())
}

func TestArchivedRepositoriesAreLeftAlone(t *testing.T) {
	w := newTown(t)
	w.installed(1, 1)
	p := w.push(1000, 1, "a1")
	require.NoError(t, w.db.Ledger().Begun(w.ctx, history.Begun{Repo: p.Repo, Pull: 1, SHA: "a0", At: w.at}))
	w.repos[1][0].ReadOnly = true
	for range 5 {
		w.pass(time.Hour)
		assert.Empty(t, w.round())
	}
	assert.Zero(t, w.made("pulls of 1000"))
	w.repos[1][0].ReadOnly = false
	w.pass(time.Minute)
	assert.Equal(t, []string{"pull-changed pull/1000/1"}, w.round())
}

func TestChecksLeftUnderWay(t *testing.T) {
	w := newTown(t)
	w.installed(1, 1)
	p := w.push(1000, 1, "a2")
	w.review(p) // and of an earlier head, a check was left
	l := w.db.Ledger()
	require.NoError(t, l.Begun(w.ctx, history.Begun{Repo: p.Repo, Pull: 1, SHA: "a1", At: w.at}))
	require.NoError(t, l.Begun(w.ctx, history.Begun{Repo: p.Repo, SHA: "group", Base: "tip", At: w.at}))
	w.pass(w.Late)
	assert.Empty(t, w.round(), "they still have time")
	w.pass(time.Second)
	assert.Equal(t, []string{"group-asked group-asked/1000/group", "pull-changed pull/1000/1"}, w.round())
	assert.Contains(t, w.reviewed, "group on tip")
	assert.Empty(t, w.round())
}

// Five hundred repositories at once: no storm, and every one has its turn.
func TestFiveHundredRepositories(t *testing.T) {
	w := newTown(t)
	in := w.install(1, 500)
	for n := range int64(500) {
		for i := range 3 {
			w.push(1000+n, i+1, fmt.Sprintf("old %d.%d", n, i))
		}
	}
	w.pass(time.Second)
	w.installs[0].Created = w.at
	e := forge.Event{Kind: forge.Installed, Installation: in.ID, Received: w.at}
	for _, r := range w.repos[1] {
		e.Added = append(e.Added, r.Repo)
	}
	w.handle(e)

	looked := map[string]int{}
	for minute := range 90 {
		w.calls = nil
		require.Empty(t, w.round(), "there is nothing new")
		used := w.made("in 1")
		if minute == 0 {
			require.LessOrEqual(t, used, 20+1)
		} else {
			require.LessOrEqual(t, used, 20+5, "minute %d", minute)
		}
		for _, c := range w.calls {
			looked[c]++
		}
		w.pass(time.Minute)
	}
	for n := range 500 {
		require.Positive(t, looked[fmt.Sprintf("pulls of %d", 1000+n)], n)
	}
	total := 0
	for c, n := range looked {
		if len(c) > 8 && c[:8] == "pulls of" {
			total += n
		}
	}
	assert.LessOrEqual(t, total, 90*20)
	assert.Zero(t, looked["checked"])

	// What happens is found in the next round, wherever it is.
	w.push(1000+333, 1, "new")
	assert.Equal(t, []string{"pull-changed pull/1333/1"}, w.round())
}

// However much happens in some repositories, the others have their turn.
func TestBusyRepositoriesDoNotKeepOthersWaiting(t *testing.T) {
	w := newTown(t)
	w.installed(1, 60)
	for i := range 60 {
		w.pass(time.Minute)
		for n := range int64(30) {
			w.push(1000+n, 1, fmt.Sprintf("head %d of %d", i, n))
		}
		w.round()
	}
	for n := range 60 {
		assert.Positive(t, w.made(fmt.Sprintf("pulls of %d", 1000+n)), n)
	}
}

// One installation's trouble is not another one's.
func TestTroubleInOneInstallation(t *testing.T) {
	w := newTown(t)
	w.installed(1, 1)
	w.installed(2, 1)
	w.push(1000, 1, "a1")
	w.push(2000, 1, "b1")
	w.fail["in 1"] = &forge.BusyError{After: time.Minute, Err: errors.New("limit")}
	require.Error(t, w.Reconcile(w.ctx))
	assert.Equal(t, []string{"pull-changed pull/2000/1"}, w.work())
	w.fail = map[string]error{"pulls of 1000": forge.ErrDenied}
	w.pass(time.Minute)
	for range 3 {
		require.NoError(t, w.Reconcile(w.ctx))
		w.pass(time.Minute)
	}
	said := 0
	for _, l := range w.log.all {
		if strings.Contains(l, "cannot be listed") {
			said++
		}
	}
	assert.Equal(t, 1, said, "it is said once")
	w.fail = nil
	assert.Equal(t, []string{"pull-changed pull/1000/1"}, w.round())
}

// An exception ends, and within a minute the pull requests that it excused are
// judged again: once, and also if nobody was there at that moment.
func TestWhatAnExceptionExcusedIsJudgedAgain(t *testing.T) {
	w := newTown(t)
	w.installed(3, 1)
	w.push(3000, 1, "head1")
	w.push(3000, 2, "head2")
	end := w.at.Truncate(24 * time.Hour).Add(24 * time.Hour)
	for _, p := range w.open[3000] {
		w.review(p)
	}
	excused := history.Run{Repo: w.open[3000][0].Repo, Pull: w.open[3000][0], SHA: "head1", BaseRef: "main", Finished: w.at,
		Verdict: policy.Verdict{Outcome: policy.Pass, InForce: []policy.Exception{{Rule: "iac/*", Until: w.at}}}}
	_, err := w.db.Ledger().Record(w.ctx, excused)
	require.NoError(t, err)
	lapse := func() []string {
		require.NoError(t, w.Lapse(w.ctx))
		return w.work()
	}
	assert.Empty(t, lapse())
	w.at = end.Add(-time.Second)
	assert.Empty(t, lapse(), "it lasts through its day")
	w.restart()
	w.at = end.Add(time.Hour)
	assert.Equal(t, []string{"pull-changed pull/3000/1"}, lapse())
	assert.Empty(t, lapse())

	// A verdict from before the end may be recorded after the round that follows it.
	end = end.Add(24 * time.Hour)
	w.at = end.Add(time.Second)
	assert.Empty(t, lapse())
	excused.Pull, excused.SHA = w.open[3000][1], "head2"
	excused.Verdict.InForce = []policy.Exception{{Rule: "iac/*", Until: end.Add(-time.Hour)}}
	_, err = w.db.Ledger().Record(w.ctx, excused)
	require.NoError(t, err)
	w.at = end.Add(20 * time.Second)
	assert.Equal(t, []string{"pull-changed pull/3000/2"}, lapse())
	assert.Empty(t, lapse())
}
