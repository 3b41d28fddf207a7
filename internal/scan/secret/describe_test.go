package secret

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// What is met most often is replaced in steps that lead somewhere.
func TestHowToRotate(t *testing.T) {
	rules := map[string]finding.Rule{}
	for _, r := range New().Rules() {
		rules[strings.TrimPrefix(r.ID, "secret/")] = r
	}
	for id, want := range map[string]string{
		"aws-access-token": "IAM > Users > (the user) > Security credentials", "github-pat": "Tokens (classic)", "gitlab-pat": "Personal access tokens",
		"stripe-access-token": "API keys > (the key)", "slack-bot-token": "`auth.revoke`", "slack-webhook-url": "Incoming Webhooks", "gcp-api-key": "Credentials",
		"azure-ad-client-secret": "Certificates & secrets", "npm-access-token": "`npm token revoke ID`", "pypi-upload-token": "API tokens", "openai-api-key": "API keys",
		"anthropic-api-key": "Console", "sendgrid-api-token": "API Keys", "twilio-api-key": "API keys & tokens", "telegram-bot-api-token": "BotFather", "heroku-api-key-v2": "Account settings",
		"jwt": "replace the key that signed it", "jwt-base64": "replace the key that signed it", "kubernetes-secret-yaml": "change each credential in it", "generic-api-key": "If it is real",
		"gitlab-pat-routable": "Personal access tokens", "twitter-api-secret": "Keys and tokens", "beamer-api-token": "make a new Beamer API token where it was issued", "docker-hub-personal-token": "Personal access tokens",
	} {
		require.Contains(t, rules, id)
		assert.Contains(t, rules[id].How, want, id)
		assert.Contains(t, strings.ToLower(rules[id].How), "rotate it first", id)
	}
	for key, r := range rotations() {
		used := false
		for id := range rules {
			used = used || id == key || strings.HasPrefix(id, key+"-")
		}
		assert.True(t, used, "%s is no rule and no provider", key)
		assert.True(t, r.steps != "" && r.steps[len(r.steps)-1] == '.' || r.page != "", key)
	}
	assert.Equal(t, "https://docs.stripe.com/keys#rolling-keys", rules["stripe-access-token"].References[0])
	assert.Equal(t, "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/token-expiration-and-revocation", rules["github-pat"].References[0], "the page of its provider")
}

// Nobody is sent to rotate what was never secret.
func TestPublicIdentifiers(t *testing.T) {
	for _, id := range []string{"flutterwave-public-key", "mailgun-pub-key", "lob-pub-api-key", "discord-client-id", "alibaba-access-key-id", "new-relic-browser-api-token"} {
		r := describe(id)
		assert.Equal(t, finding.Low, r.Severity, id)
		assert.Contains(t, r.How, "Otherwise nothing needs rotating", id)
		assert.NotContains(t, r.How+r.Why, "Rotate it first", id)
		assert.Empty(t, r.References, id)
	}
	for _, id := range []string{"mailgun-private-api-token", "easypost-test-api-token", "generic-api-key"} {
		assert.NotContains(t, describe(id).How, "Otherwise nothing needs rotating", id)
	}
}
