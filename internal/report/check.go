package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// A check names the worst findings in a line each, and spells out the worst of
// those that have no comment: GitHub takes 65,535 bytes. All that have no
// comment are annotations besides.
const (
	listed     = 50
	spelled    = 20
	maxSummary = 65_000
)

// bounds are how much a text says.
type bounds struct {
	findings int // that are named
	spelled  int // of those without a comment, that are spelled out
	places   int // further ones of each finding
}

// narrower are the bounds to try one after the other until a check is short enough.
func narrower() []bounds {
	return []bounds{{listed, spelled, alsoShown}, {listed, spelled / 2, alsoShown}, {listed, spelled / 4, alsoShown / 3}, {listed, 0, alsoShown / 3}, {listed, 0, 1}}
}

// unbounded are those of a text that may be as long as it has to be.
func unbounded() bounds { return bounds{math.MaxInt, spelled, math.MaxInt} }

// Started is the check of a review under way.
func Started(sha string) forge.Check {
	return forge.Check{SHA: sha, Title: "Looking at the change", Summary: "pullwarden is fetching and scanning what this pull request brings in."}
}

// Unfinished is the check of a review that could not be completed: never a pass.
func Unfinished(sha, why string, conclusion forge.Conclusion) forge.Check {
	return digested(forge.Check{
		SHA: sha, Conclusion: conclusion, Title: "Could not complete: " + clip(oneLine(why), 180), Actions: rerun(),
		Summary: "**This change was not checked.** " + escape(why) + "\n\nPress *Re-run* to try again. " +
			"If it stays like this, the operator of pullwarden finds the reason in the server's log.",
	})
}

// Check is the report as a check run.
func Check(r *Report) (forge.Check, error) {
	var summary string
	for _, b := range narrower() {
		var err error
		if summary, err = summaryText(r, b); err != nil {
			return forge.Check{}, err
		}
		if len(summary) <= maxSummary {
			break
		}
	}
	c := forge.Check{
		SHA: r.Change.Head, Title: Title(r), Summary: summary,
		Conclusion: forge.Conclusion(r.Policy.Conclusion(r.Verdict.Outcome)), DetailsURL: r.Link,
	}
	if r.Fixable {
		c.Actions = append(c.Actions, fixIt())
	}
	for _, d := range worstFirst(r.Verdict.Decisions) {
		if _, placed := r.Placed[string(d.Finding.Print)]; !placed {
			c.Notes = append(c.Notes, note(r, d))
		}
	}
	return digested(c), nil
}

func summaryText(r *Report, b bounds) (string, error) {
	return r.Texts.render("check.md.tmpl", r.Result.Redactor, checkView(r, b))
}

// SharedHead makes c tell that another pull request with the same head has a
// worse verdict: a check belongs to a commit, so the worst one counts.
func SharedHead(c forge.Check, number int, title string, conclusion forge.Conclusion) forge.Check {
	c.Conclusion = conclusion
	c.Title = clip(fmt.Sprintf("Pull request %d has the same head and a worse verdict: %s", number, title), 250)
	c.Summary = fmt.Sprintf("> Pull request #%d has the same head commit and a worse verdict. A check belongs to a commit, so the worst verdict counts. Settle it there, or push a commit here.\n\n%s", number, c.Summary)
	return digested(c)
}

