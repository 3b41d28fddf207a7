package pypi

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

func TestFilesTakenIn(t *testing.T) {
	tree := fstest.MapFS{
		"sub/requirements.txt":     {Data: []byte("-r deps.in\n--constraint=../limits.txt\n-r requirements-dev.txt\na==1.0\n")},
		"sub/deps.in":              {Data: []byte("b==1.0\n-r more/deps.in -c../limits.txt\n-r requirements.txt\n")},
		"sub/more/deps.in":         {Data: []byte("-r ../deps.in\nc==1.0\n")},
		"limits.txt":               {Data: []byte("d==1.0\n")},
		"sub/requirements-dev.txt": {Data: []byte("e==1.0\n")}, // is read by itself
	}
	found, err := Ecosystem{}.Packages(t.Context(), tree, "sub/requirements.txt")
	require.NoError(t, err)
	var got []string
	for _, p := range found {
		got = append(got, fmt.Sprint(p.At, " ", p.Name))
	}
	assert.Equal(t, []string{"sub/requirements.txt:4 a", "sub/deps.in:1 b", "limits.txt:1 d", "sub/more/deps.in:2 c"}, got)
	assert.Equal(t, []string{"sub/deps.in", "limits.txt", "sub/requirements-dev.txt", "sub/more/deps.in"},
		Ecosystem{}.Includes(t.Context(), tree, "sub/requirements.txt"))
}

func TestErrorInAFileTakenIn(t *testing.T) {
	tree := fstest.MapFS{
		"requirements.txt": {Data: []byte("-r deps.in\na==1.0\n")},
		"deps.in":          {Data: []byte("b==1.0\nsee the other file!\n")},
	}
	found, err := Ecosystem{}.Packages(t.Context(), tree, "requirements.txt")
	var bad *ecosystem.SyntaxError
	require.ErrorAs(t, err, &bad)
	assert.Equal(t, "deps.in", bad.Path)
	assert.Equal(t, 2, bad.Line)
	assert.Len(t, found, 2, "what can be read is read")
}

func TestTooManyFilesTakenIn(t *testing.T) {
	tree := fstest.MapFS{"requirements.txt": {Data: []byte("-r r0.in\n")}}
	for i := range 2 * maxFiles {
		tree[fmt.Sprintf("r%d.in", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "-r r%d.in\n", i+1)}
	}
	_, err := Ecosystem{}.Packages(t.Context(), tree, "requirements.txt")
	require.ErrorContains(t, err, "more than 64 files")
	assert.LessOrEqual(t, len(Ecosystem{}.Includes(t.Context(), tree, "requirements.txt")), maxFiles)
}
