package demo_test

import "strings"

// privilegedPod is a manifest with one mistake that counts.
const privilegedPod = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: app
  namespace: shop
spec:
  selector:
    matchLabels:
      app: app
  template:
    metadata:
      labels:
        app: app
    spec:
      containers:
        - name: app
          image: registry.example/app:1.0.0
          securityContext:
            privileged: true
`

// safePod is one that has nothing to be blocked for.
const safePod = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: app
  namespace: shop
spec:
  selector:
    matchLabels:
      app: app
  template:
    metadata:
      labels:
        app: app
    spec:
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: app
          image: registry.example/app@sha256:0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9
          resources:
            requests: {cpu: 100m, memory: 64Mi}
            limits: {cpu: 200m, memory: 128Mi}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            runAsNonRoot: true
            runAsUser: 65532
            runAsGroup: 65532
            capabilities:
              drop: [ALL]
            seccompProfile:
              type: RuntimeDefault
`

// terraformTricks open what should be closed, where it does not show.
func terraformTricks() []trick {
	readme := tree{"README.md": "# shop\n"}
	acl := func(value string) string {
		return strings.Replace(publicBucket, `"public-read"`, value, 1)
	}
	public := func(path, text string) []sighting {
		return []sighting{{rule: "iac/AWS-0092", path: path, text: text}}
	}
	quiet := func(path, text string) []sighting {
		return []sighting{{rule: "iac/AWS-0092", path: path, text: text, comment: -1}}
	}
	called := func(path string, line int) []sighting {
		return []sighting{{rule: "iac/AWS-0092", path: "modules/logs/main.tf", text: "var.acl", commentIn: path, comment: line}}
	}
	module := func(source string) string {
		return "module \"logs\" {\n  source = \"" + source + "\"\n  acl    = \"public-read\"\n}\n"
	}
	const inJSON = `{
  "resource": {
    "aws_s3_bucket": {"logs": {"bucket": "logs"}},
    "aws_s3_bucket_acl": {
      "logs": {
        "bucket": "${aws_s3_bucket.logs.id}",
        "acl": "public-read"
      }
    }
  }
}
`
	const input = "variable \"acl\" {\n  type = string\n}\n\n"
	volume := "resource \"aws_ebs_volume\" \"data\" {\n  availability_zone = \"eu-central-1a\"\n  size              = 10\n  encrypted         = true\n}\n"
	db := "resource \"aws_rds_cluster\" \"data\" {\n  engine            = \"aurora-mysql\"\n  master_username   = \"app\"\n  storage_encrypted = true\n  kms_key_id        = aws_kms_key.data.arn\n}\n\nresource \"aws_kms_key\" \"data\" {\n  enable_key_rotation = true\n}\n"
	bucket := "resource \"aws_s3_bucket\" \"site\" {\n  bucket = \"site\"\n}\n"
	block := `resource "aws_s3_bucket_public_access_block" "site" {
  bucket                  = aws_s3_bucket.site.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
`
	group := `resource "aws_security_group" "web" {
  name        = "web"
  description = "web"
  dynamic "ingress" {
    for_each = [22]
    content {
      description = "ssh"
      from_port   = ingress.value
      to_port     = ingress.value
      protocol    = "tcp"
      cidr_blocks = ["0.0.0.0/0"]
    }
  }
}
`
	return []trick{
		{name: "terraform: ACL of a bucket that is somewhere else",
			story: newStory().base(readme).commit("bad", tree{"infra/logs.tf": "resource \"aws_s3_bucket_acl\" \"logs\" {\n  bucket = \"logs\"\n  acl    = \"public-read\"\n}\n"}), want: public("infra/logs.tf", "public-read")},
		{name: "terraform: default of a variable",
			story: newStory().base(tree{"infra/logs.tf": acl("var.acl"), "infra/vars.tf": "variable \"acl\" {\n  default = \"private\"\n}\n"}).
				commit("bad", tree{"infra/vars.tf": "variable \"acl\" {\n  default = \"public-read\"\n}\n"}), want: quiet("infra/logs.tf", "var.acl")},
		{name: "terraform: tfvars",
			story: newStory().base(tree{"infra/logs.tf": input + acl("var.acl"), "infra/terraform.tfvars": "acl = \"private\"\n"}).
				commit("bad", tree{"infra/terraform.tfvars": "acl = \"public-read\"\n"}), want: quiet("infra/logs.tf", "var.acl")},
		{name: "terraform: auto.tfvars.json",
			story: newStory().base(tree{"infra/logs.tf": input + acl("var.acl")}).
				commit("bad", tree{"infra/x.auto.tfvars.json": "{\"acl\": \"public-read\"}\n"}), want: quiet("infra/logs.tf", "var.acl")},
		{name: "terraform: variables of one environment",
			story: newStory().base(tree{"infra/logs.tf": input + acl("var.acl"), "infra/env/prod.tfvars": "acl = \"private\"\n"}).
				commit("bad", tree{"infra/env/prod.tfvars": "acl = \"public-read\"\n"}), want: quiet("infra/logs.tf", "var.acl")},
		{name: "terraform: locals",
			story: newStory().base(tree{"infra/logs.tf": acl("local.acl"), "infra/locals.tf": "locals {\n  acl = \"private\"\n}\n"}).
				commit("bad", tree{"infra/locals.tf": "locals {\n  word = \"read\"\n  acl  = \"public-${local.word}\"\n}\n"}), want: quiet("infra/logs.tf", "local.acl")},
		{name: "terraform: put together by functions",
			story: newStory().base(readme).commit("bad", tree{"infra/logs.tf": acl(`join("-", ["public", lower("READ")])`)}), want: public("infra/logs.tf", "join")},
		{name: "terraform: conditional",
			story: newStory().base(readme).commit("bad", tree{"infra/logs.tf": acl(`true ? "public-read" : "private"`)}), want: public("infra/logs.tf", "true ?")},
		{name: "terraform: argument of a module",
			story: newStory().base(tree{"modules/logs/main.tf": input + acl("var.acl"), "main.tf": strings.Replace(module("./modules/logs"), "public-read", "private", 1)}).
				commit("bad", tree{"main.tf": module("./modules/logs")}), want: called("main.tf", 3)},
		{name: "terraform: module in a directory beside",
			story: newStory().base(tree{"live/main.tf": module("../modules/logs"), "modules/logs/main.tf": input + acl(`"private"`)}).
				commit("bad", tree{"modules/logs/main.tf": input + acl(`"public-read"`)}), want: public("modules/logs/main.tf", "public-read")},
		{name: "terraform: new call of a module beside",
			story: newStory().base(tree{"modules/logs/main.tf": input + acl("var.acl")}).
				commit("bad", tree{"live/main.tf": module("../modules/logs")}), want: called("live/main.tf", 4)},
		{name: "terraform: in JSON",
			story: newStory().base(readme).commit("bad", tree{"infra/logs.tf.json": inJSON}),
			want:  public("infra/logs.tf.json", "public-read")},
		{name: "terraform: OpenTofu's ending",
			story: newStory().base(readme).commit("bad", tree{"infra/logs.tofu": publicBucket}), want: public("infra/logs.tofu", "public-read")},
		{name: "terraform: count that is not known",
			story: newStory().base(readme).commit("bad", tree{"infra/logs.tf": "variable \"n\" {\n  type = number\n}\n\n" + strings.Replace(publicBucket, "  acl ", "  count  = var.n\n  acl ", 1)}), want: public("infra/logs.tf", "public-read")},
		{name: "terraform: for_each",
			story: newStory().base(readme).commit("bad", tree{"infra/logs.tf": strings.Replace(acl("each.value"), "  acl ", "  for_each = toset([\"public-read\"])\n  acl ", 1)}), want: public("infra/logs.tf", "each.value")},
		{name: "terraform: dynamic block",
			story: newStory().base(readme).commit("bad", tree{"infra/web.tf": group}), want: []sighting{{rule: "iac/AWS-0107", path: "infra/web.tf", text: "0.0.0.0/0"}}},
		{name: "terraform: in vendored examples",
			story: newStory().base(readme).commit("bad", tree{"vendor/x/examples/.hidden/logs.tf": publicBucket}), want: public("vendor/x/examples/.hidden/logs.tf", "public-read")},
		{name: "terraform: second copy of a mistake that base has",
			story: newStory().base(tree{"infra/logs.tf": publicBucket}).commit("bad", tree{"infra/logs.tf": publicBucket + "\n" + strings.ReplaceAll(publicBucket, "logs", "more")}),
			want:  []sighting{{rule: "iac/AWS-0092", path: "infra/logs.tf", line: 16}}},
		{name: "terraform: the mistake moves to another resource",
			story: newStory().base(tree{"infra/logs.tf": publicBucket}).commit("bad", tree{"infra/logs.tf": strings.ReplaceAll(publicBucket, "logs", "backups")}),
			want:  []sighting{{rule: "iac/AWS-0092", path: "infra/logs.tf", text: "public-read", comment: -1}}},
		{name: "terraform: encryption taken away",
			story: newStory().base(tree{"infra/data.tf": volume}).commit("bad", tree{"infra/data.tf": strings.Replace(volume, "  encrypted         = true\n", "", 1)}),
			want:  []sighting{{rule: "iac/AWS-0026", path: "infra/data.tf", line: 1, comment: -1}}},
		{name: "terraform: encryption of a database taken away",
			story: newStory().base(tree{"infra/data.tf": db}).commit("bad", tree{"infra/data.tf": strings.Replace(db, "  storage_encrypted = true\n", "", 1)}),
			want:  []sighting{{rule: "iac/AWS-0079", path: "infra/data.tf", line: 1, comment: -1}}},
		{name: "terraform: public access block in another file taken away",
			story: newStory().base(tree{"infra/site.tf": bucket, "infra/block.tf": block}).commit("bad", nil, gone{"infra/block.tf"}),
			want:  []sighting{{rule: "iac/AWS-0086", path: "infra/site.tf", line: 1, comment: -1}}},
		{name: "terraform: override file",
			story: newStory().base(tree{"infra/logs.tf": acl(`"private"`)}).commit("bad", tree{"infra/logs_override.tf": "resource \"aws_s3_bucket_acl\" \"logs\" {\n  acl = \"public-read\"\n}\n"}), check: incomplete("infra/logs_override.tf")},
		{name: "terraform: heredoc and comments between",
			story: newStory().base(readme).commit("bad", tree{"infra/logs.tf": "/* a\n*/ resource aws_s3_bucket logs {\n}\n/* b */ resource aws_s3_bucket_acl logs { // c\n  bucket = aws_s3_bucket.logs.id\n  policy = <<-E\n  acl\n  E\n  acl = /* d */ \"public-read\"\n}\n"}), want: public("infra/logs.tf", "public-read")},
		{name: "terraform: unknown block beside it",
			story: newStory().base(readme).commit("bad", tree{"infra/logs.tf": publicBucket + "\nbogus \"x\" {\n}\n"}), want: public("infra/logs.tf", "public-read")},
		{name: "terraform: broken file beside it",
			story: newStory().base(readme).commit("bad", tree{"infra/logs.tf": publicBucket, "infra/broken.tf": "resource {\n"}), want: public("infra/logs.tf", "public-read")},
		{name: "terraform: CRLF and a byte order mark",
			story: newStory().base(readme).commit("bad", tree{"infra/logs.tf": "\ufeff" + strings.ReplaceAll(publicBucket, "\n", "\r\n")}), want: public("infra/logs.tf", "public-read")},
		{name: "terraform: module renamed and edited",
			story: newStory().base(tree{"old/logs.tf": acl(`"private"`) + "# " + numbered(1)}).commit("bad", tree{"new/logs.tf": publicBucket + "# " + numbered(1)}, gone{"old"}), want: public("new/logs.tf", "public-read")},
		{name: "terraform: name of the file is not UTF-8",
			story: newStory().base(readme).commit("bad", tree{"infra/l\xf6gs.tf": publicBucket}), want: []sighting{{rule: "iac/AWS-0092", path: "infra/l\xf6gs.tf", text: "public-read", odd: true}}},
	}
}

