package advisory

import (
	"fmt"
	"math"
	"strings"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// Weights of the base metrics, from the specification of CVSS 3.1, section
// 7.4. Those of 3.0 are the same.
var weights = map[string]map[string]float64{
	"AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
	"AC": {"L": 0.77, "H": 0.44},
	"PR": {"N": 0.85, "L": 0.62, "H": 0.27},
	"UI": {"N": 0.85, "R": 0.62},
	"S":  {"U": 0, "C": 0},
	"C":  {"H": 0.56, "L": 0.22, "N": 0},
	"I":  {"H": 0.56, "L": 0.22, "N": 0},
	"A":  {"H": 0.56, "L": 0.22, "N": 0},
}

// baseScore returns the base score of a CVSS 3.0 or 3.1 vector. Temporal and
// environmental metrics are not part of it.
func baseScore(vector string) (float64, error) {
	metrics, err := split(vector, "CVSS:3.0", "CVSS:3.1")
	if err != nil {
		return 0, err
	}
	w := map[string]float64{}
	for name, values := range weights {
		value, ok := values[metrics[name]]
		if !ok {
			return 0, fmt.Errorf("CVSS vector %.100q: %s is missing or unknown", vector, name)
		}
		w[name] = value
	}
	changed := metrics["S"] == "C"
	if changed && metrics["PR"] == "L" {
		w["PR"] = 0.68
	} else if changed && metrics["PR"] == "H" {
		w["PR"] = 0.5
	}
	iss := 1 - (1-w["C"])*(1-w["I"])*(1-w["A"])
	impact := 6.42 * iss
	if changed {
		impact = 7.52*(iss-0.029) - 3.25*math.Pow(iss-0.02, 15)
	}
	if impact <= 0 {
		return 0, nil
	}
	score := impact + 8.22*w["AV"]*w["AC"]*w["PR"]*w["UI"]
	if changed {
		score *= 1.08
	}
	return roundUp(min(score, 10)), nil
}

// roundUp is the specification's own, free of floating point surprises.
func roundUp(x float64) float64 {
	n := int(math.Round(x * 100_000))
	if n%10_000 == 0 {
		return float64(n) / 100_000
	}
	return float64(n/10_000+1) / 10
}

// estimate reads a CVSS 4.0 vector as the 3.1 vector that says nearly the
// same and scores that. The true 4.0 score comes from a table of expert
// rankings; the estimate is mostly within one point of it and can be one
// severity off. It serves only where nothing better is known.
func estimate(vector string) (float64, error) {
	m, err := split(vector, "CVSS:4.0")
	if err != nil {
		return 0, err
	}
	ui, scope := "R", "U"
	if m["UI"] == "N" {
		ui = "N"
	}
	worse := func(a, b string) string {
		if weights["C"][b] > weights["C"][a] {
			return b
		}
		return a
	}
	for _, s := range []string{"SC", "SI", "SA"} {
		if m[s] != "N" {
			scope = "C"
		}
	}
	return baseScore("CVSS:3.1/AV:" + m["AV"] + "/AC:" + m["AC"] + "/PR:" + m["PR"] + "/UI:" + ui + "/S:" + scope +
		"/C:" + worse(m["VC"], m["SC"]) + "/I:" + worse(m["VI"], m["SI"]) + "/A:" + worse(m["VA"], m["SA"]))
}

func split(vector string, versions ...string) (map[string]string, error) {
	head, rest, _ := strings.Cut(vector, "/")
	known := false
	for _, v := range versions {
		known = known || head == v
	}
	if !known {
		return nil, fmt.Errorf("CVSS vector %.100q: not of %s", vector, strings.Join(versions, " or "))
	}
	metrics := map[string]string{}
	for part := range strings.SplitSeq(rest, "/") {
		name, value, ok := strings.Cut(part, ":")
		if _, twice := metrics[name]; !ok || twice {
			return nil, fmt.Errorf("CVSS vector %.100q: %.20q is malformed or stands twice", vector, part)
		}
		metrics[name] = value
	}
	return metrics, nil
}

// severityOf is the specification's scale in words.
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
