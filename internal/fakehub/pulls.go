package fakehub

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A Pull is a pull request as it stands.
type Pull struct {
	Number   int       `json:"number"`
	Title    string    `json:"title"`
	Body     string    `json:"body"`
	Author   string    `json:"author"`
	State    string    `json:"state"` // open or closed
	Merged   bool      `json:"merged"`
	Draft    bool      `json:"draft"`
	Base     string    `json:"base"` // branch
	Head     string    `json:"head"` // branch
	HeadRepo string    `json:"head_repo"`
	BaseSHA  string    `json:"base_sha"`
	HeadSHA  string    `json:"head_sha"`
	Labels   []string  `json:"labels"`
	Asked    []string  `json:"asked,omitempty"` // to review it: logins, and teams as "org/team"
	Reviews  []Review  `json:"reviews"`
	Threads  []Thread  `json:"threads"`
	Comments []Comment `json:"comments"` // of the conversation
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
}

// A pull is a Pull with what only the Hub knows; its Reviews, Threads and
// Comments are made from the lists below when it is read.
type pull struct {
	Pull
	id       int64
	repo     *Repo
	from     *Repo // head repository
	author   *user
	closed   time.Time
	mergedAt time.Time
	mergeSHA string
	reviews  []*Review
	threads  []*Thread
	comments []*Comment
}

const (
	maxTitle = 256
	maxBody  = 65536 // characters of any text of an issue, review or comment
)

// OpenPull opens a pull request and returns its number. head is a branch,
// "owner:branch" for one of a fork.
func (r *Repo) OpenPull(title, body, base, head, author string) (int, error) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	p, bad := r.open(title, body, base, head, r.hub.user(author))
	if bad != nil {
		return 0, fmt.Errorf("open a pull request in %v from %s to %s: %v", r, head, base, bad.body)
	}
	return p.Number, nil
}

// open makes a pull request, or says why GitHub would not.
func (r *Repo) open(title, body, base, head string, author *user) (*pull, *answer) {
	refuse := func(code, field, message string) (*pull, *answer) {
		a := invalid("PullRequest", code, field, message)
		return nil, &a
	}
	if a := checkTexts("PullRequest", title, body); a != nil {
		return nil, a
	}
	from, branch := r, head
	if owner, b, ok := strings.Cut(head, ":"); ok {
		from, branch = r.inNetwork(owner), b
	}
	if from == nil || from.tip(branch) == "" {
		return refuse("invalid", "head", "")
	}
	if r.tip(base) == "" {
		return refuse("invalid", "base", "")
	}
	for _, p := range r.pulls {
		if p.State == "open" && p.from == from && p.Head == branch && p.Base == base {
			return refuse("custom", "", fmt.Sprintf("A pull request already exists for %s:%s.", from.owner.Login, branch))
		}
	}
	now := r.hub.now()
	p := &pull{id: r.hub.id(), repo: r, from: from, author: author, Pull: Pull{Title: title, Body: body, Author: author.Login,
		State: "open", Base: base, Head: branch, HeadRepo: from.String(), Created: now, Updated: now}}
	p.Number = r.numbers + 1
	if err := p.moveHead(from.tip(branch)); err != nil {
		a := problem(http.StatusInternalServerError, "Server Error")
		return nil, &a
	}
	if mb := p.mergeBase(); mb == "" || mb == p.HeadSHA {
		_, _ = r.git("update-ref", "-d", p.ref()) // nobody has seen it
		return refuse("custom", "", fmt.Sprintf("No commits between %s and %s", base, branch))
	}
	r.numbers++
	r.pulls = append(r.pulls, p)
	return p, nil
}

// inNetwork returns the repository of owner among r, its parent and its forks.
func (r *Repo) inNetwork(owner string) *Repo {
	root := r
	if r.parent != nil {
		root = r.parent
	}
	for _, f := range r.hub.byID {
		if strings.EqualFold(f.owner.Login, owner) && (f == root || f.parent == root) {
			return f
		}
	}
	return nil
}

func checkTexts(resource, title, body string) *answer {
	var a answer
	switch {
	case strings.TrimSpace(title) == "":
		a = invalid(resource, "missing_field", "title", "")
	case utf8.RuneCountInString(title) > maxTitle:
		a = invalid(resource, "custom", "title", "title is too long (maximum is 256 characters)")
	case utf8.RuneCountInString(body) > maxBody:
		a = tooLong(resource)
	default:
		return nil
	}
	return &a
}

func tooLong(resource string) answer {
	return invalid(resource, "custom", "body", "body is too long (maximum is 65536 characters)")
}

func (p *pull) ref() string { return fmt.Sprintf("refs/pull/%d/head", p.Number) }

// moveHead brings a new head into the base repository. A head branch that is
// gone leaves the pull request as it is.
func (p *pull) moveHead(sha string) error {
	if sha == "" {
		return nil
	}
	if _, err := p.repo.git("fetch", "--quiet", "--no-tags", "--update-shallow", "--no-write-fetch-head", p.from.dir, "+"+sha+":"+p.ref()); err != nil {
		return fmt.Errorf("update pull request %d of %v: %w", p.Number, p.repo, err)
	}
	p.HeadSHA, p.Updated = sha, p.repo.hub.now()
	if tip := p.repo.tip(p.Base); tip != "" {
		p.BaseSHA = tip
	}
	return nil
}

// mergeBase is where the diff of the pull request starts.
func (p *pull) mergeBase() string {
	if p.Merged {
		return p.repo.mergeBase(p.BaseSHA, p.HeadSHA)
	}
	base := p.repo.tip(p.Base)
	if base == "" {
		base = p.BaseSHA
	}
	return p.repo.mergeBase(base, p.HeadSHA)
}

