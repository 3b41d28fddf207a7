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
	Notices []string     // sentences for the reader beyond the findings, Markdown
	Placed  forge.Placed // findings that have an inline comment
	Link    string       // page of this run, or ""
	Colour  bool         // Text may use a terminal's colours
}

// A Format writes a report for a person or a program.
type Format func(w io.Writer, r *Report) error

// Formats are the formats of the scan command, by name. Add yours here.
func Formats() map[string]Format {
	return map[string]Format{"text": Text, "json": JSON, "sarif": SARIF, "markdown": Markdown}
}

// render runs one template and takes the secrets out of what it made.
func render(name string, clean *finding.Redactor, data any) (string, error) {
	t, err := template.New(name).Funcs(template.FuncMap{
		"md": escape, "own": own, "link": firstLink, "code": code, "path": showPath, "plain": stripMarkdown, "short": short,
	}).ParseFS(templates.FS, name)
	if err != nil {
		return "", fmt.Errorf("template %s: %w", name, err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return "", fmt.Errorf("template %s: %w", name, err)
	}
	return clean.Clean(strings.TrimSpace(b.String()) + "\n"), nil
}

func short(sha string) string { return sha[:min(len(sha), 7)] }
