package dependency

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
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
	s.afterLast(&f)
	f.Rule.How = f.Fix.Text
	f.Message = clean(message(f), messageRunes)
	f.Evidence = finding.Plain(clean(f.Dependency.Name+" "+f.Dependency.Version, messageRunes))
	f.Fix.Text += unfixed(f)
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

// registryTime bounds asking a registry for the release to go to.
const registryTime = 3 * time.Second

// afterLast words the fix where records name the last affected version and no
// fixed one, or one above the version that fixes the others: anything after it will do. Where
// the operator has named a registry, the next release is told.
func (s *Scanner) afterLast(f *finding.Finding) {
	e := s.named(f.Dependency.Ecosystem)
	if e == nil || f.Rule.ID == maliciousRule().ID {
		return
	}
	var last string
	for _, a := range f.Advisories {
		if a.LastAffected != "" && (last == "" || e.Compare(a.LastAffected, last) > 0) {
			last = a.LastAffected
		}
	}
	if last == "" || f.Dependency.Upgrade != "" && e.Compare(f.Dependency.Upgrade, last) > 0 {
		return
	}
	next := nextRelease(e, f.Dependency.Name, last)
	dependency := *f.Dependency
	dependency.Upgrade = next
	f.Dependency, f.Fix = &dependency, finding.Fix{Text: after(f.Dependency.Name, last, next)}
}

func after(name, last, next string) string {
	if !plain.MatchString(name) || !plain.MatchString(last) {
		return "Upgrade the package to a version after the last affected one."
	}
	text := fmt.Sprintf("Upgrade `%s` to a version after %s", name, last)
	if plain.MatchString(next) {
		text += fmt.Sprintf("; the next release is %s", next)
	}
	return text + "."
}

// final matches the versions that are no pre-releases, in any ecosystem.
var final = regexp.MustCompile(`^v?[0-9]+(\.[0-9]+)*(\+incompatible)?$`)

// nextRelease is the lowest release after last in the operator's registry; ""
// if there is none or it does not answer.
func nextRelease(e ecosystem.Ecosystem, name, last string) string {
	ctx, stop := context.WithTimeout(context.Background(), registryTime)
	defer stop()
	all, err := e.Versions(ctx, name)
	if err != nil {
		return ""
	}
	for _, v := range all { // lowest first
		if e.Compare(v, last) > 0 && final.MatchString(v) {
			return v
		}
	}
	return ""
}

func (s *Scanner) named(name string) ecosystem.Ecosystem {
	if s == nil {
		return nil
	}
	for _, e := range s.ecosystems {
		if e.Name() == name {
			return e
		}
	}
	return nil
}

// unfixed says which advisories stay with the version to go to.
func unfixed(f finding.Finding) string {
	var ids []string
	for _, a := range f.Advisories {
		if a.Fixed == "" && a.LastAffected == "" {
			ids = append(ids, a.ID)
		}
	}
	if f.Dependency.Upgrade == "" || len(ids) == 0 || f.Rule.ID == maliciousRule().ID {
		return ""
	}
	more := ""
	if n := len(ids) - advisoriesTold; n > 0 {
		ids, more = ids[:advisoriesTold], fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf(" It does not fix %s%s, for which no fixed version is known.", strings.Join(ids, ", "), more)
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
		out = append(out, finding.Detail{Name: "Advisory", Text: advisoryLine(a, i > 0)})
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

// advisoryLine is one advisory in a line. The summary of the worst is in the message.
func advisoryLine(a finding.Advisory, summary bool) string {
	text := a.ID
	if len(a.Aliases) > 0 {
		text += " (" + strings.Join(a.Aliases, ", ") + ")"
	}
	text += ", " + a.Severity.String()
	if a.Severity == finding.Unrated {
		text += " severity"
	}
	if a.Source != "" {
		text += " (" + a.Source + ")"
	}
	switch {
	case a.Fixed != "":
		text += ", fixed in " + a.Fixed
	case a.LastAffected != "":
		text += ", fixed after " + a.LastAffected
	default:
		text += ", no fixed version known"
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
