package fakehub

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// firstCommit is when the first commit of every repository was made.
var firstCommit = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

const noSHA = "0000000000000000000000000000000000000000"

// A Repo is a repository on a Hub.
type Repo struct {
	hub     *Hub
	dir     string
	id      int64
	owner   *user
	name    string
	branch  string // default
	parent  *Repo  // of a fork
	gone    bool
	frozen  bool // archived: nothing can be written
	created time.Time
	pushed  time.Time // to any branch; zero for never
	commits int       // made here; sets their time

	numbers  int // last number of a pull request or an issue
	issues   []Issue
	noIssues bool // they are turned off
	pulls    []*pull
	checks   []*check
	suites   map[string]int64 // check suite of our App by SHA
	verified map[string]bool  // commits that GitHub signed
	roles    map[string]string
	labels   map[string]int64
	rules    []rule                // what protects branches
	diffs    map[string][]FileDiff // by "base..head"
	moves    map[string][]FileDiff // by "old..new", without context
	bases    map[string]string     // merge bases by "one other"
	types    map[string]string     // of objects that are there, by SHA
	read     map[string]commitInfo // commits that are there, by SHA
	ranges   map[string][]string   // commits by "base head"
}

// AddRepo creates an empty repository with default branch main and installs the App on it.
func (h *Hub) AddRepo(owner, name string) (*Repo, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, err := h.newRepo(owner, name)
	if err != nil {
		return nil, err
	}
	if err := initBare(r.dir); err != nil {
		return nil, fmt.Errorf("create %v: %w", r, err)
	}
	return r, nil
}

// initBare makes an empty bare repository in dir, as git init does, but without
// a process: a test may want hundreds.
func initBare(dir string) error {
	for _, sub := range []string{"objects/info", "objects/pack", "refs/heads", "refs/tags"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "HEAD"), []byte("ref: refs/heads/main\n"), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config"), []byte("[core]\n\trepositoryformatversion = 0\n\tbare = true\n"), 0o644)
}

// Fork copies r to another owner.
func (h *Hub) Fork(r *Repo, owner string) (*Repo, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, err := h.newRepo(owner, r.name)
	if err != nil {
		return nil, err
	}
	f.parent, f.branch, f.commits = r, r.branch, r.commits
	if _, err := r.git("clone", "--quiet", "--bare", r.dir, f.dir); err != nil {
		return nil, fmt.Errorf("fork %v: %w", r, err)
	}
	return f, nil
}

func (h *Hub) newRepo(owner, name string) (*Repo, error) {
	key := strings.ToLower(owner + "/" + name)
	if h.repos[key] != nil {
		return nil, fmt.Errorf("repository %s/%s exists", owner, name)
	}
	r := &Repo{hub: h, id: h.id(), owner: h.user(owner), name: name, branch: "main", created: h.now(), suites: map[string]int64{},
		verified: map[string]bool{}, roles: map[string]string{}, labels: map[string]int64{}, diffs: map[string][]FileDiff{}, moves: map[string][]FileDiff{}, bases: map[string]string{},
		types: map[string]string{}, read: map[string]commitInfo{}, ranges: map[string][]string{}}
	r.dir = filepath.Join(h.opts.Dir, fmt.Sprintf("%d.git", r.id))
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return nil, fmt.Errorf("create %v: %w", r, err)
	}
	h.install(r.owner)
	h.repos[key], h.byID[r.id] = r, r
	delete(h.moved, key)
	return r, nil
}

// Remove deletes the repository, as its owner would. Pull requests that came
// from it keep their commits but have no head repository any more.
func (h *Hub) Remove(r *Repo) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.gone = true
	delete(h.repos, strings.ToLower(r.String()))
	delete(h.byID, r.id)
}

func (r *Repo) String() string { return r.owner.Login + "/" + r.name }

// ID is the number that the repository keeps whatever its name.
func (r *Repo) ID() int64 { return r.id }

// Archive makes the repository read-only, or takes that back.
func (r *Repo) Archive(archived bool) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	r.frozen = archived
}

// Dir is the bare repository on disk.
func (r *Repo) Dir() string { return r.dir }

// SetRole sets what a user may do here: admin, maintain, write, triage, read or none (the default).
func (r *Repo) SetRole(login, role string) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	r.roles[strings.ToLower(login)] = role
}

// A CommitOption changes what Commit makes.
type CommitOption func(*commitPlan)

type commitPlan struct {
	remove  []string
	modes   map[string]string
	parent  string
	author  string
	at      time.Time
	replace bool
}

// Delete removes paths, which may be directories.
func Delete(paths ...string) CommitOption {
	return func(p *commitPlan) { p.remove = append(p.remove, paths...) }
}

// Mode gives path a mode other than 100644: 100755, 120000 (the content is the
// target) or 160000 (the content is a commit's SHA).
func Mode(path, mode string) CommitOption {
	return func(p *commitPlan) { p.modes[path] = mode }
}

// From makes the commit on sha instead of on the branch's tip; the branch is forced to it.
func From(sha string) CommitOption { return func(p *commitPlan) { p.parent = sha } }

// Author names who committed; "dev" without it.
func Author(login string) CommitOption { return func(p *commitPlan) { p.author = login } }

// At says when the commit is made; without it, its time is the same in every run.
func At(when time.Time) CommitOption { return func(p *commitPlan) { p.at = when } }

// Replace makes the tree hold nothing but the given files.
func Replace() CommitOption { return func(p *commitPlan) { p.replace = true } }

