package cli_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// A play is work during which a server is killed.
type play struct {
	name string
	set  func(r *round) // what comes before; r.work has it worked off
	act  func(r *round) []fakehub.Event
	want func(r *round) outcome
}

// An outcome is what GitHub must show in the end, neither less nor more.
//
// What "once" means for check runs: each question that was asked has one run.
// A head that came up is a question, and so are its pull request's reopening,
// another base, and somebody who presses re-run. A run that was begun and then
// replaced counts as a second one, whatever it says in the end.
type outcome struct {
	heads    map[string]head   // by SHA
	threads  map[string]string // by path: open or resolved; one comment each
	reviews  int               // at the most
	upgrades int
}

type head struct {
	runs        int
	conclusion  string
	annotations int
	passing     bool // it may have been pushed over before anybody looked: then it has no run
}

const (
	bad  = "example-ledger==4.1.2\n"
	good = "example-ledger==4.1.3\n"
)

func (r *round) commit(branch string, files map[string]string, options ...fakehub.CommitOption) string {
	r.t.Helper()
	sha, err := r.repo.Commit(branch, "Change", files, options...)
	require.NoError(r.t, err)
	return sha
}

func (r *round) openPull(base string) fakehub.Event {
	r.t.Helper()
	_, err := r.repo.OpenPull("Pay by card", "", base, "topic", "dev")
	require.NoError(r.t, err)
	return r.event("opened")
}

func (r *round) event(action string) fakehub.Event {
	r.t.Helper()
	e, err := r.repo.PullEvent(1, action)
	require.NoError(r.t, err)
	return e
}

// reviewed is a first review that is over: a secret and a dependency.
func reviewed(r *round) {
	r.first = r.commit("topic", map[string]string{"pay.go": withSecret(), "a/requirements.txt": bad, "b/requirements.txt": bad})
	r.work(r.openPull("main"))
}

func failing(runs, annotations int) head {
	return head{runs: runs, conclusion: "failure", annotations: annotations}
}

