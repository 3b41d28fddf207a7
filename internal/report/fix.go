package report

import (
	"fmt"
	"strings"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// FixButton is the name under which the host tells that "Fix it" was pressed.
const FixButton = "fix"

func fixIt() forge.Action {
	return forge.Action{Label: "Fix it", Description: "Commit what can be fixed automatically", Identifier: FixButton}
}

// A Mended is what became of a request to fix findings.
type Mended struct {
	Of      *Report // that the fixes were taken from; nil without any
	SHA     string  // of our commit; "" if there is none
	Earlier bool    // the commit was there already: the request came once more
	Fixed   []policy.Decision
	Left    []LeftOut
	Why     string // a sentence on why there is no commit
	Refused bool   // nobody could have it here
}

// A LeftOut is a finding whose fix was not made, and why.
type LeftOut struct {
	Finding finding.Finding
	Why     string // one of those below
}

// Why a fix is left out.
const (
	LeftOverlap  = "another fix changes the same lines"
	LeftNoFile   = "it is no regular file of this repository"
	LeftNoLines  = "the lines are not there"
	LeftTooLarge = "too much would change at once"
	LeftNoText   = "it is not UTF-8 text"
	LeftUnread   = "it could not be read"
	LeftWorkflow = "only people change workflows"
	LeftSecret   = "a secret is in these lines"
)

const (
	leftShown  = 5
	fixesShown = 30
)

// Words are the answer to whoever asked for it in a comment, in one line.
func (m Mended) Words() string {
	switch {
	case m.Earlier:
		return fmt.Sprintf("Pushed %s.", code(short(m.SHA)))
	case m.SHA != "":
		return fmt.Sprintf("Pushed %s, which fixes %s.%s", code(short(m.SHA)), plural(len(m.Fixed), "finding"), m.left())
	}
	return m.Why + m.left()
}

// PressWords are said to whoever pressed the button, "" if there is nothing to
// say: the commit tells, or the check of the present head has no button.
func (m Mended) PressWords(login string) string {
	if len(m.Left) == 0 && (m.SHA != "" || m.Why == FixNothing()) {
		return ""
	}
	return fmt.Sprintf("*Fix it*, pressed by %s: %s", code(login), m.Words())
}

func (m Mended) left() string {
	if len(m.Left) == 0 {
		return ""
	}
	var all []string
	for i, l := range m.Left {
		if i == leftShown {
			all = append(all, fmt.Sprintf("%d more", len(m.Left)-i))
			break
		}
		all = append(all, fmt.Sprintf("%s at %s (%s)", code(l.Finding.Rule.ID), code(place(m.Of, l.Finding.At)), l.Why))
	}
	return " Left out: " + strings.Join(all, "; ") + "."
}

// Message is that of the commit, asked for by login.
func (m Mended) Message(login string) string {
	r := m.Of
	var b strings.Builder
	if len(m.Fixed) == 1 {
		fmt.Fprintf(&b, "Fix: %s\n\n", clip(unlinked(r.line(headline(m.Fixed[0].Finding))), 66))
	} else {
		fmt.Fprintf(&b, "Fix %d findings\n\n", len(m.Fixed))
	}
	for i, d := range m.Fixed {
		if i == fixesShown {
			fmt.Fprintf(&b, "- %d more\n", len(m.Fixed)-i)
			break
		}
		f := d.Finding
		fmt.Fprintf(&b, "- %s: %s (%s)\n", unlinked(place(r, f.At)), clip(unlinked(r.line(headline(f))), 120), unlinked(f.Rule.ID))
	}
	if len(m.Left) > 0 {
		fmt.Fprintf(&b, "\nLeft out: %s.\n", plural(len(m.Left), "finding"))
	}
	fmt.Fprintf(&b, "\nAsked for by %s.\n", unlinked(oneLine(login)))
	return b.String()
}

// unlinked keeps foreign text in a commit message from calling somebody, and
// from closing or linking anything: messages are no Markdown, but are searched
// for names and numbers all the same.
func unlinked(s string) string {
	const joiner = "\u2060"
	var b strings.Builder
	for i, r := range s {
		b.WriteRune(r)
		if r == '@' || r == '#' || r == ':' && strings.HasPrefix(s[i:], "://") {
			b.WriteString(joiner)
		}
	}
	return linked.ReplaceAllString(b.String(), "$0"+joiner)
}

func FixForks() string {
	return "This pull request comes from a fork, whose branch is not written to."
}

func FixNeedsWriting() string {
	return "The App lacks the permission `contents: write` here, so it can push nothing."
}

func FixRefused(branch, why string) string {
	return fmt.Sprintf("GitHub does not let the App push to %s: %s", code(branch), sentence(escape(clip(oneLine(why), 200))))
}

func FixNothing() string {
	return "At the present head nothing that stands has a fix that can be pushed."
}

func FixGone(print string) string {
	return fmt.Sprintf("The present head has no finding %s (any more).", code(print))
}

func FixAccepted() string { return "The policy accepts this finding: it is left as it is." }

func FixUnknown() string {
	return "No fix of this finding can be pushed: its comment or the check says what to do."
}

func FixWhich() string {
	return "Several pull requests have this head. Please write `/pullwarden fix` on the one that you mean."
}

func FixMoving() string { return "The branch moved each time it was looked at. Please ask again." }

func FixUnlooked(why string) string {
	return "The present head could not be looked at, so nothing was pushed. " + escape(why)
}
