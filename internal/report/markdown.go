package report

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escape makes foreign text safe to stand in a line of Markdown: it can not
// become markup, a mention, a reference or a hidden character.
func escape(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			b.WriteByte(' ')
		case hidden(r):
			b.WriteRune('\uFFFD')
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@' || r == '#':
			// GitHub makes a mention or a reference of what follows; a
			// zero-width no-break keeps it from doing so.
			b.WriteRune(r)
			b.WriteString("&#8288;")
		case strings.ContainsRune("\\`*_{}[]|~!$", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return strings.ReplaceAll(b.String(), "://", ":&#8288;//")
}

// code shows foreign text as inline code, whatever it holds.
func code(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case hidden(r):
			return '\uFFFD'
		case r == '|':
			return '¦' // would end a table's cell, even in code
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if s == "" {
		return ""
	}
	fence := fenceFor(s, 1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// fenceFor returns a run of back-ticks, at least least long, that s does not hold.
func fenceFor(s string, least int) string {
	longest, run := 0, 0
	for _, r := range s {
		if r == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	if longest >= least {
		least = longest + 1
	}
	return strings.Repeat("`", least)
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
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)
}

var marks = strings.NewReplacer("`", "", "**", "", "&lt;", "<", "&gt;", ">", "&amp;", "&", "&#8288;", "")

// stripMarkdown makes our own Markdown readable on a terminal.
func stripMarkdown(s string) string {
	s = marks.Replace(s)
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return ' '
		}
		if hidden(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

// own makes text of ours that may hold foreign names safe to stand as
// Markdown: emphasis and inline code stay, links, HTML, mentions and
// references do not.
func own(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		start := strings.IndexByte(s, '`')
		if start < 0 {
			start = len(s)
		}
		b.WriteString(strings.ReplaceAll(escapeOnly(s[:start]), "](", "]\\("))
		s = s[start:]
		if s == "" {
			break
		}
		run := len(s) - len(strings.TrimLeft(s, "`"))
		fence := s[:run]
		end := closing(s[run:], run)
		if end < 0 {
			b.WriteString(strings.Repeat("\\`", run))
			s = s[run:]
			continue
		}
		b.WriteString(fence)
		b.WriteString(strings.Map(func(r rune) rune {
			if hidden(r) && r != '\n' {
				return '\uFFFD'
			}
			return r
		}, s[run:run+end]))
		b.WriteString(fence)
		s = s[run+end+run:]
	}
	return b.String()
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

func escapeOnly(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '\n':
			b.WriteRune(r)
		case hidden(r):
			b.WriteRune('\uFFFD')
		case r == '<':
			b.WriteString("&lt;")
		case r == '@' || r == '#':
			b.WriteRune(r)
			b.WriteString("&#8288;")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
