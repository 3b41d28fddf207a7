package demo_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// scripts are the end-to-end scripts: the real server against the fake GitHub.
const scripts = "../../testdata/script"

func TestScripts(t *testing.T) {
	testscript.Run(t, params(nil))
}

// stageKey is where a script keeps its actor.
type stageKey struct{}

// actor is what the commands of one script work on.
type actor struct {
	stage *demo.Stage
	repo  *fakehub.Repo
	heads map[int]string // of pull requests, as last delivered
	main  string
}

func params(through func(string) (string, error)) testscript.Params {
	return testscript.Params{
		Dir:                 scripts,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			e.Defer(cancel)
			stage, err := demo.NewStage(ctx, demo.StageOptions{
				Log: zerolog.New(zerolog.ConsoleWriter{Out: logTo{e}, NoColor: true, PartsExclude: []string{"time"}}), Through: through,
			})
			if err != nil {
				return err
			}
			e.Defer(func() { _ = stage.Close() })
			repo, err := stage.Install(ctx, "acme", "shop")
			if err != nil {
				return err
			}
			e.Values[stageKey{}] = &actor{stage: stage, repo: repo, heads: map[int]string{}}
			for name, v := range madeUpSecrets() {
				e.Setenv(name, v)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fill": fill, "commit": commit, "reset": reset, "pull": pull, "base": setBase, "close": closePull, "deliver": deliver,
			"settle": settle, "check": check, "threads": threads, "remarks": remarks, "pulls": pulls, "hublog": hublog,
			"runs": runs, "fail": fail, "file": file, "remark": remark,
		},
	}
}

// logTo lets the server's log appear with the script that it belongs to.
type logTo struct{ e *testscript.Env }

func (l logTo) Write(b []byte) (int, error) {
	l.e.T().Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// madeUpSecrets are no literals, so that our own repository scans clean.
func madeUpSecrets() map[string]string {
	return map[string]string{
		"AWS_KEY":    "AKIA" + "Z7Q4XKP2VN6TB3RW",
		"STRIPE_KEY": "sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dcQx8Z",
		"GITHUB_PAT": "ghp_" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY1z2A",
	}
}

func act(ts *testscript.TestScript) *actor { return ts.Value(stageKey{}).(*actor) }

func number(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	return n
}

// fill FILE... puts variables such as ${AWS_KEY} into files.
func fill(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		path := ts.MkAbs(name)
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(path, []byte(text), 0o600))
	}
}

// commit BRANCH MESSAGE DIR [-PATH...] commits the files of DIR, and deletes PATHs.
func commit(ts *testscript.TestScript, _ bool, args []string) {
	root := ts.MkAbs(args[2])
	files := map[string]string{}
	ts.Check(filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(root, p)
		files[filepath.ToSlash(rel)] = string(b)
		return err
	}))
	var gone []string
	for _, a := range args[3:] {
		gone = append(gone, strings.TrimPrefix(a, "-"))
	}
	sha, err := act(ts).repo.Commit(args[0], args[1], files, fakehub.Delete(gone...))
	ts.Check(err)
	ts.Setenv("SHA", sha)
	ts.Setenv("SHORT", sha[:7])
}

// reset BRANCH SHA moves a branch, as a force-push does.
func reset(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(act(ts).repo.Reset(args[0], args[1]))
}

// pull HEAD BASE TITLE opens a pull request and puts its number into $PULL.
func pull(ts *testscript.TestScript, _ bool, args []string) {
	n, err := act(ts).repo.OpenPull(args[2], "", args[1], args[0], "dev")
	ts.Check(err)
	ts.Setenv("PULL", strconv.Itoa(n))
}

// base N BRANCH gives a pull request another base.
func setBase(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(act(ts).repo.SetBase(number(ts, args[0]), args[1]))
}

func closePull(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(act(ts).repo.ClosePull(number(ts, args[0])))
}

// deliver EVENT [ARGS] posts a signed webhook; the server must take it.
func deliver(ts *testscript.TestScript, _ bool, args []string) {
	a := act(ts)
	var e fakehub.Event
	var err error
	switch kind, rest := args[0], args[1:]; kind {
	case "push":
		tip := a.repo.Tip("main")
		e, a.main = a.repo.PushEvent("main", a.main, tip, "dev"), tip
	case "rerequested":
		runs := a.repo.CheckRuns(rest[0])
		e, err = a.repo.CheckRunEvent(runs[len(runs)-1].ID, "rerequested", "", "dev")
	case "suite":
		e = a.repo.CheckSuiteEvent(rest[0], "rerequested", "dev")
	case "group":
		head, base, branch, qerr := a.repo.Queue(number(ts, rest[0]))
		ts.Check(qerr)
		ts.Setenv("GROUP", head)
		e = a.repo.GroupEvent(head, base, branch)
	case "edited":
		e, err = a.repo.BaseEvent(number(ts, rest[0]), rest[1], a.repo.Tip(rest[1]))
	case "rename":
		e = a.repo.Rename(rest[0])
	default:
		e, err = a.repo.PullEvent(number(ts, rest[0]), kind)
	}
	ts.Check(err)
	ts.Check(a.stage.Deliver(context.Background(), e))
}

