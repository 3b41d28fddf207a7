package dependency

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

var _ scan.Joiner = (*Scanner)(nil)

// advisoriesTold are named one by one in the details of a finding; all are in
// its Advisories.
const advisoriesTold = 5

// Join implements scan.Joiner: it makes one finding of the advisories of one
// package and version.
func (s *Scanner) Join(found []finding.Finding) finding.Finding {
	if found[0].Rule.ID == unpinned().ID {
		return joinUnpinned(found)
	}
	f := found[0]
	f.Advisories = nil
	for _, g := range found {
		a := g.Advisories[0]
		a.Prints = append(a.Prints, g.Print)
		if g.Was != "" {
			a.Prints = append(a.Prints, g.Was)
		}
		i := slices.IndexFunc(f.Advisories, func(b finding.Advisory) bool { return b.ID == a.ID })
		if i < 0 {
			f.Advisories = append(f.Advisories, a)
		} else { // at another place of the same manifest
			f.Advisories[i].Prints = append(f.Advisories[i].Prints, a.Prints...)
		}
		if g.Dependency.Scope == "runtime" && f.Dependency.Scope != "runtime" {
			runtime := *f.Dependency
			runtime.Scope = g.Dependency.Scope
			f.Dependency = &runtime
		}
		if f.Dependency.Upgrade == "" && g.Dependency.Upgrade != "" {
			f.Dependency, f.Fix = g.Dependency, g.Fix
		}
	}
	references, confidence := f.Rule.References, f.Confidence
	severity := f.Severity
	f.Rule = vulnerable()
	if i := slices.IndexFunc(found, func(g finding.Finding) bool { return malicious(g.Advisories[0].ID) }); i >= 0 {
		f.Rule, f.Fix = maliciousRule(), found[i].Fix
	}
	f.Rule.Title = clean(f.Rule.Title+": "+f.Dependency.Name, messageRunes)
	f.Rule.References, f.Severity, f.Confidence = references, severity, confidence
	f.Rule.How = f.Fix.Text
	f.Message = clean(message(f), messageRunes)
	f.Evidence = finding.Plain(clean(f.Dependency.Name+" "+f.Dependency.Version, messageRunes))
	f.Fix.Text += s.unfixed(f)
	f.Details = slices.Concat(details(f), f.Details)
	return f
}

func message(f finding.Finding) string {
	what, worst := f.Dependency.Name+" "+f.Dependency.Version, f.Advisories[0]
	text := what + " has " + worst.ID
	if n := len(f.Advisories); n > 1 {
		text = fmt.Sprintf("%s has %d known vulnerabilities; the worst is %s", what, n, worst.ID)
	}
	if worst.Summary != "" {
		text += ": " + worst.Summary
	}
	return text
}

// unfixed says which advisories stay with the version to go to.
func (s *Scanner) unfixed(f finding.Finding) string {
	if f.Dependency.Upgrade == "" || f.Rule.ID == maliciousRule().ID {
		return ""
	}
	compare := strings.Compare
	for _, e := range s.ecosystems {
		if e.Name() == f.Dependency.Ecosystem {
			compare = e.Compare
		}
	}
	var none, later []string
	for _, a := range f.Advisories {
		switch {
		case a.Fixed != "":
		case a.LastAffected == "":
			none = append(none, a.ID)
		case compare(f.Dependency.Upgrade, a.LastAffected) <= 0:
			later = append(later, a.ID+" (known in versions up to "+a.LastAffected+")")
		}
	}
	text := ""
	if len(none) > 0 {
		text = fmt.Sprintf(" It does not fix %s, for which no fixed version is known.", firstOf(none))
	}
	if len(later) > 0 {
		text += fmt.Sprintf(" It does not fix %s: a later version does.", firstOf(later))
	}
	return text
}

func firstOf(list []string) string {
	if n := len(list) - advisoriesTold; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:advisoriesTold], ", "), n)
	}
	return strings.Join(list, ", ")
}

func details(f finding.Finding) []finding.Detail {
	p := f.Dependency
	kind := "transitive"
	if p.Direct {
		kind = "direct"
	}
	if p.Scope == "development" {
		kind += ", for development only"
	}
	out := []finding.Detail{{Name: "Package", Text: p.Name}, {Name: "Version", Text: p.Version}}
	for i, a := range f.Advisories {
		if i == advisoriesTold {
			out = append(out, finding.Detail{Name: "Further advisories", Text: further(f.Advisories[i:])})
			break
		}
		out = append(out, finding.Detail{Name: "Advisory", Text: advisoryLine(a, i > 0, len(f.Advisories) == 1 && a.Fixed == p.Upgrade)})
	}
	out = append(out, finding.Detail{Name: "Dependency", Text: kind})
	if len(p.Chain) > 0 {
		out = append(out, finding.Detail{Name: "Required by", Text: strings.Join(p.Chain, " → ")})
	}
	for i := range out {
		out[i].Text = clean(out[i].Text, detailRunes)
	}
	return out
}

// advisoryLine is one advisory in a line. The summary of the worst is in the
// message; fixTells says that the fix names the version already.
func advisoryLine(a finding.Advisory, summary, fixTells bool) string {
	text := a.ID
	if len(a.Aliases) > 0 {
		text += " (" + strings.Join(a.Aliases, ", ") + ")"
	}
	text += ", " + a.Severity.String()
	if a.Severity == finding.Unrated {
		text += " severity"
	}
	// The advisory is named already: only another one that rates it is told.
	if source := strings.TrimSuffix(a.Source, " of "+a.ID); source != "" && source != "stated by "+a.ID {
		text += " (" + source + ")"
	}
	switch {
	case a.Fixed != "" && fixTells:
	case a.Fixed != "":
		text += ", fixed in " + a.Fixed
	case a.LastAffected != "":
		text += ", known in versions up to " + a.LastAffected
	default:
		text += ", no fixed version known"
	}
	if a.Note != "" {
		text += ", a note only: " + a.Note
	}
	if summary && a.Summary != "" {
		text += ": " + a.Summary
	}
	return text
}

func further(as []finding.Advisory) string {
	var ids []string
	for _, a := range as {
		ids = append(ids, a.ID)
	}
	return strings.Join(ids, ", ")
}
