package fakehub

import (
	"fmt"
	"net/http"
	"path"
	"strings"
)

const (
	inlineFile = 1 << 20   // larger files come without content
	largestAPI = 100 << 20 // still larger ones do not come at all
)

// object names an entry of a tree.
type object struct{ mode, kind, sha, path string }

// lookup finds an entry of a commit's tree; path "" is the tree itself.
func (r *Repo) lookup(commit, path string) *object {
	if path == "" {
		sha, err := r.line("rev-parse", commit+"^{tree}")
		if err != nil {
			return nil
		}
		return &object{"040000", "tree", sha, ""}
	}
	for _, o := range r.list(commit, path) {
		if o.path == path {
			return &o
		}
	}
	return nil
}

// list reads the entries of a tree, or of a commit at the given paths.
func (r *Repo) list(rev string, paths ...string) []object {
	out, err := r.git(append([]string{"ls-tree", "-z", "--full-tree", rev, "--"}, paths...)...)
	if err != nil {
		return nil
	}
	var list []object
	for _, line := range strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		meta, name, found := strings.Cut(line, "\t")
		if f := strings.Fields(meta); found && len(f) == 3 {
			list = append(list, object{f[0], f[1], f[2], name})
		}
	}
	return list
}

func (c *call) getContents() answer {
	ref := c.r.URL.Query().Get("ref")
	name := ref
	if ref == "" {
		name = c.repo.branch
	}
	commit := c.repo.resolve(name)
	if commit == "" {
		if ref == "" {
			return problem(http.StatusNotFound, "This repository is empty.")
		}
		return problem(http.StatusNotFound, "No commit found for the ref "+ref)
	}
	at := strings.Trim(c.params["path"], "/")
	if at != "" && path.Clean(at) != at || strings.HasPrefix(at, "../") || at == ".." {
		return problem(http.StatusUnprocessableEntity, "path contains a malformed path component")
	}
	o := c.repo.lookup(commit, at)
	if o == nil {
		return missing()
	}
	if o.kind != "tree" {
		return c.file(commit, name, *o)
	}
	list := []any{}
	for _, e := range c.repo.list(o.sha) {
		if len(list) == 1000 {
			break
		}
		e.path = path.Join(at, e.path)
		v := c.contentJSON(name, e)
		if e.kind == "blob" {
			size, _ := c.repo.line("cat-file", "-s", e.sha)
			v["size"] = atoi(size)
		}
		list = append(list, v)
	}
	return ok(list)
}

// file answers one file; a symlink to a file of the repository is followed.
func (c *call) file(commit, ref string, o object) answer {
	v := c.contentJSON(ref, o)
	if o.kind == "commit" {
		v["submodule_git_url"] = nil
		return ok(v)
	}
	b, err := c.repo.git("cat-file", "blob", o.sha)
	if err != nil {
		return problem(http.StatusInternalServerError, "Server Error")
	}
	if o.mode == "120000" {
		target := c.repo.lookup(commit, path.Join(path.Dir(o.path), string(b)))
		if target == nil || target.kind != "blob" || target.mode == "120000" || strings.HasPrefix(string(b), "/") {
			v["target"], v["size"] = string(b), len(b)
			return ok(v)
		}
		if b, err = c.repo.git("cat-file", "blob", target.sha); err != nil {
			return problem(http.StatusInternalServerError, "Server Error")
		}
		v["type"] = "file"
	}
	if len(b) > largestAPI {
		a := invalid("Blob", "too_large", "data", "This API returns blobs up to 100 MB in size. The requested blob is too large to fetch via the API.")
		a.status = http.StatusForbidden
		return a
	}
	if strings.Contains(c.r.Header.Get("Accept"), "raw") {
		return answer{status: http.StatusOK, body: b, header: http.Header{"Content-Type": {"application/vnd.github.raw; charset=utf-8"}}}
	}
	v["size"], v["encoding"], v["content"] = len(b), "base64", base64Lines(b)
	if len(b) > inlineFile {
		v["encoding"], v["content"] = "none", ""
	}
	return ok(v)
}

func (c *call) contentJSON(ref string, o object) map[string]any {
	kind := map[string]string{"tree": "dir", "blob": "file", "commit": "submodule"}[o.kind]
	if o.mode == "120000" {
		kind = "symlink"
	}
	self := fmt.Sprintf("%s/repos/%v/contents/%s?ref=%s", c.api, c.repo, o.path, ref)
	git := fmt.Sprintf("%s/repos/%v/git/%ss/%s", c.api, c.repo, o.kind, o.sha)
	html := fmt.Sprintf("%s/%v/%s/%s/%s", c.web, c.repo, o.kind, ref, o.path)
	v := map[string]any{"name": path.Base(o.path), "path": o.path, "sha": o.sha, "size": 0, "type": kind, "url": self, "git_url": git, "html_url": html,
		"download_url": nil, "_links": map[string]any{"self": self, "git": git, "html": html}}
	if o.kind == "blob" {
		v["download_url"] = fmt.Sprintf("%s/%v/raw/%s/%s", c.web, c.repo, ref, o.path)
	}
	return v
}
