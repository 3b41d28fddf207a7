package app

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
	"github.com/pullwarden/pullwarden/internal/scan/coverage"
)

// formats are the registered scanners that read formats. They are asked what
// they read and do not run: that is another matter, and takes longer.
func formats(t *testing.T) []scan.Scanner {
	t.Helper()
	db, err := advisory.Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	var out []scan.Scanner
	for _, s := range Scanners(db, Ecosystems(config.Registries{}, nil), SecretRules{}) {
		if r, ok := s.(scan.Reader); ok {
			out = append(out, readsOnly{s, r})
		}
	}
	require.Len(t, out, 2, "dependency and iac; add yours to TestCoverage")
	return out
}

// readsOnly is a scanner that finds nothing.
type readsOnly struct {
	of scan.Scanner
	scan.Reader
}

func (a readsOnly) Name() string                  { return a.of.Name() }
func (a readsOnly) Rules() []finding.Rule         { return nil }
func (a readsOnly) Wants(*change.Change) []string { return nil }
func (a readsOnly) EveryCommit() bool             { return false }
func (a readsOnly) Inspect(context.Context, scan.Snapshot) (scan.Report, error) {
	return scan.Report{}, nil
}

// TestCoverage walks the known kinds that are not read, and what is registered.
func TestCoverage(t *testing.T) {
	scanners := formats(t)
	uncovered := func(t *testing.T, before, after fstest.MapFS) []finding.Uncovered {
		c, err := change.Between(t.Context(), before, after)
		require.NoError(t, err)
		return scan.Run(t.Context(), scanners, c, scan.Options{}).Scanned.Uncovered
	}
	a, err := txtar.ParseFile("../scan/coverage/testdata/examples.txtar")
	require.NoError(t, err)
	examples := map[string]bool{}
	before := fstest.MapFS{}
	for _, f := range a.Files {
		if kind, p, ok := strings.Cut(f.Name, " + "); ok {
			require.NotEmpty(t, kind)
			before[p] = &fstest.MapFile{Data: f.Data}
			continue
		}
		kind, p, ok := strings.Cut(f.Name, " | ")
		require.True(t, ok, f.Name)
		assert.False(t, examples[kind], "%s has two examples", kind)
		examples[kind] = true
		t.Run(kind, func(t *testing.T) {
			after := fstest.MapFS{p: {Data: f.Data}}
			for p, f := range before {
				after[p] = f
			}
			got := uncovered(t, before, after)
			require.Len(t, got, 1, "a line, and one only: does a scanner read it now? Then its kind goes from the list")
			assert.Equal(t, kind, got[0].Kind)
			assert.Equal(t, []string{p}, got[0].Paths)
			assert.True(t, strings.HasPrefix(got[0].Label, "1 "), got[0].Label)
			assert.Empty(t, uncovered(t, after, before), "what is gone is not named")
			after["main.go"] = &fstest.MapFile{Data: []byte("package main\n")}
			delete(after, p)
			assert.Empty(t, uncovered(t, before, after), "nor is what is not touched")
		})
		before = fstest.MapFS{}
	}
	for _, k := range coverage.Kinds() {
		assert.True(t, examples[k.Name], "%s has no example", k.Name)
	}
	assert.GreaterOrEqual(t, len(examples), 43)

	// Each known kind in one change.
	all := fstest.MapFS{}
	for _, f := range a.Files {
		_, p, ok := strings.Cut(f.Name, " | ")
		if !ok {
			_, p, _ = strings.Cut(f.Name, " + ")
		}
		all["d"+fmt.Sprint(len(all))+"/"+p] = &fstest.MapFile{Data: f.Data}
	}
	assert.Greater(t, len(uncovered(t, nil, all)), len(examples)*9/10, "those that count at the root only are not among them")

	for p, text := range map[string]string{
		"go.mod":                 "module m\n\ngo 1.17\n\nrequire example.com/a v1.0.0\n",
		"tools/go.mod":           "module m\n",
		"go.work":                "go 1.22\nuse .\n",
		"package-lock.json":      `{"lockfileVersion": 3, "packages": {}}`,
		"npm-shrinkwrap.json":    `{"lockfileVersion": 2, "packages": {}}`,
		"requirements.txt":       "a==1\n",
		"requirements/dev.in":    "a\n",
		"requirements.pip":       "a==1\n",
		"main.tf":                "",
		"main.tf.json":           "{}",
		"main.tofu":              "",
		"prod.tfvars":            "",
		"Dockerfile":             "FROM scratch\n",
		"Containerfile.dev":      "FROM scratch\n",
		"k8s/web.yaml":           "apiVersion: v1\nkind: Pod\n",
		"k8s/list.json":          `{"apiVersion": "v1", "kind": "List", "items": []}`,
		"chart/crds/x.yaml":      "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n",
		"k8s/compose.yaml":       "apiVersion: v1\nkind: ConfigMap\ndata: {AWSTemplateFormatVersion: x}\n",
		"crossplane/bucket.yaml": "apiVersion: s3.aws.upbound.io/v1beta1\nkind: Bucket\n",
	} {
		t.Run(p, func(t *testing.T) {
			assert.Empty(t, uncovered(t, nil, fstest.MapFS{p: {Data: []byte(text)}}), "it is read")
			read := false
			for _, s := range scanners {
				c, err := change.Between(t.Context(), change.Empty(), fstest.MapFS{p: {Data: []byte(text)}})
				require.NoError(t, err)
				read = read || s.(scan.Reader).Reads(t.Context(), scan.Snapshot{Side: scan.After, Files: c.Files, Touched: []string{p}, Tree: c.After, Contents: c.Contents})(p)
			}
			assert.True(t, read, "by one of the scanners")
		})
	}
}
