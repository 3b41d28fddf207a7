package advisory

import (
	"context"
	"slices"

	"github.com/pullwarden/pullwarden/internal/version"
)

var _ Ranges = (*Index)(nil)

// Admitting implements Ranges. A constraint that cannot be read is an error.
func (i *Index) Admitting(ctx context.Context, ecosystem, name, constraint string, published []string, s version.Scheme) (Admitted, error) {
	intervals, err := s.Intervals(constraint)
	if err != nil {
		return Admitted{}, err
	}
	if err := ctx.Err(); err != nil {
		return Admitted{}, err
	}
	if err := i.rlock(); err != nil {
		return Admitted{}, err
	}
	defer i.mu.RUnlock()
	if i.db == nil {
		return Admitted{Intervals: intervals}, nil
	}
	entries, err := i.entries(ecosystem, name)
	if err != nil {
		return Admitted{}, err
	}
	return admitting(entries, intervals, published, s), nil
}

func admitting(entries []entry, intervals []version.Interval, published []string, s version.Scheme) Admitted {
	out := Admitted{Intervals: intervals}
	named := slices.DeleteFunc(points(entries), func(v string) bool { return !s.Valid(v) })
	known := named
	if published != nil {
		known = published
	}
	admitted := slices.DeleteFunc(slices.Clone(known), func(v string) bool {
		return s.Prerelease(v) || !slices.ContainsFunc(intervals, func(i version.Interval) bool { return i.Contains(v, s.Compare) })
	})
	for _, v := range admitted {
		if out.Highest == "" || s.Compare(v, out.Highest) > 0 {
			out.Highest = v
		}
	}
	if out.Highest != "" {
		out.Known = concerning(entries, out.Highest, s.Compare)
	}
	out.Only = len(intervals) > 0 && allAffected(entries, intervals, named, s)
	if published != nil && len(admitted) > 0 {
		out.Only = !slices.ContainsFunc(admitted, func(v string) bool { return len(concerning(entries, v, s.Compare)) == 0 })
	}
	for n := 0; out.Only && len(out.Known) == 0 && n < len(intervals); n++ {
		out.Known = concerning(entries, inside(intervals[n]), s.Compare)
	}
	out.Only = out.Only && len(out.Known) > 0
	return out
}

// points are the versions at which what is known of a package can change.
func points(entries []entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.Versions...)
		for _, r := range e.Ranges {
			out = append(out, r.Limits...)
			for _, ev := range r.Events {
				if ev.Version != "0" {
					out = append(out, ev.Version)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// inside is a version of an interval.
func inside(i version.Interval) string {
	if i.Low == "" || i.LowOpen {
		return i.High
	}
	return i.Low
}

// allAffected reports whether the affected ranges leave no gap in intervals.
// Between two neighbouring points nothing changes, so each point and what comes
// next after it stand for all.
func allAffected(entries []entry, intervals []version.Interval, points []string, s version.Scheme) bool {
	for _, in := range intervals {
		marks := slices.DeleteFunc(slices.Clone(points), func(v string) bool { return !in.Contains(v, s.Compare) })
		if in.Low != "" && !in.LowOpen {
			marks = append(marks, in.Low)
		}
		// Nothing is said of pre-releases: tools take them where they are asked for by name only.
		marks = slices.DeleteFunc(marks, func(v string) bool { return s.Prerelease(v) && v != in.Low })
		if in.High != "" && !in.HighOpen {
			marks = append(marks, in.High)
		}
		for _, v := range marks {
			if !anyOf(entries, func(e *entry) bool { return e.affects(v, s.Compare) }) {
				return false
			}
		}
		if in.Low != "" && in.High != "" && s.Compare(in.Low, in.High) == 0 {
			continue
		}
		// Low may be "", which is below all versions.
		for _, v := range append(marks, in.Low) {
			if in.High != "" && s.Compare(v, in.High) >= 0 {
				continue
			}
			if !anyOf(entries, func(e *entry) bool { return e.affectsNext(v, s.Compare) }) {
				return false
			}
		}
	}
	return true
}

// affectsNext reports whether a range of a holds what comes next after version.
func (a *entry) affectsNext(version string, compare func(a, b string) int) bool {
	return slices.ContainsFunc(a.Ranges, func(r versionRange) bool { return r.holds(version, true, compare) })
}

func anyOf(entries []entry, holds func(*entry) bool) bool {
	for i := range entries {
		if holds(&entries[i]) {
			return true
		}
	}
	return false
}
