package demo_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

var (
	historySteps = flag.Int("histories.steps", 0, "length of a history; 0 means 300 on SQLite and 100 on PostgreSQL")
	historySeed  = flag.Uint64("histories.seed", 1361398013949312810, "which steps a history takes; 0 means others in every run")
)

// TestHistories: whatever happens to pull requests, in whatever order and however often it
// is told, GitHub shows in the end what a review of what is there now should show.
func TestHistories(t *testing.T) {
	steps := 300
	if raced {
		steps = 90
	}
	t.Run("SQLite", func(t *testing.T) { playHistory(t, "", steps) })
	t.Run("PostgreSQL", func(t *testing.T) { playHistory(t, storetest.Postgres(t), steps/3) })
}

// A project is a repository and what the model knows of it.
type project struct {
	repo  *fakehub.Repo
	model model
	tips  map[string]string // of branches
	pulls []*tracked
	files int // numbers given to files

	asked map[string]map[string]bool // by head, the occasions to judge it anew
	of    map[string]map[int]bool    // by head, the pull requests that had it
}

// A tracked pull request.
type tracked struct {
	project      *project
	number       int
	branch, base string
	open, forced bool // forced: since it was closed, so that GitHub does not reopen it
	turns        int  // closings and changes of the base
	ever         map[string]bool
	dropped      map[string]bool // paths whose comment a person deleted
}

// A history is played step by step; what it does depends on its seed alone.
type history struct {
	*world
	random   *rand.Rand
	projects []*project
	step     int
	late     []parcel        // to be delivered later
	lost     []fakehub.Event // never delivered
	rerun    []rerun
	counts   map[string]int
}

// A rerun is a delivery that asks for a head to be judged again, or what is the head by then.
type rerun struct {
	guid, repo, sha string
	pulls           []int
}

// A parcel is a delivery on a slow way.
type parcel struct {
	event fakehub.Event
	due   int
}

func playHistory(t *testing.T, database string, steps int) {
	if *historySteps > 0 {
		steps = *historySteps
	}
	seed := *historySeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("to repeat the steps: -histories.seed=%d -histories.steps=%d", seed, steps)
	h := &history{random: rand.New(rand.NewPCG(seed, 0)), counts: map[string]int{}}
	h.world = newWorld(t, demo.StageOptions{
		Sample: historyAdvisories(),
		Hub:    func(o *fakehub.Options) { o.RateLimit = 1 << 30 }, // a day of pushes in a minute
		Settings: func(c *config.Config) {
			c.Limits = config.Limits{}
			c.Upgrades.Enabled = false
			if database != "" {
				c.DatabaseURL = database
			}
		},
	})
	for _, name := range []string{"acme/shop", "acme/site", "octo/tools"} {
		h.begin(name)
	}
	began := time.Now()
	for h.step = 1; h.step <= steps; h.step++ {
		h.one()
		h.forward(false)
		if h.step%max(steps/4, 1) == 0 {
			h.heal()
			h.compare()
		}
	}
	reviews := strings.Count(h.log.String(), `"message":"reviewed"`)
	var told []string
	for _, what := range slices.Sorted(maps.Keys(h.counts)) {
		told = append(told, fmt.Sprintf("%s %d", what, h.counts[what]))
	}
	t.Logf("%d steps in %v, %d reviews: %s", steps, time.Since(began).Round(time.Millisecond), reviews, strings.Join(told, ", "))
	assert.Positive(t, h.counts["lost"])
	assert.Positive(t, h.counts["late"])
}

func (h *history) begin(name string) {
	owner, short, _ := strings.Cut(name, "/")
	repo := h.repo
	if name != "acme/shop" {
		var err error
		repo, err = h.Install(h.t.Context(), owner, short)
		require.NoError(h.t, err)
	}
	p := &project{repo: repo, model: model{}, tips: map[string]string{}, asked: map[string]map[string]bool{}, of: map[string]map[int]bool{}}
	p.tips["main"] = repo.Tip("main")
	p.model[p.tips["main"]] = revision{}
	h.commit(p, "main", p.tips["main"], h.files(p, 6)...)
	p.tips["release"] = p.tips["main"]
	require.NoError(h.t, repo.Reset("release", p.tips["release"]))
	h.projects = append(h.projects, p)
}

