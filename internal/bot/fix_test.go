package bot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/git"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// A workshop is a host with one pull request whose branch can be pushed to.
type workshop struct {
	host
	b       *Bot
	t       *testing.T
	trees   map[string]fstest.MapFS // by SHA
	head    string
	pull    forge.Pull
	others  []forge.Pull // that have the head too
	past    []history.Standing
	asks    map[string]string // SHA by ask
	commits []forge.Commit
	said    []string
	answers []forge.Answer
	scanned []string // heads
	mayPush bool
	deny    error
	onScan  func() // called while a head is looked at
	lose    bool   // the process ends right after the next push
	cut     error  // instead of scanning
}

func newWorkshop(t *testing.T, files map[string]string) *workshop {
	w := &workshop{t: t, trees: map[string]fstest.MapFS{"base": {}}, asks: map[string]string{}, mayPush: true}
	w.stands.Completed = true
	repo := forge.Repo{ID: 7, Installation: 3, Owner: "acme", Name: "shop", Default: "main"}
	w.pull = forge.Pull{PullRef: forge.PullRef{Repo: repo, Number: 1}, ID: 1, Open: true, Author: user("dev"), BaseRef: "main", BaseSHA: "base", HeadRef: "topic"}
	w.push(files)
	w.b = &Bot{Forge: w, Source: w, Ledger: &shelf{w: w}, Access: w, Talk: w, Pushes: w, Conversations: about{}, Scanners: []scan.Scanner{mender{}}, Now: func() time.Time { return noon },
		Accept:  func(context.Context, forge.Event, string) error { return nil },
		Options: Options{Key: finding.NewKey([]byte("k")), Deadline: time.Minute, Patience: time.Hour, Mode: policy.Enforce, Advisories: func() string { return "" }}}
	return w
}

