package fakehub

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// named finds a repository by its present name, or by one that it had.
func (c *call) named(args map[string]any) *Repo {
	name := strings.ToLower(fmt.Sprintf("%v/%v", args["owner"], args["name"]))
	if r := c.hub.repos[name]; r != nil {
		return r
	}
	if follow, said := args["followRenames"].(bool); said && !follow {
		return nil
	}
	return c.hub.moved[name]
}

// commitOf answers an object of r that is asked for by its id: only commits are known here.
func (c *call) commitOf(r *Repo) field {
	return func(args map[string]any) (any, *graphError) {
		sha, _ := args["oid"].(string)
		if len(sha) != 40 || r.object(sha) != "commit" {
			return nil, nil
		}
		return c.commitNode(r, sha), nil
	}
}

func (c *call) commitNode(r *Repo, sha string) node {
	n := gitObject(sha)
	n.fields["checkSuites"] = func(args map[string]any) (any, *graphError) {
		if !c.token.can("checks:read") {
			return nil, forbiddenGraph()
		}
		return connection("checkSuites", "CheckSuite", c.suiteNodes(r, sha, filterOf(args)))(args)
	}
	n.fields["associatedPullRequests"] = func(args map[string]any) (any, *graphError) {
		if !c.token.can("pull_requests:read") {
			return nil, forbiddenGraph()
		}
		var list []node
		for _, p := range r.pulls {
			if p.contains(sha) {
				list = append(list, c.pullNode(p))
			}
		}
		return connection("associatedPullRequests", "PullRequest", list)(args)
	}
	n.fields["blame"] = func(args map[string]any) (any, *graphError) {
		if !c.token.can("contents:read") {
			return nil, forbiddenGraph()
		}
		path, _ := args["path"].(string)
		return r.blame(sha, path)
	}
	n.fields["file"] = func(args map[string]any) (any, *graphError) {
		if !c.token.can("contents:read") {
			return nil, forbiddenGraph()
		}
		path, _ := args["path"].(string)
		o := r.lookup(sha, path)
		if o == nil {
			return nil, nil
		}
		return c.entryNode(r, *o), nil
	}
	return n
}

// blame tells of each run of lines which commit wrote it.
func (r *Repo) blame(sha, path string) (any, *graphError) {
	out, err := r.git("blame", "--porcelain", sha, "--", path)
	if err != nil {
		return nil, &graphError{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve file for path '%s'.", path)}
	}
	var ranges []node
	when := map[string]any{}
	var commit string
	var last, first int
	end := func() {
		if commit != "" {
			n := gitObject(commit)
			n.fields["committedDate"] = is(when[commit])
			ranges = append(ranges, node{kind: "BlameRange", fields: map[string]field{
				"startingLine": is(first), "endingLine": is(last), "age": is(1), "commit": is(n)}})
		}
	}
	for _, line := range strings.Split(string(out), "\n") {
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "\t") || len(words) < 2:
		case isSHA(words[0]) && words[0] != commit:
			end()
			commit, first, last = words[0], atoi(words[2]), atoi(words[2])
		case isSHA(words[0]):
			last = atoi(words[2])
		case words[0] == "committer-time":
			when[commit] = stamp(time.Unix(int64(atoi(words[1])), 0))
		}
	}
	end()
	return node{kind: "Blame", fields: map[string]field{"ranges": is(ranges)}}, nil
}

func (c *call) commitsOf(p *pull) field {
	return func(args map[string]any) (any, *graphError) {
		var list []node
		for _, sha := range p.commits() {
			list = append(list, node{kind: "PullRequestCommit", fields: map[string]field{"commit": is(c.commitNode(p.repo, sha))}})
		}
		return connection("commits", "PullRequestCommit", list)(args)
	}
}

