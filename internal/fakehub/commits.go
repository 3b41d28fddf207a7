package fakehub

import (
	"fmt"
	"net/http"
	"strings"
)

// commitInfo is what is in a commit object.
type commitInfo struct {
	tree, message     string
	parents           []string
	author, committer map[string]any
}

func (r *Repo) readCommit(sha string) commitInfo {
	i, ok := r.read[sha]
	if !ok {
		if i = r.showCommit(sha); i.tree != "" {
			r.read[sha] = i
		}
	}
	return i
}

func (r *Repo) showCommit(sha string) commitInfo {
	out, _ := r.git("show", "-s", "--no-color", "--date=iso-strict", "--format=%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B", sha) // checked before
	f := strings.SplitN(string(out), "\x00", 9)
	if len(f) < 9 {
		return commitInfo{}
	}
	who := func(name, email, date string) map[string]any {
		return map[string]any{"name": name, "email": email, "date": strings.Replace(date, "+00:00", "Z", 1)}
	}
	return commitInfo{tree: f[0], parents: strings.Fields(f[1]), author: who(f[2], f[3], f[4]), committer: who(f[5], f[6], f[7]), message: strings.TrimRight(f[8], "\n")}
}

func (r *Repo) verification(sha string) map[string]any {
	if r.verified[sha] {
		return map[string]any{"verified": true, "reason": "valid", "signature": "signed by GitHub", "payload": "tree " + sha, "verified_at": stamp(firstCommit)}
	}
	return map[string]any{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil}
}

// gitCommitJSON is the commit of the git data API.
func (r *Repo) gitCommitJSON(sha, api string) map[string]any {
	i := r.readCommit(sha)
	git := fmt.Sprintf("%s/repos/%v/git", api, r)
	return map[string]any{"sha": sha, "node_id": "C_" + sha, "url": git + "/commits/" + sha, "html_url": git + "/commits/" + sha, "author": i.author,
		"committer": i.committer, "message": i.message, "tree": map[string]any{"sha": i.tree, "url": git + "/trees/" + i.tree},
		"parents": parentsJSON(git, i.parents), "verification": r.verification(sha)}
}

func parentsJSON(git string, parents []string) []any {
	list := []any{}
	for _, p := range parents {
		list = append(list, map[string]any{"sha": p, "url": git + "/commits/" + p, "html_url": git + "/commits/" + p})
	}
	return list
}

// commitBrief is the head_commit of check suites and merge groups.
func (r *Repo) commitBrief(sha string) map[string]any {
	i := r.readCommit(sha)
	who := func(m map[string]any) map[string]any {
		return map[string]any{"name": m["name"], "email": m["email"]}
	}
	if i.author == nil {
		return nil
	}
	return map[string]any{"id": sha, "tree_id": i.tree, "message": i.message, "timestamp": i.committer["date"], "author": who(i.author), "committer": who(i.committer)}
}

func (c *call) commitJSON(sha string) map[string]any {
	i := c.repo.readCommit(sha)
	self := fmt.Sprintf("%s/repos/%v/commits/%s", c.api, c.repo, sha)
	git := fmt.Sprintf("%s/repos/%v/git", c.api, c.repo)
	account := func(who map[string]any) any {
		if name, _ := who["name"].(string); c.hub.users[strings.ToLower(name)] != nil {
			return userJSON(c.api, c.hub.user(name))
		}
		return nil
	}
	return map[string]any{"sha": sha, "node_id": "C_" + sha, "url": self, "html_url": c.web + "/" + c.repo.String() + "/commit/" + sha,
		"comments_url": self + "/comments", "parents": parentsJSON(git, i.parents), "author": account(i.author), "committer": account(i.committer),
		"commit": map[string]any{"url": git + "/commits/" + sha, "author": i.author, "committer": i.committer, "message": i.message, "comment_count": 0,
			"tree": map[string]any{"sha": i.tree, "url": git + "/trees/" + i.tree}, "verification": c.repo.verification(sha)}}
}

