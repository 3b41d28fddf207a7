package cli_test

import (
	"archive/zip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// publish writes records as OSV publishes them: DIR/ECOSYSTEM/all.zip.
func publish(t *testing.T, ecosystem string, records map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, ecosystem), 0o755))
	f, err := os.Create(filepath.Join(dir, ecosystem, "all.zip"))
	require.NoError(t, err)
	z := zip.NewWriter(f)
	for name, text := range records {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = w.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	require.NoError(t, f.Close())
	return dir
}

func record(id, ecosystem, name, fixed string) string {
	return `{"id": "` + id + `", "modified": "2026-10-01T00:00:00Z", "summary": "A mistake",
	"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N"}],
	"affected": [{"package": {"ecosystem": "` + ecosystem + `", "name": "` + name + `"},
	"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "` + fixed + `"}]}]}]}`
}

func TestAdvisories(t *testing.T) {
	env := map[string]string{"PULLWARDEN_ADVISORIES_DIR": filepath.Join(t.TempDir(), "index")}
	dir := publish(t, "PyPI", map[string]string{
		"a.json": record("DEMO-1", "PyPI", "example-ledger", "4.1.3"),
		"b.json": `{"id": "DEMO-2", "modified": "2026-10-01T00:00:00Z", "withdrawn": "2026-10-01T00:00:00Z", "affected": [{"package": {"ecosystem": "PyPI", "name": "x"}}]}`,
		"c.json": `{"id": "DEMO-3", "modified": "2026-10-01T00:00:00Z", "affected": [{"package": {"ecosystem": "PyPI", "name": "unversioned"}}]}`,
	})
	code, out, errs := call(t, "/", env, "advisories", "import", dir)
	require.Zero(t, code, errs)
	assert.Contains(t, out, "2 advisories, 1 withdrawn left out")
	assert.Regexp(t, `(?m)^  PyPI +2$`, out)
	assert.Contains(t, out, "without any version, so nothing matches them: DEMO-3 of PyPI unversioned")
	code, again, _ := call(t, "/", env, "advisories", "info")
	assert.Zero(t, code)
	assert.Equal(t, out, again)
	_, out, _ = call(t, "/", env, "version")
	assert.NotContains(t, out, "none imported")

	r := newRepository(t, map[string]string{"README": "x\n"})
	r.write(map[string]string{"requirements.txt": "example-ledger==4.1.2\n"})
	r.git("add", "-A")
	code, out, _ = call(t, r.dir, env, "scan")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "DEMO-1")
	assert.Contains(t, out, "4.1.3")

	// What fails leaves the index as it is.
	empty := t.TempDir()
	broken := publish(t, "PyPI", nil)
	require.NoError(t, os.WriteFile(filepath.Join(broken, "PyPI", "all.zip"), []byte("PK\x03\x04 not a zip"), 0o600))
	odd := publish(t, "PyPI", map[string]string{"a.json": `{"id": `})
	for name, bad := range map[string]string{"missing": filepath.Join(empty, "nothing"), "empty": empty, "broken": broken, "odd": odd} {
		code, out, errs := call(t, "/", env, "advisories", "import", bad)
		assert.Equal(t, 2, code, name)
		assert.Empty(t, out, name)
		assert.Contains(t, errs, bad, name)
	}
	_, still, _ := call(t, "/", env, "advisories", "info")
	assert.Equal(t, again, still)

	code, _, errs = call(t, "/", nil, "advisories", "import", dir)
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "PULLWARDEN_ADVISORIES_DIR")
	code, out, _ = call(t, "/", map[string]string{"PULLWARDEN_ADVISORIES_DIR": empty}, "advisories", "info")
	assert.Zero(t, code)
	assert.Contains(t, out, "no advisories")
}
