package demo_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
)

// A trick is one way to get something past a reviewer.
type trick struct {
	name  string
	story *story
	want  []sighting
	turn  func(t *testing.T, p *theatre, pull *playing) // what happens after the first review, if anything
	head  string                                        // how the change arrives: "", "fork", "queue"
	main  bool                                          // onto the default branch
	check func(t *testing.T, seen report.Report, run fakehub.CheckRun)
}

// A sighting is what must be found of a trick. The rule may be the beginning
// of one; the line is that of text, or given.
type sighting struct {
	rule, path, text string
	line, end        int    // 0: where text is; -1: the whole file
	commit           string // label; "" for what is not told by commit
	past             bool   // only in history
	comment          int    // line of the inline comment; 0: line, -1: none
	commentIn        string // its file; "": path
	odd              bool   // a path that no annotation takes: it is in the check's text
}

func TestEvasion(t *testing.T) {
	for _, text := range []string{theatrePolicy, privatePolicy} {
		_, err := policy.Parse([]byte(text))
		require.NoError(t, err)
	}
	for family, tricks := range map[string][]trick{
		"history": historyTricks(), "names": nameTricks(), "contents": contentTricks(), "waivers": waiverTricks(), "policy": policyTricks(),
		"dependencies": dependencyTricks(), "terraform": terraformTricks(), "kubernetes": kubernetesTricks(), "docker": dockerTricks(),
	} {
		t.Run(family, func(t *testing.T) {
			p := newTheatre(t)
			for _, trick := range tricks {
				t.Run(trick.name, func(t *testing.T) {
					t.Parallel()
					p.play(t, trick)
				})
			}
		})
	}
}

// A theatre is a stage with one repository on which every case has branches of
// its own. Its default branch has the policy. The fake looks through all pull
// requests of a repository at each review, so a family has a stage of its own.
type theatre struct {
	*demo.Stage
	repo *fakehub.Repo
	fork *fakehub.Repo
	mu   sync.Mutex
	n    int
}

const theatrePolicy = `version: 1
paths:
  ignore: ["third_party/**"]
block: low # what is found counts here, not how bad it is
upgrades:
  enabled: false
`

func newTheatre(t *testing.T) *theatre {
	ctx := t.Context()
	stage := watched(t, demo.StageOptions{}, zerolog.NewTestWriter(t), zerolog.WarnLevel)
	repo, err := stage.Install(ctx, "acme", "shop")
	require.NoError(t, err)
	_, err = repo.Commit("main", "Begin", map[string]string{".github/pullwarden.yml": theatrePolicy, "README.md": "# shop\n"})
	require.NoError(t, err)
	fork, err := stage.Hub.Fork(repo, "mallory")
	require.NoError(t, err)
	return &theatre{Stage: stage, repo: repo, fork: fork}
}

// A playing is one pull request on the stage.
type playing struct {
	story        *story
	number       int
	head, branch string
	from         *fakehub.Repo
}

// open makes a pull request of a story.
func (p *theatre) open(t *testing.T, s *story, fork, onMain bool) *playing {
	p.mu.Lock()
	p.n++
	id := fmt.Sprintf("case-%d", p.n)
	p.mu.Unlock()
	from, label := p.repo, id+"-head"
	s.write(t, p.repo.Dir(), id)
	base := id + "-base"
	if onMain {
		base = "main"
	} else {
		require.NoError(t, p.repo.Reset(base, s.by[s.onto].sha))
	}
	if fork {
		from, label = p.fork, "mallory:"+label
		s.write(t, p.fork.Dir(), id)
	}
	pull := &playing{story: s, branch: id + "-head", from: from, head: s.by[s.at].sha}
	require.NoError(t, from.Reset(pull.branch, pull.head))
	var err error
	pull.number, err = p.repo.OpenPull(t.Name(), "", base, label, "dev")
	require.NoError(t, err)
	return pull
}

// deliver tells the server of a pull request and waits for its review.
func (p *theatre) deliver(t *testing.T, pull *playing, action string) (report.Report, fakehub.CheckRun) {
	e, err := p.repo.PullEvent(pull.number, action)
	require.NoError(t, err)
	require.NoError(t, p.Deliver(t.Context(), e))
	return p.await(t, pull)
}

// await waits until the head of a pull request was reviewed.
func (p *theatre) await(t *testing.T, pull *playing) (report.Report, fakehub.CheckRun) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for ; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		run, ok := p.completed(pull.head)
		if !ok {
			continue
		}
		if r, ok := p.Report(pull.number); ok && r.Change.Head == pull.head {
			return r, run
		}
		if strings.HasPrefix(run.Title, "Could not complete") {
			require.Fail(t, run.Title)
		}
	}
	run, _ := p.completed(pull.head)
	require.Fail(t, "no review of "+pull.head, "%+v", run)
	return report.Report{}, fakehub.CheckRun{}
}

func (p *theatre) completed(sha string) (fakehub.CheckRun, bool) {
	runs := p.repo.CheckRuns(sha)
	if len(runs) == 0 || runs[len(runs)-1].Status != "completed" {
		return fakehub.CheckRun{}, false
	}
	return runs[len(runs)-1], true
}

