package dependency

import (
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// A builder is an ecosystem whose toolchain other files may pin.
type builder interface {
	// Builder returns the package that the file at path builds with, and its version.
	Builder(path string, text []byte) (name, version string)
}

// builtWith gives packages that state only a minimum the version that touched
// files of the same snapshot build with: that one is in use.
func builtWith(e ecosystem.Ecosystem, packages []ecosystem.Package, snap scan.Snapshot) {
	b, ok := e.(builder)
	if !ok {
		return
	}
	pinned := map[string]string{}
	for _, f := range snap.Files {
		text, err := snap.Read(f)
		if err != nil {
			continue // the run names it
		}
		if name, version := b.Builder(f.Path, text); name != "" && (pinned[name] == "" || e.Compare(version, pinned[name]) < 0) {
			pinned[name] = version
		}
	}
	for i, p := range packages {
		if v := pinned[p.Name]; p.Minimum && v != "" && e.Compare(v, p.Version) >= 0 {
			packages[i].Version, packages[i].Minimum, packages[i].Line = v, false, ""
		}
	}
}
