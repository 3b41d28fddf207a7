package fakehub

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// base64Lines encodes as GitHub does: 60 characters a line.
func base64Lines(b []byte) string {
	s := base64.StdEncoding.EncodeToString(b)
	var out strings.Builder
	for len(s) > 60 {
		out.WriteString(s[:60] + "\n")
		s = s[60:]
	}
	if s != "" {
		out.WriteString(s + "\n")
	}
	return out.String()
}

func (c *call) createBlob() answer {
	var in struct{ Content, Encoding *string }
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	if in.Content == nil {
		return malformed("\"content\" wasn't supplied.")
	}
	content := []byte(*in.Content)
	switch text(in.Encoding) {
	case "", "utf-8":
	case "base64":
		b, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "").Replace(*in.Content))
		if err != nil {
			return problem(http.StatusUnprocessableEntity, "Input is not valid Base64")
		}
		content = b
	default:
		return malformed("For 'properties/encoding', %q is not a member of [\"utf-8\", \"base64\"].", *in.Encoding)
	}
	sha, err := c.repo.writeBlob(content)
	if err != nil {
		return problem(http.StatusInternalServerError, "Server Error")
	}
	return created(map[string]any{"sha": sha, "url": c.api + "/repos/" + c.repo.String() + "/git/blobs/" + sha})
}

func (r *Repo) writeBlob(content []byte) (string, error) {
	out, err := r.hub.git.run(r.dir, nil, bytes.NewReader(content), "hash-object", "-w", "-t", "blob", "--stdin")
	return strings.TrimSpace(string(out)), err
}

