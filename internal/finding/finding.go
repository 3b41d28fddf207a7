// Package finding defines what a scanner reports: a rule broken at a place,
// and the result of a whole scan. No value of it can give away a secret.
package finding

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/internal/change"
)

// A Rule is one thing that can be found. Rules are static data.
type Rule struct {
	ID         string // "secret/github-pat": the scanner's name, a slash, the rule
	Title      string // sentence case, no period: "GitHub token committed"
	Why        string // Markdown, one or two sentences: why it matters
	How        string // Markdown, imperative: how to fix it when a finding knows nothing better
	Severity   Severity
	References []string // URLs, most useful first
	Grave      bool     // a malicious package, or a vulnerability that may be exploited
}

// A Finding is one Rule broken at one place, or at several with one cause.
type Finding struct {
	Rule     Rule
	Severity Severity // usually Rule.Severity; an advisory may say otherwise
	// Recommended is what Severity becomes under a policy's profile "recommended";
	// Unrated: the same.
	Recommended Severity
	Confidence  Confidence
	At          change.Span
	Also        []change.Span // all further places of the same finding, but for Unlisted
	Unlisted    int           // further places in the same files that are counted only
	Block       change.Span   // what a reader edits to fix it, such as a resource; zero: At
	Commit      string        // SHA that brought it in; "" if not known
	Past        bool          // only in history: At is a place in Commit, and Head no longer has it
	Message     string        // one line, about this place
	Evidence    Evidence
	Details     []Detail // facts worth a line each, in the order to show
	Fix         Fix
	Print       Fingerprint // set by a Key; the same finding has the same Print after lines moved
	Validity    Validity    // of the secret, if its provider was asked
	Was         Fingerprint // Print as the key before made it; "" if there is none
	Marker      *Marker     // beside it; nil if there is none

	// Of a dependency: which package, and its advisories, worst first.
	Dependency *Dependency
	Advisories []Advisory

	// Note says, for people, why the finding is a note at most, whatever its
	// severity: it neither blocks nor gets a comment. "" lets the severity decide.
	Note string

	// Joined are the fingerprints of the findings that Join made this one of: each
	// by the present key and, if there is one, then by the key before.
	Joined []Fingerprint

	identity Identity
	secret   Fingerprint // of the value alone, "" if it has none
	cause    *cause      // nil: it is a finding by itself
}

// New returns a finding of r, with what r says of severity and fix, known again by id.
func New(r Rule, at change.Span, id Identity, message string) Finding {
	return Finding{
		Rule: r, Severity: r.Severity, Confidence: Certain, At: at,
		Message: message, Fix: Fix{Text: r.How}, identity: id,
	}
}

// Same returns what f has in common with findings of the same secret by other
// rules: beside another name, a value may be known by another rule. A finding of
// no secret has only its Print.
func (f *Finding) Same() Fingerprint { return cmp.Or(f.secret, f.Print) }

// Grave reports whether f is of a kind that no opinion makes milder: what its
// rule says, and each secret.
func (f *Finding) Grave() bool { return f.Rule.Grave || strings.HasPrefix(f.Rule.ID, "secret/") }

// Validity is what the provider of a secret said of it.
type Validity uint8

const (
	Unknown Validity = iota
	Working          // it opens something at this moment
	Revoked          // it does not open anything any more
)

// A Dependency is the package that a finding is about, as one manifest states it.
type Dependency struct {
	Ecosystem string   `json:"ecosystem"` // OSV's name
	Name      string   `json:"name"`
	PURL      string   `json:"purl"` // without version
	Version   string   `json:"version"`
	Scope     string   `json:"scope"` // "runtime" or "development"
	Direct    bool     `json:"direct"`
	Chain     []string `json:"chain,omitempty"`   // from the direct dependency down to the one that requires it
	Upgrade   string   `json:"upgrade,omitempty"` // lowest version that fixes all that can be fixed; "" if there is none
}