// files makes n new files, some of them bad.
func (h *history) files(p *project, n int) []planted {
	var out []planted
	for range n {
		p.files++
		out = append(out, planted{p.files, h.random.IntN(3) > 0})
	}
	return out
}

// change makes a change of a revision: files that come, that get better or worse, and that go.
func (h *history) change(p *project, parent string) (set []planted, gone []planted) {
	set = h.files(p, h.random.IntN(3))
	if h.random.IntN(12) == 0 {
		set = append(set, h.files(p, 12)...) // more than there is room for
	}
	for _, n := range slices.Sorted(maps.Keys(p.model[parent].files)) {
		f := p.model[parent].files[n]
		switch r := h.random.IntN(12); {
		case r < 2:
			f.bad = !f.bad && h.random.IntN(2) == 0
			set = append(set, f)
		case r == 2:
			set = append(set, f) // its lines move
		case r == 3:
			gone = append(gone, f)
		}
	}
	if len(set)+len(gone) == 0 {
		set = h.files(p, 1)
	}
	return set, gone
}

// commit puts a commit on a branch.
func (h *history) commit(p *project, branch, parent string, set ...planted) string {
	return h.commitWithout(p, branch, parent, set, nil)
}

func (h *history) commitWithout(p *project, branch, parent string, set, gone []planted) string {
	h.t.Helper()
	files := maps.Clone(p.model[parent].files)
	if files == nil {
		files = map[int]planted{}
	}
	texts := map[string]string{}
	var paths []string
	for _, f := range gone {
		paths = append(paths, f.path())
		delete(files, f.number)
	}
	for _, f := range set {
		texts[f.path()] = f.text(h.random)
		files[f.number] = f
	}
	sha, err := p.repo.Commit(branch, "Change", texts, fakehub.From(parent), fakehub.Delete(paths...))
	require.NoError(h.t, err)
	p.model[sha] = revision{parent, files}
	p.tips[branch] = sha
	return sha
}

// one does one step.
func (h *history) one() {
	p := h.projects[h.random.IntN(len(h.projects))]
	pull, closed := h.pick(p, true), h.pick(p, false)
	r := h.random.IntN(124)
	switch {
	case r < 14 || pull == nil:
		h.openPull(p)
	case r < 40:
		h.pushTo(pull)
	case r < 50:
		h.forcePush(pull)
	case r < 58:
		h.closePull(pull)
	case r < 64 && closed != nil:
		h.reopenPull(closed)
	case r < 70:
		h.changeBase(pull)
	case r < 74:
		h.openTwin(pull)
	case r < 80:
		h.pushBase(p)
	case r < 86:
		h.askAgain(pull)
	case r < 92:
		h.redeliver()
	case r < 99:
		h.counts["settle"]++
		h.settle()
	case r < 100:
		h.restart()
	case r < 104:
		h.revert(pull)
	case r < 108:
		h.rewrite(pull, p.model.base(p.tips[pull.base], p.tips[pull.branch]))
	case r < 111:
		h.rewrite(pull, p.tips[pull.base])
	case r < 118:
		h.resolve(pull)
	default:
		h.drop(pull)
	}
	for _, q := range p.pulls {
		q.note()
	}
}

// pick picks a pull request that is open, or one that can be reopened.
func (h *history) pick(p *project, open bool) *tracked {
	var some []*tracked
	for _, q := range p.pulls {
		if q.open == open && !q.forced {
			some = append(some, q)
		}
	}
	if len(some) == 0 {
		return nil
	}
	return some[h.random.IntN(len(some))]
}

func (h *history) openPull(p *project) {
	base := []string{"main", "main", "release"}[h.random.IntN(3)]
	q := &tracked{project: p, branch: fmt.Sprintf("topic-%d", len(p.pulls)+1), base: base, open: true, ever: map[string]bool{}, dropped: map[string]bool{}}
	p.tips[q.branch] = p.tips[base]
	h.grow(q, p.tips[base])
	h.register(q)
}

// grow pushes one to three commits to the branch of a pull request, from parent on.
func (h *history) grow(q *tracked, parent string) {
	for range 1 + h.random.IntN(3) {
		set, gone := h.change(q.project, parent)
		parent = h.commitWithout(q.project, "elsewhere", parent, set, gone)
	}
	require.NoError(h.t, q.project.repo.Reset(q.branch, parent))
	q.project.tips[q.branch] = parent
}

