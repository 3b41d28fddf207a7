package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// An item is one finding as templates see it.
type item struct {
	Title, Message, Why, Fix string // Why and Fix are Markdown of ours
	Rule, Severity, Mark     string
	Place                    string
	Also                     []string
	Facts                    []finding.Detail
	Blocks, Past, Commented  bool
	Commit, Print, Decision  string
	Link                     string
	Suggestion, Fence        string // a committable replacement of the commented lines
	ExceptionHelp            string
	PolicyPath               string
	Colour, Plain            string // escape sequences around the severity; "" without colours
}

// exceptionHelp explains exceptions; it is where our documentation lives.
const exceptionHelp = "https://github.com/pullwarden/pullwarden#exceptions"

// alsoShown bounds the further places that are listed of one finding.
const alsoShown = 10

func newItem(d policy.Decision) item {
	f := d.Finding
	it := item{
		Title: f.Rule.Title, Message: f.Message, Why: f.Rule.Why, Fix: f.Fix.Text,
		Rule: f.Rule.ID, Severity: f.Severity.String(), Mark: mark(f.Severity),
		Place: place(f.At), Blocks: d.Action == policy.Block, Past: f.Past,
		Commit: f.Commit, Print: string(f.Print), Decision: d.Why, Facts: facts(f),
		ExceptionHelp: exceptionHelp, PolicyPath: policy.Path,
	}
	for i, s := range f.Also {
		if i == alsoShown {
			it.Also = append(it.Also, fmt.Sprintf("%d more", len(f.Also)-i))
			break
		}
		it.Also = append(it.Also, place(s))
	}
	if len(f.Rule.References) > 0 && webLink(f.Rule.References[0]) {
		it.Link = f.Rule.References[0]
	}
	return it
}

func facts(f finding.Finding) []finding.Detail {
	out := slices.Clone(f.Details)
	if e := f.Evidence.String(); e != "" {
		out = append(out, finding.Detail{Name: "Found", Text: e})
	}
	if f.Commit != "" {
		out = append(out, finding.Detail{Name: "Brought in by commit", Text: short(f.Commit)})
	}
	return out
}

// webLink reports whether a reference can stand in a Markdown link as it is.
func webLink(url string) bool {
	return strings.HasPrefix(url, "https://") && !strings.ContainsAny(url, " ()<>\"'`\n\r\t\\")
}

func mark(s finding.Severity) string {
	switch s {
	case finding.Critical:
		return "🟥 Critical:"
	case finding.High:
		return "🟧 High:"
	case finding.Medium:
		return "🟨 Medium:"
	case finding.Low:
		return "🟦 Low:"
	}
	return "⬜ Info:"
}

func place(s change.Span) string {
	return change.Span{Path: showPath(s.Path), Start: s.Start, End: s.End}.String()
}

// worstFirst returns the decisions that are shown, what blocks before what does not.
func worstFirst(ds []policy.Decision) []policy.Decision {
	var out []policy.Decision
	for _, d := range ds {
		if d.Action != policy.Ignored {
			out = append(out, d)
		}
	}
	slices.SortStableFunc(out, func(a, b policy.Decision) int {
		return cmp.Or(cmp.Compare(b.Action, a.Action), cmp.Compare(b.Finding.Severity, a.Finding.Severity))
	})
	return out
}

// count returns how many of ds block, and how many are shown without blocking.
func count(ds []policy.Decision) (blocking, other int) {
	for _, d := range ds {
		switch d.Action {
		case policy.Block:
			blocking++
		case policy.Comment, policy.Note:
			other++
		}
	}
	return blocking, other
}