// commits are those of the pull request, oldest first.
func (p *pull) commits() []string {
	return p.repo.between(p.mergeBase(), p.HeadSHA)
}

// between returns the commits that head has and base, "" for nothing, lacks, oldest first.
func (r *Repo) between(base, head string) []string {
	key := base + " " + head
	list, ok := r.ranges[key]
	if !ok {
		args := []string{"rev-list", "--reverse", head}
		if base != "" {
			args = append(args, "^"+base)
		}
		if list = r.lines(args...); list != nil {
			r.ranges[key] = list
		}
	}
	return list
}

func (r *Repo) pull(n int) *pull {
	for _, p := range r.pulls {
		if p.Number == n {
			return p
		}
	}
	return nil
}

func (r *Repo) withPull(n int, do func(*pull) error) error {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	p := r.pull(n)
	if p == nil {
		return fmt.Errorf("pull request %d of %v: %w", n, r, errNotFound)
	}
	return do(p)
}

// ClosePull closes a pull request without merging it.
func (r *Repo) ClosePull(n int) error {
	return r.withPull(n, func(p *pull) error {
		p.State, p.closed = "closed", r.hub.now()
		p.Updated = p.closed
		return nil
	})
}

// ReopenPull opens a closed pull request again.
func (r *Repo) ReopenPull(n int) error {
	return r.withPull(n, func(p *pull) error {
		p.State, p.closed = "open", time.Time{}
		return p.moveHead(p.from.tip(p.Head))
	})
}

// SetDraft makes a pull request a draft or ready for review.
func (r *Repo) SetDraft(n int, draft bool) error {
	return r.withPull(n, func(p *pull) error {
		p.Draft = draft
		return nil
	})
}

// SetBase changes the branch that a pull request goes to.
func (r *Repo) SetBase(n int, base string) error {
	return r.withPull(n, func(p *pull) error {
		tip := r.tip(base)
		if tip == "" {
			return fmt.Errorf("base of pull request %d of %v: branch %s: %w", n, r, base, errNotFound)
		}
		p.Base, p.BaseSHA, p.Updated = base, tip, r.hub.now()
		return nil
	})
}

// MergePull merges a pull request and returns the merge commit.
func (r *Repo) MergePull(n int) (sha string, err error) {
	err = r.withPull(n, func(p *pull) error {
		base := r.tip(p.Base)
		if sha, err = r.merge(base, p.HeadSHA, fmt.Sprintf("Merge pull request #%d from %s/%s\n\n%s", n, p.from.owner.Login, p.Head, p.Title)); err != nil {
			return err
		}
		if _, err := r.git("update-ref", "refs/heads/"+p.Base, sha, base); err != nil {
			return fmt.Errorf("merge pull request %d of %v: %w", n, r, err)
		}
		now := r.hub.now()
		p.BaseSHA, p.mergeSHA, p.State, p.Merged, p.mergedAt, p.closed = base, sha, "closed", true, now, now
		return r.branchMoved(p.Base)
	})
	return sha, err
}

// merge makes a signed merge commit and leaves all branches alone.
func (r *Repo) merge(base, head, message string) (string, error) {
	tree, err := r.line("merge-tree", "--write-tree", base, head)
	if err != nil {
		return "", fmt.Errorf("merge %s into %s in %v: %w", short(head), short(base), r, err)
	}
	sha, err := r.commitTree(tree, []string{base, head}, message, identity{}, identity{})
	if err == nil {
		r.verified[sha] = true
	}
	return sha, err
}

// Queue puts a pull request into the merge queue: it makes the commit that the
// queue wants checked, on a branch of its own.
func (r *Repo) Queue(n int) (head, base, branch string, err error) {
	err = r.withPull(n, func(p *pull) error {
		base = r.tip(p.Base)
		if head, err = r.merge(base, p.HeadSHA, fmt.Sprintf("Merge pull request #%d from %s/%s", n, p.from.owner.Login, p.Head)); err != nil {
			return err
		}
		branch = fmt.Sprintf("gh-readonly-queue/%s/pr-%d-%s", p.Base, n, base)
		_, err := r.git("update-ref", "refs/heads/"+branch, head)
		return err
	})
	return head, base, branch, err
}

// Pull returns pull request n.
func (r *Repo) Pull(n int) (p Pull, err error) {
	err = r.withPull(n, func(at *pull) error {
		p = at.read()
		return nil
	})
	return p, err
}

// Pulls returns all pull requests, oldest first.
func (r *Repo) Pulls() []Pull {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	out := []Pull{}
	for _, p := range r.pulls {
		out = append(out, p.read())
	}
	return out
}

// read copies what stands; pending reviews are seen by nobody but their author and left out.
func (p *pull) read() Pull {
	out := p.Pull
	out.Labels, out.Asked = slices.Clone(p.Labels), slices.Clone(p.Asked)
	out.Reviews, out.Threads, out.Comments = []Review{}, []Thread{}, []Comment{}
	for _, r := range p.reviews {
		if r.State != pendingReview {
			out.Reviews = append(out.Reviews, *r)
		}
	}
	for _, t := range p.shown() {
		c := *t
		c.Line, c.StartLine = p.place(t)
		c.Outdated = t.outdated()
		c.Comments = nil
		for _, x := range t.comments {
			c.Comments = append(c.Comments, *x)
		}
		out.Threads = append(out.Threads, c)
	}
	for _, c := range p.comments {
		out.Comments = append(out.Comments, *c)
	}
	return out
}
