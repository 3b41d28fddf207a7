package demo_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/policy"
)

// A calm is a change about which there is nothing to say.
type calm struct {
	name  string
	story *story
}

func TestSilent(t *testing.T) {
	for family, calms := range map[string][]calm{
		"moves": calmMoves(), "texts": calmTexts(), "dependencies": calmDependencies(), "infrastructure": calmInfrastructure(),
	} {
		t.Run(family, func(t *testing.T) {
			p := newTheatre(t)
			for _, calm := range calms {
				t.Run(calm.name, func(t *testing.T) {
					t.Parallel()
					p.silent(t, calm.story)
				})
			}
		})
	}
}

// silent plays a story about which nothing must be said.
func (p *theatre) silent(t *testing.T, s *story) {
	pull := p.open(t, s, false, false)
	seen, run := p.deliver(t, pull, "opened")
	assert.Equal(t, "success", run.Conclusion, run.Title)
	assert.Equal(t, policy.Pass, seen.Verdict.Outcome, "%s\n%s", run.Title, listed(seen.Result.Findings))
	assert.Empty(t, run.Annotations)
	state, err := p.repo.Pull(pull.number)
	require.NoError(t, err)
	assert.Empty(t, state.Threads)
	assert.Empty(t, state.Comments)
	assert.Empty(t, state.Reviews)
}

// calmMoves bring nothing in that was not there before.
func calmMoves() []calm {
	key, token := awsKey("silent"), githubToken("silent")
	pem := strings.Join(privateKey("silent"), "\n") + "\n"
	code := "package app\n\nconst key = \"" + key + "\"\n\n" + numbered(20)
	indent := func(s string) string {
		return "\t" + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n\t") + "\n"
	}
	theirs := func() *story {
		s := newStory().base(tree{"app.go": goPlain}).commit("mine", tree{"mine.go": "package app\n"}).moved(tree{"theirs.go": goWith(key)})
		return s.merge("update", []string{"mine", "moved"}, tree{"theirs.go": goWith(key)})
	}
	return []calm{
		{"a secret of base, the same file edited elsewhere", newStory().base(tree{"app.go": code}).commit("edit", tree{"app.go": code + "// More.\n"})},
		{"a secret of base, the line before it edited", newStory().base(tree{"app.go": code}).commit("edit", tree{"app.go": strings.Replace(code, "package app\n", "package app // app\n", 1)})},
		{"a secret of base, its line edited", newStory().base(tree{"app.go": code}).commit("edit", tree{"app.go": strings.Replace(code, "const key", "const accessKey", 1)})},
		{"a secret of base, its file renamed", newStory().base(tree{"app.go": code}).commit("move", tree{"cmd/app.go": code}, gone{"app.go"})},
		{"a secret of base, renamed and edited", newStory().base(tree{"app.go": code}).commit("move", tree{"cmd/app.go": "// App.\n" + code}, gone{"app.go"})},
		{"a secret of base, moved to another file", newStory().base(tree{"app.go": code, "b.go": "package app\n"}).commit("move", tree{"app.go": goPlain + numbered(20), "b.go": "package app\n\nconst key = \"" + key + "\"\n"})},
		{"a secret of base, moved within its file", newStory().base(tree{"app.go": code}).commit("move", tree{"app.go": "package app\n\n" + numbered(20) + "const key = \"" + key + "\"\n"})},
		{"a secret of base, moved to and fro", newStory().base(tree{"app.go": code}).commit("there", tree{"b.go": code}, gone{"app.go"}).commit("back", tree{"app.go": code}, gone{"b.go"})},
		{"a secret of base, indented anew", newStory().base(tree{"app.go": code}).commit("indent", tree{"app.go": indent(code)})},
		{"a secret of base, other line endings", newStory().base(tree{"app.go": code}).commit("endings", tree{"app.go": strings.ReplaceAll(code, "\n", "\r\n")})},
		{"a private key of base, other line endings", newStory().base(tree{"key.pem": pem}).commit("endings", tree{"key.pem": strings.ReplaceAll(pem, "\n", "\r\n")})},
		{"a private key of base, renamed", newStory().base(tree{"key.pem": pem}).commit("move", tree{"old.pem": pem}, gone{"key.pem"})},
		{"a secret of base, a second time in its file", newStory().base(tree{"app.go": code}).commit("twice", tree{"app.go": code + "// " + key + "\n"})},
		{"a secret of base, its file executable", newStory().base(tree{"run.sh": "# " + key + "\n"}).commit("mode", tree{"run.sh": "# " + key + "\n"}, modes{"run.sh": runnable})},
		{"a secret of base, taken away", newStory().base(tree{"app.go": code}).commit("good", tree{"app.go": goPlain})},
		{"a file with a secret deleted", newStory().base(tree{"app.go": code, "a": "a\n"}).commit("good", nil, gone{"app.go"})},
		{"a secret that the base branch got meanwhile, merged", theirs()},
		{"vendored file that the policy ignores", newStory().base(tree{"a": "a\n"}).commit("vendor", tree{"third_party/lib/app.go": goWith(token), "third_party/lib/logs.tf": publicBucket})},
		{"renamed without a change", newStory().base(tree{"a.txt": numbered(50)}).commit("move", tree{"b/c.txt": numbered(50)}, gone{"a.txt"})},
		{"empty commits only", newStory().base(tree{"a": "a\n"}).commit("one", nil).commit("two", nil)},
		{"changes that take each other back", newStory().base(tree{"a": "a\n"}).commit("one", tree{"a": "b\n"}).commit("two", tree{"a": "a\n"})},
		{"a submodule moved on", newStory().base(tree{"a": "a\n", ".gitmodules": "[submodule \"x\"]\n\tpath = x\n\turl = ../x.git\n"}).commit("link", tree{"b": "b\n"})},
	}
}

