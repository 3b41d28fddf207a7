package fakehub

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A Review is a review of a pull request.
type Review struct {
	ID     int64     `json:"id"`
	Author string    `json:"author"`
	State  string    `json:"state"` // COMMENTED, APPROVED or CHANGES_REQUESTED
	Body   string    `json:"body"`
	Commit string    `json:"commit"`
	Time   time.Time `json:"time"`
}

const pendingReview = "PENDING"

// A Thread is a conversation at a line of a pull request.
type Thread struct {
	ID         string    `json:"id"`
	Path       string    `json:"path"`
	Line       int       `json:"line"`                 // where it stands in the present diff; 0 if outdated
	StartLine  int       `json:"start_line,omitempty"` // if it spans several
	Side       string    `json:"side"`                 // LEFT or RIGHT
	Outdated   bool      `json:"outdated"`
	Resolved   bool      `json:"resolved"`
	ResolvedBy string    `json:"resolved_by,omitempty"`
	Comments   []Comment `json:"comments"`

	pull      *pull
	startSide string
	commit    string // it was made at
	line      int    // there; 0 for a whole file
	start     int
	hunk      string
	comments  []*Comment
}

// A Comment is a remark in a thread or in the conversation of a pull request.
type Comment struct {
	ID      int64     `json:"id"`
	Author  string    `json:"author"`
	Body    string    `json:"body"`
	Created time.Time `json:"created"`
	Edited  time.Time `json:"edited,omitzero"`
	// Reactions are the logins behind each content, "+1" say.
	Reactions map[string][]string `json:"reactions,omitempty"`

	thread *Thread
	review *Review
}

func (x *Comment) touched() time.Time {
	if x.Edited.IsZero() {
		return x.Created
	}
	return x.Edited
}

// shown are the threads that everybody sees.
func (p *pull) shown() []*Thread {
	var out []*Thread
	for _, t := range p.threads {
		if len(t.comments) > 0 && t.comments[0].review.State != pendingReview {
			out = append(out, t)
		}
	}
	return out
}

// place returns the line of a thread in the present diff and its first line,
// 0 if the code there has changed since.
func (p *pull) place(t *Thread) (line, start int) {
	if t.Side == "LEFT" || t.line == 0 {
		return t.line, t.start
	}
	line = p.repo.follow(t.commit, p.HeadSHA, t.Path, t.line)
	if line == 0 {
		return 0, 0
	}
	if t.start > 0 {
		if start = p.repo.follow(t.commit, p.HeadSHA, t.Path, t.start); start == 0 {
			return 0, 0
		}
	}
	return line, start
}

// remark is an inline comment as a client asks for it.
type remark struct {
	Path      *string `json:"path"`
	Body      *string `json:"body"`
	Line      *int    `json:"line"`
	Side      *string `json:"side"`
	StartLine *int    `json:"start_line"`
	StartSide *string `json:"start_side"`
	Position  *int    `json:"position"`
	Subject   *string `json:"subject_type"`
}

// thread checks a remark against the diff of p at commit. The errors are
// GitHub's sentences.
func (p *pull) thread(commit string, in remark) (*Thread, []string) {
	const of = "Pull request review thread "
	const noHunk = of + "diff hunk can't be blank"
	t := &Thread{pull: p, Path: text(in.Path), Side: "RIGHT", commit: commit}
	if in.Side != nil {
		t.Side = *in.Side
	}
	t.startSide = t.Side
	if in.StartSide != nil {
		t.startSide = *in.StartSide
	}
	files, err := p.repo.diff(p.repo.mergeBase(p.baseTip(), commit), commit)
	if err != nil {
		return nil, []string{"Diff could not be loaded"}
	}
	i := slices.IndexFunc(files, func(f FileDiff) bool { return f.Path == t.Path })
	if i < 0 {
		return nil, []string{of + "path is invalid", noHunk}
	}
	if text(in.Subject) == "file" {
		return t, nil
	}
	if in.Line == nil {
		return nil, []string{of + "line can't be blank", noHunk}
	}
	var errs []string
	hunk, at := files[i].at(t.Side, *in.Line)
	if hunk == nil {
		errs = append(errs, of+"line must be part of the diff", noHunk)
	}
	t.line = *in.Line
	if in.StartLine != nil {
		t.start = *in.StartLine
		first, from := files[i].at(t.startSide, t.start)
		switch {
		case t.startSide == t.Side && t.start >= t.line, hunk != nil && first == hunk && from >= at:
			errs = append(errs, of+"start line must precede the end line.")
		case first == nil || first != hunk:
			errs = append(errs, of+"start line must be part of the same hunk as the line.")
		}
	}
	if errs != nil {
		return nil, errs
	}
	t.hunk = hunk.upTo(at)
	return t, nil
}

func (p *pull) baseTip() string {
	if tip := p.repo.tip(p.Base); tip != "" && !p.Merged {
		return tip
	}
	return p.BaseSHA
}

// has reports whether commit is one of the pull request's.
func (p *pull) has(commit string) bool {
	return commit == p.HeadSHA || slices.Contains(p.commits(), commit)
}