func plays() []play {
	many := func(n int) map[string]string {
		files := map[string]string{}
		for i := range n {
			files[fmt.Sprintf("%d/requirements.txt", i)] = bad
		}
		return files
	}
	return []play{
		{
			name: "opened",
			set:  func(*round) {},
			act: func(r *round) []fakehub.Event {
				r.commit("topic", map[string]string{"pay.go": withSecret()})
				r.head = r.commit("topic", map[string]string{"pay.go": "package pay\n", "a/requirements.txt": bad, "b/requirements.txt": bad})
				return []fakehub.Event{r.openPull("main")}
			},
			want: func(r *round) outcome {
				return outcome{heads: map[string]head{r.head: failing(1, 1)}, reviews: 1,
					threads: map[string]string{"a/requirements.txt": "open", "b/requirements.txt": "open"}}
			},
		},
		{
			name: "pushed",
			set:  reviewed,
			act: func(r *round) []fakehub.Event {
				r.head = r.commit("topic", map[string]string{"a/requirements.txt": good, "c/requirements.txt": bad})
				return []fakehub.Event{r.event("synchronize")}
			},
			want: func(r *round) outcome {
				return outcome{heads: map[string]head{r.first: failing(1, 0), r.head: failing(1, 0)}, reviews: 2, threads: map[string]string{
					"pay.go": "open", "a/requirements.txt": "resolved", "b/requirements.txt": "open", "c/requirements.txt": "open"}}
			},
		},
		{
			name: "force-pushed",
			set:  reviewed,
			act: func(r *round) []fakehub.Event {
				r.head = r.commit("topic", map[string]string{"pay.go": "package pay\n"}, fakehub.From(r.repo.Tip("main")))
				return []fakehub.Event{r.event("synchronize")}
			},
			want: func(r *round) outcome {
				return outcome{heads: map[string]head{r.first: failing(1, 0), r.head: {runs: 1, conclusion: "success"}}, reviews: 1,
					threads: map[string]string{"pay.go": "resolved", "a/requirements.txt": "resolved", "b/requirements.txt": "resolved"}}
			},
		},
		{
			name: "closed, pushed and reopened",
			set:  reviewed,
			act: func(r *round) []fakehub.Event {
				require.NoError(r.t, r.repo.ClosePull(1))
				closed := r.event("closed")
				r.head = r.commit("topic", map[string]string{"a/requirements.txt": good})
				require.NoError(r.t, r.repo.ReopenPull(1))
				return []fakehub.Event{closed, r.event("reopened")}
			},
			want: func(r *round) outcome {
				return outcome{heads: map[string]head{r.first: failing(1, 0), r.head: failing(1, 0)}, reviews: 1,
					threads: map[string]string{"pay.go": "open", "a/requirements.txt": "resolved", "b/requirements.txt": "open"}}
			},
		},
		{
			name: "an upgrade",
			set:  func(*round) {},
			act: func(r *round) []fakehub.Event {
				sums, err := r.stage.Sums("example.com/markdown", "v1.2.0")
				require.NoError(r.t, err)
				tip := r.commit("main", map[string]string{
					"go.mod": "module example.com/shop\n\ngo 1.22\n\nrequire example.com/markdown v1.2.0\n", "go.sum": sums + "\n",
					".github/pullwarden.yml": "version: 1\nupgrades: {labels: [dependencies]}\n",
				})
				return []fakehub.Event{r.repo.PushEvent("main", "", tip, "dev")}
			},
			want: func(*round) outcome { return outcome{upgrades: 1} },
		},
		{
			name: "more findings than one request takes",
			set:  func(*round) {},
			act: func(r *round) []fakehub.Event {
				r.head = r.commit("topic", many(120))
				return []fakehub.Event{r.openPull("main")}
			},
			want: func(r *round) outcome {
				threads := map[string]string{}
				p, err := r.repo.Pull(1)
				require.NoError(r.t, err)
				for _, t := range p.Threads[:min(10, len(p.Threads))] { // whichever they are
					threads[t.Path] = "open"
				}
				for i := len(threads); i < 10; i++ {
					threads[fmt.Sprintf("one of the findings, no. %d", i)] = "open"
				}
				return outcome{heads: map[string]head{r.head: failing(1, 110)}, reviews: 1, threads: threads}
			},
		},
		{
			name: "asked to check again",
			set:  reviewed,
			act: func(r *round) []fakehub.Event {
				runs := r.repo.CheckRuns(r.first)
				require.NotEmpty(r.t, runs)
				e, err := r.repo.CheckRunEvent(runs[len(runs)-1].ID, "rerequested", "", "dev")
				require.NoError(r.t, err)
				return []fakehub.Event{e}
			},
			want: func(r *round) outcome {
				return outcome{heads: map[string]head{r.first: failing(2, 0)}, reviews: 1,
					threads: map[string]string{"pay.go": "open", "a/requirements.txt": "open", "b/requirements.txt": "open"}}
			},
		},
		{
			name: "opened and pushed to at once",
			set:  func(*round) {},
			act: func(r *round) []fakehub.Event {
				r.first = r.commit("topic", map[string]string{"a/requirements.txt": bad})
				opened := r.openPull("main")
				r.head = r.commit("topic", map[string]string{"b/requirements.txt": bad})
				return []fakehub.Event{opened, r.event("synchronize"), opened}
			},
			want: func(r *round) outcome {
				first := failing(1, 0)
				first.passing = true
				return outcome{heads: map[string]head{r.first: first, r.head: failing(1, 0)}, reviews: 2,
					threads: map[string]string{"a/requirements.txt": "open", "b/requirements.txt": "open"}}
			},
		},
		{
			name: "another base",
			set: func(r *round) {
				r.commit("release", map[string]string{"a/requirements.txt": bad})
				r.first = r.commit("topic", map[string]string{"b/requirements.txt": bad}, fakehub.From(r.repo.Tip("release")))
				r.work(r.openPull("main"))
			},
			act: func(r *round) []fakehub.Event {
				require.NoError(r.t, r.repo.SetBase(1, "release"))
				e, err := r.repo.BaseEvent(1, "main", r.repo.Tip("main"))
				require.NoError(r.t, err)
				return []fakehub.Event{e}
			},
			want: func(r *round) outcome {
				return outcome{heads: map[string]head{r.first: failing(2, 0)}, reviews: 1,
					threads: map[string]string{"a/requirements.txt": "resolved", "b/requirements.txt": "open"}}
			},
		},
	}
}

