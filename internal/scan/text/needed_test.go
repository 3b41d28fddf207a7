package text

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Characters that a reader of this file could not tell apart, or see.
const (
	zwsp, zwnj, zwj    = "\u200b", "\u200c", "\u200d"
	lrm, rlm, alm      = "\u200e", "\u200f", "\u061c"
	lre, rle, pdf      = "\u202a", "\u202b", "\u202c"
	lro, rlo           = "\u202d", "\u202e"
	lri, rli, fsi, pdi = "\u2066", "\u2067", "\u2068", "\u2069"
	wj, shy, bom, cgj  = "\u2060", "\u00ad", "\ufeff", "\u034f"
	emoji              = "\ufe0f"
)

// rulesOf returns the rules that a file of these lines breaks, by line.
func rulesOf(t *testing.T, path, content string) []string {
	t.Helper()
	var out []string
	for _, f := range scanned(t, nil, map[string]string{path: content}) {
		place, rest, _ := strings.Cut(f, " ")
		rule, _, _ := strings.Cut(rest, " ")
		out = append(out, strings.TrimPrefix(place, path+":")+" "+strings.TrimPrefix(rule, "text/"))
	}
	return out
}

// TestWhatLanguagesNeed has what people write, in translations, documents and
// the strings and comments of programs: kinds that were met in public repositories.
func TestWhatLanguagesNeed(t *testing.T) {
	for name, x := range map[string]struct{ path, text string }{
		"Persian plural": {"a.go", `// کتاب` + zwnj + `ها`},
		"Persian, behind a letter that joins no other": {"fa.json", `{"a": "کار` + zwnj + `ها"}`},
		"Persian, typed twice":                         {"i18n/fa_IR.json", `{"a": "هویج` + zwnj + zwnj + `ها"}`},
		"Persian, with a mark besides":                 {"i18n/fa_IR.json", `{"a": "نگه` + lrm + lrm + zwnj + `داری"}`},
		"Persian, before a space":                      {"README.fa.md", "استفاده" + zwnj + " کنید"},
		"Persian, behind a space":                      {"fa.yml", "a: بخش " + zwnj + "های"},
		"Persian, behind its comma":                    {"fa.yml", "a: نیست،" + zwnj + " استفاده"},
		"Persian, at the end of a line":                {"l10n/fa/viewer.ftl", "a = اندازه واقعی" + zwnj},
		"Persian, before a tag":                        {"res/values-fa/strings.xml", "<string>اندازه" + zwnj + "</string>"},
		"Persian suffix of a foreign word":             {"fa.json", `{"a": "PDF` + zwnj + `ها"}`},
		"Persian, behind a foreign sign":               {"fa.json", `{"a": "کارت:` + zwnj + ` بارگیری"}`},
		"Persian in a string of a program":             {"a.py", `x = "کتاب` + zwnj + `"`},
		"Persian in a pattern":                         {"a.js", "meridiem: /ئێواره" + zwnj + "|به" + zwnj + "یانی/,"},
		"Persian sentence in a program":                {"a.vue", "<p>این کتاب" + zwnj + " خوب است</p>"},
		"Persian abbreviation":                         {"a.md", "۱۴۰۲ ه" + zwj + "."},
		"Kurdish":                                      {"values-ckb/strings.xml", "<string>وه" + zwnj + "ستێنراوه" + zwnj + "</string>"},
		"Urdu":                                         {"a.txt", "خوش" + zwnj + "آمدید"},
		"name in a program, where it shows":            {"a.py", "می" + zwnj + "خواهم = 1"},
		"Hindi name in a program":                      {"a.py", "क्" + zwj + "ष = 1"},
		"Hindi":                                        {"hi.md", "क्" + zwj + "ष और द्" + zwnj + "व"},
		"Hindi, copied from a translator":              {"docs/HOWTO-hi.md", "यहां तक " + zwsp + zwsp + "कि उन लोगों"},
		"Bengali before a danda":                       {"bn.txt", "করা হয়েছে " + zwnj + "।"},
		"Malayalam chillu at the end":                  {"l10n/ml/viewer.ftl", "a = താള്" + zwj},
		"Malayalam behind a colon":                     {"l10n/ml/viewer.ftl", "a = വലിപ്പം:" + zwnj + zwnj},
		"Kannada at the beginning":                     {"kn.yml", "node: " + zwj + zwj + "ನೋಡ್"},
		"Odia suffix of a placeholder":                 {"values-or/a.xml", "<item>%2$s" + zwnj + "ରେ</item>"},
		"Sinhala":                                      {"si.json", `{"a": "ශ්` + zwj + `රී ලංකා"}`},
		"Khmer words":                                  {"a.js", `label: 'ឧបករណ៍` + zwsp + `សរសេរ` + zwsp + `',`},
		"Khmer before a foreign word":                  {"lang/km.js", `'អត្ថបទ ` + zwsp + `TeX'`},
		"Khmer vowel that is not shown":                {"km.md", "ក\u17b4"},
		"Thai words":                                   {"i18n/th_TH.json", `{"a": "รหัส` + zwsp + `ไปรษณีย์"}`},
		"Lao words":                                    {"lo.ftl", "a = ຄໍາ" + zwsp + "ເຕືອນ" + zwsp + ": PDF"},
		"Burmese words":                                {"my.yml", "a: ဖျက်" + zwsp + "ပါ" + zwsp},
		"Javanese words":                               {"i18n/jv-java.json", `{"a": "ꦒꦮꦺ` + zwsp + `ꦱꦸꦩ꧀ꦧꦼꦂ"}`},
		"Tibetan":                                      {"bo.md", "བོད་" + zwsp + "ཡིག"},
		"Chinese, copied from a translator":            {"i18n/zh_TW.json", `{"a": "背後` + zwsp + zwsp + `的"}`},
		"Japanese before a foreign word":               {"ja.md", "地図" + zwsp + "OpenStreetMap"},
		"Japanese, behind a long vowel":                {"ja.md", "サーバー" + zwsp + "OpenStreetMap"},
		"Mongolian":                                    {"i18n/mn-mong.json", `{"a": "ᠻᠣᠳ` + "\u180b\u180e" + `ᠢᠶᠠᠷ"}`},
		"Ol Chiki":                                     {"values-sat/a.xml", "<string>ᱜᱤᱲᱤ" + zwnj + " ᱛᱮᱞᱟ</string>"},
		"Hebrew points":                                {"he.md", "ב" + "\u05b7" + cgj + "\u05bd"},
		"marks on marks":                               {"a.js", "f('Z\u0351\u036b" + cgj + "\u0334')"},
		"mark in a translation":                        {"i18n/jam.json", `{"a": "Kriet suos` + lrm + `"}`},
		"mark in a format of dates":                    {"src/locale/ar.js", "L: 'D/" + rlm + "M/" + rlm + "YYYY',"},
		"marks around placeholders":                    {"l10n/ar/viewer.ftl", "a = " + rlm + "{ $width } × " + rlm + "{ $height }"},
		"Arabic letter mark":                           {"config/locales/pnb.yml", "blog: " + alm + "%e " + alm + "%B"},
		"mark in Hebrew prose":                         {"README.he.md", "שפת C" + lrm + "++ היא"},
		"mark in data with Hebrew":                     {"languages.yml", "native: Ivrit" + lrm + " / עברית"},
		"word joiner in a translation":                 {"config/locales/pnb.yml", "a: '%{when} «" + wj + "%{user}" + wj + "» نواں'"},
		"isolates around a placeholder":                {"locales/de.json", `{"a": "Von ` + fsi + `{{name}}` + pdi + `"}`},
		"embedding in a translation":                   {"values-ug/a.xml", "<string>بولۇپمۇ " + lre + "Android" + pdf + " نەشرىدە</string>"},
		"embedding that is wrapped":                    {"config/locales/fa.yml", "a: '" + rle + "همچنین\n  می" + zwnj + "توان\n  %{url} " + pdf + "'"},
		"soft hyphen in a translation":                 {"values-nl/strings.xml", "<string>Download" + shy + "map</string>"},
		"soft hyphen in a file of one language":        {"src/strings/da.json", `{"a": "biblioteks` + shy + `scanning"}`},
		"family":                                       {"a.go", "// 👩" + zwj + "👩" + zwj + "👧" + zwj + "👦"},
		"tone of skin":                                 {"a.go", "// 🧑🏽" + zwj + "💻"},
		"heart on fire":                                {"a.md", "❤" + emoji + zwj + "🔥"},
		"rainbow flag":                                 {"a.md", "🏳" + emoji + zwj + "🌈"},
		"sign that is a letter":                        {"a.yml", "# ℹ" + emoji + " Command-line programs"},
		"selector that is typed again":                 {"a.md", "⚠" + emoji + emoji + emoji + " careful"},
		"keycaps":                                      {"a.md", "1" + emoji + "\u20e3 #" + emoji + "\u20e3 *" + emoji + "\u20e3"},
		"sign as text":                                 {"a.md", "©\ufe0e ☎\ufe0e"},
		"ideograph of a register":                      {"ja.md", "葛\U000e0100飾区"},
		"flag of Scotland":                             {"a.go", "// 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"},
		"flag of Texas":                                {"a.go", "// 🏴\U000e0075\U000e0073\U000e0074\U000e0078\U000e007f"},
		"metadata of a picture":                        {"a.svg", `<?xpacket begin="` + bom + `" id="W5M0MpCehiHzreSzNTczkc9d"?>`},
	} {
		t.Run(name, func(t *testing.T) { assert.Empty(t, rulesOf(t, x.path, x.text+"\n")) })
	}
}

