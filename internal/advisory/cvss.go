package advisory

import (
	"fmt"
	"strings"

	cvss20 "github.com/pandatix/go-cvss/20"
	cvss30 "github.com/pandatix/go-cvss/30"
	cvss31 "github.com/pandatix/go-cvss/31"
	cvss40 "github.com/pandatix/go-cvss/40"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// score returns the base score of a CVSS vector, whatever version it is of, and that
// version. Of CVSS 4.0 it is the score with the threat metrics, as the vector has them.
func score(vector string) (version string, value float64, err error) {
	version, _, _ = strings.Cut(strings.TrimPrefix(vector, "CVSS:"), "/")
	switch version {
	case "3.0":
		v, err := cvss30.ParseVector(vector)
		if err != nil {
			return "", 0, fmt.Errorf("CVSS vector %.100q: %w", vector, err)
		}
		return version, v.BaseScore(), nil
	case "3.1":
		v, err := cvss31.ParseVector(vector)
		if err != nil {
			return "", 0, fmt.Errorf("CVSS vector %.100q: %w", vector, err)
		}
		return version, v.BaseScore(), nil
	case "4.0":
		v, err := cvss40.ParseVector(vector)
		if err != nil {
			return "", 0, fmt.Errorf("CVSS vector %.100q: %w", vector, err)
		}
		return version, v.Score(), nil
	}
	v, err := cvss20.ParseVector(vector)
	if err != nil {
		return "", 0, fmt.Errorf("CVSS vector %.100q: of no known version", vector)
	}
	return "2.0", v.BaseScore(), nil
}

// severityOf is the specification's scale in words. CVSS 2 had no word for
// critical; its scale ends with high, as the National Vulnerability Database used it.
func severityOf(version string, value float64) finding.Severity {
	switch {
	case value >= 9 && version != "2.0":
		return finding.Critical
	case value >= 7:
		return finding.High
	case value >= 4:
		return finding.Medium
	case value > 0:
		return finding.Low
	}
	return finding.Info
}
