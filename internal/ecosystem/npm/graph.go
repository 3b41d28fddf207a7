package npm

import (
	"fmt"

	"github.com/tidwall/gjson"
)

// A kind says why a package asks for another.
type kind uint8

const (
	regular kind = iota
	dev
	optional
	peer
)

// A need is one thing that a package asks for.
type need struct {
	name, spec string
	kind       kind
	optional   bool // of a peer: it may be missing
}

// An entry is one member of a lockfile's "packages" with what it asks for.
type entry struct {
	object *object
	needs  []need
}

// section returns the members of one of an entry's maps of dependencies.
func (e *entry) section(name string) map[string]string {
	out := map[string]string{}
	gjson.Parse(e.object.get(name)).ForEach(func(k, v gjson.Result) bool {
		out[k.Str] = v.String()
		return true
	})
	return out
}

// A graph is a lockfile: nodes and entries go by the same index.
type graph struct {
	nodes   []node
	entries []*entry
	at      map[string]int
}

func newGraph(nodes []node, packages *object) (*graph, error) {
	g := &graph{nodes: nodes, at: make(map[string]int, len(nodes))}
	if len(nodes) != len(packages.members) {
		return nil, fmt.Errorf("%d packages, but %d entries", len(nodes), len(packages.members))
	}
	for i, m := range packages.members {
		g.at[m.name] = i
		o, err := readObject(m.raw)
		if err != nil {
			return nil, fmt.Errorf("read %q: %w", m.name, err)
		}
		e := &entry{object: o}
		meta := gjson.Parse(o.get("peerDependenciesMeta")).Map()
		for s, k := range map[string]kind{"dependencies": regular, "devDependencies": dev, "optionalDependencies": optional, "peerDependencies": peer} {
			if k == dev && !nodes[i].own() {
				continue
			}
			for name, spec := range e.section(s) {
				n := need{name: name, spec: spec, kind: k}
				if k == peer {
					n.optional = meta[name].Map()["optional"].Bool()
				}
				e.needs = append(e.needs, n)
			}
		}
		g.entries = append(g.entries, e)
	}
	return g, nil
}

// find returns the copy of name that node i loads.
func (g *graph) find(i int, name string) (int, bool) {
	return resolve(g.nodes, g.at, g.nodes[i].path, name)
}

// A way says how a node is reached from the project: the flags dev, optional
// and peer of a lockfile follow from it.
type way uint8

const (
	present way = 1 << iota
	withoutDev
	withoutOptional
	withoutBoth
	withoutPeer
)

// reach returns the ways to each node.
func (g *graph) reach() []way {
	out := make([]way, len(g.nodes))
	for w, skip := range map[way][]bool{
		present:         {},
		withoutDev:      {dev: true},
		withoutOptional: {optional: true},
		withoutBoth:     {dev: true, optional: true},
		withoutPeer:     {peer: true},
	} {
		var queue []int
		for i := range g.nodes {
			if g.nodes[i].own() {
				out[i] |= w
				queue = append(queue, i)
			}
		}
		for done := 0; done < len(queue); done++ {
			i := queue[done]
			for _, n := range g.entries[i].needs {
				if int(n.kind) < len(skip) && skip[n.kind] {
					continue
				}
				if to, ok := g.find(i, n.name); ok && out[to]&w == 0 {
					out[to] |= w
					queue = append(queue, to)
				}
			}
		}
	}
	return out
}
