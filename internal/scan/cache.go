package scan

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/pullwarden/pullwarden/internal/change"
)

// A Cache remembers which additions were looked at and had nothing wrong in
// them, so that the next push does not look at them again. It never remembers
// a finding: what was found is looked for in every run, none is forgotten, and
// no secret is kept. It serves one repository.
//
// A Cache that fails costs time and nothing else.
type Cache interface {
	// Clean returns those of keys that are known to be clean.
	Clean(ctx context.Context, keys []string) (map[string]bool, error)
	// Keep remembers that keys are clean.
	Keep(ctx context.Context, keys []string) error
}

// cached looks at the additions in snap that are not known to be clean. Only
// scanners that judge a file's additions by themselves can be asked in parts:
// those that want every commit.
func cached(ctx context.Context, s Scanner, snap Snapshot, o Options) (Report, error) {
	if o.Cache == nil || o.Rules == "" || !s.EveryCommit() || snap.Side == Before {
		return s.Inspect(ctx, snap)
	}
	keys := make([]string, len(snap.Files))
	for i, f := range snap.Files {
		keys[i] = additionsKey(s.Name(), o.Rules, f)
	}
	clean, err := o.Cache.Clean(ctx, keys)
	if err != nil {
		clean = nil
	}
	all := snap.Files
	snap.Files = nil
	for i, f := range all {
		if !clean[keys[i]] {
			snap.Files = append(snap.Files, f)
		}
	}
	if len(snap.Files) == 0 {
		return Report{}, nil
	}
	report, err := s.Inspect(ctx, snap)
	if err != nil {
		return report, err
	}
	dirty := map[string]bool{}
	for _, f := range report.Findings {
		dirty[f.At.Path] = true
		for _, at := range f.Also {
			dirty[at.Path] = true
		}
	}
	var keep []string
	for i, f := range all {
		if !clean[keys[i]] && !dirty[f.Path] {
			keep = append(keep, keys[i])
		}
	}
	_ = o.Cache.Keep(ctx, keep)
	return report, nil
}

// additionsKey identifies what a scanner with its rules sees of one file: the
// path, the content, and which of its lines count as added.
func additionsKey(scanner, rules string, f change.File) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %v %v", scanner, rules, f.Path, f.NewBlob, f.Mode.Type(), f.Binary)
	for l := range f.Added() {
		fmt.Fprintf(h, " %d", l.New)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
