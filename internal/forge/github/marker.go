package github

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
)

// A mark is what the hidden last line of a comment of ours says.
type mark struct {
	keys    []string // of its findings
	settled bool     // the words above it were written over
	words   string   // digest of what they say; "" in comments of older versions
	covers  string   // digests of the findings' advisories, or coversAll
	old     bool     // the key before the present one signed it
}

// is reports whether m is of a comment that is known by key alone.
func (m mark) is(key string) bool { return len(m.keys) == 1 && m.keys[0] == key }

// coversAll is of a comment about more advisories than a marker holds.
const (
	coversAll  = "all"
	mostCovers = 4000 // bytes
)

func markMAC(k finding.Key, p forge.PullRef, m mark) string {
	parts := []string{strconv.FormatInt(p.Repo.ID, 10), strconv.Itoa(p.Number), strings.Join(m.keys, ","), strconv.FormatBool(m.settled)}
	if m.words != "" {
		parts = append(parts, m.words, m.covers)
	}
	return k.Sum("comment marker", parts...)
}

// markPattern finds markers: settled, keys, words, covers, MAC.
const markPattern = `<!-- pullwarden:1 (settled )?key=(\S+)(?: words=([0-9a-f]{16}))?(?: covers=([0-9a-f]+|all))? mac=([0-9a-f]{32}) -->`

// marker renders m for a comment on p. It is good on that pull request alone.
func (f *Forge) marker(p forge.PullRef, m mark) string {
	var b strings.Builder
	b.WriteString("<!-- pullwarden:1 ")
	if m.settled {
		b.WriteString("settled ")
	}
	var keys []string
	for _, key := range m.keys {
		keys = append(keys, url.QueryEscape(key)) // a comma in one becomes %2C
	}
	b.WriteString("key=" + strings.Join(keys, ","))
	if m.words != "" {
		b.WriteString(" words=" + m.words)
	}
	if m.covers != "" {
		b.WriteString(" covers=" + m.covers)
	}
	return b.String() + " mac=" + markMAC(f.key, p, m) + " -->"
}

// readMark reads the last marker in body, the place where we put ours. One
// that we did not sign counts for nothing.
func (f *Forge) readMark(p forge.PullRef, body string) (mark, bool) {
	all := f.commentMarker.FindAllStringSubmatch(body, -1)
	if len(all) == 0 {
		return mark{}, false
	}
	last := all[len(all)-1]
	m := mark{settled: last[1] != "", words: last[3], covers: last[4]}
	for _, escaped := range strings.Split(last[2], ",") {
		key, err := url.QueryUnescape(escaped)
		if err != nil {
			return mark{}, false
		}
		m.keys = append(m.keys, key)
	}
	if !f.confirms(last[5], func(k finding.Key) string { return markMAC(k, p, m) }) {
		return mark{}, false
	}
	m.old = !same(last[5], markMAC(f.key, p, m))
	return m, true
}

// covered is a mark's digest of one advisory, by one of its names, of a finding.
func covered(key, advisory string) string { return digestOf(key + "\x00" + advisory)[:6] }

func digestOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// covering is what a mark says of advisories, by key and with all their names.
func covering(keys []string, advisories map[string][][]string) string {
	var b strings.Builder
	for _, key := range keys {
		for _, names := range advisories[key] {
			b.WriteString(covered(key, names[0]))
		}
	}
	if b.Len() > mostCovers {
		return coversAll
	}
	return b.String()
}

// news returns the advisories of a finding that the comment of m is not about.
func (m mark) news(key string, advisories [][]string) (ids []string) {
	if m.words == "" || m.covers == coversAll {
		return nil
	}
	known := map[string]bool{}
	for i := 0; i+6 <= len(m.covers); i += 6 {
		known[m.covers[i:i+6]] = true
	}
	for _, names := range advisories {
		if !slices.ContainsFunc(names, func(name string) bool { return known[covered(key, name)] }) {
			ids = append(ids, names[0])
		}
	}
	return ids
}

// words returns body without our markers.
func (f *Forge) words(body string) string {
	return strings.TrimSpace(f.commentMarker.ReplaceAllString(body, ""))
}

// GitHub takes 65,536 characters of a comment. maxComment is how many bytes of
// its words are sent; a longer marker leaves less.
const (
	longestComment = 65_536
	maxComment     = 60_000
)

// signed returns words with the marker m below.
func (f *Forge) signed(p forge.PullRef, m mark, words string) string {
	marker := "\n\n" + f.marker(p, m)
	return cut(words, min(maxComment, longestComment-len(marker))) + marker
}

// commentBody is signed for a comment that is known by one key.
func (f *Forge) commentBody(p forge.PullRef, key, words string) string {
	return f.signed(p, mark{keys: []string{key}}, words)
}

// settledBody writes note over a comment, its words folded away below.
func (f *Forge) settledBody(p forge.PullRef, m mark, note, body string) string {
	const foldOpen, foldClose = "\n\n<details><summary>What it said</summary>\n\n", "\n\n</details>"
	m.settled = true
	note = cut(note, 2000) + foldOpen
	rest := min(maxComment, longestComment-len(f.marker(p, m))-2) - len(note) - len(foldClose)
	return f.signed(p, m, note+cut(f.words(body), rest)+foldClose)
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