// AwaitsHead makes c tell that another pull request with the same head was not
// looked at yet: until then nobody can say that the commit passes.
func AwaitsHead(c forge.Check, number int) forge.Check {
	c.Conclusion = forge.Neutral
	c.Title = clip(fmt.Sprintf("Pull request %d has the same head and is yet to be reviewed", number), 250)
	c.Summary = fmt.Sprintf("> Pull request #%d has the same head commit and was not looked at yet. A check belongs to a commit, so this one cannot pass before.\n\n%s", number, c.Summary)
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
	dead := len(revoked(r))
	ignored := len(r.Verdict.Decisions) - blocking - other - dead
	var t, uncovered string
	if n := uncoveredFiles(r); n > 0 {
		uncovered = plural(n, "file") + " not covered"
	}
	switch {
	case blocking > 0 && r.Policy.Mode == policy.Observe:
		t = fmt.Sprintf("%d would block (observing only): %s", blocking, names(r, blocking))
	case blocking > 0:
		t = fmt.Sprintf("%d blocking: %s", blocking, names(r, blocking))
	case blocksUncovered(r):
		t, uncovered = uncovered+", and this repository blocks that", ""
	case len(r.Verdict.Incomplete) > 0:
		t = "Not everything was looked at: " + r.line(r.Verdict.Incomplete[0])
	case other > 0:
		t = fmt.Sprintf("%s, nothing blocks", plural(other, "remark"))
	case ignored > 0:
		t = fmt.Sprintf("Nothing found but %s that the policy accepts", plural(ignored, "finding"))
	case dead > 0:
		t = fmt.Sprintf("Nothing found but %s that no longer opens anything", plural(dead, "secret"))
	case len(r.Change.Files)+len(r.Change.Commits) == 0:
		t = "No changes"
	default:
		t = "Nothing found"
	}
	if (blocking > 0 || blocksUncovered(r)) && len(r.Verdict.Incomplete) > 0 {
		t += "; not everything was looked at"
	}
	if blocking == 0 && len(r.Leaked) > 0 {
		t += fmt.Sprintf("; rotate what was pushed before: %s", plural(len(r.Leaked), "secret"))
	}
	if uncovered != "" {
		uncovered = "; " + uncovered
	}
	return clip(t, 250-len(uncovered)) + uncovered
}

// names lists the worst of the findings that block, for a title.
func names(r *Report, blocking int) string {
	var all, out []string
	times := map[string]int{}
	for _, d := range worstFirst(r.Verdict.Decisions) {
		if d.Action != policy.Block {
			continue
		}
		name := r.line(headline(d.Finding))
		if d.Finding.Past {
			name += " (in history)"
		}
		if times[name]++; times[name] == 1 {
			all = append(all, name)
		}
	}
	all = all[:min(len(all), 3)]
	for _, name := range all {
		blocking -= times[name]
		short := clip(name, 200/len(all))
		if n := times[name]; n > 1 {
			short += fmt.Sprintf(" (%d times)", n)
		}
		out = append(out, short)
	}
	s := strings.Join(out, ", ")
	if blocking > 0 {
		s += fmt.Sprintf(" and %d more", blocking)
	}
	return s
}

// Count is a number of things: "1 file", "2 files".
func Count(n int, what string) string { return plural(n, what) }

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
	Notices, Incomplete        []string
	Uncovered                  []uncovered
	BlocksUncovered            bool
	Scanners                   []scannerRow
	Scanned                    finding.Scanned
	Elsewhere                  []change.Skip // submodules that move
	Since                      string
	Commented, Spelled, Listed []item
	Findings                   []item // all, for texts of one list
	Unlisted                   int    // findings beyond those above
	Marked                     []item // what markers excuse
	Exceptions, Pending        []policy.Exception
	Expired, TooLong           []policy.Exception
	PolicyPath, ExceptionHelp  string
	Title, Verdict             string
	Settings                   []policy.Setting
	Leaks                      []leak
	Revoked                    []item // their provider says so
	Fixable, Enforced          bool   // a commit can be asked for; what blocks does block
}

