package iac

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
)

// TestGuesses holds that what unknown variables hide is found, but as a guess,
// and only where nobody in the repository says what they are.
func TestGuesses(t *testing.T) {
	acl := strings.ReplaceAll(bucketACL, "VALUE", `var.a ? "public-read" : "private"`)
	each := strings.Replace(strings.ReplaceAll(bucketACL, "VALUE", `"public-read"`), "\n", "\n  for_each = var.b\n", 1)
	dynamic := "variable \"p\" {\n  type = list(number)\n}\nresource \"aws_security_group\" \"web\" {\n  dynamic \"ingress\" {\n    for_each = var.p\n    content {\n      from_port = 22\n      to_port = 22\n      protocol = \"tcp\"\n      cidr_blocks = [\"0.0.0.0/0\"]\n    }\n  }\n}\n"
	const a, b = "variable \"a\" {\n  type = bool\n}\n", "variable \"b\" {\n  type = set(string)\n}\n"
	for _, c := range []struct {
		name, text, rule string
		want             finding.Confidence
	}{
		{"a condition", acl + a, "AWS-0092", finding.Possible},
		{"a comparison", strings.Replace(acl, "var.a ?", `var.a == "x" ?`, 1) + "variable \"a\" {}\n", "AWS-0092", finding.Possible},
		{"instances", each + b, "AWS-0092", finding.Likely},
		{"a dynamic block", dynamic, "AWS-0107", finding.Likely},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := files("main.tf", c.text)
			assert.Equal(t, c.want, only(t, run(t, change.Empty(), tree), "iac/"+c.rule).Confidence)
			assert.Empty(t, lines(run(t, tree, files("main.tf", "# moved\n"+c.text)), c.rule))
		})
	}
	certain := files("main.tf", strings.ReplaceAll(bucketACL, "VALUE", `"public-read"`)+a)
	assert.NotEmpty(t, lines(run(t, files("main.tf", acl+a), certain), "AWS-0092"), "a guess that becomes certain is news")
	assert.Empty(t, lines(run(t, certain, files("main.tf", acl+a)), "AWS-0092"), "the other way round it is none")
	for name, tree := range map[string][]string{
		"a value that is passed on":  {"main.tf", strings.ReplaceAll(bucketACL, "VALUE", "var.a") + a},
		"a caller that says no":      {"main.tf", "module \"m\" {\n  source = \"./m\"\n  a = false\n}\n", "m/main.tf", acl + a},
		"a default":                  {"main.tf", acl + "variable \"a\" {\n  default = false\n}\n"},
		"a condition on a resource":  {"main.tf", strings.Replace(acl, "var.a", "aws_x.y.z", 1)},
		"the other attribute's line": {"main.tf", strings.ReplaceAll(bucketACL, "VALUE", `"private"`) + "output \"o\" {\n  value = var.a ? 1 : 2\n}\n" + a},
	} {
		assert.Empty(t, lines(run(t, change.Empty(), files(tree...)), "AWS-0092"), name)
	}
}
