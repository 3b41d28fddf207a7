package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// listed bounds the findings that a check spells out; the rest are annotations.
const listed = 50

// Started is the check of a review under way.
func Started(sha string) forge.Check {
	return forge.Check{SHA: sha, Title: "Looking at the change", Summary: "pullwarden is fetching and scanning what this pull request brings in."}
}

// Unfinished is the check of a review that could not be completed: never a pass.
func Unfinished(sha, why string) forge.Check {
	return digested(forge.Check{
		SHA: sha, Conclusion: forge.Neutral, Title: "Could not complete: " + clip(oneLine(why), 180),
		Summary: "**This change was not checked.** " + escape(why) + "\n\nPress *Re-run* to try again. " +
			"If it stays like this, the operator of pullwarden finds the reason in the server's log.",
	})
}

// Check is the report as a check run.
func Check(r *Report) (forge.Check, error) {
	summary, err := render("check.md.tmpl", r.Result.Redactor, checkView(r))
	if err != nil {
		return forge.Check{}, err
	}
	c := forge.Check{
		SHA: r.Change.Head, Title: r.Result.Redactor.Clean(Title(r)), Summary: summary,
		Conclusion: forge.Conclusion(r.Policy.Conclusion(r.Verdict.Outcome)), DetailsURL: r.Link,
	}
	for _, d := range worstFirst(r.Verdict.Decisions) {
		if _, placed := r.Placed[string(d.Finding.Print)]; !placed {
			c.Notes = append(c.Notes, note(r, d))
		}
	}
	return digested(c), nil
}

// SharedHead makes c tell that another pull request with the same head has a
// worse verdict: a check belongs to a commit, so the worst one counts.
func SharedHead(c forge.Check, number int, title string, conclusion forge.Conclusion) forge.Check {
	c.Conclusion = conclusion
	c.Title = clip(fmt.Sprintf("Pull request %d has this head too: %s", number, title), 250)
	c.Summary = fmt.Sprintf("> Pull request #%d has the same head commit and a worse verdict. A check belongs to a commit, so the worst verdict counts.\n\n%s", number, c.Summary)
	return digested(c)
}

func digested(c forge.Check) forge.Check {
	c.Digest = ""
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and numbers only
	}
	sum := sha256.Sum256(b)
	c.Digest = hex.EncodeToString(sum[:16])
	return c
}

// Title says the outcome in one line.
func Title(r *Report) string {
	blocking, other := count(r.Verdict.Decisions)
	var t string
	switch {
	case blocking > 0 && r.Policy.Mode == policy.Observe:
		t = fmt.Sprintf("%d would block (observing only): %s", blocking, names(r))
	case blocking > 0:
		t = fmt.Sprintf("%d blocking: %s", blocking, names(r))
	case len(r.Verdict.Incomplete) > 0:
		t = "Not everything was looked at: " + oneLine(r.Verdict.Incomplete[0])
	case other > 0:
		t = fmt.Sprintf("%s, nothing blocks", plural(other, "remark"))
	default:
		t = "Nothing found"
	}
	if blocking > 0 && len(r.Verdict.Incomplete) > 0 {
		t += "; not everything was looked at"
	}
	return clip(t, 250)
}

// names lists the worst findings for a title.
func names(r *Report) string {
	var out []string
	rest := 0
	seen := map[string]bool{}
	for _, d := range worstFirst(r.Verdict.Decisions) {
		if d.Action != policy.Block || seen[d.Finding.Rule.Title] {
			continue
		}
		seen[d.Finding.Rule.Title] = true
		if len(out) == 3 {
			rest++
			continue
		}
		name := oneLine(d.Finding.Rule.Title)
		if d.Finding.Past {
			name += " (in history)"
		}
		out = append(out, clip(name, 70))
	}
	s := strings.Join(out, ", ")
	if rest > 0 {
		s += fmt.Sprintf(" and %d more", rest)
	}
	return s
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

type scannerRow struct {
	Name            string
	Blocking, Other int
	State           string
}

// rows counts findings by scanner.
func rows(r *Report) []scannerRow {
	out := make([]scannerRow, len(r.Result.Statuses))
	for i, s := range r.Result.Statuses {
		out[i] = scannerRow{Name: s.Scanner, State: "finished"}
		if s.Err != nil {
			out[i].State = "did not finish: " + s.Err.Error()
		}
		var mine []policy.Decision
		for _, d := range r.Verdict.Decisions {
			if strings.HasPrefix(d.Finding.Rule.ID, s.Scanner+"/") {
				mine = append(mine, d)
			}
		}
		out[i].Blocking, out[i].Other = count(mine)
	}
	return out
}

type view struct {
	Notices, Incomplete []string
	Scanners            []scannerRow
	Scanned             finding.Scanned
	Since               string
	Findings            []item
	Exceptions, Expired []policy.Exception
	PolicyPath, HowTo   string
	Title, Verdict      string
}

func checkView(r *Report) view {
	v := view{
		Notices: r.Notices, Incomplete: r.Verdict.Incomplete, Scanners: rows(r), Scanned: r.Result.Scanned,
		Since: since(r), Exceptions: r.Verdict.InForce, Expired: r.Verdict.Expired,
		PolicyPath: policy.Path, HowTo: "[How exceptions work](" + exceptionHelp + ").",
	}
	if len(v.Scanned.Skipped) > listed {
		v.Scanned.Skipped = append(v.Scanned.Skipped[:listed:listed], change.Skip{Path: fmt.Sprintf("%d more", len(r.Result.Scanned.Skipped)-listed), Why: "not listed"})
	}
	for i, d := range worstFirst(r.Verdict.Decisions) {
		if i == listed {
			v.Notices = append(v.Notices, fmt.Sprintf("Only the worst %d findings are spelled out below; the others are annotations.", listed))
			break
		}
		it := newItem(d)
		_, it.Commented = r.Placed[string(d.Finding.Print)]
		v.Findings = append(v.Findings, it)
	}
	return v
}

// since says what changed since the last push.
func since(r *Report) string {
	d := r.Delta
	if d.Previous == "" || d.Previous == r.Change.Head {
		return ""
	}
	return fmt.Sprintf("Since %s: %d new, %d still there, %d gone.", short(d.Previous), len(d.New), len(d.Same), len(d.Gone))
}

func note(r *Report, d policy.Decision) forge.Note {
	f := d.Finding
	n := forge.Note{At: f.At, Level: "warning", Title: clip(oneLine(f.Rule.Title), 200)}
	switch {
	case d.Action == policy.Block:
		n.Level = "failure"
	case f.Severity <= finding.Low:
		n.Level = "notice"
	}
	where := ""
	if f.Past {
		where = " (in commit " + short(f.Commit) + ", removed later, still in the history)"
	}
	n.Text = r.Result.Redactor.Clean(oneLine(f.Message) + where + "\nFix: " + stripMarkdown(f.Fix.Text) + "\n" + f.Rule.ID + " · " + d.Why)
	n.Title = r.Result.Redactor.Clean(n.Title)
	return n
}

// Markdown writes what the check run would say.
func Markdown(w io.Writer, r *Report) error {
	c, err := Check(r)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "## %s\n\n%s", escape(c.Title), c.Summary)
	return err
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' {
			return ' '
		}
		if hidden(r) {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// clip cuts s to n characters.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return strings.TrimSpace(string(r[:n-1])) + "…"
	}
	return s
}
