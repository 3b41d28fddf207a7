package secret

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	crypto "crypto/rand"
	"crypto/x509"
	"encoding/base64"
	armor "encoding/pem"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

// standIns stand where a secret would, one a line: what takes it from elsewhere,
// and what people write in its place.
const standIns = `
${API_TOKEN}
$API_TOKEN
${API_TOKEN:-changeme}
$(cat /run/secrets/api_token)
%API_TOKEN%
$env:API_TOKEN
{{ vault_api_token }}
{{ .Values.app.apiToken }}
{{api_token_2024}}
${{ secrets.API_TOKEN_2024 }}
<%= ENV['API_TOKEN'] %>
#{ENV.fetch('API_TOKEN')}
#{api_token}#
<token>
<your-api-token>
[API_TOKEN]
__API_TOKEN__
@@API_TOKEN@@
var.api_token
local.api_token_v2
data.vault_generic_secret.app.data.token
module.secrets.api_token_2024
process.env.API_TOKEN
import.meta.env.VITE_TOKEN
os.environ.get("API_TOKEN")
os.Getenv("API_TOKEN")
settings.API_TOKEN_V2
config.get('api.token')
System.getenv("API_TOKEN")
ENV.fetch("API_TOKEN")
getToken()
changeme
change-me-please-1234
changeit
YOUR_API_TOKEN
your-api-token-here
your_secret_key_123456
my-super-secret-token
REPLACE_ME_WITH_TOKEN
insert-token-here-0001
xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx
XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX
********************************
................................
00000000000000000000000000000000
00000000-0000-0000-0000-000000000000
0123456789abcdef0123456789abcdef
1234567890123456789012345678901234567890
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
abcdefghijklmnopqrstuvwxyz0123456789ABCD
deadbeefdeadbeefdeadbeefdeadbeef
REDACTED
[REDACTED]
dummy-token-for-tests-1
example-token-2026
test-token-not-real
placeholder
secret
password
P@ssw0rd
P4ssw0rd!
null
none
true
/run/secrets/api_token_v1
file:///etc/app/token-2026.txt
vault:secret/data/app2#token
op://deploy/app2/token
arn:aws:secretsmanager:eu-west-1:123456789012:secret:app-AbCdEf
projects/acme-1/secrets/app-token-2/versions/latest
ref+awssecrets://acme/app2#/token
@Microsoft.KeyVault(SecretUri=https://acme.vault.azure.net/secrets/app2/)
https://acme.io/docs/v2/tokens
ENC(c29tZSBjaXBoZXIgdGV4dCBvZiAyMDI2)
ENC[AES256_GCM,data:k3V8n4Rt0zL7xW2b,iv:q9c5,tag:f1,type:str]
{cipher}4f1c2d3e4b5a69788796a5b4c3d2e1f0
$2b$12$k3V8n4RtQ0zL7xW2bY9cD5fHk3V8n4RtQ0zL7xW2bY9cD5fHk3V8n
$argon2id$v=19$m=65536,t=3,p=4$azNWOG40UnQ$q0zL7xW2bY9cD5fHk3V8
pbkdf2:sha256:260000$k3V8n4Rt$4f1c2d3e4b5a6978
`

// namesOfSecrets are names of what has a secret for its value.
func namesOfSecrets() []string {
	names := []string{"DB_PASSWORD", "SMTP_PASSWORD", "CLIENT_SECRET", "API_KEY", "ACCESS_TOKEN"}
	for _, i := range issues() {
		names = append(names, i.name)
	}
	return names
}

// harmless are values that only look random, by the name that they have.
const harmless = `
CHECKSUM {h:64}
SHA1SUM {h:40}
MD5 {h:32}
GIT_COMMIT {h:40}
IMAGE_DIGEST sha256:{h:64}
CACHE_KEY linux-{h:64}
REQUEST_ID {uuid}
TENANT_ID {uuid}
SUBSCRIPTION_ID {uuid}
ETAG {h:32}
INTEGRITY sha512-{s:86}==
NPM_INTEGRITY sha1-{s:27}=
GO_SUM h1:{s:43}=
PASSWORD_HASH {h:64}
DB_PASSWORD_SHA1 {h:40}
TOKEN_ENDPOINT https://login.acme.io/oauth2/v2/token
TOKEN_POLICY min12-upper1-digit1
PUBLIC_KEY {s:43}=
KEY_FINGERPRINT SHA256:{s:43}
AUTH_CLIENT_ID {d:12}-{l:32}.apps.acme.io
BUILD_NUMBER 2026.11.25.{d:6}
STRIPE_PUBLISHABLE_KEY pk_live_{a:24}
MAPBOX_STYLE acme/ck{l:23}
`

