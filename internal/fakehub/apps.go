package fakehub

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// An installation is our App on an account.
type installation struct {
	id        int64
	account   *user
	gone      bool
	second    bool // of the second App
	created   time.Time
	suspended time.Time // zero if it is not
	consent   *consent  // nil: all that the App asks for
}

// install returns the installation of an account, which is made if need be.
func (h *Hub) install(u *user) *installation {
	h.installSecond(u)
	key := strings.ToLower(u.Login)
	if in := h.byAccount[key]; in != nil {
		return in
	}
	in := &installation{id: h.id(), account: u, created: h.now()}
	h.byAccount[key], h.installs[in.id] = in, in
	return in
}

// Installation returns the id of the App's installation on an account, 0 if there is none.
func (h *Hub) Installation(login string) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if in := h.byAccount[strings.ToLower(login)]; in != nil {
		return in.id
	}
	return 0
}

// Uninstall takes the App off an account: its tokens and its installation are
// gone. AddRepo installs it anew, under another id.
func (h *Hub) Uninstall(login string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if in := h.byAccount[strings.ToLower(login)]; in != nil {
		in.gone = true
		delete(h.byAccount, strings.ToLower(login))
	}
}

func (c *call) getApp() answer {
	app := c.hub.appJSON(c.api)
	id, slug, permissions := c.hub.appOf(c.second)
	app["id"], app["slug"], app["name"], app["permissions"] = id, slug, slug, permissions
	if c.second {
		app["events"] = []string{}
	}
	return ok(app)
}

func (c *call) listInstallations() answer {
	all := c.hub.byAccount
	if c.second {
		all = c.hub.seconds
	}
	var list []*installation
	for _, login := range sortedKeys(all) {
		list = append(list, all[login])
	}
	return paged(c, list, func(in *installation) any { return c.hub.installationJSON(c.api, in) })
}

func (c *call) getInstallation() answer {
	in := c.hub.installs[c.id("id")]
	if in == nil || in.gone || in.second != c.second {
		return missing()
	}
	return ok(c.hub.installationJSON(c.api, in))
}

func (c *call) accountInstallation() answer {
	in := c.of(c.params["owner"])
	if in == nil {
		return missing()
	}
	return ok(c.hub.installationJSON(c.api, in))
}

func (c *call) repoInstallation() answer {
	in := c.of(c.repo.owner.Login)
	if in == nil {
		return missing()
	}
	return ok(c.hub.installationJSON(c.api, in))
}

func (c *call) installationRepos() answer {
	var list []*Repo
	for _, key := range sortedKeys(c.hub.repos) {
		if r := c.hub.repos[key]; c.token.sees(r) {
			list = append(list, r)
		}
	}
	from, to, head := c.page(len(list))
	out := []any{}
	for _, r := range list[from:to] {
		out = append(out, c.repoJSON(r))
	}
	return answer{status: http.StatusOK, header: head, body: map[string]any{"total_count": len(list), "repositories": out}}
}

func (c *call) getUser() answer {
	u := c.hub.users[strings.ToLower(c.params["login"])]
	if u == nil && strings.EqualFold(c.params["login"], c.hub.Bot()) {
		u = c.hub.user(c.hub.Bot())
	}
	if u == nil {
		return missing()
	}
	return ok(userJSON(c.api, u))
}

func (c *call) meta() answer {
	return ok(map[string]any{"verifiable_password_authentication": false, "hooks": []string{"127.0.0.0/8"}, "installed_version": "3.18.0"})
}

// appJSON renders our App, as part of check runs too.
func (h *Hub) appJSON(api string) map[string]any {
	return map[string]any{"id": h.opts.AppID, "node_id": fmt.Sprintf("A_%d", h.opts.AppID), "slug": h.opts.Slug, "name": h.opts.Slug,
		"owner": userJSON(api, h.user(h.opts.Slug)), "description": nil, "external_url": "https://pullwarden.example",
		"html_url": api + "/apps/" + h.opts.Slug, "created_at": stamp(firstCommit), "updated_at": stamp(firstCommit),
		"permissions": h.opts.Permissions, "events": h.opts.Events}
}

func (h *Hub) installationJSON(api string, in *installation) map[string]any {
	granted, by := h.granted(in), any(nil)
	if !in.suspended.IsZero() {
		by = userJSON(api, in.account)
	}
	id, slug, _ := h.appOf(in.second)
	web, _ := strings.CutSuffix(api, "/api/v3")
	return map[string]any{"id": in.id, "account": userJSON(api, in.account), "app_id": id, "app_slug": slug,
		"target_id": in.account.ID, "target_type": in.account.Type, "repository_selection": "all", "permissions": granted.permissions,
		"events": granted.events, "single_file_name": nil, "suspended_at": stamp(in.suspended), "suspended_by": by,
		"access_tokens_url": fmt.Sprintf("%s/app/installations/%d/access_tokens", api, in.id),
		"repositories_url":  api + "/installation/repositories", "html_url": fmt.Sprintf("%s%s/installations/%d", web, in.account.settings(), in.id),
		"created_at": stamp(in.created), "updated_at": stamp(in.created)}
}

