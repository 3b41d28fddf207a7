package iac

import (
	"bytes"
	"regexp"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// costly reports whether a function takes time, memory or stack without bound
// or answers with something of this machine. Under another name it is
// unknown, and so is its value.
func costly(f *hclsyntax.FunctionCallExpr) bool {
	switch f.Name {
	case "bcrypt", "rsadecrypt", "pathexpand", "abspath":
		return true
	case "jsondecode", "yamldecode": // recurse, and an alias may stand for much
		return len(f.Args) != 1 || len(words(f.Args[0])) == 0
	case "format", "formatlist": // a width may be a billion
		return len(f.Args) == 0 || wide.MatchString(words(f.Args[0])) || words(f.Args[0]) == ""
	case "indent":
		if len(f.Args) == 0 {
			return true
		}
		_, ok := number(f.Args[0], 1000)
		return !ok
	}
	return false
}

// wide matches a verb with a width or precision that is out of proportion.
var wide = regexp.MustCompile(`\d{4,}`)

// maxWords is how long a literal may be for a function to take it apart.
const maxWords = 8_000

// words returns the text of a literal, "" for anything else.
func words(e hclsyntax.Expression) string {
	t, ok := e.(*hclsyntax.TemplateExpr)
	if !ok || !t.IsStringLiteral() {
		return ""
	}
	v, diags := t.Value(nil)
	if diags.HasErrors() || len(v.AsString()) > maxWords {
		return ""
	}
	return v.AsString()
}

// number returns a literal that is a number between 0 and most.
func number(e hclsyntax.Expression, most int64) (int, bool) {
	l, ok := e.(*hclsyntax.LiteralValueExpr)
	if !ok || l.Val.Type() != cty.Number || l.Val.LessThan(cty.Zero).True() || l.Val.GreaterThan(cty.NumberIntVal(most)).True() {
		return 0, false
	}
	n, _ := l.Val.AsBigFloat().Int64()
	return int(n), true
}

var (
	costlyCall = regexp.MustCompile(`\b(?:bcrypt|rsadecrypt|pathexpand|abspath|jsondecode|yamldecode|indent)\b`)
	formatCall = regexp.MustCompile(`\bformat(?:list)?\b(?:\s*\(\s*\\"([^"\\$]*)\\")?`)
	// letterEscape matches a letter written as an escape, which hides words in JSON.
	letterEscape = regexp.MustCompile(`\\u00(?:4[1-9a-fA-F]|5[0-9aA]|6[1-9a-fA-F]|7[0-9aA])`)
)

// withoutCostlyCalls does for JSON, whose expressions are strings, what guard
// does for the native syntax.
func withoutCostlyCalls(text []byte) []byte {
	text = letterEscape.ReplaceAll(text, []byte(`\u005f`))
	text = costlyCall.ReplaceAllFunc(text, func(b []byte) []byte { return bytes.Repeat([]byte("_"), len(b)) })
	return formatCall.ReplaceAllFunc(text, func(b []byte) []byte {
		if m := formatCall.FindSubmatch(b); len(m[1]) > 0 && !wide.Match(m[1]) {
			return b
		}
		return bytes.Replace(b, []byte("format"), []byte("______"), 1)
	})
}
