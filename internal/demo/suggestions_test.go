package demo_test

import (
	"io"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
)

// TestSuggestions accepts each suggestion as GitHub's button does and looks
// again: what was found is gone, and no other character of the file changed.
func TestSuggestions(t *testing.T) {
	a := ofAllScripts(t)
	t.Run("of the scripts", func(t *testing.T) {
		assert.NotEmpty(t, a.tried)
		t.Logf("%d suggestions were accepted", len(a.tried))
		for _, w := range a.wrong {
			t.Error(w)
		}
	})
	t.Run("of the sample", func(t *testing.T) {
		stage := watched(t, demo.StageOptions{}, io.Discard, zerolog.InfoLevel)
		repo, number, err := stage.OpenSample(t.Context())
		require.NoError(t, err)
		opened, err := repo.PullEvent(number, "opened")
		require.NoError(t, err)
		require.NoError(t, stage.Deliver(t.Context(), opened))
		require.NoError(t, stage.Settle(t.Context()))
		before := len(a.tried)
		for _, wrong := range a.apply(t.Context(), "the sample", stage, repo, number) {
			t.Error(wrong)
		}
		assert.GreaterOrEqual(t, len(a.tried)-before, 3, "of a dependency, of Terraform and of Kubernetes")
	})

	bucket := "resource \"aws_s3_bucket\" \"b\" {\n  bucket = \"b\"\n}\n\nresource \"aws_s3_bucket_acl\" \"b\" {\n  bucket = aws_s3_bucket.b.id\n  acl    = \"public-read\"\n}\n"
	w := newWorld(t, demo.StageOptions{})
	for _, c := range []struct {
		name, path, text string
		tried            int
	}{
		{"of a file with CRLF", "infra/main.tf", strings.ReplaceAll(bucket, "\n", "\r\n"), 1},
		{"of a line with tabs", "infra/main.tf", strings.ReplaceAll(bucket, "  acl    =", "\t\tacl\t="), 1},
		{"of a line with back-ticks", "infra/main.tf", strings.ReplaceAll(bucket, "\"public-read\"", "\"public-read\" # not ```private```"), 1},
		{"of a list of packages", "requirements.txt", "example-charts==2.0.0\nexample-ledger==4.1.2\n", 1},
		{"of a list with CRLF", "requirements.txt", "example-charts==2.0.0\r\nexample-ledger==4.1.2\r\n", 1},
		{"of a line with more than the version", "requirements.txt", "  example-ledger == 4.1.2  # ``` see the `docs`\n", 1},
		{"of the last line without an end", "requirements.txt", "example-charts==2.0.0\nexample-ledger==4.1.2", 1},
		{"of two lines of one file", "deploy/pods.yaml", pod("a") + "---\n" + pod("b"), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			outer := w.t
			w.t = t
			defer func() { w.t = outer }()
			number, _ := w.open(map[string]string{c.path: c.text})
			w.deliver(number, "opened")
			w.settle()
			before := len(a.tried)
			for _, wrong := range a.apply(t.Context(), c.name, w.Stage, w.repo, number) {
				t.Error(wrong)
			}
			assert.Equal(t, c.tried, len(a.tried)-before, "suggestions that were accepted")
		})
	}
}

func pod(name string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name + "\n  namespace: shop\nspec:\n  containers:\n    - name: " + name +
		"\n      image: registry.example/shop:1.4.2\n      securityContext:\n        privileged: true\n"
}
