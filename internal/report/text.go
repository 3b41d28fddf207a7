package report

import (
	"io"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// Text writes the report for a terminal.
func Text(w io.Writer, r *Report) error {
	v := checkView(r, narrower()[0])
	v.Title, v.Verdict = Title(r), r.Verdict.Outcome.String()
	if r.Verdict.Outcome == policy.Fail && r.Policy.Mode == policy.Observe {
		v.Verdict = "would fail"
	}
	for _, d := range worstFirst(r.Verdict.Decisions) {
		it := newItem(r, d)
		it.Message = r.message(d.Finding)
		if r.Colour {
			it.Colour, it.Neutral = colour(d.Finding.Severity), "\x1b[0m"
		}
		v.Findings = append(v.Findings, it)
	}
	text, err := r.Texts.render("text.tmpl", r.Result.Redactor, v)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

func colour(s finding.Severity) string {
	switch s {
	case finding.Critical:
		return "\x1b[1;31m"
	case finding.High:
		return "\x1b[31m"
	case finding.Medium:
		return "\x1b[33m"
	}
	return "\x1b[36m"
}