func userJSON(api string, u *user) map[string]any {
	if u == nil {
		return nil
	}
	self := api + "/users/" + u.Login
	return map[string]any{"login": u.Login, "id": u.ID, "node_id": fmt.Sprintf("U_%d", u.ID), "type": u.Type, "site_admin": false,
		"avatar_url": api + "/avatars/" + fmt.Sprint(u.ID), "gravatar_id": "", "url": self, "html_url": api + "/" + u.Login, "followers_url": self + "/followers",
		"following_url": self + "/following{/other_user}", "gists_url": self + "/gists{/gist_id}", "starred_url": self + "/starred{/owner}{/repo}",
		"subscriptions_url": self + "/subscriptions", "organizations_url": self + "/orgs", "repos_url": self + "/repos",
		"events_url": self + "/events{/privacy}", "received_events_url": self + "/received_events"}
}

func (c *call) getRepo() answer { return ok(c.repoJSON(c.repo)) }

func (c *call) repoJSON(r *Repo) map[string]any { return r.json(c.api, c.web) }

// json renders the repository as seen at the address api.
func (r *Repo) json(api, web string) map[string]any {
	if r == nil || r.gone {
		return nil
	}
	self := api + "/repos/" + r.String()
	v := map[string]any{"id": r.id, "node_id": fmt.Sprintf("R_%d", r.id), "name": r.name, "full_name": r.String(), "private": true,
		"visibility": "private", "owner": userJSON(api, r.owner), "html_url": web + "/" + r.String(), "description": nil, "fork": r.parent != nil,
		"url": self, "clone_url": web + "/" + r.String() + ".git", "git_url": "git:" + strings.TrimPrefix(web, "http:") + "/" + r.String() + ".git",
		"ssh_url": "git@github.example:" + r.String() + ".git", "svn_url": web + "/" + r.String(), "default_branch": r.branch,
		"created_at": stamp(r.created), "updated_at": stamp(r.created), "pushed_at": stamp(r.lastPush()), "homepage": nil, "language": nil,
		"size": 0, "stargazers_count": 0, "watchers_count": 0, "watchers": 0, "forks_count": 0, "forks": 0, "network_count": 0,
		"subscribers_count": 0, "open_issues_count": r.openPulls(), "open_issues": r.openPulls(), "has_issues": true, "has_projects": false, "has_downloads": false,
		"has_wiki": false, "has_pages": false, "has_discussions": false, "mirror_url": nil, "archived": r.frozen, "disabled": false,
		"license": nil, "is_template": false, "topics": []string{}, "allow_forking": true, "web_commit_signoff_required": false,
		"permissions": map[string]bool{"admin": false, "maintain": false, "push": false, "triage": false, "pull": true}}
	for _, name := range []string{"forks", "teams", "hooks", "events", "tags", "languages", "stargazers", "contributors", "subscribers",
		"subscription", "merges", "downloads", "deployments"} {
		v[name+"_url"] = self + "/" + name
	}
	for name, tail := range map[string]string{"keys": "keys{/key_id}", "collaborators": "collaborators{/collaborator}",
		"issue_events": "issues/events{/number}", "assignees": "assignees{/user}", "branches": "branches{/branch}", "blobs": "git/blobs{/sha}",
		"git_tags": "git/tags{/sha}", "git_refs": "git/refs{/sha}", "trees": "git/trees{/sha}", "statuses": "statuses/{sha}",
		"commits": "commits{/sha}", "git_commits": "git/commits{/sha}", "comments": "comments{/number}",
		"issue_comment": "issues/comments{/number}", "contents": "contents/{+path}", "compare": "compare/{base}...{head}",
		"archive": "{archive_format}{/ref}", "issues": "issues{/number}", "pulls": "pulls{/number}", "milestones": "milestones{/number}",
		"notifications": "notifications{?since,all,participating}", "labels": "labels{/name}", "releases": "releases{/id}"} {
		v[name+"_url"] = self + "/" + tail
	}
	return v
}

func (r *Repo) lastPush() time.Time {
	if r.pushed.IsZero() {
		return r.created
	}
	return r.pushed
}

// openPulls counts what GitHub counts as open issues: here are no others.
func (r *Repo) openPulls() int {
	n := 0
	for _, p := range r.pulls {
		if p.State == "open" {
			n++
		}
	}
	return n
}

func (c *call) getRole() answer {
	u := c.hub.users[strings.ToLower(c.params["login"])]
	if u == nil {
		return missing()
	}
	role := c.repo.roles[strings.ToLower(u.Login)]
	switch {
	case u == c.repo.owner:
		role = "admin"
	case role == "":
		role = "none"
	}
	permission := map[string]string{"maintain": "write", "triage": "read"}[role] // the older, coarser name
	if permission == "" {
		permission = role
	}
	v := userJSON(c.api, u)
	v["role_name"] = role
	return ok(map[string]any{"permission": permission, "role_name": role, "user": v})
}
