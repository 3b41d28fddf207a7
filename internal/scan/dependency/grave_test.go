package dependency

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/ecosystem/npm"
	"github.com/pullwarden/pullwarden/internal/finding"
)

// No opinion makes an advisory milder: which vulnerabilities are exploited it does not tell.
func TestGrave(t *testing.T) {
	for _, id := range []string{"MAL-2024-9001", "GHSA-aaaa-bbbb-0001"} {
		h := &hit{Advisory: advisory.Advisory{ID: id}, copies: []ecosystem.Package{{Name: "merge-al", Version: "0.0.1"}}}
		f := (*Scanner)(nil).Join([]finding.Finding{h.finding(npm.Ecosystem{})})
		assert.True(t, f.Grave(), id)
	}
}
