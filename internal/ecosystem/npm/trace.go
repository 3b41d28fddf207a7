package npm

import (
	"context"
	"strings"
)

// maxVia bounds a path: a lockfile can chain all of its packages.
const maxVia = 24

// routes are shortest paths from the project to each node.
type routes struct {
	nodes []node
	from  []int // the node that brings each in; -1 if it is not reached
	top   []int // the direct dependency at the start of the path
	depth []int // 1 for a direct dependency
}

// trace walks the lockfile breadth first from the project and its workspaces.
func trace(ctx context.Context, nodes []node) (*routes, error) {
	n := len(nodes)
	r := &routes{nodes: nodes, from: make([]int, n), top: make([]int, n), depth: make([]int, n)}
	at := make(map[string]int, n)
	var queue []int
	for i := range nodes {
		at[nodes[i].path] = i
		r.from[i] = -1
		if nodes[i].own() {
			queue = append(queue, i)
		}
	}
	for done := 0; done < len(queue); done++ {
		if done%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		i := queue[done]
		for _, name := range nodes[i].needs {
			to, ok := resolve(nodes, at, nodes[i].path, name)
			if !ok || nodes[to].own() || r.from[to] >= 0 {
				continue
			}
			r.from[to], r.top[to], r.depth[to] = i, r.top[i], r.depth[i]+1
			if r.direct(to) {
				r.top[to] = to
			}
			queue = append(queue, to)
		}
	}
	return r, nil
}

// resolve finds the copy of name that a package at path loads. A link stands
// for what it leads to.
func resolve(nodes []node, at map[string]int, path, name string) (int, bool) {
	for {
		place := modules + name
		if path != "" {
			place = path + "/" + modules + name
		}
		if i, ok := at[place]; ok {
			if nodes[i].link {
				i, ok = at[nodes[i].resolved]
			}
			return i, ok
		}
		if path == "" {
			return 0, false
		}
		path = path[:max(0, strings.LastIndex(path, "/"+modules))]
	}
}

func (r *routes) direct(i int) bool { return r.depth[i] == 1 }

// via names the packages between the project and node i, the direct dependency
// first. Of a path that is too long the middle is left out.
func (r *routes) via(i int) []string {
	n := r.depth[i] - 1
	if n < 1 {
		return nil
	}
	out := make([]string, min(n, maxVia))
	for k, j := len(out)-1, r.from[i]; k >= 0; k, j = k-1, r.from[j] {
		out[k] = r.nodes[j].label()
	}
	if n > maxVia {
		out[0], out[1] = r.nodes[r.top[i]].label(), "…"
	}
	return out
}
