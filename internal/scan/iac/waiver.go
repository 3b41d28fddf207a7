package iac

import (
	"bytes"
	"regexp"
)

// waiver matches what tells an engine to look away, wherever in a file it
// stands. The groups are what is defaced: for trivy and tfsec the colon that
// makes a word theirs, for it may be followed by more than one section.
var waiver = regexp.MustCompile(`(?i)\b(?:trivy|tfsec)(:)[^ \n]*ignore|` +
	`\b(?:checkov|terrascan)[ \t]*([:#])[ \t]*skip|` +
	`\b(?:kics-scan|hadolint)[ \t]+(ignore|disable)|` +
	`[#/][ \t]*(nosec|nocheck)\b`)

// mayWaive is a quick look before the thorough one.
func mayWaive(text []byte) bool {
	lower := bytes.ToLower(text)
	for _, word := range []string{"trivy", "tfsec", "checkov", "terrascan", "kics-scan", "hadolint", "nosec", "nocheck"} {
		if bytes.Contains(lower, []byte(word)) {
			return true
		}
	}
	return false
}

// withoutWaivers returns text, which is not changed, with every waiver made
// void. Lengths and lines stay as they are.
func withoutWaivers(text []byte) []byte {
	if !mayWaive(text) {
		return text
	}
	found := waiver.FindAllSubmatchIndex(text, -1)
	out := append([]byte(nil), text...)
	for _, m := range found {
		for g := 2; g < len(m); g += 2 {
			for i := max(m[g], 0); i < m[g+1]; i++ {
				out[i] = '_'
			}
		}
	}
	return out
}
