package finding

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestGrave(t *testing.T) {
	for want, rules := range map[bool][]Rule{
		true:  {{ID: "secret/github-pat"}, {ID: "dependency/GHSA-1", Grave: true}},
		false: {{ID: "iac/secret"}, {ID: "dependency/GHSA-1"}, {ID: "secrets-of-others/x"}},
	} {
		for _, r := range rules {
			f := Finding{Rule: r}
			assert.Equal(t, want, f.Grave(), r.ID)
		}
	}
}
