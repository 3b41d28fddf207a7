package ecosystem

import (
	"regexp"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
)

// A SourceChange is something that a change does to where packages come from,
// or to what is known of their contents. It tells no credentials.
type SourceChange struct {
	At  change.Span
	Key string // tells it apart within the file
	// What says it for people, as a sentence without a period.
	What string
	Kind SourceKind
	// Package and Source are what What does not name; "" if it does.
	Package, Source string
}

// A SourceKind is how much a SourceChange matters.
type SourceKind uint8

const (
	Moved     SourceKind = iota // packages come from elsewhere
	Tampered                    // the hash of a known version changes
	Undecided                   // nothing at the base tells whether it is elsewhere
)

// credentials are those of an address, up to the last "@" before its path.
var credentials = regexp.MustCompile(`(//)[^/\s"'?#]*@`)

var plainHost = regexp.MustCompile(`^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]|\$\{[A-Z0-9_]+\})+(?::[0-9]+)?$`)

// WithoutCredentials returns text without those of the addresses in it.
func WithoutCredentials(text string) string { return credentials.ReplaceAllString(text, "$1") }

// Address returns scheme and host of an address: what may be shown of it, as
// its path can be a token. What has no scheme and host, such as a path, is "".
func Address(url string) string {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(WithoutCredentials(url)), "://")
	if !ok {
		return ""
	}
	host := rest
	if i := strings.IndexAny(rest, "/?#\\"); i >= 0 {
		host = rest[:i]
	}
	if host == "" {
		return ""
	}
	if !plainHost.MatchString(host) { // what was taken for it may be a password
		host = "[not shown]"
	}
	return strings.ToLower(scheme + "://" + host)
}
