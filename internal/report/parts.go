package report

import (
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// Parts are a check for each scanner, where the policy wants them beside the
// one for all. That one has the annotations, the exceptions and what there is
// to say of the whole.
func Parts(r *Report) ([]forge.Check, error) {
	if r.Policy.Checks != policy.CheckPerScanner {
		return nil, nil
	}
	var out []forge.Check
	for _, s := range r.Result.Statuses {
		part := *r
		part.Verdict = r.Policy.Part(r.Verdict, r.Result, s.Scanner)
		part.Result.Statuses = []finding.Status{s}
		part.Notices, part.Settings, part.Delta.Previous = nil, nil, ""
		part.Leaked = slices.DeleteFunc(slices.Clone(r.Leaked), func(l history.Leak) bool { return !strings.HasPrefix(l.Rule, s.Scanner+"/") })
		c, err := Check(&part)
		if err != nil {
			return nil, err
		}
		c.Part, c.Notes = s.Scanner, nil
		out = append(out, digested(c))
	}
	return out, nil
}

// UnfinishedParts are the checks of the scanners where r could not be
// completed, which c says of all of them.
func UnfinishedParts(c forge.Check, r *Report) []forge.Check {
	if r.Policy.Checks != policy.CheckPerScanner {
		return nil
	}
	var out []forge.Check
	for _, s := range r.Result.Statuses {
		c.Part = s.Scanner
		out = append(out, digested(c))
	}
	return out
}
