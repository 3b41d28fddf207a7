package report

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
)

var account = regexp.MustCompile(`^@[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9_.-]+)?$`)

// Reminder is the issue that tells the owners of exceptions which of theirs end
// soon and which nothing needs. It calls the owners by their names: they are
// those of the default branch's policy, or people who asked for an exception.
func Reminder(ending, unused []policy.Exception, uses map[string]history.Use) forge.Issue {
	var b strings.Builder
	title := fmt.Sprintf("%s within two weeks", ends(len(ending)))
	if len(ending) > 0 {
		b.WriteString("These exceptions end. What they excuse is a finding again from the day after on: fix it until then, or extend the exception with a reason why it has to go on.\n\n")
		for _, e := range ending {
			fmt.Fprintf(&b, "- until **%s**: %s, %s\n", e.Until.Format(time.DateOnly), exceptionLine(e), used(uses[e.ID()]))
		}
		b.WriteString("\n")
	} else {
		title = "Exceptions that nothing needs"
	}
	if len(unused) > 0 {
		b.WriteString("No review has needed these for 90 days. Take them out: an exception that excuses nothing today may excuse something else tomorrow.\n\n")
		for _, e := range unused {
			fmt.Fprintf(&b, "- %s, %s\n", exceptionLine(e), used(uses[e.ID()]))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "<sub>Exceptions are in %s, or were asked for with `/pullwarden ignore`; `/pullwarden withdraw` takes those back. [How exceptions work](%s)</sub>", code(policy.Path), exceptionHelp)
	return forge.Issue{Title: title, Body: b.String()}
}

func ends(n int) string {
	if n == 1 {
		return "1 exception ends"
	}
	return fmt.Sprintf("%d exceptions end", n)
}

// exceptionLine is what e covers, why, and whose it is.
func exceptionLine(e policy.Exception) string {
	var what []string
	for _, s := range []string{e.Rule, e.Path, string(e.Fingerprint)} {
		if s != "" {
			what = append(what, code(s))
		}
	}
	owner := escape(e.Owner)
	if account.MatchString(e.Owner) {
		owner = e.Owner
	}
	return fmt.Sprintf("%s (%s), %s", strings.Join(what, " in "), escape(oneLine(e.Reason)), owner)
}

func used(u history.Use) string {
	if u.Last.IsZero() {
		return "no review has needed it so far"
	}
	return "last needed on " + u.Last.Format(time.DateOnly)
}
