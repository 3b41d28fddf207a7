package demo_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// commands are what the scripts are made of.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	all := map[string]func(*testscript.TestScript, bool, []string){
		"fill": fill, "commit": commit, "reset": reset, "pull": pull, "base": setBase, "close": closePull, "deliver": deliver,
		"organisation": organisation, "restart": restart, "draft": draft, "ready": ready, "settle": settle, "check": check, "threads": threads, "remarks": remarks, "pulls": pulls, "hublog": hublog,
		"runs": runs, "checks": checks, "fail": fail, "file": file, "remark": remark, "redeliver": redeliver, "delay": delay, "fork": fork,
		"catchup": catchUp, "miss": miss, "role": role, "team": team, "say": sayInConversation, "reply": reply, "answers": answers,
		"merge": merge, "prune": prune, "sums": sums, "copycat": copycat, "ledger": ledger, "deep": deep,
	}
	maps.Copy(all, fixCommands())
	return all
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

// organisation DIR [-PATH...] is commit for the default branch of the organisation's own repository.
func organisation(ts *testscript.TestScript, _ bool, args []string) {
	repo, err := act(ts).stage.Hub.Repo("acme", ".github")
	if err != nil {
		repo, err = act(ts).stage.Hub.AddRepo("acme", ".github")
		ts.Check(err)
	}
	var gone []string
	for _, a := range args[1:] {
		gone = append(gone, strings.TrimPrefix(a, "-"))
	}
	_, err = repo.Commit("main", "Set what holds for all", filesOf(ts, args[0]), fakehub.Delete(gone...))
	ts.Check(err)
}

// draft NUMBER makes a pull request a draft, ready NUMBER takes that back.
func draft(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(act(ts).repo.SetDraft(number(ts, args[0]), true))
}

func ready(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(act(ts).repo.SetDraft(number(ts, args[0]), false))
}

// restart stops the server and starts it again.
func restart(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(act(ts).stage.Stop())
	ts.Check(act(ts).stage.Start(context.Background()))
}

// commit BRANCH MESSAGE DIR [-PATH...] commits the files of DIR, and deletes PATHs.
func commit(ts *testscript.TestScript, _ bool, args []string) {
	var gone []string
	for _, a := range args[3:] {
		gone = append(gone, strings.TrimPrefix(a, "-"))
	}
	sha, err := act(ts).repo.Commit(args[0], args[1], filesOf(ts, args[2]), fakehub.Delete(gone...))
	ts.Check(err)
	ts.Setenv("SHA", sha)
	ts.Setenv("SHORT", sha[:7])
}

// filesOf returns the files below a directory; "-" stands for none.
func filesOf(ts *testscript.TestScript, dir string) map[string]string {
	files := map[string]string{}
	if dir == "-" {
		return files
	}
	root := ts.MkAbs(dir)
	ts.Check(filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(root, p)
		files[filepath.ToSlash(rel)] = string(b)
		return err
	}))
	return files
}

