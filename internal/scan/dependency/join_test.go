package dependency

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/ecosystem/pypi"
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

// The go line is a minimum: a note, whatever it would come to. A toolchain line and a builder image count.
func TestMinimumIsANote(t *testing.T) {
	notes := func(tree fstest.MapFS) (notes []string) {
		found := run(t, nil, tree)
		require.Len(t, found, 1)
		for _, a := range found[0].Advisories {
			notes = append(notes, a.Note)
		}
		return notes
	}
	mod := func(lines string) fstest.MapFS {
		return fstest.MapFS{"go.mod": {Data: []byte("module example.com/m\n\n" + lines)}}
	}
	image := mod("go 1.21\n")
	image["Dockerfile"] = &fstest.MapFile{Data: []byte("FROM golang:1.22.0 AS build\n")}
	assert.Equal(t, []string{minimumNote}, notes(mod("go 1.21.1\n")))
	assert.Equal(t, []string{""}, notes(mod("go 1.21\n\ntoolchain go1.22.0\n")))
	assert.Equal(t, []string{""}, notes(image))
	image["Dockerfile"] = &fstest.MapFile{Data: []byte("FROM golang:1.22.1 AS build\n")}
	assert.Empty(t, run(t, nil, image), "the image is newer than what the go line asks for")
	image["Dockerfile"] = &fstest.MapFile{Data: []byte("FROM golang:1.20.1 AS build\n")}
	assert.Equal(t, []string{minimumNote}, notes(image), "an image below the minimum builds nothing")
}

// listing is an ecosystem with a registry.
type listing struct {
	ecosystem.Ecosystem
	versions []string
	err      error
}

func (l listing) Versions(context.Context, string) ([]string, error) { return l.versions, l.err }

// What records call the last affected version is never "no version is known".
func TestAfterTheLastAffectedVersion(t *testing.T) {
	for _, tc := range []struct {
		versions []string
		err      error
		want     string
	}{
		{nil, ecosystem.ErrNoRegistry, "Upgrade `slow-parser` to a version after 1.4."},
		{[]string{"1.3", "1.4", "1.5rc1", "1.5", "2.0"}, nil, "Upgrade `slow-parser` to a version after 1.4; the next release is 1.5."},
		{[]string{"1.3", "1.4"}, nil, "Upgrade `slow-parser` to a version after 1.4."},
	} {
		c, err := change.Between(t.Context(), change.Empty(), fstest.MapFS{"requirements.txt": {Data: []byte("slow-parser==1.2\n")}})
		require.NoError(t, err)
		s := New(fixture(t), []ecosystem.Ecosystem{listing{pypi.Ecosystem{}, tc.versions, tc.err}})
		r := scan.Run(t.Context(), []scan.Scanner{s}, c, scan.Options{})
		require.Len(t, r.Findings, 1)
		assert.Equal(t, tc.want, r.Findings[0].Fix.Text)
		assert.Equal(t, finding.Unrated, r.Findings[0].Severity, "nothing rates it")
	}
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
