package bot

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
)

// fickle is a host whose pull request can be closed or out of sight.
type fickle struct {
	host
	closed  bool
	pullErr error
	putErr  error
	asked   int
}

func (h *fickle) Pull(ctx context.Context, ref forge.PullRef) (forge.Pull, error) {
	h.asked++
	p, _ := h.host.Pull(ctx, ref)
	p.Open = !h.closed
	return p, h.pullErr
}
func (h *fickle) Begin(ctx context.Context, ref forge.PullRef, _ ...string) (forge.Opening, error) {
	p, err := h.Pull(ctx, ref)
	return forge.Opening{Pull: p, Files: map[string]forge.File{policy.Path: {Err: forge.ErrNotFound}}}, err
}
func (h *fickle) PutCheck(ctx context.Context, r forge.Repo, c forge.Check) (forge.CheckID, error) {
	if h.putErr != nil {
		return 0, h.putErr
	}
	return h.host.PutCheck(ctx, r, c)
}

func (s *standing) Closed(context.Context, forge.Pull, time.Time) error { return nil }

func with(h forge.Forge, l history.Ledger) *Bot {
	return &Bot{
		Forge: h, Source: brings{}, Ledger: l, Now: time.Now,
		Options: Options{Key: finding.NewKey([]byte("k")), Deadline: time.Minute, Patience: time.Hour, Mode: policy.Enforce, Advisories: func() string { return "" }},
	}
}

func TestWhatWasLeftUnderWayIsCompleted(t *testing.T) {
	under := func(sha string, pull int) history.Begun { return history.Begun{SHA: sha, Pull: pull, At: time.Now()} }
	for name, test := range map[string]struct {
		host      *fickle
		kind      forge.Kind
		begun     []history.Begun
		standings []history.Standing
		final     bool
		sha       string // of the check that was left
		title     string
		want      forge.Conclusion
		still     []history.Begun
	}{
		"a head that was pushed over": {kind: forge.PullChanged, begun: []history.Begun{under("old", 1)},
			sha: "old", title: "there is a newer commit", want: forge.Neutral},
		"another pull request fails there": {kind: forge.PullChanged, begun: []history.Begun{under("old", 1)},
			standings: []history.Standing{{Pull: 2, Outcome: policy.Fail}}, sha: "old", title: "newer commit", want: forge.Failure},
		"closed meanwhile": {host: &fickle{closed: true}, kind: forge.PullClosed, begun: []history.Begun{under("head", 1)},
			sha: "head", title: "was closed", want: forge.Neutral},
		"closed before it was begun again": {host: &fickle{closed: true}, kind: forge.PullChanged, begun: []history.Begun{under("head", 1)},
			sha: "head", title: "was closed", want: forge.Neutral},
		"given up": {host: &fickle{pullErr: forge.ErrNotFound}, kind: forge.PullChanged, begun: []history.Begun{under("head", 1), under("theirs", 2)},
			final: true, sha: "head", title: "Could not complete: GitHub does not show", want: forge.Neutral, still: []history.Begun{under("theirs", 2)}},
		"given up and denied": {host: &fickle{pullErr: forge.ErrDenied, putErr: forge.ErrDenied}, kind: forge.PullChanged,
			begun: []history.Begun{under("head", 1)}, final: true, still: []history.Begun{under("head", 1)}},
		"the commit is gone": {host: &fickle{pullErr: forge.ErrNotFound, putErr: forge.ErrNotFound}, kind: forge.PullChanged,
			begun: []history.Begun{under("head", 1)}, final: true},
		"will be tried again": {host: &fickle{pullErr: errors.New("cut")}, kind: forge.PullChanged,
			begun: []history.Begun{under("head", 1)}, still: []history.Begun{under("head", 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			h, l := test.host, &standing{of: test.standings}
			if h == nil {
				h = &fickle{}
			}
			l.begun = test.begun
			err := with(h, l).Handle(t.Context(), forge.Event{Kind: test.kind, Number: 1, SHA: "head", Received: time.Now()})
			assert.Equal(t, test.final, errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrDenied), "%v", err)
			var left []forge.Check
			for _, c := range h.checks {
				if c.Leftover {
					left = append(left, c)
				}
			}
			if test.sha == "" {
				assert.Empty(t, left)
			} else {
				require.Len(t, left, 1)
				assert.Equal(t, []any{test.sha, test.want}, []any{left[0].SHA, left[0].Conclusion})
				assert.Contains(t, left[0].Title, test.title)
			}
			require.Len(t, l.begun, len(test.still))
			for i, b := range test.still {
				assert.Equal(t, b.SHA, l.begun[i].SHA)
			}
		})
	}
}