// entryNode is an entry of a tree.
func (c *call) entryNode(r *Repo, o object) node {
	mode, _ := strconv.ParseInt(o.mode, 8, 64)
	return node{kind: "TreeEntry", fields: map[string]field{"mode": is(int(mode)), "type": is(o.kind), "path": is(o.path), "oid": is(o.sha),
		"object": lazily(func() any {
			if o.kind != "blob" {
				return node{kind: map[string]string{"tree": "Tree", "commit": "Commit"}[o.kind], fields: map[string]field{"oid": is(o.sha)}}
			}
			b, err := r.git("cat-file", "blob", o.sha)
			if err != nil {
				return nil
			}
			return blobNode(o.sha, b)
		})}}
}

// maxGraphText is how much of a blob comes as text.
const maxGraphText = 512_000

func blobNode(sha string, b []byte) node {
	binary := !utf8.Valid(b) || strings.ContainsRune(string(b), 0)
	var words any
	if !binary {
		words = string(b[:min(len(b), maxGraphText)])
	}
	return node{kind: "Blob", fields: map[string]field{"oid": is(sha), "byteSize": is(len(b)), "isBinary": is(binary),
		"isTruncated": is(len(b) > maxGraphText), "text": is(words)}}
}

// A checkFilter is what a query wants of suites and runs.
type checkFilter struct {
	app    int64
	name   string
	latest bool // of each name only the newest, as without checkType: ALL
}

func filterOf(args map[string]any) checkFilter {
	f := checkFilter{latest: true}
	by, _ := args["filterBy"].(map[string]any)
	if id, ok := by["appId"].(float64); ok {
		f.app = int64(id)
	}
	f.name, _ = by["checkName"].(string)
	f.latest = by["checkType"] != "ALL"
	return f
}

// suiteNodes are the suites of the runs on sha, one for each App.
func (c *call) suiteNodes(r *Repo, sha string, f checkFilter) []node {
	var list []node
	var apps []int64
	for _, k := range r.checks {
		if k.HeadSHA == sha && (f.app == 0 || k.AppID == f.app) && !slices.Contains(apps, k.AppID) {
			apps = append(apps, k.AppID)
		}
	}
	for _, app := range apps {
		list = append(list, node{kind: "CheckSuite", fields: map[string]field{
			"app": is(node{kind: "App", fields: map[string]field{"databaseId": is(app)}}),
			"checkRuns": func(args map[string]any) (any, *graphError) {
				return connection("checkRuns", "CheckRun", c.runNodes(r, sha, app, filterOf(args)))(args)
			}}})
	}
	return list
}

// runNodes are the runs of one App on sha, newest first.
func (c *call) runNodes(r *Repo, sha string, app int64, f checkFilter) []node {
	var list []node
	seen := map[string]bool{}
	for _, k := range slices.Backward(r.checks) {
		if k.HeadSHA != sha || k.AppID != app || f.app != 0 && k.AppID != f.app || f.name != "" && k.Name != f.name || f.latest && seen[k.Name] {
			continue
		}
		seen[k.Name] = true
		list = append(list, c.runNode(k))
	}
	return list
}

func (c *call) runNode(k *check) node {
	conclusion := any(nil)
	if k.Conclusion != "" {
		conclusion = strings.ToUpper(k.Conclusion)
	}
	var notes []node
	for _, a := range k.Annotations {
		notes = append(notes, node{kind: "CheckAnnotation", fields: map[string]field{"path": is(a.Path), "message": is(a.Message)}})
	}
	return node{kind: "CheckRun", fields: map[string]field{"id": is(fmt.Sprintf("CR_%d", k.ID)), "databaseId": is(k.ID), "name": is(k.Name),
		"status": is(strings.ToUpper(k.Status)), "conclusion": is(conclusion), "externalId": is(k.ExternalID), "title": is(k.Title),
		"summary": is(k.Summary), "startedAt": is(stamp(k.Started)), "completedAt": is(stamp(k.Completed)),
		"annotations": connection("annotations", "CheckAnnotation", notes)}}
}