// negatives is a file for every stand-in and harmless value in every format,
// and documents that are full of what only looks like secrets.
func negatives(t testing.TB, r *rand.Rand) []labelled {
	t.Helper()
	var all []labelled
	names := namesOfSecrets()
	for _, p := range placements() {
		for _, v := range strings.Split(strings.TrimSpace(standIns), "\n") {
			for range 3 {
				name := names[r.Intn(len(names))]
				all = append(all, labelled{format: p.format, kind: name + " is " + v, path: p.path, text: spelledOut(name, v).Replace(p.text)})
			}
		}
		for line := range strings.Lines(strings.TrimSpace(harmless)) {
			f := strings.Fields(line)
			if p.nameless || strings.Contains(p.text, "BASE64") { // beside a word such as password, and in a Secret, it is one
				continue
			}
			all = append(all, labelled{format: p.format, kind: f[0], path: p.path, text: spelledOut(f[0], filled(r, f[1])).Replace(p.text)})
		}
	}
	for _, s := range settledFiles() {
		for _, v := range strings.Split(strings.TrimSpace(standIns), "\n") {
			if i := strings.LastIndex(s.text, "PASSWORD"); i >= 0 && !strings.ContainsAny(v, " \"'@") {
				all = append(all, labelled{format: s.format, kind: "password is " + v, path: s.path, text: s.text[:i] + v + s.text[i+len("PASSWORD"):]})
			}
		}
	}
	for name, text := range harmlessFiles(t, r) {
		all = append(all, labelled{format: name, kind: "file", path: name, text: text})
	}
	return all
}

