package bot

import (
	"context"
	"testing"
	"testing/synctest"
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

// slow is a source that takes its time.
type slow struct {
	brings
	takes time.Duration
}

func (s slow) Change(ctx context.Context, r git.Remote, base, head string, ahead int) (*change.Change, error) {
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return s.brings.Change(ctx, r, base, head, ahead)
}

func (h *host) PutReview(context.Context, forge.Pull, forge.Review) (forge.Placed, error) {
	return nil, nil
}

func TestOneWriteForAQuickReview(t *testing.T) {
	judged := []history.Standing{{Pull: 1, BaseRef: "main", Outcome: policy.Pass}}
	for name, test := range map[string]struct {
		takes     time.Duration
		kind      forge.Kind
		stands    bool // a completed check, and
		standings []history.Standing
		want      []forge.Conclusion
	}{
		"quick":                               {want: []forge.Conclusion{forge.Success}},
		"slow":                                {takes: 3 * time.Second, want: []forge.Conclusion{"", forge.Success}},
		"too slow":                            {takes: time.Hour, want: []forge.Conclusion{"", forge.Neutral}},
		"asked again":                         {kind: forge.CheckAsked, stands: true, standings: judged, want: []forge.Conclusion{"", forge.Success}},
		"the head has a verdict of another":   {stands: true, want: []forge.Conclusion{"", forge.Success}},
		"the head has a verdict of this pull": {stands: true, standings: judged, want: []forge.Conclusion{forge.Success}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &host{stands: forge.Seen{Completed: test.stands}}
				b := &Bot{
					Forge: h, Source: slow{takes: test.takes}, Ledger: &standing{of: test.standings}, Now: time.Now,
					Options: Options{Key: finding.NewKey([]byte("k")), Deadline: time.Minute, Patience: 2 * time.Second,
						Mode: policy.Enforce, Advisories: func() string { return "" }},
				}
				kind := test.kind
				if kind == "" {
					kind = forge.PullChanged
				}
				require.NoError(t, b.Handle(t.Context(), forge.Event{Kind: kind, Number: 1, Delivery: "d1", Received: time.Now()}))
				var got []forge.Conclusion
				for _, c := range h.checks {
					got = append(got, c.Conclusion)
					assert.Equal(t, kind == forge.CheckAsked, c.Ask == "d1")
				}
				assert.Equal(t, test.want, got)
			})
		})
	}
}
