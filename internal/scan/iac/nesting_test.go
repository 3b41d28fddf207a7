package iac

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
)

// deep are expressions that take a stack frame for each few of their bytes.
func deep(n int) map[string]string {
	r := strings.Repeat
	return map[string]string{
		"operators":             "1" + r("+1", n),
		"operators over lines":  "(1" + r("\n+1", n) + ")",
		"conditionals":          r("true?1:", n) + "1",
		"splats":                "b" + r("[*]", n),
		"attribute splats":      "b" + r(".*", n),
		"indexes":               "b" + r("[0]", n),
		"attributes":            "b" + r(".c", n),
		"brackets with strings": r(`[")",`, n),
		"brackets in strings":   r(`"${`, n) + r(`}"`, n),
		"brackets with commas":  r("[0,", n) + r("]", n),
		"calls":                 r("f(", n) + r(")", n),
		"objects":               r("{\n a = 1\n b = ", n) + "1" + r("\n}", n),
		"signs":                 r("- ", n) + "1",
		"signs over lines":      "(" + r("!\n", n) + "true)",
		"template conditions":   `"` + r("%{if true}", n) + r("%{endif}", n) + `"`,
		"template loops":        `"` + r("%{for a in b}", n) + r("%{endfor}", n) + `"`,
		"conditions in heredoc": "<<E\n" + r("%{if true}\n", n) + r("%{endif}\n", n) + "E",
		"a for over lines":      "{for a in b : a => 1" + r("\n+1", n) + "}",
		"a for after a comment": "{ # c\n for a in b : a => 1" + r(" # c\n+1", n) + "}",
		"commas between":        "[1" + r("+f(1,1)", n) + "]",
		"closed too early":      r("[}(", n),
	}
}

// TestDepth holds that no expression is followed so deep that the stack ends:
// nothing could catch that.
func TestDepth(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(8 << 20))
	tree := fstest.MapFS{}
	for name, expr := range deep(10_000) {
		dir := strings.ReplaceAll(name, " ", "_")
		tree[dir+"/main.tf"] = &fstest.MapFile{Data: []byte("locals {\n  a = " + expr + "\n}\n")}
		tree[dir+"/sub/x.tfvars"] = &fstest.MapFile{Data: []byte("a = " + expr + "\n")}
		assert.NotNil(t, refuse("x.tfvars", tree[dir+"/sub/x.tfvars"].Data), name)
	}
	tree["main.tf"] = &fstest.MapFile{Data: []byte(openRule)}
	tree["terraform.tfvars"] = &fstest.MapFile{Data: []byte("a = 1" + strings.Repeat("+1", 10_000) + "\n")}
	got := summary(run(t, change.Empty(), tree))
	for p := range tree {
		if strings.HasSuffix(p, "/main.tf") || p == "terraform.tfvars" {
			assert.Contains(t, got, "error: "+p+":")
		}
	}
	assert.Contains(t, got, "main.tf:7 high iac/AWS-0107")
	assert.NotContains(t, got, "panic")
}

