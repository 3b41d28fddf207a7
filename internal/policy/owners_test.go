package policy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pullwarden/pullwarden/internal/policy"
)

func TestOwners(t *testing.T) {
	o, wrong := policy.ParseOwners([]byte("# who\n*  @acme/all\n/infra/ @acme/platform ops@registry.example\n/infra/free/\n[bad] @x\n*.tf @dev # last\n"))
	assert.Len(t, wrong, 1)
	assert.Contains(t, wrong[0], "line 5")
	assert.Equal(t, []string{"@acme/all"}, o.Of("src/a.go"))
	assert.Equal(t, []string{"@acme/platform", "ops@registry.example"}, o.Of("infra/a.yml"))
	assert.Empty(t, o.Of("infra/free/a.yml"), "a rule without owners takes them away")
	assert.Equal(t, []string{"@dev"}, o.Of("infra/main.tf"), "the last rule that matches")
	assert.Empty(t, policy.Owners{}.Of("a"))
	for _, path := range []string{"", "\xff", "a\nb", "../x", "/"} {
		assert.NotPanics(t, func() { o.Of(path) })
	}
}

func FuzzOwners(f *testing.F) {
	f.Add([]byte("* @a\n/x/** @b/c\n\\[ @d"), "x/y")
	f.Add([]byte("**/[a-z @a"), "a")
	f.Add([]byte("/\n"), "0")
	f.Fuzz(func(_ *testing.T, text []byte, path string) {
		o, _ := policy.ParseOwners(text)
		o.Of(path)
	})
}