func (h *history) register(q *tracked) {
	p := q.project
	var err error
	q.number, err = p.repo.OpenPull("Change", "", q.base, q.branch, "dev")
	require.NoError(h.t, err)
	p.pulls = append(p.pulls, q)
	h.tell(q, "opened")
}

// tell sends an event of a pull request.
func (h *history) tell(q *tracked, action string) {
	h.t.Helper()
	e, err := q.project.repo.PullEvent(q.number, action)
	require.NoError(h.t, err)
	h.send(action, e)
}

// pushed tells every pull request of the branch that it moved.
func (h *history) pushed(q *tracked) {
	for _, other := range q.project.pulls {
		if other.open && other.branch == q.branch {
			h.tell(other, "synchronize")
		}
	}
}

func (h *history) pushTo(q *tracked) {
	h.grow(q, q.project.tips[q.branch])
	h.pushed(q)
}

// forcePush builds the branch anew on the present base.
func (h *history) forcePush(q *tracked) {
	h.grow(q, q.project.tips[q.base])
	for _, other := range q.project.pulls {
		other.forced = other.forced || !other.open && other.branch == q.branch
	}
	h.counts["forced"]++
	h.pushed(q)
}

// revert takes back the latest commit with another one.
func (h *history) revert(q *tracked) {
	p := q.project
	tip := p.tips[q.branch]
	set, gone := p.model.differences(tip, p.model[tip].parent)
	if len(set)+len(gone) == 0 {
		return
	}
	h.counts["reverted"]++
	h.move(q, h.commitWithout(p, "elsewhere", tip, set, gone))
}

// rewrite makes one commit on onto of all that the branch changes: a squash, or
// a rebase onto what the base is now.
func (h *history) rewrite(q *tracked, onto string) {
	p := q.project
	tip := p.tips[q.branch]
	set, gone := p.model.differences(p.model.base(p.tips[q.base], tip), tip)
	if len(set)+len(gone) == 0 {
		return
	}
	gone = slices.DeleteFunc(gone, func(f planted) bool { _, there := p.model[onto].files[f.number]; return !there })
	h.counts["rewritten"]++
	for _, other := range p.pulls {
		other.forced = other.forced || !other.open && other.branch == q.branch
	}
	h.move(q, h.commitWithout(p, "elsewhere", onto, set, gone))
}

// move makes sha the head of the branch of a pull request.
func (h *history) move(q *tracked, sha string) {
	require.NoError(h.t, q.project.repo.Reset(q.branch, sha))
	q.project.tips[q.branch] = sha
	h.pushed(q)
}

// resolve has a person resolve a thread of ours: they have decided.
func (h *history) resolve(q *tracked) {
	if t, ok := h.thread(q); ok {
		h.counts["resolved"]++
		require.NoError(h.t, q.project.repo.Resolve(q.number, t.ID, "dev"))
	}
}

// drop has a person delete a comment of ours.
func (h *history) drop(q *tracked) {
	if t, ok := h.thread(q); ok {
		h.counts["deleted"]++
		q.dropped[t.Path] = true
		require.NoError(h.t, q.project.repo.DeleteInline(q.number, t.Comments[0].ID))
	}
}

// thread picks a thread. How fast the server is must not change the steps to come.
func (h *history) thread(q *tracked) (fakehub.Thread, bool) {
	at := h.random.Float64()
	pull, err := q.project.repo.Pull(q.number)
	require.NoError(h.t, err)
	if len(pull.Threads) == 0 {
		return fakehub.Thread{}, false
	}
	return pull.Threads[int(at*float64(len(pull.Threads)))], true
}

func (h *history) closePull(q *tracked) {
	require.NoError(h.t, q.project.repo.ClosePull(q.number))
	q.open = false
	q.turns++
	h.tell(q, "closed")
}

func (h *history) reopenPull(q *tracked) {
	for _, other := range q.project.pulls {
		if other.open && other.branch == q.branch && other.base == q.base {
			return // GitHub has one at a time
		}
	}
	require.NoError(h.t, q.project.repo.ReopenPull(q.number))
	q.open = true
	h.tell(q, "reopened")
}

