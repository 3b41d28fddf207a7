package fakehub

import (
	"fmt"
	"strings"
)

// A node is an object of the graph: its type and how its fields are found.
// Fields are functions, so that only those selected are computed.
type node struct {
	kind   string
	fields map[string]field
}

// A field computes a value: nil, a scalar, a node, a []node or a []any of scalars.
type field func(args map[string]any) (any, *graphError)

// A graphError goes into "errors"; the field is null then.
type graphError struct {
	Type    string `json:"type,omitempty"`
	Path    []any  `json:"path,omitempty"`
	Message string `json:"message"`
}

func is(v any) field { return func(map[string]any) (any, *graphError) { return v, nil } }

func lazily(f func() any) field {
	return func(map[string]any) (any, *graphError) { return f(), nil }
}

// graphql answers a GraphQL request: always 200, errors beside the data.
func (c *call) graphql() answer {
	var in struct {
		Query     string
		Variables map[string]any
	}
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	refuse := func(message string) answer { return ok(map[string]any{"errors": []graphError{{Message: message}}}) }
	if in.Query == "" {
		return refuse("A query attribute must be specified and must be a string.")
	}
	doc, err := parseGraphQL(in.Query)
	if err != nil {
		return refuse(err.Error())
	}
	x := &execution{doc: doc, variables: doc.defaults}
	for name, v := range in.Variables {
		x.variables[name] = v
	}
	for name, required := range doc.required {
		if required && x.variables[name] == nil {
			return refuse(fmt.Sprintf("Variable $%s of type was provided invalid value", name))
		}
	}
	root := c.queryRoot()
	if doc.kind == "mutation" {
		root = c.mutationRoot()
	}
	// Selections are checked as a whole before anything is done.
	if message := x.unknown(root, doc.fields); message != "" {
		return refuse(message)
	}
	data := x.object(root, doc.fields, nil)
	if x.invalid != "" {
		return refuse(x.invalid)
	}
	out := map[string]any{"data": data}
	if x.errors != nil {
		out["errors"] = x.errors
	}
	return ok(out)
}

type execution struct {
	doc       *document
	variables map[string]any
	errors    []graphError
	invalid   string // the document does not fit the schema; nothing is answered
}

// unknown finds a root field that does not exist, before mutations run.
func (x *execution) unknown(root node, list []selection) string {
	for _, s := range x.flatten(root.kind, list) {
		if _, ok := root.fields[s.name]; !ok && s.name != "__typename" {
			return noField(s.name, root.kind)
		}
	}
	return ""
}

func noField(name, kind string) string {
	return fmt.Sprintf("Field '%s' doesn't exist on type '%s'", name, kind)
}

// flatten opens the fragments that fit the type and drops what is skipped.
func (x *execution) flatten(kind string, list []selection) []selection {
	var out []selection
	for _, s := range list {
		if !x.wanted(s.skip) {
			continue
		}
		if !s.fragment {
			out = append(out, s)
			continue
		}
		if s.name != "" {
			named, found := x.doc.fragments[s.name]
			if !found {
				x.invalid = fmt.Sprintf("Fragment %s was used, but not defined", s.name)
				continue
			}
			s = named
		}
		if s.on == "" || s.on == kind || implements(kind, s.on) {
			out = append(out, x.flatten(kind, s.sub)...)
		}
	}
	return out
}

func implements(kind, face string) bool {
	switch face {
	case "Actor":
		return kind == "User" || kind == "Bot" || kind == "Organization"
	case "RepositoryOwner":
		return kind == "User" || kind == "Organization"
	case "Node":
		return true
	case "Comment":
		return kind == "PullRequestReviewComment" || kind == "IssueComment" || kind == "PullRequest"
	}
	return false
}

func (x *execution) wanted(list []condition) bool {
	for _, d := range list {
		if on, _ := x.value(d.value).(bool); on != d.include {
			return false
		}
	}
	return true
}

