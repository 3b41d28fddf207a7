package demo_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// A kind is what a file is, and what can be wrong with it.
type kind int

const (
	blocks    kind = iota // a vulnerable dependency, high
	comments              // a vulnerable dependency, medium
	notes                 // a vulnerable dependency, low
	container             // a Dockerfile that runs as root
	leaks                 // a secret: a later commit does not take it back
)

// planted is what stands at a path; its number tells the path and the kind.
type planted struct {
	number int
	bad    bool
}

func (f planted) kind() kind {
	switch f.number % 10 {
	case 0, 1, 2, 3:
		return blocks
	case 4, 5:
		return comments
	case 6:
		return notes
	case 7:
		return container
	}
	return leaks
}

func (f planted) path() string {
	switch f.kind() {
	case container:
		return fmt.Sprintf("f%d/Dockerfile", f.number)
	case leaks:
		return fmt.Sprintf("f%d/pay.go", f.number)
	}
	return fmt.Sprintf("f%d/requirements.txt", f.number)
}

// text is the file with some lines that move the others. Each file has words
// of its own, so that no two are taken for one that was renamed.
func (f planted) text(random *rand.Rand) string {
	own := rand.New(rand.NewPCG(uint64(f.number), 7))
	letters := func(n int) string {
		const all = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		b := make([]byte, n)
		for i := range b {
			b[i] = all[own.IntN(len(all))]
		}
		return string(b)
	}
	secret := "sk_" + "live_" + letters(28) // of the number alone: one that comes back is the same one
	var head strings.Builder
	for range 30 {
		fmt.Fprintf(&head, "# %s\n", letters(8))
	}
	fmt.Fprint(&head, strings.Repeat("# and more\n", random.IntN(4)))
	pick := func(bad, good string) string {
		if f.bad {
			return bad
		}
		return good
	}
	switch f.kind() {
	case blocks:
		return head.String() + "example-ledger==" + pick("4.1.2", "4.1.3") + "\n"
	case comments:
		return head.String() + "example-charts==" + pick("2.0.0", "2.0.1") + "\n"
	case notes:
		return head.String() + "example-tables==" + pick("3.0.0", "3.0.1") + "\n"
	case container:
		return head.String() + "FROM registry.example/base:1.4.2\nHEALTHCHECK CMD [\"/shop\"]\nUSER " + pick("root", "65532") + "\n"
	}
	return "package pay\n\n" + strings.ReplaceAll(head.String(), "#", "//") + "\nvar client = connect(" + pick(fmt.Sprintf("%q", secret), `vault("stripe")`) + ")\n"
}