// changeBase gives a pull request the other base.
func (h *history) changeBase(q *tracked) {
	to := map[string]string{"main": "release", "release": "main"}[q.base]
	for _, other := range q.project.pulls {
		if other.open && other.branch == q.branch && other.base == to {
			return
		}
	}
	was := q.base
	require.NoError(h.t, q.project.repo.SetBase(q.number, to))
	q.base = to
	q.turns++
	e, err := q.project.repo.BaseEvent(q.number, was, q.project.tips[was])
	require.NoError(h.t, err)
	h.send("edited", e)
}

// openTwin opens another pull request of the same branch, onto the other base: the head is shared.
func (h *history) openTwin(q *tracked) {
	to := map[string]string{"main": "release", "release": "main"}[q.base]
	for _, other := range q.project.pulls {
		if other.branch == q.branch && other != q {
			return
		}
	}
	h.counts["twins"]++
	h.register(&tracked{project: q.project, branch: q.branch, base: to, open: true, ever: map[string]bool{}, dropped: map[string]bool{}})
}

// pushBase pushes to a base branch: what is bad there is old.
func (h *history) pushBase(p *project) {
	branch := []string{"main", "release"}[h.random.IntN(2)]
	before := p.tips[branch]
	set, gone := h.change(p, before)
	h.commitWithout(p, branch, before, set, gone)
	h.send("push", p.repo.PushEvent(branch, before, p.tips[branch], "dev"))
}

// askAgain presses "re-run".
func (h *history) askAgain(q *tracked) {
	runs := q.project.repo.CheckRuns(q.project.tips[q.branch])
	if len(runs) == 0 {
		h.fate() // how fast the server is must not change the steps to come
		return
	}
	e, err := q.project.repo.CheckRunEvent(runs[len(runs)-1].ID, "rerequested", "", "dev")
	require.NoError(h.t, err)
	h.send("rerequested", e)
}

// redeliver delivers something again that was delivered before.
func (h *history) redeliver() {
	all := h.Hub.Deliveries()
	d := all[int(h.random.Float64()*float64(len(all)))]
	h.counts["redelivered"]++
	h.again(d)
}

func (h *history) again(d fakehub.Delivery) {
	if i := slices.IndexFunc(h.rerun, func(r rerun) bool { return r.guid == d.GUID }); i >= 0 {
		h.rerun = append(h.rerun, h.rerun[i])
	}
	d, err := h.Hub.Redeliver(h.t.Context(), d.ID)
	require.NoError(h.t, err)
	require.Equal(h.t, 2, d.Status/100)
}

// restart stops the server as an operator does, in the middle of its work.
func (h *history) restart() {
	h.counts["restarts"]++
	h.Config.Address = strings.TrimPrefix(strings.TrimSuffix(h.Server().WebhookURL(), "/api/github/hook"), "http://")
	require.NoError(h.t, h.Stop())
	require.NoError(h.t, h.Start(h.t.Context()))
}

// send delivers an event: at once, twice, late, or not at all.
func (h *history) send(what string, e fakehub.Event) {
	h.t.Helper()
	h.counts[what]++
	switch r, delay := h.fate(); {
	case r < 5:
		h.counts["lost"]++
		h.lost = append(h.lost, e)
	case r < 15:
		h.counts["late"]++
		h.late = append(h.late, parcel{e, h.step + delay})
	case r < 20:
		h.counts["twice"]++
		h.again(h.bring(e))
	default:
		h.bring(e)
	}
}

// fate draws what becomes of a delivery.
func (h *history) fate() (r, delay int) { return h.random.IntN(100), 1 + h.random.IntN(12) }

func (h *history) bring(e fakehub.Event) fakehub.Delivery {
	h.t.Helper()
	d, err := h.Hub.Deliver(h.t.Context(), h.Server().WebhookURL(), e)
	require.NoError(h.t, err)
	require.Equal(h.t, 2, d.Status/100)
	if run, ok := e.Payload["check_run"].(map[string]any); ok {
		r := rerun{guid: d.GUID, repo: e.Payload["repository"].(map[string]any)["full_name"].(string), sha: run["head_sha"].(string)}
		for _, p := range run["pull_requests"].([]any) {
			r.pulls = append(r.pulls, p.(map[string]any)["number"].(int))
		}
		h.rerun = append(h.rerun, r)
	}
	return d
}

// forward delivers what is due, or all there is, in any order.
func (h *history) forward(all bool) {
	var stay []parcel
	for _, i := range h.random.Perm(len(h.late)) {
		if p := h.late[i]; all || p.due <= h.step {
			h.bring(p.event)
		} else {
			stay = append(stay, p)
		}
	}
	h.late = stay
}