// TestWhatNoLanguageNeeds has what hides or turns something, also in the files
// in which languages need much.
func TestWhatNoLanguageNeeds(t *testing.T) {
	for name, x := range map[string]struct{ path, text, want string }{
		"joiner in a name":                             {"a.js", "let is" + zwj + "Admin = 1", "1 invisible"},
		"non-joiner in a name":                         {"a.js", "let is" + zwnj + "Admin = 1", "1 invisible"},
		"space without a width in a name":              {"a.js", "let is" + zwsp + "Admin = 1", "1 invisible"},
		"word joiner in a name":                        {"a.js", "let is" + wj + "Admin = 1", "1 invisible"},
		"joiner in a string":                           {"a.js", `if (role == "ad` + zwnj + `min")`, "1 invisible"},
		"joiner at the end of a string":                {"a.js", `if (role == "admin` + zwnj + `")`, "1 invisible"},
		"between operators":                            {"a.c", "if (a &" + zwsp + "& b)", "1 invisible"},
		"between digits":                               {"a.go", "x := 10" + zwsp + "00", "1 invisible"},
		"in a translation, in a Latin word":            {"locales/fa.json", `{"a": "نام user` + zwnj + `name"}`, "1 invisible"},
		"in a translation, in a placeholder":           {"locales/fa.json", `{"a": "سلام {us` + zwsp + `er}"}`, "1 invisible"},
		"in a translation, in an address":              {"locales/fa.json", `{"a": "سلام https://exam` + zwsp + `ple.org"}`, "1 invisible"},
		"in a key of a translation":                    {"locales/fa.json", `{"na` + rlm + `me": "x"}`, "1 invisible"},
		"in a command of a document":                   {"README.fa.md", "سپس npm install le" + zwnj + "ft-pad", "1 invisible"},
		"in Latin prose":                               {"a.md", "When Affix is " + zwsp + zwsp + "used", "1 invisible"},
		"in Latin words of Chinese prose":              {"docs/CONTRIBUTING-zh.md", "例如，「Go" + zwsp + zwsp + "alKicker」", "1 invisible"},
		"in a Latin translation":                       {"config/locales/ga.yml", "a: sa Fhearann " + zwsp + zwsp + "Poiblí.", "1 invisible"},
		"in a command of a document, at its beginning": {"README.fa.md", "سپس: " + zwnj + "npm", "1 invisible"},
		"in a Latin word, behind an accent":            {"locales/fr.json", `{"a": "e` + "\u0301" + zwsp + ` x"}`, "1 invisible"},
		"in a Cyrillic word":                           {"uk.json", `{"a": "особ` + zwsp + `исту"}`, "1 invisible"},
		"in a Greek name":                              {"a.py", "αβ" + zwj + "γ = 1", "1 invisible"},
		"in a Hangul word":                             {"ko.md", "한" + zwsp + "국", "1 invisible"},
		"mark in Latin prose":                          {"a.md", "abc" + lrm + " def", "1 invisible"},
		"marks that look like Arabic ones":             {"a.md", "us" + alm + "er and us" + lrm + "er", "1 invisible"},
		"mark in Latin code":                           {"a.go", `x := "` + rlm + `abc"`, "1 invisible"},
		"Arabic name, where it does not show":          {"a.py", "کار" + zwnj + "ها = 1", "1 invisible"},
		"Arabic name, at its end":                      {"a.py", "نام" + zwnj + " = 1", "1 invisible"},
		"Arabic name, at its beginning":                {"a.py", "x = " + zwnj + "نام", "1 invisible"},
		"Hindi name, where it does not show":           {"a.py", "क" + zwj + "ष = 1", "1 invisible"},
		"Chinese name":                                 {"a.py", "变" + zwsp + "量 = 1", "1 invisible"},
		"Hebrew name with a mark":                      {"a.py", "שם" + rlm + " = 1", "1 invisible"},
		"long run beside Persian":                      {"fa.json", `{"a": "کتاب` + strings.Repeat(zwnj+zwj, 8) + `ها"}`, "1 invisible"},
		"long run between emoji":                       {"a.md", "👩" + strings.Repeat(zwj, 9) + "👩", "1 invisible"},
		"joiner behind an emoji":                       {"a.md", "👩" + zwj + " x", "1 invisible"},
		"soft hyphen in a name":                        {"a.go", "us" + shy + "er := 1", "1 invisible"},
		"soft hyphen in data":                          {"package.json", `{"na` + shy + `me": 1}`, "1 invisible"},
		"Hangul filler":                                {"a.js", "const {timeout,\u3164} = query", "1 invisible"},
		"Hangul filler in prose":                       {"ko.md", "한\u3164국", "1 invisible"},
		"half-width Hangul filler":                     {"a.js", "const \uffa0 = 1", "1 invisible"},
		"byte order mark inside":                       {"a.svg", `<a begin="` + bom + `">`, "1 invisible"},
		"selector behind a letter":                     {"a.md", "a" + emoji, "1 invisible"},
		"selector behind a space":                      {"a.md", "see " + emoji + "this", "1 invisible"},
		"selector at the beginning":                    {"a.md", emoji + "this", "1 invisible"},
		"bytes behind an emoji":                        {"a.md", "😀\U000e0158\U000e0155\U000e015c", "1 invisible"},
		"bytes behind an emoji with its selector":      {"a.md", "😀" + emoji + "\ufe01\ufe05", "1 invisible"},
		"selectors by the dozen":                       {"a.md", "⚠" + strings.Repeat(emoji, 12), "1 invisible"},
		"Mongolian selector behind a letter":           {"a.js", "us\u180ber = 1", "1 invisible"},
		"selector of ideographs behind a letter":       {"a.js", "us\U000e0100er = 1", "1 invisible"},
		"tags without a flag":                          {"a.md", "hello\U000e0069\U000e0067", "1 invisible"},
		"words behind a flag":                          {"a.md", "🏴\U000e0069\U000e0067\U000e006e\U000e006f", "1 invisible"},
		"more behind a flag":                           {"a.md", "🏴" + strings.Repeat("\U000e0061", 9) + "\U000e007f", "1 invisible"},
		"tags behind a flag that is complete":          {"a.md", "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f\U000e0069", "1 invisible"},
		"grapheme joiner in a name":                    {"a.js", "us" + cgj + "er = 1", "1 invisible"},
		"control character":                            {"a.go", "a\u009bb", "1 invisible"},
		"override in a comment":                        {"a.c", "/*" + rlo + " } " + lri + "if (isAdmin)" + pdi + " " + lri + " begin admins only */", "1 bidirectional"},
		"override in a string":                         {"a.js", `if (level != "user` + rlo + " " + lri + "// Check if admin" + pdi + " " + lri + `") {`, "1 bidirectional"},
		"override that is closed":                      {"a.md", "x " + rlo + "abc" + pdf, "1 bidirectional"},
		"override in a translation":                    {"he.json", `{"a": "` + rlo + `מזהים"}`, "1 bidirectional"},
		"override from the left in a translation":      {"fr.json", `{"a": "« ` + lro + `{name} »"}`, "1 bidirectional"},
		"isolate in code, left open":                   {"a.go", `x := "` + lri + `user"`, "1 bidirectional"},
		"isolates in code that reorder":                {"a.go", "// " + rli + "שלום" + pdi + " }", "1 bidirectional"},
		"isolates in code that show nothing":           {"a.kt", `val a = "` + fsi + "1" + pdi + `"`, "1 invisible"},
		"translation as a program, left open":          {"src/locale/ar.js", "a: 'مرحبا" + rle + "', admin: true,\n  b: 'مرحبا" + pdf + "',", "1 bidirectional|2 invisible"},
		"end without a beginning":                      {"a.yml", "native: Norsk" + pdf, "1 invisible"},
		"embedding in a translation, left open":        {"he.json", `{"a": "` + rle + `מפתח",` + "\n" + `"b": "אישור",` + "\n" + `"c": "x"}`, "1 invisible"},
		"digits behind a flag":                         {"a.md", "🏴\U000e0031\U000e0032\U000e0061\U000e007f", "1 invisible"},
		"embeddings in a translation, left open":       {"he.yml", "a: " + rle + "מפתח\nb: " + rle + "אישור", "1 invisible|2 invisible"},
		"embedding closed in another text":             {"he.yml", "a: " + rle + "מפתח\nb: " + rle + "אישור" + pdf, "1 invisible"},
		"embedding closed far below":                   {"he.yml", "a: " + rle + "מפתח\n" + strings.Repeat("x: 1\n", maxWrapped+1) + "b: אישור" + pdf, "1 invisible|23 invisible"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, strings.Split(x.want, "|"), rulesOf(t, x.path, x.text+"\n")) })
	}
}

