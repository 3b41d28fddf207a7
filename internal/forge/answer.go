package forge

// An Answer is what is said to a command.
type Answer struct {
	Reaction Reaction
	Words    string // one line of Markdown; "" for the reaction alone
}

// A Reaction is a sign on somebody's comment.
type Reaction string

const (
	Done    Reaction = "+1"
	Refused Reaction = "-1"
	Unclear Reaction = "confused"
)
