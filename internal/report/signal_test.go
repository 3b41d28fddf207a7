package report

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/history"
)

func rulesInUse() []history.Signal {
	return []history.Signal{
		{Rule: "iac/even", Shown: 40, Judged: 30, Fixed: 20, Excepted: 7, NotUseful: 3},
		{Rule: "iac/never-shown"},
		{Rule: "iac/new", Shown: 9, Judged: 9, Fixed: 1, NotUseful: 8},
		{Rule: "iac/noisy", Shown: 31, Judged: 10, Fixed: 8, NotUseful: 2},
		{Rule: "iac/standing", Shown: 2},
		{Rule: "secret/x", Shown: 200, Judged: 50, Excepted: 1, NotUseful: 49, Grave: true},
		{Rule: "dependency/GHSA-\x1b[2J", Shown: 1, Judged: 1, Fixed: 1},
	}
}

func TestSignals(t *testing.T) {
	var b strings.Builder
	require.NoError(t, Signals(&b, rulesInUse()))
	assert.Equal(t, `RULE                       SHOWN  JUDGED  FIXED  EXCEPTED  NOT USEFUL  QUALITY
iac/noisy                  31     10      8      0         2           80 %  demotion proposed
secret/x                   200    50      0      1         49          2 %
iac/new                    9      9       1      0         8           11 %
iac/even                   40     30      20     7         3           90 %
"dependency/GHSA-\x1b[2J"  1      1       1      0         0           100 %
iac/standing               2      0       0      0         0           –

Judged are the last findings, up to 50, that were fixed, excepted or called not useful.
Proposed for demotion is for the security reviewers to decide: `+"`skip`"+` the rule in a policy, or let it stand. Nothing changes by itself.
`, b.String())

	b.Reset()
	require.NoError(t, Signals(&b, nil))
	assert.Equal(t, "No finding was shown yet.\n", b.String())
}

func TestSignalsJSON(t *testing.T) {
	var b strings.Builder
	require.NoError(t, SignalsJSON(&b, rulesInUse()))
	var got struct{ Rules []SignalJSON }
	require.NoError(t, json.Unmarshal([]byte(b.String()), &got))
	require.Len(t, got.Rules, 6)
	demoted := 0
	for _, r := range got.Rules {
		if r.Demote {
			demoted++
			assert.Equal(t, "iac/noisy", r.Rule)
			assert.InDelta(t, 80, *r.Quality, 0)
		}
		if r.Rule == "iac/standing" {
			assert.Nil(t, r.Quality)
		}
	}
	assert.Equal(t, 1, demoted)

	b.Reset()
	require.NoError(t, SignalsJSON(&b, nil))
	assert.JSONEq(t, `{"rules": []}`, b.String())
}

// What is said names the reviewers and calls nobody.
func TestDemotion(t *testing.T) {
	s := history.Signal{Rule: "dependency/GHSA-`@acme/all`", Judged: 10, NotUseful: 2}
	words := Demotion(s, []string{"@lead", "@acme/security"})
	assert.Contains(t, words, "`` dependency/GHSA-`@acme/all` ``")
	assert.Contains(t, words, "proposed to `@lead` or `@acme/security`.")
	assert.NotContains(t, words, "\n")
}
