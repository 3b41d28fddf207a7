package report

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
)

func TestSubmodulesAreNamed(t *testing.T) {
	r := &Report{Change: &change.Change{Head: "abc", Elsewhere: []change.Skip{{Path: "libs/`x`", Why: "a submodule"}}}}
	c, err := Check(r)
	require.NoError(t, err)
	assert.Contains(t, c.Summary, "Content of other repositories, not looked at: `` libs/`x` `` (a submodule).")
	var text, doc strings.Builder
	require.NoError(t, Text(&text, r))
	assert.Contains(t, text.String(), "not scanned: libs/`x` (a submodule)\n")
	require.NoError(t, JSON(&doc, r))
	assert.Contains(t, strings.Join(strings.Fields(doc.String()), " "), `"elsewhere": [ { "path": "libs/`+"`x`"+`", "why": "a submodule" } ]`)
}
