// Package coverage names files of known kinds that no scanner reads: what
// people take for checked, and is not.
//
// The kinds are data (kinds.yaml). Which files are read is asked of the
// scanners, so a kind that a scanner learns to read goes without a change
// here. A wrong guess about what a file is costs a note and nothing else.
package coverage

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/bmatcuk/doublestar/v4"
	"go.yaml.in/yaml/v3"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
)

const (
	maxHead  = 64 << 10 // bytes of a file in which marks are looked for
	maxPaths = 500      // kept of a kind; the others are counted
)

// A Kind is a known kind of files; kinds.yaml says what its fields mean.
type Kind struct {
	Name      string `yaml:"kind"`
	One, Many string // the words for one file, and for several
	Scanners  texts  `yaml:"scanner"` // whose work it would be: "dependency", "iac", "workflow"
	Names     []string
	Marks     []texts // of one of them, the file has all
	With      []string
	Unless    []string
	Changed   bool
	Vendored  bool
	Help      string // a sentence, Markdown: how to have it checked; "" if there is no way

	globs []glob
}

// texts is a list; in the data, one text may stand for a list of one.
type texts []string

func (t *texts) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*t = texts{n.Value}
		return nil
	}
	return n.Decode((*[]string)(t))
}

//go:embed kinds.yaml
var data []byte

// Kinds returns the known kinds in their order, which the caller must not
// modify. Several may have one name.
var Kinds = sync.OnceValue(func() []Kind {
	kinds, err := parse(data)
	if err != nil {
		panic(err) // embedded, and a test reads it
	}
	return kinds
})

func parse(data []byte) ([]Kind, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	var kinds []Kind
	if err := d.Decode(&kinds); err != nil {
		return nil, fmt.Errorf("read the known kinds of files: %w", err)
	}
	if err := d.Decode(new(any)); err != io.EOF {
		return nil, fmt.Errorf("read the known kinds of files: more than one document")
	}
	first := map[string]Kind{}
	for i := range kinds {
		k := &kinds[i]
		switch {
		case k.Name == "" || len(k.Names) == 0:
			return nil, fmt.Errorf("known kind %d (%s) has no kind or no names", i+1, k.Name)
		case len(k.Scanners) == 0 || slices.ContainsFunc(k.Scanners, unknown):
			return nil, fmt.Errorf("known kind %s: scanner is %q", k.Name, k.Scanners)
		}
		for _, name := range k.Names {
			if !doublestar.ValidatePattern(name) {
				return nil, fmt.Errorf("known kind %s: bad pattern %s", k.Name, name)
			}
			for _, pattern := range expand(name) {
				k.globs = append(k.globs, newGlob(pattern))
			}
		}
		if f, ok := first[k.Name]; ok {
			k.One, k.Many, k.Help = f.One, f.Many, f.Help
			continue
		}
		if k.One == "" {
			k.One = k.Name + " file"
		}
		if k.Many == "" {
			k.Many = k.Name + " files"
		}
		first[k.Name] = *k
	}
	return kinds, nil
}

func unknown(scanner string) bool {
	return !slices.Contains([]string{"dependency", "iac", "workflow"}, scanner)
}

// Options say what is read, and what is not to be named.
type Options struct {
	// Read reports whether a scanner reads the file at path of Head, whether
	// or not the change touches it.
	Read func(path string) bool
	// Ignored reports paths that policy leaves out; nil: none.
	Ignored func(path string) bool
	// On reports whether the work of a scanner is asked for at all; nil: always.
	On func(scanner string) bool
}

// Of returns the files of known kinds that c adds or edits and that are not
// read, one entry a kind, in the order of Kinds.
func Of(c *change.Change, o Options) []finding.Uncovered {
	s := search{Change: c, Options: o, touched: map[string]bool{}}
	for _, f := range c.Files {
		if introduces(f) {
			s.touched[f.Path] = true
		}
	}
	at := map[string]*finding.Uncovered{}
	for _, f := range c.Files {
		if !s.touched[f.Path] || o.Ignored != nil && o.Ignored(f.Path) {
			continue
		}
		k := s.kind(f)
		if k == nil || o.On != nil && !slices.ContainsFunc(k.Scanners, o.On) || o.Read(f.Path) {
			continue
		}
		u := at[k.Name]
		if u == nil {
			u = &finding.Uncovered{Kind: k.Name, Scanners: k.Scanners, Help: k.Help}
			at[k.Name] = u
		}
		if u.Count++; u.Count <= maxPaths {
			u.Paths = append(u.Paths, f.Path)
		}
		u.Label = k.label(u.Count)
	}
	var out []finding.Uncovered
	for _, k := range Kinds() {
		if u := at[k.Name]; u != nil {
			out = append(out, *u)
			delete(at, k.Name)
		}
	}
	return out
}

