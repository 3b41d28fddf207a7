package fakehub

import (
	"fmt"
	"slices"
	"strings"
)

// event begins a payload with what all have.
func (r *Repo) event(name, action, sender string, more map[string]any) Event {
	h := r.hub
	api, web := h.addresses()
	in := h.byAccount[strings.ToLower(r.owner.Login)]
	p := map[string]any{"repository": r.json(api, web), "sender": userJSON(api, h.user(sender))}
	if action != "" {
		p["action"] = action
	}
	if in != nil {
		p["installation"] = map[string]any{"id": in.id, "node_id": fmt.Sprintf("I_%d", in.id)}
	}
	for k, v := range more {
		p[k] = v
	}
	return Event{Name: name, Payload: p, install: in, repo: r}
}

func (h *Hub) addresses() (api, web string) { return h.opts.URL + "/api/v3", h.opts.URL }

// PullEvent tells that action (opened, synchronize, reopened, ready_for_review,
// closed …) happened to pull request n.
func (r *Repo) PullEvent(n int, action string) (e Event, err error) {
	err = r.withPull(n, func(p *pull) error {
		api, web := r.hub.addresses()
		e = r.event("pull_request", action, p.Author, map[string]any{"number": n, "pull_request": p.json(api, web)})
		return nil
	})
	return e, err
}

// SynchronizeEvent tells that the head of pull request n moved.
func (r *Repo) SynchronizeEvent(n int, before, after string) (Event, error) {
	e, err := r.PullEvent(n, "synchronize")
	if err == nil {
		e.Payload["before"], e.Payload["after"] = before, after
	}
	return e, err
}

// BaseEvent tells that pull request n had another base before.
func (r *Repo) BaseEvent(n int, wasRef, wasSHA string) (Event, error) {
	e, err := r.PullEvent(n, "edited")
	if err == nil {
		from := func(s string) map[string]string { return map[string]string{"from": s} }
		e.Payload["changes"] = map[string]any{"base": map[string]any{"ref": from(wasRef), "sha": from(wasSHA)}}
	}
	return e, err
}

// PushEvent tells that branch moved. before is "" for a new branch, after is
// "" for one that was deleted.
func (r *Repo) PushEvent(branch, before, after, sender string) Event {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	if before == "" {
		before = noSHA
	}
	if after == "" {
		after = noSHA
	}
	var head any
	commits := []any{}
	list := []string{"rev-list", "--reverse", "--max-count=20", after}
	if before != noSHA {
		list = append(list, "^"+before)
	}
	for _, sha := range r.lines(list...) {
		commits = append(commits, r.commitBrief(sha))
	}
	if after != noSHA {
		head = r.commitBrief(after)
	}
	e := r.event("push", "", sender, map[string]any{"ref": "refs/heads/" + branch, "before": before, "after": after, "created": before == noSHA,
		"deleted": after == noSHA, "forced": before != noSHA && after != noSHA && r.mergeBase(before, after) != before, "base_ref": nil,
		"compare": r.hub.opts.URL + "/" + r.String() + "/compare/" + short(before) + "..." + short(after), "commits": commits, "head_commit": head,
		"pusher": map[string]string{"name": sender, "email": sender + "@example.com"}})
	// Here alone the repository has times in seconds and an owner with a name.
	repo := e.Payload["repository"].(map[string]any)
	repo["created_at"], repo["pushed_at"], repo["master_branch"] = r.created.Unix(), r.created.Unix(), r.branch
	repo["owner"].(map[string]any)["name"] = r.owner.Login
	return e
}

// GroupEvent tells that the merge queue wants head, made by Queue, checked.
func (r *Repo) GroupEvent(head, base, branch string) Event {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	return r.event("merge_group", "checks_requested", "dev", map[string]any{"merge_group": map[string]any{"head_sha": head,
		"head_ref": "refs/heads/" + branch, "base_sha": base, "base_ref": "refs/heads/" + r.branch, "head_commit": r.commitBrief(head)}})
}

// CheckRunEvent tells of action (rerequested, requested_action) on a check
// run. identifier names the pressed button of requested_action.
func (r *Repo) CheckRunEvent(id int64, action, identifier, sender string) (Event, error) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	api, web := r.hub.addresses()
	for _, k := range r.checks {
		if k.ID != id {
			continue
		}
		v := r.checkJSON(k, api, web)
		v["check_suite"] = r.suiteJSON(k.HeadSHA, api, web)
		e := r.event("check_run", action, sender, map[string]any{"check_run": v})
		if identifier != "" {
			if !slices.ContainsFunc(k.Actions, func(a Action) bool { return a.Identifier == identifier }) {
				return Event{}, fmt.Errorf("check run %d of %v has no button %q", id, r, identifier)
			}
			e.Payload["requested_action"] = map[string]string{"identifier": identifier}
		}
		return e, nil
	}
	return Event{}, fmt.Errorf("check run %d of %v: %w", id, r, errNotFound)
}

