package app

import (
	"crypto/sha256"
	"encoding/hex"
	"runtime/debug"
)

// libraries whose rules decide what is found; their versions belong to a verdict.
var libraries = map[string]bool{
	"github.com/zricethezav/gitleaks/v8":   true,
	"github.com/aquasecurity/trivy":        true,
	"github.com/aquasecurity/trivy-checks": true,
	"github.com/pullwarden/pullwarden":     true,
}

// Version is the program's own: a release's, or the revision it was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel " + s.Value[:min(len(s.Value), 12)]
		}
	}
	return "devel"
}

// RulesDigest identifies the rules in use: the program's version and those of
// the libraries that bring rules.
func RulesDigest() string {
	h := sha256.New()
	h.Write([]byte(Version()))
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if libraries[d.Path] {
				h.Write([]byte("\n" + d.Path + " " + d.Version))
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
