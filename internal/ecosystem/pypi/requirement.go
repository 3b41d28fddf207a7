package pypi

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// A requirement is one line of a file, read. It has no name if the line asks
// for nothing that is not the repository's own.
type requirement struct {
	name, version string
	constraint    string   // where there is no version
	source        string   // as of a Package
	includes      []string // files that the line takes in, as it states them
	limits        []string // those of them that ask for nothing (-c)
	indexes       []index  // where packages are looked for
	hashes        []string
	options       bool // the line has options of its own, such as hashes
}

var (
	naming  = regexp.MustCompile(`^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(.*)$`)
	clause  = regexp.MustCompile(`^(===|==|~=|!=|<=|>=|<|>)\s*([A-Za-z0-9_.*+!-]+)$`)
	option  = regexp.MustCompile(`(?:^|\s)--?[A-Za-z]`)
	scheme  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)
	archive = regexp.MustCompile(`(?i)\.(?:whl|zip|tar(?:\.[a-z0-9]+)?|tgz|tbz|tlz|txz)$`)
	expands = regexp.MustCompile(`\$\{[A-Z0-9_]+\}`)
	hash    = regexp.MustCompile(`--hash[=\s]\s*([A-Za-z0-9]+:[0-9A-Fa-f]+)`)
	egg     = regexp.MustCompile(`[#&]egg=([A-Za-z0-9][A-Za-z0-9._-]*)`)
)

