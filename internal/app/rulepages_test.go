package app_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/app"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
)

var update = flag.Bool("update", false, "write docs/rules anew")

// TestRulePages: each rule that a scanner can report has its page in
// docs/rules, the page says what the rule says, and there is no other.
func TestRulePages(t *testing.T) {
	const dir = "../../docs/rules"
	var rules []finding.Rule
	for _, s := range app.Scanners(nil, app.Ecosystems(config.Registries{}, nil), app.SecretRules{}) {
		own := s.Rules()
		require.NotEmpty(t, own, s.Name())
		rules = append(rules, own...)
	}
	pages, err := report.RulePages(rules)
	require.NoError(t, err)
	assert.Len(t, pages, len(rules)+1, "a page for each, and the index")

	written := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || d.IsDir() || filepath.Ext(p) != ".md" {
			return err
		}
		text, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		written[filepath.ToSlash(rel)] = string(text)
		return err
	}))
	if *update {
		for file := range written {
			if _, ok := pages[file]; !ok {
				require.NoError(t, os.Remove(filepath.Join(dir, file)))
			}
		}
		for file, text := range pages {
			file = filepath.Join(dir, file)
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
			require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		}
		return
	}
	const again = "go test ./internal/app -run TestRulePages -update"
	folded := map[string]string{}
	for file, text := range pages {
		if got, ok := written[file]; !ok {
			t.Errorf("docs/rules/%s is missing: %s", file, again)
		} else if got != text {
			t.Errorf("docs/rules/%s is stale: %s", file, again)
		}
		other := folded[strings.ToLower(file)]
		assert.Empty(t, other, "%s and %s are one file where case does not count", file, other)
		folded[strings.ToLower(file)] = file
	}
	for file := range written {
		assert.Contains(t, pages, file, "a page of no rule")
	}
}

// TestRulePagesCanBeFollowed: what a page says to write is a valid policy.
func TestRulePagesCanBeFollowed(t *testing.T) {
	block := regexp.MustCompile("(?s)```yaml\n((?:ignore|scanners):.*?)```")
	for _, s := range app.Scanners(nil, app.Ecosystems(config.Registries{}, nil), app.SecretRules{}) {
		pages, err := report.RulePages(s.Rules())
		require.NoError(t, err)
		for _, r := range s.Rules() {
			page := pages[r.ID+".md"]
			blocks := block.FindAllStringSubmatch(page, -1)
			require.NotEmpty(t, blocks, r.ID)
			text := "version: 1\n"
			for _, b := range blocks {
				text += strings.ReplaceAll(b[1], "YYYY-MM-DD", "2027-01-31")
			}
			p, err := policy.Parse([]byte(text))
			require.NoError(t, err, "%s:\n%s", r.ID, text)
			require.Len(t, p.Ignore, 1)
			if !strings.HasPrefix(r.ID, "dependency/") { // whose example names one advisory
				assert.Equal(t, r.ID, p.Ignore[0].Rule)
			}
			for _, part := range []string{"## What it finds\n\n", "## Why it matters\n\n", "## How to fix it\n\n", "## How to say no\n\n"} {
				_, rest, ok := strings.Cut(page, part)
				assert.True(t, ok && rest[0] != '\n' && rest[0] != '#', "%s has nothing under %q", r.ID, part)
			}
		}
	}
}
