package secret

import (
	"cmp"
	"strings"
)

// A rotation is how a secret is replaced: steps as they go on behind "Rotate it
// first", and the page of the provider that tells more, "" if there is none
// that we know of.
type rotation struct{ steps, page string }

// rotationOf is the rotation of a rule of gitleaks: its own, or that of as many
// of the first words of its id as have one, the last of which is its provider.
func rotationOf(id string) (rotation, bool) {
	all := rotations()
	var out rotation
	for {
		r := all[id]
		out.steps, out.page = cmp.Or(out.steps, r.steps), cmp.Or(out.page, r.page)
		i := strings.LastIndexByte(id, '-')
		if i < 0 {
			return out, out.steps != ""
		}
		id = id[:i]
	}
}

// rotations are by the id of a rule or by its first words. A provider without
// steps has the page alone. Packages' registries have none: no address of them
// is to be in what we write.
func rotations() map[string]rotation {
	return map[string]rotation{
		"1password-service-account-token":        {"rotate it on 1Password.com under Developer > (the service account) > Rotate token.", "https://developer.1password.com/docs/service-accounts/manage-service-accounts/"},
		"age-secret-key":                         {"make a new key with `age-keygen`, and encrypt anew, for it alone, what this one opens. What others have already stays open to them: change the secrets in it.", ""},
		"airtable-api-key":                       {"make sure that it no longer works: keys of this kind ended in February 2024, and personal access tokens took their place.", "https://support.airtable.com/docs/creating-personal-access-tokens"},
		"airtable-personnal-access-token":        {"regenerate or delete it in the Builder hub (or Developer hub) under Personal access tokens.", "https://support.airtable.com/docs/creating-personal-access-tokens"},
		"algolia":                                {"make a new key under Settings > API keys, and delete this one; an Admin API key is regenerated there.", "https://www.algolia.com/doc/guides/security/api-keys/"},
		"anthropic":                              {"delete it in the Console under Settings > API keys, and make a new one.", "https://console.anthropic.com/settings/keys"},
		"anthropic-admin-api-key":                {"delete it in the Console under Settings > Admin keys, and make a new one.", "https://console.anthropic.com/settings/admin-keys"},
		"asana":                                  {"reset it in the developer console under (the app) > OAuth.", "https://developers.asana.com/docs/oauth"},
		"atlassian":                              {"revoke it in the Atlassian account under Security > API tokens, and make a new one.", "https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account/"},
		"aws":                                    {"", "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html"},
		"aws-access-token":                       {"deactivate, then delete it in IAM > Users > (the user) > Security credentials, and make a new one. One that begins with `ASIA` ends by itself; the sessions of a role are ended in IAM > Roles > (the role) > Revoke sessions.", ""},
		"aws-amazon-bedrock-api-key-long-lived":  {"deactivate, then delete it in IAM > Users > (the user) > Security credentials > API keys for Amazon Bedrock.", "https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html"},
		"aws-amazon-bedrock-api-key-short-lived": {"it ends by itself within 12 hours. To end it now, end the sessions of its role in IAM > Roles > (the role) > Revoke sessions.", "https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html"},
		"azure":                                  {"", "https://learn.microsoft.com/en-us/entra/identity-platform/how-to-add-credentials"},
		"azure-ad-client-secret":                 {"make a new one in the Microsoft Entra admin center under App registrations > (the app) > Certificates & secrets, and delete this one there.", ""},
		"clojars":                                {"disable it in your account under Deploy tokens, make one for just the group or artifact, and look for versions that were deployed since.", ""},
		"cloudflare":                             {"roll it under My Profile > API Tokens > (the token) > Roll; a token of the account is under Manage Account > Account API Tokens.", "https://developers.cloudflare.com/fundamentals/api/how-to/roll-token/"},
		"cloudflare-global-api-key":              {"change it under My Profile > API Tokens > Global API Key, and use a token with just the rights that are needed instead.", ""},
		"cloudflare-origin-ca-key":               {"change it under My Profile > API Tokens > Origin CA Key.", ""},
		"codecov":                                {"regenerate it in the repository's settings on Codecov, under General > Repository upload token.", ""},
		"cohere":                                 {"delete it in the dashboard under API keys, and make a new one.", ""},
		"curl":                                   {"change the password, or revoke the token, at the address that the command calls.", ""},
		"databricks":                             {"revoke it under Settings > Developer > Access tokens, and generate a new one.", "https://docs.databricks.com/en/dev-tools/auth/pat.html"},
		"datadog":                                {"make a new one under Organization Settings > API Keys (or Application Keys), and revoke this one there.", "https://docs.datadoghq.com/account_management/api-app-keys/"},
		"digitalocean":                           {"", "https://docs.digitalocean.com/reference/api/create-personal-access-token/"},
		"digitalocean-pat":                       {"delete it in the control panel under API > Tokens, and generate a new one.", ""},
		"discord-api-token":                      {"reset it in the Developer Portal under (the application) > Bot > Reset Token.", "https://discord.com/developers/applications"},
		"discord-client-secret":                  {"reset it in the Developer Portal under (the application) > OAuth2 > Reset Secret.", "https://discord.com/developers/applications"},
		"dropbox":                                {"disconnect the app in the account's settings under Apps, or call `/2/auth/token/revoke` with it, and authorize the app anew.", "https://www.dropbox.com/developers/documentation/http/documentation#auth-token-revoke"},
		"facebook":                               {"remove the app in the settings of whoever authorized it (for a page: Business integrations), and authorize it anew.", "https://developers.facebook.com/docs/facebook-login/guides/access-tokens"},
		"facebook-secret":                        {"reset it in the App Dashboard under App settings > Basic > App secret.", "https://developers.facebook.com/docs/facebook-login/security"},
		"flyio":                                  {"find it with `fly tokens list`, revoke it with `fly tokens revoke ID`, and make a new one with `fly tokens create`.", "https://fly.io/docs/security/tokens/"},
		"gcp":                                    {"make a new one in the Google Cloud console under APIs & Services > Credentials, limit it to the APIs that it is for, and delete this one there.", "https://cloud.google.com/docs/authentication/api-keys"},
		"github":                                 {"", "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/token-expiration-and-revocation"},
		"github-app-token":                       {"one of an installation (`ghs_`) ends within an hour, or at once with `DELETE /installation/token`. Revoke one of a user (`ghu_`) under Settings > Applications > Authorized GitHub Apps.", ""},
		"github-fine-grained-pat":                {"delete it under Settings > Developer settings > Personal access tokens > Fine-grained tokens, and generate a new one.", ""},
		"github-oauth":                           {"revoke it under Settings > Applications > Authorized OAuth Apps, and authorize the app anew.", ""},
		"github-pat":                             {"delete it under Settings > Developer settings > Personal access tokens > Tokens (classic), and generate a new one.", ""},
		"github-refresh-token":                   {"revoke it under Settings > Applications > Authorized GitHub Apps, and authorize the app anew.", ""},
		"gitlab":                                 {"", "https://docs.gitlab.com/security/tokens/"},
		"gitlab-cicd-job-token":                  {"it ends with its job: cancel the job, if it still runs.", ""},
		"gitlab-deploy-token":                    {"revoke it in the project or group under Settings > Repository > Deploy tokens, and make a new one.", ""},
		"gitlab-feature-flag-client-token":       {"make a new one in the project under Deploy > Feature flags > Configure.", ""},
		"gitlab-feed-token":                      {"reset it in your profile, beside the personal access tokens.", ""},
		"gitlab-incoming-mail-token":             {"reset it in your profile, beside the personal access tokens.", ""},
		"gitlab-kubernetes-agent-token":          {"make a new token of the agent under Operate > Kubernetes clusters, and revoke this one there.", ""},
		"gitlab-oauth-app-secret":                {"renew it under Applications > (the application) > Renew secret.", ""},
		"gitlab-pat":                             {"revoke it in your profile under Personal access tokens, or under Settings > Access tokens of its project or group, and make a new one.", ""},
		"gitlab-ptt":                             {"revoke it in the project under Settings > CI/CD > Pipeline trigger tokens, and make a new one.", ""},
		"gitlab-rrt":                             {"reset it in the project or group under Settings > CI/CD > Runners, and look for runners that nobody knows.", ""},
		"gitlab-runner-authentication-token":     {"make a new runner under Settings > CI/CD > Runners, and delete the one of this token there.", ""},
		"gitlab-scim-token":                      {"make a new one in the group under Settings > SAML SSO, which ends this one.", ""},
		"gitlab-session-cookie":                  {"end the session in your profile under Active sessions.", ""},
		"grafana-api-key":                        {"make a token of a service account under Administration > Users and access > Service accounts, and delete this key.", "https://grafana.com/docs/grafana/latest/administration/service-accounts/"},
		"grafana-cloud-api-token":                {"make a new one in the Cloud portal under Security > Access Policies, and delete this one there.", "https://grafana.com/docs/grafana-cloud/account-management/authentication-and-permissions/access-policies/"},
		"grafana-service-account-token":          {"make a new one under Administration > Users and access > Service accounts > (the account), and delete this one there.", "https://grafana.com/docs/grafana/latest/administration/service-accounts/"},
		"hashicorp-tf-api-token":                 {"delete it under Account settings > Tokens (of a team or an organization: Organization settings > API tokens), and make a new one.", "https://developer.hashicorp.com/terraform/cloud-docs/users-teams-organizations/api-tokens"},
		"hashicorp-tf-password":                  {"change it where it lets somebody in, and hand the new one to Terraform as a variable.", "https://developer.hashicorp.com/terraform/language/manage-sensitive-data"},
		"heroku":                                 {"regenerate it under Account settings > API Key; one of `heroku authorizations` ends with `heroku authorizations:revoke ID`.", "https://devcenter.heroku.com/articles/authentication"},
		"huggingface":                            {"invalidate and refresh it under Settings > Access Tokens.", "https://huggingface.co/docs/hub/security-tokens"},
		"jwt":                                    {"end the session that it stands for. If it is long-lived, replace the key that signed it.", ""},
		"kubernetes-secret-yaml":                 {"change each credential in it where it lets somebody in, and put the new ones into the cluster without committing them.", "https://kubernetes.io/docs/concepts/security/secrets-good-practices/"},
		"laravel":                                {"make a new one with `php artisan key:generate`. Sessions, and what was encrypted with the old one, end with it.", "https://laravel.com/docs/encryption"},
		"linear-api-key":                         {"revoke it under Settings > Security & access > Personal API keys, and make a new one.", "https://linear.app/docs/api-and-webhooks"},
		"linear-client-secret":                   {"rotate it under Settings > API > (the application).", "https://linear.app/docs/api-and-webhooks"},
		"mailchimp":                              {"revoke it under Profile > Extras > API keys, and make a new one.", "https://mailchimp.com/help/about-api-keys/"},
		"mailgun":                                {"make a new one in the account's settings under API security (or API keys), and delete this one there.", ""},
		"mailgun-signing-key":                    {"replace it in the account's settings, beside the API keys, under HTTP webhook signing key.", ""},
		"mapbox":                                 {"delete it on the account's page Access tokens, and make a new one.", ""},
		"mattermost":                             {"delete it in the profile under Security > Personal Access Tokens, and make a new one.", ""},
		"microsoft-teams-webhook":                {"remove the webhook from its channel, and make a new one.", "https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook"},
		"netlify":                                {"delete it under User settings > Applications > Personal access tokens, and make a new one.", "https://docs.netlify.com/api/get-started/"},
		"new":                                    {"make a new one in the user menu under API Keys, and delete this one there.", "https://docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys/"},
		"notion":                                 {"refresh it in the settings of the integration, under Configuration > Internal integration secret.", "https://developers.notion.com/docs/authorization"},
		"npm":                                    {"revoke it under Access Tokens in the account's menu, or with `npm token revoke ID`, make one for just the packages, and look for versions that were published since.", ""},
		"nuget-config-password":                  {"change the password, or revoke the token, at the feed that the file names.", ""},
		"octopus":                                {"revoke it in the profile under My API Keys, and make a new one.", ""},
		"okta":                                   {"revoke it in the Admin Console under Security > API > Tokens, and make a new one.", "https://developer.okta.com/docs/guides/create-an-api-token/main/"},
		"openai":                                 {"delete it in the dashboard under API keys, and make a new one.", "https://platform.openai.com/api-keys"},
		"openshift":                              {"end it with `oc delete oauthaccesstoken NAME` as an administrator, or log out with it, and log in anew.", ""},
		"perplexity":                             {"delete it in the settings under API keys, and make a new one.", ""},
		"pkcs12":                                 {"make a new key, have the certificate issued anew and this one revoked, and replace it wherever it is used.", ""},
		"planetscale-password":                   {"delete it in the settings of the database under Passwords, and make a new one.", ""},
		"postman":                                {"delete it under Account settings > API keys, and make a new one.", "https://learning.postman.com/docs/developer/postman-api/authentication/"},
		"private-key":                            {"make a new key, put its public part where this one is trusted, and remove this one there. Have a certificate of it revoked.", ""},
		"pulumi":                                 {"delete it under Personal access tokens (of a team or an organization: Settings > Access tokens), and make a new one.", ""},
		"pypi":                                   {"remove it in the account's settings under API tokens, add one for just the project, and look for versions that were published since.", ""},
		"rubygems":                               {"delete it in the account's settings under API keys, make one with just the rights that are needed, and look for versions that were pushed since.", ""},
		"sendgrid":                               {"delete it under Settings > API Keys, and make a new one.", "https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys"},
		"sentry":                                 {"remove it under User settings > Personal Tokens, and make a new one.", "https://docs.sentry.io/account/auth-tokens/"},
		"sentry-org-token":                       {"revoke it in the organization under Settings > Auth Tokens (or Organization Tokens), and make a new one.", ""},
		"shopify":                                {"uninstall the app from the store and install it again, which makes a new token; or rotate the client secret of the app, and ask for a new token.", "https://shopify.dev/docs/apps/build/authentication-authorization/manage-credentials"},
		"shopify-shared-secret":                  {"rotate it in the Dev Dashboard under Apps > (the app) > Settings, and revoke the old one.", ""},
		"sidekiq":                                {"ask who sold the licence for new credentials.", ""},
		"slack":                                  {"revoke it with the method `auth.revoke`, and install the app again for a new one.", "https://docs.slack.dev/reference/methods/auth.revoke"},
		"slack-app-token":                        {"revoke it in the app's settings under Basic Information > App-Level Tokens, and generate a new one.", "https://api.slack.com/apps"},
		"slack-config-access-token":              {"make a new one where your apps are listed, under Your App Configuration Tokens; this one ends within 12 hours.", "https://api.slack.com/apps"},
		"slack-config-refresh-token":             {"make a new one where your apps are listed, under Your App Configuration Tokens.", "https://api.slack.com/apps"},
		"slack-webhook-url":                      {"remove it in the app's settings under Incoming Webhooks, and add a new one.", "https://api.slack.com/apps"},
		"snyk":                                   {"revoke and regenerate it under Account settings > General; one of a service account in the settings of its organization or group.", "https://docs.snyk.io/snyk-api/authentication-for-api/revoke-and-regenerate-a-snyk-api-token"},
		"sonar":                                  {"revoke it under My Account > Security, and generate a new one.", ""},
		"sourcegraph":                            {"delete it under Settings > Access tokens, and make a new one.", ""},
		"square":                                 {"replace it in the Developer Console under (the application) > Credentials > Replace.", "https://developer.squareup.com/docs/build-basics/access-tokens"},
		"stripe":                                 {"roll (rotate) it in the Dashboard under API keys > (the key), and let the old one expire now.", "https://docs.stripe.com/keys#rolling-keys"},
		"telegram":                               {"write `/revoke` to BotFather, and choose the bot: it answers with a new token.", "https://core.telegram.org/bots/features#botfather"},
		"twilio":                                 {"make a new one in the Console under Account > API keys & tokens, and delete this one there.", "https://www.twilio.com/docs/iam/api-keys"},
		"twitch":                                 {"make a new one in the developer console under (the application) > Manage > New Secret, which ends this one.", ""},
		"twitter":                                {"regenerate it in the developer portal under (the app) > Keys and tokens.", ""},
		"typeform":                               {"delete it in the account's settings under Personal tokens, and make a new one.", ""},
		"vault":                                  {"", "https://developer.hashicorp.com/vault/docs/concepts/tokens"},
		"vault-batch-token":                      {"it cannot be revoked itself: revoke the token that it came from, or wait for its end.", ""},
		"vault-service-token":                    {"revoke it with `vault token revoke -accessor ACCESSOR`, and log in anew.", ""},
	}
}