// push is somebody's commit on top of the branch.
func (w *workshop) push(files map[string]string) {
	tree := maps.Clone(w.trees[w.head])
	if tree == nil {
		tree = fstest.MapFS{}
	}
	for path, text := range files {
		tree[path] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	w.head = fmt.Sprintf("head%d", len(w.trees))
	w.trees[w.head] = tree
}

func (w *workshop) text(path string) string { return string(w.trees[w.head][path].Data) }

func (w *workshop) Pull(context.Context, forge.PullRef) (forge.Pull, error) {
	p := w.pull
	p.HeadSHA = w.head
	return p, nil
}
func (w *workshop) Begin(ctx context.Context, ref forge.PullRef, _ ...string) (forge.Opening, error) {
	p, err := w.Pull(ctx, ref)
	p.PullRef = ref
	file := forge.File{Err: forge.ErrNotFound}
	if w.policy != "" {
		file = forge.File{Text: []byte(w.policy)}
	}
	return forge.Opening{Pull: p, Files: map[string]forge.File{policy.Path: file}}, err
}
func (w *workshop) Look(context.Context, forge.Repo, int, string) (forge.Seen, error) {
	return forge.Seen{Pulls: w.others}, nil
}
func (w *workshop) PutReview(context.Context, forge.Pull, forge.Review) (forge.Placed, error) {
	return nil, nil
}
func (w *workshop) Change(ctx context.Context, _ git.Remote, base, head string, _ int) (*change.Change, error) {
	if w.cut != nil {
		return nil, w.cut
	}
	w.scanned = append(w.scanned, head)
	c, err := change.Between(ctx, w.trees[base], w.trees[head])
	if w.onScan != nil {
		w.onScan()
	}
	return c, err
}
func (w *workshop) Tree(context.Context, git.Remote, string) (*change.Change, error) { return nil, nil }
func (w *workshop) MayWrite(_ context.Context, _ forge.Repo, u forge.User) (bool, error) {
	return u.Login == "dev", nil
}
func (w *workshop) InTeam(context.Context, forge.Repo, string, forge.User) (bool, error) {
	return false, nil
}
func (w *workshop) Answer(_ context.Context, _ forge.PullRef, _ forge.Command, a forge.Answer) error {
	w.answers = append(w.answers, a)
	return nil
}
func (w *workshop) Say(_ context.Context, p forge.PullRef, key string, _ time.Time, words string) error {
	w.said = append(w.said, fmt.Sprintf("%d %s %s", p.Number, key, words))
	return nil
}
func (w *workshop) MayPush(context.Context, forge.Repo) (bool, error)             { return w.mayPush, nil }
func (w *workshop) Granted(int64, string)                                         {}
func (w *workshop) About(context.Context, forge.PullRef, int64) ([]string, error) { return nil, nil }
func (w *workshop) Pushed(_ context.Context, _ forge.Pull, ask string) (string, error) {
	return w.asks[ask], nil
}
func (w *workshop) Push(_ context.Context, p forge.Pull, c forge.Commit) (string, error) {
	if w.deny != nil {
		return "", w.deny
	}
	if p.HeadSHA != w.head {
		return "", forge.ErrMoved
	}
	files := map[string]string{}
	for path, content := range c.Files {
		files[path] = string(content.Text)
	}
	w.push(files)
	w.asks[c.Ask] = w.head
	w.commits = append(w.commits, c)
	if w.lose {
		w.lose = false
		return "", &forge.BusyError{Err: errors.New("cut")}
	}
	return w.head, nil
}

// shelf is the ledger of a workshop.
type shelf struct {
	book
	w *workshop
}

func (s *shelf) At(context.Context, forge.Repo, string) ([]history.Standing, error) {
	return s.w.past, nil
}

// about is what is known of threads: 501 is that of the finding in a.txt.
type about struct{ history.Conversations }

func (about) About(_ context.Context, _ forge.Repo, comment int64) ([]finding.Fingerprint, error) {
	if comment == 501 {
		return []finding.Fingerprint{printOf("a.txt")}, nil
	}
	return nil, nil
}
func (about) Exceptions(context.Context, forge.Repo, time.Time) ([]history.Exception, error) {
	return nil, nil
}

func printOf(path string) finding.Fingerprint {
	return finding.NewKey([]byte("k")).Seal([]finding.Finding{mending(path, 1, "")}, func(p string) string { return p })[0].Print
}

// A mender finds lines that begin with "bad", and knows how to better them:
// "bad" alone it does not.
type mender struct{}

func mending(path string, line int, text string) finding.Finding {
	at := change.Span{Path: path, Start: line, End: line}
	f := finding.New(finding.Rule{ID: "mend/bad", Title: "A bad @line #1", Why: "It is.", How: "Better it.", Severity: finding.High}, at, finding.InFile("bad"), "a bad line")
	if text != "" {
		f.Fix.Edits = []change.Edit{{Span: at, Text: text}}
	}
	return f
}

func (mender) Name() string                  { return "mend" }
func (mender) Rules() []finding.Rule         { return nil }
func (mender) Wants(*change.Change) []string { return nil }
func (mender) EveryCommit() bool             { return false }
func (mender) Inspect(_ context.Context, s scan.Snapshot) (r scan.Report, err error) {
	for _, f := range s.Files {
		b, err := s.Read(f)
		if err != nil {
			return r, err
		}
		for i, line := range strings.Split(string(b), "\n") {
			if rest, ok := strings.CutPrefix(line, "bad"); ok {
				better := ""
				if rest != "" {
					better = "good" + rest + "\n"
				}
				r.Findings = append(r.Findings, mending(f.Path, i+1, better))
			}
		}
	}
	return r, nil
}

func (w *workshop) press(login string) {
	w.t.Helper()
	require.NoError(w.t, w.b.Handle(w.t.Context(), w.pressed(login)))
}

func (w *workshop) pressed(login string) forge.Event {
	return forge.Event{Kind: forge.ButtonPressed, Delivery: "d" + login, Received: noon, Repo: w.pull.Repo, Number: 1, Installation: 3, SHA: w.head, Sender: user(login), Button: report.FixButton}
}

func (w *workshop) say(login string, thread int64, words string) forge.Answer {
	w.t.Helper()
	require.NoError(w.t, w.b.Handle(w.t.Context(), forge.Event{Kind: forge.Commanded, Delivery: "d", Received: noon, Repo: w.pull.Repo, Number: 1, Installation: 3,
		Sender: user(login), Command: forge.Command{Comment: int64(900 + len(w.answers)), Thread: thread, Words: words, At: noon}}))
	return w.answers[len(w.answers)-1]
}

func TestWhoMayHaveItFixed(t *testing.T) {
	for name, test := range map[string]struct {
		login    string
		thread   int64
		words    string
		spoil    func(*workshop)
		reaction forge.Reaction
		says     string
		fixed    []string // paths
	}{
		"all":                             {"dev", 0, "fix", nil, forge.Done, "Pushed `head2`, which fixes 2 findings.", []string{"a.txt", "b.txt"}},
		"by name":                         {"dev", 0, "fix " + string(printOf("b.txt")), nil, forge.Done, "fixes 1 finding.", []string{"b.txt"}},
		"in its thread":                   {"dev", 501, "fix", nil, forge.Done, "fixes 1 finding.", []string{"a.txt"}},
		"another by name, in a thread":    {"dev", 501, "fix " + string(printOf("b.txt")), nil, forge.Done, "fixes 1 finding.", []string{"b.txt"}},
		"in a thread of nothing":          {"dev", 502, "fix", nil, forge.Unclear, "Which finding", nil},
		"of nothing that we know":         {"dev", 0, "fix please", nil, forge.Unclear, "Which finding", nil},
		"of what is not there":            {"dev", 0, "fix " + strings.Repeat("f", 32), nil, forge.Unclear, "has no finding", nil},
		"of what has no fix":              {"dev", 0, "fix " + string(printOf("c.txt")), nil, forge.Unclear, "can be pushed", nil},
		"of what is accepted":             {"dev", 501, "fix", func(w *workshop) { w.policy = "version: 1\npaths: {ignore: ['a.txt']}\n" }, forge.Unclear, "accepts", nil},
		"but what is accepted":            {"dev", 0, "fix", func(w *workshop) { w.policy = "version: 1\npaths: {ignore: ['a.txt']}\n" }, forge.Done, "fixes 1 finding.", []string{"b.txt"}},
		"by somebody who may not write":   {"mallory", 0, "fix", nil, forge.Refused, "may write", nil},
		"by the author who may not write": {"mallory", 0, "fix", func(w *workshop) { w.pull.Author = user("mallory") }, forge.Refused, "may write", nil},
		"on a fork":                       {"dev", 0, "fix", func(w *workshop) { w.pull.Fork = true }, forge.Refused, "fork", nil},
		"without contents: write":         {"dev", 0, "fix", func(w *workshop) { w.mayPush = false }, forge.Refused, "contents: write", nil},
		"taken away just then":            {"dev", 0, "fix", func(w *workshop) { w.deny = forge.ErrDenied }, forge.Refused, "contents: write", nil},
		"protected":                       {"dev", 0, "fix", func(w *workshop) { w.deny = &forge.RefusedError{Why: "No @all."} }, forge.Refused, "push to `topic`: No @&#8288;all.", nil},
		"closed":                          {"dev", 0, "fix", func(w *workshop) { w.pull.Open = false }, forge.Unclear, "closed", nil},
		"on a server that pushes nothing": {"dev", 0, "fix", func(w *workshop) { w.b.Pushes = nil }, forge.Refused, "contents: write", nil},
		"nothing is wrong":                {"dev", 0, "fix", func(w *workshop) { w.push(map[string]string{"a.txt": "x", "b.txt": "x"}) }, forge.Unclear, "nothing that stands", nil},
		"a head that cannot be looked at": {"dev", 0, "fix", func(w *workshop) { w.cut = forge.ErrNotFound }, forge.Unclear, "could not be looked at", nil},
		"a head that is gone":             {"dev", 0, "fix", func(w *workshop) { w.cut = git.ErrGone }, forge.Unclear, "moved each time", nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorkshop(t, map[string]string{"a.txt": "bad 1\n", "b.txt": "bad 2\n", "c.txt": "bad\n"})
			if test.spoil != nil {
				test.spoil(w)
			}
			before := w.head
			a := w.say(test.login, test.thread, test.words)
			assert.Equal(t, test.reaction, a.Reaction, a.Words)
			assert.Contains(t, a.Words, test.says)
			assert.NotContains(t, a.Words, "\n")
			if test.fixed == nil {
				assert.Empty(t, w.commits)
				assert.Equal(t, before, w.head)
				return
			}
			require.Len(t, w.commits, 1)
			var fixed []string
			for path, c := range w.commits[0].Files {
				fixed = append(fixed, path)
				assert.True(t, strings.HasPrefix(string(c.Text), "good "))
			}
			assert.ElementsMatch(t, test.fixed, fixed)
		})
	}
}

