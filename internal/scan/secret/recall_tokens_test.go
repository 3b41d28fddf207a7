package secret

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math/rand"
	"regexp"
	"strconv"
	"strings"
)

// issuedTokens are tokens as their providers give them out, one a line: the
// name that people give it, its format, the rules that may say so, and, of what
// is made in a way that no template tells, its maker. A name in
// brackets is only one of many: the format alone tells what it is. In a format
// {a:24} are 24 characters of a class, {uuid} is a UUID.
const issuedTokens = `
(GITHUB_TOKEN) ghp_{a:30} github crc
(GH_OAUTH_TOKEN) gho_{a:30} github crc
(GITHUB_APP_TOKEN) ghs_{a:30} github crc
(GITHUB_USER_TOKEN) ghu_{a:30} github crc
(GITHUB_PAT) github_pat_{u:22}_{a:59} github
(GITLAB_TOKEN) glpat-{w:20} gitlab
(CI_DEPLOY_PASSWORD) gldt-{w:20} gitlab
(RUNNER_TOKEN) glrt-{w:20} gitlab
(GITLAB_PIPELINE_TOKEN) glptt-{h:40} gitlab
(GITLAB_ROUTABLE_TOKEN) glpat-{w:42}.01.{l:2} gitlab gitlab
(NPM_TOKEN) npm_{a:30} npm crc
(PYPI_TOKEN) pypi-AgEIcHlwaS5vcmc{w:150} pypi
(RUBYGEMS_API_KEY) rubygems_{h:48} rubygems
(CARGO_REGISTRY_TOKEN) cio{a:32} crates
(NUGET_API_KEY) oy2{2:43} nuget
(DOCKERHUB_TOKEN) dckr_pat_{w:27} docker
(AWS_ACCESS_KEY_ID) AKIA aws awsid
(AWS_STS_KEY_ID) ASIA aws awsid
AWS_SECRET_ACCESS_KEY {s:40} aws
AWS_SESSION_TOKEN IQoJb3JpZ2luX2Vj{s:360} aws
(AZURE_STORAGE_KEY) +ASt:64:Default0 azure-storage azure
(COSMOS_KEY) ACDb:64:MastRW00 azure-cosmos azure
(SERVICEBUS_KEY) +ASb:32:Manage00 azure-service azure
(EVENTHUB_KEY) +AEh:32:Listen00 azure-event azure
(ACR_PASSWORD) +ACR:39:ACRDflt0 azure-container azure
(AZURE_CLIENT_SECRET) {a:3}8Q~{w:31} azure entra
(GOOGLE_API_KEY) AIza{w:35} gcp
(GOOGLE_CLIENT_SECRET) GOCSPX-{w:28} google
(GOOGLE_REFRESH_TOKEN) 1//0{d:1}{w:100} google
(GOOGLE_ACCESS_TOKEN) ya29.{w:160} google
(DIGITALOCEAN_TOKEN) dop_v1_{h:64} digitalocean
(DO_OAUTH_TOKEN) doo_v1_{h:64} digitalocean
(HEROKU_API_KEY) HRKU-AA{w:58} heroku
HEROKU_API_KEY {uuid} heroku
(FLY_API_TOKEN) fo1_{w:43} fly
(NETLIFY_AUTH_TOKEN) nfp_{a:36} netlify
(RENDER_API_KEY) rnd_{a:28} render
(PULUMI_ACCESS_TOKEN) pul-{h:40} pulumi
(TF_TOKEN) {a:14}.atlasv1.{a:67} hashicorp
(VAULT_TOKEN) hvs.{w:95} vault
(DOPPLER_TOKEN) dp.pt.{a:43} doppler
(DOPPLER_SERVICE_TOKEN) dp.st.prd.{a:43} doppler
(OP_SERVICE_ACCOUNT_TOKEN) ops_eyJ{s:320} 1password
(TAILSCALE_AUTHKEY) tskey-auth-{a:17}-{a:32} tailscale
LINODE_TOKEN {h:64} linode
HCLOUD_TOKEN {a:64} hetzner
VULTR_API_KEY {u:36} vultr
CLOUDFLARE_API_TOKEN {w:40} cloudflare
CLOUDFLARE_GLOBAL_API_KEY {h:37} cloudflare
(CF_API_TOKEN) cfut_{a:40}{h:8} cloudflare
(CF_ORIGIN_CA_KEY) v1.0-{h:24}-{h:146} cloudflare
FASTLY_API_TOKEN {w:32} fastly
(STRIPE_SECRET_KEY) sk_live_{a:24} stripe
(STRIPE_KEY) sk_live_51{a:97} stripe
(STRIPE_RESTRICTED_KEY) rk_live_{a:24} stripe
(STRIPE_WEBHOOK_SECRET) whsec_{a:32} stripe
(SQUARE_ACCESS_TOKEN) EAAA{w:60} square
(BRAINTREE_TOKEN) access_token$production${l:16}${h:32} braintree
PAYPAL_CLIENT_SECRET E{w:79} paypal
RAZORPAY_KEY_SECRET {a:24} razorpay
PLAID_SECRET {l:30} plaid
(SHOPIFY_ACCESS_TOKEN) shpat_{h:32} shopify
(SHOPIFY_SHARED_SECRET) shpss_{h:32} shopify
(FLW_SECRET_KEY) FLWSECK-{h:32}-X flutterwave
(PADDLE_API_KEY) pdl_live_apikey_01{l:24}_{a:22}_{a:3} paddle
MOLLIE_API_KEY live_{a:30} mollie
(SLACK_BOT_TOKEN) xoxb-{d:12}-{d:13}-{a:24} slack
(SLACK_USER_TOKEN) xoxp-{d:12}-{d:12}-{d:13}-{h:32} slack
(SLACK_APP_TOKEN) xapp-1-A{u:10}-{d:13}-{h:64} slack
(SLACK_WEBHOOK_URL) https://hooks.slack.com/services/T{u:10}/B{u:10}/{a:24} slack
SLACK_SIGNING_SECRET {h:32} slack
(DISCORD_WEBHOOK) https://discord.com/api/webhooks/{d:19}/{w:68} discord
DISCORD_TOKEN {d:18} discord discord
(TELEGRAM_BOT_TOKEN) {d:10}:AA{w:33} telegram
(TWILIO_API_KEY) SK{h:32} twilio
TWILIO_AUTH_TOKEN {h:32} twilio
(SENDGRID_API_KEY) SG.{w:22}.{w:43} sendgrid
MAILGUN_API_KEY key-{h:32} mailgun
MAILCHIMP_API_KEY {h:32}-us14 mailchimp
(BREVO_API_KEY) xkeysib-{h:64}-{a:16} sendinblue
(RESEND_API_KEY) re_{a:8}_{a:24} resend
POSTMARK_SERVER_TOKEN {uuid} postmark
(MAILERSEND_API_KEY) mlsn.{h:64} mailersend
(HUBSPOT_TOKEN) pat-na1-{uuid} hubspot
AIRTABLE_PAT pat{a:14}.{h:64} airtable
(NOTION_TOKEN) ntn_{d:11}{a:35} notion
(LINEAR_API_KEY) lin_api_{a:40} linear
(FIGMA_TOKEN) figd_{w:40} figma
ASANA_TOKEN 2/{d:16}/{d:16}:{h:32} asana
(ATLASSIAN_API_TOKEN) ATATT3xFfGF0{w:171}={H:8} atlassian
(BITBUCKET_TOKEN) ATCTT3xFfGF0{w:150}= bitbucket atlassian
(TRELLO_TOKEN) ATTA{h:72} trello
(POSTMAN_API_KEY) PMAK-{h:24}-{h:34} postman
(CONTENTFUL_MANAGEMENT_TOKEN) CFPAT-{w:43} contentful
(DATADOG_APP_KEY) ddapp_{a:34} datadog
DATADOG_API_KEY {h:32} datadog
DD_API_KEY {h:32} datadog
(NEW_RELIC_LICENSE_KEY) {h:32}FFFFNRAL newrelic
NEW_RELIC_API_KEY NRAK-{u:27} new-?relic
(GRAFANA_TOKEN) glsa_{a:32} grafana grafana
(GRAFANA_CLOUD_TOKEN) glc_eyJ{s:120} grafana
(SENTRY_AUTH_TOKEN) sntryu_{h:64} sentry
(DYNATRACE_TOKEN) dt0c01.{3:24}.{3:64} dynatrace
(HONEYCOMB_API_KEY) hcaik_01{l:56} honeycomb
(POSTHOG_PERSONAL_API_KEY) phx_{a:48} posthog
(LANGFUSE_SECRET_KEY) sk-lf-{uuid} langfuse
(LANGSMITH_API_KEY) lsv2_pt_{h:32}_{h:10} langsmith
(SPLUNK_HEADER) Authorization:␣Splunk␣{uuid} splunk
(OPENAI_API_KEY) sk-proj-{w:74}T3BlbkFJ{w:74} openai
(OPENAI_KEY) sk-{a:20}T3BlbkFJ{a:20} openai
(OPENAI_SERVICE_KEY) sk-svcacct-{w:74}T3BlbkFJ{w:74} openai
(ANTHROPIC_API_KEY) sk-ant-api03-{w:93}AA anthropic
(HF_TOKEN) hf_{z:34} huggingface
(REPLICATE_API_TOKEN) r8_{a:37} replicate
(GROQ_API_KEY) gsk_{a:52} groq
(OPENROUTER_API_KEY) sk-or-v1-{h:64} openrouter
(XAI_API_KEY) xai-{a:80} xai
(PERPLEXITY_API_KEY) pplx-{a:48} perplexity
(NVIDIA_API_KEY) nvapi-{w:64} nvidia
COHERE_API_KEY {a:40} cohere
MISTRAL_API_KEY {a:32} mistral
DEEPSEEK_API_KEY sk-{h:32} deepseek
DEEPGRAM_API_KEY {h:40} deepgram
(PINECONE_API_KEY) pcsk_{a:5}_{a:63} pinecone
WANDB_API_KEY {h:40} wandb
(DATABRICKS_TOKEN) dapi{h:32} databricks
(CONFLUENT_API_SECRET) {s:54} confluent confluent
(PSCALE_PASSWORD) pscale_pw_{w:43} planetscale
(PSCALE_TOKEN) pscale_tkn_{w:43} planetscale
(SUPABASE_SECRET_KEY) sb_secret_{w:22}_{w:8} supabase
(SUPABASE_ACCESS_TOKEN) sbp_{h:40} supabase
(NEON_API_KEY) napi_{l:64} neon
(AIVEN_PASSWORD) AVNS_{w:19} aiven
INFLUX_TOKEN {w:86}== influx
ALGOLIA_API_KEY {h:32} algolia
OKTA_API_TOKEN 00{w:40} okta
AUTH0_CLIENT_SECRET {w:64} auth0
(CIRCLECI_TOKEN) CCIPAT_{a:22}_{h:40} circleci
(BUILDKITE_TOKEN) bkua_{h:40} buildkite
JENKINS_API_TOKEN 11{h:32} jenkins
SONAR_TOKEN squ_{h:40} sonar
SNYK_TOKEN {uuid} snyk
CODECOV_TOKEN {uuid} codecov
TRAVIS_TOKEN {a:22} travis
(ARTIFACTORY_API_KEY) AKCp{a:69} artifactory
(ARTIFACTORY_TOKEN) cmVmd{a:59} artifactory
(JFROG_TOKEN) {claims} jwt
(APP_JWT) {claims} jwt
(OPENSHIFT_TOKEN) sha256~{w:43} openshift
(AGE_IDENTITY) age age bech32
(MAPBOX_SECRET_TOKEN) mapbox mapbox mapbox
TWITTER_BEARER_TOKEN AAAAAAAAAAAAAAAAAAAAAA{a:90} twitter
FACEBOOK_APP_SECRET {h:32} facebook
LAUNCHDARKLY_ACCESS_TOKEN api-{uuid} launchdarkly
(LAUNCHDARKLY_SDK_KEY) sdk-{uuid} launchdarkly
GITEA_TOKEN {h:40} gitea
RAILS_MASTER_KEY {h:32} rails
SECRET_KEY_BASE {h:128} secret-key-base
APP_KEY base64:{s:43}= laravel
DJANGO_SECRET_KEY {l:50} django
(OTP_URL) otpauth://totp/ACME:ci?secret={3:32}&issuer=ACME otpauth
(SAS_URL) sv=2024-11-04&ss=b&srt=co&sp=rl&se=2030-01-01T00:00:00Z&sig={a:43}%3D azure
(CLOUDINARY_URL) cloudinary://{d:15}:{w:27}@acme cloudinary
`

