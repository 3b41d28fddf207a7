package npm

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// npm installs what an entry's "resolved" leads to, whatever its "version" and
// "name" say. Registries have tarballs of a package under its name and
// version; only from such an address can it be told what will be installed.
//
//	https://registry.example/NAME/-/BASENAME-VERSION.tgz
//	https://registry.example/any/path/@SCOPE/NAME/-/@SCOPE/NAME-VERSION.tgz
//	https://registry.example/NAME/download/BASENAME-VERSION.tgz
//	https://registry.example/download/NAME/VERSION/HASH

// An origin is where npm takes a package from.
type origin struct {
	name, version string // as its address has them; "" if it does not say
	source        string // as of a Package
	wrong         string // what is wrong with it: nobody can tell what it installs, or it is not what the entry says
}

// comesFrom tells where n comes from. Hosts are not compared.
func (n *node) comesFrom() origin {
	wrong := func(format string, args ...any) origin {
		return origin{wrong: fmt.Sprintf("%.1000q ", n.path) + fmt.Sprintf(format, args...)}
	}
	switch {
	case n.own() && n.resolved != "":
		return wrong("is no package of node_modules, but has an address")
	case n.own(), n.link: // the repository's own code: nothing is fetched
		return origin{}
	case n.name == "":
		return wrong("has no name")
	}
	u, err := url.Parse(n.resolved)
	if err != nil {
		return wrong("is resolved to what is no address")
	}
	switch scheme := strings.ToLower(u.Scheme); {
	case strings.HasPrefix(scheme, "git") || scheme == "ssh":
		return origin{source: "git"}
	case scheme == "file":
		return origin{source: "a file"}
	case n.resolved == "" && n.version == "":
		return wrong("has no version")
	case n.resolved == "": // npm asks the registry for exactly this
		return origin{}
	case scheme != "http" && scheme != "https":
		return wrong("is resolved to what is no address of a package")
	}
	name, version, ok := released(u.Path)
	if !ok {
		o := wrong("is resolved to an address that does not tell which package and version it has")
		o.source = "an address"
		return o
	}
	o := origin{}
	switch {
	case n.version == "":
		o = wrong("has no version")
	case name != n.name:
		o = wrong("says that it is %.1000q, but is resolved to %.1000q", n.name, name)
	case version != n.version:
		o = wrong("says that it is version %.1000q, but is resolved to %.1000q", n.version, version)
	}
	o.name, o.version = name, version
	return o
}

// inRegistry matches the end of a tarball's path; the groups are scope, name,
// and the file's own name.
var inRegistry = regexp.MustCompile(`(?:^|/)(?:(@[^/]+)/)?([^/@][^/]*)/(?:-|download)/((?:@[^/]+/)?[^/]+)\.tgz$`)

// byHash matches the end of a path that has name and version as directories.
var byHash = regexp.MustCompile(`(?:^|/)download/((?:@[^/]+/)?[^/@][^/]*)/([^/]+)/[0-9a-f]{16,}$`)

// released returns the name and version of the package that a registry has
// under path.
func released(path string) (string, string, bool) {
	// Such paths mean another one than they read.
	if strings.Contains(path, `\`) || slices.ContainsFunc(strings.Split(path, "/"), func(s string) bool { return s == "." || s == ".." }) {
		return "", "", false
	}
	if m := inRegistry.FindStringSubmatch(path); m != nil {
		full := m[2]
		if m[1] != "" {
			full = m[1] + "/" + m[2]
		}
		for _, base := range []string{full, m[2]} {
			if version, ok := strings.CutPrefix(m[3], base+"-"); ok {
				return full, version, true
			}
		}
		return "", "", false
	}
	if m := byHash.FindStringSubmatch(path); m != nil {
		return m[1], m[2], true
	}
	return "", "", false
}
