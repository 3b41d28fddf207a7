package dependency

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestManifestOfAMillionPackages holds that a manifest with a package stated a
// million times is read in bounded time, or refused with a clear message.
func TestManifestOfAMillionPackages(t *testing.T) {
	const million = 1_000_000
	lock := func(count int) string {
		var b strings.Builder
		b.WriteString(`{"lockfileVersion":3,"packages":{"":{}`)
		for n := range count {
			fmt.Fprintf(&b, ",\"%x/node_modules/merge-all\":{\"version\":\"2.0.1\"}", n)
		}
		return b.String() + "}}"
	}
	module := func(count int) string {
		return "module m\nrequire (\n" + strings.Repeat("example.com/parser v0.1.0\n", count) + ")\n"
	}
	for name, c := range map[string]struct{ path, text, says string }{
		"pip":                  {"requirements.txt", strings.Repeat("tiny-templates==2.0\n", million), "larger than 4 MiB"},
		"pip, within the size": {"requirements.txt", strings.Repeat("a\n", million), "more than 20000 lines: the rest is not read"},
		"pip, within both":     {"requirements.txt", strings.Repeat("a\n", 20_000), "states a more than 5000 times: the other entries are not scanned"},
		"npm":                  {"package-lock.json", lock(million), "larger than 16 MiB"},
		"npm, within the size": {"package-lock.json", lock(100_000), "states merge-all more than 5000 times: the other entries are not scanned"},
		"go":                   {"go.mod", module(million), "larger than 4 MiB"},
		"go, within the size":  {"go.mod", module(100_000), ""}, // one requirement of a module counts
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			r := introduced(t, New(fixture(t), ecosystems()), nil, map[string]string{c.path: c.text})
			took := time.Since(start)
			assert.Less(t, took, time.Minute)
			var why []string
			for _, skip := range r.Statuses[0].Incomplete {
				why = append(why, skip.Why)
			}
			if c.says != "" {
				assert.Contains(t, why, c.says)
				return
			}
			assert.Empty(t, why)
			assert.Len(t, r.Findings, 1)
		})
	}
}