func checkSides(in remark) *answer {
	for name, v := range map[string]*string{"side": in.Side, "start_side": in.StartSide} {
		if v != nil && *v != "LEFT" && *v != "RIGHT" {
			a := malformed("For 'properties/%s', %q is not a member of [\"LEFT\", \"RIGHT\"].", name, *v)
			return &a
		}
	}
	return nil
}

// start puts a thread with its first comment on the pull request.
func (p *pull) start(t *Thread, review *Review, author *user, body string) *Comment {
	h := p.repo.hub
	x := &Comment{ID: h.id(), Author: author.Login, Body: body, Created: h.now(), thread: t, review: review}
	t.ID = fmt.Sprintf("PRRT_%d", h.id())
	t.comments = []*Comment{x}
	p.threads = append(p.threads, t)
	return x
}

func (c *call) createReview() answer {
	p := c.repo.pull(c.number("number"))
	if p == nil {
		return missing()
	}
	var in struct {
		Commit   *string  `json:"commit_id"`
		Body     *string  `json:"body"`
		Event    *string  `json:"event"`
		Comments []remark `json:"comments"`
	}
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	state, bad := reviewState(p, c.bot(), text(in.Event), text(in.Body), len(in.Comments))
	if bad != nil {
		return *bad
	}
	commit := p.HeadSHA
	if in.Commit != nil {
		commit = *in.Commit
	}
	if !p.has(commit) {
		return unprocessable("The commit_id is not part of the pull request")
	}
	if state == pendingReview && slices.ContainsFunc(p.reviews, func(r *Review) bool { return r.State == pendingReview }) {
		return unprocessable("User can only have one pending review per pull request")
	}
	// All are looked at before any is made: one that is wrong fails them all.
	var threads []*Thread
	for _, x := range in.Comments {
		for name, v := range map[string]*string{"path": x.Path, "body": x.Body} {
			if v == nil {
				return malformed("\"%s\" wasn't supplied.", name)
			}
		}
		if x.Subject != nil {
			return malformed("\"subject_type\" is not a permitted key.")
		}
		if bad := checkSides(x); bad != nil {
			return *bad
		}
		if strings.TrimSpace(*x.Body) == "" {
			return unprocessable("Body can't be blank")
		}
		if utf8.RuneCountInString(*x.Body) > maxBody {
			return unprocessable("Body is too long (maximum is 65536 characters)")
		}
		t, errs := p.thread(commit, x)
		if errs != nil {
			return unprocessable(sentence(errs))
		}
		threads = append(threads, t)
	}
	review := &Review{ID: c.hub.id(), Author: c.hub.Bot(), State: state, Body: text(in.Body), Commit: commit, Time: c.hub.now()}
	p.reviews = append(p.reviews, review)
	c.hub.logf("review %v#%d@%s %s%s: %d comments", c.repo, p.Number, short(commit), strings.ToLower(state), gist(review.Body), len(threads))
	for i, t := range threads {
		p.start(t, review, c.bot(), *in.Comments[i].Body)
		c.hub.logf("comment %v#%d %s%s", c.repo, p.Number, t.where(), gist(*in.Comments[i].Body))
	}
	return ok(c.reviewJSON(p, review))
}

// sentence joins errors as GitHub does.
func sentence(errs []string) string {
	if len(errs) < 3 {
		return strings.Join(errs, " and ")
	}
	return strings.Join(errs[:len(errs)-1], ", ") + ", and " + errs[len(errs)-1]
}

// reviewState says what an event makes of a review.
func reviewState(p *pull, author *user, event, body string, comments int) (string, *answer) {
	refuse := func(a answer) (string, *answer) { return "", &a }
	if utf8.RuneCountInString(body) > maxBody {
		return refuse(unprocessable("Body is too long (maximum is 65536 characters)"))
	}
	blank := strings.TrimSpace(body) == ""
	switch event {
	case "":
		return pendingReview, nil
	case "APPROVE":
		if p.author == author {
			return refuse(unprocessable("Can not approve your own pull request"))
		}
		return "APPROVED", nil
	case "REQUEST_CHANGES":
		if p.author == author {
			return refuse(unprocessable("Can not request changes on your own pull request"))
		}
		if blank {
			return refuse(unprocessable("You need to leave a comment indicating the requested changes."))
		}
		return "CHANGES_REQUESTED", nil
	case "COMMENT":
		if blank && comments == 0 {
			return refuse(unprocessable("You need to leave a comment."))
		}
		return "COMMENTED", nil
	}
	return refuse(malformed("For 'properties/event', %q is not a member of [\"APPROVE\", \"REQUEST_CHANGES\", \"COMMENT\"].", event))
}

// where names the lines of a thread for the log.
func (t *Thread) where() string {
	switch {
	case t.line == 0:
		return t.Path
	case t.start > 0:
		return fmt.Sprintf("%s:%d-%d", t.Path, t.start, t.line)
	}
	return fmt.Sprintf("%s:%d", t.Path, t.line)
}

// gist is the first line of a text that a reader sees, for the log.
func gist(body string) string {
	for {
		before, rest, found := strings.Cut(body, "<!--")
		_, after, _ := strings.Cut(rest, "-->")
		if !found {
			break
		}
		body = before + after
	}
	for _, line := range strings.Split(body, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if runes := []rune(line); len(runes) > 100 {
			line = string(runes[:100]) + "…"
		}
		return fmt.Sprintf(" %q", line)
	}
	return ""
}
