package secret

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// mostOfCorpus is the largest file that a change is read of.
const mostOfCorpus = 16 << 20

// TestPrecision lists what is likely or certain in the directories that
// PULLWARDEN_PRECISION names, parted as in PATH. docs/secrets-judged.md has the
// list of it for public code, judged by hand.
func TestPrecision(t *testing.T) {
	dirs := os.Getenv("PULLWARDEN_PRECISION")
	if dirs == "" {
		t.Skip("PULLWARDEN_PRECISION names no directories")
	}
	s := New()
	files, size, start := 0, 0, cpu()
	for _, dir := range filepath.SplitList(dirs) {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || strings.Contains(path, "/gitleaks/v8@") {
				return err
			}
			if info, err := d.Info(); err != nil || info.Size() > mostOfCorpus {
				return err
			}
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			name, _ := filepath.Rel(dir, path)
			snap := scan.Snapshot{Side: scan.After, Contents: contents{"1": string(text)}, Files: []change.File{{Path: filepath.ToSlash(name), Kind: change.Added, NewBlob: "1"}}}
			r, err := s.Inspect(context.Background(), snap)
			if err != nil {
				t.Log(err)
			}
			files, size = files+1, size+len(text)
			for _, f := range r.Findings {
				if f.Confidence >= finding.Likely {
					t.Logf("%s %s %s", f.At, f.Confidence, f.Rule.ID)
				}
			}
			return nil
		})
		require.NoError(t, err)
	}
	took := cpu() - start
	t.Logf("%d files, %.1f MB in %v of processor time, %.0f MB/s", files, float64(size)/1e6, took.Round(time.Second), float64(size)/1e6/took.Seconds())
}
