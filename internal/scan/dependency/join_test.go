package dependency

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// named is the first advisory of f as a rule, or the rule of f if it has none.
func named(f finding.Finding) string {
	if len(f.Advisories) > 0 {
		return "dependency/" + f.Advisories[0].ID
	}
	return f.Rule.ID
}

func run(t *testing.T, before, after fstest.MapFS) []finding.Finding {
	t.Helper()
	c, err := change.Between(t.Context(), before, after)
	require.NoError(t, err)
	r := scan.Run(t.Context(), []scan.Scanner{New(fixture(t), ecosystems())}, c, scan.Options{Key: finding.NewKey([]byte("k"))})
	require.NoError(t, r.Statuses[0].Err)
	return r.Findings
}

func goMod(requires ...string) fstest.MapFS {
	return fstest.MapFS{"go.mod": {Data: []byte("module example.com/m\n\nrequire (\n\t" + strings.Join(requires, "\n\t") + "\n)\n")}}
}

// The fingerprint has neither version nor advisories, so one thread lives on.
func TestOneFindingAPackageAndVersion(t *testing.T) {
	old := run(t, nil, goMod("example.com/parser v0.3.0"))
	require.Len(t, old, 1)
	require.Len(t, old[0].Advisories, 2)
	assert.Equal(t, "dependency/vulnerable", old[0].Rule.ID)
	assert.Len(t, old[0].Joined, 2)
	next := run(t, nil, goMod("example.com/parser v0.18.0"))
	require.Len(t, next, 1)
	require.Len(t, next[0].Advisories, 1)
	assert.Equal(t, old[0].Print, next[0].Print)
	transitive := run(t, nil, goMod("example.com/parser v0.3.0 // indirect"))
	assert.NotEqual(t, old[0].Print, transitive[0].Print, "the scope is part of it")
}

// Introduced is decided by advisory: what the base has is not part of the finding.
func TestOnlyIntroducedAdvisoriesAreJoined(t *testing.T) {
	found := run(t, goMod("example.com/parser v0.18.0"), goMod("example.com/parser v0.3.0"))
	require.Len(t, found, 1)
	require.Len(t, found[0].Advisories, 1)
	assert.Equal(t, "GO-2024-9001", found[0].Advisories[0].ID)
	assert.Empty(t, run(t, goMod("example.com/parser v0.3.0"), goMod("example.com/parser v0.18.0")))
}

// Two versions of a package in one lockfile are two findings; copies of one version are one with all places.
func TestVersionsAndCopies(t *testing.T) {
	lock := func(second string) fstest.MapFS {
		return fstest.MapFS{"package-lock.json": {Data: []byte(`{"lockfileVersion": 3, "packages": {
"": {"dependencies": {"merge-all": "1", "app-kit": "1"}},
"node_modules/merge-all": {"version": "1.4.1"},
"node_modules/app-kit": {"version": "1.0.0", "dependencies": {"merge-all": "1"}, "bundled": true},
"node_modules/app-kit/node_modules/merge-all": {"version": "` + second + `"},
"node_modules/app-kit/node_modules/x/node_modules/merge-all": {"version": "` + second + `"}}}`)}}
	}
	same := run(t, nil, lock("1.4.1"))
	require.Len(t, same, 2, "direct and transitive are two scopes: %v", same)
	assert.Len(t, append(same[0].Also, same[1].Also...), 1, "both nested copies are places of one finding")
	other := run(t, nil, lock("2.0.4"))
	require.Len(t, other, 2)
	assert.NotEqual(t, other[0].Print, other[1].Print)
}
