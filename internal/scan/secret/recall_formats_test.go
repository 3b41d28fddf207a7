package secret

import (
	"encoding/base64"
	"strings"
	"unicode"
)

// A placement is how a kind of file has a value. In text, VALUE stands for it,
// BASE64 for it encoded, and for its name, whatever that is, A_KEY, a_key, a-key,
// a.key, aKey and AKey, as the file would write it.
type placement struct {
	format, path, text string
	nameless           bool // nothing beside the value names it
}

func placements() []placement {
	return []placement{
		{"env", ".env", "# settings\nDEBUG=0\nA_KEY=VALUE\nPORT=8080\n", false},
		{"env, quoted", "app/.env.production", "A_KEY=\"VALUE\"\n", false},
		{"env, single quotes and a comment", ".env.local", "A_KEY='VALUE' # of the team\n", false},
		{"shell export", "deploy.sh", "#!/bin/sh\nset -e\nexport A_KEY=VALUE\n", false},
		{"shell, one command", "run.sh", "A_KEY=VALUE ./server --port 80\n", false},
		{"batch file", "run.bat", "@echo off\r\nset A_KEY=VALUE\r\n", false},
		{"PowerShell", "run.ps1", "$env:A_KEY = \"VALUE\"\n", false},
		{"fish", "config.fish", "set -gx A_KEY VALUE\n", false},
		{"YAML", "config.yml", "server:\n  port: 80\n  a_key: VALUE\n", false},
		{"YAML, quoted", "config.yaml", "client:\n  aKey: \"VALUE\"\n", false},
		{"YAML, single quotes", "config.yaml", "client:\n  a_key: 'VALUE'\n", false},
		{"YAML, literal block", "config.yaml", "client:\n  a_key: |\n    VALUE\n", false},
		{"YAML, folded block", "config.yaml", "client:\n  a_key: >-\n    VALUE\n", false},
		{"YAML, flow", "config.yaml", "client: {url: a, a_key: \"VALUE\"}\n", false},
		{"compose, map", "docker-compose.yml", "services:\n  app:\n    image: acme/app\n    environment:\n      A_KEY: VALUE\n", false},
		{"compose, list", "compose.yaml", "services:\n  app:\n    environment:\n      - A_KEY=VALUE\n", false},
		{"Kubernetes, env", "deploy.yaml", "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n        - env:\n            - name: A_KEY\n              value: VALUE\n", false},
		{"Kubernetes, env quoted", "deploy.yaml", "kind: Pod\nspec:\n  containers:\n  - env:\n    - name: A_KEY\n      value: \"VALUE\"\n", false},
		{"Kubernetes Secret, data", "secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\ntype: Opaque\ndata:\n  A_KEY: BASE64\n", false},
		{"Kubernetes Secret, stringData", "secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\nstringData:\n  A_KEY: VALUE\n", false},
		{"Kubernetes ConfigMap", "config.yaml", "apiVersion: v1\nkind: ConfigMap\ndata:\n  A_KEY: \"VALUE\"\n", false},
		{"Helm values", "values.yaml", "app:\n  config:\n    aKey: VALUE\n", false},
		{"JSON", "config.json", "{\n  \"port\": 80,\n  \"aKey\": \"VALUE\"\n}\n", false},
		{"JSON, one line", "config.json", `{"url":"https://api.acme.io","a_key":"VALUE","retries":3}`, false},
		{"appsettings", "appsettings.json", "{\n  \"Client\": {\n    \"AKey\": \"VALUE\"\n  }\n}\n", false},
		{"ECS task", "task.json", "{\"containerDefinitions\": [{\"environment\": [\n  {\"name\": \"A_KEY\", \"value\": \"VALUE\"}\n]}]}\n", false},
		{"launch.json", ".vscode/launch.json", "{\"configurations\": [{\"env\": {\n  \"A_KEY\": \"VALUE\"\n}}]}\n", false},
		{"TOML", "config.toml", "[client]\na_key = \"VALUE\"\n", false},
		{"wrangler.toml", "wrangler.toml", "name = \"worker\"\n[vars]\nA_KEY = 'VALUE'\n", false},
		{"INI", "app.ini", "[client]\na_key = VALUE\n", false},
		{"Java properties", "application.properties", "server.port=8080\na.key=VALUE\n", false},
		{"Java properties, colon", "app.properties", "a.key: VALUE\n", false},
		{"Spring YAML", "application.yml", "spring:\n  profiles: prod\nclient:\n  a-key: VALUE\n", false},
		{"gradle.properties", "gradle.properties", "aKey=VALUE\n", false},
		{"Terraform variable", "variables.tf", "variable \"a_key\" {\n  type    = string\n  default = \"VALUE\"\n}\n", false},
		{"Terraform variable, described", "variables.tf", "variable \"a_key\" {\n  description = \"of the account\"\n  type        = string\n  sensitive   = true\n  default     = \"VALUE\"\n}\n", false},
		{"tfvars", "prod.tfvars", "region = \"eu-west-1\"\na_key = \"VALUE\"\n", false},
		{"Terraform map", "main.tf", "resource \"x_y\" \"z\" {\n  environment = {\n    A_KEY = \"VALUE\"\n  }\n}\n", false},
		{"Jupyter", "a.ipynb", "{\"cells\": [{\"cell_type\": \"code\", \"source\": [\n  \"import os\\n\",\n  \"A_KEY = 'VALUE'\\n\",\n  \"print(1)\"\n]}]}\n", false},
		{"Jupyter, double quotes", "a.ipynb", "{\"cells\": [{\"source\": [\n  \"A_KEY = \\\"VALUE\\\"\\n\"\n]}]}\n", false},
		{"Jupyter, environment", "a.ipynb", "{\"cells\": [{\"source\": [\n  \"%env A_KEY=VALUE\\n\"\n]}]}\n", false},
		{"Go constant", "a.go", "package a\n\nconst aKey = \"VALUE\"\n", false},
		{"Go variable", "a.go", "package a\n\nfunc f() {\n\taKey := `VALUE`\n}\n", false},
		{"Go Setenv", "a.go", "package a\n\nfunc f() {\n\tos.Setenv(\"A_KEY\", \"VALUE\")\n}\n", false},
		{"Go struct", "a.go", "package a\n\nvar c = config{\n\tAKey:   \"VALUE\",\n}\n", false},
		{"Python", "a.py", "import os\nA_KEY = \"VALUE\"\n", false},
		{"Python, typed", "a.py", "class Settings:\n    a_key: str = \"VALUE\"\n", false},
		{"Python, os.environ", "a.py", "os.environ[\"A_KEY\"] = \"VALUE\"\n", false},
		{"Python, getenv", "a.py", "a_key = os.getenv(\"A_KEY\", \"VALUE\")\n", false},
		{"Python dict", "a.py", "settings = {\n    'a_key': 'VALUE',\n}\n", false},
		{"Python argument", "a.py", "c = Client(a_key=\"VALUE\", timeout=3)\n", false},
		{"JavaScript", "a.js", "const aKey = 'VALUE';\n", false},
		{"JavaScript, process.env", "a.js", "process.env.A_KEY = \"VALUE\";\n", false},
		{"JavaScript, or", "a.js", "const k = process.env.A_KEY || 'VALUE';\n", false},
		{"JavaScript, nullish", "a.mjs", "const k = process.env.A_KEY ?? \"VALUE\";\n", false},
		{"TypeScript object", "a.ts", "export const c = {\n  aKey: 'VALUE',\n};\n", false},
		{"TypeScript, typed", "a.ts", "const aKey: string = `VALUE`;\n", false},
		{"Java", "A.java", "class A {\n  private static final String A_KEY = \"VALUE\";\n}\n", false},
		{"Java, setProperty", "A.java", "System.setProperty(\"a.key\", \"VALUE\");\n", false},
		{"Kotlin", "A.kt", "private const val A_KEY = \"VALUE\"\n", false},
		{"Ruby", "a.rb", "A_KEY = 'VALUE'\n", false},
		{"Ruby ENV", "a.rb", "ENV['A_KEY'] ||= 'VALUE'\n", false},
		{"Ruby fetch", "a.rb", "k = ENV.fetch(\"A_KEY\", \"VALUE\")\n", false},
		{"Ruby hash", "a.rb", "Client.new(\n  a_key: 'VALUE'\n)\n", false},
		{"Ruby rocket", "a.rb", "c = { :a_key => 'VALUE' }\n", false},
		{"PHP define", "a.php", "<?php\ndefine('A_KEY', 'VALUE');\n", false},
		{"PHP array", "a.php", "<?php\nreturn [\n    'a_key' => 'VALUE',\n];\n", false},
		{"PHP variable", "a.php", "<?php\n$a_key = \"VALUE\";\n", false},
		{"PHP env", "a.php", "<?php\n$k = env('A_KEY', 'VALUE');\n", false},
		{"C#", "A.cs", "private const string AKey = \"VALUE\";\n", false},
		{"Rust", "a.rs", "const A_KEY: &str = \"VALUE\";\n", false},
		{"Swift", "a.swift", "let aKey: String = \"VALUE\"\n", false},
		{"Objective-C", "a.m", "static NSString *const AKey = @\"VALUE\";\n", false},
		{"C", "a.h", "#define A_KEY \"VALUE\"\n", false},
		{"XML element", "config.xml", "<client>\n  <aKey>VALUE</aKey>\n</client>\n", false},
		{"XML property", "beans.xml", "<property name=\"a.key\" value=\"VALUE\"/>\n", false},
		{"web.config", "web.config", "<appSettings>\n  <add key=\"AKey\" value=\"VALUE\" />\n</appSettings>\n", false},
		{"Android strings", "strings.xml", "<resources>\n  <string name=\"a_key\">VALUE</string>\n</resources>\n", false},
		{"plist", "Info.plist", "<dict>\n  <key>AKey</key>\n  <string>VALUE</string>\n</dict>\n", false},
		{"Ansible inventory", "inventory.ini", "[web]\nweb1 ansible_host=10.0.0.2 a_key=VALUE\n", false},
		{"Ansible vars", "group_vars/all.yml", "a_key: \"VALUE\"\n", false},
		{"GitHub Actions", ".github/workflows/ci.yml", "on: push\nenv:\n  A_KEY: VALUE\n", false},
		{"GitHub Actions, run", ".github/workflows/ci.yml", "jobs:\n  a:\n    steps:\n      - run: A_KEY=VALUE make deploy\n", false},
		{"GitLab CI", ".gitlab-ci.yml", "variables:\n  A_KEY: \"VALUE\"\n", false},
		{"Dockerfile ENV", "Dockerfile", "FROM alpine\nENV A_KEY=VALUE\n", false},
		{"Dockerfile ENV, old", "Dockerfile", "FROM alpine\nENV A_KEY VALUE\n", false},
		{"Dockerfile ARG", "Dockerfile", "FROM alpine\nARG A_KEY=\"VALUE\"\n", false},
		{"Makefile", "Makefile", "A_KEY := VALUE\n\nall:\n", false},
		{"systemd", "app.service", "[Service]\nEnvironment=\"A_KEY=VALUE\"\n", false},
		{"docker run", "run.sh", "docker run -d -e A_KEY=VALUE acme/app\n", false},
		{"kubectl", "setup.sh", "kubectl create secret generic app --from-literal=A_KEY=VALUE\n", false},
		{"Helm set", "setup.sh", "helm upgrade app ./chart --set app.aKey=VALUE\n", false},
		{"heroku", "setup.sh", "heroku config:set A_KEY=VALUE -a acme\n", false},
		{"command-line flag", "run.sh", "./server --a-key VALUE\n", false},
		{"command-line flag, equals", "run.sh", "./server --a-key=VALUE\n", false},
		{"SQL", "seed.sql", "INSERT INTO settings (k, v) VALUES ('a_key', 'VALUE');\n", false},
		{"CSV", "settings.csv", "key,value\nA_KEY,VALUE\n", false},
		{"diff comment", "a.go", "package a\n\n// A_KEY=VALUE\n", false},
		{"curl, bearer", "call.sh", "curl -sS -H \"Authorization: Bearer VALUE\" https://api.acme.io/v1\n", true},
		{"curl, user", "call.sh", "curl -u 'deploy:VALUE' https://api.acme.io/v1\n", true},
		{"header in code", "a.js", "fetch(u, {headers: {'Authorization': 'Bearer VALUE'}})\n", true},
		{"HTTP file", "call.http", "GET https://api.acme.io/v1\nAuthorization: Bearer VALUE\n", true},
		{"log", "build.log", "12:00:01 INFO using VALUE for deploy\n", true},
		{"query of an address", "a.txt", "https://api.acme.io/v1?key=VALUE&page=2\n", true},
		{"npmrc", ".npmrc", "@acme:registry=https://registry.example/\n//registry.example/:_authToken=VALUE\n", true},
		{"pypirc", ".pypirc", "[distutils]\nindex-servers = acme\n[acme]\nusername = __token__\npassword = VALUE\n", true},
		{"netrc", ".netrc", "machine api.acme.io login deploy password VALUE\n", true},
		{"Markdown", "README.md", "Run with `VALUE`.\n", true},
		{"list", "keys.txt", "VALUE\n", true},
		{"call", "a.py", "client = Client(\"VALUE\")\n", true},
	}
}

// spelledOut are the names of a value as a text of a placement may have them.
func spelledOut(name, value string) *strings.Replacer {
	lower := strings.ToLower(name)
	pascal, up := "", true
	for _, r := range lower {
		if up {
			r = unicode.ToUpper(r)
		}
		if up = r == '_'; !up {
			pascal += string(r)
		}
	}
	return strings.NewReplacer("VALUE", value, "BASE64", base64.StdEncoding.EncodeToString([]byte(value)),
		"A_KEY", name, "a_key", lower, "aKey", strings.ToLower(pascal[:1])+pascal[1:], "AKey", pascal,
		"a-key", strings.ReplaceAll(lower, "_", "-"), "a.key", strings.ReplaceAll(lower, "_", "."))
}
