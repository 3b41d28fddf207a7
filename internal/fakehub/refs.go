package fakehub

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// badRef is what git does not allow in a reference.
var badRef = regexp.MustCompile(`\.\.|[\x00-\x20~^:?*\[\\\x7f]|@\{|//|/$|\.$|\.lock(/|$)|/\.|^refs/[^/]+/?$`)

func validRef(ref string) bool {
	return strings.HasPrefix(ref, "refs/") && strings.Count(ref, "/") >= 2 && !badRef.MatchString(ref)
}

// ref returns what a full reference points to, or "".
func (r *Repo) ref(name string) string {
	if !validRef(name) {
		return ""
	}
	return r.stored(name)
}

func (c *call) refJSON(name, sha string) map[string]any {
	tail := strings.TrimPrefix(name, "refs/")
	kind := c.repo.object(sha)
	return map[string]any{"ref": name, "node_id": "REF_" + tail, "url": c.api + "/repos/" + c.repo.String() + "/git/refs/" + tail,
		"object": map[string]any{"type": kind, "sha": sha, "url": fmt.Sprintf("%s/repos/%v/git/%ss/%s", c.api, c.repo, kind, sha)}}
}

func (c *call) getRef() answer {
	name := "refs/" + c.params["ref"]
	sha := c.repo.ref(name)
	if sha == "" {
		return missing()
	}
	return ok(c.refJSON(name, sha))
}

func (c *call) matchingRefs() answer {
	list := []any{}
	for _, line := range c.repo.lines("for-each-ref", "--format=%(objectname) %(refname)") {
		if sha, name, _ := strings.Cut(line, " "); strings.HasPrefix(name, "refs/"+c.params["ref"]) {
			list = append(list, c.refJSON(name, sha))
		}
	}
	return ok(list)
}

func (c *call) createRef() answer {
	var in struct{ Ref, SHA *string }
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	for name, v := range map[string]*string{"ref": in.Ref, "sha": in.SHA} {
		if v == nil {
			return malformed("\"%s\" wasn't supplied.", name)
		}
	}
	name, sha := *in.Ref, *in.SHA
	switch {
	case !validRef(name):
		return problem(http.StatusUnprocessableEntity, "Reference name must start with 'refs/' and contain at least two slashes: "+name)
	case strings.HasPrefix(name, "refs/pull/"):
		return problem(http.StatusUnprocessableEntity, "Reference cannot be created")
	case c.repo.object(sha) == "" || strings.HasPrefix(name, "refs/heads/") && c.repo.object(sha) != "commit":
		return problem(http.StatusUnprocessableEntity, "Object does not exist")
	case c.repo.ref(name) != "":
		return problem(http.StatusUnprocessableEntity, "Reference already exists")
	}
	if !c.mayPoint(sha, "") {
		return forbidden()
	}
	if _, err := c.repo.git("update-ref", name, sha, noSHA); err != nil {
		return problem(http.StatusUnprocessableEntity, "Reference update failed") // "a" and "a/b" cannot both be
	}
	c.hub.logf("ref %v create %s", c.repo, name)
	return c.refMoved(http.StatusCreated, name, sha)
}

func (c *call) updateRef() answer {
	var in struct {
		SHA   *string
		Force bool
	}
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	if in.SHA == nil {
		return malformed("\"sha\" wasn't supplied.")
	}
	name := "refs/" + c.params["ref"]
	old := c.repo.ref(name)
	switch {
	case old == "" || strings.HasPrefix(name, "refs/pull/"):
		return problem(http.StatusUnprocessableEntity, "Reference does not exist")
	case c.repo.object(*in.SHA) == "" || strings.HasPrefix(name, "refs/heads/") && c.repo.object(*in.SHA) != "commit":
		return problem(http.StatusUnprocessableEntity, "Object does not exist")
	case !in.Force && c.repo.mergeBase(old, *in.SHA) != old:
		return problem(http.StatusUnprocessableEntity, "Update is not a fast forward")
	case !c.mayPoint(*in.SHA, old):
		return forbidden()
	case c.repo.requires(name) != "":
		return problem(http.StatusUnprocessableEntity, c.repo.requires(name))
	}
	if _, err := c.repo.git("update-ref", name, *in.SHA, old); err != nil {
		return problem(http.StatusUnprocessableEntity, "Reference update failed")
	}
	how := "update"
	if in.Force {
		how = "force"
	}
	c.hub.logf("ref %v %s %s", c.repo, how, name)
	return c.refMoved(http.StatusOK, name, *in.SHA)
}

// mayPoint reports whether a token may make a reference show sha: an App
// without workflows: write cannot bring commits of its own that touch workflows.
func (c *call) mayPoint(sha, old string) bool {
	if c.token.can("workflows:write") {
		return true
	}
	not := []string{"rev-list", sha, "--not", "--branches", "--tags"}
	for _, commit := range c.repo.lines(not...) {
		if commit == old || !c.repo.verified[commit] && !strings.Contains(fmt.Sprint(c.repo.readCommit(commit).author["name"]), "[bot]") {
			continue
		}
		if len(c.repo.lines("diff-tree", "--root", "-r", "--no-commit-id", "--name-only", commit, "--", ".github/workflows")) > 0 {
			return false
		}
	}
	return true
}

func (c *call) refMoved(status int, name, sha string) answer {
	if branch, found := strings.CutPrefix(name, "refs/heads/"); found {
		if err := c.repo.branchMoved(branch); err != nil {
			return problem(http.StatusInternalServerError, "Server Error")
		}
	}
	return answer{status: status, body: c.refJSON(name, sha)}
}

func (c *call) deleteRef() answer {
	name := "refs/" + c.params["ref"]
	switch {
	case c.repo.ref(name) == "" || strings.HasPrefix(name, "refs/pull/"):
		return problem(http.StatusUnprocessableEntity, "Reference does not exist")
	case name == "refs/heads/"+c.repo.branch:
		return problem(http.StatusUnprocessableEntity, "Cannot delete the default branch")
	}
	if _, err := c.repo.git("update-ref", "-d", name); err != nil {
		return problem(http.StatusInternalServerError, "Server Error")
	}
	c.repo.branchGone(strings.TrimPrefix(name, "refs/heads/"))
	c.hub.logf("ref %v delete %s", c.repo, name)
	return nothing()
}

func (c *call) getBranch() answer {
	name := c.params["branch"]
	sha := c.repo.tip(name)
	if sha == "" {
		return problem(http.StatusNotFound, "Branch not found")
	}
	self := fmt.Sprintf("%s/repos/%v/branches/%s", c.api, c.repo, name)
	protected, protection := c.repo.protection(name)
	return ok(map[string]any{"name": name, "commit": c.commitJSON(sha), "protected": protected, "protection_url": self + "/protection",
		"protection": protection,
		"_links":     map[string]string{"self": self, "html": fmt.Sprintf("%s/%v/tree/%s", c.web, c.repo, name)}})
}
