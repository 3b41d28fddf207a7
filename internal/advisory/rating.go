package advisory

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// A rating is how bad a record is, and who says so. The zero value is that of
// a record of which nobody says it.
type rating struct {
	Severity finding.Severity
	Source   string // for people: "CVSS 3.1 score 7.5 of GHSA-…"

	basis basis // while importing
}

// A basis is what a severity comes from; the higher one is preferred.
type basis uint8

const (
	unrated basis = iota
	stated        // a word of the database
	scored        // a CVSS vector
)

// UnmarshalJSON reads a severity by its name. Indexes of format 1 stored a
// default of ours for a record without one and marked it as not scored.
func (r *rating) UnmarshalJSON(b []byte) error {
	var stored struct {
		Severity string
		Scored   *bool
		Source   string
	}
	if err := json.Unmarshal(b, &stored); err != nil {
		return err
	}
	if stored.Scored != nil && !*stored.Scored {
		*r = rating{}
		return nil
	}
	s, ok := finding.ParseSeverity(stored.Severity)
	if !ok {
		return fmt.Errorf("severity %.40q is not known", stored.Severity)
	}
	*r = rating{Severity: s, Source: stored.Source}
	return nil
}

// rate returns what a record says of its severity: of CVSS vectors the newest
// version's, the highest of several; else the word of its database. A vector that does
// not parse, or a word that is not known, says nothing. A malicious package is
// critical by what it is.
func rate(id string, scores []score, databases ...database) rating {
	if strings.HasPrefix(id, "MAL-") {
		return rating{finding.Critical, "listed as malicious by " + id, scored}
	}
	var best vectorScore
	for _, d := range databases {
		scores = append(scores, score{Score: d.cvss})
	}
	for _, s := range scores {
		v, err := parseVector(s.Score)
		if err == nil && (v.version > best.version || v.version == best.version && v.score > best.score) {
			best = v
		}
	}
	if best.version != "" {
		return rating{best.severity, fmt.Sprintf("CVSS %s score %.1f of %s", best.version, best.score, id), scored}
	}
	for _, s := range scores { // distributions state a word where others have a vector
		databases = append(databases, database{severity: s.Score})
	}
	var worst finding.Severity
	for _, d := range databases {
		s, _ := word(d.severity)
		worst = max(worst, s)
	}
	if worst != finding.Unrated {
		return rating{worst, "stated by " + id, stated}
	}
	return rating{}
}

// word reads a severity in the words of GitHub, Debian, Ubuntu or Red Hat.
func word(s string) (finding.Severity, bool) {
	switch strings.ToLower(s) {
	case "critical":
		return finding.Critical, true
	case "high", "important":
		return finding.High, true
	case "medium", "moderate":
		return finding.Medium, true
	case "low", "negligible", "minor", "unimportant":
		return finding.Low, true
	case "none", "informational":
		return finding.Info, true
	}
	return finding.Unrated, false
}

// better reports whether a is preferred to b: for its basis, then as the worse.
func (a rating) better(b rating) bool {
	return cmp.Or(cmp.Compare(a.basis, b.basis), cmp.Compare(a.Severity, b.Severity), strings.Compare(b.Source, a.Source)) > 0
}

// aliasSteps is how far a severity is looked for: PYSEC-1 may name CVE-1, of
// which only a GHSA record knows that it is its own.
const aliasSteps = 2

// join gives each record without a severity the best of those that go by one
// of its names, in any ecosystem.
func join(records map[string]*record) {
	for range aliasSteps {
		known := map[string]rating{}
		for _, r := range records {
			for _, name := range r.names() {
				if r.rating.better(known[name]) {
					known[name] = r.rating
				}
			}
		}
		for _, r := range records {
			if r.rating.basis != unrated {
				continue
			}
			for _, name := range r.names() {
				if known[name].better(r.rating) {
					r.rating = known[name]
				}
			}
		}
	}
}

func (r *record) names() []string { return append([]string{r.id}, r.aliases...) }
