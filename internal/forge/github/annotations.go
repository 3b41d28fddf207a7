package github

import (
	"fmt"
	"strconv"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
)

const (
	annotationsPerCall = 50    // GitHub refuses more
	annotationsCap     = 500   // of one check: ten calls
	maxMessage         = 16384 // bytes; GitHub takes 64 KiB, nobody reads them
)

// annotations renders notes. What cannot be an annotation, because GitHub
// would refuse its path or there are too many, is said in text instead.
func annotations(notes []forge.Note) (list []*gh.CheckRunAnnotation, text string) {
	var odd strings.Builder
	over := 0
	for _, n := range notes {
		title, words := cutLine(n.Title, maxTitle), cut(n.Text, maxMessage)
		if strings.TrimSpace(words) == "" {
			words = title
		}
		switch {
		case words == "":
		case !takesPath(n.At.Path):
			fmt.Fprintf(&odd, "- %s %s\n", place(n), inert(cutLine(title+": "+words, 1000)))
		case len(list) == annotationsCap:
			over++
		default:
			start := max(n.At.Start, 1) // a remark on a whole file stands at its top
			a := &gh.CheckRunAnnotation{
				Path: gh.String(n.At.Path), StartLine: gh.Int(start), EndLine: gh.Int(max(n.At.End, start)),
				AnnotationLevel: gh.String(level(n.Level)), Message: gh.String(words),
			}
			if title != "" {
				a.Title = gh.String(title)
			}
			list = append(list, a)
		}
	}
	if odd.Len() > 0 {
		text = "These are in files whose names GitHub cannot show beside the code:\n\n" + odd.String()
	}
	if over > 0 {
		text += fmt.Sprintf("\n%d more are not shown: a check has room for %d.\n", over, annotationsCap)
	}
	return list, text
}

func level(l string) string {
	switch l {
	case "warning", "failure":
		return l
	}
	return "notice"
}

// inert renders text, which may be a stranger's, as inline code: no markup, no mention, no link.
func inert(text string) string {
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, "`", "'")), " ")
	return "`" + text + "`"
}

// place renders where n is, as inert Markdown whatever the path holds.
func place(n forge.Note) string {
	at := strings.ReplaceAll(strconv.QuoteToASCII(n.At.Path), "`", `\x60`)
	if n.At.Start > 0 {
		at += ":" + strconv.Itoa(n.At.Start)
	}
	return "`" + at + "`"
}