// kubernetesTricks do the same in manifests.
func kubernetesTricks() []trick {
	readme := tree{"README.md": "# shop\n"}
	added := func(path, content string) *story { return newStory().base(readme).commit("bad", tree{path: content}) }
	privileged := func(path, text string) []sighting {
		return []sighting{{rule: "iac/KSV-0017", path: path, text: text}}
	}
	list := "apiVersion: v1\nkind: List\nitems:\n" + indented("  ", strings.TrimSuffix("- "+indented("  ", privilegedPod)[2:], "\n")) + "\n"
	initial := strings.Replace(safePod, "      containers:\n", "      initContainers:\n        - name: init\n          image: registry.example/init:1\n          securityContext:\n            privileged: true\n      containers:\n", 1)
	cron := "apiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: app\n  namespace: shop\nspec:\n  schedule: '0 0 * * *'\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          containers:\n            - name: app\n              image: registry.example/app:1\n              securityContext:\n                privileged: true\n"
	service := "apiVersion: v1\nkind: Service\nmetadata:\n  name: app\n  namespace: shop\nspec:\n  selector: {app: app}\n  ports:\n    - port: 80\n"
	json := `{
  "apiVersion": "v1",
  "kind": "Pod",
  "metadata": {"name": "app", "namespace": "shop"},
  "spec": {
    "containers": [
      {
        "name": "app",
        "image": "registry.example/app:1",
        "securityContext": {
          "privileged": true
        }
      }
    ]
  }
}
`
	anchored := "apiVersion: v1\nkind: Pod\nmetadata:\n  name: app\n  namespace: shop\n  annotations: &c\n    privileged: true\nspec:\n  containers:\n    - name: app\n      image: registry.example/app:1\n      securityContext:\n        <<: *c\n"
	flow := "apiVersion: v1\nkind: Pod\nmetadata: {name: app, namespace: shop}\nspec: {containers: [{name: app, image: 'registry.example/app:1', securityContext: {privileged: true}}]}\n"
	return []trick{
		{name: "kubernetes: second document", story: added("deploy/app.yaml", service+"---\n"+privilegedPod), want: privileged("deploy/app.yaml", "privileged: true")},
		{name: "kubernetes: document after a broken one", story: added("deploy/app.yaml", "apiVersion: v1\nkind: [\n---\n"+privilegedPod), want: privileged("deploy/app.yaml", "privileged: true")},
		{name: "kubernetes: separator with a comment", story: added("deploy/app.yaml", service+"--- # next\n"+privilegedPod), want: privileged("deploy/app.yaml", "privileged: true")},
		{name: "kubernetes: list", story: added("deploy/app.yaml", list), want: privileged("deploy/app.yaml", "privileged: true")},
		{name: "kubernetes: init container", story: added("deploy/app.yaml", initial), want: privileged("deploy/app.yaml", "privileged: true")},
		{name: "kubernetes: cron job", story: added("deploy/app.yaml", cron), want: privileged("deploy/app.yaml", "privileged: true")},
		{name: "kubernetes: .yml", story: added("deploy/app.yml", privilegedPod), want: privileged("deploy/app.yml", "privileged: true")},
		{name: "kubernetes: .YAML", story: added("deploy/APP.YAML", privilegedPod), want: privileged("deploy/APP.YAML", "privileged: true")},
		{name: "kubernetes: second object in JSON, tabs and surrogates", story: added("deploy/app.json", "{\"a\": \"\\ud83d\\ude00\"}\n"+strings.ReplaceAll(json, "  ", "\t")), want: privileged("deploy/app.json", `"privileged": true`)},
		{name: "kubernetes: JSON", story: added("deploy/app.json", json), want: privileged("deploy/app.json", `"privileged": true`)},
		{name: "kubernetes: tabs and comments", story: added("deploy/app.yaml", strings.Replace(privilegedPod, "privileged: true", "privileged:\ttrue\t# needed", 1)), want: privileged("deploy/app.yaml", "privileged:\ttrue")},
		{name: "kubernetes: flow style", story: added("deploy/app.yaml", flow), want: privileged("deploy/app.yaml", "privileged: true")},
		{name: "kubernetes: through an anchor", story: added("deploy/app.yaml", anchored), want: []sighting{{rule: "iac/KSV-0017", path: "deploy/app.yaml", line: 10}}},
		{name: "kubernetes: true in capitals", story: added("deploy/app.yaml", strings.Replace(privilegedPod, "privileged: true", "privileged: True", 1)), want: privileged("deploy/app.yaml", "privileged: True")},
		{name: "kubernetes: keys in quotes", story: added("deploy/app.yaml", strings.NewReplacer("apiVersion", `"apiVersion"`, "kind", `"kind"`, "privileged", `"privileged"`).Replace(privilegedPod)), want: privileged("deploy/app.yaml", `"privileged"`)},
		{name: "kubernetes: CRLF and a byte order mark", story: added("deploy/app.yaml", "\ufeff"+strings.ReplaceAll(privilegedPod, "\n", "\r\n")), want: privileged("deploy/app.yaml", "privileged: true")},
		{name: "kubernetes: CRLF after a separator", story: added("deploy/app.yaml", strings.ReplaceAll(service+"---\n"+privilegedPod, "\n", "\r\n")), want: privileged("deploy/app.yaml", "privileged: true")},
		{name: "kubernetes: UTF-16", story: added("deploy/app.yaml", "\xff\xfe"+wide(privilegedPod, false)), want: []sighting{{rule: "iac/KSV-0017", path: "deploy/app.yaml", line: 19, comment: -1}}},
		{name: "kubernetes: in a hidden directory", story: added(".deploy/tests/vendor/app.yaml", privilegedPod), want: privileged(".deploy/tests/vendor/app.yaml", "privileged: true")},
		{name: "kubernetes: securityContext taken away",
			story: newStory().base(tree{"deploy/app.yaml": safePod}).commit("bad", tree{"deploy/app.yaml": safePod[:strings.LastIndex(safePod, "          securityContext:")]}),
			want:  []sighting{{rule: "iac/KSV-0014", path: "deploy/app.yaml", text: "- name: app\n", comment: -1}}},
		{name: "kubernetes: container added to one that base has",
			story: newStory().base(tree{"deploy/app.yaml": privilegedPod}).commit("bad", tree{"deploy/app.yaml": privilegedPod + "        - name: more\n          image: registry.example/more:1\n          securityContext:\n            privileged: true\n"}),
			want:  []sighting{{rule: "iac/KSV-0017", path: "deploy/app.yaml", line: 23}}},
		{name: "kubernetes: renamed, with one line turned",
			story: newStory().base(tree{"old/app.yaml": safePod}).commit("bad", tree{"new/app.yaml": strings.Replace(safePod, "allowPrivilegeEscalation: false", "privileged: true", 1)}, gone{"old"}),
			want:  privileged("new/app.yaml", "privileged: true")},
	}
}

