package secret

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// describe makes a rule from the id that gitleaks gives it.
func describe(id string) finding.Rule {
	n := inSentence(noun(id))
	r := finding.Rule{
		ID:         "secret/" + id,
		Title:      noun(id) + " committed",
		Why:        why("can use the " + n),
		Severity:   severity(id),
		References: cleanUp(),
	}
	to, known := rotationOf(id)
	switch {
	case isPublic(id):
		r.Why = fmt.Sprintf("The %s names an account, or is made to be public: alone it opens nothing. What does often stands beside it.", n)
		r.How = "Look whether its secret is in this repository as well, and rotate that. Otherwise nothing needs rotating: ask for an exception."
		r.References = nil
	case id == "generic-api-key":
		r.Why = why("can use it, if it is real")
		r.How = "If it is real, **rotate it first**: revoke it where it was issued and issue a new one." + thenCleanUp
	case known:
		r.How = "**Rotate it first**: " + to.steps + thenCleanUp
	default:
		r.How = fmt.Sprintf("**Rotate it first**: make a new %s where it was issued, and revoke this one there.", n) + thenCleanUp
	}
	switch id {
	case "kubernetes-secret-yaml":
		r.Why = why("can use the credentials in it")
	case "aws-access-token":
		r.Why = why("can use the account, with the secret key that belongs to this id and often stands beside it")
	}
	if to.page != "" && !isPublic(id) {
		r.References = append([]string{to.page}, r.References...)
	}
	return r
}

// describeOurs makes a rule of one of ours, which knows the steps to replace a secret.
func describeOurs(r ruleText, severity finding.Severity) finding.Rule {
	var references []string
	for _, page := range append([]string{r.Rotate, r.Docs}, cleanUp()...) {
		if page != "" && !slices.Contains(references, page) {
			references = append(references, page)
		}
	}
	return finding.Rule{
		ID:         "secret/" + r.ID,
		Title:      r.Title + " committed",
		Why:        why("can use the " + inSentence(r.Title)),
		How:        "**Rotate it first**: " + lowerFirst(r.RotateSteps) + thenCleanUp,
		Severity:   severity,
		References: references,
	}
}

func why(they string) string {
	return fmt.Sprintf("Whoever can read this repository, a clone or a fork of it %s.", they)
}

// thenCleanUp is what is to be done with any secret once it is replaced.
const thenCleanUp = " Then load the new one from the environment or a secret store, and take this one out of the commit " +
	"that brought it in: a new commit does not clear this check. A force-push alone is not enough: clones and forks keep the old commit."

// cleanUp are the pages on what is to be done with any secret.
func cleanUp() []string {
	return []string{
		"https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/removing-sensitive-data-from-a-repository",
		"https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html",
	}
}

// lowerFirst is a sentence as it goes on behind a colon.
func lowerFirst(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if strings.ToUpper(first) == first { // an abbreviation
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// isPublic reports whether what a rule finds names an account, or is made to be
// public.
func isPublic(id string) bool {
	return id == "new-relic-browser-api-token" || slices.ContainsFunc(
		[]string{"-client-id", "-access-id", "-api-id", "-access-key-id", "-pub-key", "-public-key", "-pub-api-key"},
		func(end string) bool { return strings.HasSuffix(id, end) })
}

// severity is how bad it is if a secret of a rule is public.
func severity(id string) finding.Severity {
	is := func(ids ...string) bool { return slices.Contains(ids, id) }
	begins := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(id, p) })
	}
	switch {
	case isPublic(id), is("easypost-test-api-token", "gitlab-feature-flag-client-token"):
		return finding.Low
	case is("generic-api-key", "jwt", "jwt-base64", "kubernetes-secret-yaml", "curl-auth-header", "curl-auth-user",
		"hashicorp-tf-password", "pkcs12-file", "sidekiq-sensitive-url", "flutterwave-encryption-key", "flutterwave-secret-key"):
		return finding.Medium // often expired, encrypted, or of a sandbox
	case is("private-key", "age-secret-key"),
		begins("aws-", "azure-", "alibaba-", "github-", "vault-", "1password-", "digitalocean-", "hashicorp-tf-api"),
		begins("gitlab-pat", "gitlab-runner", "npm-", "pypi-", "rubygems-", "okta-", "openshift-", "pulumi-", "doppler-"),
		is("stripe-access-token", "anthropic-admin-api-key", "cloudflare-global-api-key"):
		return finding.Critical // opens accounts, clouds, code or what others install
	}
	return finding.High
}

