package bot

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// newCrowd is a parley whose thread has n findings more.
func newCrowd(t *testing.T, n int) *parley {
	p := newParley(t, finding.High)
	placed := forge.Placed{string(p.find.Print): 501}
	for i := range n {
		rule := finding.Rule{ID: fmt.Sprint("secret/y", i), Title: "Another", Why: "It matters.", How: "Rotate it.", Severity: finding.High}
		f := p.b.Options.Key.Seal([]finding.Finding{finding.New(rule, change.Span{Path: "pay.go", Start: 3, End: 3}, finding.InFile("y"), "another")}, func(p string) string { return p })[0]
		p.others = append(p.others, f)
		placed[string(f.Print)] = 501
	}
	p.review(1)
	require.NoError(t, p.db.Ledger().Posted(t.Context(), p.repo, 1, "head", 41, placed, noon))
	return p
}

// A command in a thread with several findings names one, unless just one can be meant.
func TestACommandInAThreadWithSeveral(t *testing.T) {
	p := newCrowd(t, 1)
	one, other := string(p.find.Print), string(p.others[0].Print)
	for _, words := range []string{"ignore it is fine", "approve", "withdraw", "not-useful it is noise"} {
		a := p.say("lead", words)
		assert.Equal(t, forge.Unclear, a.Reaction, words)
		verb, _, _ := strings.Cut(words, " ")
		assert.Contains(t, a.Words, "`/pullwarden "+verb+" FINGERPRINT`")
		assert.Contains(t, a.Words, "\n- `"+one+"`: `secret/x`")
		assert.Contains(t, a.Words, "\n- `"+other+"`: `secret/y0`")
	}
	p.stands(policy.Block)

	p.say("dev", "ignore "+other+" a demo")
	assert.Contains(t, p.say("lead", "approve").Words, "Approved", "only one waits")
	p.again("lead", "approve")
	assert.Contains(t, p.answers[len(p.answers)-1].Words, "Approved", "the same command again")
	p.stands(policy.Block)
	assert.Contains(t, p.say("lead", "ignore it is fine").Words, "Accepted", "only one is open")
	p.stands(policy.Ignored)
	assert.Contains(t, p.say("lead", "withdraw").Words, "Name the one you mean", "both are excepted")
	assert.Contains(t, p.say("lead", "withdraw "+one).Words, "Withdrawn")
	p.stands(policy.Block)
	assert.Contains(t, p.say("lead", "withdraw").Words, "Withdrawn", "only one is excepted")
	assert.Equal(t, forge.Done, p.say("lead", "not-useful "+other+" it is noise").Reaction)

	// What is gone cannot be meant.
	p.others = nil
	p.stands(policy.Block)
	assert.Contains(t, p.say("lead", "ignore it is fine").Words, "Accepted")
}

func TestWhyInAThreadWithSeveral(t *testing.T) {
	p := newCrowd(t, 7)
	a := p.say("dev", "why")
	assert.Equal(t, forge.Done, a.Reaction)
	lines := strings.Split(a.Words, "\n")
	require.Len(t, lines, 6, "five and a count")
	for _, line := range lines[:5] {
		assert.Contains(t, line, "high, and this repository blocks high and above")
	}
	assert.Equal(t, "- 3 more: see the check", lines[5])
	assert.Equal(t, 1, strings.Count(p.say("dev", "why "+string(p.others[6].Print)).Words, "fingerprint"))
	assert.Contains(t, p.say("dev", "ignore it is fine").Words, "\n- 3 more: see the check")
}

// An exception covers the advisories that its finding had when it was asked for.
func TestAnExceptionRecordsAdvisories(t *testing.T) {
	p := newParley(t, finding.High)
	vulnerable := func(ids ...string) {
		f := finding.New(finding.Rule{ID: "dependency/vulnerable", Title: "Vulnerable", Why: "w", How: "h", Severity: finding.High},
			change.Span{Path: "go.mod", Start: 3, End: 3}, finding.InFile("x"), "vulnerable")
		f.Dependency = &finding.Dependency{Name: "example.com/x"}
		for _, id := range ids {
			f.Advisories = append(f.Advisories, finding.Advisory{ID: id, Severity: finding.High})
		}
		p.find = p.b.Options.Key.Seal([]finding.Finding{f}, func(p string) string { return p })[0]
	}
	p.owners = "* @lead\n"
	vulnerable("GO-1", "GO-2")
	p.stands(policy.Block)
	assert.Contains(t, p.say("lead", "ignore "+string(p.find.Print)+" not reached").Words, "Accepted")
	p.stands(policy.Ignored)
	vulnerable("GO-2")
	p.stands(policy.Ignored)
	vulnerable("GO-1", "GO-2", "GO-3")
	d := p.review(1)
	assert.Equal(t, policy.Block, d.Action)
	assert.Equal(t, "the exception of @lead does not cover GO-3", d.NotCovered)
	assert.Contains(t, d.Why, d.NotCovered)
	p.at = time.Minute
	assert.Contains(t, p.say("lead", "ignore "+string(p.find.Print)+" this one neither").Words, "Accepted")
	p.stands(policy.Ignored)
}
