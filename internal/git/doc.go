// Package git reads changes out of git repositories: remote ones by requests
// of protocol v2 that bring only what a change touches, two for an ordinary
// change, and local ones from their object store. It runs no git binary and
// makes no work tree.
//
// What comes from outside is checked before it is believed: a pack against the
// Limits before it is unpacked, a tree for its names, size and depth before it
// is walked.
package git