// An issue is one kind of token.
type issue struct {
	name   string
	shaped bool // what it is shows without its name
	rules  *regexp.Regexp
	make   func(*rand.Rand) string
}

func issues() []issue {
	var all []issue
	for line := range strings.Lines(strings.TrimSpace(issuedTokens)) {
		f := strings.Fields(line)
		make := func(r *rand.Rand) string { return filled(r, f[1]) }
		if len(f) > 3 {
			make = func(r *rand.Rand) string { return makers[f[3]](r, f[1]) }
		}
		name, shaped := strings.CutPrefix(f[0], "(")
		all = append(all, issue{strings.TrimSuffix(name, ")"), shaped, regexp.MustCompile(f[2]), make})
	}
	return all
}

var classes = func() map[string]string {
	const digits, small, capital = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return map[string]string{
		"d": digits, "h": digits + "abcdef", "H": digits + "ABCDEF", "l": digits + small, "u": digits + capital, "z": small + capital,
		"a": digits + small + capital, "w": digits + small + capital + "-_", "s": digits + small + capital + "+/",
		"2": small + "234567", "3": capital + "234567",
	}
}()

var class = regexp.MustCompile(`\{(\w+)(?::(\d+))?\}`)

// filled is a value of a format.
func filled(r *rand.Rand, format string) string {
	return class.ReplaceAllStringFunc(strings.ReplaceAll(format, "␣", " "), func(s string) string {
		m := class.FindStringSubmatch(s)
		switch m[1] {
		case "uuid":
			return filled(r, "{h:8}-{h:4}-4{h:3}-a{h:3}-{h:12}")
		case "claims":
			return signed("RS256", map[string]any{"sub": filled(r, "{h:8}"), "iss": "https://login.acme.io", "exp": 4_000_000_000})
		}
		n, _ := strconv.Atoi(m[2])
		return randomText(r, classes[m[1]], n)
	})
}

