package bot

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/git"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// host is a forge with one open pull request; it keeps the checks it was given.
type host struct {
	forge.Forge
	policy string
	stands forge.Seen
	mu     sync.Mutex
	checks []forge.Check
}

func (h *host) Pull(_ context.Context, ref forge.PullRef) (forge.Pull, error) {
	return forge.Pull{PullRef: ref, Open: true, BaseRef: "main", BaseSHA: "base", HeadSHA: "head"}, nil
}
func (h *host) Begin(ctx context.Context, ref forge.PullRef, _ ...string) (forge.Opening, error) {
	p, err := h.Pull(ctx, ref)
	if err != nil {
		return forge.Opening{}, err
	}
	text, fileErr := h.ReadFile(ctx, ref.Repo, "", policy.Path)
	return forge.Opening{Pull: p, Files: map[string]forge.File{policy.Path: {Text: text, Err: fileErr}}, Seen: h.stands}, nil
}
func (h *host) Look(context.Context, forge.Repo, int, string) (forge.Seen, error) {
	return h.stands, nil
}
func (h *host) Compare(context.Context, forge.Repo, string, string) (forge.Comparison, error) {
	return forge.Comparison{MergeBase: "base", Ahead: 1}, nil
}
func (h *host) Remote(context.Context, forge.Repo) (git.Remote, error) { return git.Remote{}, nil }
func (h *host) ReadFile(context.Context, forge.Repo, string, string) ([]byte, error) {
	if h.policy == "" {
		return nil, forge.ErrNotFound
	}
	return []byte(h.policy), nil
}
func (h *host) OwnersFiles(_ context.Context, _ forge.Repo, _ string, paths ...string) map[string]forge.File {
	files := map[string]forge.File{}
	for _, path := range paths {
		files[path] = forge.File{Err: forge.ErrDenied}
	}
	return files
}
func (h *host) PutCheck(_ context.Context, _ forge.Repo, c forge.Check) (forge.CheckID, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, c)
	return 1, nil
}

// book is a ledger that keeps outcomes.
type book struct {
	history.Ledger
	outcomes []policy.Outcome
	begun    []history.Begun
	gone     bool
}

func (b *book) Left(context.Context, int64) (bool, error) { return b.gone, nil }
func (b *book) Begun(_ context.Context, n history.Begun) error {
	b.begun = append(b.begun, n)
	return nil
}
func (b *book) UnderWay(_ context.Context, _ forge.Repo, pull int) ([]history.Begun, error) {
	var all []history.Begun
	for _, n := range b.begun {
		if n.Pull == pull {
			all = append(all, n)
		}
	}
	return all, nil
}
func (b *book) Ended(_ context.Context, _ forge.Repo, pull int, sha string) error {
	b.begun = slices.DeleteFunc(b.begun, func(n history.Begun) bool { return n.Pull == pull && n.SHA == sha })
	return nil
}

func (b *book) Alone(context.Context, string) (func(), error)                      { return func() {}, nil }
func (b *book) At(context.Context, forge.Repo, string) ([]history.Standing, error) { return nil, nil }
func (b *book) Record(_ context.Context, r history.Run) (history.Delta, error) {
	b.outcomes = append(b.outcomes, r.Verdict.Outcome)
	return history.Delta{}, nil
}
func (b *book) Leaked(context.Context, forge.Repo, string) ([]history.Leak, error) { return nil, nil }
func (b *book) Summary(context.Context, forge.PullRef) (history.Summary, error) {
	return history.Summary{}, nil
}
func (b *book) Posted(ctx context.Context, repo forge.Repo, pull int, sha string, _ forge.CheckID, _ forge.Placed, _ time.Time) error {
	return b.Ended(ctx, repo, pull, sha)
}
func (b *book) KeepPolicy(context.Context, forge.Repo, []byte, time.Time) error { return nil }
func (b *book) LastOrganisation(context.Context, int64, string) ([]byte, bool, error) {
	return nil, false, nil
}
func (b *book) Past(context.Context, forge.Repo, int) ([]finding.Result, error) { return nil, nil }
func (b *book) LastPolicy(context.Context, forge.Repo) ([]byte, bool, error)    { return nil, false, nil }

// fails is a source that never brings a change.
type fails struct{ do func() error }

func (f fails) Change(context.Context, git.Remote, string, string, int) (*change.Change, error) {
	return nil, f.do()
}
func (f fails) Tree(context.Context, git.Remote, string) (*change.Change, error) { return nil, f.do() }

