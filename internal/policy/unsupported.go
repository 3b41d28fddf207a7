package policy

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// workflows is the section of a scanner that does not exist yet.
const workflows = "workflows"

// An Unsupported is a key that versions before this one accepted although
// nothing implemented it. Its value is not checked and has no effect.
type Unsupported struct {
	Key          string // "upgrades.schedule"
	Line, Column int    // from 1
	Layer        string // Organisation or Repository

	value *yaml.Node
}

// From names the place of the key, as Setting.From does.
func (u Unsupported) From() string { return where(u.Layer, u.Line) }

// A refusal reports whether a key that is not supported yet makes a file
// invalid. The nil refusal refuses none.
type refusal func(Unsupported) bool

// notSupported notes that nothing implements the key at n.
func (r *reader) notSupported(n *yaml.Node, key string, value *yaml.Node) {
	u := Unsupported{Key: key, Line: max(1, n.Line), Column: max(1, n.Column), value: value}
	if r.refuse != nil && r.refuse(u) {
		r.fail(n, "`%s` is not supported yet: remove it", key)
		return
	}
	r.unsupported = append(r.unsupported, u)
}

// ComposeStrict is Compose for files that are being written: a key that is not
// supported yet is an error.
func ComposeStrict(l Layers) (Policy, error) {
	return compose(l, func(Unsupported) bool { return true })
}

// ParseChange is Parse for the file that a change brings. A key that is not
// supported yet is an error, unless current, the file on the default branch,
// has it with the same value.
func ParseChange(current, text []byte) (Policy, error) {
	if len(text) == 0 {
		return Policy{}, empty()
	}
	var known []Unsupported
	if root, err := decode(current); err == nil {
		r, ignored := &reader{}, Default()
		r.policy(root, &ignored, nil)
		known = r.unsupported // whatever else is wrong with the file
	}
	return compose(Layers{Repository: text}, func(u Unsupported) bool {
		return !slices.ContainsFunc(known, func(k Unsupported) bool { return k.Key == u.Key && sameValue(k.value, u.value) })
	})
}

// sameValue reports whether two nodes say the same; style and comments do not count.
func sameValue(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.ShortTag() == b.ShortTag() && a.Value == b.Value && slices.EqualFunc(a.Content, b.Content, sameValue)
}
