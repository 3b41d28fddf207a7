// Package pypi is the Python ecosystem: requirements files.
//
// Only a pinned requirement (== or ===) has a Version; any other says what
// would do, not what is installed. What another file or an address brings in
// (-r, -c, -e, a URL, a path) is not followed. The "# via" comments that
// pip-compile and uv write tell which packages are transitive.
package pypi

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"deps.dev/util/semver"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

const maxBytes = 4 << 20

// An Ecosystem reads Python requirements. It makes no upgrades.
type Ecosystem struct{}

var _ ecosystem.Ecosystem = Ecosystem{}

// Name returns OSV's name of the ecosystem.
func (Ecosystem) Name() string { return "PyPI" }

// Match reports whether p is a requirements file by its name:
// requirements-dev.txt, dev_requirements.txt, requirements/dev.txt.
func (Ecosystem) Match(p string) bool {
	stem, ok := strings.CutSuffix(strings.ToLower(path.Base(p)), ".txt")
	return ok && (strings.HasPrefix(stem, "requirements") || strings.HasSuffix(stem, "requirements") ||
		strings.EqualFold(path.Base(path.Dir(p)), "requirements"))
}

// Companions returns nothing: a requirements file stands alone.
func (Ecosystem) Companions(string) []string { return nil }

// Compare orders two versions by PEP 440. An invalid one is below all others.
func (Ecosystem) Compare(a, b string) int { return semver.PyPI.Compare(a, b) }

// Versions asks no registry: this ecosystem is read only.
func (Ecosystem) Versions(context.Context, string) ([]string, error) {
	return nil, ecosystem.ErrNoRegistry
}

// Upgrade refuses: this ecosystem is read only.
func (Ecosystem) Upgrade(_ context.Context, _ fs.FS, p ecosystem.Package, _ string) (map[string][]byte, error) {
	return nil, &ecosystem.RefusalError{Why: fmt.Sprintf("%s is a Python package, and upgrades cover Go modules and npm packages", p.Name)}
}

// Packages returns the requirements of the file at p by their canonical names.
func (Ecosystem) Packages(ctx context.Context, tree fs.FS, p string) ([]ecosystem.Package, error) {
	data, err := fs.ReadFile(tree, p)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", p, err)
	}
	if len(data) > maxBytes {
		return nil, &ecosystem.SyntaxError{Path: p, Text: "larger than 4 MiB"}
	}
	text, exact := decode(data)
	dev := devWord.MatchString(path.Base(p))
	var out []ecosystem.Package
	var askers [][]string // of each in out: who its comment says it is for
	for _, l := range logical(text) {
		if len(l.text) > maxLine {
			return nil, &ecosystem.SyntaxError{Path: p, Line: l.start, Text: "a line longer than 64 KiB"}
		}
		if strings.HasPrefix(l.text, "<<<<<<<") {
			return nil, &ecosystem.SyntaxError{Path: p, Line: l.start, Text: "merge conflict marker"}
		}
		if l.text == "" { // a comment alone belongs to the requirement above
			if n := len(askers); n > 0 {
				askers[n-1] = append(askers[n-1], l.via...)
			}
			continue
		}
		r, err := parse(l.text)
		if err != nil {
			return nil, &ecosystem.SyntaxError{Path: p, Line: l.start, Text: err.Error()}
		}
		if r.name == "" {
			continue
		}
		pkg := ecosystem.Package{
			Name: r.name, Version: r.version, Dev: dev,
			At: change.Span{Path: p, Start: l.start, End: l.end},
		}
		// A hash would have to change too.
		if exact && l.raw != "" && !r.options && r.version != "" && strings.Count(l.raw, r.version) == 1 {
			pkg.Line = l.raw
		}
		out, askers = append(out, pkg), append(askers, l.via)
	}
	trace(out, askers)
	return out, ctx.Err()
}

var devWord = regexp.MustCompile(`(?i)(^|[-_./])(dev|develop|development|tests?|testing|lint|docs?)([-_./]|$)`)

var runs = regexp.MustCompile(`[-_.]+`)

// Canonical returns a package's name as PEP 503 normalises it.
func Canonical(name string) string { return strings.ToLower(runs.ReplaceAllString(name, "-")) }

// A requirement is one line of a file, read. The zero one is a line that
// names no package of an index.
type requirement struct {
	name, version string
	options       bool // the line has options of its own, such as hashes
}

var (
	naming  = regexp.MustCompile(`^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(.*)$`)
	clause  = regexp.MustCompile(`^(===|==|~=|!=|<=|>=|<|>)\s*([A-Za-z0-9_.*+!-]+)$`)
	option  = regexp.MustCompile(`(^|\s)--?[A-Za-z]`)
	archive = regexp.MustCompile(`(?i)\.(whl|zip|tar\.[a-z0-9]+|tgz|tbz)$`)
)

func parse(text string) (requirement, error) {
	if strings.HasPrefix(text, "-") || strings.Contains(text, "://") || strings.HasPrefix(text, "file:") {
		return requirement{}, nil
	}
	spec, _, _ := strings.Cut(text, ";") // the rest is a marker: when to install
	first, _, _ := strings.Cut(spec, " ")
	if strings.ContainsAny(first, `/\`) || strings.HasPrefix(first, ".") || archive.MatchString(first) {
		return requirement{}, nil
	}
	var r requirement
	r.options = option.MatchString(text)
	if i := option.FindStringIndex(spec); i != nil {
		spec = spec[:i[0]]
	}
	m := naming.FindStringSubmatch(strings.TrimSpace(spec))
	if m == nil {
		return r, fmt.Errorf("not a requirement: %.100q", text)
	}
	r.name = Canonical(m[1])
	rest := strings.TrimSpace(m[2])
	if strings.HasPrefix(rest, "@") {
		return requirement{}, nil
	}
	if inner, ok := strings.CutPrefix(rest, "("); ok {
		rest = strings.TrimSuffix(inner, ")")
	}
	for c := range strings.SplitSeq(rest, ",") {
		if c = strings.TrimSpace(c); c == "" {
			continue
		}
		m := clause.FindStringSubmatch(c)
		if m == nil {
			return r, fmt.Errorf("not a requirement: %.100q", text)
		}
		if m[1] == "===" || m[1] == "==" && !strings.Contains(m[2], "*") {
			r.version = cmp.Or(r.version, m[2])
		}
	}
	return r, nil
}
