package forge

import (
	"fmt"
	"time"
)

// An Event is what a delivery tells us, in our own words. It is a hint: what
// stands on the host when the work is done is the truth.
type Event struct {
	Kind     Kind      `json:"kind"`
	Delivery string    `json:"delivery"` // the host's id of the delivery
	Received time.Time `json:"received"`
	Repo     Repo      `json:"repo"`             // zero for events of an installation
	Number   int       `json:"number,omitempty"` // pull request, or 0
	SHA      string    `json:"sha,omitempty"`    // head, or what was pushed
	Base     string    `json:"base,omitempty"`   // SHA of a merge group's base
	Sender   User      `json:"sender"`
	Moved    string    `json:"moved,omitempty"`  // RepositoryMoved: "renamed" or "transferred"
	Button   string    `json:"button,omitempty"` // ButtonPressed: its identifier
	Command  Command   `json:"command,omitzero"` // Commanded: what was written
	// Crashes is how often the process ended while it worked on this event.
	Crashes int `json:"-"`
	// Installation events: whose, which repositories came and went.
	Installation int64  `json:"installation,omitempty"`
	Account      User   `json:"account,omitzero"`
	Contents     string `json:"contents,omitempty"` // what the App may do with them, "read" or "write"; "" if the event does not tell
	Added        []Repo `json:"added,omitempty"`
	Removed      []Repo `json:"removed,omitempty"`
}

// Kind says what happened.
type Kind string

const (
	PullChanged     Kind = "pull-changed"     // opened, pushed to, reopened, ready, base changed
	PullClosed      Kind = "pull-closed"      // merged or not
	CheckAsked      Kind = "check-asked"      // somebody pressed "re-run"; Number may be 0 (forks)
	ButtonPressed   Kind = "button-pressed"   // somebody, who may be anybody, pressed a button on our check of SHA
	Commanded       Kind = "commanded"        // somebody, who may be anybody, wrote a command on a pull request
	GroupAsked      Kind = "group-asked"      // a merge queue wants SHA checked against Base
	DefaultPushed   Kind = "default-pushed"   // the default branch moved to SHA
	Installed       Kind = "installed"        // the App came to an account, or to Added; or Removed went
	Uninstalled     Kind = "uninstalled"      // the App left an account
	RemindersDue    Kind = "reminders-due"    // it is time to see whether owners of exceptions have to be told something
	RepositoryMoved Kind = "repository-moved" // renamed or transferred; Repo has the new name
	Pinged          Kind = "pinged"           // GitHub says hello
)

// A Command is a line that somebody wrote to us in a comment.
type Command struct {
	Comment int64     `json:"comment"`          // the host's id
	Thread  int64     `json:"thread,omitempty"` // id of the first comment of the thread it is in; 0 in the conversation
	Words   string    `json:"words"`            // what follows our name
	At      time.Time `json:"at"`               // when it was written, by the host's clock
}

// Key names the thing that e is about: work on one Key never runs side by
// side, and a later event of one Key stands for the earlier ones.
func (e Event) Key() string {
	switch {
	case e.Kind == PullChanged || e.Kind == PullClosed || e.Kind == CheckAsked && e.Number > 0:
		return fmt.Sprintf("pull/%d/%d", e.Repo.ID, e.Number)
	case e.Kind == CheckAsked || e.Kind == GroupAsked:
		return fmt.Sprintf("%s/%d/%s", e.Kind, e.Repo.ID, e.SHA)
	case e.Kind == ButtonPressed:
		// Whoever may not ask must not stand in for somebody who may, nor one
		// button for another.
		return fmt.Sprintf("%s/%d/%s/%d/%s", e.Kind, e.Repo.ID, e.SHA, e.Sender.ID, e.Button)
	case e.Kind == Commanded:
		return fmt.Sprintf("%s/%d/%d/%d", e.Kind, e.Repo.ID, e.Command.Thread, e.Command.Comment)
	case e.Kind == DefaultPushed:
		return fmt.Sprintf("branch/%d", e.Repo.ID)
	case e.Kind == RemindersDue:
		return fmt.Sprintf("%s/%d", e.Kind, e.Repo.ID)
	case e.Kind == RepositoryMoved:
		return fmt.Sprintf("repository/%d", e.Repo.ID)
	}
	return fmt.Sprintf("installation/%d", e.Installation)
}
