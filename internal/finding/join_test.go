package finding_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
)

func caused(path, own, name, part string, line int, s finding.Severity) finding.Finding {
	f := thingAt(path, own, line)
	f.Severity = s
	f.Because("iac/x", name, part)
	return f
}

func TestJoin(t *testing.T) {
	old, key := finding.NewKey([]byte("old")), finding.NewKey([]byte("k"))
	all := []finding.Finding{
		caused("a", "bucket[0]", "bucket", "", 3, finding.Low), caused("a", "bucket[1]", "bucket", "", 9, finding.High),
		caused("a", "queue", "queue", "", 4, finding.Low), thingAt("a", "alone", 5), caused("b", "bucket[0]", "bucket", "", 3, finding.Low),
	}
	sealed := key.After(old).Seal(all, same)
	joined := finding.Join(sealed, nil)
	require.Len(t, joined, 4)
	f := joined[0]
	assert.Equal(t, finding.High, f.Severity, "the worst one stays")
	assert.Equal(t, 9, f.At.Start)
	assert.Equal(t, []change.Span{{Path: "a", Start: 3, End: 3}}, f.Also)
	assert.ElementsMatch(t, []finding.Fingerprint{sealed[0].Print, sealed[0].Was, sealed[1].Print, sealed[1].Was}, f.Joined)
	assert.NotContains(t, f.Joined, f.Print)
	assert.NotEqual(t, f.Print, joined[3].Print, "another file")
	assert.Empty(t, joined[2].Joined, "a finding without a cause stays as it is")

	before := finding.Join(old.Seal(all, same), nil)
	assert.Equal(t, before[0].Print, f.Was, "known by the key before")
	one := finding.Join(key.Seal(all[1:2], same), nil)
	assert.Equal(t, f.Print, one[0].Print, "fewer instances are the same finding")
}

func TestPartsOfOneNameAreTwoFindings(t *testing.T) {
	key := finding.NewKey([]byte("k"))
	joined := finding.Join(key.Seal([]finding.Finding{caused("a", "x@1", "x", "1", 3, finding.Low), caused("a", "x@2", "x", "2", 4, finding.Low)}, same), nil)
	require.Len(t, joined, 2)
	assert.NotEqual(t, joined[0].Print, joined[1].Print)
	next := finding.Join(key.Seal([]finding.Finding{caused("a", "x@3", "x", "3", 3, finding.Low)}, same), nil)
	assert.Equal(t, joined[0].Print, next[0].Print, "another version is the same finding")
}
