package dependency

import (
	"fmt"
	"path"

	"github.com/pullwarden/pullwarden/internal/scan"
)

// unread are the names of lockfiles that no ecosystem reads, and of what.
func unread() map[string]string {
	return map[string]string{
		"yarn.lock": "npm", "pnpm-lock.yaml": "npm", "bun.lock": "npm", "bun.lockb": "npm", "deno.lock": "npm",
		"poetry.lock": "PyPI", "uv.lock": "PyPI", "pdm.lock": "PyPI", "Pipfile.lock": "PyPI", "pylock.toml": "PyPI",
		"Cargo.lock": "crates.io", "Gemfile.lock": "RubyGems", "gems.locked": "RubyGems", "composer.lock": "Packagist",
		"gradle.lockfile": "Maven", "buildscript-gradle.lockfile": "Maven", "packages.lock.json": "NuGet",
		"mix.lock": "Hex", "rebar.lock": "Hex", "pubspec.lock": "Pub",
		"Package.resolved": "SwiftURL", "Podfile.lock": "CocoaPods", "conan.lock": "ConanCenter",
	}
}

// passedOver names the lockfiles among the touched files that nobody reads:
// what was not looked at is no pass.
func (s *Scanner) passedOver(snap scan.Snapshot) []error {
	var errs []error
	known := unread()
	for _, f := range snap.Files {
		if known[path.Base(f.Path)] != "" && s.ecosystemOf(f.Path) == nil {
			errs = append(errs, fmt.Errorf("%s: this kind of lockfile is not read yet", f.Path))
		}
	}
	return errs
}
