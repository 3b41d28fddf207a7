package cli_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConfigCheck(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("good.yml", "version: 1\nblock: high\n")
	code, out, _ := call(t, dir, nil, "config", "check", "good.yml")
	assert.Zero(t, code)
	assert.Equal(t, "good.yml is valid\n", out)

	write("bad.yml", "version: 1\nblock: hihg\nscanners:\n  iac: {skipp: [AWS-0089]}\n")
	code, out, errs := call(t, dir, nil, "config", "check", "bad.yml")
	assert.Equal(t, 1, code)
	assert.Empty(t, out)
	assert.Regexp(t, `(?m)^bad.yml:2:8: .block. must be`, errs)
	assert.Regexp(t, `(?m)^bad.yml:4:9: .*skipp`, errs)

	write("broken.yml", "version: [1\n")
	code, _, errs = call(t, dir, nil, "config", "check", "broken.yml")
	assert.Equal(t, 1, code)
	assert.Regexp(t, `^broken.yml:\d+:\d+: `, errs)

	code, _, errs = call(t, dir, nil, "config", "check", "nothing.yml")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "nothing.yml")
	code, _, errs = call(t, dir, nil, "config", "check", ".")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "directory")
}

func TestConfigOfAnOrganisation(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"org.yml": "version: 1\nfloors: {block: high}\n", "repo.yml": "version: 1\nblock: never\n", "bad.yml": "version: 1\nfloors:\n  blok: high\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	code, out, _ := call(t, dir, nil, "config", "check", "--organisation", "org.yml", "repo.yml")
	assert.Zero(t, code)
	assert.Equal(t, "block: never is below the organisation's floor, and counts as high\nrepo.yml is valid\norg.yml is valid\n", out)
	code, out, _ = call(t, dir, nil, "config", "explain", "--organisation", "org.yml", "repo.yml")
	assert.Zero(t, code)
	assert.Regexp(t, `(?m)^block +high +floor of the organisation, line 2$`, out)

	code, _, errs := call(t, dir, nil, "config", "check", "--organisation", "bad.yml")
	assert.Equal(t, 1, code)
	assert.Regexp(t, "^bad.yml:3:3: unknown key `blok`", errs)
	code, _, errs = call(t, dir, nil, "config", "check")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "name a file")
}

func TestConfigExplain(t *testing.T) {
	r := newRepository(t, map[string]string{".github/pullwarden.yml": "version: 1\nblock: critical\n"})
	code, out, errs := call(t, r.dir, nil, "config", "explain")
	assert.Zero(t, code, errs)
	assert.Regexp(t, `(?m)^block +critical +line 2`, out)
	assert.Regexp(t, `(?m)^comment +medium +default`, out)

	r = newRepository(t, map[string]string{"README": "x\n"})
	code, out, _ = call(t, r.dir, nil, "config", "explain")
	assert.Zero(t, code)
	assert.NotContains(t, out, " line ")
}

// TestBadInputConfigKey: a config key that does not exist stops the start.
func TestBadInputConfigKey(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "c.yml"), []byte("log: {level: info}\nreviw: {workers: 3}\n"), 0o600))
	code, out, errs := call(t, dir, nil, "serve", "--config", "c.yml")
	assert.Equal(t, 2, code)
	assert.Empty(t, out)
	assert.Contains(t, errs, "c.yml: settings: ")
	assert.Contains(t, errs, "line 2: field reviw not found")
}

func TestServeNamesEachBadSetting(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "c.yml"), []byte(text), 0o600))
	}
	write("address: nowhere\ndatabase_url: mysql:x\nreview: {workers: 0, deadline: 1ms, scanner_timeout: 0s, mode: lax}\nupgrades: {first_day: -1}\ngithub: {v3_api_url: ftp://x}\n")
	code, _, errs := call(t, dir, nil, "serve", "--config", "c.yml")
	assert.Equal(t, 2, code)
	for _, key := range []string{
		"address", "database_url", "review.workers", "review.deadline", "review.scanner_timeout", "review.mode", "upgrades.first_day",
		"github.v3_api_url", "github.app.integration_id", "github.app.webhook_secret", "github.app.private_key",
	} {
		assert.Regexp(t, `(?m)(^|: )`+strings.ReplaceAll(key, ".", `\.`)+`: `, errs)
	}

	write("log: {level: loud}\n")
	code, _, errs = call(t, dir, nil, "serve", "--config", "c.yml")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, `log.level: "loud"`)
	code, _, errs = call(t, dir, nil, "serve", "--config", "nothing.yml")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "nothing.yml")

	env := map[string]string{
		"GITHUB_APP_INTEGRATION_ID": "1", "GITHUB_APP_WEBHOOK_SECRET": "hush", "GITHUB_APP_PRIVATE_KEY": "-----BEGIN RSA PRIVATE KEY-----\nnonsense",
		"PULLWARDEN_DATABASE_URL": "sqlite:" + filepath.Join(dir, "p.db"), "PULLWARDEN_ADVISORIES_DIR": dir,
		"PULLWARDEN_ADDRESS": "127.0.0.1:0", "PULLWARDEN_ADMIN_ADDRESS": "127.0.0.1:0",
	}
	code, _, errs = call(t, dir, env, "serve")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "private_key")
	assert.NotContains(t, errs, "nonsense")

	env["GITHUB_APP_PRIVATE_KEY"] = privateKey(t)
	env["PULLWARDEN_DATABASE_URL"] = "sqlite:" + dir
	code, _, errs = call(t, dir, env, "serve")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "database_url")

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	env["PULLWARDEN_DATABASE_URL"] = "sqlite:" + filepath.Join(dir, "p.db")
	env["PULLWARDEN_ADMIN_ADDRESS"] = taken.Addr().String()
	code, _, errs = call(t, dir, env, "serve")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "admin_address")
}

func TestVersion(t *testing.T) {
	code, out, _ := call(t, t.TempDir(), nil, "version")
	assert.Zero(t, code)
	assert.Regexp(t, `^pullwarden \S.*\nrules +[0-9a-f]{16}\nadvisories none imported\n$`, out)
}