// randomText is text of an alphabet with what no page of documentation is taken
// for, and with a letter or digit first and last, as it is in most values.
func randomText(r *rand.Rand, alphabet string, n int) string {
	for {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[r.Intn(len(alphabet))]
		}
		if s := string(b); strings.Trim(s, "-_+/") == s {
			return s
		}
	}
}

// makers make what has a checksum, each as its provider says.
var makers = map[string]func(*rand.Rand, string) string{
	"crc": func(r *rand.Rand, format string) string {
		v := filled(r, format)
		sum := crc32.ChecksumIEEE([]byte(v[strings.LastIndexByte(v, '_')+1:]))
		var digits [6]byte
		for i := len(digits) - 1; i >= 0; i-- {
			digits[i], sum = digits62[sum%62], sum/62
		}
		return v + string(digits[:])
	},
	"gitlab": func(r *rand.Rand, format string) string {
		v := filled(r, format)
		return fmt.Sprintf("%s%07s", v, strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(v))), 36))
	},
	"grafana": func(r *rand.Rand, format string) string {
		v := filled(r, format)
		return v + "_" + hex.EncodeToString(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(v))))
	},
	"confluent": func(r *rand.Rand, format string) string {
		v := filled(r, format)
		sum := base64.StdEncoding.EncodeToString(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(v))))
		return "cflt" + v + sum[:6]
	},
	"atlassian": func(r *rand.Rand, format string) string {
		v := filled(r, format)
		return v + fmt.Sprintf("%08X", crc32.ChecksumIEEE([]byte(v)))
	},
	"awsid": func(r *rand.Rand, prefix string) string {
		account := uint64(r.Int63n(1e12))
		b := binary.BigEndian.AppendUint64(nil, 1<<63|account<<23|uint64(r.Int63n(1<<23)))
		return prefix + base32.StdEncoding.EncodeToString(append(b, byte(r.Intn(256)), byte(r.Intn(256))))
	},
	"azure": func(r *rand.Rand, format string) string {
		f := strings.Split(format, ":") // signature, how many bytes, seed
		n, _ := strconv.Atoi(f[1])
		bits := (n-4)*8 - 24 // the signature ends, but for a few zeros, where the checksum begins
		text := []byte(base64.StdEncoding.EncodeToString([]byte(randomText(r, classes["a"], n))))
		at := bits / 6
		copy(text[at:], f[0]+"A")
		key, _ := base64.StdEncoding.DecodeString(string(text))
		return base64.StdEncoding.EncodeToString(binary.LittleEndian.AppendUint32(key[:n-4], marvin32(key[:n-4], f[2])))
	},
	"entra": func(r *rand.Rand, format string) string {
		const numerals = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890.-_~"
		v, digits := filled(r, format), ""
		for n := marvin32([]byte(v), "AadPwd00"); n > 0; n /= uint32(len(numerals)) {
			digits = string(numerals[n%uint32(len(numerals))]) + digits
		}
		return v + digits[:3]
	},
	"discord": func(r *rand.Rand, format string) string {
		return base64.RawStdEncoding.EncodeToString([]byte("1"+filled(r, format)[1:])) + filled(r, ".G{a:5}.{w:38}")
	},
	"bech32": func(r *rand.Rand, _ string) string {
		data := []byte(randomText(r, digits32, 52))
		return "AGE-SECRET-KEY-1" + string(data) + bech32Sum("age-secret-key-", data)
	},
	"mapbox": func(r *rand.Rand, _ string) string {
		body := fmt.Sprintf(`{"u":"acme","a":"%s"}`, filled(r, "{l:25}"))
		return "sk." + base64.RawURLEncoding.EncodeToString([]byte(body)) + "." + filled(r, "{w:22}")
	},
}

const digits32 = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"

// bech32Sum is the checksum of data as BIP-173 computes it.
func bech32Sum(prefix string, data []byte) string {
	var values []byte
	for _, c := range []byte(prefix) {
		values = append(values, c>>5)
	}
	values = append(values, 0)
	for _, c := range []byte(prefix) {
		values = append(values, c&31)
	}
	for _, c := range data {
		values = append(values, byte(strings.IndexByte(digits32, c)))
	}
	sum := uint32(1)
	for _, v := range append(values, 0, 0, 0, 0, 0, 0) {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(v)
		for i, g := range []uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	var text []byte
	for i := range 6 {
		text = append(text, digits32[(sum^1)>>(5*(5-i))&31])
	}
	return string(text)
}
