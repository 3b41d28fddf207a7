package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
)

const (
	sarifResults = 5000 // of a run; GitHub keeps no more
	sarifPlaces  = 1000 // of a result; with more GitHub refuses the file
)

// SARIF writes SARIF 2.1.0, one run of the tool pullwarden, for a code scanning page.
func SARIF(w io.Writer, r *Report) error {
	doc := sarif.NewReport()
	run, err := sarifRun(r)
	if err != nil {
		return err
	}
	doc.AddRun(run)
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	var all map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&all); err != nil {
		return err
	}
	withoutDefaults(all)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(all)
}

// withoutDefaults takes out of v what the library writes for each property that
// nobody set: -1, the empty list and the standard's default words. An empty list
// of results stays: it says that rules were run.
func withoutDefaults(v any) {
	switch v := v.(type) {
	case []any:
		for _, each := range v {
			withoutDefaults(each)
		}
	case map[string]any:
		maps.DeleteFunc(v, func(key string, below any) bool {
			list, isList := below.([]any)
			return isList && len(list) == 0 && key != "results" || below == json.Number("-1") ||
				key == "kind" && below == "fail" || key == "language" || key == "newlineSequences"
		})
		for _, each := range v {
			withoutDefaults(each)
		}
	}
}

func sarifRun(r *Report) (*sarif.Run, error) {
	run := sarif.NewRunWithInformationURI("pullwarden", "https://github.com/pullwarden/pullwarden")
	if r.Version != "" {
		run.Tool.Driver.WithVersion(r.Version)
	}
	seen := map[string]bool{}
	for i, d := range ordered(r.Verdict.Decisions) {
		if i == sarifResults {
			break
		}
		f := d.Finding
		if !seen[f.Rule.ID] {
			seen[f.Rule.ID] = true
			rule := sarif.NewRule(f.Rule.ID).WithName(f.Rule.ID).
				WithShortDescription(sarif.NewMultiformatMessageString().WithText(r.line(f.Rule.Title))).
				WithHelp(sarif.NewMultiformatMessageString().WithText(plain(r.clean(f.Rule.Why + " " + f.Rule.How))))
			if len(f.Rule.References) > 0 && webLink(f.Rule.References[0]) {
				rule.WithHelpURI(f.Rule.References[0])
			}
			run.Tool.Driver.AddRule(rule)
		}
		var unnamed string
		if more := max(0, len(f.Also)-sarifPlaces+1) + f.Unlisted; more > 0 {
			unnamed = fmt.Sprintf(" And at %s.", plural(more, "more place"))
		}
		result := sarif.NewRuleResult(f.Rule.ID).WithLevel(level(f.Severity)).
			WithMessage(sarif.NewTextMessage(r.message(f) + " Fix: " + plain(r.clean(f.Fix.Text)) + unnamed)).
			WithPartialFingerprints(map[string]string{"pullwarden/v1": string(f.Print)})
		for _, at := range append([]change.Span{f.At}, f.Also[:min(len(f.Also), sarifPlaces-1)]...) {
			result.AddLocation(sarif.NewLocationWithPhysicalLocation(where(r, at)))
		}
		if d.Action == policy.Ignored {
			result.AddSuppression(sarif.NewSuppression().WithKind("external").WithJustification(r.line(d.Why)))
		}
		run.AddResult(result)
	}
	invocation := sarif.NewInvocation().WithExecutionSuccessful(len(r.Verdict.Incomplete) == 0)
	for _, line := range r.Verdict.Incomplete {
		invocation.AddToolExecutionNotification(sarif.NewNotification().WithLevel("error").WithMessage(sarif.NewTextMessage(r.line(line))))
	}
	for _, u := range uncoveredKinds(r) {
		text, err := r.Texts.render("uncovered.tmpl", r.Result.Redactor, u)
		if err != nil {
			return nil, err
		}
		invocation.AddToolExecutionNotification(sarif.NewNotification().WithLevel("note").WithMessage(sarif.NewTextMessage(strings.TrimSpace(text))))
	}
	run.AddInvocation(invocation)
	return run, nil
}

// ordered puts what is shown first, so that a cut takes the ignored ones.
func ordered(ds []policy.Decision) []policy.Decision {
	out := worstFirst(ds)
	for _, d := range ds {
		if d.Action == policy.Ignored {
			out = append(out, d)
		}
	}
	return out
}

// where is s as a URI reference; a colon in its first part would make that a scheme.
func where(r *Report, s change.Span) *sarif.PhysicalLocation {
	var parts []string
	for p := range strings.SplitSeq(r.clean(s.Path), "/") {
		parts = append(parts, strings.ReplaceAll(url.PathEscape(p), ":", "%3A"))
	}
	at := sarif.NewPhysicalLocation().WithArtifactLocation(sarif.NewSimpleArtifactLocation(strings.Join(parts, "/")))
	if s.Start > 0 {
		at.WithRegion(sarif.NewSimpleRegion(s.Start, max(s.Start, s.End)))
	}
	return at
}

func level(s finding.Severity) string {
	switch {
	case s >= finding.High:
		return "error"
	case s == finding.Medium:
		return "warning"
	}
	return "note"
}
