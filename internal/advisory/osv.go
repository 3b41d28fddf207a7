package advisory

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

const (
	summaryRunes = 200
	urlsKept     = 5
)

// osv is what we read of a record; the format is https://ossf.github.io/osv-schema/.
type osv struct {
	ID        string    `json:"id"`
	Modified  time.Time `json:"modified"`
	Published time.Time `json:"published"`
	Withdrawn string    `json:"withdrawn"`
	Aliases   []string  `json:"aliases"`
	Summary   string    `json:"summary"`
	Details   string    `json:"details"`
	Severity  []score   `json:"severity"`
	Affected  []struct {
		Package struct {
			Ecosystem string `json:"ecosystem"`
			Name      string `json:"name"`
		} `json:"package"`
		Severity []score `json:"severity"`
		Ranges   []struct {
			Type   string              `json:"type"`
			Events []map[string]string `json:"events"`
		} `json:"ranges"`
		Versions  []string `json:"versions"`
		Ecosystem database `json:"ecosystem_specific"`
		Database  database `json:"database_specific"`
	} `json:"affected"`
	References []struct {
		Type string `json:"type"`
		URL  string `json:"url"`
	} `json:"references"`
	Database database `json:"database_specific"`
}

type score struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

// database is what each database adds in its own words; anything may be there.
type database struct {
	severity, url string
	cvss          string   // a vector
	imports       []string // paths of the affected packages of a Go module
}

func (d *database) UnmarshalJSON(b []byte) error {
	var raw map[string]any
	if err := json.Unmarshal(b, &raw); err != nil {
		return nil // not an object: it states nothing that we read
	}
	d.severity, _ = raw["severity"].(string)
	d.url, _ = raw["url"].(string)
	d.cvss, _ = raw["cvss"].(string)
	packages, _ := raw["imports"].([]any)
	for _, p := range packages {
		member, _ := p.(map[string]any)
		if path, ok := member["path"].(string); ok && path != "" {
			d.imports = append(d.imports, path)
		}
	}
	return nil
}

// A record is one OSV record, made ready for the index.
type record struct {
	id                  string
	aliases             []string
	summary             string
	modified, published time.Time
	urls                []string
	rating              rating
	affected            []affected
	unversioned         []string // packages that it names without any version or range
}

// An affected is what a record says of one package.
type affected struct {
	ecosystem, name string
	ranges          []versionRange
	versions        []string // as manifests write them
	imports         []string // the affected packages of a Go module; nil: all
	rating          rating   // of this package alone; the zero one: that of the record
}

// identifier is what an id may look like: it becomes part of a rule's name.
var identifier = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:+-]{0,127}$`)

// errWithdrawn means that a record was taken back by who published it.
var errWithdrawn = errors.New("withdrawn")

// read makes a record of its JSON.
func read(data []byte) (*record, error) {
	var o osv
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, fmt.Errorf("not an OSV record: %w", err)
	}
	if !identifier.MatchString(o.ID) {
		return nil, fmt.Errorf("not an OSV record: the id is %.140q", o.ID)
	}
	if o.Withdrawn != "" {
		return nil, errWithdrawn
	}
	r := &record{
		id: o.ID, summary: summary(o.Summary, o.Details), modified: o.Modified, published: o.Published, urls: urls(&o),
	}
	scores, databases := o.Severity, []database{o.Database}
	for _, a := range o.Aliases {
		if a != o.ID && identifier.MatchString(a) {
			r.aliases = append(r.aliases, a)
		}
	}
	slices.Sort(r.aliases)
	r.aliases = slices.Compact(r.aliases)
	for _, a := range o.Affected {
		scores = append(slices.Clip(scores), a.Severity...)
		databases = append(databases, a.Ecosystem, a.Database)
		if a.Package.Name == "" || len(a.Package.Name) > 1024 || a.Package.Ecosystem == "" {
			continue // of a source repository, not of a package
		}
		p := affected{ecosystem: a.Package.Ecosystem, name: canonical(a.Package.Ecosystem, a.Package.Name)}
		p.imports, p.rating = a.Ecosystem.imports, rate(o.ID, a.Severity, a.Ecosystem, a.Database)
		for _, v := range a.Versions {
			p.versions = append(p.versions, written(p.ecosystem, p.name, v))
		}
		for _, g := range a.Ranges {
			if g.Type != "SEMVER" && g.Type != "ECOSYSTEM" {
				continue // GIT: commits, which manifests do not state
			}
			one, err := readRange(g.Events, func(v string) string { return written(p.ecosystem, p.name, v) })
			if err != nil {
				return nil, fmt.Errorf("%s: %w", a.Package.Name, err)
			}
			if one.begins() {
				p.ranges = append(p.ranges, one)
			}
		}
		if len(p.ranges)+len(p.versions) == 0 {
			r.unversioned = append(r.unversioned, p.ecosystem+" "+oneLine(p.name, summaryRunes))
			continue
		}
		r.affected = append(r.affected, p)
	}
	r.rating = rate(o.ID, scores, databases...)
	return r, nil
}

var separators = regexp.MustCompile(`[-_.]+`)

// canonical returns the one spelling of a package's name: PyPI takes several for the same.
func canonical(ecosystem, name string) string {
	if ecosystem == "PyPI" {
		return strings.ToLower(separators.ReplaceAllString(name, "-"))
	}
	return name
}

// written returns a version as manifests of the ecosystem write it: OSV leaves
// out the "v" that every Go module version has.
func written(ecosystem, name, version string) string {
	if ecosystem == "Go" && name != "stdlib" && name != "toolchain" && version != "0" && !strings.HasPrefix(version, "v") {
		return "v" + version
	}
	return version
}

// listed is how versions of explicit lists are compared: spelled alike but for
// case, a leading "v" and zeros at the end.
func listed(version string) string {
	v := strings.TrimPrefix(strings.ToLower(version), "v")
	for strings.HasSuffix(v, ".0") {
		v = strings.TrimSuffix(v, ".0")
	}
	return v
}

// summary returns the record's own, or the first words of its details.
func summary(text, details string) string {
	if s := oneLine(text, summaryRunes); s != "" {
		return s
	}
	for l := range strings.Lines(details) {
		if s := oneLine(l, summaryRunes); s != "" && !strings.HasPrefix(s, "#") {
			return s
		}
	}
	return ""
}

// oneLine makes foreign text fit for a line: no control or formatting
// characters, no runs of space, at most limit runes.
func oneLine(s string, limit int) string {
	if len(s) > 8*limit {
		s = strings.ToValidUTF8(s[:8*limit], "")
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > limit {
		s = strings.TrimSpace(string(r[:limit-1])) + "…"
	}
	return s
}

// byUse ranks the types of references, most useful first.
var byUse = []string{"ADVISORY", "FIX", "REPORT", "ARTICLE", "WEB"}

func urls(o *osv) []string {
	rank := func(kind string) int {
		if i := slices.Index(byUse, kind); i >= 0 {
			return i
		}
		return len(byUse)
	}
	refs := slices.Clone(o.References)
	slices.SortStableFunc(refs, func(a, b struct {
		Type string `json:"type"`
		URL  string `json:"url"`
	}) int {
		return cmp.Compare(rank(a.Type), rank(b.Type))
	})
	var out []string
	take := func(raw string) {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(raw) > 500 ||
			strings.ContainsAny(raw, " <>\"'`()[]\\") || oneLine(raw, 500) != raw {
			return
		}
		if len(out) < urlsKept && !slices.Contains(out, raw) {
			out = append(out, raw)
		}
	}
	take(o.Database.url)
	for _, r := range refs {
		take(r.URL)
	}
	return out
}