// severityOf is the severity of one value: providers mark what only opens a sandbox.
func severityOf(r finding.Rule, value string) finding.Severity {
	if strings.HasPrefix(value, "sk_test_") || strings.HasPrefix(value, "rk_test_") ||
		strings.HasPrefix(value, "shippo_test_") || strings.HasPrefix(value, "duffel_test_") {
		return min(r.Severity, finding.Medium)
	}
	return r.Severity
}

// noun says what a rule finds, as a sentence begins: "GitHub app token".
func noun(id string) string {
	if n, ok := odd()[id]; ok {
		return n
	}
	words := strings.Split(id, "-")
	spelled := spelling()
	for i, w := range words {
		if s, ok := spelled[w]; ok {
			words[i] = s
		} else if i == 0 {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, " ")
}

// inSentence is a noun in the middle of a sentence.
func inSentence(noun string) string {
	first, rest, _ := strings.Cut(noun, " ")
	if slices.Contains([]string{"Credential", "Encoded", "Key", "Machine", "Password", "Possible", "Post-quantum", "Private", "Registry", "Secret", "Short-lived", "Webhook"}, first) {
		return strings.ToLower(first) + " " + rest
	}
	return noun
}

// odd are the ids whose words do not make a good name.
func odd() map[string]string {
	return map[string]string{
		"airtable-personnal-access-token":             "Airtable personal access token",
		"aws-access-token":                            "AWS access key",
		"azure-ad-client-secret":                      "Microsoft Entra client secret",
		"aws-amazon-bedrock-api-key-long-lived":       "Amazon Bedrock API key",
		"aws-amazon-bedrock-api-key-short-lived":      "Short-lived Amazon Bedrock API key",
		"defined-networking-api-token":                "Defined Networking API token",
		"dropbox-long-lived-api-token":                "Dropbox long-lived API token",
		"dropbox-short-lived-api-token":               "Dropbox short-lived API token",
		"github-oauth":                                "GitHub OAuth access token",
		"octopus-deploy-api-key":                      "Octopus Deploy API key",
		"curl-auth-header":                            "Credential in a curl command",
		"curl-auth-user":                              "Password in a curl command",
		"generic-api-key":                             "Possible key or password",
		"github-fine-grained-pat":                     "GitHub fine-grained personal access token",
		"gitlab-ptt":                                  "GitLab pipeline trigger token",
		"gitlab-rrt":                                  "GitLab runner registration token",
		"hashicorp-tf-password":                       "Password in Terraform code",
		"jwt-base64":                                  "Encoded JSON Web Token",
		"kubernetes-secret-yaml":                      "Kubernetes Secret with its value",
		"nuget-config-password":                       "NuGet feed password",
		"pkcs12-file":                                 "PKCS #12 key file",
		"sidekiq-sensitive-url":                       "Sidekiq URL with its password",
		"gitlab-runner-authentication-token-routable": "GitLab runner authentication token",
		"gitlab-pat-routable":                         "GitLab personal access token",
		"heroku-api-key-v2":                           "Heroku API key",
	}
}

// spelling is how words of ids are written.
func spelling() map[string]string {
	return map[string]string{
		"1password": "1Password", "api": "API", "aws": "AWS", "bittrex": "Bittrex", "ci": "CI", "cicd": "CI/CD",
		"ca": "CA", "clickhouse": "ClickHouse", "digitalocean": "DigitalOcean", "droneci": "Drone CI", "easypost": "EasyPost",
		"flyio": "Fly.io", "frameio": "Frame.io", "gcp": "Google Cloud", "github": "GitHub", "gitlab": "GitLab",
		"gocardless": "GoCardless", "hashicorp": "HashiCorp", "hubspot": "HubSpot", "huggingface": "Hugging Face",
		"id": "ID", "jfrog": "JFrog", "jwt": "JSON Web Token", "kucoin": "KuCoin", "launchdarkly": "LaunchDarkly",
		"linkedin": "LinkedIn", "mailgun": "Mailgun", "maxmind": "MaxMind", "messagebird": "MessageBird", "npm": "npm",
		"new": "New", "relic": "Relic", "nytimes": "New York Times", "oauth": "OAuth", "openai": "OpenAI", "openshift": "OpenShift",
		"pat": "personal access token", "planetscale": "PlanetScale", "privateai": "PrivateAI", "pub": "publishable",
		"pypi": "PyPI", "rapidapi": "RapidAPI", "rubygems": "RubyGems", "scim": "SCIM", "sendgrid": "SendGrid",
		"sumologic": "Sumo Logic", "teams": "Teams", "tf": "Terraform", "travisci": "Travis CI", "url": "URL",
		"amazon": "Amazon", "bedrock": "Bedrock", "ad": "AD", "meraki": "Meraki", "kubernetes": "Kubernetes", "lived": "lived",
	}
}
