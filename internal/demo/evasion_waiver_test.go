package demo_test

import (
	"fmt"
	"strings"
)

const privatePolicy = `version: 1
block: never
comment: never
paths:
  ignore: ["**"]
scanners:
  secrets: {enabled: false}
  dependencies: {enabled: false}
  iac: {enabled: false}
`

// publicBucket is a Terraform file with a mistake on line 7.
const publicBucket = `resource "aws_s3_bucket" "logs" {
  bucket = "logs"
}

resource "aws_s3_bucket_acl" "logs" {
  bucket = aws_s3_bucket.logs.id
  acl    = "public-read"
}
`

// waiverTricks ask the engines to look away, as their own users would.
func waiverTricks() []trick {
	key := awsKey("waivers")
	aws := sighting{rule: "secret/aws-access-token", text: key, commit: "bad"}
	var tricks []trick
	for i, waivers := range [][]string{
		{"gitleaks:allow", "gitleaks: allow", "GITLEAKS:ALLOW", "betterleaks:allow", "trufflehog:ignore", "pragma: allowlist secret", "trivy:ignore:*"},
		{"nosec", "NOSONAR", "noqa", "pragma: whitelist secret", "ggignore", "pullwarden:allow", "pullwarden:ignore"},
	} {
		files, want := tree{}, []sighting{}
		for n, w := range waivers {
			path := fmt.Sprintf("app%d.go", n)
			files[path] = "package app\n\nconst key = \"" + awsKey(w) + "\" // " + w + "\n"
			want = append(want, sighting{rule: aws.rule, path: path, line: 3, commit: "bad"})
		}
		tricks = append(tricks, trick{name: fmt.Sprintf("waivers beside secrets, %d", i+1),
			story: newStory().base(tree{"README.md": "# shop\n"}).commit("bad", files), want: want})
	}
	tricks = append(tricks, trick{name: "our own marker, in a commit before the secret and beside it",
		story: newStory().base(tree{"README.md": "# shop\n"}).commit("marker", tree{"app.go": "package app\n\n// pullwarden:allow secret/aws-access-token a test account\n"}).
			commit("bad", tree{"app.go": "package app\n\n// pullwarden:allow secret/aws-access-token a test account\nconst key = \"" + key + "\" // pullwarden:allow secret/aws-access-token a test account\n"}),
		want: []sighting{{rule: aws.rule, path: "app.go", line: 4, text: key, commit: "bad"}}})
	secrets := tree{
		".gitleaksignore":   "app.go:aws-access-token:3\n",
		".gitleaks.toml":    "[extend]\nuseDefault = true\n[[allowlists]]\npaths = ['''.*''']\n",
		".trufflehog.yml":   "exclude: ['.*']\n",
		".gitguardian.yaml": "secret:\n  ignored_paths: ['**/*']\n", ".secrets.baseline": "{\"results\": {}}\n",
		".github/secret_scanning.yml": "paths-ignore:\n  - '**'\n", "trivy.yaml": "scan:\n  skip-files: ['**']\n", "trivy-secret.yaml": "disable-rules: ['*']\n",
		"app.go": goWith(key),
	}
	tricks = append(tricks, trick{name: "files that waive secrets",
		story: newStory().base(tree{"README.md": "# shop\n"}).commit("bad", secrets),
		want:  []sighting{{rule: aws.rule, path: "app.go", text: key, commit: "bad"}}})
	for _, w := range []string{
		"#trivy:ignore:*", "#trivy:ignore:AWS-0092", "# trivy:ignore:aws-s3-no-public-access-with-acl", "//trivy:ignore:AVD-AWS-0092", "#TRIVY:IGNORE:AWS-0092",
		"#tfsec:ignore:*", "#tfsec:ignore:aws-s3-no-public-access-with-acl:exp:2099-01-01", "#tfsec:ignore:AWS001", "# checkov:skip=CKV_AWS_20:because", "#terrascan:skip=AC_AWS_0201", "# kics-scan ignore",
		"#trivy:ignore:AWS-0092:exp:2099-01-01", "#trivy:ignore:AWS-0092[bucket=logs]",
	} {
		tricks = append(tricks, trick{name: "waiver above a mistake, and above its block: " + w,
			story: newStory().base(tree{"README.md": "# shop\n"}).commit("bad", tree{
				"above/logs.tf": strings.Replace(publicBucket, "  acl ", "  "+w+"\n  acl ", 1),
				"block/logs.tf": strings.Replace(publicBucket, "resource \"aws_s3_bucket_acl", w+"\nresource \"aws_s3_bucket_acl", 1),
			}),
			want: []sighting{{rule: "iac/AWS-0092", path: "above/logs.tf", text: "public-read"}, {rule: "iac/AWS-0092", path: "block/logs.tf", text: "public-read"}}})
	}
	tricks = append(tricks,
		trick{name: "waiver on the same line as a mistake",
			story: newStory().base(tree{"README.md": "# shop\n"}).commit("bad", tree{"infra/logs.tf": strings.Replace(publicBucket, "public-read\"", "public-read\" #trivy:ignore:AWS-0092", 1)}),
			want:  []sighting{{rule: "iac/AWS-0092", path: "infra/logs.tf", text: "public-read"}}},
		trick{name: "waiver in a Dockerfile",
			story: newStory().base(tree{"README.md": "# shop\n"}).commit("bad", tree{"Dockerfile": "#trivy:ignore:DS-0002\n# hadolint ignore=DL3002\nFROM registry.example/base:1\nHEALTHCHECK NONE\n#trivy:ignore:DS002\nUSER root\n"}),
			want:  []sighting{{rule: "iac/DS-0002", path: "Dockerfile", text: "USER root"}}},
		trick{name: "waiver in a manifest",
			story: newStory().base(tree{"README.md": "# shop\n"}).commit("bad", tree{"deploy/app.yaml": strings.Replace(privilegedPod, "            privileged", "            #trivy:ignore:KSV-0017\n            privileged", 1)}),
			want:  []sighting{{rule: "iac/KSV-0017", path: "deploy/app.yaml", text: "privileged: true"}}},
		trick{name: "annotation that waives in a manifest",
			story: newStory().base(tree{"README.md": "# shop\n"}).commit("bad", tree{"deploy/app.yaml": strings.Replace(privilegedPod, "  name: app\n", "  name: app\n  annotations:\n    checkov.io/skip1: CKV_K8S_16=ok\n    kube-linter.io/ignore-all: ok\n", 1)}),
			want:  []sighting{{rule: "iac/KSV-0017", path: "deploy/app.yaml", text: "privileged: true"}}},
	)
	mistakes := tree{
		".trivyignore": "AWS-0092\nAVD-AWS-0092\n", ".trivyignore.yaml": "misconfigurations:\n  - id: AVD-AWS-0092\n", "trivy.yaml": "misconfiguration:\n  skip-dirs: ['**']\n",
		".tfsec/config.yml": "exclude:\n  - aws-s3-no-public-access-with-acl\n", ".tfsec/custom_tfchecks.yaml": "checks: []\n", ".checkov.yaml": "skip-check: [CKV_AWS_20]\n", "infra/.trivyignore": "AWS-0092\n",
		"infra/.terraform/modules/modules.json": "{\"Modules\": []}\n", "infra/trivy.rego": "# METADATA\n# custom: {id: AWS-0092}\npackage builtin.aws.s3.aws0092\n",
		"data/data.yaml": "ds002: ok\n",
		"infra/logs.tf":  publicBucket,
	}
	dependencies := tree{
		"osv-scanner.toml": "[[IgnoredVulns]]\nid = \"DEMO-2026-0003\"\n", ".nsprc": "{\"DEMO-2026-0003\": true}\n", ".snyk": "ignore:\n  DEMO-2026-0003:\n    - '*'\n",
		".safety-policy.yml": "security:\n  ignore-vulnerabilities: {DEMO-2026-0003: {}}\n", "audit-ci.json": "{\"allowlist\": [\"*\"]}\n", ".grype.yaml": "ignore:\n  - vulnerability: DEMO-2026-0003\n",
		"requirements.txt": "example-ledger==4.1.2  # nosec\n",
	}
	tricks = append(tricks,
		trick{name: "files that waive mistakes",
			story: newStory().base(tree{"README.md": "# shop\n"}).commit("bad", mistakes),
			want:  []sighting{{rule: "iac/AWS-0092", path: "infra/logs.tf", text: "public-read"}}},
		trick{name: "files that waive dependencies",
			story: newStory().base(tree{"README.md": "# shop\n"}).commit("bad", dependencies),
			want:  []sighting{{rule: "dependency/DEMO-2026-0003", path: "requirements.txt", line: 1}}})
	return tricks
}

