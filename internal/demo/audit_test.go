package demo_test

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// An audit adds up what reviewers got to see while the scripts were played.
type audit struct {
	mu       sync.Mutex
	played   int               // stages that were looked at to their end
	comments map[string]string // bodies of inline comments, by where and by whom they were posted
	first    map[string]int    // writes of the first review of a pull request with findings
	open     map[string]int    // most inline comments that were open at a time
	remarks  map[string]int    // most summaries in the conversation
	dirty    map[string]bool   // pull requests about which there was something to say
	clean    map[string]int    // words about the others
	tried    []string          // suggestions that were applied
	wrong    []string
}

// audited is what TestScripts leaves to the tests after it.
var audited = newAudit()

func newAudit() *audit {
	return &audit{comments: map[string]string{}, first: map[string]int{}, open: map[string]int{}, remarks: map[string]int{}, dirty: map[string]bool{}, clean: map[string]int{}}
}

// ofAllScripts returns the audit of all scripts, which are played if they were not.
func ofAllScripts(t *testing.T) *audit {
	t.Helper()
	all := scriptFiles(t)
	audited.mu.Lock()
	played := audited.played
	audited.mu.Unlock()
	if played < len(all) { // TestScripts did not, or only some of them
		audited = newAudit()
		t.Run("play", func(t *testing.T) { // ends when all parallel scripts have
			p := params(nil)
			p.Files = all
			testscript.Run(t, p)
		})
	}
	return audited
}

// summaryLine ends the one comment in the conversation that is no answer.
const summaryLine = "This comment is kept up to date."

// writes counts the calls that change what people see, since a number of them.
func writes(hub *fakehub.Hub, since int) (n int) {
	for _, c := range hub.Calls()[since:] {
		if c.Method != "GET" && c.Path != "/graphql" && !strings.HasSuffix(c.Path, "/access_tokens") && !strings.Contains(c.Path, ".git/") {
			n++
		}
	}
	return n
}

// underWay is 1 if since then a check was shown as under way before it was
// completed: a write that depends on how fast the machine is.
func underWay(hub *fakehub.Hub, since int) int {
	for _, c := range hub.Calls()[since:] {
		if c.Method == "PATCH" && strings.Contains(c.Path, "/check-runs/") {
			return 1
		}
	}
	return 0
}

// look notes what stands on the pull requests of a repository.
func (a *audit) look(where string, hub *fakehub.Hub, repo *fakehub.Repo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range repo.Pulls() {
		p, err := repo.Pull(p.Number)
		if err != nil || p.Author == hub.Bot() {
			continue
		}
		at := fmt.Sprintf("%s #%d", where, p.Number)
		var open, ours int
		for _, th := range p.Threads {
			c := th.Comments[0]
			if c.Author != hub.Bot() {
				continue
			}
			ours++
			if !th.Resolved && !strings.HasPrefix(c.Body, "Fixed in ") {
				open++
			}
			if _, said := a.comments[at+" "+th.ID]; !said {
				a.comments[at+" "+th.ID] = c.Body
			}
		}
		a.open[at] = max(a.open[at], open)
		said, summaries := 0, 0
		for _, c := range p.Comments {
			if c.Author == hub.Bot() {
				said++
			}
			if c.Author == hub.Bot() && strings.Contains(c.Body, summaryLine) {
				summaries++
			}
		}
		a.remarks[at] = max(a.remarks[at], summaries)
		runs := repo.CheckRuns(p.HeadSHA)
		if a.dirty[at] = a.dirty[at] || ours > 0 || len(runs) > 0 && !strings.HasPrefix(runs[len(runs)-1].Title, "Nothing found"); a.dirty[at] {
			delete(a.clean, at)
		} else if len(runs) > 0 {
			words := said
			for _, r := range p.Reviews {
				if r.Author == hub.Bot() {
					words++
				}
			}
			a.clean[at] = max(a.clean[at], words)
		}
	}
}

// reviewed notes what the first review of a pull request took.
func (a *audit) reviewed(where string, repo *fakehub.Repo, number, writes int) {
	p, err := repo.Pull(number)
	if err != nil || len(p.Threads) == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.first[where] = writes
}

var (
	hiddenLine = regexp.MustCompile(`(?m)^<!-- pullwarden:\S+ (?:settled )?key=(\S+)(?: words=\S+)?(?: covers=\S+)? mac=\S+ -->\s*$`)
	saidRule   = regexp.MustCompile("<sub>`([a-z]+)/([^`]+)`")
	fenceLine  = regexp.MustCompile("^(`{3,})suggestion$")
)

// suggested returns the lines that the suggestion in a comment puts in the place of its own.
func suggested(body string) (lines []string, ok bool) {
	fence := ""
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		switch m := fenceLine.FindStringSubmatch(line); {
		case fence == "" && m != nil:
			fence = m[1]
		case fence != "" && line == fence:
			return lines, true
		case fence != "":
			lines = append(lines, line)
		}
	}
	return nil, false
}

