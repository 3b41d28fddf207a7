package pypi

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

// indexOptions are the options that say where packages are looked for, by all
// their names, in the words of pip's settings.
var indexOptions = map[string]string{
	"-i": "index-url", "--index-url": "index-url", "--pypi-url": "index-url", "--extra-index-url": "extra-index-url",
	"-f": "find-links", "--find-links": "find-links", "--trusted-host": "trusted-host",
}

// An index is one place where packages are looked for.
type index struct{ option, value string }

// Sourced reports whether the file at p can say where packages come from, or
// their hashes: a requirements file, one that it takes in, or pip's settings.
func (e Ecosystem) Sourced(p string) bool { return isSettings(p) || e.Includable(p) }

func isSettings(p string) bool { return path.Base(p) == "pip.conf" || path.Base(p) == "pip.ini" }

// stated is what a file says of sources.
type stated struct {
	indexes map[index]int       // to its line
	hashes  map[string][]string // by "NAME==VERSION"
	lines   map[string]int
}

func readStated(p string, data []byte) stated {
	s := stated{map[index]int{}, map[string][]string{}, map[string]int{}}
	if isSettings(p) {
		settings(data, func(i index, line int) { s.add(i, line) })
		return s
	}
	if len(data) > maxBytes {
		return s
	}
	text, _ := decode(data)
	lines := logical(text)
	for _, l := range lines[:min(len(lines), maxLines)] {
		r, err := l.requirement()
		if err != nil {
			continue // read has the error
		}
		for _, i := range r.indexes {
			s.add(i, l.start)
		}
		if r.version != "" && len(r.hashes) > 0 {
			key := r.name + "==" + r.version
			s.hashes[key] = append(s.hashes[key], r.hashes...)
			s.lines[key] = l.start
		}
	}
	return s
}

func (s stated) add(i index, line int) {
	i.value = strings.TrimSuffix(ecosystem.WithoutCredentials(i.value), "/")
	if _, ok := s.indexes[i]; !ok {
		s.indexes[i] = line
	}
}

// settings reads a file of pip's settings, in which a value can go on in indented lines.
func settings(data []byte, visit func(index, int)) {
	option := ""
	n := 0
	for l := range strings.Lines(string(data)) {
		n++
		text := strings.TrimSpace(l)
		if text == "" || text[0] == '#' || text[0] == ';' {
			continue
		}
		value := text
		if l[0] != ' ' && l[0] != '\t' {
			name, rest, _ := strings.Cut(text, "=")
			if i := strings.Index(text, ":"); i >= 0 && i < len(name) {
				name, rest = text[:i], text[i+1:]
			}
			option, value = indexOptions["--"+strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), "_", "-")], rest
		}
		if option == "" {
			continue
		}
		for v := range strings.FieldsSeq(value) {
			visit(index{option, v}, n)
		}
	}
}

// SourceChanges compares two states of such a file. Before is nil if it is new.
func (e Ecosystem) SourceChanges(p string, before, after []byte) []ecosystem.SourceChange {
	was, is := readStated(p, before), readStated(p, after)
	var out []ecosystem.SourceChange
	add := func(line int, kind ecosystem.SourceKind, key, what string) {
		out = append(out, ecosystem.SourceChange{At: change.Span{Path: p, Start: line, End: line}, Key: key, What: what, Kind: kind})
	}
	for i, line := range is.indexes {
		if _, ok := was.indexes[i]; !ok {
			add(line, ecosystem.Moved, i.option+" "+i.value, i.added())
		}
	}
	for i := range was.indexes {
		if _, ok := is.indexes[i]; !ok && i.option == "index-url" && !slices.ContainsFunc(out, func(c ecosystem.SourceChange) bool { return strings.HasPrefix(c.Key, "index-url ") }) {
			add(1, ecosystem.Moved, "no index-url", "pip no longer takes packages from "+i.shown())
		}
	}
	for key, hashes := range is.hashes {
		old := was.hashes[key]
		if len(old) == 0 {
			continue
		}
		if !slices.ContainsFunc(hashes, func(h string) bool { return slices.Contains(old, h) }) {
			add(is.lines[key], ecosystem.Tampered, "hash "+key, "The hashes of "+key+" are others than before")
		}
	}
	slices.SortFunc(out, func(a, b ecosystem.SourceChange) int {
		return cmp.Or(cmp.Compare(a.At.Start, b.At.Start), strings.Compare(a.Key, b.Key))
	})
	return out
}

func (i index) added() string {
	switch i.option {
	case "extra-index-url", "find-links":
		return fmt.Sprintf("pip takes packages from %s, too: of any name, the highest version wins", i.shown())
	case "trusted-host":
		return fmt.Sprintf("pip does not check the certificate of %s", i.shown())
	}
	return "pip takes packages from " + i.shown()
}

// shown is what may be shown of the place: its path can be a token.
func (i index) shown() string {
	if a := ecosystem.Address(i.value); a != "" {
		return a
	}
	if i.option == "trusted-host" {
		if a := ecosystem.Address("https://" + i.value); a != "" {
			return strings.TrimPrefix(a, "https://")
		}
	}
	if i.option == "find-links" && !strings.Contains(i.value, ":") {
		return i.value
	}
	return "an address that is not shown"
}
