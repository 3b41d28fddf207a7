package iac

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

func only(t *testing.T, r finding.Result, rule string) finding.Finding {
	t.Helper()
	var found []finding.Finding
	for _, f := range r.Findings {
		if f.Rule.ID == rule {
			found = append(found, f)
		}
	}
	require.Len(t, found, 1, "findings of %s", rule)
	return found[0]
}

func TestFindingSaysWhatWhyAndHow(t *testing.T) {
	r := run(t, change.Empty(), files("main.tf", "resource \"aws_s3_bucket\" \"logs\" {\n  acl = \"public-read\" # for now\n}\n"))
	f := only(t, r, "iac/AWS-0092")
	assert.Equal(t, `aws_s3_bucket.logs: Bucket has a public ACL: "public-read"`, f.Message)
	assert.Contains(t, f.Rule.Why, "anybody on the internet")
	assert.Equal(t, "Set `acl = \"private\"`.", f.Fix.Text, "our words, and no example where the line says it")
	assert.NotEmpty(t, f.Rule.References)
	assert.Equal(t, []change.Edit{{Span: f.At, Text: "  acl = \"private\" # for now\n"}}, f.Fix.Edits)
}

// A repair is made of what the file says: that a waiver in it was made void to
// look at it is not to be written into the file.
func TestEditsLeaveWaivers(t *testing.T) {
	for path, text := range map[string]string{
		"main.tf":  "resource \"aws_s3_bucket\" \"logs\" {\n  acl = \"public-read\" # trivy:ignore:AWS-0092\n}\n",
		"crlf.tf":  "resource \"aws_s3_bucket\" \"logs\" {\r\n  acl = \"public-read\" #tfsec:ignore:x\r\n}\r\n",
		"pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n    - name: a\n      image: a:1\n      securityContext:\n        privileged: true #trivy:ignore:KSV-0017\n",
	} {
		found := run(t, change.Empty(), files(path, text)).Findings
		i := slices.IndexFunc(found, func(f finding.Finding) bool { return f.Fix.Edits != nil })
		require.GreaterOrEqual(t, i, 0, path)
		e := found[i].Fix.Edits[0]
		was := strings.SplitAfter(text, "\n")[e.Span.Start-1]
		want := strings.NewReplacer("\"public-read\"", "\"private\"", "privileged: true", "privileged: false").Replace(was)
		assert.Equal(t, want, e.Text, path)
	}
}

func TestEditsOfKubernetes(t *testing.T) {
	f := only(t, run(t, change.Empty(), files("pod.yaml", `apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
    - name: app
      image: registry.example/app:1
      securityContext:
        privileged: true
`)), "iac/KSV-0017")
	assert.Equal(t, []change.Edit{{Span: change.Span{Path: "pod.yaml", Start: 9, End: 9}, Text: "        privileged: false\n"}}, f.Fix.Edits)
	assert.Contains(t, f.Message, "Container 'app' of Pod 'web'")
}

// TestModuleCall holds that a finding in a module names the calls that lead to it.
func TestModuleCall(t *testing.T) {
	f := only(t, run(t, change.Empty(), files(
		"main.tf", "module \"site\" {\n  source = \"./bucket\"\n  acl    = \"public-read\"\n}\n",
		"bucket/main.tf", "variable \"acl\" {}\nresource \"aws_s3_bucket\" \"this\" {\n  acl = var.acl\n}\n")), "iac/AWS-0092")
	assert.Equal(t, change.Span{Path: "bucket/main.tf", Start: 3, End: 3}, f.At)
	assert.Equal(t, []change.Span{{Path: "main.tf", Start: 1, End: 4}}, f.Also)
	assert.Equal(t, `module.site.aws_s3_bucket.this: Bucket has a public ACL: "public-read"`, f.Message)
	assert.Empty(t, f.Fix.Edits)
}

// TestMessagesKeepSecrets holds that a message never quotes what a check about
// secrets found.
func TestMessagesKeepSecrets(t *testing.T) {
	secret := "hunter2" + "hunter2"
	r := run(t, change.Empty(), files(
		"Dockerfile", "FROM debian:12.5\nENV DB_PASSWORD="+secret+"\nUSER app\n",
		"config.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app, namespace: shop}\ndata:\n  settings: |\n    password: "+secret+"\n    key="+secret+"\n",
		"main.tf", "resource \"aws_instance\" \"a\" {\n  user_data = \"export AWS_ACCESS_KEY_ID=AKIA"+"IOSFODNN7EXAMPLE PASSWORD="+secret+"\"\n}\n"))
	require.GreaterOrEqual(t, len(r.Findings), 2)
	for _, f := range r.Findings {
		assert.NotContains(t, f.Message+f.Fix.Text+f.Rule.Why, secret)
		assert.NotContains(t, f.Message, "AKIA")
	}
}