// settle waits until the server has nothing left to do.
func settle(ts *testscript.TestScript, _ bool, _ []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ts.Check(act(ts).stage.Settle(ctx))
}

// check SHA prints our newest check run on a commit.
func check(ts *testscript.TestScript, _ bool, args []string) {
	runs := act(ts).repo.CheckRuns(args[0])
	if len(runs) == 0 {
		ts.Fatalf("no check run on %s", args[0])
	}
	r := runs[len(runs)-1]
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s\n%s\n", r.Status, r.Conclusion, r.Title, r.Summary)
	for _, n := range r.Annotations {
		fmt.Fprintf(&b, "annotation %s:%d %s: %s\n", n.Path, n.StartLine, n.Level, n.Title)
	}
	say(ts, b.String())
}

// runs SHA prints how many check runs of ours a commit has.
func runs(ts *testscript.TestScript, _ bool, args []string) {
	say(ts, fmt.Sprintf("%d check runs\n", len(act(ts).repo.CheckRuns(args[0]))))
}

// threads N prints the threads of a pull request, by place.
func threads(ts *testscript.TestScript, _ bool, args []string) {
	p, err := act(ts).repo.Pull(number(ts, args[0]))
	ts.Check(err)
	var out []string
	for _, t := range p.Threads {
		state := "open"
		if t.Resolved {
			state = "resolved"
		}
		first, _, _ := strings.Cut(t.Comments[0].Body, "\n")
		out = append(out, fmt.Sprintf("%s %s:%d %s\n", state, t.Path, t.Line, first))
	}
	slices.Sort(out)
	say(ts, fmt.Sprintf("%d threads, %d reviews\n%s", len(p.Threads), len(p.Reviews), strings.Join(out, "")))
}

// remarks N prints the bodies of all comments on a pull request.
func remarks(ts *testscript.TestScript, _ bool, args []string) {
	p, err := act(ts).repo.Pull(number(ts, args[0]))
	ts.Check(err)
	var b strings.Builder
	for _, t := range p.Threads {
		for _, c := range t.Comments {
			fmt.Fprintf(&b, "--- %s:%d by %s\n%s\n", t.Path, t.Line, c.Author, c.Body)
		}
	}
	for _, c := range p.Comments {
		fmt.Fprintf(&b, "--- by %s\n%s\n", c.Author, c.Body)
	}
	say(ts, b.String())
}

// pulls prints all pull requests.
func pulls(ts *testscript.TestScript, _ bool, _ []string) {
	var b strings.Builder
	for _, p := range act(ts).repo.Pulls() {
		fmt.Fprintf(&b, "#%d %s %s: %s -> %s by %s %v\n", p.Number, p.State, p.Title, p.Head, p.Base, p.Author, p.Labels)
	}
	say(ts, b.String())
}

// file BRANCH PATH prints a file of the repository.
func file(ts *testscript.TestScript, _ bool, args []string) {
	b, err := act(ts).repo.File(args[0], args[1])
	ts.Check(err)
	say(ts, string(b))
}

// hublog prints every write that reached the fake GitHub.
func hublog(ts *testscript.TestScript, _ bool, _ []string) {
	say(ts, strings.Join(act(ts).stage.Hub.Log(), "\n")+"\n")
}

// fail "METHOD PATH" STATUS TIMES makes calls fail.
func fail(ts *testscript.TestScript, _ bool, args []string) {
	act(ts).stage.Hub.Fail(fakehub.Fault{Match: args[0], Status: number(ts, args[1]), Times: number(ts, args[2])})
}

// remark N PATH LINE BODY has somebody else comment on a line of a pull request.
func remark(ts *testscript.TestScript, _ bool, args []string) {
	_, err := act(ts).repo.Remark(number(ts, args[0]), "", "mallory", args[1], number(ts, args[2]), args[3])
	ts.Check(err)
}

// say makes text the standard output that "stdout" and "cmp stdout" look at.
func say(ts *testscript.TestScript, text string) {
	_, err := ts.Stdout().Write([]byte(text))
	ts.Check(err)
}
