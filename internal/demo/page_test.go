package demo_test

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
)

// TestPageInABrowser looks at the page as a reviewer's browser does. Where
// PAGE_SCREENSHOT names a file, it leaves a picture there.
func TestPageInABrowser(t *testing.T) {
	var browser string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("no browser: apt-get install chromium")
	}
	show, err := demo.Run(t.Context(), demo.Options{})
	require.NoError(t, err)
	srv := httptest.NewServer(demo.PageHandler(show))
	defer srv.Close()

	flags := []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir=" + t.TempDir(), "--window-size=1200,6000", "--virtual-time-budget=2000",
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, browser, append(flags, "--dump-dom", srv.URL+"/")...).Output()
	require.NoError(t, err)
	dom := string(out)
	for what, want := range map[string]string{
		"the title":                "Receipts, and payment by card",
		"the verdict":              "pullwarden: failure",
		"an inline comment":        "commented on line",
		"a rendered heading":       "<h3",
		"a table of scanners":      "<td",
		"a suggested change":       "language-suggestion",
		"the upgrade":              "Upgrade example.com/markdown to v1.2.1",
		"a diff line":              `<tr class="add">`,
		"how to fix":               "How to fix.",
		"where it was in the past": "only in the history",
	} {
		assert.Contains(t, dom, want, what)
	}
	assert.NotContains(t, dom, "<script", "the page runs nothing")
	assert.NotContains(t, dom, "**", "no Markdown is left unrendered")
	for _, attribute := range []string{`src="http`, `<link`, `@import`} {
		assert.NotContains(t, dom, attribute, "nothing comes from outside")
	}
	if file := os.Getenv("PAGE_SCREENSHOT"); file != "" {
		abs, err := filepath.Abs(file)
		require.NoError(t, err)
		require.NoError(t, exec.CommandContext(ctx, browser, append(flags, "--screenshot="+abs, srv.URL+"/")...).Run())
	}
	assert.Less(t, strings.Count(dom, "commented on line"), 11, "at most ten inline comments")
}