// harmlessFiles are files without a secret, by their name.
func harmlessFiles(t testing.TB, r *rand.Rand) map[string]string {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), crypto.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(&ec.PublicKey)
	require.NoError(t, err)
	public, err := ssh.NewPublicKey(&ec.PublicKey)
	require.NoError(t, err)
	csr, err := x509.CreateCertificateRequest(crypto.Reader, &x509.CertificateRequest{}, ec)
	require.NoError(t, err)
	block := func(kind string, b []byte) string {
		return string(armor.EncodeToMemory(&armor.Block{Type: kind, Bytes: b}))
	}
	some := []byte(filled(r, "{a:900}"))
	lock := func(line string) string {
		var b strings.Builder
		for range 40 {
			b.WriteString(filled(r, line))
		}
		return b.String()
	}
	key := strings.Split(privateKey, "\n")
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"1234567890","name":"John Doe","iat":1516239022}`))
	return map[string]string{
		"public.pem":               block("PUBLIC KEY", der),
		"cert.pem":                 block("CERTIFICATE", some),
		"request.csr":              block("CERTIFICATE REQUEST", csr),
		"id.pub":                   string(ssh.MarshalAuthorizedKey(public)),
		"known_hosts":              "git.acme.io " + string(ssh.MarshalAuthorizedKey(public)),
		"key.asc":                  "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + inLines(base64.StdEncoding.EncodeToString(some)) + "=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n",
		"broken.pem":               strings.Replace(privateKey, key[3], key[4], 1) + "\n",
		"random.pem":               block("RSA PRIVATE KEY", some),
		"random-pkcs8.pem":         block("PRIVATE KEY", some),
		"random-openssh":           block("OPENSSH PRIVATE KEY", some),
		"certificate-as-key.pem":   block("PRIVATE KEY", der) + block("PRIVATE KEY", csr),
		"elided.pem":               key[0] + "\n" + key[1] + "\n...\n" + key[25] + "\n" + key[26] + "\n",
		"made-up.pem":              key[0] + "\n" + strings.Repeat("x", 64) + "\n" + strings.Repeat("x", 64) + "\n" + key[26] + "\n",
		"words.yml":                "key: |\n  " + key[0] + "\n  put the key of the server here, all of its lines, and keep the first and the last one\n  " + key[26] + "\n",
		"jwks.json":                fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","kid":"1","x":"%s","y":"%s"}]}`, filled(r, "{w:43}"), filled(r, "{w:43}")),
		"go.sum":                   lock("example.com/acme/token-kit v1.2.{d:1} h1:{s:43}=\nexample.com/acme/password v0.1.0/go.mod h1:{s:43}=\n"),
		"package-lock.json":        lock("    \"node_modules/api-key-{d:1}\": {\n      \"version\": \"1.0.0\",\n      \"integrity\": \"sha512-{s:86}==\"\n    },\n"),
		"yarn.lock":                lock("password-hash@^1.2.{d:1}:\n  resolved \"https://registry.example/password-hash/-/password-hash-1.2.2.tgz#{h:40}\"\n  integrity sha512-{s:86}==\n"),
		"pnpm-lock.yaml":           lock("  /token-types/4.2.{d:1}:\n    resolution: {integrity: sha512-{s:86}==}\n"),
		"Cargo.lock":               lock("[[package]]\nname = \"secrecy\"\nchecksum = \"{h:64}\"\n\n"),
		"poetry.lock":              lock("[[package]]\nname = \"keyring\"\nfiles = [\n  {file = \"keyring-1.0.tar.gz\", hash = \"sha256:{h:64}\"},\n]\n"),
		"requirements.txt":         lock("keyring==2{d:1}.0 --hash=sha256:{h:64}\n"),
		"Gemfile.lock":             lock("  devise-token (1.{d:1}.0) sha256={h:64}\n"),
		"flake.lock":               lock("\"narHash\": \"sha256-{s:43}=\", \"rev\": \"{h:40}\"\n"),
		"terraform.lock.hcl":       lock("    \"h1:{s:43}=\",\n    \"zh:{h:64}\",\n"),
		"app.min.js":               oneLine(60_000),
		"index.html":               lock("<script src=\"/app.js\" integrity=\"sha384-{s:64}\" crossorigin></script>\n<input type=\"password\" name=\"password\" id=\"password-{d:3}\" autocomplete=\"current-password\">\n"),
		"style.css":                "a{background:url(data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte{0x89, 'P', 'N', 'G', 0, 0xff, 0xfe, 1}) + filled(r, "{s:4000}") + "==)}\n",
		"app.js.map":               "{\"version\":3,\"mappings\":\"" + filled(r, "{a:200};{a:200},{a:200};{a:200}") + "\"}\n",
		"de.json":                  "{\n  \"password\": \"Passwort\",\n  \"password_hint\": \"Mindestens 12 Zeichen, davon 1 Ziffer\",\n  \"token\": \"Zugriffsschlüssel\"\n}\n",
		"openapi.yaml":             "components:\n  schemas:\n    Login:\n      properties:\n        password:\n          type: string\n          minLength: 12\n        token: {type: string, format: uuid}\n",
		"external.yaml":            "kind: ExternalSecret\nspec:\n  data:\n  - secretKey: password\n    remoteRef: {key: prod/db-2/password, property: password}\n",
		"sealed.yaml":              "kind: SealedSecret\nspec:\n  encryptedData:\n    password: Ag" + filled(r, "{s:600}") + "==\n",
		"ref.yaml":                 "env:\n- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db-2026\n      key: password\n",
		"sops.yaml":                "password: ENC[AES256_GCM,data:" + filled(r, "{s:24}") + "=,iv:" + filled(r, "{s:43}") + "=,tag:" + filled(r, "{s:22}") + "==,type:str]\n",
		"vault.yml":                "db_password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  " + filled(r, "{h:80}\n  {h:80}\n  {h:80}\n"),
		"main.tf":                  "resource \"random_password\" \"db\" {\n  length = 24\n}\nresource \"a_b\" \"c\" {\n  password = random_password.db.result\n  token    = data.aws_secretsmanager_secret_version.db2.secret_string\n}\n",
		"jwt.io.txt":               "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + claims + ".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c\n",
		"unsigned.txt":             "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"app-7","exp":4000000000}`)) + ".\n",
		"expired.txt":              signed("RS256", map[string]any{"sub": "app-7", "exp": 1_500_000_000}) + "\n",
		"aws.md":                   "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
		"slack.md":                 "https://hooks.slack.com/services/T00000000/B00000000/" + strings.Repeat("X", 24) + "\n",
		"wordpress/wp-config.php":  "define( 'DB_PASSWORD', 'password_here' );\ndefine( 'AUTH_KEY', 'put your unique phrase here' );\n",
		"docker-config.json":       "{\"auths\": {\"images.acme.io\": {}}, \"credsStore\": \"ecr-login\"}\n",
		"commit.txt":               lock("{h:40} Rotate the token of the deploy user\nSigned-off-by: A. Dev <dev@acme.io>\nChange-Id: I{h:40}\n"),
		"settings.py":              "PASSWORD_HASHERS = ['django.contrib.auth.hashers.Argon2PasswordHasher']\nSECRET_KEY = os.environ['DJANGO_SECRET_KEY']\nPASSWORD = get_secret('prod/db-1/password')\n",
		"a.go":                     "password := os.Getenv(\"DB_PASSWORD\")\ntoken, err := client.Token(ctx, cfg.Secret2)\npasswordRegex := `^[A-Za-z0-9!@#$%]{12,64}$`\nconst passwordHeader = \"X-Db-Password-V2\"\n",
		"Form.tsx":                 "const passwordInput = useRef(null);\n<Field name=\"password\" value={password1} label={t('auth.password2')} />\npassword: yup.string().min(12).max(64),\n",
		"Login.java":               "private static final String PASSWORD_PARAM_V2 = \"j_password_v2\";\nString password = request.getParameter(PASSWORD_PARAM_V2);\n",
		"machine.plist":            "<key>PayloadUUID</key>\n<string>" + strings.ToUpper(filled(r, "{uuid}")) + "</string>\n",
		"images.yaml":              lock("image: images.acme.io/token-service@sha256:{h:64}\n"),
		".github/workflows/ci.yml": lock("- uses: acme/login-action@{h:40} # v3\n  with: {password: ${{ secrets.DEPLOY_PASSWORD_2 }}}\n"),
	}
}

// TestRecallNegatives: none of what only looks like a secret is likely to be one.
func TestRecallNegatives(t *testing.T) {
	all := negatives(t, corpusSeed(t))
	found := look(t, all)
	for i, l := range all {
		assert.Empty(t, lines(found[fmt.Sprint(i)]), "%s: %s", l.format, l.kind)
	}
	t.Logf("%d files, %d of them with a finding", len(all), len(found))
}