// heal brings what was lost, and waits until there is nothing left to do.
func (h *history) heal() {
	h.forward(true)
	for _, i := range h.random.Perm(len(h.lost)) {
		h.bring(h.lost[i])
	}
	h.lost = nil
	h.settle()
}

// note keeps what the present head of a pull request gives occasion to.
func (q *tracked) note() {
	if !q.open {
		return
	}
	p := q.project
	head := p.tips[q.branch]
	if p.asked[head] == nil {
		p.asked[head], p.of[head] = map[string]bool{}, map[int]bool{}
	}
	p.asked[head][fmt.Sprintf("%d after %d", q.number, q.turns)] = true
	p.of[head][q.number] = true
	maps.Copy(q.ever, p.model.expect(p.tips[q.base], head).commented)
}

// compare compares all that GitHub shows with what it should.
func (h *history) compare() {
	h.t.Helper()
	for _, p := range h.projects {
		fails := map[string]bool{} // by head: the worst of all verdicts counts
		for _, q := range p.pulls {
			if q.open {
				head := p.tips[q.branch]
				fails[head] = fails[head] || p.model.expect(p.tips[q.base], head).fails
			}
		}
		for _, q := range p.pulls {
			if !q.open {
				continue
			}
			e := p.model.expect(p.tips[q.base], p.tips[q.branch])
			pull, err := p.repo.Pull(q.number)
			require.NoError(h.t, err)
			require.Equal(h.t, p.tips[q.branch], pull.HeadSHA)
			bad := append(e.differs(pull, q), h.run(q, e, pull, fails[pull.HeadSHA])...)
			if !assert.Empty(h.t, bad, "step %d: %v#%d at %s", h.step, p.repo, q.number, pull.HeadSHA) {
				h.t.Log(shown(h.t, p.repo, pull.HeadSHA))
			}
		}
		for head, occasions := range p.asked {
			reruns := 0
			for _, r := range h.rerun {
				if r.repo == p.repo.String() && (r.sha == head || slices.ContainsFunc(r.pulls, func(n int) bool { return p.of[head][n] })) {
					reruns++
				}
			}
			runs := p.repo.CheckRuns(head)
			for _, r := range runs {
				assert.Equal(h.t, "completed", r.Status, "step %d: a run on %s of %v", h.step, head, p.repo)
			}
			if len(p.of[head]) == 1 {
				assert.LessOrEqual(h.t, len(runs), len(occasions)+reruns, "step %d: runs on %s of %v: %v", h.step, head, p.repo, brief(runs))
			}
		}
	}
}

func brief(runs []fakehub.CheckRun) []string {
	var out []string
	for _, r := range runs {
		out = append(out, fmt.Sprintf("%s %s %s %s", r.Status, r.Conclusion, r.ExternalID, r.Title))
	}
	return out
}

// run compares the newest check run on the head of a pull request.
func (h *history) run(q *tracked, e expectation, pull fakehub.Pull, fails bool) []string {
	runs := q.project.repo.CheckRuns(pull.HeadSHA)
	if len(runs) == 0 {
		return []string{"no check run"}
	}
	last := runs[len(runs)-1]
	want := "success"
	if fails {
		want = "failure"
	}
	if last.Status != "completed" || last.Conclusion != want {
		return []string{fmt.Sprintf("the check is %s %s, not %s: %s", last.Status, last.Conclusion, want, last.Title)}
	}
	if len(q.project.of[pull.HeadSHA]) > 1 {
		return nil // its words are those of one of them
	}
	missing := e.all()
	annotated := map[string]bool{}
	for _, a := range last.Annotations {
		annotated[a.Path] = true
	}
	for _, t := range pull.Threads {
		if !t.Resolved {
			delete(missing, t.Path)
		} else if byPerson(t) { // before the check, or after it
			delete(missing, t.Path)
			delete(annotated, t.Path)
		}
	}
	for path := range q.dropped {
		delete(missing, path)
		delete(annotated, path)
	}
	if !maps.Equal(missing, annotated) {
		return []string{fmt.Sprintf("annotations on %v, not on %v", slices.Sorted(maps.Keys(annotated)), slices.Sorted(maps.Keys(missing)))}
	}
	return nil
}
