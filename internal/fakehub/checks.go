package fakehub

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A CheckRun is a check run as it stands.
type CheckRun struct {
	ID          int64        `json:"id"`
	Name        string       `json:"name"`
	HeadSHA     string       `json:"head_sha"`
	Status      string       `json:"status"` // queued, in_progress or completed
	Conclusion  string       `json:"conclusion,omitempty"`
	ExternalID  string       `json:"external_id,omitempty"`
	DetailsURL  string       `json:"details_url,omitempty"`
	Title       string       `json:"title"`
	Summary     string       `json:"summary"`
	Text        string       `json:"text,omitempty"`
	Annotations []Annotation `json:"annotations,omitempty"`
	Actions     []Action     `json:"actions,omitempty"`
	AppID       int64        `json:"app_id"`
	Started     time.Time    `json:"started,omitzero"`
	Completed   time.Time    `json:"completed,omitzero"`
}

// An Annotation is a remark of a check run at some lines.
type Annotation struct {
	Path        string `json:"path"`
	StartLine   int    `json:"start_line"`
	EndLine     int    `json:"end_line"`
	StartColumn *int   `json:"start_column,omitempty"`
	EndColumn   *int   `json:"end_column,omitempty"`
	Level       string `json:"annotation_level"`
	Title       string `json:"title,omitempty"`
	Message     string `json:"message"`
	Details     string `json:"raw_details,omitempty"`
}

// An Action is a button on a check run.
type Action struct {
	Label       string `json:"label"`
	Description string `json:"description"`
	Identifier  string `json:"identifier"`
}

type check struct {
	CheckRun
	suite   int64
	created time.Time
}

// checkInput is the body of both creating and updating.
type checkInput struct {
	Name        *string    `json:"name"`
	HeadSHA     *string    `json:"head_sha"`
	Status      *string    `json:"status"`
	Conclusion  *string    `json:"conclusion"`
	ExternalID  *string    `json:"external_id"`
	DetailsURL  *string    `json:"details_url"`
	StartedAt   *time.Time `json:"started_at"`
	CompletedAt *time.Time `json:"completed_at"`
	Output      *struct {
		Title       *string       `json:"title"`
		Summary     *string       `json:"summary"`
		Text        *string       `json:"text"`
		Annotations []*Annotation `json:"annotations"`
	} `json:"output"`
	Actions []Action `json:"actions"`
}

const (
	maxAnnotations = 50 // a request
	maxSuiteRuns   = 1000
	maxOutput      = 65535    // bytes of a summary or a text
	maxAnnotation  = 64 << 10 // bytes of a message or of details
)

// check returns GitHub's complaint about in, or nil.
func (in *checkInput) check() *answer {
	refuse := func(a answer) *answer { return &a }
	field := func(name, message string) *answer { return refuse(invalid("CheckRun", "invalid", name, message)) }
	oneOf := func(name string, v *string, list ...string) *answer {
		if v == nil || slices.Contains(list, *v) {
			return nil
		}
		return refuse(malformed("For 'properties/%s', %q is not a member of %q.", name, *v, list))
	}
	if in.Name != nil && strings.TrimSpace(*in.Name) == "" {
		return refuse(invalid("CheckRun", "missing_field", "name", ""))
	}
	if bad := oneOf("status", in.Status, "queued", "in_progress", "completed"); bad != nil {
		return bad
	}
	if bad := oneOf("conclusion", in.Conclusion, "action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"); bad != nil {
		return bad
	}
	switch {
	case in.Conclusion == nil && (text(in.Status) == "completed" || in.CompletedAt != nil):
		return refuse(malformed("\"conclusion\" wasn't supplied."))
	case in.Conclusion != nil && in.Status != nil && *in.Status != "completed":
		return refuse(malformed("For 'properties/status', %q is not \"completed\", but there is a conclusion.", *in.Status))
	case in.DetailsURL != nil && !strings.HasPrefix(*in.DetailsURL, "http://") && !strings.HasPrefix(*in.DetailsURL, "https://"):
		return field("details_url", "details_url must use http or https scheme")
	case len(in.Actions) > 3:
		return refuse(malformed("For 'properties/actions', no more than 3 items are allowed; %d were supplied.", len(in.Actions)))
	}
	for _, a := range in.Actions {
		for _, x := range []struct {
			name, value string
			most        int
		}{{"label", a.Label, 20}, {"description", a.Description, 40}, {"identifier", a.Identifier, 20}} {
			if x.value == "" {
				return refuse(malformed("For 'actions/items', \"%s\" wasn't supplied.", x.name))
			}
			if n := utf8.RuneCountInString(x.value); n > x.most {
				return refuse(malformed("Only %d characters are allowed for \"%s\"; %d were supplied.", x.most, x.name, n))
			}
		}
	}
	return in.checkOutput()
}

