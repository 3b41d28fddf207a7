package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/internal/history"
)

// What is said to commands: one line each.

// Help names the commands.
func Help() string {
	return "Commands: `/pullwarden why` tells why a finding is one, `ignore REASON until YYYY-MM-DD` asks for an exception, `approve` and `withdraw` are for exceptions, " +
		"`not-useful REASON` tells us, `fix` pushes a commit with the fixes that can be made, `rescan` looks again. Write them in the finding's thread, or name it: `/pullwarden why FINGERPRINT`."
}

// MayNot is for whoever may not write to the repository.
func MayNot() string {
	return "That is for people who may write to this repository."
}

// NoSuchCommand does not repeat what was written.
func NoSuchCommand() string { return "There is no such command. " + Help() }

func PullIsClosed() string { return "This pull request is closed: there is nothing to decide on it." }

func WhichFinding(verb string) string {
	return fmt.Sprintf("Which finding? Write this in its thread, or name it: `/pullwarden %s FINGERPRINT`; the check shows its fingerprint.", verb)
}

// WhichOfSeveral is for a thread with several findings.
func WhichOfSeveral(verb string, seen []history.Sighting) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Several findings are in this thread. Name the one you mean: `/pullwarden %s FINGERPRINT`.", verb)
	for i, s := range seen {
		if i == inComment {
			fmt.Fprintf(&b, "\n- %d more: see the check", len(seen)-i)
			break
		}
		fmt.Fprintf(&b, "\n- %s: %s", code(string(s.Print)), code(s.Rule))
	}
	return b.String()
}

func NotFoundHere(print string) string {
	return fmt.Sprintf("The latest review of this pull request has no finding %s.", code(print))
}

func NoReason(verb string) string {
	return fmt.Sprintf("Please say why: `/pullwarden %s REASON`.", verb)
}

func NoDate() string {
	return "What follows a last `until` has to be a date such as `2027-03-31`."
}
func DateIsOver() string { return "That day is over." }

func DateIsTooLate(last time.Time) string {
	return fmt.Sprintf("An exception that is asked for today ends on %s at the latest.", last.Format(time.DateOnly))
}

func Excepted(until time.Time) string {
	return fmt.Sprintf("Accepted in this repository through %s. `/pullwarden withdraw` takes it back.", until.Format(time.DateOnly))
}

// AwaitsApproval names who may approve, without calling them.
func AwaitsApproval(until time.Time, approvers []string) string {
	return fmt.Sprintf("Asked for, until %s. Where the finding blocks it does not count yet, but once somebody else approves it with `/pullwarden approve`: %s.", until.Format(time.DateOnly), oneOf(approvers))
}

func MayNotApprove(approvers []string) string {
	return fmt.Sprintf("An exception of what blocks is approved by %s.", oneOf(approvers))
}

func oneOf(approvers []string) string {
	if len(approvers) == 0 {
		return "an owner of the place (CODEOWNERS) or one of `security.reviewers` of the policy, but neither names anybody else: name somebody there"
	}
	var out []string
	for _, a := range approvers {
		out = append(out, code(a))
	}
	return strings.Join(out, " or ")
}

func TeamsAreHidden() string {
	return "Whether you are in a team that may approve cannot be seen: the App lacks the permission `members: read`."
}

func NotOnesOwn() string {
	return "Somebody else has to approve it: authors do not decide on their own pull request."
}

func NothingAwaits() string     { return "No exception of this finding waits for approval." }
func NothingToWithdraw() string { return "No exception of this finding was asked for in a comment." }

// Approved says what was approved: it may not be the only one that waited.
func Approved(e history.Exception) string {
	return fmt.Sprintf("Approved until %s, as %s asked: %s. The check is brought up to date.", e.Until.Format(time.DateOnly), code("@"+e.By.Login), escape(e.Reason))
}

// SecretInReason does not repeat it.
func SecretInReason() string {
	return "There is what looks like a secret in that reason, so it is not kept. Delete the comment, and rotate the secret if it is one."
}

func Withdrawn() string { return "Withdrawn. The check is brought up to date." }
func Thanks() string {
	return "Noted for the quality of this rule; the finding stands. `/pullwarden ignore REASON` asks for an exception."
}

// Demotion is Thanks to the one that has a rule proposed for demotion: it says
// to whom, without calling them, and that nothing happens by itself.
func Demotion(s history.Signal, reviewers []string) string {
	who := "the security reviewers, of whom `security.reviewers` of the policy names none"
	if len(reviewers) > 0 {
		who = oneOf(reviewers)
	}
	return fmt.Sprintf("%s With it, %d of the last %d judged findings of %s were not useful: its demotion is proposed to %s. Nothing changes by itself.",
		Thanks(), s.NotUseful, s.Judged, code(s.Rule), who)
}

// Why says what was decided about findings, and why: a line each.
func Why(seen ...history.Sighting) string {
	if len(seen) == 1 {
		return why(seen[0])
	}
	var lines []string
	for i, s := range seen {
		if i == inComment {
			lines = append(lines, fmt.Sprintf("- %d more: see the check", len(seen)-i))
			break
		}
		lines = append(lines, "- "+why(s))
	}
	return strings.Join(lines, "\n")
}

func why(s history.Sighting) string {
	return fmt.Sprintf("%s at %s: %s. First seen on %s; fingerprint %s.",
		code(s.Rule), code(fmt.Sprintf("%s:%d", clipPath(showPath(s.Path), pathShown), s.Line)), escape(s.Why), s.First.Format(time.DateOnly), code(string(s.Print)))
}