func TestFixPressed(t *testing.T) {
	w := newWorkshop(t, map[string]string{"a.txt": "bad 1\n"})
	w.press("mallory")
	assert.Empty(t, w.commits)
	assert.Empty(t, w.scanned, "a stranger's press makes no work")
	e := w.pressed("dev")
	w.press("dev")
	require.Len(t, w.commits, 1)
	assert.Equal(t, "good 1\n", w.text("a.txt"))
	assert.Contains(t, w.commits[0].Message, "Fix: A bad @\u2060line #\u20601")
	assert.Contains(t, w.commits[0].Message, "- a.txt:1: ")
	assert.Contains(t, w.commits[0].Message, "\nAsked for by dev.\n")

	// Delivered again, and pressed again on the old head.
	require.NoError(t, w.b.Handle(t.Context(), e))
	e.Delivery = "another"
	require.NoError(t, w.b.Handle(t.Context(), e))
	assert.Len(t, w.commits, 1)
	assert.Empty(t, w.said, "the commit says all there is to say")

	// Two buttons are two things that one person may want at once.
	again := e
	again.Button = report.RerunButton
	assert.NotEqual(t, e.Key(), again.Key())

	w.b.Pushes = nil
	require.NoError(t, w.b.Handle(t.Context(), e))
	assert.Len(t, w.commits, 1)
}

