package text

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// The facts are those of the Unicode standard: chapters 9, 12 to 14 and 16 (joiners,
// scripts without spaces), 23.2 to 23.4 (layout controls, variation selectors),
// UAX #31 (joiners in identifiers) and UTS #51 (sequences of emoji).

const (
	// maxRun is how many characters without a width may follow each other: a
	// slip of the keyboard makes a few, and more can carry data.
	maxRun = 6
	// nearby is how far a letter may be from a character that belongs to its text.
	nearby = 3
	// maxBack bounds how far it is looked back for how a comment or a pattern begins.
	maxBack = 100
)

// needs reports whether the characters without a width line[start:end], before
// and behind which there is none, belong to a text of their language: they
// stand beside a letter of a script that is written with such, and hide in no
// name that a machine reads.
func (l *reading) needs(start, end int) bool {
	if end-start > maxRun {
		return false
	}
	run, before, after := l.line[start:end], beside(l.line, start-1, -1), beside(l.line, end, 1)
	marks := !slices.ContainsFunc(run, func(r rune) bool { return !isMark(r) })
	around := l.line[max(0, start-nearby):min(len(l.line), end+nearby)]
	switch {
	case len(run) == 1 && run[0] == 0x200d && isEmoji(before) && isEmoji(after):
		return true
	case marks && l.of >= prose && l.rightToLeft():
		return true
	case isSpaced(before) && isSpaced(after):
		return false
	case l.of == code && !l.spoken(start) && !l.wordAt(start).inWords:
		return l.wordAt(start).name && !slices.ContainsFunc(run, func(r rune) bool { return !isJoiner(r) })
	case marks && (l.of >= localized || l.of == data && l.rightToLeft() || slices.ContainsFunc(around, isRightToLeft)):
		return true
	case isOwn(before) || isOwn(after):
		return true
	}
	edge := isSpaced(before) || isSpaced(after) // of a word of another script
	return l.of >= localized && !edge || (l.of >= localized || !edge) && slices.ContainsFunc(around, isOwn)
}

// beside returns the character at line[i], or the one that it is a mark upon; 0 beyond the line.
func beside(line []rune, i, step int) rune {
	for ; i >= 0 && i < len(line); i += step {
		if step > 0 || !unicode.Is(unicode.Mn, line[i]) || isOwn(line[i]) {
			return line[i]
		}
	}
	return 0
}

// isSpaced reports whether r is a digit or a letter of a script that is written
// with spaces between words and one shape for a letter wherever it stands:
// nothing without a width belongs into its words.
func isSpaced(r rune) bool {
	return r == '_' || unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian, unicode.Georgian, unicode.Hangul,
		unicode.Glagolitic, unicode.Coptic, unicode.Cherokee, unicode.Ethiopic) || unicode.IsDigit(r) && unicode.Is(unicode.Common, r)
}

// isOwn reports whether r is of any other script, or a sign that only such have.
func isOwn(r rune) bool {
	return r > unicode.MaxASCII && unicode.IsGraphic(r) && !isSpaced(r) &&
		(!unicode.In(r, unicode.Common, unicode.Inherited) || unicode.Is(shared, r))
}

// shared are signs that several of these scripts share, by ScriptExtensions.txt.
var shared = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x060c, Hi: 0x060c, Stride: 1}, {Lo: 0x061b, Hi: 0x061f, Stride: 4}, {Lo: 0x0640, Hi: 0x0640, Stride: 1}, // Arabic
	{Lo: 0x0964, Hi: 0x0965, Stride: 1},                                      // dandas
	{Lo: 0x3001, Hi: 0x3002, Stride: 1}, {Lo: 0x30fc, Hi: 0x30fc, Stride: 1}, // East Asian
}}

func isRightToLeft(r rune) bool {
	return !isMark(r) && unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Samaritan, unicode.Mandaic, unicode.Adlam,
		unicode.Hanifi_Rohingya)
}

// A words says where in a program there are words for people: how far the
// line was read, and what it is in there.
type words struct {
	to      int
	quote   rune // that is open; 0 if none is
	comment bool
}

// spoken reports whether line[start] of a program is in a string, or behind the
// sign of a comment.
func (l *reading) spoken(start int) bool {
	w := &l.words
	if w.to == 0 {
		w.comment = isComment.MatchString(string(l.line[:min(start, maxBack)]))
	}
	for ; w.to < start && !w.comment; w.to++ {
		r, next := l.line[w.to], l.line[w.to+1]
		switch {
		case w.quote != 0 && r == '\\':
			w.to++
		case r == w.quote:
			w.quote = 0
		case w.quote != 0:
		case r == '#', r == '/' && (next == '/' || next == '*'), r == '<' && next == '!':
			w.comment = true
		case r == '"', r == '\'', r == '`', r == '/' && beginsPattern(l.line[max(0, w.to-maxBack):w.to]):
			w.quote = r
		}
	}
	return w.comment || w.quote != 0
}

