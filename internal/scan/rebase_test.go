package scan_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// TestARebaseGivesTheSameFindings makes random changes, moves their base in
// ways that do not touch them, and compares what is found in both.
func TestARebaseGivesTheSameFindings(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	word := func() string {
		if r.IntN(5) == 0 {
			return fmt.Sprintf("bad:%d", r.IntN(4))
		}
		return fmt.Sprintf("line %d", r.IntN(50))
	}
	scanners := []scan.Scanner{words{name: "value", every: true, secret: true}, words{name: "thing"}}
	key := finding.NewKey([]byte("k"))
	found := 0
	for range 300 {
		base, moved := map[string][]string{}, map[string][]string{}
		for i := range 4 {
			name := fmt.Sprintf("f%d", i)
			for range 5 + r.IntN(10) {
				base[name] = append(base[name], word())
			}
			moved[name] = append([]string{}, base[name]...)
		}
		// What came to the base meanwhile: harmless lines on top, a new file.
		for name := range moved {
			for range r.IntN(3) {
				moved[name] = append([]string{"news " + name}, moved[name]...)
			}
		}
		moved["news"] = []string{"bad:news"}
		head := func(tree map[string][]string, edits func(map[string][]string)) map[string][]string {
			out := map[string][]string{}
			for k, v := range tree {
				out[k] = append([]string{}, v...)
			}
			edits(out)
			return out
		}
		name, added, last := fmt.Sprintf("f%d", r.IntN(4)), []string{word(), word()}, r.IntN(2) == 0
		edits := func(tree map[string][]string) {
			tree[name] = append(tree[name], added...)
			tree["new"] = added
			if last {
				delete(tree, "f3")
			}
		}
		prints := func(base map[string][]string) []finding.Fingerprint {
			c := between(t, tree(base), tree(head(base, edits)))
			var out []finding.Fingerprint
			for _, f := range scan.Run(t.Context(), scanners, c, scan.Options{Key: key}).Findings {
				out = append(out, f.Print)
			}
			return out
		}
		before, after := prints(base), prints(moved)
		require.ElementsMatch(t, before, after)
		found += len(before)
	}
	require.Greater(t, found, 100, "there was something to compare")
}

func tree(files map[string][]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, lines := range files {
		out[name] = &fstest.MapFile{Data: []byte(strings.Join(lines, "\n") + "\n")}
	}
	return out
}
