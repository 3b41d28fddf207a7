package verify

import (
	"net/http"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// A provider is who issues secrets, and how to ask them about one. Add yours to providers.
type provider struct {
	name         string
	rules        []string // of the secret scanner
	method, path string
	authorize    func(h http.Header, value string)
	// works and refusals are what an answer has in it, in small letters, that
	// tells a secret that works, or one that is known to work no more. A status
	// alone could be that of anything in between. No refusals: software that
	// others run too, whose secrets mean nothing here.
	works    string
	refused  int // the status of refusals
	refusals []string
}

func bearer(h http.Header, value string) { h.Set("Authorization", "Bearer "+value) }

func header(name string) func(http.Header, string) {
	return func(h http.Header, value string) { h.Set(name, value) }
}

// providers are all that can be asked. Each call reads, costs nothing, and is
// documented by the provider for this.
func providers() []provider {
	return []provider{
		{
			name: "anthropic", rules: []string{"anthropic-api-key"}, method: "GET", path: "/v1/models",
			authorize: func(h http.Header, value string) {
				h.Set("X-Api-Key", value)
				h.Set("Anthropic-Version", "2023-06-01")
			},
			works: `"data"`, refused: http.StatusUnauthorized, refusals: []string{`"authentication_error"`},
		},
		{
			name: "digitalocean", rules: []string{"digitalocean-pat", "digitalocean-access-token"}, method: "GET", path: "/v2/account", authorize: bearer,
			works: `"account"`, refused: http.StatusUnauthorized, refusals: []string{`"unauthorized"`},
		},
		{ // also GitHub Enterprise Server's
			name: "github", rules: []string{"github-pat", "github-fine-grained-pat", "github-oauth", "github-app-token"}, method: "GET", path: "/rate_limit", authorize: bearer,
			works: `"resources"`,
		},
		{ // also anybody's who runs it
			name: "gitlab", rules: []string{"gitlab-pat", "gitlab-pat-routable"}, method: "GET", path: "/api/v4/personal_access_tokens/self", authorize: header("Private-Token"),
			works: `"scopes"`,
		},
		{
			name: "huggingface", rules: []string{"huggingface-access-token"}, method: "GET", path: "/api/whoami-v2", authorize: bearer,
			works: `"name"`, refused: http.StatusUnauthorized, refusals: []string{`"invalid username or password`, `"invalid user token`, `"invalid credentials`},
		},
		{
			name: "openai", rules: []string{"openai-api-key"}, method: "GET", path: "/v1/models", authorize: bearer,
			works: `"data"`, refused: http.StatusUnauthorized, refusals: []string{`"invalid_api_key"`},
		},
		{
			name: "sendgrid", rules: []string{"sendgrid-api-token"}, method: "GET", path: "/v3/scopes", authorize: bearer,
			works: `"scopes"`, refused: http.StatusUnauthorized, refusals: []string{"authorization grant is invalid, expired, or revoked"},
		},
		{ // invalid_auth may also mean that our address is not let in
			name: "slack", rules: []string{"slack-bot-token", "slack-user-token"}, method: "POST", path: "/api/auth.test", authorize: bearer,
			works: `"ok":true`, refused: http.StatusOK, refusals: []string{`"error":"token_revoked"`, `"error":"token_expired"`, `"error":"account_inactive"`},
		},
		{
			name: "stripe", rules: []string{"stripe-access-token"}, method: "GET", path: "/v1/account", authorize: bearer,
			works: `"object":"account"`, refused: http.StatusUnauthorized, refusals: []string{`"invalid api key provided`, `"expired api key provided`},
		},
	}
}

// Names are the providers that can be asked.
func Names() []string {
	var all []string
	for _, p := range providers() {
		all = append(all, p.name)
	}
	return all
}

// judge says what an answer tells; body is in small letters.
func (p provider) judge(status int, body string) finding.Validity {
	body = strings.Join(strings.Fields(body), " ")
	body = strings.NewReplacer(`": `, `":`).Replace(body)
	switch {
	case status == http.StatusOK && strings.Contains(body, p.works):
		return finding.Working
	case status == p.refused && slices.ContainsFunc(p.refusals, func(said string) bool { return strings.Contains(body, said) }):
		return finding.Revoked
	}
	return finding.Unknown
}
