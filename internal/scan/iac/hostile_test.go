package iac

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	trivylog "github.com/aquasecurity/trivy/pkg/log"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/scan"
)

const openRule = `resource "aws_security_group_rule" "ssh" {
  type        = "ingress"
  description = "ssh"
  from_port   = 22
  to_port     = 22
  protocol    = "tcp"
  cidr_blocks = ["0.0.0.0/0"]
}
`

// TestHostile holds that no content takes time or memory without bound, and
// that what it hides is an error.
func TestHostile(t *testing.T) {
	loaded.Rules() // not to be measured
	var doubled strings.Builder
	doubled.WriteString("locals {\n  l0 = \"0123456789\"\n")
	for i := range 40 {
		fmt.Fprintf(&doubled, "  l%d = \"${local.l%d}${local.l%d}\"\n", i+1, i, i)
	}
	doubled.WriteString("}\n")
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\nspec: {hostPID: true}\n"
	for _, c := range []struct {
		name  string
		files fstest.MapFS
		want  []string
	}{
		{"a million aliases", files("k8s/bomb.yaml", pod+"a: &a [x]\nb: ["+strings.Repeat("*a,", 1_000_000)+"]\n"),
			[]string{"error: k8s/bomb.yaml:1: YAML with more than 1000 aliases"}},
		{"a huge file", files("k8s/huge.yaml", pod+strings.Repeat("# much\n", 1<<20), "main.tf", strings.Repeat("# much\n", 1<<20)),
			[]string{"error: k8s/huge.yaml: too large", "error: main.tf: too large"}},
		{"aliases in a file of lawful size", files("k8s/bomb.yaml", pod+"---\n"+pod+"a: &a [x]\nb: ["+strings.Repeat("*a,", 300_000)+"]\n"),
			[]string{"k8s/bomb.yaml:4 high iac/KSV-0010", "error: k8s/bomb.yaml:5: YAML with more than 1000 aliases"}},
		{"aliases of aliases", files("k8s/bomb.yaml", pod+laughs(9)),
			[]string{"error: k8s/bomb.yaml", "too large or nested too deeply"}},
		{"an alias of itself", files("k8s/bomb.yaml", pod+"a: &a {b: *a}\n"), []string{"k8s/bomb.yaml:4 high iac/KSV-0010"}},
		{"not a number", files("pod.yaml", pod+"a: .nan\n"), []string{"pod.yaml:4 high iac/KSV-0010"}},
		{"deep YAML", files("pod.yaml", pod+"a: "+strings.Repeat("[", 5000)), []string{"error: pod.yaml"}},
		{"a count of a billion", files("main.tf", "variable \"n\" {\n  default = 1000000000\n}\n"+strings.Replace(openRule, "\n", "\n  count = var.n\n", 1)),
			[]string{"main.tf:11 high iac/AWS-0107"}},
		{"a count in a heredoc", files("main.tf", strings.Replace(openRule, "\n", "\n  count = <<N\n1000000000\nN\n", 1)),
			[]string{"error: main.tf:"}},
		{"a module that calls itself", files("main.tf", openRule+"module \"me\" {\n  source = \"./\"\n}\n"),
			[]string{"main.tf:7 high iac/AWS-0107"}},
		{"modules that call each other", files("a/main.tf", openRule+"module \"b\" {\n  source = \"../b\"\n}\n", "b/main.tf", openRule+"module \"a\" {\n  source = \"../a\"\n}\n"),
			[]string{"a/main.tf:7 high iac/AWS-0107", "b/main.tf:7 high iac/AWS-0107"}},
		{"modules without number", files("main.tf", "module \"m\" {\n  source = \"./m\"\n  for_each = toset([for i in range(1000): tostring(i)])\n}\n", "m/main.tf", openRule),
			[]string{"m/main.tf:7 high iac/AWS-0107", "calls more than"}},
		{"a module with a computed source", files("main.tf", openRule+"module \"me\" {\n  source = \"${path.module}/.\"\n}\n"),
			[]string{"main.tf:7 high iac/AWS-0107"}},
		{"a costly function", files("main.tf", openRule+"locals {\n  a = bcrypt(\"x\", 31)\n  b = pathexpand(\"~\")\n}\n"),
			[]string{"main.tf:7 high iac/AWS-0107"}},
		{"a costly function in JSON", files("main.tf.json", `{"locals": {"a": "${\u0062crypt(\"x\", 31)}"}, "resource": {"aws_s3_bucket": {"a": {"acl": "public-read"}}}}`),
			[]string{"main.tf.json:1 high iac/AWS-0092"}},
		{"locals that double", files("main.tf", openRule+doubled.String()), []string{"error: main.tf: local value", "grows beyond bounds"}},
		{"loops in loops", files("main.tf", openRule+"locals {\n  a = [for a in range(1000): [for b in range(1000): [for c in range(1000): [for d in range(1000): 1]]]]\n}\n"),
			[]string{"error: main.tf:10: for expressions nested too deeply"}},
		{"brackets in brackets", files("main.tf", "locals {\n  a = "+strings.Repeat("(", 500_000)+"\n}\n"), []string{"error: main.tf:2: nested too deeply"}},
		{"signs before signs", files("main.tf", "locals {\n  a = "+strings.Repeat("!", 500_000)+"true\n}\n"), []string{"error: main.tf:2: nested too deeply"}},
		{"broken variables", files("main.tf", openRule, "terraform.tfvars", "a = \n"),
			[]string{"main.tf:7 high iac/AWS-0107", "error: terraform.tfvars:1: cannot be read as Terraform"}},
		{"a NUL", files("Dockerfile", "FROM debian:latest\nUSER app\n# \x00\n"), []string{"Dockerfile:1 medium iac/DS-0001"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			got := summary(run(t, change.Empty(), c.files))
			runtime.ReadMemStats(&after)
			for _, want := range c.want {
				assert.Contains(t, got, want)
			}
			assert.Less(t, time.Since(start), 30*time.Second, "the race detector included")
			assert.Less(t, (after.TotalAlloc-before.TotalAlloc)>>20, uint64(1500), "MiB allocated")
		})
	}
}