// compare says what is missing, what is there twice, and what is pending.
func (o outcome) compare(repo *fakehub.Repo) (lost, twice, stuck []string) {
	for sha, want := range o.heads {
		runs := repo.CheckRuns(sha)
		for _, run := range runs {
			if run.Status != "completed" {
				stuck = append(stuck, "the check on "+sha[:7]+" is "+run.Status)
			}
		}
		switch {
		case len(runs) == 0 && want.passing:
			continue
		case len(runs) < want.runs:
			lost = append(lost, fmt.Sprintf("%d of %d runs on %s", len(runs), want.runs, sha[:7]))
			continue
		case len(runs) > want.runs:
			twice = append(twice, fmt.Sprintf("%d runs on %s, not %d", len(runs), sha[:7], want.runs))
		}
		last := runs[len(runs)-1]
		if last.Conclusion != want.conclusion {
			lost = append(lost, fmt.Sprintf("%s says %q, not %q", sha[:7], last.Conclusion, want.conclusion))
		}
		places := map[string]bool{}
		for _, a := range last.Annotations {
			if places[a.Path] {
				twice = append(twice, "an annotation on "+a.Path)
			}
			places[a.Path] = true
		}
		if len(places) < want.annotations {
			lost = append(lost, fmt.Sprintf("%d of %d annotations on %s", len(places), want.annotations, sha[:7]))
		}
	}
	ours := map[string]int{}
	threads := map[string]int{}
	for _, p := range repo.Pulls() {
		if p.Author != "dev" {
			ours[p.Head]++
			if ours[p.Head] > 1 {
				twice = append(twice, "a pull request from "+p.Head)
			}
			if !slices.Contains(p.Labels, "dependencies") {
				lost = append(lost, "the label of "+p.Title)
			}
			continue
		}
		for _, t := range p.Threads {
			threads[t.Path]++
			state := "open"
			if t.Resolved {
				state = "resolved"
			}
			switch want := o.threads[t.Path]; {
			case want == "" || threads[t.Path] > 1:
				twice = append(twice, "a thread on "+t.Path)
			case state != want:
				lost = append(lost, fmt.Sprintf("the thread on %s is %s, not %s", t.Path, state, want))
			case len(t.Comments) != 1:
				twice = append(twice, "a comment on "+t.Path)
			}
		}
		if len(p.Reviews) > o.reviews || len(p.Comments) > 1 { // one comment says what only the history has
			twice = append(twice, fmt.Sprintf("%d reviews and %d remarks, not %d", len(p.Reviews), len(p.Comments), o.reviews))
		}
	}
	for path := range o.threads {
		if threads[path] == 0 {
			lost = append(lost, "the thread on "+path)
		}
	}
	branches := 0
	for _, b := range repo.Branches() {
		if strings.HasPrefix(b, "pullwarden/") {
			branches++
		}
	}
	if len(ours) < o.upgrades {
		lost = append(lost, "the upgrade")
	}
	if len(ours) > o.upgrades || branches > o.upgrades {
		twice = append(twice, fmt.Sprintf("%d branches and %d pull requests of ours", branches, len(ours)))
	}
	return lost, twice, stuck
}
