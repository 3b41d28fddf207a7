package text

import (
	"path"
	"slices"
	"strings"
	"unicode"
)

// isPlain is a quick look before the thorough one: a line of ASCII hides nothing.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// look returns the characters of a line that turn its direction, and those
// that cannot be seen, without the ones that its language needs.
func look(runes []rune, prose bool) (turns, hidden []int) {
	rightToLeft := prose && slices.ContainsFunc(runes, isRightToLeft)
	for i, r := range runes {
		switch {
		case isTurn(r):
			if !rightToLeft || !balanced(runes) {
				turns = append(turns, i)
			}
		case isMark(r):
			if !rightToLeft && !besideRightToLeft(runes, i) {
				hidden = append(hidden, i)
			}
		case isJoiner(r):
			if !joins(runes, i) {
				hidden = append(hidden, i)
			}
		case r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0100 && r <= 0xe01ef: // selectors of a variant
			if i == 0 || !shaped(runes[i-1]) {
				hidden = append(hidden, i)
			}
		case isTag(r):
			if !inFlag(runes, i) {
				hidden = append(hidden, i)
			}
		case r == 0xad:
			if !prose {
				hidden = append(hidden, i)
			}
		case isHidden(r):
			hidden = append(hidden, i)
		}
	}
	return turns, hidden
}

// isTurn reports whether r begins or ends a run in a direction of its own.
func isTurn(r rune) bool { return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 }

// isMark reports whether r is a mark of direction, which turns nothing but its neighbours.
func isMark(r rune) bool { return r == 0x200e || r == 0x200f || r == 0x61c }

// balanced reports whether all runs in a direction of their own, none of which
// overrides, are closed within the line: such a line is read as it is shown.
func balanced(line []rune) bool {
	var open []rune
	for _, r := range line {
		switch r {
		case 0x202d, 0x202e:
			return false
		case 0x202a, 0x202b:
			open = append(open, 0x202c)
		case 0x2066, 0x2067, 0x2068:
			open = append(open, 0x2069)
		case 0x202c, 0x2069:
			if len(open) == 0 || open[len(open)-1] != r {
				return false
			}
			open = open[:len(open)-1]
		}
	}
	return len(open) == 0
}

func isRightToLeft(r rune) bool {
	return unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Samaritan, unicode.Mandaic, unicode.Adlam)
}

// besideRightToLeft reports whether a letter of such a script stands within
// three characters of line[i].
func besideRightToLeft(line []rune, i int) bool {
	return slices.ContainsFunc(line[max(0, i-3):min(len(line), i+4)], isRightToLeft)
}

// isJoiner reports whether r ties its neighbours together or keeps them apart.
func isJoiner(r rune) bool { return r == 0x200c || r == 0x200d }

// joins reports whether the joiner line[i] stands where one is written:
// between emoji, or in a script whose letters change their shape.
func joins(line []rune, i int) bool {
	if i == 0 || i+1 == len(line) {
		return false
	}
	before, after := line[i-1], line[i+1]
	if line[i] == 0x200d && isEmoji(before) && isEmoji(after) {
		return true
	}
	return isCursive(before) && (isCursive(after) || unicode.IsSpace(after) || unicode.IsPunct(after))
}

// isEmoji reports whether r is part of a picture: a symbol, a tone of skin, or
// a selector that makes one of a symbol.
func isEmoji(r rune) bool {
	return r == 0xfe0f || r >= 0x2190 && r <= 0x2bff && unicode.IsSymbol(r) || r >= 0x1f000 && r <= 0x1faff
}

// isCursive reports whether r is of a script in which joiners are spelling.
func isCursive(r rune) bool {
	return isRightToLeft(r) || unicode.In(r, unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil,
		unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Khmer, unicode.Myanmar, unicode.Mongolian, unicode.Tibetan)
}

// shaped reports whether a variant of r can be selected.
func shaped(r rune) bool {
	return isEmoji(r) || unicode.Is(unicode.Han, r) || isCursive(r) || unicode.IsSymbol(r) || unicode.IsPunct(r) || r >= '0' && r <= '9' ||
		unicode.In(r, unicode.Hiragana, unicode.Katakana)
}

// isTag reports whether r is one of the letters without a shape that spell the
// region of a flag, and can spell anything.
func isTag(r rune) bool { return r >= 0xe0000 && r <= 0xe007f }

// inFlag reports whether line[i] belongs to the tags after a black flag: six
// at the most.
func inFlag(line []rune, i int) bool {
	for n := 0; n < 7 && i >= 0; n++ {
		if line[i] == 0x1f3f4 {
			return true
		}
		if !isTag(line[i]) {
			return false
		}
		i--
	}
	return false
}

// isHidden reports whether r has no shape and no use in any language's text.
func isHidden(r rune) bool {
	switch r {
	case 0x34f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180e, 0x200b, 0x3164, 0xfeff, 0xffa0, 0x1d159:
		return true
	}
	return r >= 0x2060 && r <= 0x2064 || r >= 0x206a && r <= 0x206f || r >= 0xfff0 && r <= 0xfffb ||
		r >= 0x1bca0 && r <= 0x1bca3 || r >= 0x1d173 && r <= 0x1d17a || r >= 0x80 && r <= 0x9f && r != 0x85
}

// isProse reports whether a file holds words for people: documentation and translations.
func isProse(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".md", ".markdown", ".mdx", ".rst", ".adoc", ".txt", ".html", ".htm", ".po", ".pot", ".arb", ".xliff", ".xlf", ".srt", ".vtt", ".strings", ".ftl", ".tex":
		return true
	}
	for dir := range strings.SplitSeq(strings.ToLower(path.Dir(p)), "/") {
		switch dir {
		case "locale", "locales", "i18n", "l10n", "lang", "langs", "translations", "lc_messages":
			return true
		}
		if dir == "values-ar" || dir == "values-iw" || dir == "values-he" || dir == "values-fa" || dir == "values-ur" {
			return true
		}
	}
	return false
}

func called(r rune) string {
	switch r {
	case 0x202a:
		return "left-to-right embedding"
	case 0x202b:
		return "right-to-left embedding"
	case 0x202c:
		return "end of an embedding"
	case 0x202d:
		return "left-to-right override"
	case 0x202e:
		return "right-to-left override"
	case 0x2066:
		return "left-to-right isolate"
	case 0x2067:
		return "right-to-left isolate"
	case 0x2068:
		return "first strong isolate"
	case 0x2069:
		return "end of an isolate"
	case 0x200b:
		return "zero width space"
	case 0x200c:
		return "zero width non-joiner"
	case 0x200d:
		return "zero width joiner"
	case 0x200e:
		return "left-to-right mark"
	case 0x200f:
		return "right-to-left mark"
	case 0x61c:
		return "Arabic letter mark"
	case 0x2060:
		return "word joiner"
	case 0xad:
		return "soft hyphen"
	case 0xfeff:
		return "byte order mark"
	case 0x3164, 0x115f, 0x1160, 0xffa0:
		return "Hangul filler"
	}
	if isTag(r) {
		return "tag"
	}
	return ""
}
