package advisory

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// A rating is how bad a record is, and who says so.
type rating struct {
	Severity finding.Severity
	Scored   bool
	Source   string
}

// UnmarshalJSON reads a severity by its name, as it is written.
func (r *rating) UnmarshalJSON(b []byte) error {
	var stored struct {
		Severity string
		Scored   bool
		Source   string
	}
	if err := json.Unmarshal(b, &stored); err != nil {
		return err
	}
	s, ok := finding.ParseSeverity(stored.Severity)
	if !ok {
		return fmt.Errorf("severity %.40q is not known", stored.Severity)
	}
	*r = rating{s, stored.Scored, stored.Source}
	return nil
}

// rate returns what a record itself says of its severity: a CVSS 3 vector,
// else the word of its database, else what a CVSS 4 vector comes down to.
//
// A record that says nothing is high: an unknown severity must not slip below
// a threshold that was set for known ones. Two kinds are rated by what they
// are. A malicious package is critical. A Go record that nobody reviewed was
// copied by a machine and often names more versions than are affected: medium.
func rate(o *osv) rating {
	scores := slices.Clone(o.Severity)
	for _, a := range o.Affected {
		scores = append(scores, a.Severity...)
	}
	best := func(kind, label string, score func(string) (float64, error)) (r rating, ok bool) {
		top := -1.0
		for _, s := range scores {
			if s.Type != kind {
				continue
			}
			if n, err := score(s.Score); err == nil && n > top {
				top = n
				version, _, _ := strings.Cut(strings.TrimPrefix(s.Score, "CVSS:"), "/")
				r = rating{severityOf(n), true, fmt.Sprintf("CVSS %s %s %.1f of %s", version, label, n, o.ID)}
			}
		}
		return r, top >= 0
	}
	if r, ok := best("CVSS_V3", "score", baseScore); ok {
		return r
	}
	if s, ok := word(o.Database.severity); ok {
		return rating{s, true, "stated by " + o.ID}
	}
	if r, ok := best("CVSS_V4", "estimate", estimate); ok {
		return r
	}
	switch {
	case strings.HasPrefix(o.ID, "MAL-"):
		return rating{finding.Critical, true, "listed as malicious by " + o.ID}
	case o.Database.review == "UNREVIEWED":
		return rating{finding.Medium, false, "no source states one, and nobody reviewed the record"}
	}
	return rating{finding.High, false, "no source states one; unknown counts as high"}
}

// word reads a severity in the words of GitHub, Debian or Red Hat.
func word(s string) (finding.Severity, bool) {
	switch strings.ToLower(s) {
	case "critical":
		return finding.Critical, true
	case "high", "important":
		return finding.High, true
	case "medium", "moderate":
		return finding.Medium, true
	case "low":
		return finding.Low, true
	}
	return 0, false
}

// worse reports whether a should stand instead of b.
func (a rating) worse(b rating) bool {
	if a.Scored != b.Scored {
		return a.Scored
	}
	return a.Severity > b.Severity
}

// join gives each record without a score the worst of those that go by one of
// its names in any ecosystem.
func join(records map[string]*record) {
	known := map[string]rating{}
	for _, r := range records {
		if !r.rating.Scored {
			continue
		}
		for _, name := range r.names() {
			old, ok := known[name]
			if !ok || r.rating.worse(old) || !old.worse(r.rating) && r.rating.Source < old.Source {
				known[name] = r.rating
			}
		}
	}
	for _, r := range records {
		if r.rating.Scored {
			continue
		}
		for _, name := range r.names() {
			if found, ok := known[name]; ok && found.worse(r.rating) {
				r.rating = found
			}
		}
	}
}

func (r *record) names() []string { return append([]string{r.id}, r.aliases...) }
