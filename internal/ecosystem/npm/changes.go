package npm

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

// Sourced reports whether the file at p says where packages come from, or their hashes.
func (e Ecosystem) Sourced(p string) bool { return e.Match(p) || path.Base(p) == ".npmrc" }

// SourceChanges compares two states of a lockfile or of npm's settings. Before
// is nil if the file is new.
func (e Ecosystem) SourceChanges(p string, before, after []byte) []ecosystem.SourceChange {
	if path.Base(p) == ".npmrc" {
		return settingChanges(p, before, after)
	}
	nodes, err := readNodes(p, after)
	if err != nil {
		return nil // Packages has the error
	}
	old, _ := readNodes(p, before)
	return append(hostChanges(p, old, nodes), hashChanges(p, old, nodes)...)
}

// registries returns the settings of an .npmrc that say where packages come
// from, with their lines. Of one that is there twice npm takes the last.
func registries(data []byte) map[string]setting {
	out := map[string]setting{}
	n := 0
	for l := range strings.Lines(string(data)) {
		n++
		l = strings.TrimSpace(l)
		name, value, ok := strings.Cut(l, "=")
		name = strings.TrimSpace(name)
		if !ok || strings.HasPrefix(l, ";") || strings.HasPrefix(l, "#") || name != "registry" && !strings.HasSuffix(name, ":registry") {
			continue
		}
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		out[name] = setting{strings.TrimSuffix(ecosystem.WithoutCredentials(value), "/"), n}
	}
	return out
}

type setting struct {
	value string
	line  int
}

func settingChanges(p string, before, after []byte) []ecosystem.SourceChange {
	was, is := registries(before), registries(after)
	var out []ecosystem.SourceChange
	for _, name := range slices.Sorted(maps.Keys(is)) {
		if is[name].value == was[name].value {
			continue
		}
		what := fmt.Sprintf("npm takes packages from %s", shown(is[name].value))
		if scope, ok := strings.CutSuffix(name, ":registry"); ok {
			what = fmt.Sprintf("npm takes packages of %s from %s", scope, shown(is[name].value))
		}
		if was[name].value != "" {
			what += ", not from " + shown(was[name].value) + " as before"
		}
		out = append(out, ecosystem.SourceChange{At: change.Span{Path: p, Start: is[name].line, End: is[name].line}, Key: name + " " + is[name].value, What: what})
	}
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if _, ok := is[name]; !ok {
			out = append(out, ecosystem.SourceChange{At: change.Span{Path: p, Start: 1, End: 1}, Key: name, What: fmt.Sprintf("npm no longer takes packages from %s", shown(was[name].value))})
		}
	}
	return out
}

// shown is what may be shown of an address.
func shown(address string) string {
	return cmp.Or(ecosystem.Address(address), "an address that is not shown")
}

// from is the place that an entry is fetched from; "" if that is the registry
// that npm is set to, or nothing is fetched.
func (n *node) from() string {
	if n.own() || n.link || n.resolved == "" {
		return ""
	}
	if strings.HasPrefix(n.resolved, "file:") {
		return "a file"
	}
	return cmp.Or(ecosystem.Address(n.resolved), "an address that is not shown")
}

// hostChanges finds packages that come from elsewhere than all those of the
// lockfile before. If there was none, the place that most come from is its measure.
func hostChanges(p string, before, after []node) []ecosystem.SourceChange {
	known := map[string]bool{}
	for i := range before {
		known[before[i].from()] = true
	}
	delete(known, "")
	at := map[string][]*node{}
	for i := range after {
		if len(known) == 0 && after[i].origin.source != "" {
			continue // another finding names what comes from git, a file or an odd address
		}
		if from := after[i].from(); from != "" && !known[from] {
			at[from] = append(at[from], &after[i])
		}
	}
	places := slices.SortedFunc(maps.Keys(at), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(at[b]), len(at[a])), strings.Compare(a, b))
	})
	measure := slices.Sorted(maps.Keys(known))
	var out []ecosystem.SourceChange
	for i, from := range places {
		first := at[from][0]
		c := ecosystem.SourceChange{At: change.Span{Path: p, Start: first.line, End: first.line}, Key: "host " + from}
		switch {
		case len(known) > 0:
			c.What = fmt.Sprintf("%s from %s, and nothing did before (%s)", counted(at[from]), from, strings.Join(measure[:min(3, len(measure))], ", "))
		case i == 0:
			c.Kind = ecosystem.Undecided
			c.What = fmt.Sprintf("%s from %s: this lockfile is the first to say so", counted(at[from]), from)
		default:
			c.What = fmt.Sprintf("%s from %s, and most others from %s", counted(at[from]), from, places[0])
		}
		out = append(out, c)
	}
	return out
}

// counted names the first of some packages and says how many there are.
func counted(nodes []*node) string {
	name := nodes[0].label()
	if n := len(nodes); n > 1 {
		return fmt.Sprintf("%s and %d more come", name, n-1)
	}
	return name + " comes"
}

// hashChanges finds versions of which the lockfile had another hash before.
func hashChanges(p string, before, after []node) []ecosystem.SourceChange {
	old := map[[2]string][]string{}
	for i := range before {
		n := &before[i]
		key := [2]string{n.name, n.version}
		old[key] = append(old[key], strings.Fields(n.integrity)...)
	}
	var out []ecosystem.SourceChange
	told := map[[2]string]bool{}
	for i := range after {
		n := &after[i]
		key := [2]string{n.name, n.version}
		was, is := old[key], strings.Fields(n.integrity)
		if n.own() || n.link || len(was) == 0 || told[key] {
			continue
		}
		c := ecosystem.SourceChange{At: change.Span{Path: p, Start: n.line, End: n.line}, Key: "hash " + n.label()}
		switch {
		case len(is) == 0:
			c.What = "The hash of " + n.label() + " is gone: npm takes whatever its source serves"
		case conflict(was, is):
			c.Kind, c.What = ecosystem.Tampered, "The hash of "+n.label()+" is another one than before"
		default:
			continue
		}
		told[key] = true
		out = append(out, c)
	}
	return out
}

// conflict reports whether a hash in is differs from all of its kind in was.
func conflict(was, is []string) bool {
	for _, hash := range is {
		kind, _, _ := strings.Cut(hash, "-")
		same := func(h string) bool { return strings.HasPrefix(h, kind+"-") }
		if slices.ContainsFunc(was, same) && !slices.Contains(was, hash) {
			return true
		}
	}
	return false
}

// Vendored returns the directory of copies that the file at p lies in, and the
// files of which one changes whenever npm writes there. The first is always there.
func (Ecosystem) Vendored(p string) (dir string, manifests []string) {
	root, _, ok := strings.Cut("/"+p, "/node_modules/")
	if !ok {
		return "", nil
	}
	root = strings.TrimPrefix(root, "/")
	for _, name := range []string{"package.json", "package-lock.json", "npm-shrinkwrap.json", "node_modules/.package-lock.json", "yarn.lock", "pnpm-lock.yaml"} {
		manifests = append(manifests, path.Join(root, name))
	}
	return path.Join(root, "node_modules"), manifests
}
