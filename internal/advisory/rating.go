package advisory

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// A rating is how bad a record is, and who says so: Unrated and "" if nobody does.
type rating struct {
	Severity finding.Severity
	Source   string
}

// UnmarshalJSON also reads what earlier programs wrote: they gave a record that
// nobody rates a severity of their own, and noted that it was not scored.
func (r *rating) UnmarshalJSON(b []byte) error {
	var stored struct {
		Severity finding.Severity
		Scored   *bool
		Source   string
	}
	if err := json.Unmarshal(b, &stored); err != nil {
		return err
	}
	*r = rating{stored.Severity, stored.Source}
	if stored.Scored != nil && !*stored.Scored {
		*r = rating{}
	}
	return nil
}

// rate returns what a record itself says of its severity: a CVSS vector, the
// newest version first, else the word of its database. A vector that does not
// parse says nothing. A malicious package is critical, whoever rates it. Nothing else is guessed:
// what no source rates is Unrated.
func rate(o *osv) rating {
	if strings.HasPrefix(o.ID, "MAL-") {
		return rating{finding.Critical, "listed as malicious by " + o.ID}
	}
	scores := slices.Clone(o.Severity)
	for _, a := range o.Affected {
		scores = append(scores, a.Severity...)
	}
	var best rating
	newest, top := "", -1.0
	for _, s := range scores {
		version, n, err := score(s.Score)
		if err != nil || !strings.HasPrefix(s.Type, "CVSS") || version < newest || version == newest && n <= top {
			continue
		}
		newest, top = version, n
		best = rating{severityOf(version, n), fmt.Sprintf("CVSS %s score %.1f of %s", version, n, o.ID)}
	}
	if newest != "" {
		return best
	}
	if s, ok := word(o.Database.severity); ok {
		return rating{s, "stated by " + o.ID}
	}
	return rating{}
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

// join gives each record without a rating the worst of those that go by one of
// its names in any ecosystem.
func join(records map[string]*record) {
	known := map[string]rating{}
	for _, r := range records {
		if r.rating.Severity == finding.Unrated {
			continue
		}
		for _, name := range r.names() {
			old, ok := known[name]
			if !ok || r.rating.Severity > old.Severity || r.rating.Severity == old.Severity && r.rating.Source < old.Source {
				known[name] = r.rating
			}
		}
	}
	for _, r := range records {
		if r.rating.Severity != finding.Unrated {
			continue
		}
		for _, name := range r.names() {
			if found, ok := known[name]; ok && found.Severity > r.rating.Severity {
				r.rating = found
			}
		}
	}
}

func (r *record) names() []string { return append([]string{r.id}, r.aliases...) }
