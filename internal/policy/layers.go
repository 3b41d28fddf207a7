package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// An organisation keeps what holds for all its repositories in its repository
// OrganisationRepo, at OrganisationPath: what they leave open, and floors that
// they cannot go below.
const (
	OrganisationRepo = ".github"
	OrganisationPath = "pullwarden.yml"
	// OrganisationRules is where it keeps rules for secrets of its own.
	OrganisationRules = "pullwarden-rules.toml"
)

// Layers are the texts that a policy is made of, each over the one before it:
// our defaults, the organisation's file, the repository's. An empty text says nothing.
type Layers struct{ Organisation, Repository []byte }

// Floors are what no repository of an organisation can go below.
type Floors struct {
	Mode           Mode             // Enforce: none can choose to observe
	Block, Comment finding.Severity // the highest thresholds that may be chosen; Never for none
	OnScannerError Action           // Block: none can do with a note
	Uncovered      Action           // Block: none can do with a note
	// UnknownSeverity is the mildest that may be chosen.
	UnknownSeverity finding.Severity
	Scanners        []string      // sections that none can turn off, skip rules of, or choose a milder profile for
	KeepPaths       bool          // none can ignore paths, or call more of them test data
	NoMarkers       bool          // no marker in a source excuses anything
	Exception       time.Duration // no exception may end later than that from now; 0: any may
}

func noFloors() Floors {
	return Floors{Block: finding.Never, Comment: finding.Never, OnScannerError: Note, Uncovered: Note}
}

// A Raised is a value that a floor changed.
type Raised struct{ Key, Wanted, Got string }

// Compose makes one policy of the layers. Every error is a *SyntaxError, whose
// Layer tells which text it is about; with one the Policy is of no use.
//
// A key that is not supported yet has no effect: files that an older version
// accepted go on working. It is listed in Unsupported.
func Compose(l Layers) (Policy, error) { return compose(l, nil) }

func compose(l Layers, refuse refusal) (Policy, error) {
	p := Default()
	floors := p.Floors
	if len(l.Organisation) > 0 {
		if err := read(l.Organisation, &p, &floors, refuse); err != nil {
			err.Layer = Organisation
			return Policy{}, err
		}
		p.Hash = digest(l.Organisation)
	}
	above := p.copied()
	if len(l.Repository) > 0 {
		if err := read(l.Repository, &p, nil, refuse); err != nil {
			err.Layer = Repository
			return Policy{}, err
		}
		p.Hash = digest(l.Organisation, l.Repository)
	}
	for i := range p.Unsupported {
		p.Unsupported[i].Layer = Repository
		if i < len(above.Unsupported) {
			p.Unsupported[i].Layer = Organisation
		}
	}
	for i := range above.Ignore {
		p.Ignore[i].Layer = Organisation
	}
	for i := range above.Sections {
		p.Sections[i].Layer = Organisation
	}
	if named := above.Security.Reviewers; len(named) > 0 && !slices.Equal(named, p.Security.Reviewers) {
		// Who approves exceptions of what blocks is nothing that a repository chooses over its organisation.
		p.Raised = append(p.Raised, Raised{"security.reviewers", list(p.Security.Reviewers), list(named)})
		p.Security.Reviewers = named
	}
	p.raise(floors, above)
	return p, nil
}

