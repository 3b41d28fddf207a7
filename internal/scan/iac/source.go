package iac

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/aquasecurity/trivy/pkg/iac/terraform"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
)

const maxCount = 16 // instances of one block that are looked at

// A source is one Terraform file, made safe to evaluate. Its lines are those
// of the file; what is between them may not be.
//
// Evaluation knows no bounds of its own: a count of a billion, a self-calling
// module or a costly function would take the process down. What could is cut
// here; what remains judges the same.
type source struct {
	path    string
	text    []byte
	edits   []edit // that made text of what is in the file
	raw     []byte
	calls   []call
	remote  []remoteCall
	inputs  map[string]cty.Type // variables without a default
	locals  map[string]hcl.Expression
	nests   []hclsyntax.Expression // loops that are in no other
	widest  int                    // items of the longest literal
	choices []*hclsyntax.ConditionalExpr
	refused []refusal
	files   []string     // that the engine is given the content of
	counts  map[int]int  // lines of blocks whose instances differ, and of their count
	problem *SyntaxError // nil if all of the file could be understood
}

// A call is a module block with a local source.
type call struct {
	dir string
	cut edit // what would make it a call of nothing
}

// A remoteCall is a module block with a source that is not in the repository.
type remoteCall struct {
	name string
	line int
}

// An edit replaces bytes of a source.
type edit struct {
	start, end int
	text       string
}

// parse reads the file at p. The result has no text if it is too broken to use.
// With read, which returns the content of other files, calls of functions that
// read one become what they read.
func parse(p string, text []byte, read func(string) ([]byte, error)) source {
	s := source{path: p, inputs: map[string]cty.Type{}, locals: map[string]hcl.Expression{}, counts: map[int]int{}}
	if s.problem = refuse(p, text); s.problem != nil {
		return s
	}
	text = withoutWaivers(text)
	json := strings.HasSuffix(p, ".json")
	var file *hcl.File
	var diags hcl.Diagnostics
	if json {
		cheap := withoutCostlyCalls(text)
		s.refused = refusedJSON(text, cheap)
		text = cheap
		file, diags = hcljson.Parse(text, p)
	} else {
		file, diags = hclsyntax.ParseConfig(text, p, hcl.InitialPos)
	}
	if diags.HasErrors() {
		s.problem = syntaxError(p, diags)
		return s
	}
	var edits []edit
	if native, ok := file.Body.(*hclsyntax.Body); ok {
		g := guard{}
		_ = hclsyntax.Walk(native, &g)
		if g.tooManyLoops > 0 {
			s.problem = &SyntaxError{Path: p, Line: g.tooManyLoops, Why: "for expressions nested too deeply"}
			return s
		}
		included := s.includes(g.files, read)
		if len(included) > 0 {
			with := parse(p, apply(text, included), nil)
			with.files = s.files
			return with
		}
		s.nests, s.widest, s.choices = g.nests, g.widest, g.choices
		s.refused = append(s.refused, g.refused...)
		known := meter{widest: 1} // by itself alone, for some of it is evaluated here
		for _, n := range g.nests {
			if known.count(n) > maxTurns {
				s.problem = &SyntaxError{Path: p, Line: n.Range().Start.Line, Why: "for expressions that turn too often"}
				return s
			}
		}
		edits = append(g.edits, s.unknown(native, text)...)
	}
	content, _, diags := file.Body.PartialContent(terraform.Schema)
	if diags.HasErrors() && s.problem == nil {
		s.problem = syntaxError(p, diags)
	}
	for _, b := range content.Blocks {
		edits = append(edits, s.block(b, text, json)...)
	}
	s.raw, s.edits = text, edits
	s.text = apply(text, edits)
	if len(edits) > 0 && !json {
		// What the engine cannot read it leaves out without a word.
		if _, diags := hclsyntax.ParseConfig(s.text, p, hcl.InitialPos); diags.HasErrors() {
			s.text, s.problem = nil, syntaxError(p, diags)
		}
	}
	return s
}

// without returns the text of s with no call of the modules in dirs, and with
// further edits.
func (s source) without(dirs map[string]bool, also ...edit) []byte {
	edits := append(slices.Clone(s.edits), also...)
	for _, c := range s.calls {
		if dirs[c.dir] {
			edits = append(edits, c.cut)
		}
	}
	if len(edits) == len(s.edits) || s.text == nil {
		return s.text
	}
	return apply(s.raw, edits)
}

func syntaxError(p string, diags hcl.Diagnostics) *SyntaxError {
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			e := &SyntaxError{Path: p, Why: "cannot be read as Terraform: " + strings.TrimRight(d.Summary, ".")}
			if d.Subject != nil {
				e.Line = d.Subject.Start.Line
			}
			return e
		}
	}
	return nil
}

