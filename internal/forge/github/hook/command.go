package hook

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// A comment is one of the conversation, or of a thread at a line.
type comment struct {
	ID      int64     `json:"id"`
	ReplyTo int64     `json:"in_reply_to_id"` // the first comment of the thread; absent in that one
	Body    string    `json:"body"`
	Created time.Time `json:"created_at"`
	User    account   `json:"user"`
}

// commandName is what a comment begins with that speaks to us.
const commandName = "/pullwarden"

// longestCommand bounds what is kept of a comment, in bytes.
const longestCommand = 500

// command reads the command in a comment, and reports whether there is one. It
// is the comment's first line, and begins it: what is quoted, in a code block
// or further down was not written to us. Bots, this one among them, give no
// commands.
func (p *payload) command(e *forge.Event) bool {
	line, _, _ := strings.Cut(strings.TrimLeft(p.Comment.Body, "\r\n"), "\n")
	words, ok := strings.CutPrefix(line, commandName)
	if !ok || words != "" && !strings.ContainsAny(words[:1], " \t\r") {
		return false
	}
	if p.Sender.Type != "User" || p.Comment.User.ID != p.Sender.ID || p.Comment.ID <= 0 {
		return false
	}
	words = strings.ToValidUTF8(strings.TrimSpace(words), "")
	for len(words) > longestCommand {
		_, n := utf8.DecodeLastRuneInString(words)
		words = words[:len(words)-n]
	}
	e.Kind = forge.Commanded
	e.Command = forge.Command{Comment: p.Comment.ID, Thread: p.Comment.ReplyTo, Words: words, At: p.Comment.Created}
	return true
}
