package report

import (
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// uncoveredShown paths of a kind are named; the others are counted.
const uncoveredShown = 3

// uncovered is one known kind of files that no scanner reads.
type uncovered struct {
	Label, Help string   // "3 Bicep files"; see finding.Uncovered
	Paths       []string // the first
	More        int      // files beyond these
}

func uncoveredKinds(r *Report) []uncovered {
	var out []uncovered
	for _, u := range r.Verdict.Uncovered {
		k := uncovered{Label: u.Label, Help: u.Help}
		for _, p := range u.Paths[:min(len(u.Paths), uncoveredShown)] {
			k.Paths = append(k.Paths, clipPath(showPath(r.clean(p)), pathShown))
		}
		k.More = u.Count - len(k.Paths)
		out = append(out, k)
	}
	return out
}

// uncoveredJSON is for programs: with as many paths as the scan kept.
func uncoveredJSON(r *Report) []finding.Uncovered {
	out := []finding.Uncovered{}
	for _, u := range r.Verdict.Uncovered {
		paths := make([]string, len(u.Paths))
		for i, p := range u.Paths {
			paths[i] = showPath(r.clean(p))
		}
		u.Paths = paths
		out = append(out, u)
	}
	return out
}

func uncoveredFiles(r *Report) (n int) {
	for _, u := range r.Verdict.Uncovered {
		n += u.Count
	}
	return n
}

// blocksUncovered reports whether r's policy blocks on files that no scanner reads.
func blocksUncovered(r *Report) bool {
	return len(r.Verdict.Uncovered) > 0 && r.Policy.Uncovered == policy.Block
}
