package npm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"deps.dev/util/semver"
	"github.com/tidwall/gjson"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

var _ ecosystem.Ecosystem = Ecosystem{}

// Versions returns the published versions of a package, lowest first.
func (e Ecosystem) Versions(ctx context.Context, name string) ([]string, error) {
	return e.Registry.versions(ctx, name)
}

// Upgrade returns package.json and its lockfile with the direct dependency p
// at version to. It does so only if the rest of the lockfile can stay as it
// is but for packages that nothing needs any more. Copies of the package that
// others keep below their own node_modules stay.
//
// The licence and funding of an entry stay too where the registry's
// abbreviated answer does not give them: installing does not read them.
func (e Ecosystem) Upgrade(ctx context.Context, tree fs.FS, p ecosystem.Package, to string) (map[string][]byte, error) {
	u, err := read(tree, p, to)
	if err != nil {
		return nil, err
	}
	base, err := e.Registry.address()
	if err != nil {
		return nil, err
	}
	if err := u.accept(); err != nil {
		return nil, err
	}
	if u.manifest, err = e.Registry.manifest(ctx, p.Name, to); err != nil {
		return nil, err
	}
	if err := u.acceptVersion(); err != nil {
		return nil, err
	}
	if err := u.settle(); err != nil {
		return nil, err
	}
	if err := u.edit(base.Host); err != nil {
		return nil, err
	}
	out := map[string][]byte{p.At.Path: u.bytes()}
	if b := []byte(u.project.text() + u.projectEnd); !bytes.Equal(b, u.projectText) {
		out[path.Join(path.Dir(p.At.Path), "package.json")] = b
	}
	return out, nil
}

// An upgrade is one change of a package.json and its lockfile.
type upgrade struct {
	name, from, to string
	manifest       *manifest // of version to

	project                *object // package.json
	projectText            []byte
	projectEnd             string // behind the last brace
	lock, packages, legacy *object
	lockEnd                string
	graph                  *graph
	target                 int // in graph.nodes
	gone                   []string
}

