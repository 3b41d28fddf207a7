package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestScanStaged(t *testing.T) {
	r := newRepository(t, map[string]string{"README": "The shop.\n"})
	r.git("checkout", "-q", "-b", "topic")
	r.commit("Pay", map[string]string{"old.go": withSecret()})
	code, out, errs := call(t, r.dir, nil, "scan", "--staged")
	assert.Zero(t, code, "what is committed is no news: %s%s", out, errs)
	r.write(map[string]string{"pay.go": withSecret()})
	code, _, _ = call(t, r.dir, nil, "scan", "--staged")
	assert.Zero(t, code, "what is not staged is not looked at")
	r.git("add", "pay.go")
	code, out, _ = call(t, r.dir, nil, "scan", "--staged")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "pay.go:3")
	assert.NotContains(t, out, "old.go")

	// Only one check: a manifest that could not be judged is left to the others.
	r.git("reset", "-q", "--hard")
	r.write(map[string]string{"requirements.txt": "example-charts==2.0.0\n"})
	r.git("add", "-A")
	none := map[string]string{"PULLWARDEN_ADVISORIES_DIR": t.TempDir()}
	code, _, _ = call(t, r.dir, none, "scan", "--staged")
	assert.Equal(t, 2, code)
	code, out, errs = call(t, r.dir, none, "scan", "--staged", "--only", "secret")
	assert.Zero(t, code, out+errs)

	for _, wrong := range [][]string{{"--staged", "--all"}, {"--staged", "--base", "main"}, {"--only", "passwords"}} {
		code, _, errs = call(t, r.dir, nil, append([]string{"scan"}, wrong...)...)
		assert.Equal(t, 2, code)
		assert.Regexp(t, `what is staged cannot be combined|--only: "passwords" is none of secrets, `, errs)
	}
	r.git("reset", "-q", "--hard", "main")
	r.commit("Turn it off", map[string]string{".github/pullwarden.yml": "version: 1\nscanners: {secrets: {enabled: false}}\n"})
	r.git("branch", "-f", "main")
	code, _, errs = call(t, r.dir, nil, "scan", "--all", "--only", "secret")
	assert.Equal(t, 2, code, "a check that is off is no pass")
	assert.Contains(t, errs, "turns secrets off")
}

// TestOwnSecretRules: of two rules of an operator's one holds.
func TestOwnSecretRules(t *testing.T) {
	r := newRepository(t, map[string]string{"README": "The shop.\n"})
	r.write(map[string]string{"pay.go": "package pay\n\nvar key = \"acme_" + "k3v8n4rtq0zl7xw2by9c\"\n"})
	r.git("add", "-A")
	code, _, _ := call(t, r.dir, nil, "scan")
	assert.Zero(t, code)
	file := filepath.Join(t.TempDir(), "acme.toml")
	require.NoError(t, os.WriteFile(file, []byte(`
[[rules]]
id = "acme-token"
regex = '\b(acme_[a-z0-9]{20})\b'
keywords = ["acme_"]
[rules.examples]
hit = ['acme_§m3v8n4rtq0zl7xw2by9c']
near = ['acme_§m3v8']

[[rules]]
id = "acme-everything"
regex = '.*'
keywords = ["acme_"]
`), 0o600))
	env := map[string]string{"PULLWARDEN_SECRET_RULES": file}
	code, out, errs := call(t, r.dir, env, "scan")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "pay.go:3")
	assert.Contains(t, out, "secret/custom/acme-token")
	assert.NotContains(t, out, "k3v8n4rtq0")
	assert.Regexp(t, `rule acme-everything: keywords: `, errs)
	code, _, errs = call(t, r.dir, map[string]string{"PULLWARDEN_SECRET_RULES": file + "x"}, "scan")
	assert.Equal(t, 2, code, "rules that are gone are no rules less")
	assert.Contains(t, errs, "PULLWARDEN_SECRET_RULES: ")
}

// TestHook commits with the hook of docs/pre-commit.md.
func TestHook(t *testing.T) {
	doc, err := os.ReadFile("../../docs/pre-commit.md")
	require.NoError(t, err)
	hook := regexp.MustCompile("(?s)```sh\n(#!/bin/sh\n.*?)```").FindSubmatch(doc)
	require.NotNil(t, hook)
	r := newRepository(t, map[string]string{"README": "The shop.\n"})
	hooks := filepath.Join(r.dir, ".git", "hooks")
	require.NoError(t, os.MkdirAll(hooks, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(hooks, "pre-commit"), hook[1], 0o755))
	self, err := os.Executable()
	require.NoError(t, err)
	bin := t.TempDir()
	require.NoError(t, os.Symlink(self, filepath.Join(bin, "pullwarden")))
	commit := func(args ...string) (string, error) {
		cmd := exec.Command("git", append([]string{"-c", "user.name=dev", "-c", "user.email=dev@example.com", "commit", "-q", "-m", "Pay"}, args...)...)
		cmd.Dir = r.dir
		cmd.Env = []string{asProgram + "=1", "PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + r.dir, "TMPDIR=" + t.TempDir()}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	head := r.git("rev-parse", "HEAD")
	r.write(map[string]string{"pay.go": withSecret()})
	r.git("add", "-A")
	out, err := commit()
	require.Error(t, err)
	assert.Contains(t, out, "pay.go:3")
	assert.NotContains(t, out, "4eC39HqLyj")
	assert.Equal(t, head, r.git("rev-parse", "HEAD"))
	r.write(map[string]string{"pay.go": "package pay\n"})
	r.git("add", "-A")
	out, err = commit()
	require.NoError(t, err, out)
	assert.NotEqual(t, head, r.git("rev-parse", "HEAD"))

	// These stage what they commit in an index of their own.
	r.write(map[string]string{"pay.go": withSecret()})
	for _, args := range [][]string{{"-a"}, {"pay.go"}} {
		out, err = commit(args...)
		require.Error(t, err, args)
		assert.Contains(t, out, "pay.go:3")
	}
	r.git("checkout", "-q", "pay.go")
	out, err = commit("--allow-empty")
	require.NoError(t, err, out)
	assert.Contains(t, out, "pass: No changes")
}
