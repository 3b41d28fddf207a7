package ecosystem_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

func TestOwnFiles(t *testing.T) {
	for path, want := range map[string]struct {
		copied  string
		foreign bool
	}{
		"go.mod":                                 {"", false},
		"vendor":                                 {"", false},
		"vendored/go.mod":                        {"", false},
		"vendor/x/go.mod":                        {"vendor", true},
		"web/node_modules/a/package-lock.json":   {"web/node_modules", true},
		"a/vendor/b/node_modules/c/package.json": {"a/vendor", true},
		"x/testdata/go.mod":                      {"", true},
	} {
		assert.Equal(t, want.copied, ecosystem.CopiedIn(path), path)
		assert.Equal(t, want.foreign, ecosystem.Foreign(path), path)
	}
}

func TestAddress(t *testing.T) {
	for url, want := range map[string]string{
		"https://Registry.example/a/b":             "https://registry.example",
		"https://me:secret@registry.example:8080/": "https://registry.example:8080",
		"https://me:s@cret@registry.example/@a/b":  "https://registry.example",
		"git+ssh://git@[2001:db8::1]:22/a.git":     "git+ssh://[2001:db8::1]:22",
		"https://me:secret#x@registry.example/":    "https://[not shown]",
		"https://${USER}:${PASS}@registry.example": "https://registry.example",
		"./wheels":   "",
		"https:///a": "",
		"":           "",
	} {
		assert.Equal(t, want, ecosystem.Address(url), url)
	}
	assert.Equal(t, `"-i https://a.example/@x" "//b.example"`, ecosystem.WithoutCredentials(`"-i https://u:p@a.example/@x" "//t@b.example"`))
}
