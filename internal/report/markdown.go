package report

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// joiner is a character of no width. GitHub makes mentions, references and
// links of plain words, escaped or not; with a joiner inside they stay words.
const joiner = "&#8288;"

// escape makes foreign text safe to stand anywhere in Markdown, as one line:
// it cannot become markup, a mention, a reference, a link or a hidden character.
func escape(s string) string { return atStart(strings.TrimSpace(inert(s))) }

// inert is escape for a piece of a line.
func inert(s string) string {
	s = oneLine(s)
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@' || r == '#':
			b.WriteString(string(r) + joiner)
		case r == ':' && i+1 < len(s) && s[i+1] != ' ': // an address, an emoji
			b.WriteString(":" + joiner)
		case strings.ContainsRune("\\`*_{}[]|~!$", r):
			b.WriteString(`\` + string(r))
		default:
			b.WriteRune(r)
		}
	}
	return linked.ReplaceAllString(b.String(), "$0"+joiner)
}

var (
	linked  = regexp.MustCompile(`(?i)\bgh-|www\.`)       // GH-123, www.example.com
	opening = regexp.MustCompile(`^(\d*)([-+=.)])`)       // of a list, a heading, a rule
	codeTag = regexp.MustCompile("<code>([^<`]*)</code>") // as some rules write it
)

// atStart keeps what a line begins with from opening a list or a heading.
func atStart(line string) string { return opening.ReplaceAllString(line, `$1\$2`) }

// code shows foreign text as inline code, whatever it holds.
func code(s string) string {
	s = strings.ReplaceAll(oneLine(s), "|", "¦") // would end a table's cell, even in code
	if s == "" {
		return ""
	}
	fence := fenceFor(s, 1)
	if strings.Trim(s, "` ") != s {
		s = " " + s + " "
	}
	return fence + s + fence
}

// fenceFor returns a run of back-ticks, at least least long, that s does not hold.
func fenceFor(s string, least int) string {
	for strings.Contains(s, strings.Repeat("`", least)) {
		least++
	}
	return strings.Repeat("`", least)
}

// own makes text of ours that may hold foreign names safe to stand after other
// Markdown. Paragraphs, bold and inline code are what we write ourselves;
// anything else is shown as it stands.
func own(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = atStart(strings.TrimSpace(ownLine(line)))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// fenced makes what example found safe to stand on lines of its own.
func fenced(s string) string {
	lines := strings.Split(s, "\n")
	body := strings.Map(visible, strings.ToValidUTF8(strings.Join(lines[1:len(lines)-1], "\n"), "\uFFFD"))
	fence := fenceFor(body, 3)
	return fence + strings.Trim(lines[0], "`") + "\n" + body + "\n" + fence
}

// ownLine is own for one line.
func ownLine(s string) string {
	s = codeTag.ReplaceAllString(s, "`$1`")
	var words, all []string // all has code at odd places
	for s != "" {
		before, span, after := cutCode(s)
		words = append(words, before)
		all = append(all, inert(before), code(span))
		s = after
	}
	if strings.Count(strings.Join(words, ""), "**")%2 == 0 {
		for i := 0; i < len(all); i += 2 {
			all[i] = strings.ReplaceAll(all[i], `\*\*`, "**")
		}
	}
	return strings.Join(all, "")
}

// cutCode cuts s around its first span of inline code.
func cutCode(s string) (before, span, after string) {
	for i := 0; i < len(s); {
		if s[i] != '`' {
			i++
			continue
		}
		n := len(s[i:]) - len(strings.TrimLeft(s[i:], "`"))
		if end := closing(s[i+n:], n); end > 0 {
			return s[:i], strings.TrimSpace(s[i+n : i+n+end]), s[i+n+end+n:]
		}
		i += n
	}
	return s, "", ""
}

// closing returns where in s a run of exactly n back-ticks starts, or -1.
func closing(s string, n int) int {
	for i := 0; i < len(s); {
		if s[i] != '`' {
			i++
			continue
		}
		run := len(s[i:]) - len(strings.TrimLeft(s[i:], "`"))
		if run == n {
			return i
		}
		i += run
	}
	return -1
}

// codeBlock is text that ends in a code block: the words, then that.
var codeBlock = regexp.MustCompile("(?s)^(.*?)\n(```[a-z]*\n.*\n```)$")

// example parts the words of a fix from the code block at its end, if it has
// one, and from the line that leads to that.
func example(s string) (words, block string) {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	m := codeBlock.FindStringSubmatch(s)
	if m == nil || strings.TrimSpace(m[1]) == "" {
		return s, ""
	}
	words = strings.TrimSpace(m[1])
	if i := strings.LastIndex(words, "\n\n"); i >= 0 && strings.HasSuffix(words, ":") {
		words = strings.TrimSpace(words[:i])
	}
	return words, m[2]
}

// showPath returns a path as it can be shown: one that is not plain text is quoted.
func showPath(p string) string {
	if utf8.ValidString(p) && strings.IndexFunc(p, hidden) < 0 {
		return p
	}
	return strconv.QuoteToASCII(p)
}

// hidden reports characters that change what a reader sees without being seen.
func hidden(r rune) bool {
	return !unicode.IsGraphic(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// visible maps what is hidden to a mark that is not.
func visible(r rune) rune {
	if hidden(r) && r != '\n' && r != '\t' {
		return '\uFFFD'
	}
	return r
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' {
			return ' '
		}
		return visible(r)
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// clip cuts s to n characters.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return strings.TrimSpace(string(r[:n-1])) + "…"
	}
	return s
}

// clipPath cuts a path to n characters, in its middle: the name is at the end.
func clipPath(p string, n int) string {
	if r := []rune(p); len(r) > n {
		return string(r[:n/3]) + "…" + string(r[len(r)-(n-n/3-1):])
	}
	return p
}

// sentence ends s as a sentence.
func sentence(s string) string {
	if s = strings.TrimSpace(s); s == "" || strings.ContainsAny(s[len(s)-1:], ".!?:") {
		return s
	}
	return s + "."
}

// marks takes away what escape and our own Markdown put in.
var marks = func() *strings.Replacer {
	list := []string{joiner, "", "&lt;", "<", "&gt;", ">", "&amp;", "&", "<code>", "", "</code>", ""}
	for _, r := range "\\`*_{}[]|~!$-+=.)" {
		list = append(list, `\`+string(r), string(r))
	}
	return strings.NewReplacer(append(list, "`", "", "**", "")...)
}()

// Plain is Markdown of ours, such as the first line of a comment, for a terminal.
func Plain(s string) string { return plain(s) }

// plain is our own Markdown as one line for who does not render it, without its example.
func plain(s string) string {
	words, _ := example(s)
	return strings.Join(strings.Fields(oneLine(marks.Replace(words))), " ")
}