// An Advisory is one known vulnerability of a Dependency.
type Advisory struct {
	ID         string   `json:"id"`
	Aliases    []string `json:"aliases,omitempty"`
	Summary    string   `json:"summary,omitempty"`
	Severity   Severity `json:"severity"`
	Source     string   `json:"source,omitempty"`     // who rates it so, for people
	Introduced string   `json:"introduced,omitempty"` // first version that has it; "0" is below all
	Fixed      string   `json:"fixed,omitempty"`      // lowest version above that is without it; "" if none is known
	// LastAffected is the highest version known to have it, where Fixed is not known.
	LastAffected string        `json:"last_affected,omitempty"`
	Published    time.Time     `json:"published,omitzero"`
	Note         string        `json:"note,omitempty"`   // as of a Finding
	Prints       []Fingerprint `json:"prints,omitempty"` // of the advisory's own finding, before Join
}

// Named reports whether id is the advisory's own or one of its aliases.
func (a Advisory) Named(id string) bool {
	return id == a.ID || slices.Contains(a.Aliases, id)
}

// Is reports whether f has a fingerprint, made with the present key or the one before.
func (f *Finding) Is(p Fingerprint) bool { return p != "" && (p == f.Print || p == f.Was) }

// Renamed returns the fingerprints by the present key of f and of what it was
// joined from, by those that the key before made of the same.
func (f *Finding) Renamed() map[Fingerprint]Fingerprint {
	if f.Was == "" {
		return nil
	}
	out := map[Fingerprint]Fingerprint{f.Was: f.Print}
	for i := 0; i+1 < len(f.Joined); i += 2 {
		out[f.Joined[i+1]] = f.Joined[i]
	}
	return out
}

// A Detail is a fact about a finding, such as "Fixed in: v1.2.3".
type Detail struct{ Name, Text string }

// A Fix is what would settle a finding.
type Fix struct {
	Text  string        // Markdown, imperative: "Upgrade golang.org/x/net to v0.17.0."; never empty
	Edits []change.Edit // lines at Head to replace; nil if no machine-made fix is known
}

// Evidence is a matched text made safe to show. The text itself is not kept.
type Evidence struct{ shown string }

// Hidden is evidence that must not be shown: all it keeps is the length.
func Hidden(value string) Evidence {
	return Evidence{shown: fmt.Sprintf("%d characters, not shown", len([]rune(value)))}
}

// Plain is evidence that is no secret, such as a version.
func Plain(s string) Evidence { return Evidence{shown: s} }

func (e Evidence) String() string { return e.shown }

// Severity is how bad a finding is.
type Severity uint8

const (
	Unrated Severity = iota // no source states one: policy says how it counts
	Info
	Low
	Medium
	High
	Critical
	Never // as a threshold: no finding reaches it
)

var severities = [...]string{"unknown", "info", "low", "medium", "high", "critical", "never"}

func (s Severity) String() string               { return severities[min(int(s), len(severities)-1)] }
func (s Severity) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON reads a severity by its name.
func (s *Severity) UnmarshalJSON(b []byte) error {
	var name string
	if err := json.Unmarshal(b, &name); err != nil {
		return err
	}
	parsed, ok := ParseSeverity(name)
	if !ok {
		return fmt.Errorf("severity %.40q is not known", name)
	}
	*s = parsed
	return nil
}

// ParseSeverity reads a name such as "high", in any case.
func ParseSeverity(name string) (Severity, bool) {
	for i, s := range severities {
		if strings.EqualFold(s, name) {
			return Severity(i), true
		}
	}
	return 0, false
}

// Confidence is how sure a scanner is.
type Confidence uint8

const (
	Possible Confidence = iota
	Likely
	Certain
)

func (c Confidence) String() string {
	return [...]string{"possible", "likely", "certain"}[min(int(c), 2)]
}
func (c Confidence) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }
