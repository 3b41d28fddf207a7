package fakehub

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

func (c *call) getCheck() answer {
	k := c.findCheck()
	if k == nil {
		return missing()
	}
	return ok(c.checkJSON(k))
}

func (c *call) listAnnotations() answer {
	k := c.findCheck()
	if k == nil {
		return missing()
	}
	null := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	return paged(c, k.Annotations, func(a Annotation) any {
		return map[string]any{"path": a.Path, "start_line": a.StartLine, "end_line": a.EndLine, "start_column": a.StartColumn,
			"end_column": a.EndColumn, "annotation_level": a.Level, "title": null(a.Title), "message": a.Message, "raw_details": null(a.Details),
			"blob_href": c.web + "/" + c.repo.String() + "/blob/" + k.HeadSHA + "/" + a.Path}
	})
}

func (c *call) listChecks() answer {
	sha := c.repo.resolve(c.params["ref"])
	if sha == "" {
		return problem(http.StatusUnprocessableEntity, "No commit found for SHA: "+c.params["ref"])
	}
	return c.filterChecks(func(k *check) bool { return k.HeadSHA == sha })
}

func (c *call) suiteChecks() answer {
	id := c.id("id")
	for _, suite := range c.repo.suites {
		if suite == id {
			return c.filterChecks(func(k *check) bool { return k.suite == id })
		}
	}
	return missing()
}

// filterChecks lists runs newest first; of those of one name in one suite
// only the latest, unless the query says filter=all.
func (c *call) filterChecks(want func(*check) bool) answer {
	q := c.r.URL.Query()
	seen := map[string]bool{}
	var list []*check
	for _, k := range slices.Backward(c.repo.checks) {
		if !want(k) || q.Has("check_name") && q.Get("check_name") != k.Name || q.Has("app_id") && q.Get("app_id") != strconv.FormatInt(k.AppID, 10) {
			continue
		}
		if key := fmt.Sprint(k.suite, k.Name); q.Get("filter") != "all" {
			if seen[key] {
				continue
			}
			seen[key] = true
		}
		if q.Has("status") && q.Get("status") != k.Status {
			continue
		}
		list = append(list, k)
	}
	from, to, head := c.page(len(list))
	runs := []any{}
	for _, k := range list[from:to] {
		runs = append(runs, c.checkJSON(k))
	}
	return answer{status: http.StatusOK, header: head, body: map[string]any{"total_count": len(list), "check_runs": runs}}
}

func (c *call) listSuites() answer {
	sha := c.repo.resolve(c.params["ref"])
	if sha == "" {
		return problem(http.StatusUnprocessableEntity, "No commit found for SHA: "+c.params["ref"])
	}
	list := []any{}
	if c.repo.suites[sha] != 0 {
		list = append(list, c.repo.suiteJSON(sha, c.api, c.web))
	}
	return ok(map[string]any{"total_count": len(list), "check_suites": list})
}

func (c *call) checkJSON(k *check) map[string]any { return c.repo.checkJSON(k, c.api, c.web) }

// checkJSON renders a check run as seen at the address api.
func (r *Repo) checkJSON(k *check, api, web string) map[string]any {
	self := fmt.Sprintf("%s/repos/%v/check-runs/%d", api, r, k.ID)
	html := fmt.Sprintf("%s/%v/runs/%d", web, r, k.ID)
	output := map[string]any{"title": nil, "summary": nil, "text": nil, "annotations_count": len(k.Annotations), "annotations_url": self + "/annotations"}
	if k.Title != "" {
		output["title"], output["summary"] = k.Title, k.Summary
	}
	if k.Text != "" {
		output["text"] = k.Text
	}
	v := map[string]any{"id": k.ID, "node_id": fmt.Sprintf("CR_%d", k.ID), "name": k.Name, "head_sha": k.HeadSHA, "external_id": k.ExternalID,
		"url": self, "html_url": html, "details_url": html, "status": k.Status, "conclusion": nil, "started_at": stamp(k.Started),
		"completed_at": stamp(k.Completed), "output": output, "check_suite": map[string]any{"id": k.suite}, "app": r.hub.appJSON(api),
		"pull_requests": r.pullRefs(k.HeadSHA, api)}
	if k.AppID != r.hub.opts.AppID {
		app := r.hub.appJSON(api)
		app["id"], app["slug"], app["name"] = k.AppID, "another", "another"
		v["app"] = app
	}
	if k.Conclusion != "" {
		v["conclusion"] = k.Conclusion
	}
	if k.DetailsURL != "" {
		v["details_url"] = k.DetailsURL
	}
	return v
}

