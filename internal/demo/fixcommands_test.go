package demo_test

import (
	"fmt"
	"os/exec"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// fixCommands are what scripts about fixes need beyond the others.
func fixCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"buttons": buttons, "commits": commits, "tip": tip, "protect": protect,
	}
}

// buttons SHA prints those of our newest check run on a commit.
func buttons(ts *testscript.TestScript, _ bool, args []string) {
	runs := act(ts).repo.CheckRuns(args[0])
	if len(runs) == 0 {
		ts.Fatalf("no check run on %s", args[0])
	}
	var b strings.Builder
	for _, a := range runs[len(runs)-1].Actions {
		fmt.Fprintf(&b, "%s %q: %s\n", a.Identifier, a.Label, a.Description)
	}
	say(ts, b.String())
}

// commits BRANCH prints what a branch leads to, newest first: who made it,
// whether GitHub signed it, and its subject.
func commits(ts *testscript.TestScript, _ bool, args []string) {
	repo := act(ts).repo
	out, err := exec.Command("git", "-C", repo.Dir(), "log", "--format=%H %an\t%s", args[0]).Output()
	ts.Check(err)
	var b strings.Builder
	for line := range strings.Lines(string(out)) {
		sha, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		author, subject, _ := strings.Cut(rest, "\t")
		signed := "unsigned"
		if repo.Verified(sha) {
			signed = "signed"
		}
		fmt.Fprintf(&b, "%s %s %q\n", author, signed, subject)
	}
	say(ts, b.String())
}

// tip BRANCH puts the SHA of a branch into $TIP.
func tip(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv("TIP", act(ts).repo.Tip(args[0]))
}

// protect BRANCH CHECK lets nobody push what has not passed a check.
func protect(ts *testscript.TestScript, _ bool, args []string) {
	act(ts).repo.Require(fakehub.Requirement{Branch: args[0], Check: args[1], Classic: true})
}