// unknown blanks top-level blocks that the engine does not know: for one of
// them it would leave out the whole file without a word.
func (s *source) unknown(body *hclsyntax.Body, text []byte) []edit {
	var edits []edit
	blank := func(r hcl.Range) {
		edits = append(edits, edit{r.Start.Byte, r.End.Byte, blanked(text[r.Start.Byte:r.End.Byte])})
		if s.problem == nil {
			s.problem = &SyntaxError{Path: s.path, Line: r.Start.Line, Why: "not a Terraform block, not inspected"}
		}
	}
	for _, b := range body.Blocks {
		ok := slices.ContainsFunc(terraform.Schema.Blocks, func(h hcl.BlockHeaderSchema) bool {
			return h.Type == b.Type && len(h.LabelNames) == len(b.Labels)
		})
		if !ok {
			blank(hcl.RangeBetween(b.TypeRange, b.CloseBraceRange))
		}
	}
	for _, a := range body.Attributes {
		blank(a.SrcRange)
	}
	return edits
}

func blanked(b []byte) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return ' '
	}, string(b))
}

var details = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{
	{Name: "source"}, {Name: "count"}, {Name: "default"}, {Name: "type"},
}}

// block notes what matters of one top-level block and returns what to cut.
func (s *source) block(b *hcl.Block, text []byte, json bool) (edits []edit) {
	if b.Type == "locals" {
		attrs, _ := b.Body.JustAttributes()
		for name, a := range attrs {
			s.locals[name] = a.Expr
		}
		return nil
	}
	content, _, _ := b.Body.PartialContent(details)
	if content == nil {
		return nil
	}
	switch b.Type {
	case "variable":
		if content.Attributes["default"] == nil {
			s.inputs[b.Labels[0]] = cty.DynamicPseudoType
			if t := content.Attributes["type"]; t != nil {
				if ty, diags := typeexpr.TypeConstraint(t.Expr); !diags.HasErrors() {
					s.inputs[b.Labels[0]] = ty
				}
			}
		}
		return nil
	case "module":
		if a := content.Attributes["source"]; a != nil {
			r := a.Expr.Range()
			cut := edit{r.Start.Byte, r.End.Byte, `""` + blanked(text[r.Start.Byte:r.End.Byte])}
			if dir, ok := local(s.path, a.Expr); ok {
				s.calls = append(s.calls, call{dir, cut})
			} else {
				edits = append(edits, cut)
				s.remote = append(s.remote, remoteCall{name: strings.Join(b.Labels, "."), line: a.Range.Start.Line})
			}
		}
	}
	if a := content.Attributes["count"]; a != nil {
		r := a.Expr.Range()
		v, diags := a.Expr.Value(nil)
		if !diags.HasErrors() && v.Type() == cty.Number && v.IsKnown() && !v.IsNull() && v.AsBigFloat().IsInt() &&
			v.LessThanOrEqualTo(cty.NumberIntVal(maxCount)).True() {
			return edits
		}
		differ := differs(b, text)
		if json {
			if differ {
				s.refused = append(s.refused, refusal{a.Range.Start.Line, fmt.Sprintf(whyCount, 1)})
			}
			return append(edits, edit{r.Start.Byte, r.End.Byte, "1"})
		}
		if differ {
			s.counts[b.DefRange.Start.Line] = a.Range.Start.Line
		}
		// One more than are promised: where there is one, some were cut.
		edits = append(edits, edit{r.Start.Byte, r.Start.Byte, fmt.Sprintf("min(%d, ", maxCount+1)},
			edit{r.End.Byte, r.End.Byte, ")"})
	}
	return edits
}

const whyCount = "of the instances that count makes, only %d were inspected"

// differs reports whether the instances of a block may differ from one another.
func differs(b *hcl.Block, text []byte) bool {
	body, ok := b.Body.(*hclsyntax.Body)
	if !ok {
		return bytes.Contains(text, []byte("count.index"))
	}
	r := body.Range()
	return bytes.Contains(text[r.Start.Byte:r.End.Byte], []byte("count.")) ||
		bytes.Contains(text[r.Start.Byte:r.End.Byte], []byte("count["))
}

// local returns the directory that a module block in the file at p names, if
// it is one within the repository.
func local(p string, e hcl.Expression) (string, bool) {
	v, diags := e.Value(nil)
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return "", false
	}
	src := v.AsString()
	if !strings.HasPrefix(src, "./") && !strings.HasPrefix(src, "../") && src != "." && src != ".." {
		return "", false
	}
	dir := path.Join(path.Dir(p), src)
	if dir == ".." || strings.HasPrefix(dir, "../") {
		return "", false
	}
	return dir, true
}

// apply returns text after edits. Of overlapping ones the outer wins.
func apply(text []byte, edits []edit) []byte {
	inserts := func(e edit) int {
		if e.start == e.end {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(edits, func(a, b edit) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(inserts(a), inserts(b)), cmp.Compare(b.end, a.end))
	})
	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		if e.start < at {
			continue
		}
		out.Write(text[at:e.start])
		out.WriteString(e.text)
		at = e.end
	}
	out.Write(text[at:])
	return out.Bytes()
}
