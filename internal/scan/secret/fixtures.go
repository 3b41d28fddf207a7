package secret

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"regexp"
	"strings"
	"sync"
)

// fixtureList has the keys that well-known libraries publish for their own
// tests, as hashes, each with who publishes it.
//
//go:embed fixtures.txt
var fixtureList string

// fixtures are the hashes of fixtureList.
var fixtures = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(fixtureList) {
		if hash, _, ok := strings.Cut(line, " "); ok && !strings.HasPrefix(line, "#") {
			all[hash] = true
		}
	}
	return all
})

// isFixture tells whether a key is one that a well-known library publishes.
func isFixture(value string) bool {
	// Only keys are listed, and all of them are at least so long.
	return len(value) >= shortestKey && fixtures()[fixtureHash(value)]
}

// shortestKey is the length of the shortest key that may be listed: of 32 bytes in base64.
const shortestKey = 43

// armorLine matches the lines around a key.
var armorLine = regexp.MustCompile(`-----[^\n-]{1,80}-----`)

// fixtureHash is the hash of a key however it is written: in lines, with the
// ends of lines spelled out, or as strings of some language.
func fixtureHash(value string) string {
	value = armorLine.ReplaceAllString(strings.NewReplacer(`\r`, "", `\n`, "").Replace(value), "")
	value = pemJoint.ReplaceAllString(value, "")
	body := strings.Map(func(r rune) rune {
		if r < 0x80 && isBase64(byte(r)) {
			return r
		}
		return -1
	}, value)
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:8])
}
