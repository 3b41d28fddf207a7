package advisory

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// The scores are those that FIRST gives in its examples or that national
// databases publish for the vector.
func TestScore(t *testing.T) {
	for vector, want := range map[string]float64{
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H":                    9.8,
		"CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H":                    9.9,
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N":                    0,
		"CVSS:3.1/A:H/I:H/C:H/S:U/UI:N/PR:N/AC:L/AV:N/E:P/RL:O":           9.8,
		"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N": 9.3,
		"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N": 6.9,
		"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N": 0,
		"AV:N/AC:L/Au:N/C:C/I:C/A:C":                                      10,
	} {
		_, got, err := score(vector)
		require.NoError(t, err, vector)
		assert.InDelta(t, want, got, 1e-9, vector)
	}
}

// TestVectorThatDoesNotParse is a line of bad input: such a vector says nothing, and the next source is asked.
func TestVectorThatDoesNotParse(t *testing.T) {
	for _, vector := range []string{
		"", "CVSS:3.1", "CVSS:5.0/AV:N", "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:2.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H", "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
		"CVSS:3.1/AV:N/AV:L/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:4.0/AV:N", "9.8",
	} {
		_, _, err := score(vector)
		assert.Error(t, err, vector)
		o := &osv{ID: "GO-1", Severity: []statedScore{{Type: "CVSS_V3", Score: vector}}}
		assert.Equal(t, rating{}, rate(o), vector)
		o.Database.severity = "LOW"
		assert.Equal(t, rating{finding.Low, "stated by GO-1"}, rate(o), vector)
	}
}

func TestSeverityOf(t *testing.T) {
	for value, want := range map[float64]finding.Severity{
		0: finding.Info, 0.1: finding.Low, 3.9: finding.Low, 4: finding.Medium, 6.9: finding.Medium,
		7: finding.High, 8.9: finding.High, 9: finding.Critical, 10: finding.Critical,
	} {
		assert.Equal(t, want, severityOf("3.1", value), value)
	}
	assert.Equal(t, finding.High, severityOf("2.0", 10), "CVSS 2 has no critical")
}

// An index that an earlier program made guessed severities, which are not taken over.
func TestRatingsOfEarlierPrograms(t *testing.T) {
	for text, want := range map[string]rating{
		`{"Severity": "high", "Scored": false, "Source": "no source states one; unknown counts as high"}`: {},
		`{"Severity": "high", "Scored": true, "Source": "stated by GO-1"}`:                                {finding.High, "stated by GO-1"},
		`{"Severity": "unknown", "Source": ""}`:                                                           {},
	} {
		var got rating
		require.NoError(t, json.Unmarshal([]byte(text), &got))
		assert.Equal(t, want, got, text)
	}
}

func TestLastAffected(t *testing.T) {
	db := indexOf(t, []string{
		"Go",
		rec("GO-1", "Go", "ended", `{"introduced": "0"}, {"last_affected": "1.5.0"}`),
		rec("GO-2", "Go", "fixed", `{"introduced": "0"}, {"fixed": "1.6.0"}`),
		rec("GO-3", "Go", "open", `{"introduced": "0"}`),
	})
	for name, want := range map[string]string{"ended": "v1.5.0", "fixed": "", "open": ""} {
		got := affecting(t, db, "Go", name, "v1.0.0")
		require.Len(t, got, 1, name)
		assert.Equal(t, want, got[0].LastAffected, name)
	}
	listed := entry{Versions: []string{"1.0", "1.2", "1.1"}}
	assert.Equal(t, "1.2", listed.lastAbove("1.0", func(a, b string) int {
		switch {
		case a < b:
			return -1
		case a > b:
			return 1
		}
		return 0
	}))
}
