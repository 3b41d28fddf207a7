package dependency

import (
	"context"
	"errors"
	"io/fs"
	"sync"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/scan"
)

var _ scan.Reader = (*Scanner)(nil)

// A partial is an ecosystem with manifests that do not list all that is installed.
type partial interface {
	// Partial reports whether the manifest at path is one of them, as far as
	// it can be read.
	Partial(tree fs.FS, path string) bool
}

// Reads implements scan.Reader: manifests that list all packages, and what
// those that the change concerns take in.
func (s *Scanner) Reads(ctx context.Context, snap scan.Snapshot) func(path string) bool {
	tree := newView(snap)
	included := sync.OnceValue(func() map[string]bool {
		out := map[string]bool{}
		for _, m := range s.manifests(ctx, snap, tree) {
			if in, ok := s.ecosystemOf(m).(includer); ok {
				for _, p := range in.Includes(ctx, tree, m) {
					out[p] = true
				}
			}
		}
		return out
	})
	return func(p string) bool {
		e := s.ecosystemOf(p)
		if e == nil {
			return included()[p]
		}
		some, ok := e.(partial)
		return !ok || !some.Partial(tree, p)
	}
}

// notUnderstood splits err into what a manifest is at fault for, with its
// place, and the rest.
func notUnderstood(err error) ([]change.Skip, error) {
	var syntax *ecosystem.SyntaxError
	if errors.As(err, &syntax) {
		return []change.Skip{{Path: syntax.Path, Line: syntax.Line, Why: syntax.Text}}, nil
	}
	return nil, err
}
