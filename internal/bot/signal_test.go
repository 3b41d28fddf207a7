package bot

import (
	"context"
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
)

// debate is a parley about many findings of one rule, with the fingerprints of
// those that stand.
func debate(t *testing.T, rule string) (p *parley, standing []finding.Fingerprint) {
	p = newParley(t, finding.High)
	var all []finding.Finding
	for i := range 14 {
		all = append(all, finding.New(finding.Rule{ID: rule, Title: "Something", How: "Change it.", Severity: finding.High},
			change.Span{Path: "pay.go", Start: i + 1, End: i + 1}, finding.InFile(fmt.Sprint(i)), "something is wrong"))
	}
	all = p.b.Options.Key.Seal(all, func(p string) string { return p })
	for i, now := range [][]finding.Finding{all, all[:6]} {
		head := fmt.Sprintf("head%d", i)
		result := finding.Result{Findings: now, Statuses: []finding.Status{{Scanner: "iac"}, {Scanner: "secret"}}, Scanned: finding.Scanned{Blobs: 1, Of: 1}}
		_, err := p.db.Ledger().Record(t.Context(), history.Run{Repo: p.repo, SHA: head, BaseRef: "main", KeyID: p.b.Options.Key.ID,
			Pull:   forge.Pull{PullRef: forge.PullRef{Repo: p.repo, Number: 1}, ID: 1, Open: true, Author: user("dev")},
			Policy: policy.Default(), Result: result, Verdict: policy.Default().Judge(result, noon), Finished: noon.Add(time.Duration(i) * time.Hour)})
		require.NoError(t, err)
		require.NoError(t, p.db.Ledger().Posted(t.Context(), p.repo, 1, head, 41, nil, noon))
	}
	for _, f := range all[:6] {
		standing = append(standing, f.Print)
	}
	return p, standing
}

// The comment with which a rule comes to be of too little use says so, and to
// whom it is proposed to make it milder; the ones before and after do not.
func TestARuleThatTooManyFindOfNoUse(t *testing.T) {
	p, standing := debate(t, "iac/x")
	meter := &tally{}
	p.b.Meter = meter
	proposed := func(a forge.Answer) bool {
		assert.Equal(t, forge.Done, a.Reaction)
		assert.NotContains(t, a.Words, "\n")
		assert.Contains(t, a.Words, "the finding stands")
		return strings.Contains(a.Words, "demotion")
	}
	assert.False(t, proposed(p.say("dev", fmt.Sprintf("not-useful %s a demo", standing[0]))), "1 of 9: too few were judged")
	second := p.say("dev", fmt.Sprintf("not-useful %s a demo", standing[1]))
	assert.True(t, proposed(second), "2 of 10")
	assert.Contains(t, second.Words, "2 of the last 10 judged findings of `iac/x` were not useful: its demotion is proposed to `@acme/security`.")
	p.again("dev", fmt.Sprintf("not-useful %s a demo", standing[1]))
	assert.Equal(t, second, p.answers[len(p.answers)-1], "the same again")
	assert.False(t, proposed(p.say("lead", fmt.Sprintf("not-useful %s a demo", standing[2]))), "once")
	assert.Equal(t, []string{"iac", "iac", "iac"}, meter.useless, "what came again is not counted again")
	assert.Empty(t, p.accepted, "nothing is judged anew")
}

func TestWhoIsProposedTo(t *testing.T) {
	p, standing := debate(t, "iac/x")
	p.policy = ""
	p.say("dev", fmt.Sprintf("not-useful %s a demo", standing[0]))
	a := p.say("dev", fmt.Sprintf("not-useful %s a demo", standing[1]))
	assert.Contains(t, a.Words, "`security.reviewers` of the policy names none")
}

// What somebody leaked is no matter of taste.
func TestSecretsAreNeverProposed(t *testing.T) {
	p, standing := debate(t, "secret/x")
	for _, print := range standing {
		a := p.say("dev", fmt.Sprintf("not-useful %s a demo", print))
		assert.NotContains(t, a.Words, "demotion")
	}
	s, proposed, err := p.db.Conversations().Weigh(context.Background(), p.repo, "secret/x", "command", noon)
	require.NoError(t, err)
	assert.False(t, proposed)
	assert.Equal(t, 6, s.NotUseful)
}
