package internal_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/pullwarden/pullwarden/"

// may is the map of the house: which packages of ours each one may import.
// A name that ends in /... stands for the packages below it.
var may = map[string]string{
	"cmd/pullwarden":                  "internal/cli",
	"config":                          "",
	"templates":                       "",
	"internal/change":                 "",
	"internal/finding":                "internal/change",
	"internal/git":                    "internal/change",
	"internal/forge":                  "internal/change internal/git",
	"internal/forge/github":           "internal/change internal/finding internal/forge internal/git",
	"internal/forge/github/hook":      "internal/forge",
	"internal/version":                "",
	"internal/ecosystem":              "internal/change internal/version",
	"internal/ecosystem/...":          "internal/change internal/ecosystem internal/version",
	"internal/advisory":               "internal/ecosystem internal/finding internal/version",
	"internal/scan":                   "internal/change internal/finding internal/scan/coverage",
	"internal/scan/coverage":          "internal/change internal/finding",
	"internal/scan/secret":            "internal/change internal/finding internal/scan",
	"internal/scan/secret/secrettest": "",
	"internal/scan/iac":               "internal/change internal/finding internal/scan",
	"internal/scan/text":              "internal/change internal/finding internal/scan",
	"internal/scan/dependency":        "internal/change internal/finding internal/scan internal/advisory internal/ecosystem internal/version",
	"internal/verify":                 "internal/finding",
	"internal/policy":                 "internal/change internal/finding",
	"internal/upgrade":                "internal/advisory internal/change internal/ecosystem internal/policy",
	"internal/history":                "internal/finding internal/forge internal/policy",
	"internal/queue":                  "internal/forge",
	"internal/queue/queuetest":        "internal/forge internal/queue",
	"internal/store":                  "internal/change internal/finding internal/forge internal/history internal/policy internal/queue",
	"internal/store/storetest":        "internal/change internal/finding internal/forge internal/history internal/policy",
	"internal/report":                 "internal/advisory internal/change internal/finding internal/forge internal/history internal/policy internal/upgrade templates",
	"internal/bot":                    "internal/change internal/finding internal/forge internal/git internal/history internal/policy internal/report internal/scan internal/upgrade",
	"internal/web":                    "internal/history templates",
	"internal/doctor":                 "internal/forge",
	"internal/fakehub":                "",
	"internal/canary":                 "",
	"internal/app":                    "config internal/advisory internal/bot internal/change internal/doctor internal/ecosystem internal/ecosystem/... internal/finding internal/forge internal/forge/github internal/forge/github/hook internal/git internal/history internal/policy internal/queue internal/report internal/scan internal/scan/... internal/store internal/upgrade internal/verify internal/web",
	"internal/demo":                   "config internal/app internal/advisory internal/fakehub internal/finding internal/forge internal/report templates",
	"internal/load":                   "",
	"internal/load/gogithubapp":       "",
	"internal/cli":                    "config internal/advisory internal/app internal/change internal/demo internal/doctor internal/finding internal/git internal/policy internal/report internal/scan internal/upgrade",
}

// never lists what a package may not reach, directly or through others.
var never = []struct{ from, to string }{
	{"internal/change", "github.com/go-git/"},
	{"internal/finding", "net/http"},
	{"internal/forge", "github.com/google/go-github"},
	{"internal/scan", "github.com/go-git/"},
	{"internal/scan/secret", "github.com/google/go-github"},
	{"internal/scan/secret", "github.com/aquasecurity/"},
	{"internal/policy", "net/http"},
	{"internal/policy", "database/sql"},
	{"internal/history", "database/sql"},
	{"internal/report", "github.com/google/go-github"},
	{"internal/report", "database/sql"},
	{"internal/bot", "github.com/google/go-github"},
	{"internal/bot", "database/sql"},
	{"internal/bot", "github.com/aquasecurity/"},
	{"internal/doctor", "github.com/google/go-github"},
	{"internal/doctor", "database/sql"},
	{"internal/web", "github.com/google/go-github"},
	{"internal/fakehub", "github.com/"},
}

type pkg struct {
	ImportPath    string
	Imports, Deps []string
}

func TestLayout(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", module+"...").Output()
	require.NoError(t, err)
	all := map[string]pkg{}
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p pkg
		require.NoError(t, d.Decode(&p))
		all[strings.TrimPrefix(p.ImportPath, module)] = p
	}
	for name, p := range all {
		allowed, known := rule(name)
		if name == "internal" || strings.HasPrefix(name, "testdata") {
			continue
		}
		if !assert.True(t, known, "%s is not on the map", name) {
			continue
		}
		for _, imported := range p.Imports {
			if ours, ok := strings.CutPrefix(imported, module); ok {
				assert.True(t, matches(allowed, ours), "%s imports %s, which the map does not allow", name, ours)
			}
		}
		for _, word := range []string{"util", "common", "helper", "misc"} {
			assert.NotContains(t, name, word, "a name that says nothing")
		}
	}
	for _, r := range never {
		for _, dep := range all[r.from].Deps {
			assert.False(t, strings.HasPrefix(dep, r.to), "%s reaches %s, which it must never", r.from, dep)
		}
	}
}

func rule(name string) ([]string, bool) {
	if list, ok := may[name]; ok {
		return strings.Fields(list), true
	}
	for pattern, list := range may {
		if prefix, ok := strings.CutSuffix(pattern, "..."); ok && strings.HasPrefix(name, prefix) {
			return strings.Fields(list), true
		}
	}
	return nil, false
}

func matches(allowed []string, name string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		prefix, below := strings.CutSuffix(a, "...")
		return a == name || below && strings.HasPrefix(name, prefix)
	})
}