func checkView(r *Report, b bounds) view {
	v := view{
		Notices: notices(r), Incomplete: r.Verdict.Incomplete, Uncovered: uncoveredKinds(r), BlocksUncovered: blocksUncovered(r), Scanners: rows(r), Scanned: r.Result.Scanned,
		Elsewhere: r.Change.Elsewhere[:min(len(r.Change.Elsewhere), listed)], Since: since(r), Exceptions: r.Verdict.InForce, Pending: r.Verdict.Pending, Expired: r.Verdict.Expired, TooLong: r.Verdict.TooLong,
		PolicyPath: policy.Path, ExceptionHelp: exceptionHelp, Settings: settings(r.Settings),
		Leaks: leaked(r), Revoked: revoked(r), Fixable: r.Fixable, Enforced: r.Policy.Mode != policy.Observe,
	}
	if more := len(v.Scanned.Skipped) - listed; more > 0 {
		v.Scanned.Skipped = append(v.Scanned.Skipped[:listed:listed], change.Skip{Path: fmt.Sprintf("%d more", more), Why: "not listed"})
	}
	for _, d := range r.Verdict.Decisions {
		if d.Marker != nil && len(v.Marked) < listed {
			v.Marked = append(v.Marked, newItem(r, d))
		}
	}
	for i, d := range worstFirst(r.Verdict.Decisions) {
		if i >= b.findings {
			v.Unlisted++
			continue
		}
		it := newItem(r, d)
		it.Also, it.More = further(r, d.Finding, b.places)
		_, commented := r.Placed[string(d.Finding.Print)]
		if !commented {
			it.Uncommented = uncommented(r, d)
		}
		switch {
		case commented:
			v.Commented = append(v.Commented, it)
		case len(v.Spelled) < b.spelled:
			v.Spelled = append(v.Spelled, it)
		default:
			v.Listed = append(v.Listed, it)
		}
	}
	return v
}

// uncommented says why d has no comment although others have.
func uncommented(r *Report, d policy.Decision) string {
	if len(r.Placed) == 0 || d.Action < policy.Comment {
		return ""
	}
	if _, ok := placeOf(r.Change, d.Finding); !ok {
		return "no line that was added here takes a comment"
	}
	if n := r.Placed.Comments(); n >= r.Policy.Inline {
		return plural(n, "comment") + " are open already"
	}
	return ""
}

// revoked are the secrets of which their provider says that they open nothing any more.
func revoked(r *Report) (all []item) {
	for _, d := range r.Verdict.Decisions {
		if d.Action == policy.Ignored && d.Finding.Validity == finding.Revoked {
			all = append(all, newItem(r, d))
		}
	}
	return all
}

// A leak is a secret that left the commits, with our page about it.
type leak struct{ Rule, Path, About string }

func leaked(r *Report) []leak {
	var all []leak
	for _, l := range r.Leaked[:min(len(r.Leaked), listed)] {
		all = append(all, leak{l.Rule, l.Path, aboutRule(l.Rule)})
	}
	return all
}

// settings are the values of the policy that somebody set, and those that
// matter most wherever they are from.
func settings(all []policy.Setting) []policy.Setting {
	main := []string{"mode", "block", "comment", "on_scanner_error"}
	var out []policy.Setting
	for _, s := range all {
		if s.From != "default" || slices.Contains(main, s.Key) {
			out = append(out, s)
		}
	}
	return out[:min(len(out), listed)]
}

// since says what changed since the last push.
func since(r *Report) string {
	d := r.Delta
	if d.Previous == "" || d.Previous == r.Change.Head {
		return ""
	}
	return fmt.Sprintf("Since %s: %d new, %d still there, %d gone.", short(d.Previous), len(d.New), len(d.Same), len(d.Gone))
}

// note is a finding as an annotation, which shows plain text.
func note(r *Report, d policy.Decision) forge.Note {
	f := d.Finding
	n := forge.Note{At: f.At, Level: "warning", Title: clip(r.line(headline(f)), 200)}
	switch {
	case d.Action == policy.Block:
		n.Level = "failure"
	case f.Severity <= finding.Low:
		n.Level = "notice"
	}
	if !ofCheck(f) || n.Title != r.line(f.Message) { // the title says it, unless it was cut
		n.Text = r.message(f) + "\n"
	}
	if places, more := further(r, f, alsoKept); len(places) > 0 {
		n.Text += strings.Join(append([]string{"Also at:"}, places...), "\n")
		if more > 0 {
			n.Text += fmt.Sprintf("\nand %d more", more)
		}
		n.Text += "\n"
	}
	n.Text += fmt.Sprintf("How to fix: %s\n%s · %s", plain(r.clean(f.Fix.Text)), f.Rule.ID, r.line(d.Why))
	return n
}

// Markdown writes what the check run would say, with all findings and places.
func Markdown(w io.Writer, r *Report) error {
	text, err := summaryText(r, unbounded())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "## %s\n\n%s", escape(Title(r)), text)
	return err
}