// A merge group's check that is given up is that group's alone.
func TestGroupsAreGivenUpOneByOne(t *testing.T) {
	h, l := &fickle{putErr: nil}, &standing{}
	l.begun = []history.Begun{{SHA: "group1"}, {SHA: "group2"}}
	b := with(h, l)
	b.abandon(t.Context(), forge.Event{Kind: forge.GroupAsked, SHA: "group1"}, forge.ErrDenied)
	require.Len(t, h.checks, 1)
	assert.Equal(t, "group1", h.checks[0].SHA)
	assert.Equal(t, []history.Begun{{SHA: "group2"}}, l.begun)
}

func TestNothingIsDoneWhereTheAppIsGone(t *testing.T) {
	for _, kind := range []forge.Kind{forge.PullChanged, forge.PullClosed, forge.CheckAsked, forge.ButtonPressed, forge.GroupAsked, forge.DefaultPushed} {
		h, l := &fickle{}, &standing{}
		l.gone = true
		require.NoError(t, with(h, l).Handle(t.Context(), forge.Event{Kind: kind, Number: 1, SHA: "head"}), kind)
		assert.Zero(t, h.asked, kind)
		assert.Empty(t, h.checks, kind)
	}
}

// people may write if their name is dev.
type people struct{ err error }

func (p people) MayWrite(_ context.Context, _ forge.Repo, u forge.User) (bool, error) {
	return u.Login == "dev", p.err
}

func (p people) InTeam(context.Context, forge.Repo, string, forge.User) (bool, error) {
	return false, p.err
}

func TestWhoeverMayWriteMayPressTheButton(t *testing.T) {
	for name, test := range map[string]struct {
		sender, button string
		people         people
		failed, again  bool
	}{
		"may write":      {sender: "dev", button: report.RerunButton, again: true},
		"may not":        {sender: "stranger", button: report.RerunButton},
		"another button": {sender: "dev", button: "format-disk"},
		"nobody knows":   {sender: "dev", button: report.RerunButton, people: people{errors.New("cut")}, failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			h := &fickle{}
			b := with(h, &standing{})
			var accepted []forge.Event
			b.Access, b.Accept = test.people, func(_ context.Context, e forge.Event, key string) error {
				assert.Equal(t, e.Key(), key)
				accepted = append(accepted, e)
				return nil
			}
			e := forge.Event{Kind: forge.ButtonPressed, Number: 1, SHA: "head", Sender: forge.User{ID: 5, Login: test.sender}, Button: test.button, Delivery: "d"}
			err := b.Handle(t.Context(), e)
			assert.Equal(t, test.failed, err != nil)
			assert.Zero(t, h.asked, "the press itself makes no review")
			if !test.again {
				assert.Empty(t, accepted)
				return
			}
			require.Len(t, accepted, 1)
			assert.Equal(t, forge.CheckAsked, accepted[0].Kind)
			assert.NotEqual(t, e.Key(), accepted[0].Key())
		})
	}
	one := forge.Event{Kind: forge.ButtonPressed, SHA: "head", Sender: forge.User{ID: 5}}
	two := one
	two.Sender.ID = 6
	assert.NotEqual(t, one.Key(), two.Key(), "nobody's press takes the place of another one's")
}