func TestWhatBecomesOfAReviewThatCannotBeCompleted(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	broken := errors.New("connection reset")
	tests := map[string]struct {
		fail       func() error
		policy     string
		waiting    time.Duration // since the delivery
		crashes    int
		retried    bool
		conclusion forge.Conclusion // "" while it is under way
	}{
		"may go through later":       {fail: func() error { return broken }, retried: true},
		"has been tried long enough": {fail: func() error { return broken }, waiting: time.Hour, retried: true, conclusion: forge.Neutral},
		"head gone":                  {fail: func() error { return git.ErrGone }, conclusion: forge.Neutral},
		"hostile data":               {fail: func() error { return &git.LimitError{What: "an object", Limit: "4 MiB"} }, conclusion: forge.Neutral},
		"policy blocks on it":        {fail: func() error { return git.ErrGone }, policy: "version: 1\non_scanner_error: block\n", conclusion: forge.Failure},
		"panic":                      {fail: func() error { panic("a secret of the repository") }, conclusion: forge.Neutral},
		"ends the process":           {fail: func() error { return nil }, crashes: mostCrashes, conclusion: forge.Neutral},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h, l := &host{policy: test.policy}, &book{}
			b := &Bot{
				Forge: h, Source: fails{test.fail}, Ledger: l, Now: func() time.Time { return now },
				Options: Options{Key: finding.NewKey([]byte("k")), Deadline: time.Minute, Patience: time.Hour, Mode: policy.Enforce, Advisories: func() string { return "" }},
			}
			err := b.Handle(t.Context(), forge.Event{Kind: forge.PullChanged, Number: 1, Received: now.Add(-test.waiting), Crashes: test.crashes})
			assert.Equal(t, test.retried, err != nil, "%v", err)
			require.NotEmpty(t, h.checks)
			last := h.checks[len(h.checks)-1]
			assert.Equal(t, test.conclusion, last.Conclusion)
			assert.NotContains(t, last.Title+last.Summary, "a secret of the repository")
			if test.conclusion == "" {
				assert.Empty(t, l.outcomes)
				assert.Len(t, l.begun, 1, "that the check is under way is known")
				return
			}
			require.Len(t, last.Actions, 1, "whoever may can have it tried again")
			assert.Empty(t, l.begun)
			require.Len(t, l.outcomes, 1, "what was not looked at is a verdict too")
			assert.GreaterOrEqual(t, l.outcomes[0], policy.Incomplete)
		})
	}
}

// silent is a host that takes no comments any more.
type silent struct{ host }

func (h *silent) PutReview(context.Context, forge.Pull, forge.Review) (forge.Placed, error) {
	return nil, forge.ErrNotFound
}

// accuses finds something critical in every change.
type accuses struct{}

func (accuses) Name() string                  { return "x" }
func (accuses) Rules() []finding.Rule         { return nil }
func (accuses) Wants(*change.Change) []string { return nil }
func (accuses) EveryCommit() bool             { return false }
func (accuses) Inspect(_ context.Context, s scan.Snapshot) (scan.Report, error) {
	if s.Side == scan.Before {
		return scan.Report{}, nil
	}
	rule := finding.Rule{ID: "x/y", Title: "A problem", Severity: finding.Critical, How: "Mend it."}
	at := change.Span{Path: "README", Start: 1, End: 1}
	return scan.Report{Findings: []finding.Finding{finding.New(rule, at, finding.InFile("a"), "a problem")}}, nil
}

func TestAVerdictThatCannotBePostedIsNoMilder(t *testing.T) {
	h, l := &silent{}, &book{}
	b := &Bot{
		Forge: h, Source: brings{}, Ledger: l, Scanners: []scan.Scanner{accuses{}}, Now: time.Now,
		Options: Options{Key: finding.NewKey([]byte("k")), Deadline: time.Minute, Patience: time.Hour, Mode: policy.Enforce, Advisories: func() string { return "" }},
	}
	require.NoError(t, b.Handle(t.Context(), forge.Event{Kind: forge.PullChanged, Number: 1, Received: time.Now()}))
	assert.Equal(t, forge.Failure, h.checks[len(h.checks)-1].Conclusion)
	assert.Equal(t, []policy.Outcome{policy.Fail, policy.Fail}, l.outcomes)
}

// A branch may require the check of a scanner: it does not wait for ever.
func TestTheCheckOfEachScannerTellsThatNothingWasLookedAt(t *testing.T) {
	h := &host{policy: "version: 1\nchecks: per-scanner\non_scanner_error: block\n"}
	b := &Bot{
		Forge: h, Source: fails{func() error { return git.ErrGone }}, Ledger: &book{}, Scanners: []scan.Scanner{accuses{}}, Now: time.Now,
		Options: Options{Key: finding.NewKey([]byte("k")), Deadline: time.Minute, Patience: time.Hour, Mode: policy.Enforce, Advisories: func() string { return "" }},
	}
	require.NoError(t, b.Handle(t.Context(), forge.Event{Kind: forge.PullChanged, Number: 1, Received: time.Now()}))
	conclusions := map[string]forge.Conclusion{}
	for _, c := range h.checks {
		conclusions[c.Part] = c.Conclusion
	}
	assert.Equal(t, map[string]forge.Conclusion{"": forge.Failure, "x": forge.Failure}, conclusions)
}

func TestAServerThatStopsHandsTheWorkBack(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h, l := &host{}, &book{}
	b := &Bot{
		Forge: h, Ledger: l, Now: time.Now, Options: Options{Deadline: time.Minute, Patience: time.Hour},
		Source: fails{func() error { cancel(); return context.Canceled }},
	}
	err := b.Handle(ctx, forge.Event{Kind: forge.PullChanged, Number: 1})
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, h.checks, "whoever takes it up completes the check")
	assert.Empty(t, l.outcomes)
}