// historyAdvisories are what makes the dependencies above bad.
func historyAdvisories() []byte {
	var b strings.Builder
	for _, a := range []struct{ id, name, fixed, score string }{
		{"DEMO-1", "example-ledger", "4.1.3", "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:N"},
		{"DEMO-2", "example-charts", "2.0.1", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N"},
		{"DEMO-3", "example-tables", "3.0.1", "CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:U/C:L/I:N/A:N"},
	} {
		fmt.Fprintf(&b, `-- advisory/PyPI/%s.json --
{"schema_version": "1.6.0", "id": "%s", "modified": "2026-10-01T00:00:00Z", "summary": "A mistake",
 "severity": [{"type": "CVSS_V3", "score": "%s"}],
 "affected": [{"package": {"ecosystem": "PyPI", "name": "%s"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "%s"}]}]}]}
`, a.id, a.id, a.score, a.name, a.fixed)
	}
	return []byte(b.String())
}

// A revision is a commit as the model knows it.
type revision struct {
	parent string
	files  map[int]planted
}

// A model is what the commits of a repository are, told apart from git and
// from the product.
type model map[string]revision // by SHA

// base returns where two commits parted; there are no merges.
func (m model) base(a, b string) string {
	mine := map[string]bool{}
	for ; a != ""; a = m[a].parent {
		mine[a] = true
	}
	for !mine[b] {
		b = m[b].parent
	}
	return b
}

// An expectation is what a review of a pull request should come to.
type expectation struct {
	fails     bool
	commented map[string]bool // paths with a finding that takes a comment
	past      map[string]bool // paths of secrets that only the history has: a comment that was made stands
	noted     map[string]bool // paths with a finding for the check alone
}

// expect tells what a change from base to head brings in.
func (m model) expect(base, head string) expectation {
	from := m.base(base, head)
	old := m[from].files
	e := expectation{commented: map[string]bool{}, past: map[string]bool{}, noted: map[string]bool{}}
	for n, f := range m[head].files {
		if !f.bad || old[n].bad {
			continue
		}
		switch f.kind() {
		case notes:
			e.noted[f.path()] = true
		case comments:
			e.commented[f.path()] = true
		default:
			e.commented[f.path()], e.fails = true, true
		}
	}
	for at := head; at != from; at = m[at].parent {
		for n, f := range m[at].files {
			if f.kind() == leaks && f.bad && !old[n].bad && !m[head].files[n].bad {
				e.past[f.path()], e.fails = true, true
			}
		}
	}
	return e
}

// all are the paths of all findings.
func (e expectation) all() map[string]bool {
	all := maps.Clone(e.commented)
	maps.Copy(all, e.past)
	maps.Copy(all, e.noted)
	return all
}

// mostOpen is how many of our threads may be open on a pull request.
const mostOpen = 10

// byPerson reports whether a person resolved a thread: it stays so.
func byPerson(t fakehub.Thread) bool { return t.Resolved && t.ResolvedBy == "dev" }

// differences are the files that a later revision has otherwise than an earlier one, and those that it lacks.
func (m model) differences(earlier, later string) (set, gone []planted) {
	was, is := m[earlier].files, m[later].files
	for _, n := range slices.Sorted(maps.Keys(is)) {
		if old, there := was[n]; !there || old != is[n] {
			set = append(set, is[n])
		}
	}
	for _, n := range slices.Sorted(maps.Keys(was)) {
		if _, there := is[n]; !there {
			gone = append(gone, was[n])
		}
	}
	return set, gone
}

// differs compares what stands on a pull request with e, in sentences.
func (e expectation) differs(p fakehub.Pull, q *tracked) []string {
	var out []string
	bad := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	threads, open := map[string]int{}, map[string]bool{}
	past := 0
	asked := maps.Clone(e.commented)
	// What a person takes away makes room, which the next review fills.
	room := len(q.dropped)
	for _, t := range p.Threads {
		if threads[t.Path]++; threads[t.Path] == 2 {
			bad("two threads on %s", t.Path)
		}
		if !q.ever[t.Path] {
			bad("a thread on %s, which never had a finding", t.Path)
		}
		if byPerson(t) {
			delete(asked, t.Path)
			room++
		}
		if t.Resolved {
			continue
		}
		open[t.Path] = true
		switch {
		case e.past[t.Path]:
			past++
		case !e.commented[t.Path]:
			bad("a stale thread on %s", t.Path)
		}
		if len(t.Comments) != 1 {
			bad("%d comments on %s", len(t.Comments), t.Path)
		}
	}
	if most := min(mostOpen, len(asked)+past); len(open) < most-room || len(open) > most {
		bad("%d threads open of %d findings (%d more in history), not %d, or %d less", len(open), len(e.commented), past, most, room)
	}
	if len(q.dropped) == 0 && len(p.Reviews) > len(p.Threads) || len(p.Comments) > 1 {
		bad("%d reviews and %d remarks with %d threads", len(p.Reviews), len(p.Comments), len(p.Threads))
	}
	said := len(p.Comments) > 0 && strings.Contains(p.Comments[0].Body, "Needs attention")
	if said != (len(e.past) > 0) {
		bad("%d secrets in the history alone, and the summary %v", len(e.past), p.Comments)
	}
	return out
}