// accept replaces lines start to end of a file by those of a suggestion, as
// the button does: the rest stays, and so does what ends the lines.
func accept(text string, start, end int, lines []string) string {
	all := strings.SplitAfter(text, "\n")
	old := all[start-1 : end]
	eol := "\n"
	if strings.HasSuffix(old[0], "\r\n") {
		eol = "\r\n"
	}
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l + eol)
	}
	replacement := b.String()
	if !strings.HasSuffix(old[len(old)-1], "\n") {
		replacement = strings.TrimSuffix(replacement, eol)
	}
	return strings.Join(all[:start-1], "") + replacement + strings.Join(all[end:], "")
}

// apply accepts each suggestion that stands on a pull request, one after the
// other, and has the server look again. What it returns is wrong.
func (a *audit) apply(ctx context.Context, where string, stage *demo.Stage, repo *fakehub.Repo, number int) (wrong []string) {
	tried := map[string]bool{}
	for {
		p, err := repo.Pull(number)
		if err != nil {
			return append(wrong, err.Error())
		}
		i := slices.IndexFunc(p.Threads, func(th fakehub.Thread) bool {
			_, ok := suggested(th.Comments[0].Body)
			return ok && th.Comments[0].Author == stage.Hub.Bot() && !th.Resolved && th.Line > 0 && !tried[th.ID]
		})
		if p.State != "open" || p.HeadRepo != repo.String() || i < 0 {
			return wrong
		}
		th := p.Threads[i]
		tried[th.ID] = true
		if err := a.applyOne(ctx, stage, repo, p, th); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s, %s:%d: %v", where, th.Path, th.Line, err))
			continue
		}
		a.mu.Lock()
		a.tried = append(a.tried, fmt.Sprintf("%s: %s", where, strings.Join(saidRule.FindStringSubmatch(th.Comments[0].Body)[1:], "/")))
		a.mu.Unlock()
	}
}

func (a *audit) applyOne(ctx context.Context, stage *demo.Stage, repo *fakehub.Repo, p fakehub.Pull, th fakehub.Thread) error {
	body := th.Comments[0].Body
	lines, _ := suggested(body)
	m := hiddenLine.FindStringSubmatch(body)
	if m == nil {
		return fmt.Errorf("no marker in %q", body)
	}
	key, err := url.QueryUnescape(m[1])
	if err != nil {
		return err
	}
	text, err := repo.File(p.Head, th.Path)
	if err != nil {
		return err
	}
	start := th.Line
	if th.StartLine > 0 {
		start = th.StartLine
	}
	after := accept(string(text), start, th.Line, lines)
	if was, is := difference(string(text), after); was == is || strings.ContainsAny(was+is, " \t\r\n") {
		return fmt.Errorf("it changes %q to %q, which is more than a word", was, is)
	}
	if _, err := repo.Commit(p.Head, "Apply suggestion", map[string]string{th.Path: after}); err != nil {
		return err
	}
	e, err := repo.PullEvent(p.Number, "synchronize")
	if err != nil {
		return err
	}
	if err := stage.Deliver(ctx, e); err != nil {
		return err
	}
	if err := stage.Settle(ctx); err != nil {
		return err
	}
	r, ok := stage.Report(p.Number)
	if !ok || r.Change.Head != repo.Tip(p.Head) {
		return fmt.Errorf("it was not looked at again")
	}
	for _, d := range r.Verdict.Decisions {
		if string(d.Finding.Print) == key {
			return fmt.Errorf("it is still there: %s", d.Finding.Message)
		}
	}
	return nil
}

// difference cuts what two texts begin and end with alike.
func difference(a, b string) (was, is string) {
	from := 0
	for from < min(len(a), len(b)) && a[from] == b[from] {
		from++
	}
	a, b = a[from:], b[from:]
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return a, b
}

// end looks a last time at what a script left, and accepts its suggestions.
func (a *audit) end(ctx context.Context, where string, stage *demo.Stage, repo *fakehub.Repo) {
	a.look(where, stage.Hub, repo)
	var wrong []string
	for _, p := range repo.Pulls() {
		wrong = append(wrong, a.apply(ctx, where, stage, repo, p.Number)...)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.played++
	a.wrong = append(a.wrong, wrong...)
}

// bodies are the comments without what nobody sees, by family.
func (a *audit) bodies(t *testing.T) map[string][]string {
	out := map[string][]string{}
	for _, at := range slices.Sorted(maps.Keys(a.comments)) {
		body := strings.TrimSpace(hiddenLine.ReplaceAllString(a.comments[at], ""))
		m := saidRule.FindStringSubmatch(body)
		require.NotNil(t, m, "%s says no rule: %s", at, body)
		out[m[1]] = append(out[m[1]], body)
	}
	return out
}