// calmTexts only look like secrets.
func calmTexts() []calm {
	sum := sha256.Sum256([]byte("silent"))
	hash, b64 := hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(sum[:])
	var picture strings.Builder
	for i := range 40 {
		line := sha256.Sum256(fmt.Append(nil, "picture", i))
		picture.WriteString(base64.StdEncoding.EncodeToString(line[:30]))
	}
	var certificate strings.Builder
	for i := range 12 {
		a := sha256.Sum256(fmt.Append(nil, "certificate", i))
		certificate.WriteString(base64.StdEncoding.EncodeToString(append(a[:], a[:16]...)) + "\n")
	}
	text := func(name, path, content string) calm {
		return calm{name, newStory().base(tree{"README.md": "# shop\n"}).commit("text", tree{path: content})}
	}
	return []calm{
		text("documentation's own example key", "docs/keys.md", "Set `AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE` and\n`AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY`.\n"),
		text("placeholder in angle brackets", "docs/setup.md", "export API_TOKEN=<your-token>\ncurl -H 'Authorization: Bearer <your-token>' https://api.example.com\n"),
		text("placeholder of a template", ".env.example", "API_KEY=${API_KEY}\nDB_PASSWORD={{ .Values.db.password }}\nTOKEN=$TOKEN\nSECRET_KEY=changeme\nPASSWORD=xxxxxxxxxxxx\n"),
		text("secret taken from the environment", "app.py", "import os\n\nsecret_key = os.environ[\"SECRET_KEY\"]\napi_token = os.getenv('API_TOKEN', '')\n"),
		text("secret of a workflow", "ci/build.yml", "env:\n  TOKEN: ${{ secrets.GITHUB_TOKEN }}\n  API_KEY: ${{ secrets.API_KEY }}\n"),
		text("hashes of commits and files", "checksums.txt", hash+"  app.tar.gz\n"+hash[:40]+"\n"),
		text("integrity strings", "web/index.html", "<script src=\"/app.js\" integrity=\"sha384-"+b64+"\" crossorigin=\"anonymous\"></script>\n"),
		text("UUIDs", "ids.json", "{\"id\": \"6f1d2c3b-4a59-4e6f-8a7b-9c0d1e2f3a4b\", \"tenant\": \"123e4567-e89b-12d3-a456-426614174000\"}\n"),
		text("public key", "id.pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA"+b64[:43]+" dev@example.com\n"),
		text("public key in PEM", "key.pem", "-----BEGIN PUBLIC KEY-----\n"+certificate.String()+"-----END PUBLIC KEY-----\n"),
		text("certificate", "ca.crt", "-----BEGIN CERTIFICATE-----\n"+certificate.String()+"-----END CERTIFICATE-----\n"),
		text("picture in base64", "style.css", ".a { background: url(data:image/png;base64,"+picture.String()+"); }\n"),
		text("fixtures with words for values", "testdata/users.yaml", "users:\n  - name: dev\n    password: password\n    api_key: test-key\n    token: fake-token-for-tests\n"),
		text("names of functions and types", "key.go", "package key\n\n// APIKeyProvider returns the secretKeyManager.\nfunc APIKeyProvider() *secretKeyManager { return newSecretKeyManager() }\n"),
		text("translations from right to left", "locales/he.json", "{\"welcome\": \"שלום עולם\"}\n"),
		text("emoji", "CHANGELOG.md", "- 👩‍💻 works on 🏳️‍🌈\n"),
		{"comments only", newStory().base(tree{"app.go": goPlain}).commit("comments", tree{"app.go": "// Package app sells one thing well.\n" + goPlain})},
		{"binary file", newStory().base(tree{"a": "a\n"}).commit("image", tree{"logo.png": "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + picture.String()[:200]})},
		{"text in UTF-16", newStory().base(tree{"a": "a\n"}).commit("text", tree{"notes.txt": "\xff\xfe" + wide("nothing to see\r\n", false)})},
		{"symbolic link", newStory().base(tree{"a": "a\n"}).commit("link", tree{"b": "a"}, modes{"b": symlink})},
	}
}

// calmDependencies change manifests without bringing in a known vulnerability.
func calmDependencies() []calm {
	const table, font, pdf = "node_modules/@example/table", "node_modules/@example/font-reader", "node_modules/@example/receipt-pdf"
	integrity := func(name string) string {
		sum := sha256.Sum256([]byte(name))
		return `      "integrity": "sha512-` + base64.StdEncoding.EncodeToString(append(append(sum[:], sum[:]...), sum[:0]...)) + `"`
	}
	mod := func(version string) string {
		return "module example.com/shop\n\ngo 1.24\n\nrequire example.com/markdown " + version + "\n"
	}
	sum := func(name, version string) string {
		a := sha256.Sum256([]byte(name + version))
		b := base64.StdEncoding.EncodeToString(a[:])
		return name + " " + version + " h1:" + b + "\n" + name + " " + version + "/go.mod h1:" + b + "\n"
	}
	weak := lockfile(locked(table, "3.1.0"), locked(font, "0.9.1"))
	return []calm{
		{"lockfile in another order", newStory().base(tree{"package-lock.json": weak}).commit("order", tree{"package-lock.json": lockfile(locked(font, "0.9.1"), locked(table, "3.1.0"))})},
		{"lockfile indented anew", newStory().base(tree{"package-lock.json": weak}).commit("indent", tree{"package-lock.json": strings.ReplaceAll(weak, "  ", "\t")})},
		{"another package beside a vulnerable one of base", newStory().base(tree{"package-lock.json": weak}).commit("more", tree{"package-lock.json": lockfile(locked(table, "3.1.0"), locked(font, "0.9.1"), locked(pdf, "2.3.0"))})},
		{"from one vulnerable version to another", newStory().base(tree{"package-lock.json": weak}).commit("bump", tree{"package-lock.json": strings.Replace(weak, "0.9.1", "0.9.2", 1)})},
		{"lockfile moved to another directory", newStory().base(tree{"package-lock.json": weak}).commit("move", tree{"web/package-lock.json": weak}, gone{"package-lock.json"})},
		{"integrity strings of a lockfile", newStory().base(tree{"package-lock.json": lockfile(locked(table, "3.0.0"))}).commit("bump", tree{"package-lock.json": lockfile(locked(table, "3.1.0", integrity("a")), locked(pdf, "2.3.0", integrity("b")))})},
		{"npm: fixed version", newStory().base(tree{"package-lock.json": weak}).commit("fix", tree{"package-lock.json": strings.Replace(weak, "0.9.1", "0.9.4", 1)})},
		{"go.mod: between versions that are not vulnerable", newStory().base(tree{"go.mod": mod("v1.2.1")}).commit("bump", tree{"go.mod": mod("v1.3.0")})},
		{"go.mod: fixed", newStory().base(tree{"go.mod": mod("v1.2.0")}).commit("fix", tree{"go.mod": mod("v1.2.1")})},
		{"go.mod: brought in and taken back", newStory().base(tree{"go.mod": mod("v1.2.1")}).commit("bad", tree{"go.mod": mod("v1.2.0")}).commit("good", tree{"go.mod": mod("v1.2.1")})},
		{"go.mod: vulnerable in base, formatted", newStory().base(tree{"go.mod": mod("v1.2.0")}).commit("format", tree{"go.mod": strings.Replace(mod("v1.2.0"), "require example.com/markdown v1.2.0", "require (\n\texample.com/markdown v1.2.0\n)", 1)})},
		{"go.sum grows", newStory().base(tree{"go.mod": mod("v1.2.1"), "go.sum": sum("example.com/markdown", "v1.2.1")}).commit("grow", tree{"go.sum": sum("example.com/markdown", "v1.2.1") + sum("example.com/table", "v1.0.0")})},
		{"requirements sorted", newStory().base(tree{"requirements.txt": "example-ledger==4.1.2\nexample-charts==2.0.0\n"}).commit("sort", tree{"requirements.txt": "example-charts==2.0.0\nexample-ledger==4.1.2\n"})},
		{"requirements: a range of versions without a vulnerability", newStory().base(tree{"a": "a\n"}).commit("range", tree{"requirements.txt": "example-ledger>=4.1.3,<5\n"})},
		{"a manifest deleted", newStory().base(tree{"requirements.txt": "example-ledger==4.1.2\n", "a": "a\n"}).commit("gone", nil, gone{"requirements.txt"})},
	}
}

// calmInfrastructure changes infrastructure code without opening anything.
func calmInfrastructure() []calm {
	const docker = "FROM registry.example/base:1.0\nHEALTHCHECK CMD [\"/app\"]\nUSER 65532\nENTRYPOINT [\"/app\"]\n"
	service := "apiVersion: v1\nkind: Service\nmetadata:\n  name: app\n  namespace: shop\nspec:\n  selector: {app: app}\n  ports:\n    - port: 80\n"
	formatted := strings.NewReplacer("bucket = \"logs\"", "bucket   =    \"logs\"", "acl    =", "acl =").Replace(publicBucket)
	bucket, acl, _ := strings.Cut(publicBucket, "\n\n")
	return []calm{
		{"terraform formatted", newStory().base(tree{"infra/logs.tf": formatted}).commit("fmt", tree{"infra/logs.tf": publicBucket})},
		{"terraform in another order", newStory().base(tree{"infra/logs.tf": publicBucket}).commit("order", tree{"infra/logs.tf": acl + "\n" + bucket + "\n"})},
		{"terraform module moved", newStory().base(tree{"infra/logs.tf": publicBucket}).commit("move", tree{"live/infra/logs.tf": publicBucket}, gone{"infra"})},
		{"terraform with a comment more", newStory().base(tree{"infra/logs.tf": publicBucket}).commit("comment", tree{"infra/logs.tf": "# Logs.\n" + publicBucket})},
		{"terraform fixed", newStory().base(tree{"infra/logs.tf": publicBucket}).commit("fix", tree{"infra/logs.tf": strings.Replace(publicBucket, "public-read", "private", 1)})},
		{"terraform opened and closed again", newStory().base(tree{"infra/logs.tf": strings.Replace(publicBucket, "public-read", "private", 1)}).commit("bad", tree{"infra/logs.tf": publicBucket}).
			commit("good", tree{"infra/logs.tf": strings.Replace(publicBucket, "public-read", "private", 1)})},
		{"a variable's description", newStory().base(tree{"infra/logs.tf": publicBucket, "infra/vars.tf": "variable \"x\" {\n  default = 1\n}\n"}).commit("text", tree{"infra/vars.tf": "variable \"x\" {\n  description = \"x\"\n  default     = 1\n}\n"})},
		{"manifest's documents in another order", newStory().base(tree{"deploy/app.yaml": service + "---\n" + privilegedPod}).commit("order", tree{"deploy/app.yaml": privilegedPod + "---\n" + service})},
		{"manifest with another image tag", newStory().base(tree{"deploy/app.yaml": privilegedPod}).commit("tag", tree{"deploy/app.yaml": strings.Replace(privilegedPod, "1.0.0", "1.0.1", 1)})},
		{"manifest that is safe", newStory().base(tree{"a": "a\n"}).commit("safe", tree{"deploy/app.yaml": safePod})},
		{"manifest renamed", newStory().base(tree{"deploy/app.yaml": privilegedPod}).commit("move", tree{"deploy/shop.yml": privilegedPod}, gone{"deploy/app.yaml"})},
		{"YAML that is no manifest", newStory().base(tree{"a": "a\n"}).commit("yaml", tree{"config.yaml": "privileged: true\nhostNetwork: true\n"})},
		{"JSON that is no manifest", newStory().base(tree{"a": "a\n"}).commit("json", tree{"tsconfig.json": "{\n\t// Comments are fine here.\n\t\"compilerOptions\": {\"strict\": true},\n}\n", "api.json": "{\"apiVersion\": 1, \"kind\": [\"x\"], \"a\": \"\\ud83d\\ude00\"}\n"})},
		{"Dockerfile that is safe", newStory().base(tree{"a": "a\n"}).commit("docker", tree{"Dockerfile": docker})},
		{"Dockerfile with another base image", newStory().base(tree{"Dockerfile": docker}).commit("image", tree{"Dockerfile": strings.Replace(docker, "1.0", "1.1", 1)})},
		{"Dockerfile's USER from an ARG", newStory().base(tree{"a": "a\n"}).commit("docker", tree{"Dockerfile": strings.Replace(docker, "USER 65532", "ARG WHO=65532\nUSER ${WHO}", 1)})},
		{"Dockerfile of a stage that has a USER", newStory().base(tree{"a": "a\n"}).commit("docker", tree{"Dockerfile": "FROM registry.example/base:1.0 AS base\nUSER 65532\nFROM base\nHEALTHCHECK CMD [\"/app\"]\n"})},
	}
}
