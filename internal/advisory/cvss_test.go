package advisory

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// The scores are those that FIRST gives in its examples or that national
// databases publish for the vector.
func TestParseVector(t *testing.T) {
	for vector, want := range map[string]float64{
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": 9.8,
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H": 10,
		"CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H": 9.9,
		"CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:C/C:H/I:N/A:H": 9.3,
		"CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H": 8.8,
		"CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H": 8.1,
		"CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H": 7.8,
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H": 7.5,
		"CVSS:3.0/AV:P/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": 6.8,
		"CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:H/I:H/A:N": 6.8,
		"CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N": 6.4,
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N": 6.1,
		"CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N": 5.9,
		"CVSS:3.1/AV:N/AC:L/PR:L/UI:R/S:C/C:L/I:L/A:N": 5.4,
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N": 5.3,
		"CVSS:3.1/AV:N/AC:L/PR:H/UI:R/S:C/C:L/I:L/A:N": 4.8,
		"CVSS:3.0/AV:L/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:L": 4.2,
		"CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N": 3.1,
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N": 0,
		// Temporal metrics and another order change nothing.
		"CVSS:3.1/A:H/I:H/C:H/S:U/UI:N/PR:N/AC:L/AV:N/E:P/RL:O": 9.8,
		// CVSS 2.
		"AV:N/AC:L/Au:N/C:N/I:N/A:C":                7.8,
		"(AV:N/AC:L/Au:N/C:P/I:P/A:P)":              7.5,
		"AV:L/AC:H/Au:N/C:C/I:C/A:C":                6.2,
		"AV:N/AC:L/Au:N/C:C/I:C/A:C/E:U/RL:OF/RC:C": 10,
		// CVSS 4: the threat metrics change nothing.
		"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N":     9.3,
		"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:H/SC:N/SI:N/SA:N/E:U": 8.7,
		"CVSS:4.0/AV:L/AC:L/AT:N/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N":     8.5,
		"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N":     6.9,
		"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N":     0,
	} {
		got, err := parseVector(vector)
		require.NoError(t, err, vector)
		assert.InDelta(t, want, got.score, 1e-9, vector)
	}
	got, err := parseVector("AV:N/AC:L/Au:N/C:C/I:C/A:C")
	require.NoError(t, err)
	assert.Equal(t, vectorScore{"2.0", 10, finding.High}, got, "CVSS 2 has no critical")
}

// TestVectorThatDoesNotParse: what becomes of such a record is in TestSeverity.
func TestVectorThatDoesNotParse(t *testing.T) {
	for _, vector := range []string{
		"", "CVSS:3.1", "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:2.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:4.0/AV:N", "9.8", "HIGH",
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H", "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
		"CVSS:3.1/AV:N/AV:L/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:3.1/AV:N//AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
		strings.Repeat("CVSS:3.1/AV:N/", 1000),
	} {
		_, err := parseVector(vector)
		assert.Error(t, err, vector)
	}
}

func TestSeverityOf(t *testing.T) {
	for score, want := range map[float64]finding.Severity{
		0: finding.Info, 0.1: finding.Low, 3.9: finding.Low, 4: finding.Medium, 6.9: finding.Medium,
		7: finding.High, 8.9: finding.High, 9: finding.Critical, 10: finding.Critical,
	} {
		assert.Equal(t, want, severityOf(score), score)
	}
}