// TestWrappedElsewhere: what stands between two lines that a change adds is not known.
func TestWrappedElsewhere(t *testing.T) {
	before := map[string]string{"he.yml": "a: x\nb: y\nc: z\n"}
	got := scanned(t, before, map[string]string{"he.yml": "a: " + rle + "מפתח\nb: y\nc: אישור" + pdf + "\n"})
	assert.Len(t, got, 2)
}

// TestWhatIsNoText: bytes that look like such characters come about by chance,
// and a few that are not UTF-8 do not hide real ones.
func TestWhatIsNoText(t *testing.T) {
	noise := strings.Repeat("\xc3\x28\xf0\xe2\xff\n", 20)
	for name, x := range map[string]struct{ text, want string }{
		"picture":                     {noise + "H'dT&N3IK\u0087_\nab\u00adc\nM\u034fe\n\xff\xe2\xd5\xe1\xbe" + rlo + "x\n", ""},
		"one byte in a comment":       {"a := 1 // \xff\nus" + zwsp + "er := 1\n", "2 invisible"},
		"a byte in the same line":     {"us" + zwsp + "er := 1 // \xff\n", "1 invisible"},
		"among bytes, a line of text": {noise + "us" + zwsp + "er := 1\nx := 1 // " + rlo + " }\n", "21 invisible|22 bidirectional"},
		"Latin-1":                     {"// caf\xe9, na\xefve, \xfcber\nx\u0080 := 1\n", "2 invisible"},
	} {
		t.Run(name, func(t *testing.T) {
			var want []string
			if x.want != "" {
				want = strings.Split(x.want, "|")
			}
			assert.Equal(t, want, rulesOf(t, "a.go", x.text))
		})
	}
}