// deep BRANCH N commits a file below N directories.
func deep(ts *testscript.TestScript, _ bool, args []string) {
	path := strings.Repeat("d/", number(ts, args[1])) + "file"
	sha, err := act(ts).repo.Commit(args[0], "Dig deep", map[string]string{path: "found\n"})
	ts.Check(err)
	ts.Setenv("SHA", sha)
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

func merge(ts *testscript.TestScript, _ bool, args []string) {
	_, err := act(ts).repo.MergePull(number(ts, args[0]))
	ts.Check(err)
}

// deliver EVENT [ARGS] posts a signed webhook; the server must take it.
func deliver(ts *testscript.TestScript, _ bool, args []string) {
	a := act(ts)
	a.told = append(a.told, strings.Join(args, " "))
	ts.Check(a.stage.Deliver(context.Background(), event(ts, args)))
}

// miss EVENT [ARGS] has a webhook fail, as if the server was down.
func miss(ts *testscript.TestScript, _ bool, args []string) {
	stage := act(ts).stage
	_, err := stage.Hub.Miss(stage.Server().WebhookURL(), event(ts, args), http.StatusBadGateway)
	ts.Check(err)
}

// catchup has the server look once for what it was not told.
func catchUp(ts *testscript.TestScript, _ bool, _ []string) {
	stage := act(ts).stage
	ts.Check(stage.Server().CatchUp(context.Background()))
	stage.Hub.Wait()
}

// event makes what deliver and miss are about.
func event(ts *testscript.TestScript, args []string) (e fakehub.Event) {
	a := act(ts)
	var err error
	switch kind, rest := args[0], args[1:]; kind {
	case "push":
		tip := a.repo.Tip("main")
		e, a.main = a.repo.PushEvent("main", a.main, tip, "dev"), tip
	case "rerequested":
		runs := a.repo.CheckRuns(rest[0])
		e, err = a.repo.CheckRunEvent(runs[len(runs)-1].ID, "rerequested", "", "dev")
	case "part": // SHA SCANNER
		for _, r := range a.repo.CheckRuns(rest[0]) {
			if r.Name == "pullwarden / "+rest[1] {
				e, err = a.repo.CheckRunEvent(r.ID, "rerequested", "", "dev")
			}
		}
	case "pressed": // SHA BUTTON LOGIN
		runs := a.repo.CheckRuns(rest[0])
		e, err = a.repo.CheckRunEvent(runs[len(runs)-1].ID, "requested_action", rest[1], rest[2])
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
	case "transfer":
		e = a.repo.Transfer(rest[0])
	default:
		e, err = a.repo.PullEvent(number(ts, rest[0]), kind)
	}
	ts.Check(err)
	return e
}

// role LOGIN ROLE sets what somebody may do in the repository.
func role(ts *testscript.TestScript, _ bool, args []string) { act(ts).repo.SetRole(args[0], args[1]) }

// team NAME LOGIN... sets who is in a team, "acme/security" say.
func team(ts *testscript.TestScript, _ bool, args []string) {
	act(ts).stage.Hub.SetTeam(args[0], args[1:]...)
}

// say N LOGIN TEXT has somebody write in the conversation of a pull request, and tells the server.
func sayInConversation(ts *testscript.TestScript, _ bool, args []string) {
	a, n := act(ts), number(ts, args[0])
	id, err := a.repo.Say(n, args[1], os.Expand(args[2], ts.Getenv))
	ts.Check(err)
	e, err := a.repo.CommentEvent(n, id)
	ts.Check(err)
	ts.Check(a.stage.Deliver(context.Background(), e))
}

// reply N PATH LOGIN TEXT has somebody write in our thread on a file, and tells the server.
func reply(ts *testscript.TestScript, _ bool, args []string) {
	a, n := act(ts), number(ts, args[0])
	p, err := a.repo.Pull(n)
	ts.Check(err)
	for _, t := range p.Threads {
		if t.Path != args[1] || t.Comments[0].Author != a.stage.Hub.Bot() {
			continue
		}
		_, err := a.repo.Remark(n, t.ID, args[2], "", 0, args[3])
		ts.Check(err)
		p, err = a.repo.Pull(n)
		ts.Check(err)
		for _, u := range p.Threads {
			if u.ID == t.ID {
				e, err := a.repo.ThreadCommentEvent(n, u.Comments[len(u.Comments)-1].ID)
				ts.Check(err)
				ts.Check(a.stage.Deliver(context.Background(), e))
			}
		}
		return
	}
	ts.Fatalf("there is no thread of ours on %s", args[1])
}

// answers N prints what was said to commands on a pull request, in the order of the commands.
func answers(ts *testscript.TestScript, _ bool, args []string) {
	a := act(ts)
	p, err := a.repo.Pull(number(ts, args[0]))
	ts.Check(err)
	all := slices.Clone(p.Comments)
	for _, t := range p.Threads {
		all = append(all, t.Comments[1:]...)
	}
	slices.SortFunc(all, func(a, b fakehub.Comment) int { return cmp.Compare(a.ID, b.ID) })
	var b strings.Builder
	for _, c := range all {
		first, _, _ := strings.Cut(c.Body, "\n")
		fmt.Fprintf(&b, "%s: %s\n", c.Author, first)
		for _, content := range slices.Sorted(maps.Keys(c.Reactions)) {
			fmt.Fprintf(&b, "  reaction %s\n", content)
		}
	}
	say(ts, b.String())
}

// settle waits until the server has nothing left to do.
func settle(ts *testscript.TestScript, _ bool, _ []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ts.Check(act(ts).stage.Settle(ctx))
	act(ts).noted()
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

// pulls prints all pull requests and puts their branches into $HEAD1, $HEAD2 …
func pulls(ts *testscript.TestScript, _ bool, _ []string) {
	var b strings.Builder
	for _, p := range act(ts).repo.Pulls() {
		fmt.Fprintf(&b, "#%d %s %s: %s -> %s by %s %v\n", p.Number, p.State, p.Title, p.Head, p.Base, p.Author, p.Labels)
		ts.Setenv(fmt.Sprintf("HEAD%d", p.Number), p.Head)
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

// checks SHA prints the newest of our check runs of each name on a commit.
func checks(ts *testscript.TestScript, _ bool, args []string) {
	newest := map[string]fakehub.CheckRun{}
	for _, r := range act(ts).repo.CheckRuns(args[0]) {
		newest[r.Name] = r
	}
	for _, name := range slices.Sorted(maps.Keys(newest)) {
		r := newest[name]
		say(ts, fmt.Sprintf("%s: %s %s: %s (%d annotations)\n", name, r.Status, r.Conclusion, r.Title, len(r.Annotations)))
	}
}

// fail "METHOD PATH" STATUS TIMES makes calls fail.
func fail(ts *testscript.TestScript, _ bool, args []string) {
	act(ts).upset = true
	act(ts).stage.Hub.Fail(fakehub.Fault{Match: args[0], Status: number(ts, args[1]), Times: number(ts, args[2])})
}

// remark N PATH LINE BODY has somebody else comment on a line of a pull request.
func remark(ts *testscript.TestScript, _ bool, args []string) {
	_, err := act(ts).repo.Remark(number(ts, args[0]), "", "mallory", args[1], number(ts, args[2]), args[3])
	ts.Check(err)
}

// redeliver TIMES posts the latest delivery again, with the same id.
func redeliver(ts *testscript.TestScript, _ bool, args []string) {
	hub := act(ts).stage.Hub
	all := hub.Deliveries()
	for range number(ts, args[0]) {
		d, err := hub.Redeliver(context.Background(), all[len(all)-1].ID)
		ts.Check(err)
		if d.Status != http.StatusAccepted {
			ts.Fatalf("the server answered %d", d.Status)
		}
	}
}

// delay "METHOD PATH" DURATION TIMES makes calls slow.
func delay(ts *testscript.TestScript, _ bool, args []string) {
	d, err := time.ParseDuration(args[1])
	ts.Check(err)
	act(ts).stage.Hub.Fail(fakehub.Fault{Match: args[0], Delay: d, Times: number(ts, args[2])})
}

// fork OWNER BRANCH DIR commits the files of DIR in a fork and opens a pull request onto main.
func fork(ts *testscript.TestScript, _ bool, args []string) {
	a := act(ts)
	copied, err := a.stage.Hub.Fork(a.repo, args[0])
	ts.Check(err)
	sha, err := copied.Commit(args[1], "From a fork", filesOf(ts, args[2]))
	ts.Check(err)
	ts.Setenv("SHA", sha)
	n, err := a.repo.OpenPull("From a fork", "", "main", args[0]+":"+args[1], args[0])
	ts.Check(err)
	ts.Setenv("PULL", strconv.Itoa(n))
}

// prune removes every object that no branch and no pull request leads to.
func prune(ts *testscript.TestScript, _ bool, _ []string) { ts.Check(act(ts).repo.Prune()) }

// sums FILE MODULE VERSION adds the lines of a module of the stage to a go.sum.
func sums(ts *testscript.TestScript, _ bool, args []string) {
	lines, err := act(ts).stage.Sums(args[1], args[2])
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	ts.Check(err)
	_, err = f.WriteString(lines + "\n")
	ts.Check(errors.Join(err, f.Close()))
}

// copycat N PATH LINE has somebody else post our first comment, marker and all, at another line.
func copycat(ts *testscript.TestScript, _ bool, args []string) {
	n, a := number(ts, args[0]), act(ts)
	p, err := a.repo.Pull(n)
	ts.Check(err)
	for _, t := range p.Threads {
		if c := t.Comments[0]; c.Author == a.stage.Hub.Bot() {
			_, err = a.repo.Remark(n, "", "mallory", args[1], number(ts, args[2]), c.Body)
			ts.Check(err)
			return
		}
	}
	ts.Fatalf("there is no comment of ours to copy")
}

// ledger prints what is remembered of upgrades, and under which names the repository was known.
func ledger(ts *testscript.TestScript, _ bool, _ []string) {
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(act(ts).stage.Config.DatabaseURL, "sqlite:")+"?_pragma=busy_timeout(10000)")
	ts.Check(err)
	defer db.Close()
	for _, query := range []string{
		`SELECT 'upgrade ' || ecosystem || ' ' || package || ' ' || from_version || ' ' || to_version || ' #' || pull || ' ' || why FROM upgrades ORDER BY first_at, package`,
		`SELECT 'name ' || owner || '/' || name FROM repository_names ORDER BY since, repository`,
		`SELECT 'outcome #' || o.pull || ' ' || o.rule || ' ends ' || o.how || ' by ' || COALESCE(a.login, '') ||
			COALESCE(', approved by ' || b.login, '') || CASE WHEN o.merged IS NOT NULL AND o.fixed IS NULL THEN ' merged' ELSE '' END
			FROM outcomes o LEFT JOIN accounts a ON a.id = o.account LEFT JOIN accounts b ON b.id = o.approver ORDER BY o.rule`,
	} {
		rows, err := db.Query(query)
		ts.Check(err)
		for rows.Next() {
			var line string
			ts.Check(rows.Scan(&line))
			say(ts, line+"\n")
		}
		ts.Check(errors.Join(rows.Err(), rows.Close()))
	}
}

// say makes text the standard output that "stdout" and "cmp stdout" look at.
func say(ts *testscript.TestScript, text string) {
	_, err := ts.Stdout().Write([]byte(text))
	ts.Check(err)
}
