package policy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/policy"
)

func repository(text string) policy.Layers { return policy.Layers{Repository: []byte(text)} }

func TestExplainTellsValueAndOrigin(t *testing.T) {
	settings, err := policy.Explain(repository("version: 1\nblock: low\nscanners:\n  iac:\n    skip: [AWS-0089]\nupgrades: {open: 7}\n" +
		"ignore:\n  - {rule: iac/AWS-0086, reason: public site, owner: '@acme/web', until: 2027-03-31}\n"))
	require.NoError(t, err)
	for _, want := range []policy.Setting{
		{Key: "mode", Value: "enforce", From: "default"},
		{Key: "block", Value: "low", From: "line 2"},
		{Key: "scanners.iac.skip", Value: "[AWS-0089]", From: "line 5"},
		{Key: "scanners.secrets.enabled", Value: "true", From: "default"},
		{Key: "upgrades.open", Value: "7", From: "line 6"},
		{Key: "ignore[0]", Value: "iac/AWS-0086 until 2027-03-31 (@acme/web)", From: "line 8"},
	} {
		assert.Contains(t, settings, want)
	}
	settings, err = policy.Explain(policy.Layers{})
	require.NoError(t, err)
	assert.Contains(t, settings, policy.Setting{Key: "block", Value: "high", From: "default"})
	_, err = policy.Explain(repository("blok: low\n"))
	var syntax *policy.SyntaxError
	assert.ErrorAs(t, err, &syntax)
}
