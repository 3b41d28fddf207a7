package fakehub

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A saved Hub, as JSON: what a product has made of its repositories, so that
// another version of it can go on there.
type saved struct {
	LastID        int64               `json:"last_id"`
	Users         []user              `json:"users"`
	Installations []savedInstallation `json:"installations"`
	Repositories  []savedRepo         `json:"repositories"`
}

type savedInstallation struct {
	ID      int64     `json:"id"`
	Account string    `json:"account"`
	Created time.Time `json:"created"`
}

type savedRepo struct {
	ID      int64             `json:"id"`
	Owner   string            `json:"owner"`
	Name    string            `json:"name"`
	Branch  string            `json:"branch"`
	Created time.Time         `json:"created"`
	Commits int               `json:"commits"`
	Numbers int               `json:"numbers"`
	Roles   map[string]string `json:"roles"`
	Suites  map[string]int64  `json:"suites"`
	Git     []string          `json:"git"` // lines of a stream of git fast-export
	Checks  []savedCheck      `json:"checks"`
	Pulls   []savedPull       `json:"pulls"`
}

type savedCheck struct {
	CheckRun
	Suite   int64     `json:"suite"`
	Created time.Time `json:"created"`
}

type savedPull struct {
	Pull
	ID      int64         `json:"id"`
	Reviews []Review      `json:"all_reviews"`
	Threads []savedThread `json:"all_threads"`
}

type savedThread struct {
	Thread
	StartSide string  `json:"start_side"`
	Commit    string  `json:"commit"`
	At        int     `json:"at"`
	From      int     `json:"from"`
	Hunk      string  `json:"hunk"`
	Reviews   []int64 `json:"reviews"` // of its comments
}

// Save returns h as Load reads it: repositories without forks and open pull
// requests, with their checks and threads. What it cannot save is an error.
func (h *Hub) Save() ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := saved{LastID: h.lastID}
	for _, key := range sortedKeys(h.users) {
		s.Users = append(s.Users, *h.users[key])
	}
	for _, id := range slices.Sorted(maps.Keys(h.installs)) {
		in := h.installs[id]
		s.Installations = append(s.Installations, savedInstallation{in.id, in.account.Login, in.created})
	}
	for _, id := range slices.Sorted(maps.Keys(h.byID)) {
		r, err := h.byID[id].save()
		if err != nil {
			return nil, fmt.Errorf("save %v: %w", h.byID[id], err)
		}
		s.Repositories = append(s.Repositories, r)
	}
	return json.MarshalIndent(s, "", " ")
}

func (r *Repo) save() (savedRepo, error) {
	stream, err := r.git("fast-export", "--all", "--reencode=no")
	s := savedRepo{ID: r.id, Owner: r.owner.Login, Name: r.name, Branch: r.branch, Created: r.created, Commits: r.commits, Numbers: r.numbers,
		Roles: r.roles, Suites: r.suites, Git: strings.SplitAfter(string(stream), "\n")}
	if err == nil && (r.parent != nil || len(r.issues) > 0 || !utf8.Valid(stream)) {
		err = errors.New("forks, issues and files that are not text are not saved")
	}
	for _, k := range r.checks {
		s.Checks = append(s.Checks, savedCheck{k.CheckRun, k.suite, k.created})
	}
	for _, p := range r.pulls {
		if p.State != "open" || p.from != r {
			err = errors.Join(err, fmt.Errorf("pull request %d is not an open one of a branch", p.Number))
		}
		q := savedPull{Pull: p.read(), ID: p.id}
		q.Pull.Threads, q.Pull.Reviews = nil, nil
		for _, review := range p.reviews {
			q.Reviews = append(q.Reviews, *review)
		}
		for _, t := range p.threads {
			c := savedThread{Thread: *t, StartSide: t.startSide, Commit: t.commit, At: t.line, From: t.start, Hunk: t.hunk}
			for _, x := range t.comments {
				c.Comments, c.Reviews = append(c.Comments, *x), append(c.Reviews, x.review.ID)
			}
			q.Threads = append(q.Threads, c)
		}
		s.Pulls = append(s.Pulls, q)
	}
	return s, err
}

// Load makes h, which must be new, what Save has written.
func (h *Hub) Load(text []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var s saved
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("load a hub: %w", err)
	}
	for _, u := range s.Users {
		h.users[strings.ToLower(u.Login)] = &u
	}
	for _, i := range s.Installations {
		in := &installation{id: i.ID, account: h.user(i.Account), created: i.Created}
		h.byAccount[strings.ToLower(i.Account)], h.installs[i.ID] = in, in
	}
	for _, r := range s.Repositories {
		if err := h.load(r); err != nil {
			return fmt.Errorf("load %s/%s: %w", r.Owner, r.Name, err)
		}
	}
	h.lastID = s.LastID
	return nil
}

func (h *Hub) load(s savedRepo) error {
	r, err := h.newRepo(s.Owner, s.Name)
	if err != nil {
		return err
	}
	delete(h.byID, r.id)
	if err := os.Remove(r.dir); err != nil {
		return err
	}
	r.id, r.branch, r.created, r.commits, r.numbers = s.ID, s.Branch, s.Created, s.Commits, s.Numbers
	h.byID[r.id], r.dir = r, filepath.Join(h.opts.Dir, fmt.Sprintf("%d.git", r.id))
	maps.Copy(r.roles, s.Roles)
	maps.Copy(r.suites, s.Suites)
	if err := initBare(r.dir); err != nil {
		return err
	}
	if _, err := h.git.run(r.dir, nil, bytes.NewReader([]byte(strings.Join(s.Git, ""))), "fast-import", "--quiet"); err != nil {
		return err
	}
	for _, k := range s.Checks {
		r.checks = append(r.checks, &check{CheckRun: k.CheckRun, suite: k.Suite, created: k.Created})
	}
	for _, q := range s.Pulls {
		p := &pull{Pull: q.Pull, id: q.ID, repo: r, from: r, author: h.user(q.Author)}
		p.Pull.Comments = nil
		for _, c := range q.Comments {
			p.comments = append(p.comments, &c)
		}
		reviews := map[int64]*Review{}
		for _, review := range q.Reviews {
			reviews[review.ID] = &review
			p.reviews = append(p.reviews, &review)
		}
		for _, c := range q.Threads {
			t := &c.Thread
			t.pull, t.startSide, t.commit, t.line, t.start, t.hunk = p, c.StartSide, c.Commit, c.At, c.From, c.Hunk
			for i, x := range c.Comments {
				x.thread, x.review = t, reviews[c.Reviews[i]]
				t.comments = append(t.comments, &x)
			}
			t.Comments = nil
			p.threads = append(p.threads, t)
		}
		r.pulls = append(r.pulls, p)
	}
	return nil
}
