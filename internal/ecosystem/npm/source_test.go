package npm

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

// TestLockfileThatLies holds that what npm would install counts, and that an
// entry which says something else is an error that names it.
func TestLockfileThatLies(t *testing.T) {
	for _, c := range []struct {
		name, path, members string
		want                string // name, version and source
		says                string // of the error; "" if there is none
	}{
		{"as it says", "a", `"version":"1.0.0","resolved":"https://registry.example/a/-/a-1.0.0.tgz"`, "a 1.0.0", ""},
		{"with a scope", "@s/a", `"version":"1.0.0","resolved":"https://registry.example/npm/@s/a/-/a-1.0.0.tgz"`, "@s/a 1.0.0", ""},
		{"with an escaped scope", "@s/a", `"version":"1.0.0","resolved":"https://registry.example/@s%2fa/-/a-1.0.0.tgz"`, "@s/a 1.0.0", ""},
		{"with the scope twice", "@s/a", `"version":"1.0.0","resolved":"https://registry.example/@s/a/-/@s/a-1.0.0.tgz"`, "@s/a 1.0.0", ""},
		{"a version with dashes", "a", `"version":"1.0.0-rc-1.2","resolved":"https://registry.example/a/-/a-1.0.0-rc-1.2.tgz?x=1"`, "a 1.0.0-rc-1.2", ""},
		{"under download", "a", `"version":"1.0.0","resolved":"https://registry.example/a/download/a-1.0.0.tgz"`, "a 1.0.0", ""},
		{"by its hash", "@s/a", `"version":"1.0.0","resolved":"https://registry.example/download/@s/a/1.0.0/0123456789abcdef0123"`, "@s/a 1.0.0", ""},
		{"an alias", "z", `"name":"a","version":"1.0.0","resolved":"https://registry.example/a/-/a-1.0.0.tgz"`, "a 1.0.0", ""},
		{"an alias without an address", "z", `"name":"a","version":"1.0.0"`, "a 1.0.0", ""},
		{"no address", "a", `"version":"1.0.0"`, "a 1.0.0", ""},

		{"another version", "a", `"version":"2.0.0","resolved":"https://registry.example/a/-/a-1.0.0.tgz"`, "a 1.0.0", `"node_modules/a" says that it is version "2.0.0", but is resolved to "1.0.0"`},
		{"another name", "a", `"name":"z","version":"1.0.0","resolved":"https://registry.example/a/-/a-1.0.0.tgz"`, "a 1.0.0", `"node_modules/a" says that it is "z", but is resolved to "a"`},
		{"a scope left out", "a", `"version":"1.0.0","resolved":"https://registry.example/@s/a/-/a-1.0.0.tgz"`, "@s/a 1.0.0", `resolved to "@s/a"`},
		{"an escaped scope left out", "a", `"version":"1.0.0","resolved":"https://registry.example/%40s/a/-/a-1.0.0.tgz"`, "@s/a 1.0.0", `resolved to "@s/a"`},
		{"the file of another package", "a", `"version":"1.0.0","resolved":"https://registry.example/a/-/b-1.0.0.tgz"`, "a 1.0.0 an address", "does not tell"},
		{"no version", "a", `"resolved":"https://registry.example/a/-/a-1.0.0.tgz"`, "a 1.0.0", `"node_modules/a" has no version`},
		{"nothing", "a", ``, "a ", `"node_modules/a" has no version`},
		{"any archive", "a", `"version":"1.0.0","resolved":"https://registry.example/a.tgz"`, "a 1.0.0 an address", "does not tell"},
		{"in the fragment", "a", `"version":"1.0.0","resolved":"https://registry.example/x.tgz#/a/-/a-1.0.0.tgz"`, "a 1.0.0 an address", "does not tell"},
		{"in the query", "a", `"version":"1.0.0","resolved":"https://registry.example/x.tgz?/a/-/a-1.0.0.tgz"`, "a 1.0.0 an address", "does not tell"},
		{"a path that climbs", "a", `"version":"1.0.0","resolved":"https://registry.example/@s/./a/-/a-1.0.0.tgz"`, "a 1.0.0 an address", "does not tell"},
		{"a path that climbs, escaped", "a", `"version":"1.0.0","resolved":"https://registry.example/@s/%2e/a/-/a-1.0.0.tgz"`, "a 1.0.0 an address", "does not tell"},
		{"backslashes", "a", `"version":"1.0.0","resolved":"https://registry.example/@s\\a/-/a-1.0.0.tgz"`, "a 1.0.0 an address", "does not tell"},
		{"a path", "a", `"version":"1.0.0","resolved":"lib/a"`, "a 1.0.0", "no address of a package"},
		{"no address at all", "a", `"version":"1.0.0","resolved":"https://registry.example/%zz"`, "a 1.0.0", "no address"},

		{"from git", "a", `"version":"1.0.0","resolved":"git+ssh://git@registry.example/a.git#0123"`, "a 1.0.0 git", ""},
		{"from git, without a version", "a", `"resolved":"git+https://registry.example/a.git#0123"`, "a  git", ""},
		{"from a file", "a", `"version":"1.0.0","resolved":"file:a-1.0.0.tgz"`, "a 1.0.0 a file", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := packages(t, fmt.Sprintf("{\"lockfileVersion\":3,\"packages\":{\n\"node_modules/%s\":{%s}}}", c.path, c.members))
			if c.says == "" {
				require.NoError(t, err)
			} else {
				var bad *ecosystem.SyntaxError
				require.ErrorAs(t, err, &bad)
				assert.Equal(t, 2, bad.Line)
				assert.Contains(t, bad.Text, c.says)
			}
			require.Len(t, found, 1, "it is named, whatever it is")
			got := found[0].Name + " " + found[0].Version
			if found[0].Source != "" {
				got += " " + found[0].Source
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestOneLieHidesNoOther(t *testing.T) {
	found, err := packages(t, `{"lockfileVersion":3,"packages":{"node_modules/a":{},"node_modules/b":{"version":"1.0.0"},"node_modules/c":{}}}`)
	require.ErrorContains(t, err, `"node_modules/a" has no version; and 1 more such entries`)
	assert.Len(t, found, 3)
}

func TestOnlyNodeModulesHaveAddresses(t *testing.T) {
	_, err := packages(t, `{"lockfileVersion":3,"packages":{"node_modules/a":{"link":true,"resolved":"x"},"x":{"version":"1.0.0","resolved":"https://registry.example/a/-/a-0.1.0.tgz"}}}`)
	require.ErrorContains(t, err, `"x" is no package of node_modules, but has an address`)
	for member, says := range map[string]string{`"link":"false"`: "link is neither", `"dev":1`: "dev is neither", `"resolved":false`: "resolved is not a string"} {
		_, err := packages(t, `{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0",`+member+`}}}`)
		require.ErrorContains(t, err, says)
	}
}

func TestPlaces(t *testing.T) {
	found, err := packages(t, `{"lockfileVersion":3,"packages":{"node_modules/a/node_modules/b":{"version":"1.0.0"},"node_modules/b":{"version":"1.0.0"}}}`)
	require.NoError(t, err)
	require.Len(t, found, 2)
	assert.Equal(t, []string{"node_modules/a/node_modules/b", "node_modules/b"}, []string{found[0].Place, found[1].Place})
}