// Commit makes a commit with files on branch and returns its SHA. A branch
// that is missing starts at the default branch. Paths are bytes as they are.
func (r *Repo) Commit(branch, message string, files map[string]string, opts ...CommitOption) (string, error) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	p := commitPlan{modes: map[string]string{}, author: "dev"}
	for _, o := range opts {
		o(&p)
	}
	if p.parent == "" {
		if p.parent = r.tip(branch); p.parent == "" && branch != r.branch {
			p.parent = r.tip(r.branch)
		}
	}
	var in bytes.Buffer
	data := func(s string) { fmt.Fprintf(&in, "data %d\n%s\n", len(s), s) }
	fmt.Fprintf(&in, "commit refs/heads/%s\n", branch)
	when := r.commitTime()
	if !p.at.IsZero() {
		when = p.at
	}
	fmt.Fprintf(&in, "committer %s <%s@example.com> %d +0000\n", p.author, p.author, when.Unix())
	data(message)
	if p.parent != "" {
		fmt.Fprintf(&in, "from %s\n", p.parent)
	}
	if p.replace {
		in.WriteString("deleteall\n")
	}
	for _, path := range p.remove {
		fmt.Fprintf(&in, "D %s\n", quotePath(path))
	}
	for _, path := range sortedKeys(files) {
		switch mode := p.modes[path]; mode {
		case "160000":
			fmt.Fprintf(&in, "M 160000 %s %s\n", files[path], quotePath(path))
		case "":
			fmt.Fprintf(&in, "M 100644 inline %s\n", quotePath(path))
			data(files[path])
		default:
			fmt.Fprintf(&in, "M %s inline %s\n", mode, quotePath(path))
			data(files[path])
		}
	}
	if _, err := r.hub.git.run(r.dir, nil, &in, "fast-import", "--quiet", "--force"); err != nil {
		return "", fmt.Errorf("commit to %v@%s: %w", r, branch, err)
	}
	sha := r.tip(branch)
	return sha, r.branchMoved(branch)
}

// quotePath writes a path as fast-import reads it, byte by byte.
func quotePath(p string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(p) {
		switch c := p[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func (r *Repo) commitTime() time.Time {
	r.commits++
	return firstCommit.Add(time.Duration(r.commits) * time.Second)
}

// Import brings the commits of rev from the repository at dir, shallow ones
// too, and points branch to it. It returns the SHA.
func (r *Repo) Import(dir, rev, branch string) (string, error) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("import from %s: %w", dir, err)
	}
	out, err := r.hub.git.run(abs, nil, nil, "rev-parse", "--verify", "--end-of-options", rev+"^{commit}")
	if err != nil {
		return "", fmt.Errorf("import %s from %s: %w", rev, dir, err)
	}
	sha := strings.TrimSpace(string(out))
	if _, err := r.git("fetch", "--quiet", "--no-tags", "--update-shallow", "--no-write-fetch-head", abs, "+"+sha+":refs/heads/"+branch); err != nil {
		return "", fmt.Errorf("import %s from %s: %w", rev, dir, err)
	}
	return sha, r.branchMoved(branch)
}

// Reset points branch to sha, as a forced push does.
func (r *Repo) Reset(branch, sha string) error {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	if _, err := r.git("update-ref", "refs/heads/"+branch, sha); err != nil {
		return fmt.Errorf("reset %v@%s: %w", r, branch, err)
	}
	return r.branchMoved(branch)
}

// DeleteBranch removes a branch, which closes its pull requests. They keep the
// head they had.
func (r *Repo) DeleteBranch(branch string) error {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	if _, err := r.git("update-ref", "-d", "refs/heads/"+branch); err != nil {
		return fmt.Errorf("delete %v@%s: %w", r, branch, err)
	}
	r.branchGone(branch)
	return nil
}

// Prune removes every object that no branch and no pull request leads to:
// what a forced push left behind is then gone.
func (r *Repo) Prune() error {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	if _, err := r.git("repack", "-a", "-d", "--quiet"); err != nil {
		return fmt.Errorf("prune %v: %w", r, err)
	}
	if _, err := r.git("prune", "--expire=now"); err != nil {
		return fmt.Errorf("prune %v: %w", r, err)
	}
	clear(r.types) // what is gone is not there any more
	clear(r.read)
	return nil
}

// Tip returns the commit of a branch, "" if there is no such branch.
func (r *Repo) Tip(branch string) string {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	return r.tip(branch)
}

// Branches returns the names of all branches.
func (r *Repo) Branches() []string {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	return r.lines("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads")
}

// File returns the content of path at the tip of branch.
func (r *Repo) File(branch, path string) ([]byte, error) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	b, err := r.git("cat-file", "blob", "refs/heads/"+branch+":"+path)
	if err != nil {
		return nil, fmt.Errorf("read %s of %v@%s: %w", path, r, branch, err)
	}
	return b, nil
}

// Verified reports whether GitHub signed the commit.
func (r *Repo) Verified(sha string) bool {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	return r.verified[sha]
}

// branchMoved brings the pull requests from branch up to date.
func (r *Repo) branchMoved(branch string) error {
	tip := r.tip(branch)
	r.pushed = r.hub.now()
	for _, to := range r.hub.byID {
		for _, p := range to.pulls {
			if p.State != "open" || p.from != r || p.Head != branch || p.HeadSHA == tip {
				continue
			}
			if err := p.moveHead(tip); err != nil {
				return err
			}
		}
	}
	return nil
}

// branchGone closes what was to be merged from branch, or into it.
func (r *Repo) branchGone(branch string) {
	for _, to := range r.hub.byID {
		for _, p := range to.pulls {
			if p.State == "open" && (p.from == r && p.Head == branch || to == r && p.Base == branch) {
				p.State, p.closed = "closed", r.hub.now()
			}
		}
	}
}

// short is how a SHA is written in the log.
func short(sha string) string { return sha[:min(7, len(sha))] }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}
