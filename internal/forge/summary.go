package forge

// A Summary is our one comment in the conversation of a pull request.
type Summary struct {
	ID    int64 // the host's, of the one that stands; 0 if it is not known
	First bool  // none was ever posted
	Body  string
}
