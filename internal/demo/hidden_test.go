package demo_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
)

// TestHiddenDiff: GitHub shows no lines of a large diff and takes no comment on
// them. What is found there is in the check; the other comments are posted.
func TestHiddenDiff(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	secrets := madeUpSecrets()
	check, pull := w.review(map[string]string{
		"a.go":    "package a\n\nvar client = connect(\"" + secrets["STRIPE_KEY"] + "\")\n",
		"data.go": "package a\n" + strings.Repeat("// A line of many.\n", 25_000) + "const key = \"" + secrets["AWS_KEY"] + "\"\n",
	})
	assert.Equal(t, "failure", check.Conclusion)
	require.Len(t, pull.Threads, 1)
	assert.Equal(t, "a.go", pull.Threads[0].Path)
	require.Len(t, check.Annotations, 1)
	assert.Equal(t, "data.go", check.Annotations[0].Path)
	assert.Equal(t, 25_002, check.Annotations[0].StartLine)
}
