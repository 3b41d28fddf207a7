package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// An item is one finding as templates see it.
type item struct {
	Title, Message  string
	Headline        string // both in one, where it has to do alone
	Why, Fix        string // Markdown of ours
	Example         string // a code block that belongs to Fix
	Long            bool   // Example is better folded away
	Rule, Severity  string
	Dot, Level      string // Severity as a sign, and as a sentence begins
	Place           string
	Also            []string // the first further places
	Rest            []string // those after them, where nothing else names them
	More            int      // further places beyond these
	Facts           []finding.Detail
	Blocks          string // "blocks", "would block" or ""
	Past            bool
	Commit, Print   string
	Owners          []string // who answers for the place
	Decision        string
	NotCovered      string // which advisories its exception leaves open
	Void            string // why its marker counts for nothing
	Uncommented     string // why it has no comment, where the decision would have one
	Link, LinkHost  string // a page that helps, and whose it is
	LinkText        string // what that page is
	About           string // our page about the rule
	Suggestion      string // a committable replacement of the commented lines
	Fence           string // around Suggestion; "" if there is none
	Fixable         bool   // a command commits the fix
	ExceptionHelp   string
	PolicyPath      string
	Colour, Neutral string // escape sequences around the severity; "" without colours
}

// exceptionHelp explains exceptions; it is where our documentation lives.
const exceptionHelp = "https://github.com/pullwarden/pullwarden#exceptions"

const (
	alsoShown = 10  // further places that are listed of one finding
	alsoKept  = 100 // the same, where nothing else names them
	pathShown = 200 // characters of a path
	headShown = 300 // characters of a headline, which may be a message
	briefCode = 5   // lines of an example that need no folding
)

func newItem(r *Report, d policy.Decision) item {
	f := d.Finding
	clean := r.Result.Redactor.Clean
	it := item{
		Headline: clip(clean(headline(f)), headShown), Title: clean(f.Rule.Title), Message: clean(f.Message), Why: f.Rule.Why,
		Rule: f.Rule.ID, Severity: f.Severity.String(), Dot: dot(f.Severity),
		Place: place(r, f.At), Blocks: blocks(r, d), Past: f.Past,
		Commit: f.Commit, Print: string(f.Print), Decision: d.Why, NotCovered: clean(d.NotCovered), Owners: d.Owners,
		Fixable: r.Fixable && !f.Past && len(f.Fix.Edits) > 0, ExceptionHelp: exceptionHelp, PolicyPath: policy.Path, About: aboutRule(f.Rule.ID),
	}
	it.Level = strings.ToUpper(it.Severity[:1]) + it.Severity[1:]
	it.Fix, it.Example = example(f.Fix.Text)
	// The place is always shown beside the message.
	it.Message = strings.TrimSuffix(it.Message, fmt.Sprintf(" on line %d", f.At.Start))
	it.Long = strings.Count(it.Example, "\n") > briefCode
	switch {
	case ofCheck(f):
		it.Title, it.Message = it.Headline, ""
	case tells(it.Message, it.Title):
		it.Title, it.Message = it.Message, ""
	case tells(it.Title, it.Message):
		it.Message = ""
	}
	if f.Marker != nil {
		it.Void = f.Marker.Void
	}
	it.Facts = facts(f, clean(it.Title+"\n"+it.Message+"\n"+it.Fix))
	it.Also, it.More = further(r, f, alsoShown)
	if links := linksOf(f.Rule); len(links) > 0 {
		it.Link, it.LinkHost, it.LinkText = links[0].URL, links[0].Host, linkText(f.Rule.ID, links[0].URL)
	}
	return it
}

// further returns the first most of the further places of f, and how many more there are.
func further(r *Report, f finding.Finding, most int) (shown []string, more int) {
	most = min(most, len(f.Also))
	for _, s := range f.Also[:most] {
		shown = append(shown, place(r, s))
	}
	return shown, len(f.Also) - most + f.Unlisted
}

// linkText says what the first page that a rule refers to is.
func linkText(rule, page string) string {
	switch {
	case strings.HasSuffix(page, "/removing-sensitive-data-from-a-repository"):
		return "how to take it out of the history"
	case strings.HasPrefix(rule, "secret/"):
		return "how to replace it"
	case pageOf(rule) != rule, rule == "dependency/vulnerable", rule == "dependency/malicious":
		return "the advisory"
	}
	return "more about it"
}

// blocks says what d does to the pull request; a repository that observes is only told.
func blocks(r *Report, d policy.Decision) string {
	switch {
	case d.Action != policy.Block:
		return ""
	case r.Policy.Mode == policy.Observe:
		return "would block"
	}
	return "blocks"
}

// headline is a finding in one line. A title of a word or two means little
// without its message.
func headline(f finding.Finding) string {
	switch {
	case ofCheck(f):
		return f.Message
	case len(strings.Fields(f.Rule.Title)) < 3 && f.Message != "":
		return f.Rule.Title + ": " + f.Message
	}
	return f.Rule.Title
}

// ofCheck reports whether the message of f says all: what is wrong at its
// place. The title is that of a check, which may say how it should be.
func ofCheck(f finding.Finding) bool {
	return strings.HasPrefix(f.Rule.ID, "iac/") && f.Message != ""
}

// facts are the details of f that were not said yet.
func facts(f finding.Finding, said string) []finding.Detail {
	out := slices.Clone(f.Details)
	if e := f.Evidence.String(); e != "" {
		out = append(out, finding.Detail{Name: "Found", Text: e})
	}
	out = slices.DeleteFunc(out, func(d finding.Detail) bool { return tells(said, d.Text) })
	if f.Commit != "" {
		out = append(out, finding.Detail{Name: "Brought in by commit", Text: short(f.Commit)})
	}
	return out
}

// tells reports whether text has what already, as words of its own: 1.2 is not
// in 1.2.3.
func tells(text, what string) bool {
	text, what = strings.ToLower(text), strings.ToLower(strings.TrimSpace(what))
	if what == "" {
		return true
	}
	for from := 0; ; from++ {
		i := strings.Index(text[from:], what)
		if i < 0 {
			return false
		}
		from += i
		before, _ := utf8.DecodeLastRuneInString(text[:from])
		rest := text[from+len(what):]
		after, n := utf8.DecodeRuneInString(rest)
		if strings.ContainsRune(".-+", after) {
			after, _ = utf8.DecodeRuneInString(rest[n:])
		}
		if !inWord(before) && before != '.' && !inWord(after) {
			return true
		}
	}
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// webLink reports whether a reference can stand in a Markdown link as it is.
func webLink(url string) bool {
	return strings.HasPrefix(url, "https://") && utf8.ValidString(url) &&
		!strings.ContainsAny(url, " ()<>[]\"'`\\") && strings.IndexFunc(url, hidden) < 0
}

// dot is a severity at a glance.
func dot(s finding.Severity) string {
	switch s {
	case finding.Critical:
		return "🟥"
	case finding.High:
		return "🟧"
	case finding.Medium:
		return "🟨"
	case finding.Low:
		return "🟦"
	}
	return "⬜"
}

func place(r *Report, s change.Span) string {
	s.Path = clipPath(showPath(r.Result.Redactor.Clean(s.Path)), pathShown)
	return s.String()
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
		return cmp.Or(cmp.Compare(b.Action, a.Action), cmp.Compare(max(b.Severity, b.Finding.Severity), max(a.Severity, a.Finding.Severity)))
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