func TestFixPressedIsAnswered(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*workshop)
		says  string
	}{
		"on a fork":     {func(w *workshop) { w.pull.Fork = true }, "1 press/ddev *Fix it*, pressed by `dev`: This pull request comes from a fork"},
		"protected":     {func(w *workshop) { w.deny = &forge.RefusedError{Why: "No."} }, "GitHub does not let the App push to `topic`: No."},
		"moving":        {func(w *workshop) { w.onScan = func() { w.push(map[string]string{"z": w.head}) } }, "The branch moved each time"},
		"left out":      {func(w *workshop) { w.push(map[string]string{".github/workflows/ci.yml": "bad 2\n"}) }, "Left out: `mend/bad` at `.github/workflows/ci.yml:1` (only people change workflows)."},
		"not looked at": {func(w *workshop) { w.cut = &git.LimitError{} }, "could not be looked at"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorkshop(t, map[string]string{"a.txt": "bad 1\n"})
			test.spoil(w)
			w.press("dev")
			require.Len(t, w.said, 1)
			assert.Contains(t, w.said[0], test.says)
			assert.NotContains(t, w.said[0], "\n")
		})
	}
}

// Fixes come from the present head, whatever the event says, and never from one that is over.
func TestFixLooksAtThePresentHead(t *testing.T) {
	w := newWorkshop(t, map[string]string{"a.txt": "bad 1\n"})
	e := w.pressed("dev")
	w.push(map[string]string{"a.txt": "new\nbad 2\n"})
	moves := 1
	w.onScan = func() {
		if moves > 0 {
			moves--
			w.push(map[string]string{"a.txt": "newer\nnew\nbad 3\n"})
		}
	}
	require.NoError(t, w.b.Handle(t.Context(), e))
	assert.Equal(t, []string{"head2", "head3"}, w.scanned)
	require.Len(t, w.commits, 1)
	assert.Equal(t, "newer\nnew\ngood 3\n", w.text("a.txt"))
}

