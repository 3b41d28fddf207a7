// Package report puts verdicts and plans into words. No other package does.
//
// Each output is a function of a Report and decides nothing. Whatever comes
// out of here went through the redactor of the scan, and whatever came from
// the repository was escaped for where it stands.
package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/template"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/templates"

	"github.com/pullwarden/pullwarden/internal/change"
)

// A Report is one verdict with all that its readers need.
type Report struct {
	Change  *change.Change // never nil
	Result  finding.Result
	Verdict policy.Verdict
	Policy  policy.Policy
	Delta   history.Delta
	Notices []string // sentences for the reader beyond the findings, Markdown
	// Settings is the policy in force, value by value; nil leaves it out.
	Settings []policy.Setting
	Placed   forge.Placed // findings that have an inline comment
	Link     string       // page of this run, or ""
	Colour   bool         // Text may use a terminal's colours
}

// A Format writes a report for a person or a program.
type Format func(w io.Writer, r *Report) error

// Formats are the formats of the scan command, by name. Add yours here.
func Formats() map[string]Format {
	return map[string]Format{"text": Text, "json": JSON, "sarif": SARIF, "markdown": Markdown}
}

func (r *Report) clean(s string) string { return r.Result.Redactor.Clean(s) }

// line is foreign text as plain text of one line, for where no Markdown goes.
func (r *Report) line(s string) string { return oneLine(r.clean(s)) }

// message is what f says of its place, in a line that stands for itself.
func (r *Report) message(f finding.Finding) string {
	if f.Past {
		return sentence(r.line(f.Message)) + " A later commit took it away, but it is still in the history: commit " + short(f.Commit) + "."
	}
	return sentence(r.line(f.Message))
}

// render runs one template. The functions that put foreign text in take the
// secrets out before they escape, for an escaped secret is not known any more;
// what comes out is cleaned once again.
func render(name string, secrets *finding.Redactor, data any) (string, error) {
	cleaned := func(f func(string) string) func(string) string {
		return func(s string) string { return f(secrets.Clean(s)) }
	}
	t, err := template.New(name).Funcs(template.FuncMap{
		"md": cleaned(escape), "own": cleaned(own), "fenced": cleaned(fenced), "code": cleaned(code), "plain": cleaned(plain), "line": cleaned(oneLine),
		"path": cleaned(func(p string) string { return clipPath(showPath(p), pathShown) }),
		"link": firstLink, "short": short, "sentence": sentence,
	}).ParseFS(templates.FS, name)
	if err != nil {
		return "", fmt.Errorf("template %s: %w", name, err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return "", fmt.Errorf("template %s: %w", name, err)
	}
	return secrets.Clean(strings.TrimSpace(b.String()) + "\n"), nil
}

func short(sha string) string { return sha[:min(len(sha), 7)] }
