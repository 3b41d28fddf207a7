package demo

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/report"
	"github.com/pullwarden/pullwarden/templates"
)

// A Show is a pull request as it stands on the fake GitHub after the bot did its work.
type Show struct {
	Check    Check                `json:"check"`
	Comments []Comment            `json:"comments"`
	Findings []report.FindingJSON `json:"findings"`
	Scanned  finding.Scanned      `json:"scanned"`
	Upgrades []Upgrade            `json:"upgrades"`
	TookMS   int64                `json:"took_ms"` // from the delivery of the webhook to the completed check

	pull    fakehub.Pull
	diff    []fakehub.FileDiff
	reviews []string
}

// Check is our check run on the head.
type Check struct {
	Name       string `json:"name"`
	Conclusion string `json:"conclusion"`
	Title      string `json:"title"`
	Summary    string `json:"summary"`
	// buttons are what somebody with write access may press.
	buttons     []fakehub.Action
	annotations []fakehub.Annotation
}

// Comment is an inline comment.
type Comment struct {
	Path string `json:"path"`
	Line int    `json:"line"`
	Body string `json:"body"`
}

// Upgrade is a pull request that the bot opened.
type Upgrade struct {
	Title  string   `json:"title"`
	Branch string   `json:"branch"`
	Files  []string `json:"files"`

	number int
	body   string
	labels []string
	diff   []fakehub.FileDiff
}

// read collects what stands on the hub.
func (s *Stage) read(repo *fakehub.Repo, number int, took time.Duration) (*Show, error) {
	pull, err := repo.Pull(number)
	if err != nil {
		return nil, err
	}
	show := &Show{pull: pull, TookMS: took.Milliseconds(), Comments: []Comment{}, Findings: []report.FindingJSON{}, Upgrades: []Upgrade{}}
	runs := repo.CheckRuns(pull.HeadSHA)
	if len(runs) == 0 {
		return nil, fmt.Errorf("no check run on %s", pull.HeadSHA)
	}
	run := runs[len(runs)-1]
	if run.Status != "completed" {
		return nil, fmt.Errorf("the check on %s is %s", pull.HeadSHA, run.Status)
	}
	show.Check = Check{Name: run.Name, Conclusion: run.Conclusion, Title: run.Title, Summary: run.Summary, buttons: run.Actions, annotations: run.Annotations}
	for _, t := range pull.Threads {
		if t.Resolved || len(t.Comments) == 0 {
			continue
		}
		show.Comments = append(show.Comments, Comment{Path: t.Path, Line: t.Line, Body: t.Comments[0].Body})
	}
	for _, r := range pull.Reviews {
		show.reviews = append(show.reviews, r.Body)
	}
	if r, ok := s.Report(number); ok {
		doc := report.NewDocument(&r)
		show.Findings, show.Scanned = doc.Findings, doc.Scanned.Scanned
	}
	if show.diff, err = repo.Diff(number); err != nil {
		return nil, err
	}
	for _, p := range repo.Pulls() {
		if p.Author != s.Hub.Bot() || p.State != "open" {
			continue
		}
		u := Upgrade{Title: p.Title, Branch: p.Head, Files: []string{}, number: p.Number, body: p.Body, labels: p.Labels}
		if u.diff, err = repo.Diff(p.Number); err != nil {
			return nil, err
		}
		for _, f := range u.diff {
			u.Files = append(u.Files, f.Path)
		}
		show.Upgrades = append(show.Upgrades, u)
	}
	return show, nil
}