// isComment is how a line begins that is a comment of one language or another.
var isComment = regexp.MustCompile(`^\s*(\*|--|;|%)`)

// beginsPattern reports whether a slash behind these characters begins a regular expression.
func beginsPattern(before []rune) bool {
	n := len(before)
	for n > 0 && before[n-1] == ' ' {
		n--
	}
	return n == 0 || strings.ContainsRune("(=:,[!&|?{};", before[n-1]) || strings.HasSuffix(string(before[max(0, n-6):n]), "return")
}

// A word is a run of letters, digits and what has no width.
type word struct {
	to      int
	name    bool // its joiners are where UAX #31 allows them in a name: where they change how it looks
	inWords bool // a space and another word in a script that is written with them are beside it
}

// wordAt returns the word of the character without a width line[i]. They are
// asked for one after the other.
func (l *reading) wordAt(i int) word {
	if i < l.word.to {
		return l.word
	}
	from, to := i, i
	for from > 0 && inWord(l.line[from-1]) {
		from--
	}
	for to < len(l.line) && inWord(l.line[to]) {
		to++
	}
	_, err := joiners.ToUnicode(string(l.line[from:to]))
	l.word = word{to: to, name: err == nil,
		inWords: from > 1 && l.line[from-1] == ' ' && isOwn(l.line[from-2]) || to+1 < len(l.line) && l.line[to] == ' ' && isOwn(l.line[to+1])}
	return l.word
}

func inWord(r rune) bool {
	return r == '_' || unicode.In(r, unicode.L, unicode.M, unicode.Nd) || hasNoWidth(r)
}

// joiners checks nothing but them, by the rules of RFC 5892.
var joiners = idna.New(idna.CheckJoiners(true))

// isEmoji reports whether r is part of a picture: a symbol, a tone of skin, or
// a selector that makes one of a symbol.
func isEmoji(r rune) bool {
	return r == 0xfe0f || r == 0x2139 || r >= 0x2190 && r <= 0x2bff && unicode.IsSymbol(r) || r >= 0x1f000 && r <= 0x1faff
}

// selects reports whether the variation selector line[i] has a character
// before it that has variants. The same one may follow itself: it is often typed again.
func selects(line []rune, i int) bool {
	r, from := line[i], i
	for from > 0 && line[from-1] == r && i-from < maxRun {
		from--
	}
	if from == 0 {
		return false
	}
	base := line[from-1]
	symbol := base > unicode.MaxASCII && (unicode.IsSymbol(base) || unicode.IsPunct(base))
	switch {
	case r >= 0xe0100:
		return unicode.Is(unicode.Han, base)
	case r < 0xfe00:
		return unicode.In(base, unicode.Mongolian, unicode.Phags_Pa)
	case r >= 0xfe0e:
		return symbol || isEmoji(base) && !isSelector(base) || isOwn(base) || base >= '0' && base <= '9' || base == '#' || base == '*'
	}
	return symbol || base == '0' || unicode.In(base, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Myanmar, unicode.Phags_Pa,
		unicode.Manichaean, unicode.Egyptian_Hieroglyphs)
}

const blackFlag = 0x1f3f4

// isRegion reports whether tags behind a black flag make it the flag of a
// region: two letters, up to three letters or digits, and the end.
func isRegion(tags []rune) bool {
	last := len(tags) - 1
	if last < 3 || last > 5 || tags[last] != 0xe007f {
		return false
	}
	for n, r := range tags[:last] {
		if letter := r >= 0xe0061 && r <= 0xe007a; !letter && (n < 2 || r < 0xe0030 || r > 0xe0039) {
			return false
		}
	}
	return true
}

// hasItsPlace reports whether the hidden character line[i] stands where it is
// spelling, or a format asks for it.
func hasItsPlace(line []rune, i int) bool {
	if i == 0 {
		return false
	}
	before := line[i-1]
	switch line[i] {
	case 0x34f: // keeps marks apart
		return isOwn(before) || unicode.Is(unicode.Mn, before) && i+1 < len(line) && unicode.Is(unicode.Mn, line[i+1])
	case 0x17b4, 0x17b5:
		return unicode.Is(unicode.Khmer, before)
	case 0x180e:
		return unicode.In(before, unicode.Mongolian) || isSelector(before) && i > 1 && unicode.Is(unicode.Mongolian, line[i-2])
	case 0xfeff: // the beginning of metadata in XMP
		return (before == '"' || before == '\'') && strings.HasSuffix(string(line[max(0, i-20):i-1]), "<?xpacket begin=")
	}
	return false
}