func (in *checkInput) checkOutput() *answer {
	refuse := func(format string, args ...any) *answer {
		a := malformed(format, args...)
		return &a
	}
	out := in.Output
	if out == nil {
		return nil
	}
	switch {
	case out.Title == nil || *out.Title == "":
		return refuse("For 'properties/output', \"title\" wasn't supplied.")
	case out.Summary == nil:
		return refuse("For 'properties/output', \"summary\" wasn't supplied.")
	case utf8.RuneCountInString(*out.Title) > 255:
		return refuse("Only 255 characters are allowed for \"title\"; %d were supplied.", utf8.RuneCountInString(*out.Title))
	case len(out.Annotations) > maxAnnotations:
		return refuse("For 'properties/annotations', no more than %d items are allowed; %d were supplied.", maxAnnotations, len(out.Annotations))
	}
	for name, v := range map[string]*string{"summary": out.Summary, "text": out.Text} {
		if n := len(text(v)); n > maxOutput {
			return refuse("For 'properties/%s', only %d characters are allowed; %d were supplied.", name, maxOutput, n)
		}
	}
	for _, a := range out.Annotations {
		switch {
		case a == nil:
			return refuse("For 'annotations/items', nil is not an object.")
		case a.Path == "" || strings.HasPrefix(a.Path, "/") || strings.HasPrefix(a.Path, "./") || slices.Contains(strings.Split(a.Path, "/"), ".."):
			return refuse("For 'properties/path', %q is not a path relative to the repository.", a.Path)
		case a.Message == "" || a.Level == "":
			return refuse("For 'annotations/items', \"message\" or \"annotation_level\" wasn't supplied.")
		case a.Level != "notice" && a.Level != "warning" && a.Level != "failure":
			return refuse("For 'properties/annotation_level', %q is not a member of [\"notice\", \"warning\", \"failure\"].", a.Level)
		case a.StartLine < 1 || a.EndLine < a.StartLine:
			return refuse("For 'properties/end_line', lines %d to %d are no range of lines.", a.StartLine, a.EndLine)
		case a.StartLine != a.EndLine && (a.StartColumn != nil || a.EndColumn != nil):
			return refuse("For 'properties/start_column', columns are only allowed if start_line and end_line are the same.")
		case a.StartColumn != nil && *a.StartColumn < 1 || a.EndColumn != nil && *a.EndColumn < 1 || a.StartColumn != nil && a.EndColumn != nil && *a.EndColumn < *a.StartColumn:
			return refuse("For 'properties/end_column', these are no range of columns.")
		case len(a.Message) > maxAnnotation || len(a.Details) > maxAnnotation:
			return refuse("For 'properties/message', only 64 KB are allowed.")
		case utf8.RuneCountInString(a.Title) > 255:
			return refuse("Only 255 characters are allowed for \"title\".")
		}
	}
	return nil
}

