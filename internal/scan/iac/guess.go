package iac

import (
	"bytes"
	"slices"
	"strings"

	"github.com/aquasecurity/trivy/pkg/iac/types"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// uncalled returns those of dirs that no module in roots calls: nobody in the
// repository says what their variables are.
func (r *repository) uncalled(dirs, roots []string) map[string]bool {
	out := map[string]bool{}
	for _, dir := range dirs {
		out[dir] = true
	}
	for _, dir := range roots {
		for _, s := range r.module(dir) {
			for _, c := range s.calls {
				delete(out, c.dir)
			}
		}
	}
	return out
}

// guess looks at the module in dir once more, for what unknown variables hide:
// blocks of which there may be none, with one instance each, and both results
// of a condition. It notes what was not found without.
func (in *inspection) guess(r *repository, dir string, files map[string][]byte, inputs map[string]cty.Value, known *evaluation) error {
	samples, unknown := map[string]cty.Value{}, map[string]bool{}
	for name, v := range inputs {
		samples[name] = v
		if !v.IsKnown() {
			unknown[name] = true
			samples[name] = sample(v.Type())
		}
	}
	repeats := slices.ContainsFunc(r.module(dir), func(s source) bool { return bytes.Contains(s.text, []byte("for_each")) })
	choices := map[string][]*hclsyntax.ConditionalExpr{}
	for _, s := range r.module(dir) {
		if c := s.undecided(unknown); len(c) > 0 {
			choices[s.path] = c
		}
	}
	if len(unknown) == 0 || !repeats && len(choices) == 0 {
		return nil
	}
	was := map[string]bool{}
	for _, res := range known.failed {
		m := res.Metadata()
		was[res.Rule().ID+" "+chain(&m)] = true
	}
	for _, result := range []string{"true", "false"} {
		variant := map[string][]byte{}
		for p, text := range files {
			variant[p] = text
		}
		for _, s := range r.module(dir) {
			if s.text != nil && len(choices[s.path]) > 0 {
				variant[s.path] = s.without(r.circles(r.reach([]string{dir}))[dir], decide(choices[s.path], result)...)
			}
		}
		e, err := in.evaluate(variant, dir, samples)
		if err != nil {
			return err
		}
		for _, res := range e.failed {
			m := res.Metadata()
			doubt := finding.Confidence(0)
			switch {
			case was[res.Rule().ID+" "+chain(&m)]:
			case isDynamic(&m), known.block(blockOf(&m)) == nil:
				doubt = finding.Certain - finding.Likely
			case attributeOf(m) != "" && chosen(choices[m.Range().GetFilename()], m):
				doubt = finding.Certain - finding.Possible
			}
			if doubt == 0 {
				continue
			}
			before := len(in.hits)
			in.block(res, e, dir)
			for i := range in.hits[before:] {
				in.hits[before+i].doubt = doubt
			}
		}
		if len(choices) == 0 {
			break
		}
	}
	return nil
}

// sample returns a value of a type in which each collection has one item; what
// is no collection stays unknown, except in lists and sets: the engine leaves
// out items that it does not know.
func sample(t cty.Type) cty.Value {
	switch {
	case t.IsListType():
		return cty.ListVal([]cty.Value{item(t.ElementType())})
	case t.IsSetType() && t.ElementType().IsPrimitiveType():
		return cty.SetVal([]cty.Value{item(t.ElementType())})
	case t.IsMapType():
		return cty.MapVal(map[string]cty.Value{"sample": sample(t.ElementType())})
	case t.IsObjectType():
		out := map[string]cty.Value{}
		for name, a := range t.AttributeTypes() {
			out[name] = sample(a)
		}
		return cty.ObjectVal(out)
	}
	return cty.UnknownVal(t)
}

func item(t cty.Type) cty.Value {
	switch t {
	case cty.String:
		return cty.StringVal("sample")
	case cty.Number:
		return cty.Zero
	case cty.Bool:
		return cty.False
	}
	return sample(t)
}

// undecided returns the conditional expressions of s whose condition is on one
// line and names an unknown variable; the outer ones of those in others.
func (s source) undecided(unknown map[string]bool) []*hclsyntax.ConditionalExpr {
	return slices.DeleteFunc(slices.Clone(s.choices), func(c *hclsyntax.ConditionalExpr) bool {
		r := c.Condition.Range()
		return r.Start.Line != r.End.Line || !slices.ContainsFunc(variables(c.Condition), func(name string) bool { return unknown[name] })
	})
}

// variables returns the names of the variables that e mentions.
func variables(e hclsyntax.Expression) []string {
	var out []string
	for _, t := range e.Variables() {
		if len(t) < 2 || t.RootName() != "var" {
			continue
		}
		if a, ok := t[1].(hcl.TraverseAttr); ok {
			out = append(out, a.Name)
		}
	}
	return out
}

// decide returns the edits after which each condition has the same result.
func decide(choices []*hclsyntax.ConditionalExpr, result string) []edit {
	var out []edit
	for _, c := range choices {
		r := c.Condition.Range()
		out = append(out, edit{r.Start.Byte, r.End.Byte, result})
	}
	return out
}

// chosen reports whether one of the choices is on the lines of m.
func chosen(choices []*hclsyntax.ConditionalExpr, m types.Metadata) bool {
	r := m.Range()
	return slices.ContainsFunc(choices, func(c *hclsyntax.ConditionalExpr) bool {
		line := c.Range().Start.Line
		return line >= r.GetStartLine() && line <= r.GetEndLine()
	})
}

// isDynamic reports whether m is in a block that is made for each item of a collection.
func isDynamic(m *types.Metadata) bool {
	for ; m != nil; m = m.Parent() {
		if strings.HasPrefix(m.Reference(), "dynamic.") {
			return true
		}
	}
	return false
}

// blockOf returns the block that m is about, or is an attribute of.
func blockOf(m *types.Metadata) *types.Metadata {
	if attributeOf(*m) != "" {
		return m.Parent()
	}
	return m
}
