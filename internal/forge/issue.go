package forge

// An Issue is one that we open, once for each Key.
type Issue struct {
	Key         string
	Title, Body string // Body is Markdown
}
