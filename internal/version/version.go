// Package version orders the versions of an ecosystem and relates them to its
// constraints.
package version

import (
	"errors"
	"fmt"
	"strings"

	"deps.dev/util/semver"
)

// A Scheme is how one ecosystem writes versions. Its methods are safe for
// concurrent use.
type Scheme interface {
	Valid(v string) bool
	// Compare is negative if a < b. An invalid version is below all others.
	Compare(a, b string) int
	// Prerelease reports whether v is not meant for everybody yet; false if v is invalid.
	Prerelease(v string) bool
	// Breaking reports whether to lies outside the range that the ecosystem's
	// tools accept by default from a project on from.
	Breaking(from, to string) bool
	Matches(constraint, v string) (bool, error)
	// Raise rewrites constraint so that it accepts to and keeps its form. It
	// returns constraint itself if it accepts to already, and ErrNotRaised if
	// it has a form that cannot be rewritten.
	Raise(constraint, to string) (string, error)
	// Intervals returns what constraint admits, lowest first; nothing if it
	// admits nothing. Pre-releases within an interval need not be admitted.
	Intervals(constraint string) ([]Interval, error)
}

// An Interval is a part of the order of versions.
type Interval struct {
	Low, High         string // "" has no end on that side
	LowOpen, HighOpen bool   // the end itself is not in it
}

// Contains reports whether v lies in i.
func (i Interval) Contains(v string, compare func(a, b string) int) bool {
	if c := compare(v, i.Low); i.Low != "" && (c < 0 || c == 0 && i.LowOpen) {
		return false
	}
	c := compare(v, i.High)
	return i.High == "" || c < 0 || c == 0 && !i.HighOpen
}

// Bounded reports whether a constraint keeps versions out that are not
// published yet: whether each of its intervals has an upper end.
func Bounded(admitted []Interval) bool {
	for _, i := range admitted {
		if i.High == "" {
			return false
		}
	}
	return true
}

// Of returns the scheme of a deps.dev system. With zeroMinor, a step from 0.1
// to 0.2 is breaking, as npm and Cargo have it.
func Of(s semver.System, zeroMinor bool) Scheme { return scheme{s, zeroMinor} }

type scheme struct {
	semver.System
	zeroMinor bool
}

func (s scheme) Valid(v string) bool {
	_, err := s.Parse(v)
	return err == nil
}

func (s scheme) Prerelease(v string) bool {
	x, err := s.Parse(v)
	return err == nil && x.IsPrerelease()
}

func (s scheme) Breaking(from, to string) bool {
	a, err1 := s.Parse(from)
	b, err2 := s.Parse(to)
	if err1 != nil || err2 != nil {
		return true
	}
	x, _ := a.Major()
	y, _ := b.Major()
	_, diff := a.Difference(b)
	return x != y || s.zeroMinor && x == 0 && diff == semver.DiffMinor
}

func (s scheme) Matches(constraint, v string) (bool, error) {
	c, err := s.ParseConstraint(constraint)
	if err != nil {
		return false, err
	}
	return c.Match(v), nil
}

// ErrNotRaised means that a constraint has a form that cannot be rewritten.
var ErrNotRaised = errors.New("the constraint has a form that cannot be raised")

func (s scheme) Raise(constraint, to string) (string, error) {
	if ok, err := s.Matches(constraint, to); err != nil || ok {
		return constraint, err
	}
	return "", ErrNotRaised
}

// infinity stands in a bound for more than any number: "2.0.∞" is the end of all 2.0.
const infinity = "∞"

// beyond is taken for it between other numbers: no release has as many.
const beyond = "999999999"

func (s scheme) Intervals(constraint string) ([]Interval, error) {
	c, err := s.ParseConstraint(constraint)
	if err != nil {
		return nil, err
	}
	text := c.Set().String() // "{[1.0.0:1.∞.∞],2.0.0}"
	inner := strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}")
	var out []Interval
	for span := range strings.SplitSeq(inner, ",") {
		if span == "" || span == "<empty>" {
			continue
		}
		if !strings.ContainsAny(span[:1], "[(") {
			out = append(out, Interval{Low: span, High: span})
			continue
		}
		low, high, ok := strings.Cut(span[1:len(span)-1], ":")
		if !ok {
			return nil, fmt.Errorf("constraint %.100q: not a span: %q", constraint, span)
		}
		out = append(out, Interval{
			Low: s.bound(low), LowOpen: span[0] == '(', High: s.bound(high), HighOpen: strings.HasSuffix(span, ")"),
		})
	}
	return out, nil
}

// bound is one end of an interval: "" for a version below or above all others.
func (s scheme) bound(v string) string {
	_, number, epoch := strings.Cut(v, "!")
	if !epoch {
		number = v
	}
	if strings.HasPrefix(number, infinity) || v == lowest[s.System] {
		return ""
	}
	return strings.ReplaceAll(v, infinity, beyond)
}

// lowest is what deps.dev writes for an interval without a lower end.
var lowest = map[semver.System]string{semver.PyPI: "0.0.0.dev0", semver.NPM: "0.0.0-0", semver.Cargo: "0.0.0-0"}