// CheckSuiteEvent tells of action (requested, rerequested) on our suite for sha.
func (r *Repo) CheckSuiteEvent(sha, action, sender string) Event {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	api, web := r.hub.addresses()
	return r.event("check_suite", action, sender, map[string]any{"check_suite": r.suiteJSON(sha, api, web)})
}

// CommentEvent tells that a comment was written in the conversation of pull request n.
func (r *Repo) CommentEvent(n int, comment int64) (e Event, err error) {
	err = r.withPull(n, func(p *pull) error {
		api, web := r.hub.addresses()
		for _, x := range p.comments {
			if x.ID != comment {
				continue
			}
			issue := p.json(api, web)
			issue["pull_request"] = map[string]any{"url": issue["url"], "html_url": issue["html_url"]}
			e = r.event("issue_comment", "created", x.Author, map[string]any{"issue": issue, "comment": x.json(p, api, web)})
			return nil
		}
		return fmt.Errorf("comment %d of %v#%d: %w", comment, r, n, errNotFound)
	})
	return e, err
}

// ThreadCommentEvent tells that a comment was written in a thread of pull request n.
func (r *Repo) ThreadCommentEvent(n int, comment int64) (e Event, err error) {
	err = r.withPull(n, func(p *pull) error {
		x := p.comment(comment)
		if x == nil {
			return fmt.Errorf("comment %d of %v#%d: %w", comment, r, n, errNotFound)
		}
		api, web := r.hub.addresses()
		c := &call{hub: r.hub, repo: r, api: api, web: web}
		e = r.event("pull_request_review_comment", "created", x.Author, map[string]any{"pull_request": p.json(api, web), "comment": c.commentJSON(x)})
		return nil
	})
	return e, err
}

// Rename gives the repository another name and returns the event that tells
// it. Requests to the old name are redirected.
func (r *Repo) Rename(name string) Event {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	old := r.name
	r.move(r.owner, name)
	return r.event("repository", "renamed", r.owner.Login, map[string]any{"changes": map[string]any{"repository": map[string]any{"name": map[string]string{"from": old}}}})
}

// Transfer gives the repository to another owner, who has the App too, and
// returns the event that tells it.
func (r *Repo) Transfer(owner string) Event {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	old := r.owner
	r.move(r.hub.user(owner), r.name)
	r.hub.install(r.owner)
	api, _ := r.hub.addresses()
	return r.event("repository", "transferred", old.Login, map[string]any{"changes": map[string]any{"owner": map[string]any{"from": map[string]any{"user": userJSON(api, old)}}}})
}

func (r *Repo) move(owner *user, name string) {
	h := r.hub
	old := strings.ToLower(r.String())
	delete(h.repos, old)
	h.moved[old] = r
	r.owner, r.name = owner, name
	now := strings.ToLower(r.String())
	delete(h.moved, now)
	h.repos[now] = r
}

// InstallationEvent tells of action (created, deleted, suspend …) on the App's
// installation. To tell "deleted", make the event before Uninstall.
func (h *Hub) InstallationEvent(login, action string) (Event, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	in := h.byAccount[strings.ToLower(login)]
	if in == nil {
		return Event{}, fmt.Errorf("installation on %s: %w", login, errNotFound)
	}
	api, _ := h.addresses()
	list := []any{}
	for _, key := range sortedKeys(h.repos) {
		if r := h.repos[key]; r.owner == in.account {
			list = append(list, r.brief())
		}
	}
	return Event{Name: "installation", install: in, Payload: map[string]any{"action": action, "installation": h.installationJSON(api, in),
		"repositories": list, "requester": nil, "sender": userJSON(api, in.account)}}, nil
}

// RepositoriesEvent tells that repositories were added to the installation on
// login, or removed from it.
func (h *Hub) RepositoriesEvent(login string, added, removed []*Repo) (Event, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	in := h.byAccount[strings.ToLower(login)]
	if in == nil {
		return Event{}, fmt.Errorf("installation on %s: %w", login, errNotFound)
	}
	api, _ := h.addresses()
	brief := func(list []*Repo) []any {
		out := []any{}
		for _, r := range list {
			out = append(out, r.brief())
		}
		return out
	}
	action := "added"
	if len(added) == 0 {
		action = "removed"
	}
	return Event{Name: "installation_repositories", install: in, Payload: map[string]any{"action": action, "installation": h.installationJSON(api, in),
		"repository_selection": "selected", "repositories_added": brief(added), "repositories_removed": brief(removed), "requester": nil,
		"sender": userJSON(api, in.account)}}, nil
}

func (r *Repo) brief() map[string]any {
	return map[string]any{"id": r.id, "node_id": fmt.Sprintf("R_%d", r.id), "name": r.name, "full_name": r.String(), "private": true}
}

// PingEvent is what GitHub sends when a webhook is set up.
func (h *Hub) PingEvent() Event {
	return Event{Name: "ping", Payload: map[string]any{"zen": "Anything added dilutes everything else.", "hook_id": 1,
		"hook": map[string]any{"type": "App", "id": 1, "name": "web", "active": true, "events": h.opts.Events, "app_id": h.opts.AppID,
			"config": map[string]any{"content_type": "json", "insecure_ssl": "0", "secret": "********"}}}}
}
