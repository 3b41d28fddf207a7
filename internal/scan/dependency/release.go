package dependency

import (
	"context"
	"errors"
	"time"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

// Bounds on what one inspection asks of the operator's registries.
const (
	maxLookups  = 20
	maxLookTime = 5 * time.Second
)

// releases are the published versions of packages that have advisories, from
// the operator's registry. They make a fix more precise, and no finding depends
// on them: a registry that does not answer in time is not asked again.
type releases struct {
	known map[string][]string
	asked int
	off   map[string]bool // registries, by ecosystem
	until time.Time
}

func newReleases() *releases {
	return &releases{known: map[string][]string{}, off: map[string]bool{}}
}

// of returns the versions of a package, lowest first; nil if no registry tells.
func (r *releases) of(ctx context.Context, e ecosystem.Ecosystem, name string) []string {
	if r == nil || r.off[e.Name()] {
		return nil
	}
	key := e.Name() + "\x00" + name
	if versions, ok := r.known[key]; ok {
		return versions
	}
	if r.until.IsZero() {
		r.until = time.Now().Add(maxLookTime)
	}
	if r.asked++; r.asked > maxLookups {
		return nil
	}
	ctx, cancel := context.WithDeadline(ctx, r.until)
	defer cancel()
	versions, err := e.Versions(ctx, name)
	if errors.Is(err, ecosystem.ErrNoRegistry) || ctx.Err() != nil {
		r.off[e.Name()] = true
	}
	if err != nil {
		versions = nil
	}
	r.known[key] = versions
	return versions
}

// affecting asks the advisories. One that states only the last affected
// version is fixed in the first release above it that has no advisory of that id.
func (s *Scanner) affecting(ctx context.Context, e ecosystem.Ecosystem, name, version string, r *releases) ([]advisory.Advisory, error) {
	known, err := s.db.Affecting(ctx, e.Name(), name, version, e.Compare)
	if err != nil {
		return nil, err
	}
	return known, s.released(ctx, e, name, known, r)
}

// released sets Fixed where a registry has a release above LastAffected.
func (s *Scanner) released(ctx context.Context, e ecosystem.Ecosystem, name string, known []advisory.Advisory, r *releases) error {
	for i := range known {
		a := &known[i]
		if a.Fixed != "" || a.LastAffected == "" {
			continue
		}
		for _, v := range r.of(ctx, e, name) {
			if e.Compare(v, a.LastAffected) > 0 && !e.Scheme().Prerelease(v) {
				a.Fixed = v
				break
			}
		}
	}
	return nil
}
