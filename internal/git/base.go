package git

import (
	"cmp"
	"fmt"
	"regexp"

	"github.com/go-git/go-git/v5/plumbing"
)

// Told is what a CI system says of the change that it runs for.
type Told struct {
	By      string // name of the system; "" if there is none
	Bases   []Base // where the change may begin; the first that the clone has is used
	Default string // the default branch
}

// A Base is one way to name the commit that a change begins at. One field is set.
type Base struct {
	Commit string // SHA, full or abbreviated
	Branch string
	// MergeOf is the last commit of a pull request where the host checks out
	// its merge into the base: the base is then the first parent of HEAD.
	MergeOf string
}

// A Problem is a reason why there is nothing to compare with.
type Problem int

const (
	NoDefault  Problem = iota // it is not known which branch is the default branch
	NotInClone                // the clone lacks the base
	Cut                       // a shallow clone ends before head and base meet
	Same                      // HEAD and the index add nothing to a base that nobody named
	Empty                     // there is no commit, and nothing is staged
)

// A BaseError says that a change cannot be told from what was there before.
type BaseError struct {
	Problem    Problem
	Head, Base string // for people
	By         string // the CI system that named Base, or ""
	Shallow    bool   // the clone is
}

func (e *BaseError) Error() string {
	switch e.Problem {
	case NoDefault:
		return "there is nothing to compare with: the clone has neither main nor master, nor does a remote name its default branch"
	case NotInClone:
		if e.By != "" {
			return fmt.Sprintf("%s says that the change is based on %s, which is not in this clone", e.By, e.Base)
		}
		return fmt.Sprintf("there is no revision %q in this clone", e.Base)
	case Cut:
		return fmt.Sprintf("the clone is shallow: its history ends before %s and %s meet", e.Head, e.Base)
	case Same:
		return fmt.Sprintf("there is nothing to compare: %s adds nothing to %s, and nothing is staged", e.Head, e.Base)
	}
	return "there is nothing to compare: the repository has no commit, and nothing is staged"
}

// A MissingError says that a clone lacks objects that a change needs.
type MissingError struct {
	Files int // that are missing; 0 if it is something else
	Err   error
}

func (e *MissingError) Error() string {
	if e.Files == 0 {
		return fmt.Sprintf("the clone is partial (--filter) or damaged: it lacks a part of the change: %v", e.Err)
	}
	return fmt.Sprintf("the clone is partial (--filter) or damaged: it lacks the content of %d files of the change", e.Files)
}

func (e *MissingError) Unwrap() error { return e.Err }

// hash is a commit's id, or the beginning of one: no other revision is read from the environment.
var hash = regexp.MustCompile(`^[0-9a-f]{7,40}$`)

// A start is the base of a change, and where both histories part.
type start struct {
	base    plumbing.Hash
	name    string // for people
	chosen  bool   // a person named it
	parting *parting
}

// start finds the commit to compare head with: the one that was named, else
// what a CI system told, else the default branch.
func (w *workspace) start(head *commit, o LocalOptions) (start, error) {
	switch {
	case o.Staged:
		return w.first(head, o, []Base{{Commit: head.hash.String()}})
	case o.Base != "":
		at, err := w.resolve(o.Base)
		if err != nil {
			return start{}, err
		}
		return w.first(head, o, []Base{{Commit: at.String()}})
	case len(o.Told.Bases) > 0:
		return w.first(head, o, o.Told.Bases)
	}
	name, _, ok := w.defaultBranch(o.Told.Default)
	if !ok && name == "" {
		return start{}, &BaseError{Problem: NoDefault, Shallow: w.shallow()}
	}
	return w.first(head, o, []Base{{Branch: name}})
}

// first returns the first base that is in the clone and from which the change
// can be told for certain.
func (w *workspace) first(head *commit, o LocalOptions, bases []Base) (start, error) {
	problem := &BaseError{Problem: NotInClone, Head: w.headName(o, head), By: o.Told.By, Shallow: w.shallow()}
	for _, b := range bases {
		at, name, ok := w.find(head, b)
		if problem.Base == "" && b.MergeOf == "" {
			problem.Base = name
		}
		if !ok {
			continue
		}
		p, err := w.objects.part(w.ctx, head.hash, at)
		if err != nil {
			return start{}, err
		}
		if p.certain(at) {
			return start{at, name, o.Base != "" || o.Staged, p}, nil
		}
		problem.Problem, problem.Base = Cut, name
	}
	return start{}, problem
}

// find returns the commit that b names, and what to call it; false if it is
// not in the clone, or b does not fit head.
func (w *workspace) find(head *commit, b Base) (at plumbing.Hash, name string, ok bool) {
	switch {
	case b.MergeOf != "":
		if len(head.parents) < 2 || head.parents[1].String() != b.MergeOf {
			return at, "", false
		}
		at, name = head.parents[0], "the first parent of the merge commit"
	case b.Branch != "":
		if at, ok = w.branch(b.Branch); !ok {
			return at, b.Branch, false
		}
		name = b.Branch
	default:
		name = b.Commit[:min(len(b.Commit), 7)]
		var err error
		if at, err = w.resolve(b.Commit); err != nil || !hash.MatchString(b.Commit) {
			return at, name, false
		}
	}
	_, err := w.objects.commit(at)
	return at, name, err == nil
}

func (w *workspace) headName(o LocalOptions, head *commit) string {
	return fmt.Sprintf("%s (%s)", cmp.Or(o.Head, "HEAD"), short(head.hash))
}

// certain reports whether the merge base is known although commits may be
// missing: if base is it, or if nothing is missing above it.
func (p *parting) certain(base plumbing.Hash) bool {
	return p.open == 0 || len(p.bases) == 1 && p.bases[0].hash == base
}
