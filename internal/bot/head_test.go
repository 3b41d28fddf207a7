package bot

import (
	"context"
	"errors"
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
)

// shared is a host where pull request 2 has the same head as 1, and cannot be read.
type shared struct{ host }

func (h *shared) Begin(ctx context.Context, ref forge.PullRef, paths ...string) (forge.Opening, error) {
	if ref.Number == 2 {
		return forge.Opening{}, errors.New("connection reset")
	}
	return h.host.Begin(ctx, ref, paths...)
}

func (h *shared) Look(context.Context, forge.Repo, int, string) (forge.Seen, error) {
	return forge.Seen{Pulls: []forge.Pull{{PullRef: forge.PullRef{Number: 1}}, {PullRef: forge.PullRef{Number: 2}}}}, nil
}

func (h *shared) PutReview(context.Context, forge.Pull, forge.Review) (forge.Placed, error) {
	return nil, nil
}

// standing is a ledger with one verdict on the head.
type standing struct {
	book
	of []history.Standing
}

func (s *standing) At(context.Context, forge.Repo, string) ([]history.Standing, error) {
	return s.of, nil
}

// brings is a source of a harmless change.
type brings struct{}

func (brings) Change(ctx context.Context, _ git.Remote, _, _ string, _ int) (*change.Change, error) {
	return change.Between(ctx, change.Empty(), fstest.MapFS{"README": {Data: []byte("The shop.\n")}, "a.bicep": {}, "b.bicep": {}})
}
func (brings) Tree(context.Context, git.Remote, string) (*change.Change, error) { return nil, nil }

func TestAHeadPassesOnlyIfEveryPullRequestOnItDoes(t *testing.T) {
	for name, test := range map[string]struct {
		standings  []history.Standing
		conclusion forge.Conclusion
		title      string
		failed     bool
	}{
		"the other was not looked at": {conclusion: forge.Neutral, title: "Pull request 2 has the same head and is yet to be reviewed", failed: true},
		"the other failed":            {standings: []history.Standing{{Pull: 2, Outcome: policy.Fail}}, conclusion: forge.Failure, title: "Pull request 2 has the same head and a worse verdict"},
		"the other is incomplete":     {standings: []history.Standing{{Pull: 2, Outcome: policy.Incomplete}}, conclusion: forge.Neutral, title: "Pull request 2 has the same head and a worse verdict"},
		"the other passed":            {standings: []history.Standing{{Pull: 2, Outcome: policy.Pass}}, conclusion: forge.Success, title: "Nothing found"},
		"one that moved on":           {standings: []history.Standing{{Pull: 2, Outcome: policy.Pass}, {Pull: 3, Outcome: policy.Fail}}, conclusion: forge.Success, title: "Nothing found"},
	} {
		t.Run(name, func(t *testing.T) {
			h := &shared{}
			b := &Bot{
				Forge: h, Source: brings{}, Ledger: &standing{of: test.standings}, Now: time.Now,
				Options: Options{Key: finding.NewKey([]byte("k")), Deadline: time.Minute, Patience: time.Hour, Mode: policy.Enforce, Advisories: func() string { return "" }},
			}
			err := b.Handle(t.Context(), forge.Event{Kind: forge.PullChanged, Number: 1, Received: time.Now()})
			assert.Equal(t, test.failed, err != nil, "%v", err)
			require.NotEmpty(t, h.checks)
			last := h.checks[len(h.checks)-1]
			assert.Equal(t, test.conclusion, last.Conclusion)
			assert.Contains(t, last.Title, test.title)
		})
	}
}

// moved is a ledger in which the pull request had another head before.
type moved struct {
	standing
	delta history.Delta
}

func (m *moved) Record(context.Context, history.Run) (history.Delta, error) { return m.delta, nil }

func TestThoseThatSharedTheHeadBeforeAreJudgedAgain(t *testing.T) {
	for name, test := range map[string]struct {
		delta history.Delta
		fails bool // to look at the change
		want  int
	}{
		"the first verdict":                 {delta: history.Delta{Previous: "old"}, want: 1},
		"the first verdict, without a look": {delta: history.Delta{Previous: "old"}, fails: true, want: 1},
		"again after it was posted":         {delta: history.Delta{Previous: "old", Shown: true}},
		"the same head":                     {delta: history.Delta{Previous: "head"}},
		"the first head":                    {},
	} {
		t.Run(name, func(t *testing.T) {
			var source source = brings{}
			if test.fails {
				source = fails{func() error { panic("a string") }}
			}
			var accepted []forge.Event
			b := &Bot{
				Forge: &shared{}, Source: source, Now: time.Now,
				Ledger:  &moved{standing{of: []history.Standing{{Pull: 1}, {Pull: 2, Outcome: policy.Pass}, {Pull: 0}}}, test.delta},
				Options: Options{Key: finding.NewKey([]byte("k")), Deadline: time.Minute, Patience: time.Hour, Mode: policy.Enforce, Advisories: func() string { return "" }},
				Accept: func(_ context.Context, e forge.Event, key string) error {
					assert.Equal(t, e.Key(), key)
					accepted = append(accepted, e)
					return nil
				},
			}
			_ = b.Handle(t.Context(), forge.Event{Kind: forge.PullChanged, Number: 1, Received: time.Now()})
			require.Len(t, accepted, test.want)
			for _, e := range accepted {
				assert.Equal(t, 2, e.Number)
			}
		})
	}
}
