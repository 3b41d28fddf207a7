// Package report puts verdicts and plans into words. No other package does.
//
// Each output is a function of a Report and decides nothing. Whatever comes
// out of here went through the redactor of the scan, and whatever came from
// the repository was escaped for where it stands.
package report

import (
	"io"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// A Report is one verdict with all that its readers need.
type Report struct {
	Change  *change.Change // never nil
	Result  finding.Result
	Verdict policy.Verdict
	Policy  policy.Policy
	Delta   history.Delta
	Leaked  []history.Leak // on this pull request, before
	Notices []string       // sentences for the reader beyond the findings, Markdown
	// Settings is the policy in force, value by value; nil leaves it out.
	Settings []policy.Setting
	Placed   forge.Placed // findings that have an inline comment
	Fixable  bool         // somebody can have a commit pushed that fixes findings
	Link     string       // page of this run, or ""
	Colour   bool         // Text may use a terminal's colours
	Version  string       // of the program; "" leaves it out
	Texts    *Texts       // nil: our own
}

// A Format writes a report for a person or a program.
type Format func(w io.Writer, r *Report) error

// FormatNames are the names of the formats, in the order that people are told.
func FormatNames() []string { return []string{"text", "json", "sarif", "markdown"} }

// Formats are the formats of the scan command, by name. Add yours here and to FormatNames.
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

func short(sha string) string { return sha[:min(len(sha), 7)] }
