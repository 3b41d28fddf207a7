package iac

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
)

const (
	maxHops   = 16   // links on the way to one file
	maxTarget = 4096 // bytes of a link
)

// Links are followed as the tools follow them that deploy what is in a
// repository, but never out of it.
const (
	whyOutside = "a symbolic link out of the repository, not inspected"
	whyNowhere = "a symbolic link to nothing in the repository, not inspected"
	whyTwisted = "a symbolic link to itself or through too many others, not inspected"
)

// mode returns what stands at p, which is not followed.
func (r *repository) mode(p string) (fs.FileMode, error) {
	if r.linked[p] != "" {
		return fs.ModeSymlink, nil
	}
	if _, ok := r.known[p]; ok {
		return 0, nil
	}
	if !fs.ValidPath(p) {
		return 0, fs.ErrNotExist
	}
	info, err := fs.Lstat(r.tree, p)
	if err != nil {
		return 0, err
	}
	return info.Mode(), nil
}

// isLink reports whether p is a symbolic link.
func (r *repository) isLink(p string) bool {
	m, err := r.mode(p)
	return err == nil && m&fs.ModeSymlink != 0
}

// readlink returns what the link at p says.
func (r *repository) readlink(p string) (string, error) {
	if id := r.linked[p]; id != "" {
		b, err := r.blob(id)
		return string(b), err
	}
	if t, ok := r.tree.(fs.ReadLinkFS); ok {
		return t.ReadLink(p)
	}
	b, err := fs.ReadFile(r.tree, p)
	return string(b), err
}

// resolve returns the path that p leads to, through links in any of its parts.
// A link that leads nowhere is a *SyntaxError; one that is not at hand is noted.
func (r *repository) resolve(p string) (string, error) {
	at, hops := ".", 0
	for rest := strings.Split(p, "/"); len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			if at == "." {
				return "", &SyntaxError{Path: p, Why: whyOutside}
			}
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, name)
		mode, err := r.mode(next)
		switch {
		case errors.Is(err, fs.ErrNotExist) || err == nil && len(rest) > 0 && mode.IsRegular():
			if hops == 0 {
				return "", &fs.PathError{Op: "resolve", Path: p, Err: fs.ErrNotExist}
			}
			return "", &SyntaxError{Path: p, Why: whyNowhere}
		case err != nil:
			return "", err
		case mode&fs.ModeSymlink == 0:
			at = next
			continue
		}
		target, err := r.readlink(next)
		if err != nil {
			r.links = append(r.links, next)
			return "", err
		}
		if hops++; hops > maxHops || len(target) > maxTarget {
			return "", &SyntaxError{Path: p, Why: whyTwisted}
		}
		if path.IsAbs(target) {
			return "", &SyntaxError{Path: p, Why: whyOutside}
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at, nil
}

// target returns the regular file that the link at p leads to.
func (r *repository) target(p string) (string, error) {
	to, err := r.resolve(p)
	if err != nil {
		return "", err
	}
	if m, err := r.mode(to); err != nil || !m.IsRegular() {
		return "", &SyntaxError{Path: p, Why: whyNowhere}
	}
	return to, nil
}

// place returns where to show what is wrong on the lines of s: in the file
// itself, not in a link to it, unless the change touches only the link.
func (r *repository) place(s change.Span, touched func(string) bool) change.Span {
	to, err := r.target(s.Path)
	switch {
	case err != nil || to == s.Path:
	case touched(to) || !r.isLink(s.Path):
		s.Path = to
	default:
		s.Start, s.End = 1, 1
	}
	return s
}

// follow puts hits where what is wrong stands.
func (in *inspection) follow() {
	touched := func(p string) bool { _, found := slices.BinarySearch(in.snap.Touched, p); return found }
	for i := range in.hits {
		h := &in.hits[i]
		was := h.at
		if h.at = in.repo.place(was, touched); h.at.Path == was.Path && h.at != was {
			h.line = "" // of another file
			if to, err := in.repo.target(was.Path); err == nil {
				h.message += fmt.Sprintf(" (%v)", change.Span{Path: to, Start: was.Start, End: was.End})
			}
		}
		if h.span.Path == was.Path && h.at.Path != was.Path {
			h.span.Path = h.at.Path
		} else if h.at != was {
			h.span = change.Span{} // of another file
		}
		for j := range h.also {
			h.also[j] = in.repo.place(h.also[j], touched)
		}
	}
}
