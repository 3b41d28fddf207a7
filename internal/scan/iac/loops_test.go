package iac

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/pullwarden/pullwarden/internal/change"
)

// TestLoops holds that no loop turns without bound, and that what honest
// modules write is looked at.
func TestLoops(t *testing.T) {
	list := "[" + strings.Repeat("1,", 1000) + "]"
	nest := func(coll string, n int) string {
		out := "1"
		for range n {
			out = "[for x in " + coll + " : " + out + "]"
		}
		return out
	}
	tf := func(expr string) string { return openRule + "locals {\n  l = " + list + "\n  a = " + expr + "\n}\n" }
	for name, files := range map[string]fstest.MapFS{
		"ranges":            files("main.tf", tf(nest("range(1000)", 3))),
		"computed ranges":   files("main.tf", tf(nest("range(500 + 500)", 3))),
		"literals":          files("main.tf", tf(nest(list, 3))),
		"locals":            files("main.tf", tf(nest("local.l", 3))),
		"locals of locals":  files("main.tf", tf(nest("local.l", 2))+"locals {\n  b = [for x in flatten(local.a) : [for y in local.l : y]]\n}\n"),
		"objects around":    files("main.tf", tf("[for x in local.l : { a = [for y in local.l : { b = [for z in local.l : z] }] }]")),
		"a variable":        files("main.tf", openRule+"variable \"v\" {\n  default = "+list+"\n}\nlocals {\n  a = "+nest("var.v", 3)+"\n}\n"),
		"variables of file": files("main.tf", openRule+"variable \"v\" {}\nlocals {\n  a = "+nest("var.v", 3)+"\n}\n", "terraform.tfvars", "v = "+list+"\n"),
		"an argument":       files("main.tf", openRule+"module \"m\" {\n  source = \"./m\"\n  v = "+list+"\n}\n", "m/main.tf", "variable \"v\" {}\nlocals {\n  a = "+nest("var.v", 3)+"\n}\n"),
		"products":          files("main.tf", tf("setproduct(local.l, local.l, local.l)")),
		"a count":           files("main.tf", strings.Replace(openRule, "\n", "\n  count = "+nest(list, 3)+"\n", 1)),
		"templates":         files("main.tf", tf(`"`+strings.Repeat("%{for x in local.l}", 3)+strings.Repeat("%{endfor}", 3)+`"`)),
		"JSON":              files("main.tf.json", `{"locals": {"a": "${`+nest("range(1000)", 3)+`}"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			assert.Regexp(t, `error: .*main.tf.*: for expressions (that turn too often|nested too deeply)`, summary(run(t, change.Empty(), files)))
			assert.Less(t, time.Since(start), 20*time.Second)
		})
	}
	honest := `locals {
  services = { a = { ports = [22, 443], cidrs = ["0.0.0.0/0"] }, b = { ports = [22], cidrs = ["10.0.0.0/8"] } }
  rules = flatten([for n, s in local.services : [for p in s.ports : [for c in s.cidrs : { name = "${n}-${p}", port = p, cidr = c }]]])
  product = setproduct(keys(local.services), [1, 2, 3])
}
resource "aws_security_group_rule" "r" {
  for_each    = { for r in local.rules : r.name => r }
  type        = "ingress"
  description = format("%s-%03d", each.key, 7)
  from_port   = each.value.port
  to_port     = each.value.port
  protocol    = "tcp"
  cidr_blocks = [each.value.cidr]
}
`
	assert.Equal(t, "main.tf:13 high iac/AWS-0107\n", lines(run(t, change.Empty(), files("main.tf", honest)), "AWS-0107"))
}

// TestFunctions holds that no function takes memory or stack without bound.
func TestFunctions(t *testing.T) {
	for name, expr := range map[string]string{
		"jsondecode":     `jsondecode("` + strings.Repeat("[", 900_000) + `")`,
		"of a local":     `jsondecode(local.a)`,
		"yamldecode":     `yamldecode(local.a)`,
		"a wide format":  `format("%2000000000d", 1)`,
		"a wide local":   `format(local.w, 1)`,
		"a wide list":    `formatlist("%.2000000000f", [1])`,
		"a wide indent":  `indent(20000000000, "\n\n")`,
		"a wide number":  `indent(1000000000 * 20, "\n\n")`,
		"a long number":  `"${1e2000000000}"`,
		"without number": `indent()`,
	} {
		t.Run(name, func(t *testing.T) {
			text := openRule + "locals {\n  w = \"%2000000000d\"\n  a = \"" + strings.Repeat("[", 50_000) + "\"\n  b = " + expr + "\n}\n"
			start := time.Now()
			got := summary(run(t, change.Empty(), files("main.tf", text)))
			assert.NotContains(t, got, "panic")
			assert.Regexp(t, "main.tf:7 high iac/AWS-0107|error: main.tf:[0-9]+: a number too long", got)
			assert.Less(t, time.Since(start), 20*time.Second)
		})
	}
	for _, expr := range []string{`format("%s-%s", "public", "read")`, `jsondecode("\"public-read\"")`, `trimspace(indent(4, "public-read"))`} {
		got := summary(run(t, change.Empty(), files("main.tf", "resource \"aws_s3_bucket\" \"a\" {\n  acl = "+expr+"\n}\n")))
		assert.Contains(t, got, "main.tf:2 high iac/AWS-0092", expr)
	}
	for in, want := range map[string]string{
		`"${format(\"%s\", 1)}"`: `"${format(\"%s\", 1)}"`, `"${format(\"%99999d\", 1)}"`: `"${______(\"%99999d\", 1)}"`, `"${format(local.a, 1)}"`: `"${______(local.a, 1)}"`,
		`"${formatlist(\"${a}\", 1)}"`: `"${______list(\"${a}\", 1)}"`, `"${jsondecode(\"1\")}"`: `"${__________(\"1\")}"`,
	} {
		assert.Equal(t, want, string(withoutCostlyCalls([]byte(in))))
	}
}
