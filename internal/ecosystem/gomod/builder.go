package gomod

import (
	"path"
	"regexp"
	"strings"
)

// image is a line that takes the Go toolchain at one exact version from its
// official image. A tag of two numbers moves with each patch release.
var image = regexp.MustCompile(`(?im)^[ \t]*FROM[ \t]+(?:--platform=\S+[ \t]+)?(?:docker\.io/)?(?:library/)?golang:([0-9]+\.[0-9]+\.[0-9]+)(?:[-@\s]|$)`)

// Builder returns the version of the standard library that the Dockerfile at p
// builds with, "" if p is none or pins none. Of several images the oldest counts.
func (e Ecosystem) Builder(p string, text []byte) (name, version string) {
	base := strings.ToLower(path.Base(p))
	if !strings.Contains(base, "dockerfile") && !strings.Contains(base, "containerfile") {
		return "", ""
	}
	for _, m := range image.FindAllSubmatch(text, -1) {
		if v := string(m[1]); version == "" || e.Compare(v, version) < 0 {
			version = v
		}
	}
	if version == "" {
		return "", ""
	}
	return Stdlib, version
}
