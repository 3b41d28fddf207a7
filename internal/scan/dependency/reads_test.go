package dependency

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pullwarden/pullwarden/internal/scan"
)

func TestReads(t *testing.T) {
	after := map[string]string{
		"go.mod": "module m\ngo 1.22\nrequire example.com/a v1.0.0\n", "old/go.mod": "module m\ngo 1.16\nrequire example.com/a v1.0.0\n",
		"broken/go.mod": "module (\n", "requirements.txt": "-c constraints.txt\n-r more.list\n", "constraints.txt": "a==1\n", "more.list": "-r most.list\n",
		"most.list": "b==1\n", "sub/constraints.txt": "a==1\n", "yarn.lock": "x", "package-lock.json": goodLock, "web/package-lock.json": "-> ../package-lock.json",
	}
	c := between(nil, after)
	snap := scan.Snapshot{Side: scan.After, Files: c.Files, Tree: c.After, Contents: c.Contents}
	for _, f := range c.Files {
		snap.Touched = append(snap.Touched, f.Path)
	}
	reads := New(fixture(t), ecosystems()).Reads(t.Context(), snap)
	for p, want := range map[string]bool{
		"go.mod": true, "requirements.txt": true, "constraints.txt": true, "more.list": true, "most.list": true, "package-lock.json": true, "web/package-lock.json": true,
		"old/go.mod":          false, // the rest is in go.sum
		"broken/go.mod":       true,  // the run is incomplete: no other word is needed
		"sub/constraints.txt": false, "yarn.lock": false, "not-there.txt": false,
		"elsewhere/package-lock.json": true, // whether it exists is not asked
	} {
		assert.Equal(t, want, reads(p), p)
	}

	// A file that only an untouched manifest takes in.
	c = between(map[string]string{"requirements.txt": "-c constraints.txt\n", "constraints.txt": "a==1\n"}, map[string]string{"requirements.txt": "-c constraints.txt\n", "constraints.txt": "a==2\n"})
	got := scan.Run(t.Context(), []scan.Scanner{New(fixture(t), ecosystems())}, c, scan.Options{})
	assert.Empty(t, got.Scanned.Uncovered)
	c = between(nil, map[string]string{"constraints.txt": "a==2\n"})
	got = scan.Run(t.Context(), []scan.Scanner{New(fixture(t), ecosystems())}, c, scan.Options{})
	assert.Len(t, got.Scanned.Uncovered, 1)
}

// TestManifestsThatAreNotUnderstood holds that each is named with its line and
// the reason, and that a lockfile of a known kind is not among them.
func TestManifestsThatAreNotUnderstood(t *testing.T) {
	c := between(nil, map[string]string{
		"a/package-lock.json": "{\n\"lockfileVersion\": 4, \"packages\": {}}", "b/package-lock.json": "{\"lockfileVersion\": 3, \"packages\": {\n\"\": {\"dependencies\": {\"x\": \"1\"}}}}",
		"c/requirements.txt": "a==1\n[b==2]\n", "d/go.mod": "module m\n\nneeds x\n", "e/yarn.lock": "x",
	})
	r := scan.Run(t.Context(), []scan.Scanner{New(fixture(t), ecosystems())}, c, scan.Options{})
	assert.NoError(t, r.Statuses[0].Err, "the scanner finished")
	assert.False(t, r.Complete())
	var got []string
	for _, s := range r.Statuses[0].Incomplete {
		assert.NotEmpty(t, s.Why)
		got = append(got, s.Path)
		assert.Equal(t, map[string]int{"a/package-lock.json": 2, "b/package-lock.json": 2, "c/requirements.txt": 2, "d/go.mod": 3}[s.Path], s.Line, s.Path)
	}
	assert.Equal(t, []string{"a/package-lock.json", "b/package-lock.json", "c/requirements.txt", "d/go.mod"}, got)

	r = scan.Run(t.Context(), []scan.Scanner{New(fixture(t), ecosystems())}, between(map[string]string{"go.mod": "nonsense\n"}, nil), scan.Options{})
	assert.True(t, r.Complete(), "what is gone needs no reading")
}