// laughs is a document of n levels, each of which holds the one before nine times.
func laughs(n int) string {
	var b strings.Builder
	b.WriteString("l0: &l0 [x]\n")
	for i := range n {
		fmt.Fprintf(&b, "l%d: &l%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*l%d,", i), 9), ","))
	}
	return b.String()
}

// TestBeforeMayBeBroken holds that what was broken before is no error after.
func TestBeforeMayBeBroken(t *testing.T) {
	r := run(t, files("main.tf", "resource {{{", "k.yaml", "apiVersion: v1\nkind: [\n", "Dockerfile", "COPY"),
		files("main.tf", openRule, "k.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\n", "Dockerfile", "FROM debian:12.5\nUSER app\n"))
	assert.Equal(t, "main.tf:7 high iac/AWS-0107\n", summary(r))
}

// TestMachine holds that nothing of the process or its machine reaches an evaluation.
func TestMachine(t *testing.T) {
	t.Setenv("TF_VAR_acl", "public-read")
	t.Setenv("HOME", "/public-read")
	dir := t.TempDir()
	t.Chdir(dir)
	require.NoError(t, os.WriteFile("acl", []byte("public-read"), 0o600))
	r := run(t, change.Empty(), files("main.tf", `
variable "acl" {}
resource "aws_s3_bucket" "a" {
  acl = var.acl
}
resource "aws_s3_bucket" "b" {
  acl = file("acl")
}
resource "aws_s3_bucket" "c" {
  acl = trimprefix(pathexpand("~"), "/")
}
resource "aws_s3_bucket" "d" {
  acl = "public-read"
}
module "m" {
  source = "../../../../../../../../`+dir+`"
}
module "n" {
  source = "git::https://git.example/module.git"
}
`))
	var public []string
	for _, f := range r.Findings {
		if f.Rule.ID == "iac/AWS-0092" {
			public = append(public, f.At.String())
		}
	}
	assert.Equal(t, []string{"main.tf:13"}, public)
	assert.NoError(t, r.Statuses[0].Err)
}

// stderr is what os.Stderr was when loaded was made: under "go test -json" the
// tests have another one.
var stderr = os.Stderr

// TestLogging holds that the engine neither keeps nor swallows what is logged.
func TestLogging(t *testing.T) {
	_, kept := slog.Default().Handler().(*trivylog.DeferredHandler)
	assert.False(t, kept)
	assert.Same(t, stderr, log.Writer())
	assert.Equal(t, log.LstdFlags, log.Flags())
}

// TestLoadsNothing holds that a change without infrastructure code costs nothing.
func TestLoadsNothing(t *testing.T) {
	s := &Scanner{engine: func() (*engine, error) { t.Error("loaded"); return nil, nil }}
	c, err := change.Between(t.Context(), change.Empty(), files("main.go", "package main", "README.md", "apiVersion kind", "go.mod", "module a",
		"compose.yaml", "services: {}\n", "package.json", "{}", "api.json", `{"apiVersion": 2, "paths": {}, "kind": 1}`, "pod.yaml.txt", openPod))
	require.NoError(t, err)
	r := scan.Run(t.Context(), []scan.Scanner{s}, c, scan.Options{})
	assert.NoError(t, r.Statuses[0].Err)
	assert.Empty(t, s.Wants(c))
}

func TestEndsWithItsContext(t *testing.T) {
	c, err := change.Between(t.Context(), change.Empty(), files("main.tf", openRule, "Dockerfile", "FROM debian\n"))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := scan.Run(ctx, []scan.Scanner{loaded}, c, scan.Options{})
	assert.ErrorIs(t, r.Statuses[0].Err, context.Canceled)
}

func TestConcurrent(t *testing.T) {
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got := summary(run(t, change.Empty(), files("main.tf", openRule, "Dockerfile", "FROM debian:latest\nUSER app\n")))
			assert.Equal(t, "Dockerfile:1 medium iac/DS-0001\nmain.tf:7 high iac/AWS-0107\n", got)
		})
	}
	wg.Wait()
}
