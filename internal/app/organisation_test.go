package app

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/scan"
	"github.com/pullwarden/pullwarden/internal/scan/secret"
)

// TestOrganisationSecrets: an engine is made once for a text, few are kept, and
// of a file in which nothing is of use there is none.
func TestOrganisationSecrets(t *testing.T) {
	rule := func(id string) []byte {
		return fmt.Appendf(nil, `[[rules]]
id = %q
regex = '\b(acme_[a-z0-9]{20})\b'
keywords = ["acme_"]
[rules.examples]
hit = ['acme_§k3v8n4rtq0zl7xw2by9c']
near = ['acme_§k3v8']
`, id)
	}
	operators, err := secret.ParseRules("own.toml", rule("acme-own"))
	require.NoError(t, err)
	scanners := organisationSecrets(SecretRules{Rules: operators})
	get := func(id string) scan.Scanner {
		s, err := scanners("org.toml", rule(id))
		require.NoError(t, err)
		return s
	}
	first := get("acme-0")
	ids := map[string]bool{}
	for _, r := range first.Rules() {
		ids[r.ID] = true
	}
	for _, id := range []string{"secret/github-pat", "secret/custom/acme-own", "secret/custom/acme-0"} {
		assert.True(t, ids[id], id)
	}
	assert.Same(t, first, get("acme-0"))
	for i := range keptEngines {
		get(fmt.Sprint("acme-", i+1))
	}
	assert.NotSame(t, first, get("acme-0"), "not for ever")

	s, err := scanners("org.toml", rule("acme-own"))
	require.ErrorContains(t, err, "there is a rule of this name")
	assert.Nil(t, s)
}
