package iac

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"math/bits"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aquasecurity/trivy/pkg/iac/terraform"
	"github.com/aquasecurity/trivy/pkg/iac/types"
	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v3"
)

// Grades tell how bad a value is that breaks a rule, in each respect in which
// it can get worse: a port range by its width, an access control list by what
// it permits. The mildest value has none.
//
// A finding goes by one name for each grade up to its own. So a value that gets
// worse has names that it did not have before, and is introduced; one that
// gets milder has not.
type grades map[string]int

// names returns the names that a finding called name goes by; the first is its own.
func (g grades) names(name string) []string {
	out := []string{name}
	for _, respect := range slices.Sorted(maps.Keys(g)) {
		for n := 1; n <= g[respect]; n++ {
			out = append(out, fmt.Sprintf("%s\x00%s %d", name, respect, n))
		}
	}
	return out
}

// String is "" for the mildest value.
func (g grades) String() string {
	names := g.names("")
	return strings.Join(names[1:], "")
}

// with returns the worse of g and o in each respect.
func (g grades) with(o grades) grades {
	out := maps.Clone(g)
	for respect, n := range o {
		out = out.at(respect, n)
	}
	return out
}

// at returns g with at least n in one respect.
func (g grades) at(respect string, n int) grades {
	if n <= g[respect] {
		return g
	}
	if g == nil {
		g = grades{}
	}
	g[respect] = n
	return g
}

// scales has the values of attributes, mildest first.
//
//go:embed scales.yaml
var scalesText []byte

var scales = sync.OnceValue(func() map[string][]string {
	var out map[string][]string
	if err := yaml.Unmarshal(scalesText, &out); err != nil {
		panic(err) // a test reads it
	}
	return out
})

// A grader grades what the engine says of evaluated modules.
type grader struct {
	modules terraform.Modules
	blocks  map[string]*terraform.Block // by their chain
}

// chain identifies what m is about, and through which calls it was reached.
func chain(m *types.Metadata) string {
	var b strings.Builder
	for ; m != nil; m = m.Parent() {
		fmt.Fprintf(&b, "%s@%v ", m.Reference(), m.Range())
	}
	return b.String()
}

// grades returns those of the attribute that m is about.
func (g *grader) grades(m types.Metadata) grades {
	name := attributeOf(m)
	if name == "" {
		return nil
	}
	b := g.block(m.Parent())
	if b == nil {
		return nil
	}
	values := texts(b.GetAttribute(name))
	out := grades(nil).at(name, scaled(name, values))
	if width := widest(values); width >= 0 {
		out = out.at("addresses", width).at("ports", bits.Len(uint(max(1, ports(b))-1)))
	}
	for _, v := range values {
		out = out.with(permissions(v))
	}
	return out
}

// block returns the block that m is about, nil if it is none.
func (g *grader) block(m *types.Metadata) *terraform.Block {
	if g.blocks == nil {
		g.blocks = map[string]*terraform.Block{}
		for _, module := range g.modules {
			g.add(module.GetBlocks())
		}
	}
	return g.blocks[chain(m)]
}

func (g *grader) add(blocks terraform.Blocks) {
	for _, b := range blocks {
		m := b.GetMetadata()
		g.blocks[chain(&m)] = b
		g.add(b.AllBlocks())
	}
}

// scaled returns how far up its scale the worst of the values of an attribute is.
func scaled(name string, values []string) int {
	worst := 0
	for _, v := range values {
		worst = max(worst, slices.IndexFunc(scales()[name], func(s string) bool { return strings.EqualFold(s, v) }))
	}
	return worst
}

// texts returns the strings and numbers in the value of a, as far as they are known.
func texts(a *terraform.Attribute) []string {
	if a.IsNil() {
		return nil
	}
	return textsIn(a.Value())
}

func textsIn(v cty.Value) []string {
	v, _ = v.Unmark()
	switch {
	case v == cty.NilVal || !v.IsKnown() || v.IsNull():
		return nil
	case v.Type() == cty.String:
		return []string{v.AsString()}
	case v.Type() == cty.Number:
		return []string{v.AsBigFloat().Text('f', 0)}
	case v.Type().IsListType() || v.Type().IsSetType() || v.Type().IsTupleType():
		var out []string
		for _, e := range v.AsValueSlice() {
			out = append(out, textsIn(e)...)
		}
		return out
	}
	return nil
}

