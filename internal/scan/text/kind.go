package text

import (
	"path"
	"regexp"
	"strings"
)

// A kind says who reads a file, in the order of how much its language may need.
type kind uint8

const (
	code       kind = iota
	data            // no identifiers of its own: JSON, YAML, XML
	prose           // documentation
	localized       // texts of a program in one language, as a program
	translated      // the same as data
)

// kindOf tells the kind of a file from its path.
func kindOf(p string) kind {
	ext := path.Ext(p)
	of := code
	switch strings.ToLower(strings.TrimPrefix(ext, ".")) {
	case "po", "pot", "arb", "xliff", "xlf", "strings", "stringsdict", "xcstrings", "ftl", "resx":
		return translated
	case "md", "markdown", "mdx", "rst", "adoc", "txt", "html", "htm", "srt", "vtt", "tex":
		of = prose
	case "json", "json5", "yml", "yaml", "xml", "csv", "tsv", "toml", "ini", "plist", "properties", "svg":
		of = data
		if m := language.FindStringSubmatch(strings.TrimSuffix(path.Base(p), ext)); m != nil && strings.Contains(languages, " "+m[1]+" ") {
			return translated
		}
	}
	for dir := range strings.SplitSeq(path.Dir(p), "/") {
		if translations.MatchString(dir) {
			if of == code {
				return localized
			}
			return translated
		}
	}
	return of
}

var (
	// translations are the directories that hold them: by custom, and those of Android and Apple.
	translations = regexp.MustCompile(`(?i)^_?(locales?|i18n|l10n|langs?|languages?|translations?|lc_messages)$|^values-(b\+)?[a-z]{2,3}([-+]r?[A-Za-z0-9]+)*$|\.lproj$`)
	// language is the tag of one at the end of a file's name: fa, fa_IR, zh-Hant-TW, messages_fa.
	language = regexp.MustCompile(`(?:^|[._-])([a-z]{2})(?:[-_][A-Z][a-z]{3})?(?:[-_](?:[A-Za-z]{2}|[0-9]{3}))?$`)
)

// languages are the codes of two letters of ISO 639-1.
const languages = " aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et eu fa ff fi fj " +
	"fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu iw ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li " +
	"ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl " +
	"sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu "
