// Package fakehub is a small, strict GitHub in memory, over HTTP: REST, GraphQL
// and git. It serves the end-to-end scripts, `pullwarden demo` and the tests of
// our GitHub client.
//
// It refuses what GitHub refuses, with GitHub's status and error: a token that
// has expired or lacks a permission, a fifty-first annotation, a comment on a
// line that the diff does not show. What GitHub would silently do otherwise than
// meant (cap a page, ignore a filter), it does as well. Repositories are real
// bare git repositories, so the git binary must be there; nothing of the user's
// or the machine's git configuration is read.
//
// A Hub knows one App. Every owner of a repository has it installed, on all of
// its repositories, with Options.Permissions until Ask changes them. All
// repositories are private.
package fakehub

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Options say what a Hub is like. The zero value is usable for all but App calls.
type Options struct {
	Dir    string         // where the bare repositories live; "" means a temporary directory that Close removes
	AppID  int64          // 0 means 1
	Slug   string         // name of the App; "" means "pullwarden"
	Key    *rsa.PublicKey // of the App's private key; without it no JWT is valid
	Secret string         // signs webhooks; "" leaves them unsigned, as GitHub does
	Second *SecondApp     // may call as well; nil for none
	// Permissions is what the App asks for, and what an installation grants when
	// it is made. Nil means what pullwarden's app.yml asks for.
	Permissions map[string]string
	// Events is what the App is subscribed to; nil means as app.yml has it.
	Events []string
	// Now is the clock of tokens and times; nil means time.Now. It must agree
	// with the product's, or no JWT is valid. Commits do not use it: the n-th
	// commit of a repository has the same time in every run, so that SHAs repeat.
	Now func() time.Time
	// URL is the address in webhook payloads; "" means https://github.example.
	// Answers carry the address that the request was made to.
	URL string
	// RateLimit is the number of API requests an hour for each installation; 0 means 5000.
	RateLimit int
	// ContentLimit is the number of writes a minute before the secondary rate
	// limit answers 403; 0 means none. GitHub's is 80.
	ContentLimit int
	// Heard, if it is set, is called with the body of each API request, before
	// anything is made of it and perhaps by several at once. It may keep body.
	Heard func(method, path string, body []byte)
}

// A Hub is the fake. It is an http.Handler and safe for concurrent use.
type Hub struct {
	opts    Options
	git     gitRunner
	routes  []route
	ownsDir bool
	pending sync.WaitGroup // redeliveries under way

	mu         sync.Mutex // guards all below, and all that hangs on a Repo
	lastID     int64
	repos      map[string]*Repo // by lower-case owner/name
	byID       map[int64]*Repo
	moved      map[string]*Repo // by the lower-case names they had
	users      map[string]*user // by lower-case login
	installs   map[int64]*installation
	byAccount  map[string]*installation // by lower-case login
	seconds    map[string]*installation // of the second App, likewise
	teams      map[string][]string      // logins by "org/team", in lower case
	tokens     map[string]*token
	limits     map[int64]*budget // by installation
	deliveries []*delivery
	faults     []*Fault
	hook       *Hook // nil: the App has no webhook
	log        []string
	calls      []Call
}

// New returns an empty Hub.
func New(o Options) (*Hub, error) {
	if o.AppID == 0 {
		o.AppID = 1
	}
	if o.Slug == "" {
		o.Slug = "pullwarden"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.URL == "" {
		o.URL = "https://github.example"
	}
	if o.RateLimit == 0 {
		o.RateLimit = 5000
	}
	if o.Permissions == nil {
		o.Permissions = map[string]string{"contents": "write", "checks": "write", "pull_requests": "write", "merge_queues": "read", "issues": "write", "members": "read"}
	}
	if o.Events == nil {
		o.Events = []string{"check_run", "check_suite", "issue_comment", "merge_group", "pull_request", "pull_request_review_comment", "push", "repository"}
	}
	o.Permissions = maps.Clone(o.Permissions)
	o.Permissions["metadata"] = "read" // every App has it

	h := &Hub{opts: o, lastID: 1 << 32, repos: map[string]*Repo{}, byID: map[int64]*Repo{}, moved: map[string]*Repo{},
		users: map[string]*user{}, installs: map[int64]*installation{}, byAccount: map[string]*installation{}, seconds: map[string]*installation{},
		tokens: map[string]*token{}, teams: map[string][]string{}, limits: map[int64]*budget{}}
	if o.Dir == "" {
		dir, err := os.MkdirTemp("", "fakehub-*")
		if err != nil {
			return nil, fmt.Errorf("make a directory for repositories: %w", err)
		}
		h.opts.Dir, h.ownsDir = dir, true
	} else if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a directory for repositories: %w", err)
	}
	abs, err := filepath.Abs(h.opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", h.opts.Dir, err)
	}
	h.opts.Dir = abs
	if h.git, err = newGitRunner(abs); err != nil {
		return nil, err
	}
	h.routes = routes()
	return h, nil
}

// Wait waits until the deliveries that were asked for again were attempted.
func (h *Hub) Wait() { h.pending.Wait() }

// Close waits for redeliveries under way and removes a temporary directory.
func (h *Hub) Close() error {
	h.pending.Wait()
	if h.ownsDir {
		if err := os.RemoveAll(h.opts.Dir); err != nil {
			return fmt.Errorf("remove %s: %w", h.opts.Dir, err)
		}
	}
	return nil
}

// Log returns a line for each write that was made through the API, in order.
// It has nothing that differs between runs: no ids, no times, no SHAs but those of
// commits that tests made.
func (h *Hub) Log() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.log...)
}

// A Call is one request that reached the Hub.
type Call struct {
	Method string `json:"method"`
	Path   string `json:"path"` // without prefix and query
	Query  string `json:"query,omitempty"`
	Status int    `json:"status"` // 0 if the answer was dropped
}

// Calls returns every request so far: REST, GraphQL and git.
func (h *Hub) Calls() []Call {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Call{}, h.calls...)
}

// Bot returns the login under which the App writes.
func (h *Hub) Bot() string { return h.opts.Slug + "[bot]" }

// A user is an account of any kind.
type user struct {
	ID    int64
	Login string
	Type  string // User, Organization or Bot
}

// user returns the account of that login, which is made if need be.
func (h *Hub) user(login string) *user {
	key := strings.ToLower(login)
	if u := h.users[key]; u != nil {
		return u
	}
	u := &user{ID: h.id(), Login: login, Type: "User"}
	if strings.HasSuffix(login, "[bot]") {
		u.Type = "Bot"
	}
	h.users[key] = u
	return u
}

// id returns a number that was not used before. Ids are past 32 bits, as many of GitHub's.
func (h *Hub) id() int64 {
	h.lastID++
	return h.lastID
}

// now is the clock in whole seconds, as GitHub's times are.
func (h *Hub) now() time.Time { return h.opts.Now().UTC().Truncate(time.Second) }

func (h *Hub) logf(format string, args ...any) { h.log = append(h.log, fmt.Sprintf(format, args...)) }

var errNotFound = errors.New("not found")

// Repo returns the repository "owner/name".
func (h *Hub) Repo(owner, name string) (*Repo, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.repos[strings.ToLower(owner+"/"+name)]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("repository %s/%s: %w", owner, name, errNotFound)
}