// widest returns how wide the widest range of addresses among values is, in
// steps of four bits of an IPv4 address; -1 if none of them is one.
func widest(values []string) int {
	width := -1
	for _, v := range values {
		switch v {
		case "*", "any", "Any", "Internet":
			width = max(width, 8)
			continue
		}
		if p, err := netip.ParsePrefix(v); err == nil {
			width = max(width, (p.Addr().BitLen()-p.Bits())*8/p.Addr().BitLen())
		} else if _, err := netip.ParseAddr(v); err == nil {
			width = max(width, 0)
		}
	}
	return width
}

const allPorts = 1 << 16

// ports returns how many ports the firewall rule b is for.
func ports(b *terraform.Block) int {
	switch p := texts(b.GetAttribute("protocol")); {
	case slices.Contains(p, "-1"), slices.Contains(p, "all"), slices.Contains(p, "*"):
		return allPorts
	}
	n := 0
	for _, ends := range [][2]string{{"from_port", "to_port"}, {"port_range_min", "port_range_max"}} {
		from, to := texts(b.GetAttribute(ends[0])), texts(b.GetAttribute(ends[1]))
		if len(from) == 1 && len(to) == 1 {
			n += portsIn(from[0] + "-" + to[0])
		}
	}
	for _, name := range []string{"ports", "port_range", "destination_port_range", "destination_port_ranges"} {
		for _, r := range texts(b.GetAttribute(name)) {
			n += portsIn(r)
		}
	}
	for _, allow := range b.GetBlocks("allow") { // of a firewall of Google's
		if own := ports(allow); own > 0 {
			n += own
		} else {
			n += allPorts
		}
	}
	return min(n, allPorts)
}

func portsIn(r string) int {
	low, high, isRange := strings.Cut(r, "-")
	from, err := strconv.Atoi(low)
	if err != nil {
		return allPorts // "all", "*", "-1--1"
	}
	to, err := strconv.Atoi(high)
	if !isRange {
		return 1
	}
	if err != nil || from == 0 && to == 0 {
		return allPorts
	}
	return max(1, min(to-from+1, allPorts))
}

// permissions grades an access policy in JSON by its widest wildcards.
func permissions(text string) grades {
	if !strings.Contains(text, `"Statement"`) {
		return nil
	}
	var policy struct{ Statement oneOrMore[map[string]any] }
	if json.Unmarshal([]byte(text), &policy) != nil {
		return nil
	}
	var out grades
	for _, s := range policy.Statement {
		if effect, _ := s["Effect"].(string); !strings.EqualFold(effect, "Allow") {
			continue
		}
		wildcards := 0
		for _, action := range stringsIn(s["Action"]) {
			out = out.at("action", wildcard(action))
			if strings.HasSuffix(action, "*") {
				wildcards++
			}
		}
		out = out.at("wildcards", wildcards)
		if s["NotAction"] != nil {
			out = out.at("action", 3)
		}
		for _, respect := range []string{"Resource", "Principal"} {
			if slices.Contains(stringsIn(s[respect]), "*") {
				out = out.at(strings.ToLower(respect), 1)
			}
		}
		if s["Condition"] == nil {
			out = out.at("unconditional", 1)
		}
	}
	return out
}

// wildcard grades an action such as "s3:GetObject", "s3:Get*", "s3:*" or "*".
func wildcard(action string) int {
	service, verb, _ := strings.Cut(action, ":")
	switch {
	case strings.Contains(service, "*"):
		return 3
	case verb == "*":
		return 2
	case strings.Contains(verb, "*"):
		return 1
	}
	return 0
}

// stringsIn returns the strings in v, at any depth.
func stringsIn(v any) []string {
	var out []string
	switch v := v.(type) {
	case string:
		out = append(out, v)
	case []any:
		for _, e := range v {
			out = append(out, stringsIn(e)...)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, stringsIn(v[k])...)
		}
	}
	return out
}

// oneOrMore reads one value or a list of them.
type oneOrMore[T any] []T

func (o *oneOrMore[T]) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, (*[]T)(o)) == nil {
		return nil
	}
	var one T
	err := json.Unmarshal(b, &one)
	*o = oneOrMore[T]{one}
	return err
}
