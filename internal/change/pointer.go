package change

import (
	"bytes"
	"regexp"
)

// maxPointer is how long Git LFS lets a pointer be.
const maxPointer = 1024

var (
	pointerVersion = regexp.MustCompile(`\Aversion https?://(?:git-lfs\.github\.com/spec|hawser\.github\.com/spec|git-media\.io)/v`)
	pointerOID     = regexp.MustCompile(`(?m)^oid (sha256:[0-9a-f]{64})\s*$`)
)

// Pointer returns the id of the content that b stands for, "sha256:…", if b is
// a pointer of Git LFS, else "". That content is not in the repository.
func Pointer(b []byte) string {
	if len(b) > maxPointer || !bytes.HasPrefix(b, []byte("version ")) || !pointerVersion.Match(b) {
		return ""
	}
	if m := pointerOID.FindSubmatch(b); m != nil {
		return string(m[1])
	}
	return ""
}

// WhyPointer is the Why of a Skip for the content that a pointer stands for.
const WhyPointer = "Git LFS: the content is elsewhere"

// WhySubmodule is the Why of a Skip in Elsewhere.
const WhySubmodule = "submodule: the content is in another repository"
