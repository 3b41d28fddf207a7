package report

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
)

func TestUncoveredIsSaidEverywhere(t *testing.T) {
	r := samples()["uncovered"].report(t)
	assert.Equal(t, "Nothing found; 1201 files not covered", Title(r))
	check, err := Check(r)
	require.NoError(t, err)
	assert.Equal(t, "success", string(check.Conclusion))
	for name, format := range Formats() {
		var b strings.Builder
		require.NoError(t, format(&b, r))
		for _, want := range []string{"package.json", "infra/a.bicep", "1200"} {
			assert.Contains(t, b.String(), want, name)
		}
		assert.Equal(t, name == "json", strings.Contains(b.String(), "infra/d.bicep"), "%s names the first ones", name)
	}

	var b strings.Builder
	require.NoError(t, SARIF(&b, r))
	var log struct {
		Runs []struct {
			Invocations []struct {
				ExecutionSuccessful        bool
				ToolExecutionNotifications []struct {
					Level   string
					Message struct{ Text string }
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(b.String()), &log))
	run := log.Runs[0].Invocations[0]
	assert.True(t, run.ExecutionSuccessful)
	require.Len(t, run.ToolExecutionNotifications, 2)
	assert.Equal(t, "note", run.ToolExecutionNotifications[1].Level)
	assert.Equal(t, "Not covered: 1200 Bicep files (infra/a.bicep, infra/b.bicep, infra/c.bicep and 1197 more). No scanner reads what such a file declares.",
		run.ToolExecutionNotifications[1].Message.Text)

	r = samples()["clean"].report(t)
	assert.Equal(t, "Nothing found", Title(r))
	assert.NotNil(t, NewDocument(r).Scanned.Uncovered, "an empty list, no null")
}

func TestTitleKeepsWhatIsNotCovered(t *testing.T) {
	s := samples()["uncovered"]
	s.findings = []finding.Finding{stripe(), bucket(), privileged()}
	for i := range s.findings {
		s.findings[i].Rule.Title = strings.Repeat("long ", 60)
		s.findings[i].Message = s.findings[i].Rule.Title
	}
	title := Title(s.report(t))
	assert.LessOrEqual(t, len([]rune(title)), 250)
	assert.True(t, strings.HasSuffix(title, "; 1201 files not covered"), title)

	s = samples()["uncovered-blocks"]
	assert.Equal(t, "1201 files not covered, and this repository blocks that; not everything was looked at", Title(s.report(t)))
	s.findings = []finding.Finding{stripe()}
	assert.Contains(t, Title(s.report(t)), "1 blocking")
	assert.True(t, strings.HasSuffix(Title(s.report(t)), "; not everything was looked at; 1201 files not covered"), Title(s.report(t)))
}

func TestUncoveredOfParts(t *testing.T) {
	s := samples()["uncovered"]
	s.policy = func(p *policy.Policy) { p.Checks, p.Uncovered = policy.CheckPerScanner, policy.Block }
	parts, err := Parts(s.report(t))
	require.NoError(t, err)
	titles := map[string]string{}
	for _, c := range parts {
		titles[c.Part] = string(c.Conclusion) + ": " + c.Title
	}
	assert.Equal(t, map[string]string{
		"secret":     "success: Nothing found",
		"dependency": "failure: 1 file not covered, and this repository blocks that",
		"iac":        "failure: 1200 files not covered, and this repository blocks that",
	}, titles)
}
