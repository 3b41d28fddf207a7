package iac

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/scan"
)

func TestReads(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\n"
	for name, tc := range map[string]struct {
		path, text string
		want       bool
	}{
		"terraform":                  {"a/main.tf", "", true},
		"variables":                  {"a/x.tfvars.json", "", true},
		"dockerfile":                 {"Dockerfile.dev", "", true},
		"template of a dockerfile":   {"Dockerfile.j2", "", false},
		"manifest":                   {"a.yaml", pod, true},
		"second document":            {"a.yml", "x: 1\n---\n" + pod, true},
		"in two documents":           {"a.yml", "apiVersion: v1\n---\nkind: Pod\n", false},
		"quoted":                     {"a.yaml", "\"apiVersion\": v1\n'kind': Pod\n", true},
		"in braces":                  {"a.yaml", "{apiVersion: v1,\nkind: Pod}\n", true},
		"UTF-16":                     {"a.yaml", "\xff\xfea\x00p\x00i\x00V\x00e\x00r\x00s\x00i\x00o\x00n\x00:\x00v\x00\n\x00k\x00i\x00n\x00d\x00:\x00P\x00\n\x00", true},
		"JSON":                       {"a.json", "{\n  \"metadata\": [],\n  \"apiVersion\": \"v1\", \"kind\": \"Pod\"}", true},
		"JSON of another kind":       {"a.json", `{"apiVersions": 1, "x": {"kind": "y"}}`, false},
		"no manifest":                {"a.yaml", "services: {}\n", false},
		"a patch in a kustomization": {"kustomization.yaml", "patches:\n- patch: |-\n    apiVersion: v1\n    kind: Pod\n", false},
		"a kustomization":            {"kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", false},
		"beside one":                 {"k.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Component\n---\n" + pod, true},
		"template of a chart":        {"chart/templates/a.yaml", pod + "x: {{ .y }}\n", false},
		"without actions":            {"chart/templates/a.yaml", pod, true},
		"outside of the chart":       {"templates/a.yaml", pod + "x: '{{ .y }}'\n", true},
		"another file":               {"main.bicep", pod, false},
		"a file that cannot be read": {"gone.yaml", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{"chart/Chart.yaml": {Data: []byte("name: x\n")}}
			if tc.path != "gone.yaml" {
				tree[tc.path] = &fstest.MapFile{Data: []byte(tc.text)}
			}
			c, err := change.Between(t.Context(), change.Empty(), tree)
			require.NoError(t, err)
			s := &Scanner{engine: func() (*engine, error) { panic("the checks are not needed") }}
			assert.Equal(t, tc.want, s.Reads(t.Context(), scan.Snapshot{Side: scan.After, Files: c.Files, Tree: c.After, Contents: c.Contents})(tc.path))
		})
	}
}
