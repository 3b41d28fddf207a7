package finding

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pullwarden/pullwarden/internal/change"
)

// A cause is what several findings of one file have in common, so that one
// edit fixes them: they are shown as one.
type cause struct {
	rule, name string // make the fingerprint, with the path
	part       string // keeps findings of one name apart, such as two versions of a package; in the fingerprint only by its order
	path       string
	print, was Fingerprint
}

// Because says that f has a cause that other findings of its file may share.
// Rule and name make the fingerprint of the one finding that they become; of
// several parts with one name, each is a finding of its own.
func (f *Finding) Because(rule, name, part string) {
	f.cause = &cause{rule: rule, name: name, part: part}
}

// sealCause makes the fingerprints of the cause of f. Ordinals holds the parts
// of each name that were seen so far.
func (k Key) sealCause(f *Finding, path string, ordinals map[cause]map[string]int) {
	if f.cause == nil {
		return
	}
	c := *f.cause
	name := cause{rule: c.rule, name: c.name, path: path}
	if ordinals[name] == nil {
		ordinals[name] = map[string]int{}
	}
	nth, met := ordinals[name][c.part]
	if !met {
		nth = len(ordinals[name])
		ordinals[name][c.part] = nth
	}
	parts := []string{c.rule, path, c.name, fmt.Sprint(nth)}
	c.path, c.print = path, Fingerprint(k.Sum("cause", parts...))
	if k.before != nil {
		c.was = Fingerprint(k.before.Sum("cause", parts...))
	}
	f.cause = &c
}

// With returns f with just these of its advisories, and the severity of the
// worst of them. Of a finding without advisories it is f itself.
func (f Finding) With(advisories []Advisory) Finding {
	if len(f.Advisories) == 0 {
		return f
	}
	f.Advisories, f.Severity = advisories, Unrated
	for _, a := range advisories {
		f.Severity = max(f.Severity, a.Severity)
	}
	return f
}

// Join makes one finding of all that have one cause, in the order of the first
// of each. Those without a cause stay as they are. With words, which may be
// nil, the scanner says what several come to: it gets them worst first.
func Join(sealed []Finding, words func([]Finding) Finding) []Finding {
	at := map[Fingerprint]int{}
	var groups [][]Finding
	for _, f := range sealed {
		if f.cause == nil {
			groups = append(groups, []Finding{f})
			continue
		}
		i, met := at[f.cause.print]
		if !met {
			i = len(groups)
			at[f.cause.print] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], f)
	}
	var out []Finding
	for _, g := range groups {
		if g[0].cause == nil {
			out = append(out, g[0])
			continue
		}
		out = append(out, join(g, words))
	}
	return out
}

func join(g []Finding, words func([]Finding) Finding) Finding {
	slices.SortStableFunc(g, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Confidence, a.Confidence))
	})
	one := g[0]
	if words != nil {
		one = words(g)
	}
	one.Print, one.Was, one.Joined = g[0].cause.print, g[0].cause.was, nil
	var places []change.Span
	for _, f := range g {
		one.Joined = append(one.Joined, f.Print)
		if f.Was != "" {
			one.Joined = append(one.Joined, f.Was)
		}
		places = append(append(places, f.At), f.Also...)
	}
	one.Also = nil
	told := map[change.Span]bool{one.At: true}
	for _, s := range places {
		if !told[s] {
			told[s] = true
			one.Also = append(one.Also, s)
		}
	}
	slices.SortStableFunc(one.Also, func(a, b change.Span) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Start, b.Start))
	})
	return one
}