// When the head moves GitHub no longer tells which pull request a check was on.
func TestFixPressedOnAnOldHead(t *testing.T) {
	pull := func(n int, branch string, fork bool) forge.Pull {
		return forge.Pull{PullRef: forge.PullRef{Number: n}, HeadRef: branch, Fork: fork}
	}
	for name, test := range map[string]struct {
		others  []forge.Pull
		past    []history.Standing
		commits int
		said    []string
	}{
		"of one":                      {past: []history.Standing{{Pull: 1}}, commits: 1},
		"of nobody":                   {},
		"of a merge group":            {past: []history.Standing{{Pull: 0}}},
		"of two":                      {past: []history.Standing{{Pull: 1}, {Pull: 2}}, said: []string{"1 press/ddev", "2 press/ddev"}},
		"onto two bases":              {others: []forge.Pull{pull(1, "topic", false), pull(2, "topic", false)}, commits: 1},
		"of two branches":             {others: []forge.Pull{pull(1, "topic", false), pull(2, "other", false)}, said: []string{"1 press/ddev", "2 press/ddev"}},
		"a fork has it too":           {others: []forge.Pull{pull(2, "topic", true), pull(1, "topic", false)}, commits: 1},
		"only forks have it, not one": {others: []forge.Pull{pull(2, "topic", true)}, past: []history.Standing{{Pull: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorkshop(t, map[string]string{"a.txt": "bad 1\n"})
			e := w.pressed("dev")
			e.Number = 0
			w.others, w.past = test.others, test.past
			require.NoError(t, w.b.Handle(t.Context(), e))
			assert.Len(t, w.commits, test.commits)
			require.Len(t, w.said, len(test.said))
			for i, want := range test.said {
				assert.Contains(t, w.said[i], want)
				assert.Contains(t, w.said[i], "Several pull requests have this head")
			}
		})
	}
}

// Whoever asks once gets one commit, also if the server ends right after it.
func TestFixAfterACrash(t *testing.T) {
	w := newWorkshop(t, map[string]string{"a.txt": "bad 1\n"})
	w.lose = true
	e := w.pressed("dev")
	var busy *forge.BusyError
	require.ErrorAs(t, w.b.Handle(t.Context(), e), &busy, "it is tried again")
	w.push(map[string]string{"b.txt": "bad 2\n"}) // what comes after is not what was asked for
	require.NoError(t, w.b.Handle(t.Context(), e))
	assert.Len(t, w.commits, 1)
	assert.Equal(t, "bad 2\n", w.text("b.txt"))
}

func TestFixThatTakesTooLong(t *testing.T) {
	w := newWorkshop(t, map[string]string{"a.txt": "bad 1\n"})
	w.b.Options.Deadline = time.Nanosecond
	assert.Contains(t, w.say("dev", 0, "fix").Words, "took longer than it may")
	assert.Empty(t, w.commits)
}

// The button is there if a press would push something.
func TestFixButton(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		spoil func(*workshop)
		shown bool
	}{
		"something to fix":        {map[string]string{"a.txt": "bad 1\n"}, nil, true},
		"on a draft":              {map[string]string{"a.txt": "bad 1\n"}, func(w *workshop) { w.pull.Draft = true }, true},
		"nothing to fix":          {map[string]string{"a.txt": "bad\n"}, nil, false},
		"nothing at all":          {map[string]string{"a.txt": "x\n"}, nil, false},
		"accepted":                {map[string]string{"a.txt": "bad 1\n"}, func(w *workshop) { w.policy = "version: 1\npaths: {ignore: ['a.txt']}\n" }, false},
		"only in a workflow":      {map[string]string{".github/workflows/ci.yml": "bad 1\n"}, nil, false},
		"a fork":                  {map[string]string{"a.txt": "bad 1\n"}, func(w *workshop) { w.pull.Fork = true }, false},
		"without contents: write": {map[string]string{"a.txt": "bad 1\n"}, func(w *workshop) { w.mayPush = false }, false},
		"nothing pushes":          {map[string]string{"a.txt": "bad 1\n"}, func(w *workshop) { w.b.Pushes = nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorkshop(t, test.files)
			if test.spoil != nil {
				test.spoil(w)
			}
			w.b.Ledger = &standing{}
			require.NoError(t, w.b.Handle(t.Context(), forge.Event{Kind: forge.PullChanged, Number: 1, Received: noon, Repo: w.pull.Repo}))
			require.NotEmpty(t, w.checks)
			actions := w.checks[len(w.checks)-1].Actions
			if !test.shown {
				assert.Empty(t, actions)
				return
			}
			require.Len(t, actions, 1)
			a := actions[0]
			assert.Equal(t, report.FixButton, a.Identifier)
			assert.LessOrEqual(t, len(a.Label), 20)
			assert.LessOrEqual(t, len(a.Description), 40)
			assert.LessOrEqual(t, len(a.Identifier), 20)
		})
	}
}

