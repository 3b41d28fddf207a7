package demo_test

import (
	"maps"
	"math/rand"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/report"
	"github.com/pullwarden/pullwarden/internal/scan"
	"github.com/pullwarden/pullwarden/internal/scan/secret"
	"github.com/pullwarden/pullwarden/internal/scan/secret/secrettest"
)

// plantedOfEachRule are secrets of every rule, by path, each in a file in which it is found.
func plantedOfEachRule(t *testing.T) map[string]secrettest.Planted {
	r := rand.New(rand.NewSource(5))
	out := map[string]secrettest.Planted{}
	scanner := secret.New()
	for range 60 { // what is made up at random may look too plain
		all, err := secrettest.OfEachRule(r, "../scan/secret/rules")
		require.NoError(t, err)
		files, tried := fstest.MapFS{}, map[string]secrettest.Planted{}
		for _, p := range all {
			if _, done := out[p.Rule]; !done {
				files[p.Path], tried[p.Path] = &fstest.MapFile{Data: []byte(p.Text)}, p
			}
		}
		if len(files) == 0 {
			continue
		}
		c, err := change.Between(t.Context(), change.Empty(), files)
		require.NoError(t, err)
		result := scan.Run(t.Context(), []scan.Scanner{scanner}, c, scan.Options{Timeout: time.Minute})
		require.NoError(t, result.Statuses[0].Err)
		for _, f := range result.Findings {
			if p, ok := tried[f.At.Path]; ok {
				out[p.Rule] = p
			}
		}
	}
	return out
}

// unguessable is a part of a value that is chance, not the form that all such values have.
var unguessable = regexp.MustCompile(`[A-Za-z0-9+/_=-]{10,}`)

// TestCanariesOfEveryRule plants a secret of every rule: at head, in the
// history, in names of files, and in what GitHub repeats in its errors.
func TestCanariesOfEveryRule(t *testing.T) {
	all := plantedOfEachRule(t)
	rules := map[string]bool{}
	for _, r := range secret.New().Rules() {
		rules[r.ID] = true
	}
	delete(rules, "secret/pkcs12-file") // it looks at the file, not at what is in it
	for rule := range all {
		delete(rules, rule)
	}
	require.Empty(t, slices.Sorted(maps.Keys(rules)), "rules of which nothing was planted")

	var reports strings.Builder
	o := demo.StageOptions{Reviewed: func(_ forge.Pull, r report.Report) {
		for _, format := range report.Formats() {
			assert.NoError(t, format(&reports, &r))
		}
	}}
	w := &world{t: t, log: &logBuffer{}}
	watch := watching(&o, w.log, zerolog.InfoLevel)
	var err error
	w.Stage, err = demo.NewStage(t.Context(), o)
	require.NoError(t, err)
	defer w.Close()
	w.repo, err = w.Install(t.Context(), "acme", "shop")
	require.NoError(t, err)
	_, err = w.repo.Commit("main", "Begin", map[string]string{"README": "The shop.\n"})
	require.NoError(t, err)
	files := map[string]string{}
	for _, p := range all {
		files[p.Path] = p.Text
		parts := unguessable.FindAllString(p.Value, -1)
		if len(parts) == 0 {
			parts = []string{p.Value}
		}
		for _, part := range parts {
			for len(part) > 12 && strings.Contains(p.Rule, part[:12]) {
				part = part[1:] // the rule is called like what all its values begin with
			}
			if strings.ContainsAny(part, "0123456789") || len(parts) == 1 {
				watch.secret("what "+p.Rule+" found", part)
			}
		}
	}
	check, p := w.review(files)
	assert.Equal(t, "failure", check.Conclusion)
	assert.Len(t, p.Threads, 10)
	// Away from head.
	branch := "topic-1"
	changed := map[string]string{}
	for path := range files {
		changed[path] = "nothing\n"
	}
	_, err = w.repo.Commit(branch, "Take them out", changed)
	require.NoError(t, err)
	w.deliver(p.Number, "synchronize")
	w.settle()
	_, _ = watch.to("reports").Write([]byte(reports.String()))
	assert.Contains(t, reports.String(), "sarif")
	for _, what := range watch.end(t.Name(), w.Stage) {
		t.Error(what)
	}
}