func (k *Kind) label(n int) string {
	if n == 1 {
		return "1 " + k.One
	}
	return fmt.Sprintf("%d %s", n, k.Many)
}

// introduces reports whether f is a file at Head that says anything new. A
// renamed one with the content that it had does: beside what it is now counts.
func introduces(f change.File) bool {
	return f.Kind != change.Deleted && f.NewBlob != "" && (f.Kind != change.Modified || f.NewBlob != f.OldBlob)
}

type search struct {
	*change.Change
	Options
	touched map[string]bool
}

// kind returns the kind of f, nil if it is of none or covered by another file.
func (s *search) kind(f change.File) *Kind {
	vendored := inVendor(f.Path)
	head := sync.OnceValues(func() ([]byte, bool) { return s.head(f) })
	kinds := Kinds()
	for i := range kinds {
		k := &kinds[i]
		named, exactly := k.matches(f.Path)
		if !named || vendored && !k.Vendored || len(k.With) > 0 && !s.near(f.Path, k.With, s.exists) {
			continue
		}
		if len(k.Marks) > 0 {
			// Its name alone is enough of a mark for a file that is not read to its end.
			if text, whole := head(); !k.marked(text) && (whole || !exactly) {
				continue
			}
		}
		covers := func(p string) bool { return s.exists(p) && (!k.Changed || s.touched[p]) && s.Read(p) }
		if moved(k, f) || s.near(f.Path, k.Unless, covers) {
			return nil
		}
		return k
	}
	return nil
}

// moved reports whether f only has another path now, and was of kind k before:
// then it says nothing new. Where other files decide, it may.
func moved(k *Kind, f change.File) bool {
	if f.Kind != change.Renamed || f.OldBlob != f.NewBlob || len(k.Unless)+len(k.With) > 0 || inVendor(f.OldPath) {
		return false
	}
	was, _ := k.matches(f.OldPath)
	return was
}

// inVendor reports whether p is in a directory of other people's code.
func inVendor(p string) bool {
	for dir := range strings.SplitSeq(path.Dir(p), "/") {
		if dir == "node_modules" || dir == "vendor" || dir == "bower_components" {
			return true
		}
	}
	return false
}

// head returns the beginning of f, as text, and whether that is all of it.
func (s *search) head(f change.File) ([]byte, bool) {
	b, err := s.Contents.Blob(f.NewBlob)
	if err != nil || f.Skip != "" || f.Mode&fs.ModeSymlink != 0 {
		return nil, false
	}
	whole := len(b) <= maxHead
	if b = b[:min(len(b), maxHead)]; bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		if text, _, ok := change.Text(b); ok {
			b = text
		}
	}
	return b, whole
}

func (s *search) exists(p string) bool {
	if s.touched[p] {
		return true
	}
	info, err := fs.Stat(s.After, p)
	return err == nil && !info.IsDir()
}

// near reports whether one of names, beside the file at p or in a directory
// above it, is what is asked for.
func (s *search) near(p string, names []string, is func(path string) bool) bool {
	if !fs.ValidPath(p) || len(names) == 0 {
		return false
	}
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		for _, name := range names {
			if is(path.Join(dir, name)) {
				return true
			}
		}
		if dir == "." {
			return false
		}
	}
}

// A glob is one pattern of a kind, without braces.
type glob struct {
	pattern, end string // what a matching path ends with
	whole        bool   // the whole path is matched
	exact        bool   // the base name has no wildcard
}

func newGlob(pattern string) glob {
	base := path.Base(pattern)
	return glob{
		pattern: pattern, end: base[strings.LastIndexAny(base, "*?]")+1:],
		whole: strings.Contains(pattern, "/"), exact: !strings.ContainsAny(base, "*?["),
	}
}

// matches reports whether the file at p has a name of k, and whether that is
// one without wildcards.
func (k *Kind) matches(p string) (named, exactly bool) {
	for _, g := range k.globs {
		if !strings.HasSuffix(p, g.end) {
			continue
		}
		name := p
		if !g.whole {
			name = path.Base(p)
		}
		if ok, err := doublestar.Match(g.pattern, name); ok && err == nil {
			return true, g.exact
		}
	}
	return false, false
}

// expand returns the patterns that one with braces stands for.
func expand(pattern string) []string {
	before, rest, ok := strings.Cut(pattern, "{")
	choices, after, closed := strings.Cut(rest, "}")
	if !ok || !closed {
		return []string{pattern}
	}
	var out []string
	for choice := range strings.SplitSeq(choices, ",") {
		out = append(out, expand(before+choice+after)...)
	}
	return out
}

func (k *Kind) marked(text []byte) bool {
	return slices.ContainsFunc(k.Marks, func(all texts) bool {
		return !slices.ContainsFunc(all, func(part string) bool { return !bytes.Contains(text, []byte(part)) })
	})
}