// parse reads a logical line as pip does.
func parse(text string) (requirement, error) {
	if strings.HasPrefix(text, "-") {
		return parseOptions(text)
	}
	// A marker says when to install. Behind an address, only a blank sets it off.
	spec, _, _ := strings.Cut(text, ";")
	if isAddress(spec) {
		spec, _, _ = strings.Cut(text, "; ")
		spec, _, _ = strings.Cut(spec, " ;")
	}
	r := requirement{options: option.MatchString(text)}
	for _, m := range hash.FindAllStringSubmatch(text, -1) {
		r.hashes = append(r.hashes, strings.ToLower(m[1]))
	}
	if i := option.FindStringIndex(spec); i != nil {
		spec = spec[:i[0]]
	}
	spec = strings.TrimSpace(spec)
	notOne := fmt.Errorf("not a requirement: %.1000q", text)
	if strings.Contains(spec, `\`) {
		return r, notOne
	}
	if scheme.MatchString(spec) || !isAddress(spec) && (strings.HasPrefix(spec, ".") || strings.Contains(spec, "/") || archive.MatchString(spec)) {
		var err error
		r.name, r.source, err = elsewhere(spec)
		return r, err
	}
	m := naming.FindStringSubmatch(spec)
	if m == nil {
		return r, notOne
	}
	r.name = Canonical(m[1])
	rest := strings.TrimSpace(m[2])
	if at, ok := strings.CutPrefix(rest, "@"); ok {
		if at = strings.TrimSpace(at); at == "" {
			return r, notOne
		}
		r.source = sourceOf(at)
		return r, nil
	}
	if inner, ok := strings.CutPrefix(rest, "("); ok {
		rest = strings.TrimSuffix(inner, ")")
	}
	var clauses []string
	for c := range strings.SplitSeq(rest, ",") {
		if c = strings.TrimSpace(c); c == "" {
			continue
		}
		m := clause.FindStringSubmatch(c)
		if m == nil {
			return r, notOne
		}
		if m[1] == "===" || m[1] == "==" && !strings.Contains(m[2], "*") {
			r.version = cmp.Or(r.version, m[2])
		}
		clauses = append(clauses, m[1]+m[2])
	}
	if r.version == "" {
		r.constraint = strings.Join(clauses, ",")
	}
	return r, nil
}

// isAddress reports whether spec is one or gives one for a name.
func isAddress(spec string) bool {
	if scheme.MatchString(spec) {
		return true
	}
	m := naming.FindStringSubmatch(strings.TrimSpace(spec))
	return m != nil && strings.HasPrefix(m[2], "@")
}

func sourceOf(address string) string {
	switch s := strings.ToLower(scheme.FindString(address)); {
	case s == "" || s == "file:":
		return "a file"
	case strings.HasPrefix(s, "git") || strings.HasPrefix(s, "hg") || strings.HasPrefix(s, "svn") || strings.HasPrefix(s, "bzr"):
		return "git"
	}
	return "an address"
}

// elsewhere returns name and source of a requirement that is a path or an
// address. The name is "" if that is a directory of the repository: its own code.
func elsewhere(spec string) (name, source string, err error) {
	source = sourceOf(spec)
	if m := egg.FindStringSubmatch(spec); m != nil {
		return Canonical(strings.TrimRight(m[1], "._-")), source, nil
	}
	file := spec
	if scheme.MatchString(spec) {
		u, err := url.Parse(spec)
		if err != nil {
			return "", "", fmt.Errorf("not an address: %.1000q", spec)
		}
		file = cmp.Or(u.Path, u.Opaque)
		file, _, _ = strings.Cut(file, "@") // a branch
		file = strings.TrimSuffix(file, ".git")
	} else {
		file, _, _ = strings.Cut(file, "[") // extras
		if strings.ContainsFunc(file, unicode.IsSpace) {
			return "", "", fmt.Errorf("not a requirement: %.1000q", spec)
		}
		if !archive.MatchString(file) {
			return "", "", nil
		}
	}
	base := path.Base(file)
	if archive.MatchString(base) {
		// A wheel is NAME-VERSION-…, a source archive NAME-VERSION.
		base = archive.ReplaceAllString(base, "")
		if i := release.FindStringIndex(base); i != nil {
			base = base[:i[0]]
		}
	}
	if m := naming.FindStringSubmatch(base); m != nil && m[2] == "" {
		return Canonical(m[1]), source, nil
	}
	return "", "", fmt.Errorf("an address that names no package: %.1000q", spec)
}

// release matches where the version in the name of an archive begins.
var release = regexp.MustCompile(`-v?[0-9]`)

// parseOptions reads a line of options. What takes another file in is
// returned; what says where and how to look for packages changes nothing here.
func parseOptions(text string) (requirement, error) {
	words, err := split(text)
	if err != nil {
		return requirement{}, err
	}
	var r requirement
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		name, value, given := strings.Cut(word, "=")
		if !strings.HasPrefix(word, "--") && len(word) > 2 { // -rother.txt
			name, value, given = word[:2], strings.TrimPrefix(word[2:], "="), true
		}
		takes, known := takesValue(name)
		switch {
		case !known || given && !takes:
			return r, fmt.Errorf("not an option of a requirements file: %.1000q", word)
		case takes && !given:
			if len(words) == 0 {
				return r, fmt.Errorf("%s without a value", name)
			}
			value, words = words[0], words[1:]
		}
		if option := indexOptions[name]; option != "" {
			r.indexes = append(r.indexes, index{option, value})
		}
		switch name {
		case "-r", "--requirement", "-c", "--constraint":
			if expands.MatchString(value) {
				return r, fmt.Errorf("not a line of options that can be read: an environment variable names the file %.1000q", value)
			}
			r.includes = append(r.includes, value)
			if name == "-c" || name == "--constraint" {
				r.limits = append(r.limits, value)
			}
		case "-e", "--editable":
			if r.name != "" || len(words) > 0 && !strings.HasPrefix(words[0], "-") {
				return r, errors.New("more than one package on a line")
			}
			if isDirectory(value) {
				continue
			}
			if !scheme.MatchString(value) {
				return r, fmt.Errorf("neither a path nor an address: %.1000q", value)
			}
			if r.name, r.source, err = elsewhere(value); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// isDirectory reports whether an editable requirement is a path: to code of
// the repository, with extras perhaps.
func isDirectory(value string) bool {
	return !scheme.MatchString(value) && !strings.ContainsAny(value, "=<>~!@;")
}

// takesValue reports whether an option of a requirements file takes one, and
// whether there is such an option.
func takesValue(name string) (takes, known bool) {
	switch {
	case slices.Contains([]string{
		"-r", "--requirement", "-c", "--constraint", "-e", "--editable", "-i", "--index-url", "--pypi-url", "--extra-index-url",
		"-f", "--find-links", "--no-binary", "--only-binary", "--trusted-host", "--use-feature",
	}, name):
		return true, true
	case slices.Contains([]string{"--no-index", "--prefer-binary", "--require-hashes", "--pre", "--always-unzip", "-Z"}, name):
		return false, true
	}
	return false, false
}

// split cuts a line into words as a shell would. Nothing is expanded: pip puts
// in the values of ${NAMES}, and they are not known here.
func split(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	inside, quote := false, rune(0)
	for _, c := range text {
		switch {
		case c == '\\':
			return nil, fmt.Errorf("not a line of options that can be read: %.1000q", text)
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '"' || c == '\'':
			quote, inside = c, true
		case unicode.IsSpace(c):
			if inside {
				words = append(words, word.String())
				word.Reset()
			}
			inside = false
		default:
			inside = true
			word.WriteRune(c)
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quote without an end: %.1000q", text)
	}
	if inside {
		words = append(words, word.String())
	}
	return words, nil
}