// pullRefs are the open pull requests at sha; those from forks are not told.
func (r *Repo) pullRefs(sha, api string) []any {
	refs := []any{}
	side := func(ref, sha string) map[string]any {
		return map[string]any{"ref": ref, "sha": sha, "repo": map[string]any{"id": r.id, "url": api + "/repos/" + r.String(), "name": r.name}}
	}
	for _, p := range r.pulls {
		if p.State == "open" && p.from == r && p.HeadSHA == sha {
			refs = append(refs, map[string]any{"id": p.id, "number": p.Number, "url": fmt.Sprintf("%s/repos/%v/pulls/%d", api, r, p.Number),
				"head": side(p.Head, p.HeadSHA), "base": side(p.Base, p.BaseSHA)})
		}
	}
	return refs
}

// suiteJSON renders the check suite of our App for sha.
func (r *Repo) suiteJSON(sha, api, web string) map[string]any {
	id := r.suite(sha)
	var branch, conclusion any
	var runs []*check
	status := "queued"
	for _, k := range r.checks {
		if k.suite == id {
			runs = append(runs, k)
			status, conclusion = k.Status, nil
			if k.Conclusion != "" {
				conclusion = k.Conclusion
			}
		}
	}
	for _, b := range r.lines("for-each-ref", "--format=%(refname:lstrip=2)", "--points-at", sha, "refs/heads") {
		branch = b // a push to a fork has none
	}
	first, last := suiteTimes(runs)
	self := fmt.Sprintf("%s/repos/%v/check-suites/%d", api, r, id)
	return map[string]any{"id": id, "node_id": fmt.Sprintf("CS_%d", id), "head_branch": branch, "head_sha": sha, "status": status,
		"conclusion": conclusion, "url": self, "before": nil, "after": sha, "pull_requests": r.pullRefs(sha, api), "app": r.hub.appJSON(api),
		"created_at": stamp(first), "updated_at": stamp(last), "latest_check_runs_count": len(runs), "check_runs_url": self + "/check-runs",
		"repository": r.json(api, web), "head_commit": r.commitBrief(sha), "rerequestable": true, "runs_rerequestable": true}
}

// CheckRuns returns the check runs of a commit, oldest first.
func (r *Repo) CheckRuns(sha string) []CheckRun {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	out := []CheckRun{}
	for _, k := range r.checks {
		if k.HeadSHA == sha {
			run := k.CheckRun
			run.Annotations = slices.Clone(k.Annotations)
			run.Actions = slices.Clone(k.Actions)
			out = append(out, run)
		}
	}
	return out
}

// AddForeignCheck puts a check run of another App on a commit, as any workflow
// with checks: write could, and returns its id.
func (r *Repo) AddForeignCheck(sha string, app int64, run CheckRun) int64 {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	k := &check{CheckRun: run, suite: r.hub.id(), created: r.hub.now()}
	k.ID, k.HeadSHA, k.AppID = r.hub.id(), sha, app
	r.checks = append(r.checks, k)
	return k.ID
}

// suiteTimes are those of a check suite, which keeps none of its own.
func suiteTimes(list []*check) (first, last time.Time) {
	for _, k := range list {
		if first.IsZero() || k.created.Before(first) {
			first = k.created
		}
		if k.created.After(last) {
			last = k.created
		}
	}
	return first, last
}
