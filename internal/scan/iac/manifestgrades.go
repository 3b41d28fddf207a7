package iac

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// manifestGrades returns the grades of what a rule objects to in the map n of a
// manifest: added capabilities, permissions of a role, mounted directories.
func manifestGrades(rule string, n *yaml.Node) grades {
	var out grades
	switch rule {
	case "KSV-0022":
		for _, c := range scalarsAt(n, "securityContext", "capabilities", "add") {
			out = out.at("capability "+strings.TrimPrefix(strings.ToUpper(c), "CAP_"), 1)
		}
		out = out.closed("capability ", "ALL", "capabilities")
	case "KSV-0023", "KSV-0121":
		mounts := hostPaths(n)
		for _, p := range mounts {
			depth := len(strings.FieldsFunc(p.Value, func(r rune) bool { return r == '/' }))
			out = out.at("directory", max(0, 4-depth))
		}
		out = out.at("mounts", len(mounts)-1)
	default:
		if !strings.HasPrefix(rule, "KSV-") || field(n, "verbs") == nil {
			return nil
		}
		for _, v := range scalarsAt(n, "verbs") {
			out = out.at("verb "+v, 1)
		}
		out = out.closed("verb ", "*", "verbs")
		for _, key := range []string{"resources", "apiGroups"} {
			for _, v := range scalarsAt(n, key) {
				if v == "*" {
					out = out.at(key, 1)
				}
			}
		}
	}
	return out
}

// closed adds the values that one stands for to g, if g has that one: all of a scale.
func (g grades) closed(prefix, all, scale string) grades {
	if g[prefix+all] == 0 {
		return g
	}
	for _, v := range scales()[scale] {
		g = g.at(prefix+v, 1)
	}
	return g
}

// scalarsAt returns the values of the list at keys below n.
func scalarsAt(n *yaml.Node, keys ...string) []string {
	for _, key := range keys {
		if n == nil {
			return nil
		}
		n = field(n, key)
	}
	var out []string
	for _, c := range items(n) {
		out = append(out, c.Value)
	}
	return out
}

// hostPaths returns the paths of the directories of its node that a pod mounts;
// n is the pod's specification, or has it at the usual place.
func hostPaths(n *yaml.Node) []*yaml.Node {
	for n != nil && field(n, "volumes") == nil {
		inner := field(n, "spec")
		for _, key := range []string{"template", "jobTemplate"} {
			if inner == nil {
				inner = field(n, key)
			}
		}
		n = inner
	}
	if n == nil {
		return nil
	}
	var out []*yaml.Node
	for _, v := range items(field(n, "volumes")) {
		if mount := field(v, "hostPath"); mount != nil {
			if p := field(mount, "path"); p != nil {
				out = append(out, p)
			}
		}
	}
	return out
}

// items returns the items of a list, none if n is something else.
func items(n *yaml.Node) []*yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}
