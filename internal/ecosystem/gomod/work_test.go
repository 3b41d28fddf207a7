package gomod

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

func TestWorkspaceReplaces(t *testing.T) {
	e := Ecosystem{}
	require.True(t, e.Match("go.work"))
	assert.False(t, e.Match("go.work.sum"))
	assert.Empty(t, e.Companions("sub/go.work"))
	tree := fstest.MapFS{"sub/go.work": {Data: []byte("go 1.21\nuse .\nreplace example.com/c => ./c\n" +
		"replace (\n\texample.com/a => example.com/a v0.1.0\n\texample.com/b v1.2.3 => example.com/fork v1.9.0\n)\n")}}
	found, err := e.Packages(t.Context(), tree, "sub/go.work")
	require.NoError(t, err)
	assert.Equal(t, []ecosystem.Package{
		{Name: "example.com/a", Version: "v0.1.0", Direct: true, At: change.Span{Path: "sub/go.work", Start: 5, End: 5}},
		{Name: "example.com/fork", Version: "v1.9.0", Direct: true, At: change.Span{Path: "sub/go.work", Start: 6, End: 6}},
	}, found)

	for text, line := range map[string]int{"go 1.21\nuses .\n": 2, "use (\n": 2, "go 1.21\n<<<<<<< HEAD\nuse .\n": 2} {
		_, err := e.Packages(t.Context(), fstest.MapFS{"go.work": {Data: []byte(text)}}, "go.work")
		var bad *ecosystem.SyntaxError
		require.ErrorAs(t, err, &bad, text)
		assert.Equal(t, line, bad.Line, bad.Text)
	}

	_, err = e.Upgrade(t.Context(), tree, found[0], "v1.0.0")
	var refused *ecosystem.RefusalError
	require.ErrorAs(t, err, &refused)
}