// digest identifies the texts; of a repository's alone it is that of the text.
func digest(texts ...[]byte) string {
	h := sha256.New()
	texts = slices.DeleteFunc(texts, func(t []byte) bool { return len(t) == 0 })
	for i, t := range texts {
		if i > 0 {
			h.Write([]byte{0})
		}
		h.Write(t)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// copied is p with lists of its own.
func (p Policy) copied() Policy {
	scanners := map[string]Scanner{}
	for key, s := range p.Scanners {
		s.Skip = slices.Clone(s.Skip)
		scanners[key] = s
	}
	p.Scanners, p.IgnorePaths, p.TestPaths, p.Ignore, p.Sections = scanners, slices.Clone(p.IgnorePaths), slices.Clone(p.TestPaths), slices.Clone(p.Ignore), slices.Clone(p.Sections)
	return p
}

// raise brings p up to the floors; above is what the organisation itself says.
func (p *Policy) raise(f Floors, above Policy) {
	p.Floors = f
	note := func(key string, wanted, got any) {
		p.Raised = append(p.Raised, Raised{key, fmt.Sprint(wanted), fmt.Sprint(got)})
	}
	if f.Mode == Enforce && p.Mode != Enforce {
		if p.Mode == Observe {
			note("mode", p.Mode, Enforce)
		}
		p.Mode = Enforce
	}
	threshold := func(key string, s *finding.Severity, floor finding.Severity) {
		if *s > floor {
			note(key, *s, floor)
			*s = floor
		}
	}
	threshold("block", &p.Block, f.Block)
	threshold("comment", &p.Comment, f.Comment)
	for i := range p.Sections {
		threshold(fmt.Sprintf("sections[%d].block", i), &p.Sections[i].Block, f.Block)
		threshold(fmt.Sprintf("sections[%d].comment", i), &p.Sections[i].Comment, f.Comment)
	}
	if p.OnScannerError < f.OnScannerError {
		note("on_scanner_error", p.OnScannerError, f.OnScannerError)
		p.OnScannerError = f.OnScannerError
	}
	if p.Uncovered < f.Uncovered {
		note("uncovered", p.Uncovered, f.Uncovered)
		p.Uncovered = f.Uncovered
	}
	if p.UnknownSeverity < f.UnknownSeverity {
		note("unknown_severity", p.UnknownSeverity, f.UnknownSeverity)
		p.UnknownSeverity = f.UnknownSeverity
	}
	if f.KeepPaths && !slices.Equal(p.TestPaths, above.TestPaths) {
		note("paths.tests", list(p.TestPaths), list(above.TestPaths))
		p.TestPaths = above.TestPaths
	}
	if f.KeepPaths && len(p.IgnorePaths) > len(above.IgnorePaths) {
		note("paths.ignore", list(p.IgnorePaths), list(above.IgnorePaths))
		p.IgnorePaths = above.IgnorePaths
	}
	for _, key := range f.Scanners {
		s := p.Scanners[key]
		if !s.Enabled {
			note("scanners."+key+".enabled", false, true)
			s.Enabled = true
		}
		if asked := above.Scanners[key].Skip; len(s.Skip) > len(asked) {
			note("scanners."+key+".skip", list(s.Skip), list(asked))
			s.Skip = asked
		}
		if above.Scanners[key].Profile == All && s.Profile != All {
			note("scanners."+key+".profile", s.Profile, All)
			s.Profile = All
		}
		p.Scanners[key] = s
	}
}

// floors reads what no repository can go below.
func (r *reader) floors(n *yaml.Node, f *Floors) {
	words, levels := thresholds()
	r.mapping(n, "`floors`",
		field{"mode", false, func(n *yaml.Node) {
			choice(r, n, "`floors.mode`", &f.Mode, []string{string(Enforce), string(Observe)}, []Mode{Enforce, Observe})
		}},
		field{"block", false, func(n *yaml.Node) { choice(r, n, "`floors.block`", &f.Block, words, levels) }},
		field{"comment", false, func(n *yaml.Node) { choice(r, n, "`floors.comment`", &f.Comment, words, levels) }},
		field{"on_scanner_error", false, func(n *yaml.Node) {
			choice(r, n, "`floors.on_scanner_error`", &f.OnScannerError, []string{"note", "block"}, []Action{Note, Block})
		}},
		field{"uncovered", false, func(n *yaml.Node) {
			choice(r, n, "`floors.uncovered`", &f.Uncovered, []string{"note", "block"}, []Action{Note, Block})
		}},
		field{"unknown_severity", false, func(n *yaml.Node) {
			choice(r, n, "`floors.unknown_severity`", &f.UnknownSeverity, words[:len(words)-1], levels[:len(levels)-1])
		}},
		field{"scanners", false, func(n *yaml.Node) {
			r.list(n, "`floors.scanners`", len(sections())+1, func(n *yaml.Node) {
				var keys []string
				for _, s := range sections() {
					keys = append(keys, s.key)
				}
				if n.Value == workflows {
					r.notSupported(n, "floors.scanners: "+workflows, n)
					return
				}
				var key string
				choice(r, n, "an entry of `floors.scanners`", &key, keys, keys)
				f.Scanners = append(f.Scanners, key)
			})
		}},
		field{"ignored_paths", false, func(n *yaml.Node) {
			choice(r, n, "`floors.ignored_paths`", &f.KeepPaths, []string{"none", "any"}, []bool{true, false})
		}},
		field{"markers", false, func(n *yaml.Node) {
			choice(r, n, "`floors.markers`", &f.NoMarkers, []string{"none", "any"}, []bool{true, false})
		}},
		field{"exception", false, func(n *yaml.Node) { r.duration(n, "`floors.exception`", &f.Exception) }},
	)
}

// A Section holds for some paths, instead of what the policy says elsewhere.
type Section struct {
	Path           string // glob
	Block, Comment finding.Severity
	Line           int    // in the file of
	Layer          string // Organisation; "" is the repository
}

// section reads an entry of `sections`; what it does not say is as in p.
func (r *reader) section(n *yaml.Node, p *Policy) {
	words, levels := thresholds()
	s := Section{Block: p.Block, Comment: p.Comment, Line: max(1, n.Line)}
	r.mapping(n, "an entry of `sections`",
		field{"path", true, func(n *yaml.Node) { s.Path, _ = r.pathGlob(n, "`path`") }},
		field{"block", false, func(n *yaml.Node) { choice(r, n, "`block`", &s.Block, words, levels) }},
		field{"comment", false, func(n *yaml.Node) { choice(r, n, "`comment`", &s.Comment, words, levels) }},
	)
	p.Sections = append(p.Sections, s)
}

func thresholds() ([]string, []finding.Severity) {
	return []string{"critical", "high", "medium", "low", "never"},
		[]finding.Severity{finding.Critical, finding.High, finding.Medium, finding.Low, finding.Never}
}

// thresholds returns from which severities on a finding blocks and gets a
// comment. Of several sections that match a path the last one holds, and of
// several places of a finding the strictest.
func (p Policy) thresholds(f finding.Finding) (block, comment finding.Severity) {
	block, comment = p.at(f.At.Path)
	for _, s := range f.Also {
		b, c := p.at(s.Path)
		block, comment = min(block, b), min(comment, c)
	}
	return block, comment
}

func (p Policy) at(path string) (block, comment finding.Severity) {
	for _, s := range slices.Backward(p.Sections) {
		if matches(s.Path, path) {
			return s.Block, s.Comment
		}
	}
	return p.Block, p.Comment
}

// where names the place of a value in a layer.
func where(layer string, line int) string {
	if layer == Organisation {
		return fmt.Sprintf("organisation, line %d", line)
	}
	return fmt.Sprintf("line %d", line)
}

// summary is an exception in a few words.
func (e Exception) summary() string {
	what := strings.Join(strings.Fields(strings.Join([]string{e.Rule, e.Package, strings.Join(e.Advisories, ","), e.Path, string(e.Fingerprint)}, " ")), " ")
	return fmt.Sprintf("%s until %s (%s)", what, e.Until.Format(time.DateOnly), e.Owner)
}
