package advisory

import (
	"fmt"
	"slices"
)

// A versionRange is one range of a record: events along the order of versions.
type versionRange struct {
	Events []event  `json:"e"`
	Limits []string `json:"l,omitempty"` // nothing from the highest of these on; none means no limit
}

// An event is where a vulnerability begins or ends.
type event struct {
	Kind    kind   `json:"k"`
	Version string `json:"v"`
}

type kind uint8

const (
	introduced kind = iota // from Version on; "0" is below all versions
	fixed                  // no longer from Version on
	last                   // no longer above Version
)

func readRange(events []map[string]string, written func(string) string) (versionRange, error) {
	var r versionRange
	for _, e := range events {
		for name, v := range e {
			if v == "" {
				return r, fmt.Errorf("an event %.40q without a version", name)
			}
			switch name {
			case "introduced":
				r.Events = append(r.Events, event{introduced, written(v)})
			case "fixed":
				r.Events = append(r.Events, event{fixed, written(v)})
			case "last_affected":
				r.Events = append(r.Events, event{last, written(v)})
			case "limit":
				if v != "*" {
					r.Limits = append(r.Limits, written(v))
				}
			default:
				return r, fmt.Errorf("an event %.40q", name)
			}
		}
	}
	return r, nil
}

// begins reports whether r affects anything.
func (r versionRange) begins() bool {
	return slices.ContainsFunc(r.Events, func(e event) bool { return e.Kind == introduced })
}

// covers reports whether version lies in r: whether the last event at or
// below it is an "introduced". Records list events in any order, and this
// needs none: it looks for the highest, not for the next.
func (r versionRange) covers(version string, compare func(a, b string) int) bool {
	return r.holds(version, false, compare)
}

// holds is covers of the version or, with above, of the point just above it.
func (r versionRange) holds(version string, above bool, compare func(a, b string) int) bool {
	if len(r.Limits) > 0 && !slices.ContainsFunc(r.Limits, func(l string) bool { return compare(version, l) < 0 }) {
		return false
	}
	var top *event
	for i := range r.Events {
		e := &r.Events[i]
		if c := e.compareTo(version, compare); c > 0 || c == 0 && e.Kind == last && !above {
			continue
		}
		// Of two at one version the later in the list counts, but a "last"
		// stands just above its version.
		if top == nil || e.order(top, compare) >= 0 {
			top = e
		}
	}
	return top != nil && top.Kind == introduced
}

// compareTo orders e against a version.
func (e *event) compareTo(version string, compare func(a, b string) int) int {
	if e.Kind == introduced && e.Version == "0" {
		return -1
	}
	return compare(e.Version, version)
}

func (e *event) order(o *event, compare func(a, b string) int) int {
	switch {
	case o.Kind == introduced && o.Version == "0":
		return 1
	case e.Kind == introduced && e.Version == "0":
		return -1
	}
	c := compare(e.Version, o.Version)
	if c == 0 && (e.Kind == last) != (o.Kind == last) {
		if e.Kind == last {
			return 1
		}
		return -1
	}
	return c
}

// affects reports whether a concerns version.
func (a *entry) affects(version string, compare func(a, b string) int) bool {
	for _, r := range a.Ranges {
		if r.covers(version, compare) {
			return true
		}
	}
	return a.lists(version)
}

func (a *entry) lists(version string) bool {
	if a.spellings == nil {
		a.spellings = make(map[string]bool, len(a.Versions))
		for _, v := range a.Versions {
			a.spellings[listed(v)] = true
		}
	}
	return a.spellings[listed(version)]
}

// lastAbove returns the lowest version, from the given one on, above which
// nothing is known to be affected: where a range ends with it, or the highest
// that is listed. It is "" if there is none, such as where a range has no end.
func (a *entry) lastAbove(version string, compare func(a, b string) int) string {
	ends := slices.Clone(a.Versions)
	for _, r := range a.Ranges {
		for _, e := range r.Events {
			if e.Kind == last {
				ends = append(ends, e.Version)
			}
		}
	}
	slices.SortStableFunc(ends, compare)
	for _, end := range ends {
		if compare(end, version) >= 0 && !a.affectsAbove(end, compare) {
			return end
		}
	}
	return ""
}

// affectsAbove reports whether a concerns what comes next after version, or
// lists anything above it.
func (a *entry) affectsAbove(version string, compare func(a, b string) int) bool {
	return a.affectsNext(version, compare) ||
		slices.ContainsFunc(a.Versions, func(v string) bool { return compare(v, version) > 0 })
}

// fixedAbove returns the lowest version above the given one at which a range
// of the entry ends and that no other range covers; "" if there is none.
func (a *entry) fixedAbove(version string, compare func(a, b string) int) string {
	var best string
	for _, r := range a.Ranges {
		for _, e := range r.Events {
			if e.Kind != fixed || compare(e.Version, version) <= 0 || best != "" && compare(e.Version, best) >= 0 {
				continue
			}
			if !a.affects(e.Version, compare) {
				best = e.Version
			}
		}
	}
	return best
}

// introducedBelow returns where the vulnerability begins that version has: the
// highest "introduced" at or below it of a range that covers it; "" if no range does.
func (a *entry) introducedBelow(version string, compare func(a, b string) int) string {
	var best *event
	for _, r := range a.Ranges {
		if !r.covers(version, compare) {
			continue
		}
		for i := range r.Events {
			e := &r.Events[i]
			if e.Kind == introduced && e.compareTo(version, compare) <= 0 && (best == nil || e.order(best, compare) > 0) {
				best = e
			}
		}
	}
	if best == nil {
		return ""
	}
	return best.Version
}
