package iac

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

const (
	maxLoops = 3         // for expressions within for expressions
	maxTurns = 4_000_000 // of one of them, those within it included
	maxRange = 1024      // items that range returns
	someMany = 16        // items of what is not known, if nothing longer is seen
)

// A guard walks a file of the native syntax.
type guard struct {
	edits        []edit
	refused      []refusal
	files        []*hclsyntax.FunctionCallExpr // calls that read one
	choices      []*hclsyntax.ConditionalExpr
	loops        int
	nests        []hclsyntax.Expression // what multiplies, outermost ones
	widest       int                    // items of the longest literal
	tooManyLoops int                    // line
}

// multiplies reports whether the value of n may be longer than what it is made from.
func multiplies(n hclsyntax.Node) bool {
	switch n := n.(type) {
	case *hclsyntax.ForExpr:
		return true
	case *hclsyntax.FunctionCallExpr:
		return n.Name == "setproduct"
	}
	return false
}

func (g *guard) Enter(n hclsyntax.Node) hcl.Diagnostics {
	switch n := n.(type) {
	case *hclsyntax.FunctionCallExpr:
		g.call(n)
	case *hclsyntax.ConditionalExpr:
		g.choices = append(g.choices, n)
	case *hclsyntax.TupleConsExpr:
		g.widest = max(g.widest, len(n.Exprs))
	case *hclsyntax.ObjectConsExpr:
		g.widest = max(g.widest, len(n.Items))
	}
	if multiplies(n) {
		if g.loops == 0 {
			g.nests = append(g.nests, n.(hclsyntax.Expression))
		}
		if g.loops++; g.loops > maxLoops && g.tooManyLoops == 0 {
			g.tooManyLoops = n.Range().Start.Line
		}
	}
	return nil
}

func (g *guard) Exit(n hclsyntax.Node) hcl.Diagnostics {
	if multiplies(n) {
		g.loops--
	}
	return nil
}

// A meter tells how often the loops of a module turn, too high rather than too low.
type meter struct {
	locals map[string]hcl.Expression // nil: not known
	counts map[string]float64        // of locals
	widest float64                   // what is taken for what is not known
}

// count returns how many items e has.
func (m *meter) count(e hcl.Expression) float64 {
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return m.count(e.Expression)
	case *hclsyntax.ConditionalExpr:
		return max(m.count(e.TrueResult), m.count(e.FalseResult))
	case *hclsyntax.TupleConsExpr:
		return max(float64(len(e.Exprs)), m.within(e))
	case *hclsyntax.ObjectConsExpr:
		return max(float64(len(e.Items)), m.within(e))
	case *hclsyntax.ForExpr:
		return m.count(e.CollExpr) * max(1, m.within(e.ValExpr))
	case *hclsyntax.FunctionCallExpr:
		if e.Name == "range" {
			if len(e.Args) == 1 {
				if n, ok := number(e.Args[0], maxRange); ok {
					return float64(n)
				}
			}
			return maxRange
		}
		sum, product := 0.0, 1.0
		for _, a := range e.Args {
			n := m.count(a)
			sum, product = sum+n, product*n
		}
		if e.Name == "setproduct" {
			return product
		}
		return sum
	case *hclsyntax.ScopeTraversalExpr:
		if len(e.Traversal) == 2 && e.Traversal.RootName() == "local" {
			if attr, ok := e.Traversal[1].(hcl.TraverseAttr); ok {
				return m.local(attr.Name)
			}
		}
	case *hclsyntax.LiteralValueExpr:
		return 1
	}
	return m.widest
}

func (m *meter) local(name string) float64 {
	if m.locals == nil {
		return m.widest
	}
	if n, known := m.counts[name]; known {
		return n
	}
	m.counts[name] = 1 // a circle is an error of its own
	if e := m.locals[name]; e != nil {
		m.counts[name] = m.count(e)
	}
	return m.counts[name]
}

// within returns how many items the loops in e have together.
func (m *meter) within(e hclsyntax.Expression) float64 {
	g := guard{}
	_ = hclsyntax.Walk(e, &g)
	sum := 0.0
	for _, n := range g.nests {
		sum += m.count(n)
	}
	return sum
}

// turns returns an error for the first loop of the modules in dirs that turns
// too often, nil if there is none.
func (r *repository) turns(dirs []string) error {
	widest := max(someMany, r.widest)
	for _, dir := range dirs {
		for _, s := range r.module(dir) {
			widest = max(widest, s.widest)
		}
	}
	for _, dir := range dirs {
		m := meter{locals: map[string]hcl.Expression{}, counts: map[string]float64{}, widest: float64(widest)}
		for _, s := range r.module(dir) {
			for name, e := range s.locals {
				m.locals[name] = e
			}
		}
		for _, s := range r.module(dir) {
			for _, n := range s.nests {
				if m.count(n) > maxTurns {
					return &SyntaxError{Path: s.path, Line: n.Range().Start.Line, Why: "for expressions that turn too often, module not inspected"}
				}
			}
		}
	}
	return nil
}
