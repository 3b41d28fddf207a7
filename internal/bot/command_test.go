package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/scan"
	"github.com/pullwarden/pullwarden/internal/store"
)

// parley is a pull request of dev with a finding in pay.go that people talk about.
type parley struct {
	host
	t        *testing.T
	b        *Bot
	db       *store.DB
	repo     forge.Repo
	find     finding.Finding
	others   []finding.Finding // in the same thread
	owners   string            // CODEOWNERS of the default branch
	closed   bool
	writers  map[string]bool
	team     []string
	hidden   bool // the App may not read teams
	answers  []forge.Answer
	answerTo error
	accepted []forge.Event
	number   int64              // of the latest comment
	thread   int64              // where commands are written
	keys     map[int64][]string // of comments, as the host shows them
	at       time.Duration      // after noon: when comments are written
	orgs     string
	author   string // of pull request 1
	issues   []forge.Issue
	noIssues error
}

var logins = map[string]int64{"dev": 5, "lead": 6, "alice": 7, "mallory": 8}

func (p *parley) Begin(_ context.Context, ref forge.PullRef, _ ...string) (forge.Opening, error) {
	files := map[string]forge.File{policy.Path: {Err: forge.ErrNotFound}, ".github/CODEOWNERS": {Text: []byte(p.owners)}}
	if p.policy != "" {
		files[policy.Path] = forge.File{Text: []byte(p.policy)}
	}
	return forge.Opening{Files: files, Pull: forge.Pull{PullRef: ref, ID: 1, Open: !p.closed, Author: user(p.author), BaseRef: "main", HeadSHA: "head"}}, nil
}
func (p *parley) MayWrite(_ context.Context, _ forge.Repo, u forge.User) (bool, error) {
	return p.writers[u.Login], nil
}
func (p *parley) InTeam(_ context.Context, _ forge.Repo, team string, u forge.User) (bool, error) {
	if p.hidden {
		return false, forge.ErrDenied
	}
	for _, login := range p.team {
		if team == "acme/security" && login == u.Login {
			return true, nil
		}
	}
	return false, nil
}
func (p *parley) Answer(_ context.Context, _ forge.PullRef, _ forge.Command, a forge.Answer) error {
	p.answers = append(p.answers, a)
	return p.answerTo
}

func (p *parley) About(_ context.Context, _ forge.PullRef, comment int64) ([]string, error) {
	return p.keys[comment], nil
}

func (p *parley) Say(context.Context, forge.PullRef, string, time.Time, string) error {
	return errors.New("nothing is said unasked")
}

func (p *parley) OwnersFiles(_ context.Context, _ forge.Repo, _ string, paths ...string) map[string]forge.File {
	files := map[string]forge.File{}
	for _, path := range paths {
		if files[path] = (forge.File{Text: []byte(p.orgs)}); p.orgs == "" {
			files[path] = forge.File{Err: forge.ErrNotFound}
		}
	}
	return files
}

func user(login string) forge.User { return forge.User{ID: logins[login], Login: login} }

