package bot

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
)

func (p *parley) PutIssue(_ context.Context, _ forge.Repo, i forge.Issue) error {
	if p.noIssues != nil {
		return p.noIssues
	}
	p.issues = append(p.issues, i)
	return nil
}

// remind has it looked whether owners have to be told something, days after noon.
func (p *parley) remind(days int) []forge.Issue {
	p.t.Helper()
	p.issues = nil
	at := noon.AddDate(0, 0, days)
	p.b.Now = func() time.Time { return at }
	require.NoError(p.t, p.b.Handle(p.t.Context(), forge.Event{Kind: forge.RemindersDue, Repo: p.repo}))
	return p.issues
}

func TestOwnersAreToldThatExceptionsEnd(t *testing.T) {
	p := newParley(t, finding.Medium)
	keep := func(text string) {
		require.NoError(t, p.db.Ledger().KeepPolicy(t.Context(), p.repo, []byte(text), noon))
	}
	p.say("lead", "ignore it is fine until 2026-03-26") // which reads the files, too
	const line = "  - {rule: %s, reason: 'see <b>1</b>', owner: '%s', until: %s}\n"
	keep("version: 1\nignore:\n" + fmt.Sprintf(line, "iac/A", "@acme/platform", "2026-03-25") + fmt.Sprintf(line, "iac/B", "the platform team <x>", "2026-03-26") +
		fmt.Sprintf(line, "iac/C", "@acme/platform", "2026-12-31") + fmt.Sprintf(line, "iac/D", "@acme/platform", "2026-02-01"))
	require.NoError(t, p.db.Ledger().KeepOrganisation(t.Context(), 3, policy.OrganisationPath, []byte("version: 1\nignore:\n"+fmt.Sprintf(line, "iac/O", "@acme/all", "2026-03-25")), noon))

	assert.Empty(t, p.remind(10), "two weeks before, and no sooner")
	told := p.remind(13)
	require.Len(t, told, 1)
	assert.Equal(t, "3 exceptions end within two weeks", told[0].Title)
	for _, want := range []string{"until **2026-03-25**: `iac/A`", ", @acme/platform, no review", "the platform team &lt;x&gt;", "&lt;b&gt;1", "@lead", string(p.find.Print)} {
		assert.Contains(t, told[0].Body, want)
	}
	for _, other := range []string{"iac/C", "iac/D", "iac/O"} {
		assert.NotContains(t, told[0].Body, other)
	}
	assert.Empty(t, p.remind(14), "once")

	// Another end is another exception, and its owner is told again.
	keep("version: 1\nignore:\n" + fmt.Sprintf(line, "iac/A", "@acme/platform", "2026-04-25"))
	assert.Empty(t, p.remind(20))
	told = p.remind(50)
	require.Len(t, told, 1)
	assert.Equal(t, "1 exception ends within two weeks", told[0].Title)
}

func TestOwnersAreToldWhatNothingNeeds(t *testing.T) {
	p := newParley(t, finding.Medium)
	p.say("lead", "ignore it is fine until 2027-02-28")
	p.review(1) // it is needed
	assert.Empty(t, p.remind(90))
	told := p.remind(91)
	require.Len(t, told, 1)
	assert.Equal(t, "Exceptions that nothing needs", told[0].Title)
	assert.Contains(t, told[0].Body, "last needed on 2026-03-01")
	assert.Empty(t, p.remind(92))
	assert.Contains(t, p.remind(355)[0].Title, "within two weeks", "that it ends is told all the same")
}

func TestOwnersThatCannotBeToldAreToldLater(t *testing.T) {
	p := newParley(t, finding.Medium)
	p.say("lead", "ignore it is fine until 2026-03-10")
	p.noIssues = forge.ErrDenied
	assert.Empty(t, p.remind(0))
	p.noIssues = errors.New("cut")
	p.b.Now = func() time.Time { return noon }
	assert.ErrorContains(t, p.b.Handle(t.Context(), forge.Event{Kind: forge.RemindersDue, Repo: p.repo}), "cut")
	p.noIssues = nil
	one := p.remind(1)
	assert.Len(t, one, 1)
}