// log lists what sha, or the default branch, leads to, newest first.
func (c *call) log() answer {
	rev := c.r.URL.Query().Get("sha")
	if rev == "" {
		rev = c.repo.branch
	}
	sha := c.repo.resolve(rev)
	if sha == "" {
		return missing()
	}
	return paged(c, c.repo.lines("rev-list", sha), func(sha string) any { return c.commitJSON(sha) })
}

func (c *call) getCommit() answer {
	sha := c.repo.resolve(c.params["ref"])
	if sha == "" {
		return problem(http.StatusUnprocessableEntity, "No commit found for SHA: "+c.params["ref"])
	}
	if strings.Contains(c.r.Header.Get("Accept"), "sha") {
		return answer{status: http.StatusOK, body: []byte(sha), header: http.Header{"Content-Type": {"application/vnd.github.sha; charset=utf-8"}}}
	}
	v := c.commitJSON(sha)
	parent, _ := c.repo.line("rev-parse", "--verify", "--quiet", sha+"^1") // a root commit has none
	files, err := c.repo.diff(parent, sha)
	if err != nil {
		return problem(http.StatusInternalServerError, "Server Error")
	}
	v["files"] = c.filesJSON(sha, files)
	return ok(v)
}

func (c *call) filesJSON(sha string, files []FileDiff) []any {
	list := []any{}
	for _, f := range files[:min(len(files), shownFiles)] {
		list = append(list, c.fileJSON(sha, f))
	}
	return list
}

// compare answers BASE...HEAD: at most 250 commits, files on the first page only.
func (c *call) compare() answer {
	from, to, found := strings.Cut(c.params["basehead"], "...")
	if !found {
		return missing()
	}
	base, head := c.side(from), c.side(to)
	if base == "" || head == "" {
		return missing()
	}
	mb := c.repo.mergeBase(base, head)
	if mb == "" {
		return problem(http.StatusNotFound, fmt.Sprintf("No common ancestor between %s and %s.", from, to))
	}
	commits := c.repo.between(base, head)
	behind := len(c.repo.between(head, base))
	status := "identical"
	switch {
	case len(commits) > 0 && behind > 0:
		status = "diverged"
	case len(commits) > 0:
		status = "ahead"
	case behind > 0:
		status = "behind"
	}
	first, last := 0, min(len(commits), 250)
	var links http.Header
	if q := c.r.URL.Query(); q.Has("page") || q.Has("per_page") {
		first, last, links = c.page(len(commits))
	}
	list := []any{}
	for _, sha := range commits[first:last] {
		list = append(list, c.commitJSON(sha))
	}
	self := fmt.Sprintf("%s/repos/%v/compare/%s...%s", c.api, c.repo, from, to)
	v := map[string]any{"url": self, "html_url": self, "permalink_url": self, "diff_url": self + ".diff", "patch_url": self + ".patch",
		"base_commit": c.commitJSON(base), "merge_base_commit": c.commitJSON(mb), "status": status, "ahead_by": len(commits), "behind_by": behind,
		"total_commits": len(commits), "commits": list}
	if atoi(c.r.URL.Query().Get("page")) < 2 {
		files, err := c.repo.diff(mb, head)
		if err != nil {
			return problem(http.StatusInternalServerError, "Server Error")
		}
		v["files"] = c.filesJSON(head, files)
	}
	return answer{status: http.StatusOK, body: v, header: links}
}

// side resolves one end of a comparison; "owner:branch" is that of a fork,
// whose commits must already be in the repository.
func (c *call) side(rev string) string {
	owner, branch, found := strings.Cut(rev, ":")
	if !found {
		return c.repo.resolve(rev)
	}
	from := c.repo.inNetwork(owner)
	if from == nil {
		return ""
	}
	sha := from.resolve(branch)
	if c.repo.object(sha) != "commit" {
		return ""
	}
	return sha
}
