package dependency

import (
	"path"
	"regexp"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// A builder is an ecosystem of which a build in a container image takes a
// package from the image.
type builder interface {
	Builds(image string) (name, version string, ok bool)
}

// A base is an image that a container file of the change builds on.
type base struct {
	image string
	at    change.Span
}

var (
	containerfile = regexp.MustCompile(`(?i)^(?:(?:dockerfile|containerfile)(?:\..+)?|.+\.(?:dockerfile|containerfile))$`)
	instruction   = regexp.MustCompile(`(?i)^\s*(from|arg)\s+(.*?)\s*$`)
	variable      = regexp.MustCompile(`\$(?:\{([A-Za-z_]\w*)(?::?-([^}]*))?\}|([A-Za-z_]\w*))`)
)

// bases returns the images that touched container files build on, with the
// defaults of build arguments put in.
func bases(snap scan.Snapshot) []base {
	var out []base
	for _, f := range snap.Files {
		if !containerfile.MatchString(path.Base(f.Path)) {
			continue
		}
		text, err := snap.Read(f)
		if err != nil {
			continue // it pins nothing that is known
		}
		args := map[string]string{}
		n := 0
		for l := range strings.Lines(string(text)) {
			n++
			m := instruction.FindStringSubmatch(strings.TrimRight(l, "\r\n"))
			if m == nil {
				continue
			}
			if strings.EqualFold(m[1], "arg") {
				name, value, _ := strings.Cut(m[2], "=")
				args[name] = strings.Trim(value, `"'`)
				continue
			}
			for word := range strings.FieldsSeq(m[2]) {
				if strings.HasPrefix(word, "--") {
					continue
				}
				image := variable.ReplaceAllStringFunc(word, func(v string) string {
					m := variable.FindStringSubmatch(v)
					if value := args[m[1]+m[3]]; value != "" {
						return value
					}
					return m[2]
				})
				out = append(out, base{image, change.Span{Path: f.Path, Start: n, End: n}})
				break
			}
		}
	}
	return out
}

// pin sets the versions of packages of the manifest at m that a builder image
// of the same change pins: the lowest of those that the manifest admits.
func pin(e ecosystem.Ecosystem, packages []ecosystem.Package, m string, images []base) {
	b, ok := e.(builder)
	if !ok {
		return
	}
	for i := range packages {
		p := &packages[i]
		if !p.Minimum {
			continue
		}
		least := p.Version
		for _, image := range images {
			name, version, ok := b.Builds(image.image)
			if !ok || name != p.Name || e.Compare(version, least) < 0 || !together(m, image.at.Path) {
				continue
			}
			if p.Minimum || e.Compare(version, p.Version) < 0 {
				p.Version, p.Minimum, p.Pinned, p.Line = version, false, image.at, ""
			}
		}
	}
}

// together reports whether one of two files lies in the directory of the other
// or below it, so that a build of the one can be of the other.
func together(a, b string) bool {
	a, b = path.Dir(a), path.Dir(b)
	return a == b || a == "." || b == "." || strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/")
}
