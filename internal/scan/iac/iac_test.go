package iac

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

var update = flag.Bool("update", false, "rewrite what the cases want")

// loaded is shared, for loading takes a second.
var loaded = New()

// TestCases runs what a pull request from before/ to after/ brings in against
// want, one line each: path:line severity rule.
func TestCases(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			require.NoError(t, err)
			before, after, want := fstest.MapFS{}, fstest.MapFS{}, ""
			rest := a.Files[:0:0]
			for _, f := range a.Files {
				if p, ok := strings.CutPrefix(f.Name, "before/"); ok {
					before[p] = &fstest.MapFile{Data: f.Data}
				} else if p, ok := strings.CutPrefix(f.Name, "after/"); ok {
					after[p] = &fstest.MapFile{Data: f.Data}
				} else {
					require.Equal(t, "want", f.Name)
					want = string(f.Data)
					continue
				}
				rest = append(rest, f)
			}
			got := summary(run(t, before, after))
			if *update {
				a.Files = append(rest, txtar.File{Name: "want", Data: []byte(got)})
				require.NoError(t, os.WriteFile(path, txtar.Format(a), 0o644))
				return
			}
			assert.Equal(t, want, got)
		})
	}
}

// run scans what turns before into after.
func run(t testing.TB, before, after fs.FS) finding.Result {
	t.Helper()
	c, err := change.Between(t.Context(), before, after)
	require.NoError(t, err)
	return scan.Run(t.Context(), []scan.Scanner{loaded}, c, scan.Options{})
}

func summary(r finding.Result) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%v %v %s\n", f.At, f.Severity, f.Rule.ID)
	}
	for _, s := range r.Statuses {
		for _, skip := range s.Incomplete {
			fmt.Fprintf(&b, "error: %v: %s\n", change.Span{Path: skip.Path, Start: skip.Line, End: skip.Line}, skip.Why)
		}
		if s.Err != nil {
			for line := range strings.Lines(s.Err.Error()) {
				fmt.Fprintf(&b, "error: %s\n", strings.TrimSpace(line))
			}
		}
	}
	return b.String()
}

func files(files ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for i := 0; i+1 < len(files); i += 2 {
		out[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return out
}