// Text writes the pull request for a terminal.
func (s *Show) Text(w io.Writer) {
	fmt.Fprintf(w, "Pull request #%d: %s (%s into %s)\n\n", s.pull.Number, s.pull.Title, s.pull.Head, s.pull.Base)
	fmt.Fprintf(w, "Check %s: %s\n  %s\n  scanned %d of %s in %s\n", s.Check.Name, s.Check.Conclusion, s.Check.Title,
		s.Scanned.Blobs, report.Count(s.Scanned.Of, "blob"), report.Count(s.Scanned.Commits, "commit"))
	for _, b := range s.Check.buttons {
		fmt.Fprintf(w, "  button %s: %s\n", b.Label, b.Description)
	}
	fmt.Fprintln(w)
	fmt.Fprintf(w, "Findings\n")
	for _, f := range s.Findings {
		past := ""
		if f.Past {
			past = fmt.Sprintf(" (only in history, commit %.7s)", f.Commit)
		}
		fmt.Fprintf(w, "  %-8s %s:%d%s\n           %s [%s]\n           fix: %s\n", f.Severity, f.Path, f.Start, past, f.Message, f.Rule, f.Fix)
	}
	fmt.Fprintf(w, "\nInline comments\n")
	for _, c := range s.Comments {
		first, _, _ := strings.Cut(c.Body, "\n")
		fmt.Fprintf(w, "  %s:%d  %s\n", c.Path, c.Line, report.Plain(first))
	}
	fmt.Fprintf(w, "\nUpgrade pull requests\n")
	for _, u := range s.Upgrades {
		fmt.Fprintf(w, "  #%d %s\n     %s: %s\n", u.number, u.Title, u.Branch, strings.Join(u.Files, ", "))
	}
	if len(s.Upgrades) == 0 {
		fmt.Fprintln(w, "  none")
	}
	fmt.Fprintf(w, "\nDone in %d ms.\n", s.TookMS)
}

// Page writes the pull request as a reviewer sees it: one page, no script, nothing from outside.
func (s *Show) Page(w io.Writer) error {
	t, err := template.New("demo.html.tmpl").Funcs(template.FuncMap{
		"markdown": markdown, "sign": sign,
	}).ParseFS(templates.FS, "demo.html.tmpl")
	if err != nil {
		return err
	}
	view := page{
		Pull: s.pull, Check: s.Check, Buttons: s.Check.buttons, Annotations: s.Check.annotations, Reviews: s.reviews,
		Diff: pageDiff{s.diff, s.Comments}, TookMS: s.TookMS,
	}
	for _, u := range s.Upgrades {
		view.Upgrades = append(view.Upgrades, pageUpgrade{u.number, u.Title, u.Branch, u.body, u.labels, pageDiff{Files: u.diff}})
	}
	var b bytes.Buffer
	if err := t.Execute(&b, view); err != nil {
		return err
	}
	_, err = b.WriteTo(w)
	return err
}

// page is what the page's template gets.
type page struct {
	Pull        fakehub.Pull
	Check       Check
	Buttons     []fakehub.Action
	Annotations []fakehub.Annotation
	Reviews     []string
	Diff        pageDiff
	Upgrades    []pageUpgrade
	TookMS      int64
}

type pageUpgrade struct {
	Number              int
	Title, Branch, Body string
	Labels              []string
	Diff                pageDiff
}

// pageDiff is a diff with the comments on it.
type pageDiff struct {
	Files    []fakehub.FileDiff
	Comments []Comment
}

// At returns the comments at a line of the new side.
func (d pageDiff) At(path string, line int) []Comment {
	var out []Comment
	for _, c := range d.Comments {
		if c.Path == path && c.Line == line && line > 0 {
			out = append(out, c)
		}
	}
	return out
}

// markdown renders as GitHub does. HTML passes, as the few tags that GitHub
// lets through must: what is foreign in our texts was escaped before, and the
// page is served with a policy that runs no script.
func markdown(s string) (template.HTML, error) {
	var b bytes.Buffer
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := md.Convert([]byte(s), &b); err != nil {
		return "", err
	}
	return template.HTML(squares.Replace(b.String())), nil
}

// squares draws the marks of severity, which not every machine has a font for.
var squares = strings.NewReplacer(
	"🟥", `<i class="sq" style="background:#cf222e"></i>`, "🟧", `<i class="sq" style="background:#e16f24"></i>`,
	"🟨", `<i class="sq" style="background:#d4a72c"></i>`, "🟦", `<i class="sq" style="background:#218bff"></i>`,
	"⬜", `<i class="sq" style="background:#afb8c1"></i>`,
)

// sign is the class of a line of a diff.
func sign(kind string) string {
	switch kind {
	case "+":
		return "add"
	case "-":
		return "del"
	}
	return "ctx"
}

// PageHandler serves the page, with a policy that lets it load and run nothing.
func PageHandler(s *Show) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if err := s.Page(w); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
}
