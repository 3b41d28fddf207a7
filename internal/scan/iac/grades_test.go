package iac

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
)

const (
	bucketACL = "resource \"aws_s3_bucket_acl\" \"logs\" {\n  bucket = \"elsewhere\"\n  acl    = VALUE\n}\n"
	rolePorts = "resource \"aws_security_group_rule\" \"r\" {\n  type = \"ingress\"\n  protocol = \"tcp\"\n  from_port = 22\n  to_port = VALUE\n  cidr_blocks = [\"0.0.0.0/0\"]\n}\n"
	firewall  = "resource \"google_compute_firewall\" \"f\" {\n  allow {\n    protocol = \"tcp\"\n    ports = VALUE\n  }\n  source_ranges = [\"0.0.0.0/0\"]\n}\n"
	bindings  = "resource \"google_storage_bucket\" \"b\" {\n  name = \"b\"\n}\nresource \"google_storage_bucket_iam_binding\" \"b\" {\n  bucket = google_storage_bucket.b.name\n  role = \"roles/viewer\"\n  members = [VALUE]\n}\n"
	iamPolicy = "resource \"aws_iam_policy\" \"p\" {\n  policy = jsonencode({Statement = [{Effect = \"Allow\", Action = VALUE, Resource = \"*\"}]})\n}\n"
	deploy    = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec:\n  template:\n    spec:\n"
	adds      = deploy + "      containers:\n        - name: app\n          image: registry.example/app:1\n          securityContext: {capabilities: {add: VALUE}}\n"
	mounts    = deploy + "      volumes:\n        - name: a\n          hostPath: {path: VALUE}\n"
	role      = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\nrules:\n  - {apiGroups: [\"\"], resources: [secrets], verbs: VALUE}\n"
)

// TestWorse holds that a value that gets worse is introduced, though the rule
// was broken before, and that one that gets milder or moves is not.
func TestWorse(t *testing.T) {
	for _, c := range []struct{ name, file, text, rule, mild, bad string }{
		{"access control list", "main.tf", bucketACL, "AWS-0092", `"public-read"`, `"public-read-write"`},
		{"ports", "main.tf", rolePorts, "AWS-0107", "22", "65535"},
		{"one more port", "main.tf", rolePorts, "AWS-0107", "22", "23"},
		{"ports of Google's", "main.tf", firewall, "GCP-0071", `["22"]`, `["22", "1024-2048"]`},
		{"all members", "main.tf", bindings, "GCP-0001", `"allAuthenticatedUsers"`, `"allUsers"`},
		{"actions", "main.tf", iamPolicy, "AWS-0345", `["s3:*"]`, `["s3:*", "*"]`},
		{"wildcards", "main.tf", iamPolicy, "AWS-0345", `["s3:*", "ec2:DescribeTags"]`, `["s3:*", "ec2:*"]`},
		{"capability", "pod.yaml", adds, "KSV-0022", "[SYS_TIME]", "[SYS_TIME, SYS_PTRACE]"},
		{"all capabilities", "pod.yaml", adds, "KSV-0022", "[SYS_TIME]", "[ALL]"},
		{"directory of the node", "pod.yaml", mounts, "KSV-0023", "/srv/app/data", "/srv"},
		{"verbs", "role.yaml", role, "KSV-0041", "[get]", "[get, delete]"},
		{"all verbs", "role.yaml", role, "KSV-0041", "[get]", `["*"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			mild, bad := files(c.file, strings.ReplaceAll(c.text, "VALUE", c.mild)), files(c.file, strings.ReplaceAll(c.text, "VALUE", c.bad))
			moved := files(c.file, strings.ReplaceAll("# a comment\n"+c.text, "VALUE", " "+c.bad))
			require.NotEmpty(t, lines(run(t, change.Empty(), mild), c.rule), "the mild one breaks the rule too")
			assert.NotEmpty(t, lines(run(t, mild, bad), c.rule), "worse")
			assert.Empty(t, lines(run(t, bad, mild), c.rule), "milder")
			assert.Empty(t, lines(run(t, bad, moved), c.rule), "moved")
			one, other := only(t, run(t, change.Empty(), mild), "iac/"+c.rule), only(t, run(t, change.Empty(), bad), "iac/"+c.rule)
			assert.NotEqual(t, one.Print, other.Print, "an exception for the one must not cover the other")
			assert.NotContains(t, other.Joined, one.Print)
			assert.Contains(t, other.Joined, one.Joined[0], "the name that it always had is still known")
		})
	}
}

// TestUngraded holds that other changes of a block do not make its findings new.
func TestUngraded(t *testing.T) {
	before := "resource \"aws_s3_bucket\" \"b\" {\n  acl = \"public-read\"\n}\n"
	assert.Empty(t, lines(run(t, files("main.tf", before), files("main.tf", strings.Replace(before, "public-read", "public-read-write", 1))), "AWS-0086", "AWS-0132"))
}

// TestOneFindingOfABlock holds that what one rule says of one block is one
// finding: of instances, of calls of its module, of containers.
func TestOneFindingOfABlock(t *testing.T) {
	r := run(t, change.Empty(), files(
		"main.tf", "module \"a\" {\n  source = \"./b\"\n}\n\nmodule \"c\" {\n  source = \"./b\"\n  count = 2\n}\n",
		"b/main.tf", "resource \"aws_s3_bucket\" \"x\" {\n  for_each = toset([\"a\", \"b\"])\n  acl = \"public-read\"\n}\n"))
	f := only(t, r, "iac/AWS-0092")
	assert.Equal(t, change.Span{Path: "b/main.tf", Start: 3, End: 3}, f.At, "the attribute")
	assert.Equal(t, change.Span{Path: "b/main.tf", Start: 1, End: 4}, f.Block)
	assert.Equal(t, change.Span{Path: "b/main.tf", Start: 1, End: 1}, only(t, r, "iac/AWS-0086").At, "the block's header")

	r = run(t, change.Empty(), files("main.tf", "module \"a\" {\n  source = \"./b\"\n  acl = \"public-read\"\n}\n\nmodule \"c\" {\n  source = \"./b\"\n  acl = \"public-read\"\n}\n",
		"b/main.tf", "variable \"acl\" {}\nresource \"aws_s3_bucket\" \"x\" {\n  acl = var.acl\n}\n"))
	f = only(t, r, "iac/AWS-0092")
	assert.Equal(t, []change.Span{{Path: "main.tf", Start: 1, End: 4}, {Path: "main.tf", Start: 6, End: 9}}, f.Also, "both calls")

	r = run(t, change.Empty(), files("pod.yaml", `apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: a
      image: registry.example/a:1
      securityContext:
        privileged: true
    - name: b
      image: registry.example/b:1
      securityContext:
        privileged: true
`))
	f = only(t, r, "iac/KSV-0017")
	assert.Equal(t, "pod.yaml:9 [pod.yaml:13] pod.yaml:1-13", fmt.Sprint(f.At, f.Also, f.Block))
	assert.Len(t, f.Fix.Edits, 2, "the repair is of both")

	two := files("main.tf", rolePorts+strings.ReplaceAll(rolePorts, `"r"`, `"s"`))
	two["main.tf"].Data = []byte(strings.ReplaceAll(string(two["main.tf"].Data), "VALUE", "22"))
	assert.Equal(t, 2, strings.Count(lines(run(t, change.Empty(), two), "AWS-0107"), "\n"), "two blocks are two findings")
}
