package dependency

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

// The version that brings a package in is the present one, not one to go to;
// what is not plain is not repeated.
func TestBringer(t *testing.T) {
	for via, want := range map[string]string{
		"@example/receipt-pdf@2.3.0": "`@example/receipt-pdf` (now 2.3.0), which brings it in",
		"app-kit@1.0.0-rc.1":         "`app-kit` (now 1.0.0-rc.1), which brings it in",
		"site-kit==1.0":              "`site-kit` (now 1.0), which brings it in",
		"site-kit":                   "`site-kit`, which brings it in",
		"a`; rm -rf ~@1":             "what brings it in",
		"a@1 && curl x":              "what brings it in",
		"@@1":                        "what brings it in",
		"":                           "what brings it in",
	} {
		assert.Equal(t, want, bringer(ecosystem.Package{Via: []string{via}}), via)
	}
	assert.Equal(t, "what brings it in", bringer(ecosystem.Package{}))
}
