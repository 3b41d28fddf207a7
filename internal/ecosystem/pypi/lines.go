package pypi

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"

	"github.com/pullwarden/pullwarden/internal/change"
)

// maxLine bounds a logical line; a requirement with a hash for each of a
// hundred wheels takes a tenth of it.
const maxLine = 64 << 10

// A line is a logical line of a requirements file, as pip joins them.
type line struct {
	text       string // without comment; longer than maxLine if the whole is
	start, end int    // 1-based
	raw        string // the physical line; "" if there are several or it is split otherwise
	via        []string
}

// decode returns the text of a file. It reports false if the bytes are not
// those of the text: a shell on Windows writes UTF-16. Like pip it goes by the
// byte order mark alone: to guess would be to read another text than pip.
func decode(data []byte) (string, bool) {
	for _, mark := range []string{"\xff\xfe", "\xfe\xff", "\x00\x00\xfe\xff"} {
		if !bytes.HasPrefix(data, []byte(mark)) {
			continue
		}
		if text, name, ok := change.Text(data); ok && name != "" {
			return string(text), false
		}
	}
	text, marked := bytes.CutPrefix(data, []byte("\xef\xbb\xbf"))
	return string(text), !marked
}

// coding is how pip is told the encoding of a file, in a comment on one of its
// first two lines.
var coding = regexp.MustCompile(`coding[:=]\s*([-\w.]+)`)

// encoding returns the line and the name of an encoding that the file is
// stated to be in, if it is one in which the bytes could mean something else.
func encoding(data []byte) (int, string) {
	for i, l := range bytes.SplitN(data, []byte("\n"), 3)[:min(2, 1+bytes.Count(data, []byte("\n")))] {
		m := coding.FindSubmatch(l)
		if m == nil || l[0] != '#' {
			continue
		}
		switch name := strings.ToLower(strings.ReplaceAll(string(m[1]), "_", "-")); name {
		case "utf-8", "utf8", "ascii", "us-ascii", "latin-1", "latin1", "iso-8859-1":
			return 0, ""
		}
		return i + 1, string(m[1])
	}
	return 0, ""
}

// comment returns where pip sees one begin, or -1: a "#" within a word is none.
func comment(text string) int {
	for i := range len(text) {
		if text[i] == '#' && (i == 0 || unicode.IsSpace(rune(text[i-1]))) {
			return i
		}
	}
	return -1
}

// logical splits text the way pip does: at all line ends that Python knows,
// joined by a backslash, comments cut off.
func logical(text string) []line {
	j := &joiner{}
	n := 0
	for physical := range strings.SplitSeq(text, "\n") {
		n++
		physical = strings.TrimSuffix(physical, "\r")
		if strings.IndexFunc(physical, isBreak) < 0 {
			j.add(physical, n, physical)
			continue
		}
		for _, part := range strings.FieldsFunc(physical, isBreak) {
			j.add(part, n, "")
		}
	}
	if j.open { // the file ends in a backslash
		j.flush()
	}
	return j.out
}

// A joiner puts lines together that end in a backslash.
type joiner struct {
	out  []line
	next line
	text strings.Builder // of next
	open bool
	via  viaReader
}

func (j *joiner) add(part string, n int, raw string) {
	isComment := strings.HasPrefix(strings.TrimSpace(part), "#")
	more := !isComment && strings.HasSuffix(part, `\`)
	if j.open {
		j.next.raw = ""
	} else {
		j.next = line{start: n, raw: raw}
	}
	j.next.end = n
	if isComment {
		j.text.WriteByte(' ') // or it would be no comment behind a word
	}
	if more {
		part = strings.TrimRight(part, `\`)
	}
	if j.text.Len() <= maxLine {
		j.text.WriteString(part)
	}
	if j.open = more; !more {
		j.flush()
	}
}

func (j *joiner) flush() {
	l := j.next
	l.text = j.text.String()
	j.text.Reset()
	if len(l.text) > maxLine {
		j.out = append(j.out, l)
		return
	}
	if at := comment(l.text); at >= 0 {
		note := l.text[at+1:]
		l.text = l.text[:at]
		l.via = j.via.read(note, strings.TrimSpace(l.text) != "")
	} else {
		j.via.inside = false
	}
	if l.text = strings.TrimSpace(l.text); l.text != "" || l.via != nil {
		j.out = append(j.out, l)
	}
}

// isBreak reports whether Python ends a line at r.
func isBreak(r rune) bool {
	switch r {
	case '\r', '\v', '\f', '\x1c', '\x1d', '\x1e', '\u0085', '\u2028', '\u2029':
		return true
	}
	return false
}

// viaReader reads the comments that tell who asks for a package:
//
//	idna==3.4        # via requests, -r requirements.in
//	idna==3.4
//	    # via
//	    #   requests
type viaReader struct{ inside bool }

func (v *viaReader) read(note string, beside bool) []string {
	note = strings.TrimSpace(note)
	list, starts := strings.CutPrefix(note, "via")
	if starts && (list == "" || list[0] == ' ') {
		v.inside = true
	} else if beside || !v.inside || note == "" {
		v.inside = false
		return nil
	} else {
		list = note
	}
	var out []string
	for who := range strings.SplitSeq(list, ",") {
		if who = strings.TrimSpace(who); who != "" {
			out = append(out, who)
		}
	}
	return out
}
