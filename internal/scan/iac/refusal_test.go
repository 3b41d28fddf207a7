package iac

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pullwarden/pullwarden/internal/change"
)

// TestRefused holds that a value which is not evaluated here is named with
// its line, and that values that Terraform itself cannot know are not.
func TestRefused(t *testing.T) {
	acl := func(value string) string { return strings.ReplaceAll(bucketACL, "VALUE", value) }
	notEvaluated := func(name string) string { return "error: main.tf:3: " + refused(0, name).why + "\n" }
	const public = "main.tf:3 high iac/AWS-0092\n"
	for _, c := range []struct{ name, value, want string }{
		{"a costly function", `jsondecode(var.x).a`, notEvaluated("jsondecode")},
		{"a function of newer versions", `templatestring("public-read", {})`, notEvaluated("templatestring")},
		{"a provider's function", `provider::x::y("public-read")`, ""},
		{"a full name", `core::lower("PUBLIC-READ")`, public},
		{"a costly one by its full name", `core::jsondecode(var.x).a`, notEvaluated("core::jsondecode")},
		{"a file", `file("acl.txt")`, public},
		{"a file of the module", `file("${path.module}/acl.txt")`, public},
		{"a template without expressions", `templatefile("acl.txt", {})`, public},
		{"a template", `templatefile("t.txt", {})`, notEvaluated("templatefile")},
		{"a file that is computed", `file(var.x)`, notEvaluated("file")},
		{"a file that is made elsewhere", `file("build/acl.txt")`, ""},
		{"a file of the machine", `file("/etc/acl")`, ""},
		{"a digest", `filesha256("acl.txt")`, ""},
		{"a variable", `var.x`, ""},
		{"a data source", `data.x.y.z`, ""},
		{"a computed attribute", `aws_s3_bucket.other.acl`, ""},
		{"a word", `"jsondecode(x)"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := files("main.tf", acl(c.value)+"variable \"x\" {}\nvariable \"o\" {\n  type = object({a = optional(set(string)), b = tuple([any])})\n}\n", "acl.txt", "public-read", "t.txt", "${a}")
			assert.Equal(t, c.want, lines(run(t, change.Empty(), tree), "AWS-0092"))
		})
	}

	json := files("main.tf.json", "{\"resource\": {\"aws_s3_bucket_acl\": {\"a\": {\"bucket\": \"b\",\n \"acl\": \"${jsondecode(var.x).a}\"}}}}")
	assert.Equal(t, "error: main.tf.json:2: "+refused(0, "jsondecode").why+"\n", lines(run(t, change.Empty(), json)))

	old := files("old.tf", acl("jsondecode(var.x).a"), "main.tf", "# nothing\n", "m/main.tf", acl("jsondecode(var.x).a"))
	assert.Empty(t, lines(run(t, old, with(old, "main.tf", "# changed\n"))), "debt in a file that is not touched")
	assert.Equal(t, "error: m/main.tf:3: "+refused(0, "jsondecode").why+"\n", lines(run(t, old, with(old, "main.tf", "module \"m\" {\n  source = \"./m\"\n}\n"))), "a module that is called")
}

// TestCountIsCut holds that instances beyond the bound are named where they differ.
func TestCountIsCut(t *testing.T) {
	text := strings.ReplaceAll(bucketACL, "VALUE", `count.index == 17 ? "public-read" : "private"`)
	for count, want := range map[string]string{
		"18":            "error: main.tf:2: of the instances that count makes, only 16 were inspected\n",
		"9 + 9":         "error: main.tf:2: of the instances that count makes, only 16 were inspected\n",
		"16":            "",
		"8 + 8":         "",
		"var.not_known": "",
	} {
		tree := files("main.tf", strings.Replace(text, "\n", "\n  count = "+count+"\n", 1)+"variable \"not_known\" {}\n")
		assert.Equal(t, want, lines(run(t, change.Empty(), tree), "AWS-0092"), count)
		alike := files("main.tf", strings.Replace(strings.ReplaceAll(bucketACL, "VALUE", `"public-read"`), "\n", "\n  count = "+count+"\n", 1))
		assert.Equal(t, "main.tf:4 high iac/AWS-0092\n", lines(run(t, change.Empty(), alike), "AWS-0092"), "all are alike: %s", count)
	}
}