func TestKinds(t *testing.T) {
	for want, paths := range map[kind][]string{
		code:       {"main.go", "fa.go", "id.ts", "src/values/a.kt", "src/strings.js", "values-x1y2z3/a.kt", "bin/fa"},
		data:       {"package.json", "config/app.json", "x.svg", "values/strings.xml", "deploy_prod.yml", "db.json"},
		prose:      {"README.md", "docs/fa/a.md.txt", "robots.txt"},
		localized:  {"src/locale/ar.js", "resources/lang/fa/auth.php", "i18n/index.ts"},
		translated: {"fa.json", "fa_IR.json", "zh-Hant-TW.yml", "messages_fa.properties", "client.he.yml", "res/values-ur/strings.xml", "res/values-b+sr+Latn/strings.xml", "_locales/ar/messages.json", "a.po", "de.lproj/x.plist", "locales/x.md"},
	} {
		for _, p := range paths {
			assert.Equal(t, want, kindOf(p), p)
		}
	}
}

// TestLongLines: a line may be as long as a file, and made to be slow.
func TestLongLines(t *testing.T) {
	const size = 200_000
	for name, line := range map[string]string{
		"joiners between Persian letters": strings.Repeat("ه"+zwnj, size),
		"joiners":                         strings.Repeat(zwnj, size),
		"marks":                           strings.Repeat("x "+lrm+" ", size),
		"tags":                            "🏴" + strings.Repeat("\U000e0061", size),
		"selectors":                       "😀" + strings.Repeat(emoji, size),
		"slashes":                         strings.Repeat("=/ ", size) + "ه" + zwnj,
		"marks upon a letter":             strings.Repeat("a"+strings.Repeat("\u0301", 50)+zwsp, size/50),
		"turns":                           strings.Repeat(lri+"x", size),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			rulesOf(t, "a.go", line+"\n")
			rulesOf(t, "fa.json", line+"\n")
			assert.Less(t, time.Since(start), 10*time.Second)
		})
	}
}