func (c *call) getBlob() answer {
	sha := c.params["sha"]
	if !isSHA(sha) {
		return problem(http.StatusUnprocessableEntity, "The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
	}
	if c.repo.object(sha) != "blob" {
		return missing()
	}
	b, err := c.repo.git("cat-file", "blob", sha)
	if err != nil {
		return problem(http.StatusInternalServerError, "Server Error")
	}
	if len(b) > 100<<20 {
		return invalid("Blob", "too_large", "data", "This API returns blobs up to 100 MB in size.")
	}
	if strings.Contains(c.r.Header.Get("Accept"), "raw") {
		return answer{status: http.StatusOK, body: b, header: http.Header{"Content-Type": {"application/vnd.github.raw; charset=utf-8"}}}
	}
	return ok(map[string]any{"sha": sha, "node_id": "B_" + sha, "size": len(b), "encoding": "base64", "content": base64Lines(b),
		"url": c.api + "/repos/" + c.repo.String() + "/git/blobs/" + sha})
}

// treeEntry is a line of a tree to be made. SHA tells null, which deletes,
// from a field that is not there.
type treeEntry struct {
	Path    string          `json:"path"`
	Mode    string          `json:"mode"`
	Type    string          `json:"type"`
	SHA     json.RawMessage `json:"sha"`
	Content *string         `json:"content"`
}

func treeError(format string, args ...any) *answer {
	a := problem(http.StatusUnprocessableEntity, fmt.Sprintf(format, args...))
	return &a
}

// line writes an entry as `git update-index --index-info` reads it.
func (r *Repo) indexLine(e treeEntry, listed map[string]bool) (string, *answer) {
	parts := strings.Split(e.Path, "/")
	if e.Path == "" || slices.ContainsFunc(parts, func(s string) bool { return s == "" || s == "." || s == ".." || strings.EqualFold(s, ".git") }) {
		return "", treeError("tree.path contains a malformed path component")
	}
	var sha string
	deletes := string(e.SHA) == "null"
	if !deletes && e.SHA != nil {
		if err := json.Unmarshal(e.SHA, &sha); err != nil {
			return "", treeError("Invalid tree info")
		}
	}
	switch {
	case deletes && e.Content == nil:
		if !listed[e.Path] {
			return "", treeError("GitRPC::BadObjectState")
		}
		return fmt.Sprintf("0 %s\t%s\x00", noSHA, e.Path), nil
	case e.SHA != nil && e.Content != nil:
		return "", treeError("Must supply either tree.sha or tree.content, not both")
	case e.SHA == nil && e.Content == nil:
		return "", treeError("Must supply a tree.sha or tree.content")
	}
	want := map[string]string{"100644": "blob", "100755": "blob", "120000": "blob", "040000": "tree", "160000": "commit"}[e.Mode]
	if want == "" {
		return "", treeError("Must supply a valid tree.mode")
	}
	if e.Type != "" && e.Type != want {
		return "", treeError("tree.type %q does not go with tree.mode %s", e.Type, e.Mode)
	}
	if e.Content != nil {
		if want != "blob" {
			return "", treeError("tree.content is only for blobs")
		}
		var err error
		if sha, err = r.writeBlob([]byte(*e.Content)); err != nil {
			return "", treeError("tree.content could not be written")
		}
	} else if !isSHA(sha) || want != "commit" && r.object(sha) != want {
		return "", treeError("tree.sha %s is not a valid %s", sha, want)
	}
	return fmt.Sprintf("%s %s\t%s\x00", e.Mode, sha, e.Path), nil
}

func (c *call) createTree() answer {
	var in struct {
		Base *string     `json:"base_tree"`
		Tree []treeEntry `json:"tree"`
	}
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	if len(in.Tree) == 0 {
		return problem(http.StatusUnprocessableEntity, "Invalid tree info")
	}
	r := c.repo
	index, err := os.CreateTemp(r.hub.opts.Dir, "index-*")
	if err != nil {
		return problem(http.StatusInternalServerError, "Server Error")
	}
	_ = index.Close()
	_ = os.Remove(index.Name()) // git wants to make it itself
	defer os.Remove(index.Name())
	env := []string{"GIT_INDEX_FILE=" + index.Name()}
	listed := map[string]bool{}
	if in.Base != nil {
		if r.object(*in.Base) != "tree" {
			return problem(http.StatusUnprocessableEntity, "base_tree is not a valid tree oid")
		}
		if _, err := r.hub.git.run(r.dir, env, nil, "read-tree", *in.Base); err != nil {
			return problem(http.StatusInternalServerError, "Server Error")
		}
		out, err := r.git("ls-tree", "-r", "-z", "--name-only", *in.Base)
		if err != nil {
			return problem(http.StatusInternalServerError, "Server Error")
		}
		for _, path := range strings.Split(string(out), "\x00") {
			listed[path] = true
		}
	}
	var lines bytes.Buffer
	seen := map[string]bool{}
	for _, e := range in.Tree {
		if seen[e.Path] {
			return *treeError("tree.path %q is given twice", e.Path)
		}
		seen[e.Path] = true
		if e.Mode == "040000" {
			return *treeError("tree.mode 040000 is not served by this fake")
		}
		line, bad := r.indexLine(e, listed)
		if bad != nil {
			return *bad
		}
		lines.WriteString(line)
	}
	if _, err := r.hub.git.run(r.dir, env, &lines, "update-index", "--add", "--replace", "-z", "--index-info"); err != nil {
		return problem(http.StatusUnprocessableEntity, "GitRPC::BadObjectState")
	}
	out, err := r.hub.git.run(r.dir, env, nil, "write-tree")
	if err != nil {
		return problem(http.StatusUnprocessableEntity, "GitRPC::BadObjectState")
	}
	return created(c.treeJSON(strings.TrimSpace(string(out)), false))
}

func (c *call) getTree() answer {
	rev := c.params["sha"]
	sha := ""
	if c.repo.object(rev) == "tree" {
		sha = rev
	} else if commit := c.repo.resolve(rev); commit != "" {
		sha, _ = c.repo.line("rev-parse", commit+"^{tree}")
	}
	if sha == "" {
		return missing()
	}
	return ok(c.treeJSON(sha, c.r.URL.Query().Has("recursive")))
}

func (c *call) treeJSON(sha string, recursive bool) map[string]any {
	args := []string{"ls-tree", "-z", "-l", sha}
	if recursive {
		args = []string{"ls-tree", "-z", "-l", "-r", "-t", sha}
	}
	out, _ := c.repo.git(args...) // the object was checked
	entries := []any{}
	truncated := false
	for _, line := range strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		meta, path, ok := strings.Cut(line, "\t")
		f := strings.Fields(meta)
		if !ok || len(f) != 4 {
			continue
		}
		if len(entries) == 100_000 {
			truncated = true
			break
		}
		e := map[string]any{"path": path, "mode": f[0], "type": f[1], "sha": f[2]}
		if f[1] != "commit" {
			e["url"] = fmt.Sprintf("%s/repos/%v/git/%ss/%s", c.api, c.repo, f[1], f[2])
		}
		if f[1] == "blob" {
			e["size"] = atoi(f[3])
		}
		entries = append(entries, e)
	}
	return map[string]any{"sha": sha, "url": c.api + "/repos/" + c.repo.String() + "/git/trees/" + sha, "tree": entries, "truncated": truncated}
}

