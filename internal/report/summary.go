package report

import (
	"slices"
	"time"

	"github.com/pullwarden/pullwarden/internal/policy"
)

// spelledInSummary is how many findings a summary spells out.
const spelledInSummary = 5

// A waiting exception is one that somebody has to approve.
type waiting struct {
	Rule, Place, By, Until, Reason, Command string
	Approvers                               []string
}

type summaryView struct {
	Needed  bool
	Past    []item
	More    int
	Waiting []waiting
}

// Summary is the one comment in the conversation: it says what blocks and has
// no line to be commented on, and what waits for a person. needed is false if
// there is no such thing; the words then take back what was said before.
func Summary(r *Report) (words string, needed bool, err error) {
	var v summaryView
	if r.Policy.Mode != policy.Observe {
		for _, d := range worstFirst(r.Verdict.Decisions) {
			switch {
			case d.Action != policy.Block:
			case d.Finding.Past && len(v.Past) < spelledInSummary:
				v.Past = append(v.Past, newItem(r, d))
			case d.Finding.Past:
				v.More++
			}
		}
	}
	for _, e := range r.Verdict.Pending {
		if r.Policy.Mode == policy.Observe {
			break
		}
		for _, d := range r.Verdict.Decisions {
			if d.Finding.Is(e.Fingerprint) || slices.Contains(d.Finding.Joined, e.Fingerprint) {
				v.Waiting = append(v.Waiting, waiting{d.Finding.Rule.ID, place(r, d.Finding.At), e.Owner, e.Until.Format(time.DateOnly), e.Reason,
					"/pullwarden approve " + string(e.Fingerprint), r.Policy.Approvers(d.Finding.At.Path)})
				break
			}
		}
	}
	v.Needed = len(v.Past)+len(v.Waiting) > 0
	words, err = r.Texts.render("summary.md.tmpl", r.Result.Redactor, v)
	return words, v.Needed, err
}
