package advisory

import (
	"fmt"
	"strings"

	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
	gocvss40 "github.com/pandatix/go-cvss/40"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// A vectorScore is the base score of one CVSS vector.
type vectorScore struct {
	version  string // "3.1"
	score    float64
	severity finding.Severity
}

// parseVector scores a CVSS vector of any version. Temporal, threat and
// environmental metrics must be valid and do not count: they tell of one
// moment and one installation.
func parseVector(vector string) (vectorScore, error) {
	if len(vector) > maxVector {
		return vectorScore{}, fmt.Errorf("CVSS vector %.40q…: longer than %d bytes", vector, maxVector)
	}
	version, _, _ := strings.Cut(strings.TrimPrefix(vector, "CVSS:"), "/")
	s := vectorScore{version: version}
	var err error
	switch version {
	case "4.0":
		var v *gocvss40.CVSS40
		if v, err = gocvss40.ParseVector(vector); err == nil {
			s.score, err = baseScore40(v)
		}
	case "3.1":
		var v *gocvss31.CVSS31
		if v, err = gocvss31.ParseVector(vector); err == nil {
			s.score = v.BaseScore()
		}
	case "3.0":
		var v *gocvss30.CVSS30
		if v, err = gocvss30.ParseVector(vector); err == nil {
			s.score = v.BaseScore()
		}
	default:
		var v *gocvss20.CVSS20
		s.version = "2.0"
		if v, err = gocvss20.ParseVector(strings.Trim(vector, "()")); err == nil {
			s.score = v.BaseScore()
		}
	}
	if err != nil {
		return vectorScore{}, fmt.Errorf("CVSS vector %.100q: %w", vector, err)
	}
	s.severity = severityOf(s.score)
	if s.version == "2.0" && s.severity == finding.Critical {
		s.severity = finding.High // CVSS 2 has nothing above it
	}
	return s, nil
}

const maxVector = 1000

// baseScore40 scores the base metrics of a CVSS 4.0 vector alone.
func baseScore40(v *gocvss40.CVSS40) (float64, error) {
	for _, metric := range []string{
		"E", "CR", "IR", "AR", "MAV", "MAC", "MAT", "MPR", "MUI", "MVC", "MVI", "MVA", "MSC", "MSI", "MSA",
	} {
		if err := v.Set(metric, "X"); err != nil {
			return 0, err
		}
	}
	return v.Score(), nil
}

// severityOf is the scale in words of CVSS 3 and 4.
func severityOf(score float64) finding.Severity {
	switch {
	case score >= 9:
		return finding.Critical
	case score >= 7:
		return finding.High
	case score >= 4:
		return finding.Medium
	case score > 0:
		return finding.Low
	}
	return finding.Info
}
