package dependency

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/ecosystem/npm"
)

// A malicious package is grave under whichever name its advisory goes.
func TestGrave(t *testing.T) {
	for _, test := range []struct {
		id      string
		aliases []string
		want    bool
	}{
		{"MAL-2024-9001", nil, true},
		{"GHSA-aaaa-bbbb-0001", []string{"CVE-2024-99002", "MAL-2024-9002"}, true},
		{"GHSA-aaaa-bbbb-0001", []string{"CVE-2024-99002"}, false},
		{"GHSA-MAL-bbbb-0001", nil, false},
	} {
		h := &hit{Advisory: advisory.Advisory{ID: test.id, Aliases: test.aliases}, copies: []ecosystem.Package{{Name: "merge-al", Version: "0.0.1"}}}
		f := h.finding(npm.Ecosystem{})
		assert.Equal(t, test.want, f.Grave(), "%s %v", test.id, test.aliases)
	}
}
