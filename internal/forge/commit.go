package forge

import "errors"

// A Commit is one of ours on top of the head of a pull request.
type Commit struct {
	// Ask identifies the request that it answers: one commit to each, whatever is replayed.
	Ask     string
	Message string             // plain text
	Files   map[string]Content // whole, by path; the rest stays as it is
}

// A Content is what becomes of a regular file.
type Content struct {
	Text       []byte
	Executable bool
}

// ErrMoved means that a branch is no longer where it was looked at.
var ErrMoved = errors.New("the branch has moved")

// A RefusedError means that the host does not let us change a branch, though
// we may write to the repository: it is protected, say.
type RefusedError struct{ Why string } // in the host's words

func (e *RefusedError) Error() string { return "the host refuses the commit: " + e.Why }