func read(tree fs.FS, p ecosystem.Package, to string) (*upgrade, error) {
	u := &upgrade{name: p.Name, from: p.Version, to: to}
	text, err := fs.ReadFile(tree, p.At.Path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", p.At.Path, err)
	}
	nodes, err := readNodes(p.At.Path, text)
	if err != nil {
		return nil, err
	}
	if u.lock, u.lockEnd, err = readDocument(p.At.Path, text); err != nil {
		return nil, err
	}
	if u.packages, err = readObject(u.lock.get("packages")); err != nil {
		return nil, &ecosystem.SyntaxError{Path: p.At.Path, Text: err.Error()}
	}
	if raw := u.lock.get("dependencies"); raw != "" {
		if u.legacy, err = readObject(raw); err != nil {
			return nil, &ecosystem.SyntaxError{Path: p.At.Path, Text: err.Error()}
		}
	}
	name := path.Join(path.Dir(p.At.Path), "package.json")
	u.projectText, err = fs.ReadFile(tree, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, refusal("there is no package.json beside the lockfile")
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if u.project, u.projectEnd, err = readDocument(name, u.projectText); err != nil {
		return nil, err
	}
	u.graph, err = newGraph(nodes, u.packages)
	return u, err
}

// readDocument reads a file that is one JSON object, and what stands behind it.
func readDocument(name string, b []byte) (*object, string, error) {
	if len(b) > maxBytes {
		return nil, "", &ecosystem.SyntaxError{Path: name, Text: "larger than 16 MiB"}
	}
	text := strings.TrimRight(string(b), " \t\r\n")
	o, err := readObject(text)
	if err != nil || !strings.HasPrefix(text, "{") {
		return nil, "", refusal("%s cannot be edited: it is not one JSON object with unique keys", name)
	}
	return o, string(b[len(text):]), nil
}

// sections are where package.json names what npm installs for the project.
var sections = []string{"dependencies", "devDependencies", "optionalDependencies"}

// accept checks what can be said without knowing the new version.
func (u *upgrade) accept() error {
	at, ok := u.graph.at[modules+u.name]
	if !ok {
		return refusal("the lockfile has no copy of %s at its top", u.name)
	}
	u.target = at
	n, e := &u.graph.nodes[at], u.graph.entries[at]
	switch {
	case n.link:
		return refusal("%s is a link to a directory", u.name)
	case n.name != u.name || e.object.get("name") != "":
		return refusal("%s is an alias of another package", u.name)
	case n.version != u.from:
		return refusal("the copy of %s that the project uses has version %s", u.name, n.version)
	case semver.NPM.Compare(u.from, u.to) >= 0:
		return refusal("the lockfile has %s %s already", u.name, u.from)
	case gjson.Parse(e.object.get("inBundle")).Bool():
		return refusal("%s is part of another package's bundle", u.name)
	case e.object.get("integrity") == "":
		return refusal("the lockfile has no checksum of %s: it does not come from a registry", u.name)
	}
	root, ok := u.graph.at[""]
	if !ok {
		return refusal("the lockfile does not describe the project itself: run npm install")
	}
	listed := false
	for _, s := range sections {
		spec := gjson.Parse(u.project.get(s)).Map()[u.name].String()
		if locked := u.graph.entries[root].section(s)[u.name]; locked != spec {
			return refusal("package.json and the lockfile differ on %s: run npm install", u.name)
		}
		listed = listed || spec != ""
	}
	if !listed {
		return refusal("%s is not a dependency of the project itself", u.name)
	}
	return nil
}

// acceptVersion checks what the new version is.
func (u *upgrade) acceptVersion() error {
	m, e := u.manifest, u.graph.entries[u.target]
	switch {
	case !strings.HasPrefix(m.Dist.Integrity, "sha512-"):
		return refusal("the registry has no SHA-512 checksum of %s %s", u.name, u.to)
	case m.HasInstallScript && e.object.get("hasInstallScript") != "true":
		return refusal("%s %s runs a script when it is installed, which %s did not: look at it first", u.name, u.to, u.from)
	case m.HasShrinkwrap:
		return refusal("%s %s brings a lockfile of its own", u.name, u.to)
	case filled(m.BundleDependencies) || filled(m.BundledDependencies):
		return refusal("%s %s bundles other packages", u.name, u.to)
	}
	names, ok := overridden(gjson.Parse(u.project.get("overrides")), 10)
	if !ok {
		return refusal("overrides in package.json are nested too deep")
	}
	for _, name := range names {
		_, dep := m.Dependencies[name]
		_, opt := m.OptionalDependencies[name]
		_, peer := m.PeerDependencies[name]
		if name == u.name || dep || opt || peer {
			return refusal("overrides in package.json decide on the version of %s", name)
		}
	}
	return nil
}

func filled(v any) bool { return v != nil && v != false && string(marshal(v)) != "[]" }

// overridden returns all names that overrides speak of, down to a depth that is enough for people.
func overridden(v gjson.Result, depth int) (names []string, ok bool) {
	if depth == 0 {
		return nil, false
	}
	ok = true
	v.ForEach(func(k, v gjson.Result) bool {
		name := k.Str
		if i := strings.LastIndex(name, "@"); i > 0 {
			name = name[:i]
		}
		names = append(names, name)
		if v.IsObject() {
			var more []string
			more, ok = overridden(v, depth-1)
			names = append(names, more...)
		}
		return ok
	})
	return names, ok
}

// settle checks that the rest of the lockfile suits the new version, and finds what it no longer needs.
func (u *upgrade) settle() error {
	g, m := u.graph, u.manifest
	for i := range g.nodes {
		for _, d := range g.entries[i].needs {
			to, ok := g.find(i, d.name)
			if i == g.at[""] || d.name != u.name || !ok || to != u.target || satisfies(d.spec, u.to) {
				continue
			}
			if d.kind != peer || satisfies(d.spec, u.from) {
				return refusal("%s needs %s %s", g.nodes[i].label(), u.name, d.spec)
			}
		}
	}
	old := map[need]bool{}
	for _, d := range g.entries[u.target].needs {
		old[d] = true
	}
	needs := m.needs()
	for _, d := range needs {
		if old[d] {
			continue
		}
		at, ok := g.find(u.target, d.name)
		switch {
		case !ok && d.kind == peer && d.optional:
		case !ok:
			return refusal("%s %s needs %s %s, which the lockfile does not have", u.name, u.to, d.name, d.spec)
		case g.nodes[at].name != d.name || !satisfies(d.spec, g.nodes[at].version):
			return refusal("%s %s needs %s %s, and the lockfile has %s", u.name, u.to, d.name, d.spec, g.nodes[at].label())
		}
	}
	before := g.reach()
	g.entries[u.target].needs = needs
	after := g.reach()
	for i := range g.nodes {
		switch {
		case before[i] == after[i]:
		case after[i]&present == 0:
			u.gone = append(u.gone, g.nodes[i].path)
		default:
			return refusal("with %s %s, %s would be needed in other ways (for development, optionally) than before", u.name, u.to, g.nodes[i].label())
		}
	}
	return nil
}

// edit writes the new version into all three places.
func (u *upgrade) edit(host string) error {
	resolved, err := u.resolved(host)
	if err != nil {
		return err
	}
	u.graph.entries[u.target].object.set("version", u.to)
	entry := u.graph.entries[u.target].object
	if resolved != "" {
		entry.set("resolved", resolved)
	}
	u.manifest.write(entry, u.name)
	u.packages.put(modules+u.name, entry.text())

	root, err := readObject(u.packages.get(""))
	if err != nil {
		return err
	}
	for _, o := range []*object{root, u.project} {
		if err := u.require(o); err != nil {
			return err
		}
	}
	u.packages.put("", root.text())
	for _, gone := range u.gone {
		u.packages.remove(gone)
	}
	u.lock.put("packages", u.packages.text())
	if u.legacy == nil {
		return nil
	}
	if err := u.editLegacy(resolved); err != nil {
		return err
	}
	u.lock.put("dependencies", u.legacy.text())
	return nil
}

// editLegacy repeats it in what a lockfile of version 2 keeps for npm 6.
func (u *upgrade) editLegacy(resolved string) error {
	o, err := readObject(u.legacy.get(u.name))
	if err != nil {
		return refusal("the two parts of the lockfile differ on %s: run npm install", u.name)
	}
	o.set("version", u.to)
	if resolved != "" {
		o.set("resolved", resolved)
	}
	o.set("integrity", u.manifest.Dist.Integrity)
	requires := map[string]string{}
	maps.Copy(requires, u.manifest.Dependencies)
	maps.Copy(requires, u.manifest.OptionalDependencies)
	o.set("requires", requires)
	u.legacy.put(u.name, o.text())
	for _, gone := range u.gone {
		name := strings.TrimPrefix(gone, modules)
		if strings.Contains(name, modules) {
			return refusal("%s %s no longer needs %s: run npm install", u.name, u.to, gone)
		}
		u.legacy.remove(name)
	}
	return nil
}

func (u *upgrade) bytes() []byte { return []byte(u.lock.text() + u.lockEnd) }

// resolved returns where the new version lies, in the form that the file has for the old one; "" if it has none.
func (u *upgrade) resolved(host string) (string, error) {
	old := gjson.Parse(u.graph.entries[u.target].object.get("resolved")).String()
	if old == "" {
		return "", nil
	}
	at, err := url.Parse(old)
	if err != nil || at.Host != host {
		return "", refusal("the lockfile takes %s from another host than the registry that pullwarden asks", u.name)
	}
	file := "/-/" + path.Base(u.name) + "-"
	prefix, ok := strings.CutSuffix(old, file+u.from+".tgz")
	if !ok {
		return "", refusal("the lockfile takes %s from an address of an unusual form", u.name)
	}
	return prefix + file + u.to + ".tgz", nil
}

// plainRange is a range that names one version, with what stands before it.
var plainRange = regexp.MustCompile(`^(\s*(?:\^|~|>=|=|v)?\s*)\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$`)

// require raises the range of the dependency in package.json or its copy in the lockfile.
func (u *upgrade) require(o *object) error {
	if spec := gjson.Parse(o.get("peerDependencies")).Map()[u.name].String(); spec != "" && !satisfies(spec, u.to) {
		return refusal("the project's own peerDependencies ask for %s %s", u.name, spec)
	}
	for _, name := range sections {
		raw := o.get(name)
		if raw == "" {
			continue
		}
		s, err := readObject(raw)
		if err != nil {
			return refusal("%s in package.json cannot be edited: %v", name, err)
		}
		if s.get(u.name) == "" {
			continue
		}
		spec := gjson.Parse(s.get(u.name)).String()
		if m := plainRange.FindStringSubmatch(spec); m != nil {
			s.set(u.name, m[1]+u.to)
		} else if !satisfies(spec, u.to) {
			return refusal("package.json asks for %s %q, which leaves out %s", u.name, spec, u.to)
		}
		o.put(name, s.text())
	}
	return nil
}

// satisfies reports whether version lies in an npm range. Anything else, such as an address, holds nothing.
func satisfies(spec, version string) bool {
	if strings.TrimSpace(spec) == "" {
		spec = "*"
	}
	c, err := semver.NPM.ParseConstraint(spec)
	return err == nil && c.Match(version)
}

// write brings an entry of the lockfile in line with what the registry says of m.
func (m *manifest) write(o *object, name string) {
	o.set("integrity", m.Dist.Integrity)
	deps := maps.Clone(m.Dependencies)
	maps.DeleteFunc(deps, func(k, _ string) bool { _, opt := m.OptionalDependencies[k]; return opt })
	o.set("dependencies", deps)
	o.set("optionalDependencies", m.OptionalDependencies)
	o.set("peerDependencies", m.PeerDependencies)
	o.set("peerDependenciesMeta", m.PeerDependenciesMeta)
	o.set("cpu", m.CPU)
	o.set("os", m.OS)
	o.set("libc", m.Libc)
	if _, ok := m.Engines.(map[string]any); ok || m.Engines == nil {
		o.set("engines", m.Engines)
	}
	if s, ok := m.Deprecated.(string); ok && s != "" {
		o.set("deprecated", s)
	} else {
		o.remove("deprecated")
	}
	if !m.HasInstallScript {
		o.remove("hasInstallScript")
	}
	if s, ok := m.License.(string); ok {
		o.set("license", s)
	}
	switch f := m.Funding.(type) {
	case string:
		o.set("funding", map[string]string{"url": f})
	case map[string]any:
		o.set("funding", f)
	}
	bin := map[string]string{}
	switch b := m.Bin.(type) {
	case string:
		bin[path.Base(name)] = strings.TrimPrefix(path.Clean("/"+b), "/")
	case map[string]any:
		for k, v := range b {
			if s, ok := v.(string); ok {
				bin[k] = strings.TrimPrefix(path.Clean("/"+s), "/")
			}
		}
	}
	o.set("bin", bin)
}

// needs returns what m asks for, as an entry of a lockfile states it.
func (m *manifest) needs() []need {
	var out []need
	for k, v := range m.Dependencies {
		if _, opt := m.OptionalDependencies[k]; !opt {
			out = append(out, need{name: k, spec: v})
		}
	}
	for k, v := range m.OptionalDependencies {
		out = append(out, need{name: k, spec: v, kind: optional})
	}
	for k, v := range m.PeerDependencies {
		out = append(out, need{name: k, spec: v, kind: peer, optional: m.PeerDependenciesMeta[k].Optional})
	}
	slices.SortFunc(out, func(a, b need) int { return strings.Compare(a.name, b.name) })
	return out
}
