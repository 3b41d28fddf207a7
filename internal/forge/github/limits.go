package github

import (
	"crypto/subtle"
	"strings"
	"unicode/utf8"
)

const (
	maxText  = 65_535 // summary and text of a check run; GitHub's refusal counts bytes
	maxTitle = 255    // of a check run or an annotation, in characters

	maxActions     = 3  // of a check run
	maxButton      = 20 // of an action, in characters
	maxDescription = 40 // of an action, in characters

	cutNote = "\n\n*Cut here: GitHub takes no more.*"
)

// clean returns s as GitHub can store it.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// cut returns s in at most n bytes, whole characters, and says so if it is less.
func cut(s string, n int) string {
	s = clean(s)
	if len(s) <= n {
		return s
	}
	end := n - len(cutNote)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + cutNote
}

// cutLine returns s as one line of at most n characters.
func cutLine(s string, n int) string {
	s = strings.Join(strings.Fields(clean(s)), " ")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// takesPath reports whether GitHub takes path in an annotation or a comment.
func takesPath(path string) bool {
	if path == "" || !utf8.ValidString(path) || strings.HasPrefix(path, "/") || strings.Contains(path, `\`) {
		return false
	}
	for _, r := range path {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
