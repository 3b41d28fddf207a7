package secret

import "strings"

// A verdict is what the structure of a value says of it.
type verdict uint8

const (
	// invalid: not of the format that the provider gives out, or made up for a
	// page of documentation. It is not reported.
	invalid verdict = iota
	// plausible: of the format, as far as its structure can tell.
	plausible
	// valid: a checksum, an encoding or a key inside proves that it was generated.
	valid
)

func (v verdict) String() string { return [...]string{"invalid", "plausible", "valid"}[min(int(v), 2)] }

// A candidate is what the expression of a rule matched, before anybody believes it.
type candidate struct {
	match string // all that the expression matched
	value string // the secret in it
}

// A check says what the structure of a candidate proves. It is pure, does no
// I/O, and takes time linear in the candidate whatever that holds.
type check func(candidate) verdict

// checks are the checks by the name that rules give. That of "", for rules
// whose format proves nothing, only drops what is made up, as all others do too.
func checks() map[string]check {
	all := map[string]check{
		"":                   func(candidate) verdict { return plausible },
		"atlassian":          atlassianChecksum,
		"aws-key-id":         awsKeyID,
		"basic-auth":         basicAuth,
		"base58check":        base58Check,
		"bech32":             bech32,
		"bitwarden":          bitwardenToken,
		"cask":               annotatedKey,
		"confluent":          confluentChecksum,
		"connection":         connectionString,
		"connection-url":     connectionURL,
		"crc32-base62":       crcBase62,
		"discord-bot":        discordBot,
		"ed25519":            ed25519Pair,
		"ed25519-array":      ed25519Array,
		"eks-token":          eksToken,
		"encoded-password":   encodedPassword,
		"elastic":            elasticKey,
		"entra":              entraSecret,
		"generated-password": generatedPassword,
		"gitlab-routable":    gitlabRoutable,
		"grafana":            grafanaChecksum,
		"intercom":           intercomToken,
		"jwk":                privateJWK,
		"jwt":                jsonWebToken,
		"key-32":             bytesOf(32),
		"key-64":             bytesOf(64),
		"kubeconfig":         encodedPEM,
		"laravel":            bytesOf(16, 32),
		"packagist":          packagistChecksum,
		"password":           func(c candidate) verdict { return password(c.value) },
		"pem":                privatePEM,
		"pubnub":             pubnubKey,
		"secp256k1":          secp256k1Key,
		"secret-data":        secretData,
		"ses-smtp":           sesPassword,
		"stellar":            stellarSeed,
		"supabase-jwt":       supabaseServiceRole,
		"tor-onion":          torOnionKey,
		"user-password":      userPassword,
		"wireguard":          wireguardKey,

		// Tokens that are JSON in base64, by the members that they must have.
		"json-cloudflared": jsonToken("a", "t", "s"),
		"json-convex":      jsonToken("v2"),
		"json-grafana":     jsonToken("k", "n"),
		"json-mapbox":      jsonToken("u", "a"),
		"json-momento":     jsonToken("endpoint", "api_key"),
		"json-neptune":     jsonToken("api_address", "api_key"),
		"json-qstash":      jsonToken("UserID", "Password"),
		"json-snyk":        jsonToken("e", "h"),
		"json-tinybird":    jsonToken("u", "id"),
		"json-uploadthing": jsonToken("apiKey", "appId"),

		// Keys of Azure, by the seeds that their services put into the checksum.
		"azure-apim":      azureKey(false, "Tenant00", "IoTHub00", "Gatewy00", "GitKey00"),
		"azure-batch":     azureKey(false, "AbAcct00"),
		"azure-cosmos":    azureKey(false, "MastRW00", "MastRO00", "SystRW00", "SystRO00", "SysAll00", "Resour00", "Encryp00"),
		"azure-functions": azureKey(true, "Functi00", "Master00", "System00"),
		"azure-iot":       azureKey(false, "IoTHub00", "DpsKey00", "Device00"),
		"azure-messaging": azureKey(true, "Manage00", "Send0000", "Listen00", "System00", "Unknown0"),
		"azure-ml":        azureKey(false, "Classic0"),
		"azure-redis":     azureKey(false, "Access00"),
		"azure-registry":  azureKey(true, "ACRDflt0"),
		"azure-search":    azureKey(false, "Query000", "PAdmin00"),
		"azure-storage":   azureKey(true, "Default0"),
	}
	for name, c := range all {
		all[name] = func(x candidate) verdict {
			// Of a value with many lines, a comment may well be made up and the rest not.
			if !strings.Contains(x.value, "\n") && madeUp(x.value) {
				return invalid
			}
			return c(x)
		}
	}
	return all
}

// checksOfGitleaks names the checks that fit rules of gitleaks, whose own
// expressions know nothing of checksums.
func checksOfGitleaks() map[string]string {
	return map[string]string{
		"age-secret-key":         "bech32",
		"aws-access-token":       "aws-key-id",
		"azure-ad-client-secret": "entra",
		"curl-auth-header":       "password",
		"curl-auth-user":         "user-password",
		"github-app-token":       "crc32-base62",
		"github-oauth":           "crc32-base62",
		"github-pat":             "crc32-base62",
		"gitlab-pat-routable":    "gitlab-routable",
		"gitlab-runner-authentication-token-routable": "gitlab-routable",
		"grafana-api-key":               "json-grafana",
		"grafana-service-account-token": "grafana",
		"hashicorp-tf-password":         "password",
		"jwt":                           "jwt",
		"kubernetes-secret-yaml":        "secret-data",
		"npm-access-token":              "crc32-base62",
		"nuget-config-password":         "password",
		"private-key":                   "pem",
	}
}