func TestPatch(t *testing.T) {
	tree := fstest.MapFS{
		"f":                        {Data: []byte("1\n2\n3\n"), Mode: 0o644},
		"g":                        {Data: []byte("1\n"), Mode: 0o644},
		"run":                      {Data: []byte("1\r\n2\r\n"), Mode: 0o755},
		"wide":                     {Data: []byte("1\x00\n\x00"), Mode: 0o644},
		"latin":                    {Data: []byte("\xe9\n"), Mode: 0o644},
		"large":                    {Data: []byte(strings.Repeat("1234567\n", 1<<17+1)), Mode: 0o644},
		"link":                     {Data: []byte("f"), Mode: fs.ModeSymlink | 0o777},
		"dir/f":                    {Data: []byte("1\n"), Mode: 0o644},
		"way":                      {Data: []byte("dir"), Mode: fs.ModeSymlink | 0o777},
		".git/config":              {Data: []byte("1\n"), Mode: 0o644},
		"sub/.Git/config":          {Data: []byte("1\n"), Mode: 0o644},
		"sub/.git ./config":        {Data: []byte("1\n"), Mode: 0o644},
		".github/workflows/ci.yml": {Data: []byte("1\n"), Mode: 0o644},
		".github/dependabot.yml":   {Data: []byte("1\n"), Mode: 0o644},
	}
	edit := func(path string, start, end int, text string) change.Edit {
		return change.Edit{Span: change.Span{Path: path, Start: start, End: end}, Text: text}
	}
	type edits = []change.Edit
	for name, test := range map[string]struct {
		fixes []edits
		left  []string // why, by fix; "" if it is made
		want  map[string]string
	}{
		"two places":             {[]edits{{edit("f", 1, 1, "a\n")}, {edit("f", 3, 3, "c\n")}}, []string{"", ""}, map[string]string{"f": "a\n2\nc\n"}},
		"two files at once":      {[]edits{{edit("f", 1, 1, "a\n"), edit("g", 1, 1, "b\n")}}, []string{""}, map[string]string{"f": "a\n2\n3\n", "g": "b\n"}},
		"the same twice":         {[]edits{{edit("f", 2, 2, "x\n")}, {edit("f", 2, 2, "x\n")}}, []string{"", ""}, map[string]string{"f": "1\nx\n3\n"}},
		"the same line":          {[]edits{{edit("f", 2, 2, "x\n")}, {edit("f", 2, 2, "y\n")}}, []string{"", report.LeftOverlap}, map[string]string{"f": "1\nx\n3\n"}},
		"overlapping":            {[]edits{{edit("f", 1, 2, "x\n")}, {edit("f", 2, 3, "y\n")}, {edit("f", 3, 3, "z\n")}}, []string{"", report.LeftOverlap, ""}, map[string]string{"f": "x\nz\n"}},
		"whole or not at all":    {[]edits{{edit("f", 2, 2, "x\n")}, {edit("g", 1, 1, "y\n"), edit("f", 2, 2, "y\n")}}, []string{"", report.LeftOverlap}, map[string]string{"f": "1\nx\n3\n"}},
		"line ends and mode":     {[]edits{{edit("run", 1, 1, "x\n")}}, []string{""}, map[string]string{"run": "x\r\n2\r\n"}},
		"nothing new":            {[]edits{{edit("f", 2, 2, "2\n")}}, []string{""}, map[string]string{}},
		"no such line":           {[]edits{{edit("f", 9, 9, "x\n")}}, []string{report.LeftNoLines}, nil},
		"the whole file":         {[]edits{{edit("f", 0, 0, "x\n")}}, []string{report.LeftNoLines}, nil},
		"no such file":           {[]edits{{edit("h", 1, 1, "x\n")}}, []string{report.LeftNoFile}, nil},
		"a directory":            {[]edits{{edit("dir", 1, 1, "x\n")}}, []string{report.LeftNoFile}, nil},
		"a link":                 {[]edits{{edit("link", 1, 1, "x\n")}}, []string{report.LeftNoFile}, nil},
		"through a link":         {[]edits{{edit("way/f", 1, 1, "x\n")}}, []string{report.LeftNoFile}, nil},
		"through a file":         {[]edits{{edit("f/f", 1, 1, "x\n")}}, []string{report.LeftNoFile}, nil},
		"outside":                {[]edits{{edit("../f", 1, 1, "x\n")}}, []string{report.LeftNoFile}, nil},
		"from the root":          {[]edits{{edit("/f", 1, 1, "x\n")}}, []string{report.LeftNoFile}, nil},
		"git's own":              {[]edits{{edit(".git/config", 1, 1, "x\n")}}, []string{report.LeftNoFile}, nil},
		"git's own, in capitals": {[]edits{{edit("sub/.Git/config", 1, 1, "x\n")}}, []string{report.LeftNoFile}, nil},
		"git's own, elsewhere":   {[]edits{{edit("sub/.git ./config", 1, 1, "x\n")}}, []string{report.LeftNoFile}, nil},
		"a workflow":             {[]edits{{edit(".github/workflows/ci.yml", 1, 1, "x\n")}}, []string{report.LeftWorkflow}, nil},
		"beside the workflows":   {[]edits{{edit(".github/dependabot.yml", 1, 1, "x\n")}}, []string{""}, map[string]string{".github/dependabot.yml": "x\n"}},
		"wide characters":        {[]edits{{edit("wide", 1, 1, "x\n")}}, []string{report.LeftNoText}, nil},
		"Latin-1":                {[]edits{{edit("latin", 1, 1, "x\n")}}, []string{report.LeftNoText}, nil},
		"too large":              {[]edits{{edit("large", 1, 1, "x\n")}}, []string{report.LeftTooLarge}, nil},
		"with a secret":          {[]edits{{edit("f", 1, 1, "key = "+canary+"\n")}}, []string{report.LeftSecret}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			secret := finding.New(finding.Rule{ID: "secret/x"}, change.Span{}, finding.OfSecret(canary), "")
			r := &report.Report{Change: &change.Change{After: tree}, Result: finding.Result{Redactor: finding.NewRedactor(secret)}}
			var wanted []policy.Decision
			for _, e := range test.fixes {
				d := policy.Decision{Finding: mending(e[0].Span.Path, e[0].Span.Start, "")}
				d.Finding.Fix.Edits = e
				wanted = append(wanted, d)
			}
			p := patchOf(t.Context(), r, wanted)
			var left []string
			for _, l := range p.left {
				left = append(left, l.Why)
			}
			var want []string
			for _, why := range test.left {
				if why != "" {
					want = append(want, why)
				}
			}
			assert.Equal(t, want, left)
			assert.Len(t, p.fixed, len(test.left)-len(want))
			got := map[string]string{}
			for path, c := range p.contents() {
				got[path] = string(c.Text)
				assert.Equal(t, path == "run", c.Executable)
			}
			if test.want == nil {
				test.want = map[string]string{}
			}
			assert.Equal(t, test.want, got)
		})
	}
}