// TestDepthOfBlocks holds the same for blocks within blocks, and for JSON and the strings in it.
func TestDepthOfBlocks(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(8 << 20))
	const n = 20_000
	got := summary(run(t, change.Empty(), files("main.tf", strings.Repeat("a {\n", n))))
	assert.Contains(t, got, "error: main.tf:200: nested too deeply")
	for name, text := range map[string]string{
		"arrays":             `{"locals": {"a": ` + strings.Repeat("[", n),
		"arrays and strings": `{"locals": {"a": ` + strings.Repeat(`["]",`, n),
		"a template":         `{"locals": {"a": "${1` + strings.Repeat("+1", n) + `}"}}`,
		"an escaped one":     `{"locals": {"a": "\u0024{1` + strings.Repeat(`\u002b1`, n) + `}"}}`,
		"a condition":        `{"locals": {"a": "` + strings.Repeat("%{if true}", n/2) + `"}}`,
		"a key":              `{"locals": {"${1` + strings.Repeat("+1", n) + `}": 1}}`,
		"a type":             `{"variable": {"a": {"type": "` + strings.Repeat("list(", n) + `"}}}`,
		"a type in a list":   `{"variable": {"a": [{"default": {"x": 1}, "type": "1` + strings.Repeat("+1", n) + `"}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			got := summary(run(t, change.Empty(), files("main.tf.json", text)))
			assert.Regexp(t, `^error: main.tf.json:1: (nested too deeply|cannot be read as JSON)`, got)
		})
	}
}

// TestDepthOfHonestCode holds that what people write is not refused for its length.
func TestDepthOfHonestCode(t *testing.T) {
	var b strings.Builder
	b.WriteString(openRule + "locals {\n")
	for i := range 1500 {
		fmt.Fprintf(&b, "  a%d = var.x.y[%d] == \"${var.z}\" ? 1 + 2 : -3 # as ever\n", i, i)
	}
	b.WriteString("  l = [\n" + strings.Repeat("    { a = 1, b = local.c.d, },\n", 1200) + "  ]\n")
	b.WriteString("  o = {\n" + strings.Repeat("    a = local.c.d + 1\n", 1200) + "  }\n")
	b.WriteString("  h = <<E\n" + strings.Repeat("x-${var.a.b} (((({{{{ + + +\n", 1200) + "E\n}\n")
	policy := `{"resource": {"aws_s3_bucket": {"b": {"acl": "public-read", "policy": "` + strings.Repeat(`{\"a\":[\"${b.c}\"]}`, 1200) + `"}}}}`
	got := summary(run(t, change.Empty(), files("main.tf", b.String(), "json/main.tf.json", policy)))
	assert.NotContains(t, got, "error")
	assert.Contains(t, got, "main.tf:7 high iac/AWS-0107")
	assert.Contains(t, got, "json/main.tf.json:1 high iac/AWS-0092")
}

// TestDepthAtTheLimit holds that what is let through needs little stack.
func TestDepthAtTheLimit(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(16 << 20))
	r := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"(", ")", "[", "]", "{", "}", "\n", ",", "+1", "1", "!", "-", "?1:", "[*]", ".a", ".*", "a", "a = ", "for a in b : ",
		`"`, "${", "%{if true}", "%{endif}", "%{for a in b}", "%{endfor}", "f(", "# c\n", "<<E\n", "\nE\n", "b {\n", "~}", "=>", "..."}
	for range 50 {
		var b strings.Builder
		b.WriteString("a = ")
		for range 1 + r.IntN(4) {
			run := ""
			for range 1 + r.IntN(4) {
				run += pieces[r.IntN(len(pieces))]
			}
			b.WriteString(strings.Repeat(run, 1+r.IntN(2_000)))
		}
		follow("main.tf", []byte(b.String()))
	}
	for _, expr := range deep(950) {
		follow("main.tf", []byte("a = "+expr+"\n"))
	}
}

// follow does to a file what the engine does, if it is not refused.
func follow(p string, text []byte) {
	if refuse(p, text) != nil {
		return
	}
	var body hcl.Body
	if f, _ := hclsyntax.ParseConfig(text, p, hcl.InitialPos); f != nil {
		body = f.Body
	}
	if strings.HasSuffix(p, ".json") {
		if f, _ := hcljson.Parse(text, p); f != nil {
			body = f.Body
		}
	}
	if body == nil {
		return
	}
	if native, ok := body.(*hclsyntax.Body); ok {
		_ = hclsyntax.Walk(native, &guard{})
	}
	attrs, _ := body.JustAttributes()
	for _, a := range attrs {
		a.Expr.Variables()
	}
}

func FuzzDepth(f *testing.F) {
	for _, expr := range deep(10) {
		f.Add([]byte("a = "+expr+"\n"), uint16(50))
	}
	f.Fuzz(func(t *testing.T, piece []byte, n uint16) {
		require.NotPanics(t, func() {
			follow("main.tf", append([]byte("a = "), []byte(strings.Repeat(string(piece), min(int(n), 1<<20/(len(piece)+1))))...))
		})
	})
}
