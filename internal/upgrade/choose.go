package upgrade

import (
	"context"
	"regexp"
	"slices"

	"deps.dev/util/semver"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

// A chooser picks the version to upgrade one package to.
type chooser struct {
	db    advisory.DB
	of    ecosystem.Ecosystem
	pkg   ecosystem.Package
	known []advisory.Advisory // of pkg, worst first
	major bool                // crossing a major version is allowed
}

// A choice is a version with what it settles and what it does not.
type choice struct {
	version          string
	settles, remains []advisory.Advisory
}

// choose takes the lowest version above the present one that nothing is known
// of; if there is none, the lowest that settles the worst that can be settled
// and brings nothing new. versions are in ascending order.
func (c *chooser) choose(ctx context.Context, versions []string) (choice, error) {
	var partial *choice
	rank := len(c.known) // of the worst advisory that partial settles
	across := ""         // lowest version that would do, but for the major version
	for _, v := range versions {
		if c.of.Compare(v, c.pkg.Version) <= 0 || prerelease(c.of.Name(), v) && !follows(c.of.Name(), c.pkg.Version) {
			continue
		}
		if across != "" && !c.major && breaking(c.of.Name(), c.pkg.Version, v) {
			continue
		}
		after, err := c.db.Affecting(ctx, c.of.Name(), c.pkg.Name, v, c.of.Compare)
		if err != nil {
			return choice{}, err
		}
		settles := without(c.known, after)
		if len(settles) == 0 || len(without(after, c.known)) > 0 {
			continue
		}
		if !c.major && breaking(c.of.Name(), c.pkg.Version, v) {
			across = v
			continue
		}
		if len(after) == 0 {
			return choice{version: v, settles: settles}, nil
		}
		first := slices.IndexFunc(c.known, func(a advisory.Advisory) bool { return same(a, settles[0]) })
		if first < rank {
			rank, partial = first, &choice{version: v, settles: settles, remains: after}
		}
	}
	switch {
	case partial != nil:
		return *partial, nil
	case across != "":
		return choice{}, &ecosystem.RefusalError{Why: "the lowest version with a fix is " + across + ", which crosses a major version"}
	}
	return choice{}, &ecosystem.RefusalError{Why: "no published version is without " + c.known[0].ID}
}

// without returns those of a that b does not have.
func without(a, b []advisory.Advisory) []advisory.Advisory {
	return slices.DeleteFunc(slices.Clone(a), func(x advisory.Advisory) bool {
		return slices.ContainsFunc(b, func(y advisory.Advisory) bool { return same(x, y) })
	})
}

// same reports whether two advisories are about one vulnerability: which of
// several records speaks for it can depend on the version.
func same(a, b advisory.Advisory) bool {
	return a.ID == b.ID || slices.Contains(a.Aliases, b.ID) || slices.Contains(b.Aliases, a.ID)
}

var systems = map[string]semver.System{
	"Go": semver.Go, "npm": semver.NPM, "PyPI": semver.PyPI, "crates.io": semver.Cargo,
	"Maven": semver.Maven, "RubyGems": semver.RubyGems, "NuGet": semver.NuGet,
}

func parse(ecosystem, version string) (*semver.Version, bool) {
	system, ok := systems[ecosystem]
	if !ok {
		return nil, false
	}
	v, err := system.Parse(version)
	return v, err == nil
}

// prerelease reports whether a version is not meant for everybody yet. What cannot be read is not.
func prerelease(ecosystem, version string) bool {
	v, ok := parse(ecosystem, version)
	return ok && v.IsPrerelease()
}

// pseudo is a Go version made from a commit: it has a hyphen, but is no pre-release of anything.
var pseudo = regexp.MustCompile(`[-.]\d{14}-[0-9a-f]{12}(\+incompatible)?$`)

// follows reports whether who is on version follows pre-releases.
func follows(ecosystem, version string) bool {
	return prerelease(ecosystem, version) && !pseudo.MatchString(version)
}

// breaking reports whether the step from one version to another crosses a
// major version. Where ranges treat the minor version of 0.x as one (npm,
// Cargo), so does this.
func breaking(ecosystem, from, to string) bool {
	a, ok1 := parse(ecosystem, from)
	b, ok2 := parse(ecosystem, to)
	if !ok1 || !ok2 {
		return true
	}
	x, _ := a.Major()
	y, _ := b.Major()
	if x != y {
		return true
	}
	_, diff := a.Difference(b)
	return x == 0 && diff == semver.DiffMinor && (ecosystem == "npm" || ecosystem == "crates.io")
}