// One commit has its bounds: what goes beyond them is left out, and named.
func TestPatchHasBounds(t *testing.T) {
	for name, test := range map[string]struct {
		files, bytes, fixed int
	}{
		"many files": {patchFiles + 2, 10, patchFiles},
		"much text":  {10, patchFile, patchBytes / patchFile},
	} {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{}
			var wanted []policy.Decision
			for i := range test.files {
				path := fmt.Sprintf("f%d", i)
				tree[path] = &fstest.MapFile{Data: []byte(strings.Repeat("x", test.bytes-1) + "\n"), Mode: 0o644}
				wanted = append(wanted, policy.Decision{Finding: mending(path, 1, "y\n")})
			}
			p := patchOf(t.Context(), &report.Report{Change: &change.Change{After: tree}, Result: finding.Result{Redactor: finding.NewRedactor()}}, wanted)
			assert.Len(t, p.fixed, test.fixed)
			assert.Len(t, p.contents(), test.fixed)
			require.Len(t, p.left, test.files-test.fixed)
			assert.Equal(t, report.LeftTooLarge, p.left[0].Why)
			words := report.Mended{Of: &report.Report{}, SHA: "0123456789", Fixed: p.fixed, Left: p.left}.Words()
			assert.Contains(t, words, "(too much would change at once)")
		})
	}
}

// canary stands for a secret.
const canary = "wJ7k" + "Q2mX9vT4bN6c"
