package scan_test

import (
	"context"
	"errors"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/scan"
)

// memory is a cache that counts what it spared.
type memory struct {
	kept map[string]bool
	hits int
	err  error
}

func (m *memory) Clean(_ context.Context, keys []string) (map[string]bool, error) {
	out := map[string]bool{}
	for _, k := range keys {
		if m.kept[k] {
			out[k] = true
			m.hits++
		}
	}
	return out, m.err
}

func (m *memory) Keep(_ context.Context, keys []string) error {
	for _, k := range keys {
		m.kept[k] = true
	}
	return m.err
}

func TestCleanAdditionsAreNotLookedAtAgain(t *testing.T) {
	c := between(t, fstest.MapFS{}, fstest.MapFS{"clean": file("x"), "dirty": file("bad:x")})
	m := &memory{kept: map[string]bool{}}
	looked := 0
	s := words{name: "w", every: true, secret: true, do: func(context.Context) error { looked++; return nil }}
	o := scan.Options{Cache: m, Rules: "r1"}
	first := scan.Run(t.Context(), []scan.Scanner{s}, c, o)
	assert.Equal(t, []string{"dirty:1"}, places(first))
	assert.Len(t, m.kept, 1, "a finding is never remembered as clean")

	again := scan.Run(t.Context(), []scan.Scanner{s}, c, o)
	assert.Equal(t, places(first), places(again), "a finding is never forgotten")
	assert.Equal(t, first.Scanned, again.Scanned, "known to be clean counts as looked at")
	assert.Equal(t, 1, m.hits)

	o.Rules = "r2"
	scan.Run(t.Context(), []scan.Scanner{s}, c, o)
	assert.Equal(t, 1, m.hits, "other rules, other results")
	assert.Len(t, m.kept, 2)

	c.Files[0].Path = "elsewhere"
	scan.Run(t.Context(), []scan.Scanner{s}, c, o)
	assert.Equal(t, 1, m.hits, "another path is another question")
}

func TestOnlyAdditionsAreCached(t *testing.T) {
	c := between(t, fstest.MapFS{}, fstest.MapFS{"clean": file("x")})
	m := &memory{kept: map[string]bool{}}
	scan.Run(t.Context(), []scan.Scanner{words{name: "tree"}}, c, scan.Options{Cache: m, Rules: "r"})
	assert.Empty(t, m.kept, "a scanner of trees judges a file by its neighbours too")
}

func TestAnErrorIsNeverRememberedAsClean(t *testing.T) {
	c := between(t, fstest.MapFS{}, fstest.MapFS{"clean": file("x")})
	m := &memory{kept: map[string]bool{}}
	s := words{name: "w", every: true, do: func(context.Context) error { return errors.New("broken") }}
	r := scan.Run(t.Context(), []scan.Scanner{s}, c, scan.Options{Cache: m, Rules: "r"})
	require.Error(t, r.Statuses[0].Err)
	assert.Empty(t, m.kept)
}

func TestACacheThatFailsCostsNothingElse(t *testing.T) {
	c := between(t, fstest.MapFS{}, fstest.MapFS{"dirty": file("bad:x")})
	m := &memory{kept: map[string]bool{}, err: errors.New("no disk")}
	r := scan.Run(t.Context(), []scan.Scanner{words{name: "w", every: true}}, c, scan.Options{Cache: m, Rules: "r"})
	assert.Equal(t, []string{"dirty:1"}, places(r))
	assert.True(t, r.Complete())
}
