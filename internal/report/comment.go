package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// inComment is how many findings a comment spells out.
const inComment = 5

// Review is what our inline comments should be: one for each place with
// findings that the policy wants commented, worst first.
func Review(r *Report) (forge.Review, error) {
	out := forge.Review{
		SHA: r.Change.Head, Limit: r.Policy.Inline, Settled: "Fixed in " + short(r.Change.Head) + ".",
		Because: map[string]string{}, Was: map[string]string{}, Advisories: map[string][][]string{},
		Superseded: func(by change.Span) string { return superseded(r, by) }, News: news,
	}
	for _, d := range r.Verdict.Decisions {
		key := string(d.Finding.Print)
		for _, old := range append(slices.Clone(d.Finding.Joined), d.Finding.Was) {
			if old != "" && old != d.Finding.Print {
				out.Was[string(old)] = key
			}
		}
		if d.Action == policy.Ignored { // it is still there
			out.Because[key] = "No longer asked for: " + escape(r.clean(d.Why)) + "."
		}
	}
	shown := worstFirst(r.Verdict.Decisions)
	for _, d := range shown {
		key := string(d.Finding.Print)
		out.Standing = append(out.Standing, key)
		for _, a := range d.Finding.Advisories {
			out.Advisories[key] = append(out.Advisories[key], append([]string{a.ID}, a.Aliases...))
		}
	}
	out.Comments = comments(r, shown)
	out.Words = func(keys []string, at change.Span) (words, gist string, err error) {
		about := slices.DeleteFunc(slices.Clone(shown), func(d policy.Decision) bool { return !slices.Contains(keys, string(d.Finding.Print)) })
		if words, err = commentWords(r, about, at); err != nil {
			return "", "", err
		}
		for i := range about { // a commit that was written anew changes nothing for the reader
			about[i].Finding.Commit = ""
		}
		gist, err = commentWords(r, about, at)
		return words, gist, err
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

// comments groups the findings that one edit fixes: those of one block, or at
// one place. The worst one that takes a comment says where it is.
func comments(r *Report, shown []policy.Decision) (out []forge.Comment) {
	var blocks [][]change.Span // by comment
	for _, d := range shown {
		at, ok := placeOf(r.Change, d.Finding)
		if d.Action < policy.Comment || !ok {
			continue
		}
		block := d.Finding.Block
		if at.Path != block.Path || !block.Overlaps(at.Start) { // another place of the finding
			block = at
		}
		i := 0
		for i < len(out) && (len(out[i].Keys) == forge.MostKeys || out[i].At != at && !slices.Contains(blocks[i], block)) {
			i++
		}
		if i == len(out) {
			out, blocks = append(out, forge.Comment{At: at, Names: map[string][]string{}}), append(blocks, nil)
		}
		blocks[i] = append(blocks[i], block)
		key := string(d.Finding.Print)
		out[i].Keys = append(out[i].Keys, key)
		out[i].Names[key] = known(d.Finding)
	}
	return out
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

// severalView is a comment about several findings.
type severalView struct {
	Findings []item
	More     int // findings that are not among them
	Blocks   bool
}

// commentWords is the comment at a place about findings, worst first.
func commentWords(r *Report, ds []policy.Decision, at change.Span) (string, error) {
	var v severalView
	for i, d := range ds {
		v.Blocks = v.Blocks || blocks(r, d) == "blocks"
		if i >= inComment {
			v.More++
			continue
		}
		it := newItem(r, d)
		if all, more := further(r, d.Finding, alsoKept); len(all) > len(it.Also) {
			it.Rest, it.More = all[len(it.Also):], more
		}
		if text, ok := suggestion(d.Finding, at); ok && r.clean(text) == text {
			it.Suggestion, it.Fence, it.Long = text, fenceFor(text, 3), true
		}
		v.Findings = append(v.Findings, it)
	}
	if len(v.Findings) == 1 {
		return r.Texts.render("comment.md.tmpl", r.Result.Redactor, v.Findings[0])
	}
	return r.Texts.render("comment-several.md.tmpl", r.Result.Redactor, v)
}

// superseded says which comment has the findings of another one now.
func superseded(r *Report, by change.Span) string {
	return fmt.Sprintf("Superseded: the comment at %s now covers this.", code(place(r, by)))
}

// news names advisories that came after a person resolved the thread.
func news(ids []string) string {
	more := ""
	if n := len(ids) - inComment; n > 0 {
		ids, more = ids[:inComment], fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("New since this thread was resolved: %s%s.", escape(strings.Join(ids, ", ")), more)
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
