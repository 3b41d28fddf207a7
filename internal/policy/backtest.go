package policy

import (
	"time"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// Blocked counts the results that p would fail if they came now.
func (p Policy) Blocked(past []finding.Result, now time.Time) int {
	n := 0
	for _, r := range past {
		if p.Conclusion(p.Judge(r, now).Outcome) == "failure" {
			n++
		}
	}
	return n
}
