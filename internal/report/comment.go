package report

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// Review is what our inline comments should be: one for each finding that the
// policy wants commented and that stands on an added line, worst first.
func Review(r *Report) (forge.Review, error) {
	out := forge.Review{SHA: r.Change.Head, Limit: r.Policy.Inline, Settled: "Fixed in " + short(r.Change.Head) + ".", Because: map[string]string{}, Was: map[string]string{}}
	for _, d := range r.Verdict.Decisions {
		if d.Finding.Was != "" {
			out.Was[string(d.Finding.Was)] = string(d.Finding.Print)
		}
		if d.Action == policy.Ignored { // it is still there
			out.Because[string(d.Finding.Print)] = "No longer asked for: " + escape(r.clean(d.Why)) + "."
		}
	}
	shown := worstFirst(r.Verdict.Decisions)
	for _, d := range shown {
		f := d.Finding
		out.Standing = append(out.Standing, string(f.Print))
		at, ok := placeOf(r.Change, f)
		if d.Action < policy.Comment || !ok {
			continue
		}
		body, err := comment(r, d, at)
		if err != nil {
			return out, err
		}
		out.Comments = append(out.Comments, forge.Comment{Key: string(f.Print), At: at, Body: body, Names: known(f)})
	}
	blocking, other := count(shown)
	would := 0
	if r.Policy.Mode == policy.Observe {
		would, blocking, other = blocking, 0, blocking+other
	}
	var err error
	out.Body, err = r.Texts.render("review.md.tmpl", r.Result.Redactor, map[string]int{"Blocking": blocking, "Total": blocking + other, "Would": would})
	return out, err
}

var advisoryName = regexp.MustCompile(`\b(CVE-\d{4}-\d{4,}|GHSA(-[0-9a-z]{4}){3}|GO-\d{4}-\d{4,}|PYSEC-\d{4}-\d+)\b`)

// known are the names that f goes by elsewhere: those of its advisories, and
// the short one of its rule. A secret has none.
func known(f finding.Finding) []string {
	if f.ByValue() {
		return nil
	}
	_, short, _ := strings.Cut(f.Rule.ID, "/")
	names := []string{short}
	texts := append([]string{f.Rule.Title, f.Message}, f.Rule.References...)
	for _, a := range f.Advisories {
		names = append(append(names, a.ID), a.Aliases...)
	}
	for _, d := range f.Details {
		texts = append(texts, d.Text)
	}
	for _, t := range texts {
		for _, name := range advisoryName.FindAllString(t, -1) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// placeOf returns the first place of f that takes a comment.
func placeOf(c *change.Change, f finding.Finding) (change.Span, bool) {
	if f.Past {
		return change.Span{}, false
	}
	for _, s := range append([]change.Span{f.At}, f.Also...) {
		if at, ok := c.Place(s); ok {
			return at, true
		}
	}
	return change.Span{}, false
}

func comment(r *Report, d policy.Decision, at change.Span) (string, error) {
	it := newItem(r, d)
	if text, ok := suggestion(d.Finding, at); ok && r.clean(text) == text {
		it.Suggestion, it.Fence, it.Long = text, fenceFor(text, 3), true
	}
	return r.Texts.render("comment.md.tmpl", r.Result.Redactor, it)
}

// suggestion returns the new text of exactly the lines at, if the fix is one
// edit of these lines: GitHub replaces the lines that a comment spans, and an
// empty suggestion deletes them. A text that cannot be shown as it is, is none.
//
// The line ends are plain, also for a file with CRLF: in a comment they would
// be characters of the text. What GitHub ends the lines with that it writes is
// its own affair, and not documented.
func suggestion(f finding.Finding, at change.Span) (string, bool) {
	if len(f.Fix.Edits) != 1 || f.Fix.Edits[0].Span != at {
		return "", false
	}
	text := strings.ReplaceAll(f.Fix.Edits[0].Text, "\r\n", "\n")
	if !utf8.ValidString(text) || strings.Map(visible, text) != text {
		return "", false
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text, true
}