func indented(by, text string) string {
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}

// dockerTricks do the same in Dockerfiles.
func dockerTricks() []trick {
	readme := tree{"README.md": "# shop\n"}
	const file = "FROM registry.example/base:1.0\nHEALTHCHECK CMD [\"/app\"]\nUSER root\n"
	var tricks []trick
	named, want := tree{}, []sighting{}
	for _, path := range []string{"Containerfile", "build/app.Dockerfile", "Dockerfile.prod", "dockerfile", "DOCKERFILE", "Dockerfile.Prod.v2", "x.containerfile", "vendor/Dockerfile"} {
		named[path] = file
		want = append(want, sighting{rule: "iac/DS-0002", path: path, text: "USER root"})
	}
	tricks = append(tricks, trick{name: "dockerfile: names", story: newStory().base(readme).commit("bad", named), want: want})
	for name, content := range map[string]string{
		"ARG in FROM":        "ARG BASE=registry.example/base:1.0\nFROM ${BASE}\nHEALTHCHECK CMD [\"/app\"]\nUSER root\n",
		"last of two stages": "FROM registry.example/go:1 AS build\nUSER 65532\nRUN make\nFROM registry.example/base:1.0\nCOPY --from=build /app /app\nHEALTHCHECK CMD [\"/app\"]\nUSER root\n",
		"after a heredoc":    "FROM registry.example/base:1.0\nRUN <<EOF\nUSER 65532\nEOF\nHEALTHCHECK CMD [\"/app\"]\nUSER root\n",
		"user 0":             "FROM registry.example/base:1.0\nHEALTHCHECK CMD [\"/app\"]\nUSER 0:0\n# USER root\n",
		"user in lower case": "FROM registry.example/base:1.0\nhealthcheck CMD [\"/app\"]\nuser root\n# USER root\n",
		"escape directive":   "# escape=`\nFROM registry.example/base:1.0\nRUN a `\n  b\nHEALTHCHECK CMD [\"/app\"]\nUSER root\n",
		"syntax directive":   "# syntax=registry.example/other-frontend\n# check=skip=all\nFROM registry.example/base:1.0\nHEALTHCHECK CMD [\"/app\"]\nUSER root\n",
		"CRLF":               "FROM registry.example/base:1.0\r\nHEALTHCHECK CMD [\"/app\"]\r\nUSER root\r\n",
		"byte order mark":    "\ufeffFROM registry.example/base:1.0\nHEALTHCHECK CMD [\"/app\"]\nUSER root\n",
		"user from an ARG":   "FROM registry.example/base:1.0\nARG WHO=root\nHEALTHCHECK CMD [\"/app\"]\nUSER ${WHO}\n# USER root\n",
	} {
		w := sighting{rule: "iac/DS-0002", path: "Dockerfile", text: "USER root"}
		switch name {
		case "user 0":
			w.text = "USER 0:0"
		case "user in lower case":
			w.text = "user root"
		case "user from an ARG":
			w.text = "USER ${WHO}"
		}
		tricks = append(tricks, trick{name: "dockerfile: " + name, story: newStory().base(readme).commit("bad", tree{"Dockerfile": content}), want: []sighting{w}})
	}
	return append(tricks,
		trick{name: "dockerfile: USER taken away",
			story: newStory().base(tree{"Dockerfile": "FROM registry.example/base:1.0\nHEALTHCHECK CMD [\"/app\"]\nUSER 65532\nENTRYPOINT [\"/app\"]\n"}).commit("bad", tree{"Dockerfile": "FROM registry.example/base:1.0\nHEALTHCHECK CMD [\"/app\"]\nENTRYPOINT [\"/app\"]\n"}),
			want:  []sighting{{rule: "iac/DS-0002", path: "Dockerfile", line: 1, comment: -1}}},
		trick{name: "dockerfile: USER of another stage",
			story: newStory().base(readme).commit("bad", tree{"Dockerfile": "FROM registry.example/go:1 AS build\nRUN make\nUSER 65532\nFROM registry.example/base:1.0\nCOPY --from=build /app /app\nHEALTHCHECK CMD [\"/app\"]\n"}),
			want:  []sighting{{rule: "iac/DS-0002", path: "Dockerfile", line: 4}}},
		trick{name: "dockerfile: USER root from ENV of the stage before",
			story: newStory().base(readme).commit("bad", tree{"Dockerfile": "FROM registry.example/base:1.0 AS one\nENV WHO=root A=b\nFROM one\nHEALTHCHECK CMD [\"/app\"]\nUSER $WHO\n"}),
			want:  []sighting{{rule: "iac/DS-0002", path: "Dockerfile", line: 5}}},
		trick{name: "dockerfile: password in ENV",
			story: newStory().base(readme).commit("bad", tree{"Dockerfile": "FROM registry.example/base:1.0\nENV GITHUB_TOKEN=" + githubToken("docker") + "\nHEALTHCHECK CMD [\"/app\"]\nUSER 65532\n"}),
			want:  []sighting{{rule: "secret/github-pat", path: "Dockerfile", line: 2, commit: "bad"}}},
	)
}