// Our words are about checks that there are, and are what a finding says.
func TestWords(t *testing.T) {
	e, err := loaded.engine()
	require.NoError(t, err)
	d := yaml.NewDecoder(bytes.NewReader(ownWords))
	d.KnownFields(true)
	var strict map[string]wording
	require.NoError(t, d.Decode(&strict))
	rules := map[string]finding.Rule{}
	for _, r := range e.all(e.rule) {
		rules[strings.TrimPrefix(r.ID, "iac/")] = r
	}
	for id, w := range strict {
		require.Contains(t, rules, id)
		for said, ours := range map[string]string{rules[id].Title: w.Title, rules[id].Why: w.Why, rules[id].How: w.How} {
			assert.Contains(t, said, ours, id)
		}
		assert.False(t, strings.HasSuffix(w.Title+w.Message, "."), id)
	}
	all := fmt.Sprint(e.all(e.rule))
	for _, garbled := range []string{"tfsec ignore", "PUTs with", "'set containers", "switch to private acl", `sse_algorithm = "AES256"`, "foobarbaz", "private-read"} {
		assert.NotContains(t, all, garbled)
	}
	for name, want := range map[string]string{
		"main.tf":    `aws_s3_bucket.a: Bucket does not block public ACLs`,
		"Dockerfile": "The image runs as root",
		"pod.yaml":   "Pod/default/shop: Pod gets a token for the Kubernetes API",
		"bare.yaml":  `Container "b" of pod "shop" in "default" namespace should specify a seccomp profile`,
	} {
		var said []string
		for _, f := range run(t, change.Empty(), files(name, map[string]string{
			"main.tf":    "resource \"aws_s3_bucket\" \"a\" {}\n",
			"Dockerfile": "FROM debian:12\n",
			"bare.yaml":  "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec: {containers: [{name: b, image: c:1}]}\n",
			"pod.yaml":   "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec:\n  automountServiceAccountToken: true\n  containers: [{name: b, image: c:1}]\n",
		}[name])).Findings {
			said = append(said, f.Message)
		}
		assert.Contains(t, said, want)
	}
}

func TestRules(t *testing.T) {
	e, err := loaded.engine()
	require.NoError(t, err)
	all := e.all(e.rule)
	assert.Greater(t, len(all), 400)
	listed := loaded.Rules()
	require.Len(t, listed, len(all))
	for i, r := range all {
		ours := e.words[strings.TrimPrefix(r.ID, "iac/")]
		if r.ID != remoteModule().ID {
			assert.Equal(t, ours.Why, listed[i].Why, "documents have no words of the checks' authors: %s", r.ID)
			assert.True(t, strings.HasPrefix(listed[i].How, ours.How) && (ours.How != "" || listed[i].How == ""), r.ID)
		}
		assert.True(t, strings.HasPrefix(r.ID, "iac/"), r.ID)
		assert.NotEmpty(t, r.Title, r.ID)
		assert.NotEmpty(t, r.Why, r.ID)
		assert.NotEmpty(t, r.How, r.ID)
	}
}

// TestWaivers holds that each way to tell an engine to look away is made void
// without moving anything, and that other words stay.
func TestWaivers(t *testing.T) {
	for in, want := range map[string]string{
		"#trivy:ignore:AWS-0092":                "#trivy_ignore:AWS-0092",
		"# Trivy:IGNORE:*":                      "# Trivy_IGNORE:*",
		"//tfsec:ignore:aws-s3-x":               "//tfsec_ignore:aws-s3-x",
		"/* tfsec:ignore:* */":                  "/* tfsec_ignore:* */",
		"x #trivy:ws:prod:ignore:*":             "x #trivy_ws:prod:ignore:*",
		"#trivy:a-ignore:x:ignore:* trivy:b":    "#trivy_a-ignore:x:ignore:* trivy:b",
		"#tfsec:ignore:A tfsec:ignore:B":        "#tfsec_ignore:A tfsec_ignore:B",
		"# checkov:skip=CKV_AWS_1":              "# checkov_skip=CKV_AWS_1",
		"#ts:skip=AC_AWS":                       "#ts:skip=AC_AWS",
		"# kics-scan ignore-line":               "# kics-scan ______-line",
		"# hadolint ignore=DL3006":              "# hadolint ______=DL3006",
		"a = 1 # nosec":                         "a = 1 # _____",
		"image: aquasec/trivy:0.50":             "image: aquasec/trivy:0.50",
		"FROM aquasec/tfsec:v1 # ignore the v1": "FROM aquasec/tfsec:v1 # ignore the v1",
		"nosecret":                              "nosecret",
	} {
		assert.Equal(t, want, string(withoutWaivers([]byte(in))))
	}
}

