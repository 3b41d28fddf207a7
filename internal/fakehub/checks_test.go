package fakehub

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func note(i int) m {
	return m{"path": "a.txt", "start_line": i, "end_line": i, "annotation_level": "warning", "message": "look"}
}

func notes(n int) l {
	var out l
	for i := range n {
		out = append(out, note(i+1))
	}
	return out
}

func with(base m, more m) m {
	out := m{}
	for k, v := range base {
		out[k] = v
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

func TestCheckRules(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	base := m{"name": "pullwarden", "head_sha": head}
	output := func(more m) m { return with(base, m{"output": with(m{"title": "t", "summary": "s"}, more)}) }
	action := func(label, description, identifier string) m {
		return with(base, m{"actions": l{m{"label": label, "description": description, "identifier": identifier}}})
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	for name, c := range map[string]struct {
		body   m
		status int
	}{
		"plain":                     {base, 201},
		"no name":                   {m{"head_sha": head}, 422},
		"no head":                   {m{"name": "x"}, 422},
		"unknown head":              {with(base, m{"head_sha": strings.Repeat("1", 40)}), 422},
		"completed, no conclusion":  {with(base, m{"status": "completed"}), 422},
		"completed_at alone":        {with(base, m{"completed_at": "2026-01-01T00:00:00Z"}), 422},
		"conclusion, in progress":   {with(base, m{"status": "in_progress", "conclusion": "success"}), 422},
		"conclusion alone":          {with(base, m{"conclusion": "neutral"}), 201},
		"stale":                     {with(base, m{"conclusion": "stale"}), 422},
		"status of Actions":         {with(base, m{"status": "waiting"}), 422},
		"details_url":               {with(base, m{"details_url": "ftp://x"}), 422},
		"output":                    {output(nil), 201},
		"output without title":      {with(base, m{"output": m{"summary": "s"}}), 422},
		"output without summary":    {with(base, m{"output": m{"title": "t"}}), 422},
		"summary of 65535":          {output(m{"summary": long(65535)}), 201},
		"summary of 65536":          {output(m{"summary": long(65536)}), 422},
		"summary counted in bytes":  {output(m{"summary": strings.Repeat("é", 40000)}), 422},
		"text of 65536":             {output(m{"text": long(65536)}), 422},
		"title of 256":              {output(m{"title": long(256)}), 422},
		"50 annotations":            {output(m{"annotations": notes(50)}), 201},
		"51 annotations":            {output(m{"annotations": notes(51)}), 422},
		"line 0":                    {output(m{"annotations": l{note(0)}}), 422},
		"end before start":          {output(m{"annotations": l{with(note(5), m{"end_line": 4})}}), 422},
		"columns of one line":       {output(m{"annotations": l{with(note(5), m{"start_column": 1, "end_column": 2})}}), 201},
		"columns of several lines":  {output(m{"annotations": l{with(note(5), m{"end_line": 6, "start_column": 1})}}), 422},
		"column 0":                  {output(m{"annotations": l{with(note(5), m{"start_column": 0})}}), 422},
		"level":                     {output(m{"annotations": l{with(note(5), m{"annotation_level": "error"})}}), 422},
		"no message":                {output(m{"annotations": l{with(note(5), m{"message": ""})}}), 422},
		"message over 64 KB":        {output(m{"annotations": l{with(note(5), m{"message": long(64<<10 + 1)})}}), 422},
		"raw_details over 64 KB":    {output(m{"annotations": l{with(note(5), m{"raw_details": long(64<<10 + 1)})}}), 422},
		"annotation's title of 256": {output(m{"annotations": l{with(note(5), m{"title": long(256)})}}), 422},
		"absolute path":             {output(m{"annotations": l{with(note(5), m{"path": "/a"})}}), 422},
		"path going up":             {output(m{"annotations": l{with(note(5), m{"path": "a/../b"})}}), 422},
		"action":                    {action(long(20), long(40), long(20)), 201},
		"label of 21":               {action(long(21), "d", "i"), 422},
		"description of 41":         {action("l", long(41), "i"), 422},
		"identifier of 21":          {action("l", "d", long(21)), 422},
		"no identifier":             {action("l", "d", ""), 422},
		"four actions":              {with(base, m{"actions": l{m{}, m{}, m{}, m{}}}), 422},
	} {
		t.Run(name, func(t *testing.T) {
			res := w.do("POST", shop+"/check-runs", c.body)
			assert.Equal(t, c.status, res.status, res.text)
		})
	}
}

func TestCheckUpdates(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	id := w.do("POST", shop+"/check-runs", m{"name": "pullwarden", "head_sha": head, "status": "in_progress", "external_id": "e"}).id()
	at := fmt.Sprintf("%s/check-runs/%d", shop, id)
	done := m{"conclusion": "failure", "output": m{"title": "2 findings", "summary": "s", "annotations": notes(50)}}
	require.Equal(t, 200, w.do("PATCH", at, done).status)
	again := w.do("PATCH", at, m{"output": m{"title": "2 findings", "summary": "s", "annotations": notes(1)}})
	assert.Equal(t, 51.0, again.get("output", "annotations_count"), "appended")
	assert.Equal(t, 422, w.do("PATCH", at, m{"output": m{"title": "t", "summary": "s", "annotations": notes(51)}}).status)
	assert.Equal(t, "completed", again.get("status"))
	assert.Equal(t, 1.0, again.get("pull_requests", 0, "number"))
	assert.Len(t, w.do("GET", at+"/annotations?per_page=100", nil).value, 51)
	assert.Len(t, w.do("GET", at+"/annotations", nil).value, 30)
	require.Equal(t, 200, w.do("PATCH", at, done).status)
	assert.Len(t, w.do("GET", at+"/annotations?per_page=101", nil).value, 100, "a larger page is silently cut")

	runs := w.repo.CheckRuns(head)
	require.Len(t, runs, 1)
	assert.Equal(t, "failure", runs[0].Conclusion)
	assert.Equal(t, "e", runs[0].ExternalID)
	assert.Len(t, runs[0].Annotations, 101)
	foreign := w.repo.AddForeignCheck(head, 99, CheckRun{Name: "pullwarden", Status: "completed", Conclusion: "success"})
	assert.Equal(t, 403, w.do("PATCH", fmt.Sprintf("%s/check-runs/%d", shop, foreign), m{"conclusion": "success"}).status)
	assert.Equal(t, []string{
		`check acme/shop@` + head[:7] + ` pullwarden create in_progress`,
		`check acme/shop@` + head[:7] + ` pullwarden update failure "2 findings" +50 annotations`,
		`check acme/shop@` + head[:7] + ` pullwarden update failure "2 findings" +1 annotations`,
		`check acme/shop@` + head[:7] + ` pullwarden update failure "2 findings" +50 annotations`}, w.hub.Log())
}

func TestCheckList(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	for _, name := range []string{"a", "a", "b"} {
		require.Equal(t, 201, w.do("POST", shop+"/check-runs", m{"name": name, "head_sha": head}).status)
	}
	w.repo.AddForeignCheck(head, 99, CheckRun{Name: "a", Status: "completed", Conclusion: "success"})
	count := func(query string) any {
		return w.do("GET", shop+"/commits/"+head+"/check-runs"+query, nil).get("total_count")
	}
	assert.Equal(t, 3.0, count(""), "the latest of each name and suite")
	assert.Equal(t, 4.0, count("?filter=all"))
	assert.Equal(t, 2.0, count("?app_id=7"))
	assert.Equal(t, 2.0, count("?check_name=a"))
	assert.Equal(t, 1.0, count("?status=completed"))
	assert.Equal(t, 3.0, w.do("GET", shop+"/commits/topic/check-runs", nil).get("total_count"))
	assert.Equal(t, 422, w.do("GET", shop+"/commits/nothing/check-runs", nil).status)
	suite := w.do("GET", shop+"/commits/"+head+"/check-suites", nil).get("check_suites", 0, "id").(float64)
	assert.Equal(t, 2.0, w.do("GET", fmt.Sprintf("%s/check-suites/%.0f/check-runs", shop, suite), nil).get("total_count"))
}

func TestSuiteKeepsAThousandRuns(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	first := w.do("POST", shop+"/check-runs", m{"name": "x", "head_sha": head}).id()
	for i := range maxSuiteRuns - 1 {
		w.repo.checks = append(w.repo.checks, &check{suite: w.repo.suites[head], CheckRun: CheckRun{ID: int64(i), Name: "x", HeadSHA: head}})
	}
	at := fmt.Sprintf("%s/check-runs/%d", shop, first)
	assert.Equal(t, 200, w.do("GET", at, nil).status)
	require.Equal(t, 201, w.do("POST", shop+"/check-runs", m{"name": "x", "head_sha": head}).status)
	assert.Equal(t, 404, w.do("GET", at, nil).status, "the oldest went")
	assert.Len(t, w.repo.CheckRuns(head), maxSuiteRuns)
}
