// Package git reads changes out of git repositories: remote ones by two
// protocol-v2 requests that bring only what a change touches, local ones from
// their object store. It runs no git binary and makes no work tree.
package git