// value puts variables in.
func (x *execution) value(v any) any {
	switch v := v.(type) {
	case variable:
		return x.variables[string(v)]
	case enum:
		return string(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = x.value(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = x.value(e)
		}
		return out
	}
	return v
}

// object answers the selected fields of n.
func (x *execution) object(n node, list []selection, path []any) map[string]any {
	out := map[string]any{}
	for _, s := range x.flatten(n.kind, list) {
		if s.name == "__typename" {
			out[s.alias] = n.kind
			continue
		}
		f, found := n.fields[s.name]
		if !found {
			x.invalid = noField(s.name, n.kind)
			return nil
		}
		args, _ := x.value(s.args).(map[string]any)
		at := append(append([]any{}, path...), s.alias)
		v, bad := f(args)
		if bad != nil {
			if bad.Type == "" {
				x.invalid = bad.Message
				return nil
			}
			bad.Path = at
			x.errors = append(x.errors, *bad)
			out[s.alias] = nil
			continue
		}
		out[s.alias] = merge(out[s.alias], x.complete(v, s, n.kind, at))
	}
	return out
}

// merge joins what two selections of one field answered.
func merge(a, b any) any {
	am, aok := a.(map[string]any)
	bm, bok := b.(map[string]any)
	if !aok || !bok {
		return b
	}
	for k, v := range bm {
		am[k] = merge(am[k], v)
	}
	return am
}

func (x *execution) complete(v any, s selection, parent string, path []any) any {
	switch v := v.(type) {
	case *node:
		if v == nil {
			return nil
		}
		return x.sub(*v, s, parent, path)
	case node:
		return x.sub(v, s, parent, path)
	case []node:
		list := []any{}
		for i, n := range v {
			list = append(list, x.sub(n, s, parent, append(append([]any{}, path...), i)))
		}
		return list
	}
	if s.sub != nil && v != nil {
		x.invalid = fmt.Sprintf("Selections can't be made on scalars (field '%s' has selections on type '%s')", s.name, parent)
	}
	return v
}

func (x *execution) sub(n node, s selection, parent string, path []any) any {
	if s.sub == nil {
		x.invalid = fmt.Sprintf("Field must have selections (field '%s' returns %s but has no selections. Did you mean '%s { ... }'?)", s.name, n.kind, s.name)
		return nil
	}
	return x.object(n, s.sub, path)
}

// connection answers a page of nodes; the boundary is required and at most 100.
func connection(name, kind string, all []node) field {
	return func(args map[string]any) (any, *graphError) {
		first, forward := args["first"].(float64)
		last, backward := args["last"].(float64)
		size := int(first)
		if backward && !forward {
			size = int(last)
		}
		switch {
		case !forward && !backward:
			return nil, &graphError{Type: "MISSING_PAGINATION_BOUNDARIES",
				Message: fmt.Sprintf("You must provide a `first` or `last` value to properly paginate the `%s` connection.", name)}
		case size > 100:
			return nil, &graphError{Type: "EXCESSIVE_PAGINATION",
				Message: fmt.Sprintf("Requesting %d records on the `%s` connection exceeds the `first` limit of 100 records.", size, name)}
		case size < 0:
			return nil, &graphError{Type: "INVALID_PAGINATION", Message: "`first` on the `" + name + "` connection cannot be less than zero."}
		}
		from, to := 0, len(all)
		if s, _ := args["after"].(string); s != "" {
			from = min(to, atoi(strings.TrimPrefix(s, "cursor-")))
		}
		if s, _ := args["before"].(string); s != "" {
			to = max(from, min(to, atoi(strings.TrimPrefix(s, "cursor-"))-1))
		}
		if forward {
			to = min(to, from+size)
		} else {
			from = max(from, to-size)
		}
		return node{kind: kind + "Connection", fields: map[string]field{"totalCount": is(len(all)), "nodes": is(all[from:to]),
			"edges": is(edges(kind, all[from:to], from)), "pageInfo": is(pageInfo(from, to, len(all)))}}, nil
	}
}

func cursor(i int) string { return fmt.Sprintf("cursor-%d", i) }

func edges(kind string, list []node, from int) []node {
	out := []node{}
	for i, n := range list {
		out = append(out, node{kind: kind + "Edge", fields: map[string]field{"node": is(n), "cursor": is(cursor(from + i + 1))}})
	}
	return out
}

func pageInfo(from, to, n int) node {
	var start, end any
	if to > from {
		start, end = cursor(from+1), cursor(to)
	}
	return node{kind: "PageInfo", fields: map[string]field{"hasNextPage": is(to < n), "hasPreviousPage": is(from > 0), "startCursor": is(start), "endCursor": is(end)}}
}