// apply changes k; annotations are added to those that are there.
func (in *checkInput) apply(k *check, now time.Time) {
	set := func(to *string, v *string) {
		if v != nil {
			*to = *v
		}
	}
	set(&k.Name, in.Name)
	set(&k.ExternalID, in.ExternalID)
	set(&k.DetailsURL, in.DetailsURL)
	set(&k.Status, in.Status)
	if in.StartedAt != nil {
		k.Started = *in.StartedAt
	} else if k.Started.IsZero() && k.Status == "in_progress" {
		k.Started = now
	}
	switch {
	case in.Conclusion != nil:
		k.Status, k.Conclusion, k.Completed = "completed", *in.Conclusion, now
		if in.CompletedAt != nil {
			k.Completed = *in.CompletedAt
		}
		if k.Started.IsZero() {
			k.Started = now
		}
	case in.Status != nil: // no longer completed
		k.Conclusion, k.Completed = "", time.Time{}
	}
	if out := in.Output; out != nil {
		set(&k.Title, out.Title)
		set(&k.Summary, out.Summary)
		set(&k.Text, out.Text)
		for _, a := range out.Annotations {
			k.Annotations = append(k.Annotations, *a)
		}
	}
	if in.Actions != nil {
		k.Actions = in.Actions
	}
}

// logCheck writes what a call made of a check run.
func (c *call) logCheck(verb string, k *check, in *checkInput) {
	state := k.Status
	if k.Conclusion != "" {
		state = k.Conclusion
	}
	line := fmt.Sprintf("check %v@%s %s %s %s", c.repo, short(k.HeadSHA), k.Name, verb, state)
	if k.Title != "" {
		line += fmt.Sprintf(" %q", k.Title)
	}
	if in.Output != nil && len(in.Output.Annotations) > 0 {
		line += fmt.Sprintf(" +%d annotations", len(in.Output.Annotations))
	}
	c.hub.logf("%s", line)
}

func (c *call) createCheck() answer {
	var in checkInput
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	for name, v := range map[string]*string{"name": in.Name, "head_sha": in.HeadSHA} {
		if v == nil {
			return malformed("\"%s\" wasn't supplied.", name)
		}
	}
	if bad := in.check(); bad != nil {
		return *bad
	}
	if c.repo.object(*in.HeadSHA) != "commit" {
		return problem(http.StatusUnprocessableEntity, "No commit found for SHA: "+*in.HeadSHA)
	}
	now := c.hub.now()
	k := &check{created: now, CheckRun: CheckRun{ID: c.hub.id(), HeadSHA: *in.HeadSHA, Status: "queued", AppID: c.hub.opts.AppID}}
	k.suite = c.repo.suite(k.HeadSHA)
	in.apply(k, now)
	c.repo.checks = append(c.repo.checks, k)
	c.repo.dropOldest(k)
	c.logCheck("create", k, &in)
	return created(c.checkJSON(k))
}

// suite returns the check suite of our App for sha, which is made if need be.
func (r *Repo) suite(sha string) int64 {
	if r.suites[sha] == 0 {
		r.suites[sha] = r.hub.id()
	}
	return r.suites[sha]
}

// dropOldest keeps a suite to as many runs of one name as GitHub keeps.
func (r *Repo) dropOldest(like *check) {
	n, oldest := 0, -1
	for i, k := range r.checks {
		if k.suite == like.suite && k.Name == like.Name {
			if n++; oldest < 0 {
				oldest = i
			}
		}
	}
	if n > maxSuiteRuns {
		r.checks = slices.Delete(r.checks, oldest, oldest+1)
	}
}

func (c *call) findCheck() *check {
	for _, k := range c.repo.checks {
		if k.ID == c.id("id") {
			return k
		}
	}
	return nil
}

func (c *call) updateCheck() answer {
	k := c.findCheck()
	if k == nil {
		return missing()
	}
	if k.AppID != c.hub.opts.AppID {
		return problem(http.StatusForbidden, "Invalid app_id `"+fmt.Sprint(c.hub.opts.AppID)+"` - check run can only be modified by the GitHub App that created it.")
	}
	var in checkInput
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	if bad := in.check(); bad != nil {
		return *bad
	}
	in.apply(k, c.hub.now())
	c.logCheck("update", k, &in)
	return ok(c.checkJSON(k))
}
