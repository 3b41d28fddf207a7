package demo_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/demo"
)

// Rules of the operator's hold in reviews; a wrong one is named and the others go on.
func TestSecretRulesOfTheOperator(t *testing.T) {
	file := filepath.Join(t.TempDir(), "acme.toml")
	require.NoError(t, os.WriteFile(file, []byte(`
[[rules]]
id = "acme-token"
title = "Token of the acme vault"
regex = '\b(acme_[a-z0-9]{20})\b'
keywords = ["acme_"]
rotate_steps = "Ask the vault for another one."
[rules.examples]
hit = ['acme_§m3v8n4rtq0zl7xw2by9c']
near = ['acme_§m3v8']

[[rules]]
id = "acme-anything"
regex = '.*'
keywords = ["acme_"]
`), 0o600))
	w := newWorld(t, demo.StageOptions{Settings: func(c *config.Config) { c.SecretRules = file }})
	assert.Contains(t, w.log.String(), "rule acme-anything")
	check, p := w.review(map[string]string{"pay.go": "package pay\n\nvar key = \"acme_" + "k3v8n4rtq0zl7xw2by9c\"\n"})
	assert.Equal(t, "failure", check.Conclusion)
	require.Len(t, p.Threads, 1)
	body := p.Threads[0].Comments[0].Body
	assert.Contains(t, body, "Token of the acme vault")
	assert.Contains(t, body, "ask the vault for another one.")
	assert.NotContains(t, body, "k3v8n4rtq0")
	w.goesOn()
}
