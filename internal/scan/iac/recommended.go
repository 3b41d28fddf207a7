package iac

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/pullwarden/pullwarden/internal/finding"
)

//go:embed recommended.tsv
var recommendedText string

// A rating is one line of the table recommended.tsv.
type rating struct {
	severity finding.Severity
	reason   string
	about    string // part of the messages that it is for; "": all
}

// ratings returns the table by rule, without the scanner's name.
var ratings = sync.OnceValue(func() map[string][]rating {
	out, err := readRatings(recommendedText)
	if err != nil {
		panic(err) // a test reads it
	}
	return out
})

func readRatings(text string) (map[string][]rating, error) {
	out := map[string][]rating{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		columns := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(columns) < 3 || len(columns) > 4 {
			return nil, fmt.Errorf("%q has %d columns", line, len(columns))
		}
		severity, ok := finding.ParseSeverity(columns[1])
		if !ok || severity == finding.Unrated {
			return nil, fmt.Errorf("%q is not a severity", columns[1])
		}
		r := rating{severity: severity, reason: columns[2]}
		if len(columns) == 4 {
			r.about = columns[3]
		}
		out[columns[0]] = append(out[columns[0]], r)
	}
	return out, nil
}

// recommended returns what a finding with this message counts as under the
// profile "recommended".
func recommended(r finding.Rule, message string) finding.Severity {
	for _, rated := range ratings()[strings.TrimPrefix(r.ID, "iac/")] {
		if strings.Contains(message, rated.about) {
			return rated.severity
		}
	}
	return min(r.Severity, finding.Low)
}