// remote is a tree whose files must be fetched, and what was.
type remote struct {
	fstest.MapFS
	fetched map[string]bool
}

func (r remote) ReadFile(p string) ([]byte, error) {
	b, err := r.MapFS.ReadFile(p)
	if err == nil && !r.fetched[change.HashBlob(b)] {
		return nil, &change.MissingError{Path: p, Why: "not fetched"}
	}
	return b, err
}

func (r remote) Stat(p string) (fs.FileInfo, error) {
	info, err := r.MapFS.Stat(p)
	if err == nil && !info.IsDir() {
		info = withBlob{info, change.BlobID(change.HashBlob(r.MapFS[p].Data))}
	}
	return info, err
}

type withBlob struct {
	fs.FileInfo
	id change.BlobID
}

func (w withBlob) Sys() any { return w.id }

// contents of a remote tree.
type contents struct {
	blobs   map[string][]byte
	fetched map[string]bool
	loads   [][]string
}

func (c *contents) Blob(id string) ([]byte, error) {
	if !c.fetched[id] {
		return nil, &change.MissingError{Blob: id, Why: "not fetched"}
	}
	return c.blobs[id], nil
}

func (c *contents) Load(_ context.Context, ids ...string) error {
	c.loads = append(c.loads, ids)
	for _, id := range ids {
		c.fetched[id] = true
	}
	return nil
}

// TestWants holds that all a module needs is asked for in the rounds there
// are, and nothing else is read.
func TestWants(t *testing.T) {
	after := files(
		"live/main.tf", "module \"a\" {\n  source = \"../modules/a\"\n  acl = var.acl\n}\n",
		"live/vars.tf", "variable \"acl\" {}\n",
		"live/terraform.tfvars", "acl = \"public-read\"\n",
		"modules/a/main.tf", "variable \"acl\" {}\nmodule \"b\" {\n  source = \"./b\"\n  acl = var.acl\n}\n",
		"modules/a/b/main.tf", "variable \"acl\" {}\nresource \"aws_s3_bucket\" \"this\" {\n  acl = var.acl\n}\n",
		"other/main.tf", "resource \"aws_s3_bucket\" \"other\" {}\n", // may call live
		"other/notes.txt", "nothing of interest",
	)
	before := fstest.MapFS{}
	for p, f := range after {
		before[p] = f
	}
	before["live/main.tf"] = &fstest.MapFile{Data: []byte("# nothing\n")}
	whole, err := change.Between(t.Context(), before, after)
	require.NoError(t, err)
	c := &contents{blobs: map[string][]byte{}, fetched: map[string]bool{}}
	for _, tree := range []fstest.MapFS{before, after} {
		for _, f := range tree {
			c.blobs[change.HashBlob(f.Data)] = f.Data
		}
	}
	c.fetched[whole.Files[0].NewBlob] = true
	lazy := *whole
	lazy.Before, lazy.After, lazy.Contents = remote{before, c.fetched}, remote{after, c.fetched}, c
	r := scan.Run(t.Context(), []scan.Scanner{loaded}, &lazy, scan.Options{})
	require.NoError(t, r.Statuses[0].Err)
	assert.Equal(t, "modules/a/b/main.tf:3", only(t, r, "iac/AWS-0092").At.String())
	assert.LessOrEqual(t, len(c.loads), 3)
	assert.False(t, c.fetched[change.HashBlob(after["other/notes.txt"].Data)])
}

// TestNames holds that names that are not UTF-8 are read by their blobs.
func TestNames(t *testing.T) {
	c := &contents{blobs: map[string][]byte{"1": []byte("FROM debian:latest\nUSER app\n"), "2": []byte(openRule)}, fetched: map[string]bool{"1": true, "2": true}}
	report, err := loaded.Inspect(t.Context(), scan.Snapshot{
		Side: scan.After, Tree: fstest.MapFS{}, Contents: c, Touched: []string{"a\xff.Dockerfile", "b\xff.tf"},
		Files: []change.File{{Path: "a\xff.Dockerfile", NewBlob: "1"}, {Path: "b\xff.tf", NewBlob: "2"}},
	})
	require.NoError(t, err)
	require.Len(t, report.Findings, 2)
	assert.Equal(t, "a\xff.Dockerfile:1", report.Findings[0].At.String())
	assert.Equal(t, "b\xff.tf:7", report.Findings[1].At.String())
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := New().engine(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFile(b *testing.B) {
	loaded.Rules()
	for name, tree := range map[string]fstest.MapFS{
		"terraform":  files("main.tf", openRule),
		"dockerfile": files("Dockerfile", "FROM debian:latest\nRUN make\nUSER app\n"),
		"kubernetes": files("pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: app, image: app:1}]\n"),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				run(b, change.Empty(), tree)
			}
		})
	}
}
