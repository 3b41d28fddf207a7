package upgrade

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"
)

// Prefix is what the names of all our branches start with.
const Prefix = "pullwarden/"

// Branch is the name of the branch that carries p: the same for every version
// of one package in one manifest, so that a newer plan updates the pull request
// of an older one. It is a valid ref name of letters, digits, ".", "_", "-" and "/".
func (p Plan) Branch() string {
	dir := path.Dir(p.Manifest)
	name := p.Package
	if dir != "." {
		name = dir + "-" + name
	}
	// Two names can look alike once they are made plain.
	sum := sha256.Sum256([]byte(p.Manifest + "\x00" + p.Package))
	return Prefix + plain(strings.ToLower(p.Ecosystem)) + "/" + plain(name) + "-" + hex.EncodeToString(sum[:3])
}

// plain makes s fit for a part of a ref: at most 80 bytes, its end being what tells most.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.':
			return r
		}
		return '-'
	}, s)
	for strings.Contains(s, "..") {
		s = strings.ReplaceAll(s, "..", ".")
	}
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "-")
	}
	s = s[max(0, len(s)-80):]
	if s = strings.Trim(s, "-."); s == "" {
		return "x"
	}
	return s
}
