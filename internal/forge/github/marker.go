package github

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
)

// A mark is what the hidden last line of a comment of ours says.
type mark struct {
	key     string
	settled bool // the words above it were written over
	old     bool // the key before the present one signed it
}

func markMAC(k finding.Key, p forge.PullRef, m mark) string {
	return k.Sum("comment marker", strconv.FormatInt(p.Repo.ID, 10), strconv.Itoa(p.Number),
		m.key, strconv.FormatBool(m.settled))
}

// marker renders m for a comment on p. It is good on that pull request alone.
func (f *Forge) marker(p forge.PullRef, m mark) string {
	word := ""
	if m.settled {
		word = "settled "
	}
	return fmt.Sprintf("<!-- pullwarden:1 %skey=%s mac=%s -->", word, url.QueryEscape(m.key), markMAC(f.key, p, m))
}

// readMark reads the last marker in body, the place where we put ours. One
// that we did not sign counts for nothing.
func (f *Forge) readMark(p forge.PullRef, body string) (mark, bool) {
	all := f.commentMarker.FindAllStringSubmatch(body, -1)
	if len(all) == 0 {
		return mark{}, false
	}
	last := all[len(all)-1]
	key, err := url.QueryUnescape(last[2])
	m := mark{key: key, settled: last[1] != ""}
	if err != nil || !f.confirms(last[3], func(k finding.Key) string { return markMAC(k, p, m) }) {
		return mark{}, false
	}
	m.old = !same(last[3], markMAC(f.key, p, m))
	return m, true
}

// signed returns body with our marker in place of those that it has.
func (f *Forge) signed(p forge.PullRef, m mark, body string) string {
	return strings.TrimSpace(f.commentMarker.ReplaceAllString(body, "")) + "\n\n" + f.marker(p, m)
}

// The words of a settled comment are kept between these, to be put back.
const (
	foldOpen  = "\n\n<details><summary>What it said</summary>\n\n"
	foldClose = "\n\n</details>\n\n"
)

// maxComment is how many bytes of a comment's words are sent; GitHub takes
// 65,536 characters, marker and fold included.
const maxComment = 60_000

// commentBody returns words with our marker.
func (f *Forge) commentBody(p forge.PullRef, key, words string) string {
	return cut(words, maxComment) + "\n\n" + f.marker(p, mark{key: key})
}

// settledBody writes note over a comment, its words folded away below.
func (f *Forge) settledBody(p forge.PullRef, key, note, body string) string {
	words := strings.TrimSpace(f.commentMarker.ReplaceAllString(body, ""))
	note = cut(note, 2000)
	return note + foldOpen + cut(words, maxComment) + foldClose + f.marker(p, mark{key: key, settled: true})
}

// restoredWords returns what a settled comment said before.
func (f *Forge) restoredWords(body string) string {
	body = f.commentMarker.ReplaceAllString(body, "")
	if _, rest, ok := strings.Cut(body, foldOpen); ok {
		body = rest
		if i := strings.LastIndex(body, strings.TrimRight(foldClose, "\n")); i >= 0 {
			body = body[:i]
		}
	}
	return strings.TrimSpace(body)
}

// confirms reports whether one of our keys made mac.
func (f *Forge) confirms(mac string, by func(finding.Key) string) bool {
	return slices.ContainsFunc(f.key.All(), func(k finding.Key) bool { return same(mac, by(k)) })
}

// branchMAC confirms that a commit of ours made this tree on this parent: a
// person who amends it does not get it overwritten.
func branchMAC(k finding.Key, repo forge.Repo, branch, tree, parent string) string {
	return k.Sum("branch marker", strconv.FormatInt(repo.ID, 10), branch, tree, parent)
}

// fixMAC confirms that a commit of ours on the branch of p answered ask.
func fixMAC(k finding.Key, p forge.Pull, ask, tree, parent string) string {
	return k.Sum("fix marker", strconv.FormatInt(p.Repo.ID, 10), p.HeadRef, ask, tree, parent)
}
