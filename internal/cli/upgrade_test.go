package cli_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/dirhash"
)

// goRegistry serves modules of one file each, in versions v1.0.0 and v1.0.1.
func goRegistry(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, file, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/@v/")
		version := strings.TrimSuffix(file, filepath.Ext(file))
		switch filepath.Ext(file) {
		case "":
			fmt.Fprint(w, "v1.0.0\nv1.0.1\n")
		case ".info":
			fmt.Fprintf(w, `{"Version": %q, "Time": "2026-01-01T00:00:00Z"}`, version)
		case ".mod":
			fmt.Fprint(w, goMod(path))
		case ".zip":
			_, _ = w.Write(moduleZip(path, version))
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func goMod(path string) string { return "module " + path + "\n\ngo 1.21\n" }

func moduleZip(path, version string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range map[string]string{"go.mod": goMod(path), "a.go": "package a // " + version + "\n"} {
		w, _ := z.Create(path + "@" + version + "/" + name) // to memory
		_, _ = io.WriteString(w, text)
	}
	_ = z.Close()
	return b.Bytes()
}

func goSum(t *testing.T, path, version string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "m.zip")
	require.NoError(t, os.WriteFile(file, moduleZip(path, version), 0o600))
	all, err := dirhash.HashZip(file, dirhash.Hash1)
	require.NoError(t, err)
	mod, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(goMod(path))), nil })
	require.NoError(t, err)
	return fmt.Sprintf("%s %s %s\n%s %s/go.mod %s\n", path, version, all, path, version, mod)
}

func TestUpgrade(t *testing.T) {
	index := filepath.Join(t.TempDir(), "index")
	env := map[string]string{"PULLWARDEN_ADVISORIES_DIR": index, "GOPROXY": goRegistry(t)}
	r := newRepository(t, map[string]string{
		"app/go.mod": "module example.com/shop\n\ngo 1.22\n\nrequire (\n\texample.com/a v1.0.0\n\texample.com/b v1.0.0\n)", // no newline at its end
		"app/go.sum": goSum(t, "example.com/a", "v1.0.0") + goSum(t, "example.com/b", "v1.0.0"),
	})
	code, _, errs := call(t, r.dir, env, "upgrade")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "advisories import")

	published := publish(t, "Go", map[string]string{
		"a.json": record("DEMO-1", "Go", "example.com/a", "1.0.1"), "b.json": record("DEMO-2", "Go", "example.com/b", "1.0.1"),
	})
	code, _, errs = call(t, r.dir, env, "advisories", "import", published)
	require.Zero(t, code, errs)

	code, out, errs := call(t, r.dir, env, "upgrade")
	assert.Zero(t, code, errs)
	assert.Contains(t, out, "example.com/a v1.0.0 -> v1.0.1 in app/go.mod, settles 1")

	var planned struct {
		Upgrades, Refused []struct {
			Ecosystem, Package, From, To, Manifest string
			Settles, Files                         []string
			Why                                    string
		}
	}
	code, out, _ = call(t, r.dir, env, "upgrade", "--format", "json")
	assert.Zero(t, code)
	require.NoError(t, json.Unmarshal([]byte(out), &planned))
	require.Len(t, planned.Upgrades, 2)
	assert.Equal(t, []string{"app/go.mod", "app/go.sum"}, planned.Upgrades[0].Files)
	assert.Empty(t, planned.Refused)

	code, out, errs = call(t, r.dir, env, "upgrade", "--format", "diff")
	assert.Zero(t, code)
	assert.Contains(t, errs, "not yet: example.com/b", "two plans for one file cannot both apply")
	patch := filepath.Join(t.TempDir(), "p.diff")
	require.NoError(t, os.WriteFile(patch, []byte(out), 0o600))
	r.git("apply", "--index", patch)
	byPatch, sums := r.git("show", ":app/go.mod"), r.git("show", ":app/go.sum")
	assert.Contains(t, byPatch, "example.com/a v1.0.1")
	assert.Contains(t, byPatch, "example.com/b v1.0.0")
	assert.Contains(t, sums, strings.TrimSpace(goSum(t, "example.com/a", "v1.0.1")))

	r.git("reset", "-q", "--hard")
	code, _, errs = call(t, r.dir, env, "upgrade", "--write")
	assert.Zero(t, code)
	assert.Contains(t, errs, "not yet: example.com/b")
	r.git("add", "-A")
	assert.Equal(t, byPatch, r.git("show", ":app/go.mod"))
	assert.Equal(t, sums, r.git("show", ":app/go.sum"))
	code, _, _ = call(t, r.dir, env, "upgrade", "--write")
	assert.Zero(t, code)
	code, out, errs = call(t, r.dir, map[string]string{"PULLWARDEN_ADVISORIES_DIR": index}, "upgrade")
	assert.Zero(t, code)
	assert.Contains(t, out, "nothing to upgrade")
	assert.Empty(t, errs, "no registry is needed")
	r.git("reset", "-q", "--hard")
	code, out, errs = call(t, r.dir, map[string]string{"PULLWARDEN_ADVISORIES_DIR": index}, "upgrade")
	assert.Zero(t, code)
	assert.Contains(t, out, "not upgraded: example.com/a v1.0.0 in app/go.mod: no registry is configured")
	assert.Equal(t, "upgrades of Go modules are off: no registry is configured; set registries.go (PULLWARDEN_REGISTRY_GO)\n", errs)

	code, _, errs = call(t, r.dir, env, "upgrade", "--format", "xml")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "xml")
	code, _, errs = call(t, r.dir, env, "upgrade", "--repo", "nothing")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "nothing")
}
