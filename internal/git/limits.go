package git

import (
	"errors"
	"fmt"
	"time"
)

// Limits bound what one change may cost. A zero field means its default.
type Limits struct {
	Response int64 // bytes of one response; 64 MiB
	Object   int64 // bytes of one object; 4 MiB
	Inflated int64 // bytes of all objects of a change; 256 MiB, for Local 1 GiB
	Objects  int   // objects in one response; 200,000
	Entries  int   // files in one tree; 1,000,000
	Files    int   // differences over the net change and all its commits; 200,000, for Local 1,000,000
	Requests int   // for the blobs of one batch, when some of them are too large, and for the levels of trees; 64
	Trees    int64 // bytes of trees, beyond which they are fetched level by level, only where something differs; 2 MB
}

const (
	kib, mib, gib = 1 << 10, 1 << 20, 1 << 30

	// maxDepth is how deep directories may lie. Forges allow paths of about 4 KiB.
	maxDepth = 1024
)

func (l Limits) orDefaults() Limits {
	return Limits{
		Response: or(l.Response, 64*mib),
		Object:   or(l.Object, 4*mib),
		Inflated: or(l.Inflated, 256*mib),
		Objects:  or(l.Objects, 200_000),
		Entries:  or(l.Entries, 1_000_000),
		Files:    or(l.Files, 200_000),
		Requests: or(l.Requests, 64),
		Trees:    or(l.Trees, 2_000_000),
	}
}

func or[T int | int64](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// ErrGone means that a repository, commit or object is not there, or not any
// more: a force-push, a deleted fork. Look again at what should be fetched.
var ErrGone = errors.New("not there (any more)")

// A LimitError means that something is larger than the Limits allow. Trying
// again does not help.
type LimitError struct {
	What  string // "an object", "the response"
	Limit string // "4 MiB", "200,000 objects"
}

func (e *LimitError) Error() string { return e.What + " is larger than " + e.Limit }

// A HostileError means that a repository or server sent what no honest one
// does. Trying again does not help.
type HostileError struct {
	What string // "tree 1f2e…"
	Why  string
	Err  error // may be nil
}

func (e *HostileError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.What, e.Why, e.Err)
	}
	return e.What + ": " + e.Why
}

func (e *HostileError) Unwrap() error { return e.Err }

// An HTTPError is an answer other than 200.
type HTTPError struct {
	Status int
	After  time.Duration // when to try again, if the server said so
}

func (e *HTTPError) Error() string {
	return fmt.Sprintf("the server answered with status %d", e.Status)
}

// Is makes 404 and 410 an ErrGone.
func (e *HTTPError) Is(target error) bool {
	return target == ErrGone && (e.Status == 404 || e.Status == 410)
}

// Permanent reports whether fetching the same again would fail in the same
// way. ErrGone is not among it: what to fetch may be something else by now.
func Permanent(err error) bool {
	var limit *LimitError
	var hostile *HostileError
	return errors.As(err, &limit) || errors.As(err, &hostile)
}

// size writes n bytes for people.
func size(n int64) string {
	for _, u := range []struct {
		of   int64
		name string
	}{{gib, "GiB"}, {mib, "MiB"}, {kib, "KiB"}} {
		switch {
		case n >= u.of && n%u.of == 0:
			return fmt.Sprintf("%d %s", n/u.of, u.name)
		case n >= u.of:
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.of), u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
