package ecosystem

import (
	"slices"
	"strings"
)

// copies are directories that tools fill with the files of packages.
var copies = []string{"node_modules", "vendor"}

// CopiedIn returns the outermost directory of path that holds copies of
// packages; "" if there is none. A manifest in there is that of a package, not of the
// project: what is installed is what the project's own manifest states, so it
// is neither scanned as one nor upgraded.
func CopiedIn(path string) string { return within(path, copies) }

// Foreign reports whether path lies in a directory that is not the project's
// own to upgrade: copies of packages and test data. Test data is scanned all
// the same, and policy (paths.tests) makes its findings notes.
func Foreign(path string) bool { return within(path, append([]string{"testdata"}, copies...)) != "" }

func within(path string, names []string) string {
	dirs := strings.Split(path, "/")
	for i, dir := range dirs[:len(dirs)-1] {
		if slices.Contains(names, dir) {
			return strings.Join(dirs[:i+1], "/")
		}
	}
	return ""
}