func (p *theatre) play(t *testing.T, trick trick) {
	require.NotNil(t, trick.story)
	pull := p.open(t, trick.story, trick.head == "fork", trick.main)
	if trick.head == "queue" {
		p.queue(t, pull, trick)
		return
	}
	seen, run := p.deliver(t, pull, "opened")
	if trick.turn != nil {
		trick.turn(t, p, pull)
		seen, run = p.await(t, pull)
	}
	p.judge(t, pull, seen, run, trick)
}

// judge compares what was seen with what a trick hid.
func (p *theatre) judge(t *testing.T, pull *playing, seen report.Report, run fakehub.CheckRun, trick trick) {
	assert.Contains(t, []string{"failure", "neutral"}, run.Conclusion, run.Title)
	require.True(t, len(trick.want) > 0 || trick.check != nil)
	state, err := p.repo.Pull(pull.number)
	require.NoError(t, err)
	for _, w := range trick.want {
		line := w.line
		if line == 0 {
			label := pull.story.at
			if w.past {
				label = w.commit
			}
			line = pull.story.lineOf(t, label, w.path, w.text)
		}
		f, ok := sighted(seen.Result.Findings, w, max(line, 0))
		if !assert.True(t, ok, "%s at %q:%d is not among %s\n%s", w.rule, w.path, line, listed(seen.Result.Findings), run.Summary) {
			continue
		}
		assert.Equal(t, w.past, f.Past)
		if w.commit != "" {
			assert.Equal(t, pull.story.by[w.commit].sha, f.Commit, "the commit is %s", w.commit)
		}
		switch {
		case w.odd:
			assert.Contains(t, run.Text, f.Message)
		case w.past || w.comment < 0 || line < 0:
			assert.True(t, annotated(run, f.Rule.ID, w.path, max(line, 1)), "no annotation at %s:%d in %+v", w.path, line, run.Annotations)
		default:
			at := cmp.Or(w.commentIn, w.path)
			line = cmp.Or(w.comment, line)
			assert.True(t, commented(state, f.Rule.ID, at, line), "no comment at %s:%d in %s", at, line, threaded(state))
		}
	}
	if trick.check != nil {
		trick.check(t, seen, run)
	}
}

// queue has the merge queue ask for a pull request and looks at the check of
// its commit, which is all that there is.
func (p *theatre) queue(t *testing.T, pull *playing, trick trick) {
	head, base, branch, err := p.repo.Queue(pull.number)
	require.NoError(t, err)
	require.NoError(t, p.Deliver(t.Context(), p.repo.GroupEvent(head, base, branch)))
	var run fakehub.CheckRun
	require.Eventually(t, func() (ok bool) { run, ok = p.completed(head); return ok }, time.Minute, 5*time.Millisecond)
	assert.Equal(t, "failure", run.Conclusion, run.Title)
	for _, w := range trick.want {
		line := pull.story.lineOf(t, pull.story.at, w.path, w.text)
		assert.True(t, annotated(run, w.rule, w.path, line), "no annotation at %s:%d in %+v", w.path, line, run.Annotations)
	}
}

// isOf reports whether f is of a rule with that prefix, or has the advisory that it names.
func isOf(f finding.Finding, rule string) bool {
	return strings.HasPrefix(f.Rule.ID, rule) ||
		slices.ContainsFunc(f.Advisories, func(a finding.Advisory) bool { return "dependency/"+a.ID == rule })
}

func sighted(findings []finding.Finding, w sighting, line int) (finding.Finding, bool) {
	for _, f := range findings {
		if isOf(f, w.rule) && f.At.Path == w.path && f.At.Start == line && f.Past == w.past {
			return f, true
		}
	}
	return finding.Finding{}, false
}

// annotated reports whether the check has an annotation of a rule at a line. A
// rule that is only the beginning of one will do.
func annotated(run fakehub.CheckRun, rule, path string, line int) bool {
	for _, a := range run.Annotations {
		if a.Path == path && a.StartLine == line && strings.Contains(a.Message, "\n"+rule) {
			return true
		}
	}
	return false
}

// commented reports whether our App has a thread of a rule that ends on a line.
func commented(p fakehub.Pull, rule, path string, line int) bool {
	for _, th := range p.Threads {
		if th.Path == path && th.Line == line && !th.Resolved && strings.HasSuffix(th.Comments[0].Author, "[bot]") &&
			strings.Contains(th.Comments[0].Body, "`"+rule+"`") {
			return true
		}
	}
	return false
}

func listed(findings []finding.Finding) string {
	var out []string
	for _, f := range findings {
		out = append(out, fmt.Sprintf("%s at %q (past %v, confidence %v, commit %.7s)", f.Rule.ID, f.At, f.Past, f.Confidence, f.Commit))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func threaded(p fakehub.Pull) string {
	var out []string
	for _, th := range p.Threads {
		first, _, _ := strings.Cut(th.Comments[0].Body, "\n")
		out = append(out, fmt.Sprintf("%q:%d %s by %s (outdated %v, resolved %v)", th.Path, th.Line, first, th.Comments[0].Author, th.Outdated, th.Resolved))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func readText(t *testing.T, path string) string {
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

// incomplete checks that the review says of a file that it was not looked at
// in full: such a check is no pass.
func incomplete(path string) func(*testing.T, report.Report, fakehub.CheckRun) {
	return func(t *testing.T, seen report.Report, run fakehub.CheckRun) {
		assert.Contains(t, strings.Join(seen.Verdict.Incomplete, "\n"), path+":")
	}
}