// newParley has a finding of that severity, which the latest review saw.
func newParley(t *testing.T, severity finding.Severity) *parley {
	db, err := store.Open(t.Context(), "sqlite::memory:", nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	p := &parley{t: t, db: db, repo: forge.Repo{ID: 7, Installation: 3, Owner: "acme", Name: "shop", Default: "main"}, owners: "*.go @lead\n",
		writers: map[string]bool{"dev": true, "lead": true, "alice": true}, team: []string{"alice"}}
	p.author, p.thread = "dev", 501
	p.policy = "version: 1\nsecurity: {reviewers: ['@acme/security']}\n"
	key := finding.NewKey([]byte("k"))
	p.b = &Bot{Forge: p, Ledger: db.Ledger(), Conversations: db.Conversations(), Access: p, Talk: p, Now: func() time.Time { return noon },
		Options: Options{Key: key, Mode: policy.Enforce},
		Accept: func(_ context.Context, e forge.Event, key string) error {
			assert.Equal(t, e.Key(), key)
			p.accepted = append(p.accepted, e)
			return nil
		}}
	rule := finding.Rule{ID: "secret/x", Title: "A secret", Why: "It matters.", How: "Rotate it.", Severity: severity}
	p.find = key.Seal([]finding.Finding{finding.New(rule, change.Span{Path: "pay.go", Start: 3, End: 3}, finding.InFile("x"), "a secret")}, func(p string) string { return p })[0]
	p.review(1)
	require.NoError(t, db.Ledger().Posted(t.Context(), p.repo, 1, "head", 41, forge.Placed{string(p.find.Print): 501}, noon))
	return p
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// review records what a review of a pull request finds now, and returns what is decided.
func (p *parley) review(number int) policy.Decision {
	p.t.Helper()
	asked, err := p.b.asked(p.t.Context(), p.repo, user(p.author))
	require.NoError(p.t, err)
	rules := policy.Default()
	rules.Ignore = asked
	result := finding.Result{Findings: append([]finding.Finding{p.find}, p.others...), Statuses: []finding.Status{{Scanner: "secret"}}, Scanned: finding.Scanned{Blobs: 1, Of: 1}}
	verdict := rules.Judge(result, noon)
	_, err = p.db.Ledger().Record(p.t.Context(), history.Run{Repo: p.repo, Pull: forge.Pull{PullRef: forge.PullRef{Repo: p.repo, Number: number}, ID: int64(number), Open: true, Author: user("dev")},
		SHA: "head", BaseRef: "main", Policy: rules, KeyID: p.b.Options.Key.ID, Result: result, Verdict: verdict, Finished: noon})
	require.NoError(p.t, err)
	return verdict.Decisions[0]
}

// say has somebody write a command in our thread, and returns the answer.
func (p *parley) say(login, words string) forge.Answer {
	p.t.Helper()
	p.number++
	p.again(login, words)
	return p.answers[len(p.answers)-1]
}

// again brings the latest command once more.
func (p *parley) again(login, words string) {
	p.t.Helper()
	require.NoError(p.t, p.b.Handle(p.t.Context(), forge.Event{Kind: forge.Commanded, Delivery: "d", Received: noon, Repo: p.repo, Number: 1, Installation: 3,
		Sender: user(login), Command: forge.Command{Comment: p.number, Thread: p.thread, Words: words, At: noon.Add(p.at)}}))
}

func (p *parley) stands(want policy.Action) {
	p.t.Helper()
	assert.Equal(p.t, want, p.review(1).Action)
}

// A comment that was just posted, GitHub alone knows what it is about.
func TestCommandInAThreadOfTheLatestReview(t *testing.T) {
	for name, test := range map[string]struct {
		keys     func(*parley) []string
		reaction forge.Reaction
		want     policy.Action
	}{
		"about the finding": {func(p *parley) []string { return []string{string(p.find.Print)} }, forge.Done, policy.Ignored},
		"and one more":      {func(p *parley) []string { return []string{strings.Repeat("a", 32), string(p.find.Print)} }, forge.Done, policy.Ignored},
		"an answer of ours": {func(*parley) []string { return []string{"answer/7"} }, forge.Unclear, policy.Comment},
		"not ours":          {func(*parley) []string { return nil }, forge.Unclear, policy.Comment},
	} {
		t.Run(name, func(t *testing.T) {
			p := newParley(t, finding.Medium)
			p.thread, p.keys = 502, map[int64][]string{502: test.keys(p)}
			assert.Equal(t, test.reaction, p.say("lead", "ignore it is fine").Reaction)
			p.stands(test.want)
		})
	}
}

func TestWhoMayExcept(t *testing.T) {
	for name, test := range map[string]struct {
		severity finding.Severity
		spoil    func(*parley)
		said     [][2]string // login, words
		reaction forge.Reaction
		words    string
		want     policy.Action
	}{
		"nobody who may not write":              {finding.Medium, nil, [][2]string{{"mallory", "ignore it is fine"}}, forge.Refused, "may write", policy.Comment},
		"the author, of what is only commented": {finding.Medium, nil, [][2]string{{"dev", "ignore it is fine"}}, forge.Done, "Accepted in this repository through 2026-03-31", policy.Ignored},
		"the author, of what blocks, waits":     {finding.High, nil, [][2]string{{"dev", "ignore it is fine"}}, forge.Done, "`@lead` or `@acme/security`", policy.Block},
		"an owner of the place":                 {finding.High, nil, [][2]string{{"lead", "ignore it is fine"}}, forge.Done, "Accepted", policy.Ignored},
		"a security reviewer by team":           {finding.High, nil, [][2]string{{"alice", "ignore it is fine"}}, forge.Done, "Accepted", policy.Ignored},
		"an owner who is the author waits":      {finding.High, func(p *parley) { p.owners = "* @dev\n" }, [][2]string{{"dev", "ignore it is fine"}}, forge.Done, "somebody else", policy.Block},
		"an owner approves":                     {finding.High, nil, [][2]string{{"dev", "ignore it is fine"}, {"lead", "approve"}}, forge.Done, "Approved", policy.Ignored},
		"a team approves":                       {finding.High, nil, [][2]string{{"dev", "ignore it is fine"}, {"alice", "APPROVE"}}, forge.Done, "Approved", policy.Ignored},
		"whoever may only write does not":       {finding.High, func(p *parley) { p.team = nil }, [][2]string{{"dev", "ignore it is fine"}, {"alice", "approve"}}, forge.Refused, "approved by `@lead` or `@acme/security`", policy.Block},
		"the author, owner or not, does not":    {finding.High, func(p *parley) { p.owners = "* @dev @lead\n" }, [][2]string{{"alice", "withdraw"}, {"dev", "ignore it is fine"}, {"dev", "approve"}}, forge.Refused, "Somebody else", policy.Block},
		"nobody, where nobody is named":         {finding.High, func(p *parley) { p.owners, p.policy = "", "" }, [][2]string{{"lead", "ignore it is fine"}, {"alice", "approve"}}, forge.Refused, "neither names anybody", policy.Block},
		"a team that is hidden":                 {finding.High, func(p *parley) { p.hidden = true }, [][2]string{{"dev", "ignore it is fine"}, {"alice", "approve"}}, forge.Refused, "members: read", policy.Block},
		"an owner, though a team is hidden":     {finding.High, func(p *parley) { p.hidden = true }, [][2]string{{"dev", "ignore it is fine"}, {"lead", "approve"}}, forge.Done, "Approved", policy.Ignored},
		"an address is nobody":                  {finding.High, func(p *parley) { p.owners = "* lead@shop.test\n" }, [][2]string{{"lead", "ignore it is fine"}}, forge.Done, "Asked for", policy.Block},
		"nothing waits":                         {finding.High, nil, [][2]string{{"lead", "approve"}}, forge.Unclear, "waits for approval", policy.Block},
		"withdrawn":                             {finding.High, nil, [][2]string{{"lead", "ignore it is fine"}, {"dev", "withdraw"}}, forge.Done, "Withdrawn", policy.Block},
		"withdrawn, then approved":              {finding.High, nil, [][2]string{{"dev", "ignore it is fine"}, {"dev", "withdraw"}, {"lead", "approve"}}, forge.Unclear, "waits for approval", policy.Block},
		"nothing to withdraw":                   {finding.High, nil, [][2]string{{"dev", "withdraw"}}, forge.Unclear, "No exception", policy.Block},
		"no reason":                             {finding.High, nil, [][2]string{{"lead", "ignore"}}, forge.Unclear, "say why", policy.Block},
		"no reason but a date":                  {finding.High, nil, [][2]string{{"lead", "ignore until 2026-03-05"}}, forge.Unclear, "say why", policy.Block},
		"until a day":                           {finding.High, nil, [][2]string{{"lead", "ignore it is fine until 2026-03-05"}}, forge.Done, "through 2026-03-05", policy.Ignored},
		"until today":                           {finding.High, nil, [][2]string{{"lead", "ignore it is fine until 2026-03-01"}}, forge.Done, "through 2026-03-01", policy.Ignored},
		"until yesterday":                       {finding.High, nil, [][2]string{{"lead", "ignore it is fine until 2026-02-28"}}, forge.Unclear, "over", policy.Block},
		"until soon":                            {finding.High, nil, [][2]string{{"lead", "ignore it is fine until soon"}}, forge.Unclear, "has to be a date", policy.Block},
		"until for ever":                        {finding.High, nil, [][2]string{{"lead", "ignore it is fine until 9999-01-01"}}, forge.Unclear, "2027-03-02 at the latest", policy.Block},
		"on a closed pull request":              {finding.High, func(p *parley) { p.closed = true }, [][2]string{{"lead", "ignore it is fine"}}, forge.Unclear, "closed", policy.Block},
		"by another finding's name":             {finding.High, nil, [][2]string{{"lead", "ignore ffffffffffffffffffffffffffffffff it is fine"}}, forge.Unclear, "has no finding", policy.Block},
		"no such command":                       {finding.High, nil, [][2]string{{"lead", "dance"}}, forge.Unclear, "no such command", policy.Block},
		"nothing at all":                        {finding.High, nil, [][2]string{{"lead", ""}}, forge.Unclear, "no such command", policy.Block},
	} {
		t.Run(name, func(t *testing.T) {
			p := newParley(t, test.severity)
			if test.spoil != nil {
				test.spoil(p)
			}
			for _, s := range test.said[:len(test.said)-1] {
				p.say(s[0], s[1])
			}
			last := test.said[len(test.said)-1]
			a := p.say(last[0], last[1])
			assert.Equal(t, test.reaction, a.Reaction, a.Words)
			assert.Contains(t, a.Words, test.words)
			assert.NotContains(t, a.Words, "\n")
			p.stands(test.want)
			p.again(last[0], last[1])
			assert.Equal(t, a.Reaction, p.answers[len(p.answers)-1].Reaction, "the same again; its words are not said twice")
			p.stands(test.want)
		})
	}
}

// The organisation says how long an exception may last; what is asked for
// without a date lasts no longer.
func TestExceptionsEndAsTheOrganisationWants(t *testing.T) {
	p := newParley(t, finding.Medium)
	p.policy = "version: 1\n"
	p.orgs = "version: 1\nfloors: {exception: 7d}\n"
	assert.Contains(t, p.say("lead", "ignore it is fine until 2026-03-09").Words, "2026-03-08 at the latest")
	assert.Contains(t, p.say("lead", "ignore it is fine").Words, "through 2026-03-08")
}

// All pull requests with the finding are judged again, and no other.
func TestAnExceptionReachesAllWithTheFinding(t *testing.T) {
	p := newParley(t, finding.High)
	p.review(2)
	p.say("dev", "why")
	assert.Empty(t, p.accepted, "nothing has changed")
	p.say("lead", "ignore it is fine")
	var numbers []int
	for _, e := range p.accepted {
		assert.Equal(t, forge.PullChanged, e.Kind)
		numbers = append(numbers, e.Number)
	}
	assert.Equal(t, []int{1, 2}, numbers)
}

// That a comment cannot be answered undoes nothing.
func TestACommandThatCannotBeAnswered(t *testing.T) {
	for name, err := range map[string]error{"locked": forge.ErrDenied, "deleted": forge.ErrNotFound} {
		t.Run(name, func(t *testing.T) {
			p := newParley(t, finding.High)
			p.answerTo = err
			p.say("lead", "ignore it is fine")
			p.stands(policy.Ignored)
			assert.Len(t, p.accepted, 1)
		})
	}
	p := newParley(t, finding.High)
	p.answerTo = errors.New("cut")
	err := p.b.Handle(t.Context(), forge.Event{Kind: forge.Commanded, Repo: p.repo, Number: 1, Sender: user("lead"), Command: forge.Command{Comment: 9, Thread: 501, Words: "help"}})
	assert.ErrorContains(t, err, "cut", "it is tried again")
}

func TestWhatTheAuthorMayAsk(t *testing.T) {
	for words, want := range map[string]forge.Reaction{"why": forge.Done, "help": forge.Done, "rescan": forge.Done,
		"ignore x": forge.Refused, "approve": forge.Refused, "withdraw": forge.Refused, "not-useful x": forge.Refused} {
		p := newParley(t, finding.High) // a budget of answers of its own
		p.writers = nil
		assert.Equal(t, want, p.say("dev", words).Reaction, words)
		assert.Equal(t, forge.Refused, p.say("mallory", words).Reaction, words)
		if words != "rescan" {
			assert.Empty(t, p.accepted, words)
			continue
		}
		require.Len(t, p.accepted, 1)
		assert.Equal(t, forge.CheckAsked, p.accepted[0].Kind)
		assert.Equal(t, "head", p.accepted[0].SHA)
	}
}

func TestFeedbackChangesNoVerdict(t *testing.T) {
	p := newParley(t, finding.High)
	assert.Contains(t, p.say("dev", "not-useful").Words, "say why")
	assert.Contains(t, p.say("dev", "not-useful a demo").Words, "the finding stands")
	p.stands(policy.Block)
	assert.Empty(t, p.accepted)
}

// Words of people are shown as words: they call nobody and link nowhere.
func TestWhyIsInert(t *testing.T) {
	p := newParley(t, finding.Medium)
	p.say("lead", "ignore @acme/all <b>see</b> #1 [x](https://x.test)")
	p.review(1)
	words := p.say("dev", "why").Words
	for _, bad := range []string{"@acme", "<b>", " #1", "https://"} {
		assert.NotContains(t, words, bad)
	}
	assert.Contains(t, words, fmt.Sprintf("`%s`", p.find.Print))
}

// What an author approved on somebody else's pull request excuses nothing on
// their own: else two pull requests with one value would do for any.
func TestAuthorsDoNotApproveThroughAnotherPullRequest(t *testing.T) {
	p := newParley(t, finding.High)
	assert.Contains(t, p.say("lead", "ignore it is fine").Words, "Accepted")
	p.stands(policy.Ignored)
	p.author = "lead"
	p.stands(policy.Block)
}

// An exception holds where the finding was when it was approved, and whoever
// approves it answers for all of these places.
func TestAnExceptionHoldsAtItsPlaces(t *testing.T) {
	p := newParley(t, finding.High)
	p.owners = "*.go @lead\n/prod/ @alice\n"
	p.team = nil
	assert.Contains(t, p.say("lead", "ignore it is fine").Words, "Accepted")
	p.stands(policy.Ignored)
	p.find.Also = []change.Span{{Path: "prod/pay.go", Start: 1, End: 1}}
	p.stands(policy.Block)
	assert.Contains(t, p.say("lead", "ignore it is fine").Words, "does not count yet", "an owner of one place of two")
	p.stands(policy.Block)
	p.owners = "* @lead\n"
	assert.Contains(t, p.say("lead", "ignore it is fine").Words, "Accepted")
	p.stands(policy.Ignored)
}

// One approval approves one exception: the last that was asked for when it was written.
func TestAnApprovalIsOfOneException(t *testing.T) {
	p := newParley(t, finding.High)
	p.say("dev", "ignore for long until 2027-02-01")
	p.say("alice", "ignore for a while until 2026-03-05")
	waiting := func() (reasons []string) {
		all, err := p.db.Conversations().Exceptions(t.Context(), p.repo, noon)
		require.NoError(t, err)
		for _, e := range all {
			if e.Approved.IsZero() {
				reasons = append(reasons, e.Reason)
			}
		}
		return reasons
	}
	assert.Equal(t, []string{"for long"}, waiting(), "alice approved hers, and nothing else")
	p.say("lead", "withdraw")
	p.say("dev", "ignore the first until 2026-03-05")
	p.at = time.Minute
	p.say("dev", "ignore the second until 2027-02-01")
	p.at = 0
	assert.Equal(t, forge.Unclear, p.say("lead", "approve").Reaction, "what it was written for was taken back")
	p.at = time.Minute
	assert.Contains(t, p.say("lead", "approve").Words, "Approved until 2027-02-01, as `@dev` asked: the second")
	assert.Empty(t, waiting())
}

// Once more of what counts already needs approval as well.
func TestALongerExceptionIsNotApprovedByTheShorter(t *testing.T) {
	p := newParley(t, finding.High)
	p.say("lead", "ignore it is fine until 2026-03-05")
	p.stands(policy.Ignored)
	assert.Contains(t, p.say("dev", "ignore it goes on until 2026-06-01").Words, "does not count yet")
	p.stands(policy.Ignored)
	p.b.Now = func() time.Time { return noon.AddDate(0, 0, 10) }
	p.stands(policy.Block)
}

// A withdrawal reaches the checks whatever becomes of its answer, and is
// possible when the pull request is closed and the finding gone.
func TestAWithdrawalIsNotLost(t *testing.T) {
	p := newParley(t, finding.High)
	p.say("lead", "ignore it is fine")
	p.accepted, p.answerTo = nil, errors.New("cut")
	p.number++
	err := p.b.Handle(t.Context(), forge.Event{Kind: forge.Commanded, Received: noon, Repo: p.repo, Number: 1, Installation: 3,
		Sender: user("dev"), Command: forge.Command{Comment: p.number, Thread: 501, Words: "withdraw", At: noon}})
	assert.ErrorContains(t, err, "cut")
	assert.Len(t, p.accepted, 1)
	p.answerTo, p.closed = nil, true
	p.say("lead", "withdraw "+string(p.find.Print))
	assert.Contains(t, p.say("lead", "ignore it is fine").Words, "closed")
	p.closed = false
	p.say("lead", "ignore it is fine")
	p.closed = true
	assert.Contains(t, p.say("dev", "withdraw "+string(p.find.Print)).Words, "Withdrawn")
}

// Strangers make the server neither talk without end nor spend its calls.
func TestStrangersAreAnsweredSoOften(t *testing.T) {
	p := newParley(t, finding.High)
	for range strangersHourlyAccount + 5 {
		p.number++
		p.again("mallory", "help")
	}
	assert.Len(t, p.answers, strangersHourlyAccount)
	assert.Equal(t, forge.Done, p.say("lead", "help").Reaction, "whoever may write is heard all the same")
	p.b.Now = func() time.Time { return noon.Add(time.Hour) }
	assert.Equal(t, forge.Refused, p.say("mallory", "help").Reaction)
}

// leaky is a scanner for secrets, of which it knows one.
type leaky struct{}

func (leaky) Name() string                  { return "secret" }
func (leaky) Rules() []finding.Rule         { return nil }
func (leaky) Wants(*change.Change) []string { return nil }
func (leaky) EveryCommit() bool             { return false }
func (leaky) Inspect(_ context.Context, s scan.Snapshot) (scan.Report, error) {
	var out scan.Report
	for _, f := range s.Files {
		b, err := s.Read(f)
		if err != nil {
			return out, err
		}
		if strings.Contains(string(b), "hunter2") {
			out.Findings = append(out.Findings, finding.New(finding.Rule{ID: "secret/x", Title: "A secret", Why: "w", How: "h", Severity: finding.High},
				change.Span{Path: f.Path, Start: 1, End: 1}, finding.InFile("x"), "a secret"))
		}
	}
	return out, nil
}

func TestNoSecretIsKeptOfAReason(t *testing.T) {
	p := newParley(t, finding.High)
	p.b.Scanners = []scan.Scanner{leaky{}}
	p.b.Options.Scanner = time.Minute
	for _, words := range []string{"ignore hunter2 is for tests", "not-useful hunter2 is for tests"} {
		a := p.say("lead", words)
		assert.Equal(t, forge.Unclear, a.Reaction)
		assert.Contains(t, a.Words, "looks like a secret")
		assert.NotContains(t, a.Words, "hunter2")
	}
	p.stands(policy.Block)
	assert.Contains(t, p.say("lead", "ignore it is for tests").Words, "Accepted")
}
