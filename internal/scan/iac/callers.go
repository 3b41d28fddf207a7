package iac

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
)

// A module may be called from anywhere in its repository. Whoever calls it may
// pass what opens it, so callers are searched for around a touched module, the
// nearest first, within these bounds. Beyond them is said, not guessed.
const (
	maxSearched = 50_000 // directories that are listed
	maxOthers   = 4_000  // directories with Terraform files that are searched for calls, byte by byte
	maxCallers  = 50     // of the touched modules that are evaluated

	whyOthers  = "there are too many directories to search for callers, those in the rest were not inspected"
	whyCallers = "is called too often, not all callers were inspected"
)

// others returns the directories around dirs that hold Terraform files, the
// nearest first, and whether these are all.
func (r *repository) others(dirs []string) (found []string, all bool) {
	listed := map[string]bool{}
	search := func(from string) bool {
		for next := []string{from}; len(next) > 0; next = next[1:] {
			dir := next[0]
			if listed[dir] {
				continue
			}
			if len(listed) == maxSearched {
				return false
			}
			listed[dir] = true
			entries, err := fs.ReadDir(r.tree, dir)
			if missing := (*change.MissingError)(nil); errors.As(err, &missing) {
				found = nil
				return false // of a repository so large the rest is not listed, either
			}
			holds := false
			for _, e := range entries {
				switch {
				case e.IsDir() && e.Name() != ".terraform":
					next = append(next, path.Join(dir, e.Name()))
				case !e.IsDir() && isTerraform(e.Name()):
					holds = true
				}
			}
			if !holds || slices.Contains(dirs, dir) {
				continue
			}
			if len(found) == maxOthers {
				return false
			}
			found = append(found, dir)
		}
		return true
	}
	at := slices.Clone(dirs)
	for more := true; more; {
		more = false
		for i, dir := range at {
			if !fs.ValidPath(dir) {
				continue
			}
			if !search(dir) {
				return found, false
			}
			if dir != "." {
				at[i], more = path.Dir(dir), true
			}
		}
	}
	return found, true
}

var (
	// source matches where a module may say its source, in both syntaxes.
	sourceWord = regexp.MustCompile(`\bsource\b`)
	// sourceText matches it in the words that everybody uses.
	sourceText = regexp.MustCompile(`\bsource"?[ \t]*[=:][ \t]*"([^"\n\\$%]*)"`)
)

// mayName is a quick look: text can name a local module only with a dot or an
// escape at the beginning of a string.
func mayName(text []byte) bool {
	return bytes.Contains(text, []byte(`"."`)) || bytes.Contains(text, []byte(`"./`)) || bytes.Contains(text, []byte(`"..`)) ||
		bytes.ContainsRune(text, '\\') && bytes.Contains(text, []byte("source")) || bytes.Contains(text, []byte("<<"))
}

// mayCall returns the directories that the files in dir may call modules in.
// It parses only what is written in an unusual way.
func (r *repository) mayCall(dir string) []string {
	var out []string
	for _, p := range r.list(dir) {
		if !isTerraform(p) {
			continue
		}
		text, err := r.read(p)
		if err != nil || !mayName(text) && !strings.HasSuffix(p, ".json") {
			continue
		}
		said := sourceText.FindAllSubmatch(text, -1)
		if len(said) != len(sourceWord.FindAllIndex(text, -1)) || strings.HasSuffix(p, ".json") && bytes.Contains(text, []byte(`\u`)) {
			for _, c := range r.source(p).calls {
				out = append(out, c.dir)
			}
			continue
		}
		for _, m := range said {
			if s := string(m[1]); strings.HasPrefix(s, ".") {
				out = append(out, path.Join(dir, s))
			}
		}
	}
	for _, d := range out {
		if to, err := r.resolve(d); err == nil && to != d {
			out = append(out, to)
		}
	}
	return out
}

// callers returns the directories of other modules that call one of dirs,
// directly or through others, the nearest first. What bounds leave out is
// noted in r.unsearched.
func (r *repository) callers(dirs []string) []string {
	others, all := r.others(dirs)
	if !all {
		r.unsearched = append(r.unsearched, &SyntaxError{Path: dirs[0], Why: whyOthers})
	}
	candidates := append(others, above(dirs)...)
	calls := map[string][]string{}
	r.searched = nil
	for _, dir := range candidates {
		if _, known := calls[dir]; known || slices.Contains(dirs, dir) || len(r.list(dir)) == 0 {
			continue
		}
		calls[dir] = r.mayCall(dir)
		r.searched = append(r.searched, dir)
	}
	// Who calls a caller is one, too.
	away := map[string]int{}
	for _, dir := range dirs {
		away[dir] = 0
	}
	for n := 1; n <= maxDepth; n++ {
		for dir, called := range calls {
			if _, known := away[dir]; !known && slices.ContainsFunc(called, func(d string) bool { at, ok := away[d]; return ok && at == n-1 }) {
				away[dir] = n
			}
		}
	}
	var out []string
	for _, dir := range r.searched {
		if away[dir] > 0 {
			out = append(out, dir)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(away[a], away[b]) })
	if len(out) > maxCallers {
		out = out[:maxCallers]
		r.unsearched = append(r.unsearched, &SyntaxError{Path: dirs[0], Why: whyCallers})
	}
	return out
}

// tooNested returns an error that names a module that is called from dirs
// through so many others that it is not looked at, nil if there is none.
func (r *repository) tooNested(dirs []string) error {
	reached := r.reach(dirs)
	for _, dir := range reached {
		for _, s := range r.module(dir) {
			for _, c := range s.calls {
				if slices.Contains(reached, c.dir) {
					continue
				}
				limit := maxDepth
				if r.atHand(c.dir) {
					limit = maxInHand
				}
				return &SyntaxError{Path: c.dir, Why: fmt.Sprintf("modules nested deeper than %d are not inspected", limit)}
			}
		}
	}
	return nil
}

// atHand reports whether the files of the module in dir can be read.
func (r *repository) atHand(dir string) bool {
	missing := (*change.MissingError)(nil)
	before := len(r.missing)
	paths := r.list(dir)
	unlisted := len(r.missing) > before
	r.missing = r.missing[:before]
	return !unlisted && !slices.ContainsFunc(paths, func(p string) bool {
		_, err := r.read(p)
		return errors.As(err, &missing)
	})
}
