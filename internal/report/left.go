package report

import "github.com/pullwarden/pullwarden/internal/forge"

// RerunButton is the name under which the host tells that "Re-run" was pressed
// on a check that could not be completed.
const RerunButton = "rerun"

// rerun is the button that asks for another look.
func rerun() []forge.Action {
	return []forge.Action{{Label: "Re-run", Description: "Look at this change again", Identifier: RerunButton}}
}

// LeftBehind is the check of a head whose review was not complete when its pull
// request went on without it, or was closed. Nobody needs to look at it again.
func LeftBehind(sha string, closed bool, conclusion forge.Conclusion) forge.Check {
	c := forge.Check{
		SHA: sha, Conclusion: conclusion, Leftover: true, Title: "Not looked at to the end: there is a newer commit",
		Summary: "**This commit was not checked.** A newer one was pushed before its review was complete; the check of that one counts.",
	}
	if closed {
		c.Title = "Not looked at to the end: the pull request was closed"
		c.Summary = "**This commit was not checked.** Its pull request was closed before the review was complete."
	}
	return digested(c)
}