// policyTricks bring a policy of their own.
func policyTricks() []trick {
	key := awsKey("policies")
	aws := []sighting{{rule: "secret/aws-access-token", path: "app.go", text: key}}
	base := tree{"README.md": "# shop\n"}
	bad := func(more tree) tree {
		files := tree{"app.go": goWith(key)}
		for p, c := range more {
			files[p] = c
		}
		return files
	}
	tricks := []trick{
		{name: "lax policy on the branch that is merged into",
			story: newStory().base(tree{".github/pullwarden.yml": privatePolicy}).commit("bad", bad(nil)), want: aws},
		{name: "policy in a commit before the secret",
			story: newStory().base(base).commit("policy", tree{".github/pullwarden.yml": privatePolicy}).commit("bad", bad(nil)), want: aws},
		{name: "policy of the default branch deleted",
			story: newStory().base(tree{".github/pullwarden.yml": theatrePolicy, "a": "a\n"}).commit("bad", bad(nil), gone{".github/pullwarden.yml"}), want: aws},
		{name: "policy that is a symbolic link",
			story: newStory().base(base).commit("bad", bad(tree{"lax.yml": privatePolicy, ".github/pullwarden.yml": "../lax.yml"}), modes{".github/pullwarden.yml": symlink}), want: aws},
		{name: "exception for itself in the same change",
			story: newStory().base(base).commit("bad", bad(tree{".github/pullwarden.yml": "version: 1\nignore:\n  - {rule: secret/*, path: '**', reason: test, owner: dev, until: 2099-01-01}\n"})), want: aws},
		{name: "path that only begins like an ignored one",
			story: newStory().base(base).commit("bad", tree{"third_party_/app.go": goWith(key)}), want: []sighting{{rule: "secret/aws-access-token", path: "third_party_/app.go", text: key}}},
		{name: "path that ends like an ignored one",
			story: newStory().base(base).commit("bad", tree{"src/third_party/app.go": goWith(key)}), want: []sighting{{rule: "secret/aws-access-token", path: "src/third_party/app.go", text: key}}},
		{name: "in an ignored path first, then moved out of it",
			story: newStory().base(base).commit("hidden", tree{"third_party/app.go": goWith(key)}).commit("bad", tree{"app.go": goWith(key)}, gone{"third_party/app.go"}), want: aws},
		{name: "in an ignored path and in another one",
			story: newStory().base(base).commit("bad", bad(tree{"third_party/app.go": goWith(key)})), want: aws},
	}
	for i, path := range []string{".github/pullwarden.yml", ".github/pullwarden.yaml", "pullwarden.yml", ".pullwarden.yml", ".github/PullWarden.yml", "docs/.github/pullwarden.yml"} {
		tricks = append(tricks, trick{name: fmt.Sprintf("policy in the same change, %d: %s", i+1, strings.ReplaceAll(path, "/", "·")),
			story: newStory().base(base).commit("bad", bad(tree{path: privatePolicy})), want: aws})
	}
	return tricks
}