// identity is who made a commit; without a name it is the App.
type identity struct {
	Name, Email string
	Date        time.Time
}

func (r *Repo) commitTree(tree string, parents []string, message string, author, committer identity) (string, error) {
	now := r.commitTime()
	bot := identity{Name: r.hub.Bot(), Email: r.hub.Bot() + "@users.noreply.github.example", Date: now}
	web := identity{Name: "GitHub", Email: "noreply@github.example", Date: now}
	if author.Name == "" {
		author = bot
	} else {
		web = author // who names an author is the committer, too
	}
	if committer.Name == "" {
		committer = web
	}
	env := []string{"GIT_AUTHOR_NAME=" + author.Name, "GIT_AUTHOR_EMAIL=" + author.Email, "GIT_AUTHOR_DATE=" + gitDate(author.Date, now),
		"GIT_COMMITTER_NAME=" + committer.Name, "GIT_COMMITTER_EMAIL=" + committer.Email, "GIT_COMMITTER_DATE=" + gitDate(committer.Date, now)}
	args := []string{"commit-tree", tree, "-F", "-"}
	for _, p := range parents {
		args = append(args, "-p", p)
	}
	out, err := r.hub.git.run(r.dir, env, strings.NewReader(message), args...)
	return strings.TrimSpace(string(out)), err
}

func gitDate(t, otherwise time.Time) string {
	if t.IsZero() {
		t = otherwise
	}
	return fmt.Sprintf("%d +0000", t.Unix())
}

func (c *call) createCommit() answer {
	var in struct {
		Message, Tree     *string
		Parents           []string
		Author, Committer identity
		Signature         string
	}
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	for name, v := range map[string]*string{"message": in.Message, "tree": in.Tree} {
		if v == nil || *v == "" {
			return malformed("\"%s\" wasn't supplied.", name)
		}
	}
	if c.repo.object(*in.Tree) != "tree" {
		return problem(http.StatusUnprocessableEntity, "Tree SHA does not exist")
	}
	for _, p := range in.Parents {
		if c.repo.object(p) != "commit" {
			return problem(http.StatusUnprocessableEntity, "Parent SHA does not exist or is not a commit object")
		}
	}
	if in.Author.Name != "" && in.Author.Email == "" {
		return malformed("\"email\" wasn't supplied.")
	}
	sha, err := c.repo.commitTree(*in.Tree, in.Parents, *in.Message, in.Author, in.Committer)
	if err != nil {
		return problem(http.StatusInternalServerError, "Server Error")
	}
	// Only what an App commits as itself is signed for it.
	if in.Author.Name == "" && in.Committer.Name == "" && in.Signature == "" {
		c.repo.verified[sha] = true
	}
	subject, _, _ := strings.Cut(*in.Message, "\n")
	c.hub.logf("commit %v %q", c.repo, subject)
	return created(c.repo.gitCommitJSON(sha, c.api))
}

func (c *call) getGitCommit() answer {
	if c.repo.object(c.params["sha"]) != "commit" {
		return missing()
	}
	return ok(c.repo.gitCommitJSON(c.params["sha"], c.api))
}
