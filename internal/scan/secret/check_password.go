package secret

import (
	"regexp"
	"strings"
)

// shortestGenerated is the least length of a password that can be told from a
// word, by how it is built.
const shortestGenerated = 12

// wordParts part a phrase, a name or a path; bareWord is what is between them there.
var (
	wordParts = regexp.MustCompile(`[-_./+=~]+`)
	bareWord  = regexp.MustCompile(`^(?:[a-z]{3,}|[A-Z][a-z]{2,}|[A-Z]{3,})$`)
	// noText matches a number, and a name with what it is of.
	noText = regexp.MustCompile(`^[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?$|^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$`)
	// unleet spells what people write with digits for letters.
	unleet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s")
	// digestHex matches what is rather the hash of a password: SHA-1 in hexadecimal.
	digestHex = regexp.MustCompile(`^[0-9a-fA-F]{40}$`)
)

// generatedPassword tells a password that a machine made from what people
// think of, and from names, paths and hashes: nothing but a name such as
// "password" says that it is a secret.
func generatedPassword(c candidate) verdict {
	v := c.value
	if len(v) < shortestGenerated || password(v) == invalid || uuid.MatchString(strings.ToLower(v)) || digestHex.MatchString(v) || noText.MatchString(v) {
		return invalid
	}
	if word := unleet.Replace(strings.ToLower(v)); strings.Contains(word, "password") || strings.Contains(word, "secret") {
		return invalid
	}
	for _, part := range wordParts.Split(v, -1) {
		if bareWord.MatchString(part) {
			return invalid
		}
	}
	var has [4]bool // digits, small letters, capitals, others
	turns, last := 0, -1
	for i := range len(v) {
		k := kindOfByte(v[i])
		has[k] = true
		if last >= 0 && k != last {
			turns++
		}
		last = k
	}
	switch {
	case !has[0], !has[1] && !has[2]:
		return invalid
	case has[1] && has[2]:
		return shape(3*turns >= len(v) && 2*inWords(v) <= len(v))
	}
	return shape(turns >= 3 && 6*turns >= len(v))
}

func kindOfByte(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return 0
	case c >= 'a' && c <= 'z':
		return 1
	case c >= 'A' && c <= 'Z':
		return 2
	}
	return 3
}

// encodedPassword checks a password in base64.
func encodedPassword(c candidate) verdict {
	data, ok := decodeBase64(c.value)
	if !ok || strings.ContainsFunc(string(data), func(r rune) bool { return r < ' ' || r > '~' }) {
		return invalid
	}
	return password(string(data))
}
