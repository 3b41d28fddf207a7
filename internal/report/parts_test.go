package report

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
)

func TestParts(t *testing.T) {
	s := sample{files: files(), findings: []finding.Finding{stripe(), logging()}, notices: []string{"A notice."}}
	parts, err := Parts(s.report(t))
	require.NoError(t, err)
	assert.Empty(t, parts, "nobody asked for them")

	s.policy = func(p *policy.Policy) { p.Checks = policy.CheckPerScanner }
	r := s.report(t)
	parts, err = Parts(r)
	require.NoError(t, err)
	require.Len(t, parts, 3)
	for i, want := range []struct {
		part, title string
		conclusion  forge.Conclusion
	}{
		{"secret", "1 blocking: Stripe access token committed", forge.Failure},
		{"dependency", "Nothing found", forge.Success},
		{"iac", "1 remark, nothing blocks", forge.Success},
	} {
		assert.Equal(t, want.part, parts[i].Part)
		assert.Equal(t, want.title, parts[i].Title)
		assert.Equal(t, want.conclusion, parts[i].Conclusion)
		assert.Equal(t, head, parts[i].SHA)
		assert.Empty(t, parts[i].Notes, "they are in the one for all")
		assert.NotContains(t, parts[i].Summary, "A notice.")
	}
	assert.NotContains(t, parts[1].Summary, "Stripe")
	assert.NotEqual(t, parts[1].Digest, parts[2].Digest)

	whole, err := Check(r)
	require.NoError(t, err)
	assert.Len(t, whole.Notes, 2)
	assert.Contains(t, whole.Summary, "A notice.")
	assert.Len(t, r.Result.Statuses, 3, "the report stays as it is")
}
